#include "registry/webhook.h"

#include <string.h>

#include "model/text.h"

static const whk_outcome_t *verify_with(whk_registry_t *registry, const whk_held_key_t *key,
                                        const whk_signed_message_t *message, whk_webhook_t *webhook)
{
    WHK_TRY(whk_signed_message_verify(message, key->jwk, registry->policy->algorithms,
                                      &webhook->algorithm, registry->pool));
    webhook->key_id = key->key_id;
    webhook->key = key;
    return NULL;
}

static const whk_outcome_t *verify_with_any(whk_registry_t *registry, whk_keyring_t *keyring,
                                            const char *enterprise_id,
                                            const whk_signed_message_t *message,
                                            whk_webhook_t *webhook)
{
    const whk_outcome_t *outcome = NULL;
    apr_array_header_t *keys;
    int i;

    WHK_TRY(whk_keyring_find_eddsa(keyring, registry->store, enterprise_id, &keys, registry->pool));
    for (i = 0; i < keys->nelts; i++) {
        outcome =
            verify_with(registry, APR_ARRAY_IDX(keys, i, const whk_held_key_t *), message, webhook);
        if (!outcome)
            return NULL;
    }
    return outcome;
}

static const whk_outcome_t *verify_with_named(whk_registry_t *registry, whk_keyring_t *keyring,
                                              const char *enterprise_id,
                                              const whk_signed_message_t *message,
                                              whk_webhook_t *webhook)
{
    whk_held_key_t *key;

    if (!message->kid)
        return whk_refuse(
            registry->pool, WHK_UNKNOWN_KEY,
            "the signature does not name its key: add kid (keyid), the keyId that was "
            "registered");
    /* What can't be a keyId was never registered. */
    if (whk_key_id_flaw(message->kid, strlen(message->kid)))
        return whk_refuse(registry->pool, WHK_UNKNOWN_KEY, "%s", whk_code_message(WHK_UNKNOWN_KEY));
    WHK_TRY(whk_keyring_find(keyring, registry->store, enterprise_id, message->kid, &key,
                             registry->pool));
    return verify_with(registry, key, message, webhook);
}

const whk_outcome_t *whk_webhook_verify(whk_registry_t *registry, whk_keyring_t *keyring,
                                        const char *enterprise_id,
                                        const whk_signed_message_t *message,
                                        const whk_webhook_times_t *times, whk_webhook_t *webhook)
{
    WHK_TRY(whk_signed_message_check_times(message, apr_time_now(), times->max_age, times->skew,
                                           registry->pool));
    WHK_TRY(message->any_ed25519
                ? verify_with_any(registry, keyring, enterprise_id, message, webhook)
                : verify_with_named(registry, keyring, enterprise_id, message, webhook));
    webhook->signed_at = message->signed_at;
    whk_keyring_note_use(keyring, webhook->key, whk_time_now());
    return NULL;
}
