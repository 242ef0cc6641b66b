// SPDX-License-Identifier: Apache-2.0
// A customer's server, by npm's jose: it takes what the platform signed (Webhook-JWT, by the keys that it publishes), and
// answers with a JWT of its own that repeats the evaluationId.
//
//     node customer.mjs PORT KEY.pem ALG KID JWKS_URL
//
// What a request's query asks for besides: ?as=unsigned, ?as=other (the answer to another one).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import * as jose from 'jose';

const [port, pem, alg, kid, jwks] = process.argv.slice(2);
const platform = jose.createRemoteJWKSet(new URL(jwks));
const key = await jose.importPKCS8(readFileSync(pem, 'utf8'), alg);

async function check(request, body) {
  const { payload } = await jose.jwtVerify(request.headers['webhook-jwt'] ?? '', platform, { requiredClaims: ['iat', 'exp', 'jti'] });
  const hash = createHash('sha256').update(body).digest();
  if (![hash.toString('hex'), hash.toString('base64url')].includes(payload.request_body_sha256)) throw new Error('another body');
}

const answerTo = (evaluationId) =>
  new jose.SignJWT({ evaluationId, statusCode: 200 })
    .setProtectedHeader({ alg, kid, typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime('1m')
    .setJti(crypto.randomUUID())
    .sign(key);

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  try {
    await check(request, body);
  } catch (error) {
    response.writeHead(401).end(String(error));
    return;
  }
  const as = new URL(request.url, 'http://localhost').searchParams.get('as');
  const { evaluationId } = JSON.parse(body);
  const answer = as === 'unsigned' ? 'MARK' : await answerTo(as === 'other' ? 'another' : evaluationId);
  response.writeHead(200, { 'Content-Type': 'application/jwt' }).end(answer);
}).listen(Number(port), '127.0.0.1', () => console.log('listening'));
setTimeout(() => process.exit(1), 600_000).unref();
