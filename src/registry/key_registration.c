/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/key_registration.h"

#include <apr_strings.h>
#include <string.h>

#include "jose/json.h"
#include "jose/jwk.h"
#include "jose/jwk_set.h"
#include "metrics/metrics.h"
#include "model/log_number.h"
#include "model/name.h"
#include "model/random.h"
#include "model/timestamp.h"
#include "registry/api_json.h"
#include "registry/audit_trail.h"
#include "registry/authorize.h"
#include "registry/digest.h"
#include "registry/followed_registration.h"
#include "registry/idempotency.h"
#include "registry/key_insertion.h"
#include "registry/key_warnings.h"
#include "registry/registry.h"
#include "registry/remote_jwk_set.h"
#include "registry/revokes_date.h"
#include "registry/seal.h"
#include "store/enterprises.h"
#include "store/keys.h"
#include "store/remote_sets.h"
#include "store/transaction.h"

/* A registration as the caller asked for it. */
typedef struct {
    const json_t *jwks;
    const char *jwks_uri;
    const char *key_id;
    const char *key_name;
    apr_time_t revokes;           /* 0: nothing is planned */
    apr_interval_time_t lifetime; /* of the set at jwks_uri */
    apr_array_header_t *members;  /* const whk_jwk_t *: what it holds of use then */
} request_t;

static const whk_outcome_t *read_string(const json_t *body, const char *name, const char **value,
                                        apr_pool_t *pool)
{
    const json_t *member = json_object_get(body, name);

    *value = NULL;
    if (!member || json_is_null(member))
        return NULL;
    if (!json_is_string(member))
        return whk_refuse(pool, WHK_INVALID_REQUEST, "%s must be a string", name);
    *value = apr_pstrmemdup(pool, json_string_value(member), json_string_length(member));
    return NULL;
}

static const whk_outcome_t *check_name(const char *name, const char *value,
                                       const char *(*flaw_of)(const char *, apr_size_t),
                                       apr_pool_t *pool)
{
    const char *flaw = value ? flaw_of(value, strlen(value)) : NULL;

    return flaw ? whk_refuse(pool, WHK_INVALID_REQUEST, "%s must %s", name, flaw) : NULL;
}

static const whk_outcome_t *read_revokes(const json_t *body, request_t *request, apr_pool_t *pool)
{
    const char *text;

    WHK_TRY(read_string(body, "revokesDate", &text, pool));
    return text ? whk_revokes_date_read("revokesDate", text, &request->revokes, pool) : NULL;
}

static const whk_outcome_t *read_request(const json_t *body, request_t *request, apr_pool_t *pool)
{
    memset(request, 0, sizeof(*request));
    if (!json_is_object(body))
        return whk_refuse(pool, WHK_INVALID_REQUEST,
                          "the body must be a JSON object with jwks or jwksUri");
    request->jwks = json_object_get(body, "jwks");
    if (json_is_null(request->jwks))
        request->jwks = NULL;
    WHK_TRY(read_string(body, "jwksUri", &request->jwks_uri, pool));
    WHK_TRY(read_string(body, "keyId", &request->key_id, pool));
    WHK_TRY(read_string(body, "keyName", &request->key_name, pool));
    WHK_TRY(check_name("keyId", request->key_id, whk_key_id_flaw, pool));
    WHK_TRY(check_name("keyName", request->key_name, whk_name_flaw, pool));
    WHK_TRY(read_revokes(body, request, pool));
    if (request->jwks && request->jwks_uri)
        return whk_refuse(pool, WHK_INVALID_REQUEST,
                          "send jwks or jwksUri, not both: a key comes from one place");
    if (!request->jwks && !request->jwks_uri)
        return whk_refuse(
            pool, WHK_INVALID_REQUEST,
            "jwks and jwksUri are both missing: send a JWK Set with one public key, or "
            "the https URI of one");
    if (request->jwks && !json_is_object(request->jwks))
        return whk_refuse(pool, WHK_INVALID_REQUEST,
                          "jwks must be an object: a JWK Set, {\"keys\":[…]}");
    return NULL;
}

