// SPDX-License-Identifier: Apache-2.0
// Verifies by npm's jose, http-message-signatures and @noble/ed25519 what httpd signed. Lines of JSON in and out, as
// verify_jwcrypto.py has them; of http-signature also method and url as they arrived.
import { createHash, createPublicKey, webcrypto } from 'node:crypto';
import { createInterface } from 'node:readline';
import * as ed25519 from '@noble/ed25519';
import { createVerifier, httpbis } from 'http-message-signatures';
import * as jose from 'jose';

globalThis.crypto ??= webcrypto;

function check(is, what) {
  if (!is) throw new Error(what);
}

async function jwsDetached({ headers, jwks }, body) {
  const [header, , signature] = headers['Webhook-Signature'].split('.');
  const flattened = { protected: header, payload: body.toString('base64url'), signature };
  const { payload, protectedHeader } = await jose.flattenedVerify(flattened, jose.createLocalJWKSet(jwks));
  check(Buffer.from(payload).equals(body), 'payload');
  check(protectedHeader.exp > Date.now() / 1000 && protectedHeader.jti, 'times');
}

async function jwt({ headers, jwks }, body) {
  const { payload } = await jose.jwtVerify(headers['Webhook-JWT'], jose.createLocalJWKSet(jwks), {
    typ: 'JWT',
    requiredClaims: ['iat', 'exp', 'jti'],
  });
  check(payload.request_body_sha256 === createHash('sha256').update(body).digest('hex'), 'hash');
}

async function httpSignature({ headers, jwks, method, url }, body) {
  const digest = createHash('sha256').update(body).digest('base64');
  check(headers['Content-Digest'] === `sha-256=:${digest}:`, 'digest');
  const isGood = await httpbis.verifyMessage(
    {
      requiredFields: ['@method', '@target-uri', 'content-digest'],
      requiredParams: ['created', 'expires', 'keyid', 'nonce'],
      keyLookup: async ({ keyid }) => {
        const jwk = jwks.keys.find(({ kid }) => kid === keyid);
        const alg = { EdDSA: 'ed25519', ES256: 'ecdsa-p256-sha256', ES384: 'ecdsa-p384-sha384', RS256: 'rsa-v1_5-sha256' }[jwk.alg];
        return { id: keyid, algs: [alg], verify: createVerifier(createPublicKey({ key: jwk, format: 'jwk' }), alg) };
      },
    },
    { method, url, headers },
  );
  check(isGood === true, 'signature');
}

async function standardWebhooks({ headers, jwks }, body) {
  const { x } = jwks.keys.find(({ kid }) => kid === headers['webhook-key-id']);
  const [version, signature] = headers['webhook-signature'].split(',');
  const text = Buffer.concat([Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`), body]);
  check(version === 'v1a', 'version');
  const isGood = await ed25519.verifyAsync(Buffer.from(signature, 'base64').toString('hex'), text.toString('hex'), Buffer.from(x, 'base64url').toString('hex'));
  check(isGood, 'signature');
}

const SCHEMES = {
  'jws-detached': jwsDetached,
  jwt,
  'http-signature': httpSignature,
  'standard-webhooks': standardWebhooks,
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const request = JSON.parse(line);
    await SCHEMES[request.scheme](request, Buffer.from(request.body, 'base64'));
    answer = { ok: true };
  } catch (error) {
    answer = { error: String(error) };
  }
  console.log(JSON.stringify(answer));
}
