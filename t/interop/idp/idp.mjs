// SPDX-License-Identifier: Apache-2.0
// An identity provider: node idp.mjs PORT CERTIFICATE KEY AUDIENCE FILE USER...
// It serves https://127.0.0.1:PORT, and puts JSON into FILE, with a token by name: what it issues to each USER who logs in and
// to a client of its own, and what somebody else may make of these. Each request is a line. NODE_EXTRA_CA_CERTS names the
// authority of the certificate.
import { createHash, createHmac, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { decodeJwt, decodeProtectedHeader, exportJWK, SignJWT, UnsecuredJWT } from 'jose';
import Provider from 'oidc-provider';

const [port, certificate, key, audience, file, ...users] = process.argv.slice(2);
const issuer = `https://127.0.0.1:${port}`;
const redirect = 'https://console.example.com/callback';
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

const provider = new Provider(issuer, {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'idp-1', use: 'sig', alg: 'ES256' }] },
    cookies: { keys: ['of a test'] },
    clients: [
        {
            client_id: 'console', token_endpoint_auth_method: 'none', redirect_uris: [redirect], grant_types: ['authorization_code'],
            response_types: ['code'], id_token_signed_response_alg: 'ES256',
        },
        {
            client_id: 'machine', client_secret: 'of the machine', redirect_uris: [], grant_types: ['client_credentials'],
            response_types: [], id_token_signed_response_alg: 'ES256',
        },
    ],
    scopes: ['openid'],
    pkce: { required: () => true, methods: ['S256'] },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    features: {
        clientCredentials: { enabled: true },
        resourceIndicators: {
            enabled: true,
            getResourceServerInfo: (ctx, resource) => ({
                scope: 'keys', audience: resource, accessTokenTTL: 600, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } },
            }),
            useGrantedResource: () => true,
        },
    },
});

async function token(form, headers = {}) {
    const answer = await fetch(`${issuer}/token`, { method: 'POST', headers, body: new URLSearchParams(form) });
    const json = await answer.json();
    if (!json.access_token) throw new Error(JSON.stringify(json));
    return json;
}

// What a browser does, by the forms that oidc-provider has for development.
async function login(user, resource) {
    const verifier = randomBytes(32).toString('base64url');
    const cookies = new Map();
    let request = {};
    let url = `${issuer}/auth?${new URLSearchParams({
        client_id: 'console', response_type: 'code', scope: 'openid keys', redirect_uri: redirect, resource,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
    })}`;
    while (!url.startsWith(redirect)) {
        const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
        const answer = await fetch(url, { redirect: 'manual', headers: { cookie }, ...request });
        for (const line of answer.headers.getSetCookie()) {
            const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
            if (value) cookies.set(name, value); else cookies.delete(name);
        }
        const page = await answer.text();
        const prompt = page.match(/name="prompt" value="(\w+)"/)?.[1];
        request = prompt ? { method: 'POST', body: new URLSearchParams({ prompt, login: user, password: 'any' }) } : {};
        if (prompt) url = new URL(page.match(/action="([^"]+)"/)[1], url).href;
        else if (answer.headers.get('location')) url = new URL(answer.headers.get('location'), url).href;
        else throw new Error(`${answer.status} ${page}`);
    }
    return token({ client_id: 'console', grant_type: 'authorization_code', code: new URL(url).searchParams.get('code'), redirect_uri: redirect, code_verifier: verifier });
}

async function forged(genuine, resource) {
    const header = decodeProtectedHeader(genuine);
    const claims = decodeJwt(genuine);
    const { exp, ...unending } = claims;
    const now = Math.floor(Date.now() / 1000);
    const sign = (what, by = privateKey, more = {}) => new SignJWT(what).setProtectedHeader({ ...header, ...more }).sign(by);
    const [head, body, signature] = genuine.split('.');
    // The public key, which everybody knows, taken for a secret.
    const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' });
    const symmetric = `${Buffer.from(JSON.stringify({ ...header, alg: 'HS256' })).toString('base64url')}.${body}`;
    return {
        expired: await sign({ ...claims, iat: now - 700, exp: now - 100 }),
        'without end': await sign(unending),
        'of another issuer': await sign({ ...claims, iss: 'https://login.example.org' }),
        'for two audiences': await sign({ ...claims, aud: ['https://other.example.com', resource] }),
        'without a user': await sign({ ...claims, sub: undefined }),
        'by another key': await sign(claims, other),
        'by another key, of a name that is not there': await sign(claims, other, { kid: 'idp-2' }),
        'by the public key': `${symmetric}.${createHmac('sha256', spki).update(symmetric).digest('base64url')}`,
        'by none': new UnsecuredJWT(claims).encode(),
        'with another user': `${head}.${Buffer.from(JSON.stringify({ ...claims, sub: 'root' })).toString('base64url')}.${signature}`,
        'without its signature': `${head}.${body}.`,
    };
}

const answer = provider.callback();
https.createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
    console.log(`request ${request.url}`);
    answer(request, response);
}).listen(Number(port), '127.0.0.1', async () => {
    const tokens = {};
    for (const user of users) {
        const issued = await login(user, audience);
        tokens[user] = issued.access_token;
        tokens['that is for a login'] ??= issued.id_token;
    }
    const [user] = users;
    const machine = { authorization: `Basic ${Buffer.from('machine:of+the+machine').toString('base64')}` };
    tokens['for another audience'] = (await login(user, 'https://other.example.com')).access_token;
    tokens['of a client'] = (await token({ grant_type: 'client_credentials', resource: audience, scope: 'keys' }, machine)).access_token;
    tokens['that is opaque'] = (await login(user, [])).access_token;
    writeFileSync(`${file}.new`, JSON.stringify({ ...tokens, ...(await forged(tokens[user], audience)) }));
    renameSync(`${file}.new`, file);
});
