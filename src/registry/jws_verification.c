/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/jws_verification.h"

#include <string.h>

#include "jose/base64url.h"
#include "jose/json.h"
#include "jose/jwk.h"
#include "model/log_number.h"
#include "model/name.h"
#include "model/timestamp.h"
#include "registry/listing.h"
#include "registry/remote_jwk_set.h"
#include "registry/seal.h"
#include "scheme/compact_jws.h"
#include "scheme/signed_message.h"
#include "store/keys.h"
#include "store/remote_sets.h"

/* A JWS as it was sent to be verified. */
typedef struct {
    const char *jws;
    apr_size_t jws_length;
    const char *payload; /* NULL: attached */
    apr_size_t payload_length;
} request_t;

static const whk_outcome_t *read_payload(const json_t *body, request_t *request, apr_pool_t *pool)
{
    const json_t *member = json_object_get(body, "payload");
    unsigned char *bytes;

    if (!member || json_is_null(member))
        return NULL;
    if (!json_is_string(member) ||
        !whk_base64url_decode(pool, json_string_value(member), json_string_length(member), &bytes,
                              &request->payload_length))
        return whk_refuse(pool, WHK_INVALID_REQUEST,
                          "payload must be the bytes that were signed, in base64url without "
                          "padding");
    request->payload = (const char *)bytes;
    return NULL;
}

static const whk_outcome_t *read_request(const char *text, apr_size_t length, request_t *request,
                                         apr_pool_t *pool)
{
    json_t *body;
    const json_t *jws;

    memset(request, 0, sizeof(*request));
    WHK_TRY(whk_json_parse(&body, text, length, "the body", pool));
    jws = json_object_get(body, "jws");
    if (!json_is_string(jws))
        return whk_refuse(
            pool, WHK_INVALID_REQUEST,
            "jws must be a string: a JWS in compact form, <header>.<payload>.<signature> "
            "or <header>..<signature> with payload beside it");
    request->jws = json_string_value(jws);
    request->jws_length = json_string_length(jws);
    return read_payload(body, request, pool);
}

/* What jwksUri leads to now; a 5xx is ours, all else is the caller's to know. */
static const whk_outcome_t *fetch_jwk(whk_registry_t *registry, const whk_key_t *key,
                                      const whk_jwk_t **jwk)
{
    const whk_fetch_owner_t owner = {WHK_FETCH_VERIFY, key->enterprise_id};
    apr_interval_time_t lifetime;
    const whk_outcome_t *outcome =
        whk_remote_jwk_find(registry, &owner, key->jwks_uri, key->key_id, jwk, &lifetime);

    if (outcome && whk_code_status(outcome->code) >= 500)
        return outcome;
    if (outcome)
        return whk_refuse(registry->pool, WHK_JWKS_URI_UNREACHABLE, "%s", outcome->message);
    if (registry->policy->jwks_uri_pin && strcmp((*jwk)->thumbprint, key->thumbprint) != 0)
        return whk_refuse(registry->pool, WHK_JWKS_URI_KEY_CHANGED, "%s",
                          whk_code_message(WHK_JWKS_URI_KEY_CHANGED));
    return NULL;
}

/* What the background found of its set is known still, and was good. */
static const whk_outcome_t *is_at_hand(whk_registry_t *registry, const whk_key_t *key, int *at_hand)
{
    whk_remote_set_t *set = NULL;

    *at_hand = !key->jwks_uri;
    if (*at_hand || key->remote_flaw != WHK_REMOTE_GOOD)
        return NULL;
    WHK_TRY(whk_store_remote_set_get(registry->store, registry->pool, key->jwks_uri, &set));
    *at_hand = set && whk_remote_fresh_for(set->fresh_until, apr_time_now(),
                                           registry->policy->jwks_uri_refresh) > 0;
    return NULL;
}

static const whk_outcome_t *find_jwk(whk_registry_t *registry, const whk_key_t *key,
                                     const whk_jwk_t **jwk)
{
    int at_hand;

    WHK_TRY(is_at_hand(registry, key, &at_hand));
    if (!at_hand)
        return fetch_jwk(registry, key, jwk);
    *jwk = whk_jwk_load(key->jwk, registry->pool);
    if (*jwk)
        return NULL;
    return whk_fail(registry->pool, WHK_INTERNAL_ERROR,
                    WHK_LOGNO(0213) "key %s of enterprise %s can't be read: its row was changed",
                    key->key_id, key->enterprise_id);
}

