// SPDX-License-Identifier: Apache-2.0
// docs/openapi.yaml, read, and what an answer must be by it.
import { readFileSync } from 'node:fs';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

export function read(file) {
    return parse(readFileSync(file, 'utf8'), { merge: true });
}

export function resolve(document, value) {
    while (value?.$ref) value = value.$ref.slice(2).split('/').reduce((at, name) => at[name], document);
    return value;
}

// Methods are as they are sent: `get` is none.
function operationOf(route, method) {
    return method === method.toUpperCase() ? route?.item[method.toLowerCase()] : undefined;
}

export class Description {
    constructor(document) {
        this.document = document;
        // What uses the document's schemas by their place in it.
        this.ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
        addFormats(this.ajv);
        this.ajv.addSchema(document, 'api');
        this.compiled = new Map();
        this.paths = Object.entries(document.paths).map(([template, item]) => ({
            template,
            item,
            pattern: new RegExp(template.replace(/[.]/g, '\\.').replace(/\{[^}]*\}/g, '([^/]+)') + '$'),
        }));
    }

    // By its tail, as the server does; undefined: no path of ours.
    route(target) {
        const path = target.replace(/[?#].*$/s, '');
        return this.paths.find((each) => each.pattern.test(path));
    }

    validator(schema) {
        const key = JSON.stringify(schema);
        if (!this.compiled.has(key))
            this.compiled.set(key, this.ajv.compile(JSON.parse(key.replaceAll('"#/', '"api#/'))));
        return this.compiled.get(key);
    }

    flaws(schema, value, where) {
        const valid = this.validator(schema);
        if (valid(value)) return [];
        return valid.errors.map((e) => `${where}${e.instancePath}: ${e.message} ${JSON.stringify(e.params)}`);
    }

    // The responses that an answer to this may be, by its status.
    response(route, method, status) {
        const { responses } = this.document.components;
        const operation = operationOf(route, method === 'HEAD' ? 'GET' : method);
        if (!operation && status === 404) return responses.NotFound;
        if (!route || (!operation && status >= 400 && status !== 405))
            return status >= 500 ? responses.FailedInHttpd : status >= 400 ? responses.RefusedByHttpd : undefined;
        if (method === 'OPTIONS') return status === 204 ? responses.Options : undefined;
        if (!operation) return status === 405 ? responses.MethodNotAllowed : undefined;
        const found = operation.responses[status] ?? operation.responses[`${Math.floor(status / 100)}XX`];
        return resolve(this.document, found);
    }

    // What of an answer is not as described: a list of texts. headers: by lower-case names; body: its text.
    answerFlaws({ method, target, status, headers, body }) {
        const response = this.response(this.route(target), method, status);
        if (!response) return [`status ${status} is not described`];
        const flaws = [];
        for (const [name, reference] of Object.entries(response.headers ?? {})) {
            const header = resolve(this.document, reference);
            const value = headers[name.toLowerCase()];
            if (value === undefined && header.required) flaws.push(`header ${name} is missing`);
            if (value !== undefined)
                flaws.push(...this.flaws(header.schema, header.schema.type === 'integer' ? Number(value) : value, name));
        }
        const content = response.content?.['application/json'];
        if (!content) return body ? [...flaws, 'a body is not described'] : flaws;
        if (headers['content-type'] !== 'application/json') flaws.push(`Content-Type is ${headers['content-type']}`);
        if (method === 'HEAD') return body ? [...flaws, 'HEAD has a body'] : flaws;
        try {
            flaws.push(...this.flaws(content.schema, JSON.parse(body), 'body'));
        } catch (error) {
            flaws.push(`the body is no JSON: ${error.message}`);
        }
        return flaws;
    }

    // What of a request that was let through is not as described.
    requestFlaws({ method, target, headers, body }) {
        const route = this.route(target);
        const operation = operationOf(route, method);
        if (!operation) return [];
        const flaws = [];
        const query = new URLSearchParams(target.includes('?') ? target.slice(target.indexOf('?') + 1) : '');
        for (const reference of [...(route.item.parameters ?? []), ...(operation.parameters ?? [])]) {
            const parameter = resolve(this.document, reference);
            const value = parameter.in === 'query' ? query.get(parameter.name) : headers[parameter.name.toLowerCase()];
            if (parameter.in === 'path' || value === null || value === undefined) continue;
            const schema = resolve(this.document, parameter.schema);
            flaws.push(...this.flaws(schema, schema.type === 'integer' ? Number(value) : value, parameter.name));
        }
        const content = resolve(this.document, operation.requestBody)?.content?.['application/json'];
        if (content) {
            try {
                flaws.push(...this.flaws(content.schema, JSON.parse(body ?? ''), 'request'));
            } catch (error) {
                flaws.push(`the request's body is no JSON: ${error.message}`);
            }
        }
        return flaws;
    }
}
