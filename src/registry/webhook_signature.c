/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/webhook_signature.h"

#include <string.h>

#include "metrics/metrics.h"
#include "model/name.h"
#include "model/timestamp.h"
#include "scheme/signed_message_audience.h"
#include "scheme/signed_message_times.h"

static const whk_outcome_t *verify_with(whk_registry_t *registry, const whk_held_key_t *key,
                                        whk_signed_message_t *message, whk_webhook_t *webhook)
{
    const whk_outcome_t *outcome;

    webhook->algorithm = NULL;
    outcome = whk_signed_message_verify(message, key->jwk, registry->policy->algorithms,
                                        &webhook->algorithm, registry->pool);
    if (!outcome || outcome->code == WHK_BAD_SIGNATURE)
        whk_metrics_count(
            WHK_SIGNATURES,
            whk_label_index(WHK_LABEL_ALGORITHM, webhook->algorithm ? webhook->algorithm : ""),
            outcome ? WHK_RESULT_BAD : WHK_RESULT_GOOD);
    WHK_TRY(outcome);
    webhook->key_id = key->key_id;
    webhook->key = key;
    return NULL;
}

/* Key by key, so that one bad signature among good ones does not use up the tries. */
static const whk_outcome_t *verify_with_any(whk_registry_t *registry, whk_key_cache_t *cache,
                                            const char *enterprise_id,
                                            whk_signed_message_t *message, whk_webhook_t *webhook)
{
    int most = WHK_SIGNATURES_MAX / message->signature_count;
    const whk_outcome_t *outcome;
    apr_array_header_t *keys;
    int total;
    int i = 0;

    WHK_TRY(whk_held_key_find_ed25519(cache, registry->store, enterprise_id, most, &keys, &total,
                                      registry->pool));
    /* Where there is none, it was refused as unknown_key. */
    do {
        outcome =
            verify_with(registry, APR_ARRAY_IDX(keys, i, const whk_held_key_t *), message, webhook);
        if (!outcome)
            return NULL;
    } while (++i < keys->nelts);
    if (outcome->code != WHK_BAD_SIGNATURE || total == keys->nelts)
        return outcome;
    return whk_refuse(registry->pool, WHK_BAD_SIGNATURE,
                      "no v1a of webhook-signature fits one of the %d keys that were tried, of %d "
                      "that this enterprise has: name the key in a header webhook-key-id, by its "
                      "keyId",
                      keys->nelts, total);
}

static const whk_outcome_t *find_named(whk_registry_t *registry, whk_key_cache_t *cache,
                                       const char *enterprise_id, const char *kid,
                                       whk_held_key_t **key)
{
    if (!kid)
        return whk_refuse(
            registry->pool, WHK_UNKNOWN_KEY,
            "the signature does not name its key: add kid (keyid), the keyId that was "
            "registered");
    /* What can't be a keyId was never registered. */
    if (whk_key_id_flaw(kid, strlen(kid)))
        return whk_refuse(registry->pool, WHK_UNKNOWN_KEY, "%s", whk_code_message(WHK_UNKNOWN_KEY));
    return whk_held_key_find(cache, registry->store, enterprise_id, kid, key, registry->pool);
}

static int is_somebody_elses(const whk_outcome_t *outcome)
{
    return outcome && (outcome->code == WHK_UNKNOWN_KEY || outcome->code == WHK_KEY_REVOKED);
}

/* The first of several signatures that names an ACTIVE key counts. */
static const whk_outcome_t *choose(whk_registry_t *registry, whk_key_cache_t *cache,
                                   const char *enterprise_id, whk_signed_message_t *message,
                                   whk_held_key_t **key)
{
    const whk_outcome_t *first = NULL;
    int i;

    for (i = 0; i < message->kids->nelts; i++) {
        const whk_outcome_t *outcome = find_named(
            registry, cache, enterprise_id, APR_ARRAY_IDX(message->kids, i, const char *), key);

        if (!outcome)
            return whk_signed_message_select(message, i, registry->pool);
        if (!is_somebody_elses(outcome))
            return outcome;
        first = first ? first : outcome;
    }
    return first;
}

static const whk_outcome_t *verify(whk_registry_t *registry, whk_key_cache_t *cache,
                                   const char *enterprise_id, whk_signed_message_t *message,
                                   const whk_webhook_times_t *times, whk_webhook_t *webhook)
{
    whk_held_key_t *key = NULL;

    if (message->kids)
        WHK_TRY(choose(registry, cache, enterprise_id, message, &key));
    WHK_TRY(whk_signed_message_check_known_times(message, apr_time_now(), times->max_age,
                                                 times->skew, registry->pool));
    if (message->try_all_ed25519)
        return verify_with_any(registry, cache, enterprise_id, message, webhook);
    if (!key)
        WHK_TRY(find_named(registry, cache, enterprise_id, message->kid, &key));
    return verify_with(registry, key, message, webhook);
}

const whk_outcome_t *whk_webhook_verify(whk_registry_t *registry, whk_key_cache_t *cache,
                                        const char *enterprise_id, whk_signed_message_t *message,
                                        const whk_webhook_times_t *times, whk_webhook_t *webhook)
{
    WHK_TRY(verify(registry, cache, enterprise_id, message, times, webhook));
    WHK_TRY(whk_signed_message_check_times(message, apr_time_now(), times->max_age, times->skew,
                                           registry->pool));
    WHK_TRY(whk_signed_message_check_audience(message, registry->pool));
    webhook->signed_at = message->signed_at;
    whk_held_key_note_use(webhook->key, whk_time_now());
    return NULL;
}
