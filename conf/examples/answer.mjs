// SPDX-License-Identifier: Apache-2.0
// node answer.mjs KEY KID JWKS_URL PORT
import { createHash, createPrivateKey, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRemoteJWKSet, jwtVerify, SignJWT } from 'jose';

const [keyFile, kid, jwksUrl, port] = process.argv.slice(2);
const key = createPrivateKey(readFileSync(keyFile));
const curves = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };
const alg = key.asymmetricKeyType === 'ed25519' ? 'EdDSA' : curves[key.asymmetricKeyDetails.namedCurve];

// Kept for five minutes; an unknown kid fetches it anew, once a minute at most. The key decides which alg is good.
const keySet = createRemoteJWKSet(new URL(jwksUrl), { cacheMaxAge: 300_000, cooldownDuration: 60_000, timeoutDuration: 5_000 });
const expected = {
  algorithms: ['EdDSA', 'ES256', 'ES384', 'ES512', 'RS256', 'PS256'],
  typ: 'JWT',
  requiredClaims: ['exp', 'iat', 'jti', 'request_body_sha256'],
  maxTokenAge: 300,
  clockTolerance: 30,
  // issuer: 'https://platform.example', audience: 'https://customer.example',    what the platform tells you
};

const used = new Map(); // jti => when it may be forgotten
function useOnce(jti) {
  const now = Date.now();
  for (const [old, end] of used) if (end < now) used.delete(old);
  if (typeof jti !== 'string' || used.has(jti)) throw new Error('jti: used before');
  used.set(jti, now + 400_000);
}

async function verify(token, body) {
  const { payload, protectedHeader } = await jwtVerify(token ?? '', keySet, expected);
  if (!protectedHeader.kid) throw new Error('no kid');
  const hash = createHash('sha256').update(body).digest();
  if (![hash.toString('hex'), hash.toString('base64url')].includes(payload.request_body_sha256)) throw new Error('another body');
  useOnce(payload.jti);
}

// Yours: what the platform does after this.
function decide(event) {
  return typeof event.amount === 'number' && event.amount <= 1000 ? 200 : 403;
}

async function answer(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    if ((size += chunk.length) > 1_048_576) throw new Error('too long');
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  await verify(request.headers['webhook-jwt'], body);
  const event = JSON.parse(body.toString());
  if (typeof event.evaluationId !== 'string') throw new Error('evaluationId');
  return new SignJWT({ evaluationId: event.evaluationId, statusCode: decide(event) })
    .setProtectedHeader({ alg, kid, typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime('60s')
    .setJti(randomUUID())
    .sign(key);
}

createServer(async (request, response) => {
  try {
    const jwt = await answer(request);
    response.writeHead(200, { 'Content-Type': 'application/jwt' }).end(jwt);
  } catch (error) {
    console.error('refused:', error.message);
    response.writeHead(401).end();
  }
}).listen(Number(port), '127.0.0.1');
