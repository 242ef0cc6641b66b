// SPDX-License-Identifier: Apache-2.0
// node fuzz.mjs docs/openapi.yaml URL COUNT SEED TOKEN SECRET TOKEN SECRET: so many requests made from the description. The
// second admin gives codes that are not good. Prints how many answers of each status there were; ends with 1 and the
// smallest request whose answer is a 5xx, is none, or is not described.
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { Agent, request } from 'node:http';
import fc from 'fast-check';
import { Description, read, resolve } from './description.mjs';

const [file, url, count, seed, token, secret, otherToken] = process.argv.slice(2);
const document = read(file);
const description = new Description(document);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const base = new URL(url);
const enterprise = 'fuzzed';

// RFC 6238
function code() {
    const bits = [...secret].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
    const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
    const step = Buffer.alloc(8);
    step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000)));
    const hash = createHmac('sha1', key).update(step).digest();
    return String((hash.readUInt32BE(hash[19] & 15) & 0x7fffffff) % 1000000).padStart(6, '0');
}

const text = () => fc.string({ unit: 'binary', maxLength: 40 });

// What a schema of the description lets through, for the most part.
function valuesOf(schema, depth = 0) {
    const s = resolve(document, schema);
    if (s.const !== undefined) return fc.constant(s.const);
    if (s.enum) return fc.constantFrom(...s.enum);
    const some = s.anyOf ?? s.oneOf;
    if (some) return fc.oneof(...some.map((each) => valuesOf(each, depth)));
    if (Array.isArray(s.type)) return fc.oneof(...s.type.map((type) => valuesOf({ ...s, type }, depth)));
    switch (s.type) {
        case 'null': return fc.constant(null);
        case 'boolean': return fc.boolean();
        case 'integer': return fc.integer({ min: s.minimum ?? 0, max: s.maximum ?? 1000 });
        case 'array': return fc.array(valuesOf(s.items, depth + 1), { minLength: s.minItems ?? 0, maxLength: s.maxItems ?? 4 });
        case 'object':
            return fc.record(
                Object.fromEntries(Object.entries(s.properties).map(([name, each]) => [name, valuesOf(each, depth + 1)])),
                { requiredKeys: s.required ?? [] },
            );
        default:
            if (s.format === 'date-time') return fc.date({ noInvalidDate: true, min: new Date(), max: new Date(Date.now() + 4e11) }).map((date) => date.toISOString());
            if (s.pattern?.includes('[Hh]')) return fc.constantFrom('https://127.0.0.1/set', 'https://[::1]/set', 'https://10.0.0.1:8443/', 'http://192.168.0.1/a?b', 'https://');
            if (s.pattern) return fc.stringMatching(new RegExp(s.pattern), { size: '-1' });
            return fc.string({ minLength: s.minLength ?? 0, maxLength: Math.min(s.maxLength ?? 50, 50) });
    }
}

// Keys that can be registered, so that there is something to list and to revoke.
const jwks = fc.constantFrom('ed25519', 'P-256', 'P-384').map((kind) => {
    const { publicKey } = kind === 'ed25519' ? generateKeyPairSync(kind) : generateKeyPairSync('ec', { namedCurve: kind });
    return { keys: [publicKey.export({ format: 'jwk' })] };
});
const keyIds = fc.oneof({ weight: 5, arbitrary: fc.constantFrom('a', 'b', 'c', 'a/b', 'ä', 'openapi.json', '*', '%') }, { weight: 2, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }) });
const good = fc.record({ keyId: fc.oneof(keyIds, fc.uuid()), jwks, keyName: fc.string({ minLength: 1 }) }, { requiredKeys: ['keyId', 'jwks'] });