/* The keyId is the JWK's kid, the request's keyId, or both where they agree. */
static const whk_outcome_t *resolve_key_id(request_t *request, const whk_jwk_t *jwk,
                                           apr_pool_t *pool)
{
    if (!request->key_id && !jwk->kid)
        return whk_refuse(pool, WHK_KEY_ID_REQUIRED,
                          "the key has no name: give jwks.keys[0].kid or keyId");
    if (request->key_id && jwk->kid && strcmp(request->key_id, jwk->kid) != 0)
        return whk_refuse(pool, WHK_KEY_ID_MISMATCH,
                          "keyId and jwks.keys[0].kid differ: make them equal, or leave one out");
    if (!request->key_id)
        request->key_id = jwk->kid;
    return NULL;
}

static const whk_outcome_t *find_jwk(whk_registry_t *registry, const whk_caller_t *caller,
                                     request_t *request, const whk_jwk_t **jwk)
{
    const whk_fetch_owner_t owner = {WHK_FETCH_REGISTER, whk_caller_enterprise(caller)};

    if (request->jwks_uri) {
        if (!request->key_id)
            return whk_refuse(
                registry->pool, WHK_KEY_ID_REQUIRED,
                "keyId is missing: with jwksUri it tells which key of the set is meant");
        return whk_remote_jwk_find(registry, &owner, request->jwks_uri, request->key_id, jwk,
                                   &request->lifetime);
    }
    WHK_TRY(
        whk_jwk_set_only(jwk, request->jwks, "jwks", registry->policy->algorithms, registry->pool));
    return resolve_key_id(request, *jwk, registry->pool);
}

/* Read and check the request, and find the key: all that needs no lock. */
static const whk_outcome_t *prepare(whk_registry_t *registry, const whk_caller_t *caller,
                                    const char *body, apr_size_t length, request_t *request,
                                    whk_key_t **key)
{
    json_t *json;
    const whk_jwk_t *jwk = NULL;

    WHK_TRY(whk_json_parse(&json, body, length, "the body", registry->pool));
    WHK_TRY(read_request(json, request, registry->pool));
    if (request->jwks_uri && request->key_id && whk_key_id_is_set(request->key_id))
        WHK_TRY(whk_followed_set_find(registry, caller, request->key_id, request->jwks_uri,
                                      &request->members, &request->lifetime));
    else
        WHK_TRY(find_jwk(registry, caller, request, &jwk));
    return whk_key_make(registry->pool, registry->secret, caller,
                        &(whk_key_wish_t){request->key_id, request->key_name, request->jwks_uri,
                                          jwk, WHK_SET_THUMBPRINT, request->revokes},
                        key);
}

typedef struct {
    const whk_policy_t *policy;
    const whk_secret_key_t *secret;
    const whk_caller_t *caller;
    whk_key_t *key;
    apr_array_header_t *warnings;
    apr_interval_time_t lifetime;      /* of its set */
    const apr_array_header_t *members; /* of the set that it stands for; NULL: it is one key */
    const whk_outcome_t *refusal;
    whk_idempotent_t idempotent;
    whk_idempotency_key_t *earlier; /* what somebody else did meanwhile under that key; NULL */
    int is_trial;                   /* undone in the end */
} registration_t;

/* What a trial ends with, so that its transaction is rolled back. */
static const whk_outcome_t undone = {WHK_INTERNAL_ERROR, "a trial was not undone", NULL, 0};

static const whk_outcome_t *remember_set(whk_store_t *store, apr_pool_t *pool,
                                         const registration_t *registration)
{
    const whk_key_t *key = registration->key;

    if (!key->jwks_uri)
        return NULL;
    return whk_store_remote_set_add(store, pool, key->jwks_uri,
                                    key->created + WHK_REFRESH_AHEAD(registration->lifetime),
                                    key->created + registration->lifetime);
}