/* ---- keys of sets that are followed ---- */

static const whk_outcome_t *other_key(apr_pool_t *pool)
{
    return whk_refuse(pool, WHK_KEY_ID_MISMATCH,
                      "the JWS header names another key by its kid: sign with the key of this "
                      "keyId, and name it");
}

/* Of one that stands for a set, the key of it that the JWS names. */
static const whk_outcome_t *choose_of_set(whk_registry_t *registry, const char *kid,
                                          const whk_key_t **key)
{
    const whk_key_t *set = *key;
    whk_key_t *chosen = NULL;

    if (kid && !whk_key_id_flaw(kid, strlen(kid)))
        WHK_TRY(
            whk_store_key_get(registry->store, registry->pool, set->enterprise_id, kid, &chosen));
    if (!chosen || !chosen->followed_by || strcmp(chosen->followed_by, set->key_id) != 0)
        return whk_refuse(registry->pool, WHK_KEY_ID_MISMATCH,
                          "the JWS header names by its kid no key that came by this set");
    *key = chosen;
    WHK_TRY(whk_key_check(registry->pool, registry->secret, chosen));
    whk_key_settle(chosen, whk_time_now());
    return NULL;
}

/* A key that came by a set ends with it, whatever its own row says. */
static const whk_outcome_t *check_set_of(whk_registry_t *registry, const whk_key_t *key)
{
    whk_key_t *set;

    if (!key->followed_by)
        return NULL;
    WHK_TRY(whk_store_key_get(registry->store, registry->pool, key->enterprise_id, key->followed_by,
                              &set));
    if (set)
        WHK_TRY(whk_key_check(registry->pool, registry->secret, set));
    return set && !whk_key_is_due(set, whk_time_now()) && whk_key_is_set(set) &&
                   set->status == WHK_KEY_STATUS_ACTIVE
               ? NULL
               : whk_refuse(registry->pool, WHK_KEY_REVOKED, "%s",
                            whk_code_message(WHK_KEY_REVOKED));
}

static const whk_outcome_t *verify(whk_registry_t *registry, const whk_key_t *key,
                                   const request_t *request, whk_jws_verification_t *verification)
{
    apr_pool_t *pool = registry->pool;
    whk_signed_message_t *message;
    const whk_jwk_t *jwk;

    WHK_TRY(whk_compact_jws_parse(&message, request->jws, request->jws_length, request->payload,
                                  request->payload_length, pool));
    if (key->status == WHK_KEY_STATUS_ACTIVE && whk_key_is_set(key))
        WHK_TRY(choose_of_set(registry, message->kid, &key));
    verification->key_id = key->key_id;
    if (key->status != WHK_KEY_STATUS_ACTIVE)
        return whk_refuse(pool, WHK_KEY_REVOKED, "%s", whk_code_message(WHK_KEY_REVOKED));
    if (message->kid && strcmp(message->kid, key->key_id) != 0)
        return other_key(pool);
    WHK_TRY(check_set_of(registry, key));
    WHK_TRY(find_jwk(registry, key, &jwk));
    return whk_signed_message_verify(message, jwk, registry->policy->algorithms,
                                     &verification->algorithm, pool);
}

const whk_outcome_t *whk_verify_jws(whk_registry_t *registry, const whk_caller_t *caller,
                                    const char *key_id, const char *body, apr_size_t length,
                                    whk_jws_verification_t *verification)
{
    request_t request;
    whk_key_t *key;

    WHK_TRY(read_request(body, length, &request, registry->pool));
    WHK_TRY(whk_get_key(registry, caller, key_id, &key));
    memset(verification, 0, sizeof(*verification));
    verification->key_id = key->key_id;
    verification->outcome = verify(registry, key, &request, verification);
    if (verification->outcome && whk_code_status(verification->outcome->code) >= 500)
        return verification->outcome;
    return NULL;
}
