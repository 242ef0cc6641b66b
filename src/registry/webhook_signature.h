/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Is this message signed by a registered, unrevoked key of the enterprise?
 * (docs/directives/webhooks.md, "WebhookKeysSignature"; docs/signing.md) */

#include "registry/held_key.h"
#include "scheme/signed_message.h"

/** How old a signature may be, and how far clocks may differ. */
typedef struct whk_webhook_times_t {
    apr_interval_time_t max_age; /**< WebhookKeysMaxAge */
    apr_interval_time_t skew;    /**< WebhookKeysClockSkew */
} whk_webhook_times_t;

/** A webhook that was verified. */
typedef struct whk_webhook_t {
    const char *key_id;
    const char *algorithm; /**< as JWS names it */
    apr_time_t signed_at;  /**< 0: the signature does not tell */
    const whk_held_key_t *key;
} whk_webhook_t;

/** Find the key that the message names, check its times, verify its signature, and check what was
 * signed of whom it is for. At most WHK_SIGNATURES_MAX signatures are verified. On success the
 * message's `replay_ids` are known.
 * @return NULL, or why a signature was not accepted, or a 5xx */
const whk_outcome_t *whk_webhook_verify(whk_registry_t *registry, whk_key_cache_t *cache,
                                        const char *enterprise_id, whk_signed_message_t *message,
                                        const whk_webhook_times_t *times, whk_webhook_t *webhook);
