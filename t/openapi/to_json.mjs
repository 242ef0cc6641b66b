// SPDX-License-Identifier: Apache-2.0
// node to_json.mjs docs/openapi.yaml: the same as JSON, which the module is built with.
import { read } from './description.mjs';

process.stdout.write(JSON.stringify(read(process.argv[2]), null, 1) + '\n');