// One member, anywhere, is gone, is something else, or is there twice; or the text is cut.
const mutations = fc.tuple(fc.nat(), fc.constantFrom('drop', 'other', 'twice', 'cut', 'byte'), fc.jsonValue(), fc.nat());
function mutate(value, [where, how, other, at]) {
    let json = JSON.stringify(value) ?? 'null';
    if (how === 'cut') return Buffer.from(json.slice(0, at % (json.length + 1)));
    if (how === 'byte') return Buffer.concat([Buffer.from(json.slice(0, at % json.length)), Buffer.from([where & 255]), Buffer.from(json.slice(at % json.length))]);
    const places = [];
    const walk = (v) => { if (v && typeof v === 'object') for (const name of Object.keys(v)) { places.push([v, name]); walk(v[name]); } };
    const copy = JSON.parse(json);
    walk(copy);
    if (!places.length) return Buffer.from(JSON.stringify(other));
    const [holder, name] = places[where % places.length];
    if (how === 'drop') delete holder[name];
    if (how === 'other') Object.defineProperty(holder, name, { value: other, enumerable: true });
    json = JSON.stringify(copy);
    return Buffer.from(how === 'twice' ? json.replace(/^\{/, `{${JSON.stringify(name)}:null,`) : json);
}

const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map((json) => Buffer.from(json)),
    fc.nat(2000).map((n) => Buffer.from('['.repeat(n))),
    fc.nat(20).map((n) => Buffer.from('{"a":'.repeat(n) + '1' + '}'.repeat(n))),
    fc.nat(70000).map((n) => Buffer.from(JSON.stringify({ keyId: 'a'.repeat(n) }))),
    fc.constant(Buffer.alloc(0)),
);

function bodiesOf(operation) {
    const content = resolve(document, operation?.requestBody)?.content['application/json'];
    if (!content) return fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: hostile });
    const values = valuesOf(content.schema);
    const registration = content.schema.$ref?.endsWith('/Registration');
    const near = registration ? fc.oneof(good, values) : values;
    return fc.oneof(
        { weight: registration ? 4 : 0, arbitrary: good.map((value) => Buffer.from(JSON.stringify(value))) },
        { weight: 3, arbitrary: values.map((value) => Buffer.from(JSON.stringify(value))) },
        { weight: 3, arbitrary: fc.tuple(near, mutations).map(([value, mutation]) => mutate(value, mutation)) },
        { weight: 1, arbitrary: hostile },
    );
}

const oddSegments = fc.oneof(
    fc.constantFrom('', '.', '..', '%2e%2e', '%00', '%zz', '%', '%2F', 'a%2fb', '%25', '%ff', '%C0%80', ';', 'a;b', '%0a', '~', '"', "'", '<', '\\', '%5c', '|', 'x'.repeat(300)),
    fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((c) => String.fromCharCode(c)), maxLength: 20 }),
);
const enterprises = fc.oneof({ weight: 12, arbitrary: fc.constant(enterprise) }, { weight: 1, arbitrary: oddSegments });
const segments = fc.oneof({ weight: 6, arbitrary: keyIds.map((id) => encodeURIComponent(id.toWellFormed())) }, { weight: 1, arbitrary: oddSegments });
const queries = fc.oneof(
    { weight: 4, arbitrary: fc.constant('') },
    { weight: 3, arbitrary: fc.record({ status: fc.constantFrom('ACTIVE', 'REVOKED'), limit: fc.integer({ min: 1, max: 100 }), prevId: fc.nat(50) }, { requiredKeys: [] }).map((q) => `?${new URLSearchParams(Object.entries(q).map(([k, v]) => [k, String(v)]))}`) },
    { weight: 2, arbitrary: fc.array(fc.tuple(fc.constantFrom('status', 'limit', 'prevId', 'x', ''), text()), { maxLength: 3 }).map((q) => `?${new URLSearchParams(q.map(([k, v]) => [k, v.toWellFormed()]))}`) },
    { weight: 1, arbitrary: oddSegments.map((segment) => `?limit=${segment}`) },
);
const visible = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).filter((c) => c !== 0x7f).map((c) => String.fromCharCode(c)), maxLength: 60 });
const headers = fc.record(
    {
        'Idempotency-Key': fc.oneof(fc.constantFrom('"a"', '"b"', 'bare', '""', '"'), visible),
        'If-None-Match': fc.oneof(fc.constantFrom('*', '"x"', 'W/"x"'), visible),
        'If-Modified-Since': fc.constantFrom('Sat, 01 Jan 2050 00:00:00 GMT', 'yesterday'),
        Accept: fc.constantFrom('text/html', '*/*', 'application/xml;q=0.1', ''),
        'Content-Encoding': fc.constantFrom('gzip', 'identity'),
        'X-HTTP-Method-Override': fc.constantFrom('DELETE', 'PUT'),
        'X-Odd': visible,
    },
    { requiredKeys: [] },
);
const contentTypes = fc.oneof({ weight: 12, arbitrary: fc.constantFrom('application/json', 'application/json; charset=utf-8') }, { weight: 1, arbitrary: fc.constantFrom('text/plain', 'application/jsonp', '', 'application/json; charset=latin1', '*/*') });
const credentials = fc.oneof(
    { weight: 10, arbitrary: fc.constant({ kind: 'good' }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'no code' }) },
    { weight: 1, arbitrary: visible.map((given) => ({ kind: 'other', given })) },
    { weight: 1, arbitrary: fc.constant({ kind: 'none' }) },
    { weight: 1, arbitrary: visible.map((given) => ({ kind: 'odd', given })) },
);