/* What the event tells beside the keyId: the thumbprint, so that the row can be held to it. */
static const whk_outcome_t *append_event(whk_store_t *store, apr_pool_t *pool,
                                         const registration_t *registration,
                                         whk_enterprise_t *enterprise)
{
    const whk_outcome_t *refusal = registration->refusal;
    const whk_key_t *key = registration->key;

    return whk_audit_append(store, pool, registration->secret, enterprise,
                            refusal ? WHK_EVENT_KEY_REGISTRATION_REFUSED : WHK_EVENT_KEY_REGISTERED,
                            key->key_id, registration->caller,
                            refusal ? whk_code_name(refusal->code) : key->thumbprint, key->created);
}

/* What is planned is an event of its own, as where it is planned later. */
static const whk_outcome_t *append_plan(whk_store_t *store, apr_pool_t *pool,
                                        registration_t *registration, whk_enterprise_t *enterprise)
{
    const whk_key_t *key = registration->key;

    if (registration->refusal || !key->revokes)
        return NULL;
    WHK_TRY(whk_audit_append(store, pool, registration->secret, enterprise,
                             WHK_EVENT_REVOCATION_PLANNED, key->key_id, registration->caller,
                             whk_time_format(pool, key->revokes), key->created));
    return whk_warn_of_plan(store, pool, key, whk_time_now(), &registration->warnings);
}

static const whk_outcome_t *insert_key(whk_store_t *store, apr_pool_t *pool,
                                       registration_t *registration, whk_enterprise_t *enterprise)
{
    const whk_insertion_t insertion = {registration->secret, registration->policy->max_active,
                                       enterprise};

    WHK_TRY(whk_key_insert(store, pool, &insertion, registration->key, &registration->refusal));
    return registration->refusal ? NULL : remember_set(store, pool, registration);
}

static json_t *answer_of(apr_pool_t *pool, const registration_t *registration)
{
    return whk_json_adopt(
        pool, whk_json_warn(whk_key_created_json(registration->key, pool), registration->warnings));
}

static const whk_outcome_t *remember_answer(whk_store_t *store, apr_pool_t *pool,
                                            const registration_t *registration)
{
    const char *answer = NULL;

    if (!registration->idempotent.key)
        return NULL;
    if (!registration->refusal)
        answer = whk_json_text(pool, answer_of(pool, registration));
    return whk_idempotency_remember(store, pool, registration->secret, registration->caller,
                                    &registration->idempotent, registration->refusal, answer);
}

static const whk_outcome_t *record(whk_store_t *store, apr_pool_t *pool,
                                   registration_t *registration, whk_enterprise_t *enterprise)
{
    const whk_key_t *key = registration->key;

    /* It may have come while a set was fetched, or the enterprise's lock was waited for. */
    if (key->revokes)
        registration->refusal =
            whk_revokes_date_check("revokesDate", key->revokes, whk_time_now(), pool);
    if (!registration->refusal)
        WHK_TRY(insert_key(store, pool, registration, enterprise));
    WHK_TRY(append_event(store, pool, registration, enterprise));
    WHK_TRY(append_plan(store, pool, registration, enterprise));
    if (registration->members && !registration->refusal)
        WHK_TRY(whk_followed_set_begin(
            store, pool,
            &(whk_insertion_t){registration->secret, registration->policy->max_active, enterprise},
            registration->caller, key, registration->members));
    WHK_TRY(remember_answer(store, pool, registration));
    WHK_TRY(whk_store_enterprise_update(store, pool, enterprise));
    return registration->is_trial ? &undone : NULL;
}

static const whk_outcome_t *record_registration(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    registration_t *registration = baton;
    const char *enterprise_id = registration->key->enterprise_id;
    whk_enterprise_t *enterprise;

    registration->refusal = NULL;
    registration->earlier = NULL;
    WHK_TRY(whk_store_enterprise_lock(store, pool, enterprise_id, &enterprise));
    if (!enterprise)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0217) "enterprise %s is gone: its row must never be deleted",
                        enterprise_id);
    if (registration->idempotent.key)
        WHK_TRY(whk_idempotency_find(store, pool, registration->secret, registration->caller,
                                     registration->idempotent.key, &registration->earlier));
    return registration->earlier ? NULL : record(store, pool, registration, enterprise);
}

