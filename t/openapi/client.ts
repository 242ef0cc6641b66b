// SPDX-License-Identifier: Apache-2.0
// A customer's program on a client that is generated from the description: registers a key, lists, plans, revokes. The
// compiler holds it to api.d.ts. node client.js URL TOKEN: reads a one-time password a line where one is needed.
import { createInterface } from 'node:readline';
import { generateKeyPairSync } from 'node:crypto';
import createClient from 'openapi-fetch';
import type { components, paths } from './api.js';

const [baseUrl, token] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const code = async () => ({ OTP: String((await lines.next()).value) });
const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
const path = (keyId: string) => ({ params: { path: { enterpriseId: 'generated', keyId } } });
const params = { path: { enterpriseId: 'generated' } };

function tell(what: string, value: unknown) {
    console.log(JSON.stringify([what, value]));
}

const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
const body: components['schemas']['Registration'] = { keyId: 'a/b', keyName: 'Généré', jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: x! }] } };

const tried = await api.POST('/enterprises/{enterpriseId}/webhooks/key-validations', { params, body });
tell('tried', [tried.response.status, tried.data?.keyId, tried.data?.id]);

const refused = await api.POST('/enterprises/{enterpriseId}/webhooks/keys', { params, body });
tell('without a code', [refused.response.status, refused.error?.code]);

const registered = await api.POST('/enterprises/{enterpriseId}/webhooks/keys', { params, body, headers: await code() });
tell('registered', [registered.response.status, registered.data?.keyId, registered.data?.algorithm]);

const listed = await api.GET('/enterprises/{enterpriseId}/webhooks/keys', { params: { ...params, query: { status: 'ACTIVE', limit: 10 } } });
tell('listed', listed.data?.keys.map((key) => [key.keyId, key.keyName, key.status]));

const one = await api.GET('/enterprises/{enterpriseId}/webhooks/keys/{keyId}', path('a/b'));
tell('one', one.data?.id === registered.data?.id);

const revoked = await api.DELETE('/enterprises/{enterpriseId}/webhooks/keys/{keyId}', { ...path('a/b'), headers: await code() });
tell('revoked', [revoked.response.status, revoked.data?.success, revoked.data?.warnings?.length]);

const again = await api.DELETE('/enterprises/{enterpriseId}/webhooks/keys/{keyId}', { ...path('a/b'), headers: await code() });
tell('again', [again.response.status, again.error?.code]);

const events = await api.GET('/enterprises/{enterpriseId}/webhooks/key-events', { params });
tell('events', events.data?.events.map((event) => event.type));
lines.return?.();
process.exit(0);
