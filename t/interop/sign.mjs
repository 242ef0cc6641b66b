// SPDX-License-Identifier: Apache-2.0
// Signs webhooks by npm's jose, http-message-signatures, @noble/ed25519 and standardwebhooks. Lines of JSON in and
// out, as t/lib/sign.py has them; of its options it knows scheme, key, alg, kid, body, header, b64, type, method,
// target, authority, components and version (`v1`: symmetric, by standardwebhooks).
import { createHash, createPrivateKey, randomUUID, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import * as ed25519 from '@noble/ed25519';
import { createSigner, httpbis } from 'http-message-signatures';
import * as jose from 'jose';
import { Webhook } from 'standardwebhooks';

globalThis.crypto ??= webcrypto;

const now = () => Math.floor(Date.now() / 1000);
const header = ({ alg, kid }) => ({ alg, kid, iat: now(), jti: randomUUID() });
const keyOf = ({ key, alg }) => jose.importPKCS8(readFileSync(key, 'utf8'), alg);

async function jws(request, body) {
  const text = await new jose.CompactSign(body).setProtectedHeader(header(request)).sign(await keyOf(request));
  return [[['Content-Type', request.type ?? 'application/jose']], Buffer.from(text)];
}

async function jwsDetached(request, body) {
  const raw = request.b64 === false ? { b64: false, crit: ['b64'] } : {};
  const signed = await new jose.FlattenedSign(body)
    .setProtectedHeader({ ...header(request), ...raw })
    .sign(await keyOf(request), raw.crit ? { crit: { b64: true } } : undefined);
  return [[[request.header, `${signed.protected}..${signed.signature}`]], body];
}

async function jwt(request, body) {
  const hash = createHash('sha256').update(body).digest(request.hash_encoding ?? 'hex');
  const token = await new jose.SignJWT({ request_body_sha256: hash })
    .setProtectedHeader({ alg: request.alg, kid: request.kid, typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime('2m')
    .setJti(randomUUID())
    .sign(await keyOf(request));
  return [[[request.header, token]], body];
}

const HTTP_ALGORITHMS = { EdDSA: 'ed25519', ES256: 'ecdsa-p256-sha256', ES384: 'ecdsa-p384-sha384' };

async function httpSignature(request, body) {
  const key = createPrivateKey(readFileSync(request.key));
  const digest = createHash('sha256').update(body).digest('base64');
  const message = {
    method: request.method,
    url: `http://${request.authority}${request.target}`,
    headers: { 'Content-Digest': `sha-256=:${digest}:`, 'Content-Type': 'application/json' },
  };
  const signed = await httpbis.signMessage(
    {
      key: createSigner(key, HTTP_ALGORITHMS[request.alg], request.kid),
      fields: request.components ?? ['@method', '@authority', '@path', '@query', 'content-digest', 'content-type'],
      params: ['created', 'keyid', 'alg', 'nonce', 'expires'],
      paramValues: { nonce: randomUUID(), expires: new Date(Date.now() + 120000) },
    },
    message,
  );
  return [Object.entries(signed.headers), body];
}

async function standardWebhooks(request, body) {
  const id = `msg_${randomUUID()}`;
  const at = new Date();
  const timestamp = String(Math.floor(at / 1000));
  let signature;
  if (request.version === 'v1') {
    // The public key as the secret: what confuses a verifier that lets the sender choose.
    const jwk = createPrivateKey(readFileSync(request.key)).export({ format: 'jwk' });
    const secret = Buffer.from(jwk.x, 'base64url').toString('base64');
    signature = new Webhook(`whsec_${secret}`).sign(id, at, body.toString());
  } else {
    const jwk = createPrivateKey(readFileSync(request.key)).export({ format: 'jwk' });
    const text = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
    const bytes = await ed25519.signAsync(text.toString('hex'), Buffer.from(jwk.d, 'base64url').toString('hex'));
    signature = `v1a,${Buffer.from(bytes).toString('base64')}`;
  }
  return [[['webhook-id', id], ['webhook-timestamp', timestamp], ['webhook-signature', signature]], body];
}

const SCHEMES = {
  jws,
  'jws-detached': jwsDetached,
  jwt,
  'http-signature': httpSignature,
  'standard-webhooks': standardWebhooks,
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const request = JSON.parse(line);
    const [headers, body] = await SCHEMES[request.scheme](request, Buffer.from(request.body, 'base64'));
    answer = { headers, body: body.toString('base64') };
  } catch (error) {
    answer = { error: String(error) };
  }
  console.log(JSON.stringify(answer));
}