typedef struct {
    const whk_secret_key_t *secret;
    const whk_caller_t *caller;
    const char *key_id;
    const whk_outcome_t *outcome;
    const whk_idempotent_t *idempotent;
    whk_idempotency_key_t *earlier;
} refusal_t;

/* Somebody was faster under this key: what he was told holds, and this was never tried. */
static const whk_outcome_t *find_earlier(whk_store_t *store, apr_pool_t *pool, refusal_t *refusal)
{
    refusal->earlier = NULL;
    if (!refusal->idempotent || !refusal->idempotent->key)
        return NULL;
    return whk_idempotency_find(store, pool, refusal->secret, refusal->caller,
                                refusal->idempotent->key, &refusal->earlier);
}

/* An origin that could not be reached decided nothing. */
static const whk_outcome_t *remember_refusal(whk_store_t *store, apr_pool_t *pool,
                                             const refusal_t *refusal)
{
    if (!refusal->idempotent || !refusal->idempotent->key ||
        refusal->outcome->code == WHK_JWKS_URI_UNREACHABLE)
        return NULL;
    return whk_idempotency_remember(store, pool, refusal->secret, refusal->caller,
                                    refusal->idempotent, refusal->outcome, NULL);
}

static const whk_outcome_t *record_refusal(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    refusal_t *refusal = baton;
    whk_enterprise_t *enterprise;

    WHK_TRY(whk_store_enterprise_lock(store, pool, whk_caller_enterprise(refusal->caller),
                                      &enterprise));
    if (!enterprise)
        return NULL;
    WHK_TRY(find_earlier(store, pool, refusal));
    if (refusal->earlier)
        return NULL;
    WHK_TRY(whk_audit_append(store, pool, refusal->secret, enterprise,
                             WHK_EVENT_KEY_REGISTRATION_REFUSED, refusal->key_id, refusal->caller,
                             whk_code_name(refusal->outcome->code), whk_time_now()));
    WHK_TRY(remember_refusal(store, pool, refusal));
    return whk_store_enterprise_update(store, pool, enterprise);
}

/* A refusal that can't be written down is a failure of ours, and is answered as one: the trail of
 * an enterprise never lacks what its callers were told. */
static const whk_outcome_t *refuse(whk_registry_t *registry, const whk_caller_t *caller,
                                   const char *key_id, const whk_idempotent_t *idempotent,
                                   const whk_outcome_t *outcome, json_t **answer)
{
    refusal_t refusal = {registry->secret, caller, key_id, outcome, idempotent, NULL};

    if (key_id && whk_key_id_flaw(key_id, strlen(key_id)))
        refusal.key_id = NULL;
    if (whk_code_status(outcome->code) >= 500)
        return outcome;
    WHK_TRY(whk_store_transaction(registry->store, registry->pool, record_refusal, &refusal));
    return refusal.earlier ? whk_idempotency_answer(registry->pool, refusal.earlier,
                                                    idempotent->body_hash, answer)
                           : outcome;
}

const whk_outcome_t *whk_register_unread(whk_registry_t *registry, const whk_caller_t *caller,
                                         const whk_outcome_t *outcome)
{
    WHK_TRY(whk_caller_check_complete(registry->pool, caller));
    return refuse(registry, caller, NULL, NULL, outcome, NULL);
}

static const whk_outcome_t *identify(const whk_registry_t *registry, const char *idempotency_key,
                                     const char *body, apr_size_t length,
                                     whk_idempotent_t *idempotent)
{
    idempotent->key = idempotency_key;
    if (!idempotency_key)
        return NULL;
    idempotent->body_hash = whk_sha256_hex(registry->pool, body, length);
    return idempotent->body_hash ? NULL
                                 : whk_fail(registry->pool, WHK_INTERNAL_ERROR,
                                            WHK_LOGNO(0483) "OpenSSL has no SHA-256");
}