const operations = Object.entries(document.paths).flatMap(([template, item]) => Object.keys(item).filter((name) => name !== 'parameters').map((method) => ({ template, method: method.toUpperCase(), operation: item[method] })));
const requests = fc.oneof(...operations.map(({ template, method, operation }) => fc.record({
    method: fc.oneof({ weight: 20, arbitrary: fc.constant(method) }, { weight: 1, arbitrary: fc.constantFrom('HEAD', 'OPTIONS', 'PUT', 'PATCH', 'TRACE', 'POST', 'LOCK') }),
    target: fc.tuple(enterprises, segments, queries).map(([e, k, query]) => template.replace('{enterpriseId}', () => e).replace('{keyId}', () => k) + query),
    body: bodiesOf(operation),
    type: contentTypes,
    chunked: fc.boolean(),
    credentials,
    // Most have none of these.
    headers: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: headers }),
})));

function authorization({ kind, given }) {
    switch (kind) {
        case 'good': return { Authorization: `Bearer ${token}`, OTP: code() };
        case 'no code': return { Authorization: `Bearer ${token}` };
        case 'other': return { Authorization: `Bearer ${otherToken}`, OTP: given };
        case 'odd': return { Authorization: given, OTP: '000000' };
        default: return {};
    }
}

function send(r) {
    const body = r.method === 'TRACE' ? undefined : r.body;
    const sent = { ...r.headers, ...authorization(r.credentials) };
    if (body) Object.assign(sent, { 'Content-Type': r.type }, r.chunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': body.length });
    return new Promise((done, fail) => {
        const out = request({ agent, host: base.hostname, port: base.port, method: r.method, path: base.pathname + r.target, headers: sent, timeout: 10000 }, (answer) => {
            const parts = [];
            answer.on('data', (part) => parts.push(part));
            answer.on('error', fail);
            answer.on('end', () => done({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts).toString('utf8') }));
        });
        out.on('timeout', () => out.destroy(new Error('no answer in 10 s')));
        out.on('error', fail);
        out.end(body);
    });
}

const statuses = {};
const property = fc.asyncProperty(requests, async (r) => {
    const answer = await send(r);
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    const flaws = description.answerFlaws({ method: r.method, target: base.pathname + r.target, ...answer });
    if (answer.status >= 500) flaws.unshift('the server failed');
    if (flaws.length) throw new Error(`${flaws.join('\n')}\n${answer.status} ${answer.body}\nbody: ${r.body?.toString('latin1').slice(0, 2000)}`);
});
const result = await fc.check(property, { numRuns: Number(count), seed: Number(seed), interruptAfterTimeLimit: undefined });
for (const status of Object.keys(statuses).sort()) console.log(`${status} ${statuses[status]}`);
if (result.failed) console.log(fc.defaultReportMessage(result));
agent.destroy();
process.exit(result.failed ? 1 : 0);
