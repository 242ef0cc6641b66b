// SPDX-License-Identifier: Apache-2.0
// node validate.mjs docs/openapi.yaml FOLDER: holds what WHK::Recorder wrote to the description, and says as TAP what differs.
import { readdirSync, readFileSync } from 'node:fs';
import { Description, read } from './description.mjs';

const [file, folder] = process.argv.slice(2);
const description = new Description(read(file));
// The files are bytes of HTTP, one character each.
const text = (bytes) => (typeof bytes === 'string' ? Buffer.from(bytes, 'latin1').toString('utf8') : undefined);
const tests = new Map();
let answers = 0;

for (const name of readdirSync(folder).filter((each) => each.endsWith('.jsonl')))
    for (const line of readFileSync(`${folder}/${name}`, 'latin1').split('\n').filter(Boolean)) {
        const { test, method, target, status, headers, body, sent } = JSON.parse(line);
        const flaws = description.answerFlaws({ method, target, status, headers, body: text(body) });
        if (sent) flaws.push(...description.requestFlaws({ method, target, headers: sent.headers, body: text(sent.body) }));
        answers += 1;
        const found = tests.get(test) ?? tests.set(test, []).get(test);
        if (flaws.length) found.push(`${method} ${target} -> ${status} ${text(body)?.slice(0, 300).trim()}`, ...flaws.map((flaw) => `    ${flaw}`));
    }

let number = 0;
for (const [test, found] of [...tests].sort()) {
    number += 1;
    console.log(`${found.length ? 'not ok' : 'ok'} ${number} - what ${test} was answered is described`);
    for (const line of found.slice(0, 60)) console.log(`# ${line}`);
}
number += 1;
console.log(`${answers ? 'ok' : 'not ok'} ${number} - ${answers} answers`);
console.log(`1..${number}`);