const whk_outcome_t *whk_register_key(whk_registry_t *registry, const whk_caller_t *caller,
                                      const char *idempotency_key, const char *body,
                                      apr_size_t length, json_t **answer)
{
    request_t request = {0};
    registration_t registration = {
        .policy = registry->policy, .secret = registry->secret, .caller = caller};
    const whk_idempotent_t *idempotent = &registration.idempotent;
    const whk_outcome_t *outcome;

    WHK_TRY(whk_caller_check_complete(registry->pool, caller));
    WHK_TRY(identify(registry, idempotency_key, body, length, &registration.idempotent));
    outcome = prepare(registry, caller, body, length, &request, &registration.key);
    if (outcome)
        return refuse(registry, caller, request.key_id, idempotent, outcome, answer);
    registration.lifetime = request.lifetime;
    registration.members = request.members;
    outcome =
        whk_store_transaction(registry->store, registry->pool, record_registration, &registration);
    whk_count_change(registry->counters, whk_caller_enterprise(caller));
    if (outcome)
        return refuse(registry, caller, request.key_id, idempotent, outcome, answer);
    if (registration.earlier)
        return whk_idempotency_answer(registry->pool, registration.earlier, idempotent->body_hash,
                                      answer);
    if (registration.refusal)
        return registration.refusal;
    whk_metrics_count(WHK_REGISTRATIONS, request.jwks_uri ? WHK_SOURCE_JWKS_URI : WHK_SOURCE_JWKS,
                      0);
    *answer = answer_of(registry->pool, &registration);
    return NULL;
}

/* ---- a trial ---- */

static int enter_no_other(void *baton, whk_fetch_kind_t kind, const char *enterprise_id)
{
    (void)baton;
    (void)kind;
    (void)enterprise_id;
    return 1;
}

static void leave_no_other(void *baton, int place)
{
    (void)baton;
    (void)place;
}

/* It costs what a registration does, but no code: so of each enterprise one at a time is judged,
 * its fetch included. */
static const whk_outcome_t *prepare_alone(const whk_registry_t *registry,
                                          const whk_caller_t *caller, const char *body,
                                          apr_size_t length, request_t *request, whk_key_t **key)
{
    const whk_remote_t *places = registry->remote;
    const char *enterprise_id = whk_caller_enterprise(caller);
    const whk_outcome_t *outcome;
    whk_registry_t alone = *registry;
    whk_remote_t remote;
    int place;

    if (!places)
        return whk_fail(
            registry->pool, WHK_INTERNAL_ERROR,
            WHK_LOGNO(0485) "this process can judge no registration: see what it logged when it "
                            "started");
    place = places->enter(places->baton, WHK_FETCH_VERIFY, enterprise_id);
    if (!place)
        return whk_fail(registry->pool, WHK_TOO_BUSY,
                        WHK_LOGNO(0486) "enterprise %s has a registration judged already, or as "
                                        "much is fetched as "
                                        "WebhookKeysMaxFetches lets",
                        enterprise_id);
    remote = *places;
    remote.enter = enter_no_other;
    remote.leave = leave_no_other;
    alone.remote = &remote;
    outcome = prepare(&alone, caller, body, length, request, key);
    places->leave(places->baton, place);
    return outcome;
}

const whk_outcome_t *whk_validate_key(whk_registry_t *registry, const whk_caller_t *caller,
                                      const char *body, apr_size_t length, json_t **answer)
{
    request_t request = {0};
    registration_t registration = {
        .policy = registry->policy, .secret = registry->secret, .caller = caller, .is_trial = 1};
    const whk_outcome_t *outcome;

    WHK_TRY(prepare_alone(registry, caller, body, length, &request, &registration.key));
    registration.lifetime = request.lifetime;
    registration.members = request.members;
    outcome =
        whk_store_transaction(registry->store, registry->pool, record_registration, &registration);
    if (outcome != &undone)
        return outcome;
    if (registration.refusal)
        return registration.refusal;
    registration.key->id = NULL;
    registration.key->created = 0;
    *answer = answer_of(registry->pool, &registration);
    return NULL;
}
