#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The demo's backend: answers a webhook with what arrived.
printf 'Content-Type: application/json\r\n\r\n'
jq -Rs --arg method "$REQUEST_METHOD" --arg type "${CONTENT_TYPE:-}" \
    --arg enterprise "${HTTP_WEBHOOK_ENTERPRISE:-}" --arg key_id "${HTTP_WEBHOOK_KEY_ID:-}" \
    --arg alg "${HTTP_WEBHOOK_ALG:-}" --arg signed_at "${HTTP_WEBHOOK_SIGNED_AT:-}" \
    '{arrived: {method: $method, contentType: $type, body: .},
      webhook: {enterprise: $enterprise, keyId: $key_id, alg: $alg, signedAt: $signed_at}}'
