/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_REGISTRY_REGISTRY_H
#define WHK_REGISTRY_REGISTRY_H

/**
 * @file registry/registry.h
 * The rules: who may ask, what may be registered, and what is written down about it. Knows no HTTP
 * and no SQL. Every function returns NULL or why not (model/outcome.h); results live in the
 * registry's pool.
 */

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>
#include <jansson.h>

#include "fetch/fetch.h"
#include "jose/algorithm.h"
#include "model/caller.h"
#include "model/key.h"
#include "model/outcome.h"
#include "otp/secret_box.h"
#include "otp/secret_key.h"
#include "store/store.h"

/** What the operator decided; a registry borrows it. */
typedef struct whk_policy_t {
    whk_algorithms_t algorithms; /**< WebhookKeysAlgorithms */
    int max_active;              /**< WebhookKeysMaxActive: ACTIVE keys of one enterprise */
    apr_interval_time_t jwks_uri_refresh; /**< WebhookKeysJwksUriRefresh */
    int jwks_uri_pin; /**< WebhookKeysJwksUriPin: a set that changes its key is refused */
} whk_policy_t;

/** What a fetch is for: who has which share of the places for them. */
typedef enum {
    WHK_FETCH_BACKGROUND, /**< of nobody's request */
    WHK_FETCH_REGISTER,   /**< by an admin, with a one-time password */
    WHK_FETCH_VERIFY      /**< by an admin, without */
} whk_fetch_kind_t;

/** How key sets by URI are fetched. While one is, no connection to the store and no lock is held.
 */
typedef struct whk_remote_t {
    whk_fetcher_t *fetcher;
    /**
     * Take a place among the fetches that may run at once.
     * @param enterprise_id whose request it is; NULL for the background
     * @return the place; 0 where there is none for this enterprise and kind
     */
    int (*enter)(void *baton, whk_fetch_kind_t kind, const char *enterprise_id);
    /** Give it back. */
    void (*leave)(void *baton, int place);
    void *baton;
    const volatile apr_uint32_t *stop; /**< see whk_fetch() */
} whk_remote_t;

/** registry/key_cache.h */
struct whk_change_slots_t;

/** One request's or one command's view of the registry: cheap to make, used by one thread. */
typedef struct whk_registry_t {
    apr_pool_t *pool;
    whk_store_t *store;
    const whk_policy_t *policy;
    const whk_remote_t *remote; /**< NULL: this process fetches nothing, and refuses a jwksUri */
    /** Where other processes of the node are told of a change; NULL: they learn of it within
     *  WebhookKeysRevocationLag. */
    struct whk_change_slots_t *changes;
    /** What seals rows and judges their seals (registry/seal.h); NULL: the operator names none, and
     *  then no row is good and none is written. */
    const whk_secret_key_t *secret;
} whk_registry_t;

/* ---- who asks ---- */

/**
 * The user of a bearer token.
 * @return invalid_token where it is unknown, expired or revoked, and nothing tells the three apart
 */
const whk_outcome_t *whk_authenticate(whk_registry_t *registry, const char *token,
                                      const char **user);

/** `caller` is set to an authorised caller; not_enterprise_admin where the user is no admin, has a
 * name that is ours (whk_user_flaw()), or there is no such enterprise. */
const whk_outcome_t *whk_authorize(whk_registry_t *registry, const char *user,
                                   const char *enterprise_id, const char *remote_address,
                                   const char *request_id, whk_caller_t **caller);

/** Refused codes in a row after which a user is locked, for how long at first and at most. */
#define WHK_OTP_LOCK_AFTER 5
#define WHK_OTP_LOCK_FIRST apr_time_from_sec(30)
#define WHK_OTP_LOCK_MOST apr_time_from_sec(3600)

/** Refused codes of a user that a node judges in an hour, whatever the store says of locks: more
 *  than those let through, so that only who lifts them in the database meets it. */
#define WHK_OTP_REFUSED_MOST 60

/**
 * Judge the caller's time-based one-time password and use it up. A refusal is counted, and goes to
 * the audit trail, before this returns. Does not complete the caller: that is for the OTP step.
 * @return otp_invalid, or otp_locked with retry_after
 */
const whk_outcome_t *whk_totp_check(whk_registry_t *registry, const whk_secret_key_t *key,
                                    const whk_caller_t *caller, const char *code);

/* ---- keys ---- */

/** NULL for a completed caller, else an internal_error that tells the operator what is missing. */
const whk_outcome_t *whk_caller_check_complete(apr_pool_t *pool, const whk_caller_t *caller);

/**
 * Register a key. One by URI is fetched meanwhile: at most for the fetcher's timeout.
 * @param caller must be complete
 * @param body   the request's JSON text
 * @param key    set on success, after the commit
 * @return a 400, 409 or 5xx. A refusal is written to the audit trail before this returns.
 */
const whk_outcome_t *whk_register_key(whk_registry_t *registry, const whk_caller_t *caller,
                                      const char *body, apr_size_t length, whk_key_t **key);

/**
 * Write down that a registration is refused for a body that could not be read: of another media
 * type, too long, or not whole.
 * @param caller must be complete
 * @return `outcome`, or a 5xx where it can't be written down
 */
const whk_outcome_t *whk_register_unread(whk_registry_t *registry, const whk_caller_t *caller,
                                         const whk_outcome_t *outcome);

/** A page of a list: `whk_key_t *` or `whk_event_t *`, and how many there are in all. */
typedef struct whk_page_t {
    apr_array_header_t *items;
    apr_int64_t total;
    int limit;
    apr_int64_t offset;
} whk_page_t;

/** `status` is NULL, `ACTIVE` or `REVOKED`; `page` holds limit and offset and is filled. */
const whk_outcome_t *whk_list_keys(whk_registry_t *registry, const whk_caller_t *caller,
                                   const char *status, whk_page_t *page);

/** key_not_found where there is none. */
const whk_outcome_t *whk_get_key(whk_registry_t *registry, const whk_caller_t *caller,
                                 const char *key_id, whk_key_t **key);

/** Revoke for ever. `caller` must be complete. key_not_found, or key_already_revoked. */
const whk_outcome_t *whk_revoke_key(whk_registry_t *registry, const whk_caller_t *caller,
                                    const char *key_id, whk_key_t **key);

/** What was found of a signature that an admin wants judged. */
typedef struct whk_verdict_t {
    const char *key_id;
    const char *algorithm;        /**< as JWS names it; NULL: not valid */
    const whk_outcome_t *outcome; /**< why it is not valid; NULL: it is */
} whk_verdict_t;

/**
 * Try a JWS against one key (docs/api.md, "Verify"). Times are not judged. A key by jwksUri is
 * fetched meanwhile where the set at hand is not fresh.
 * @param body    the request's JSON text
 * @param verdict set on success, valid or not
 * @return key_not_found, invalid_json, invalid_request, or a 5xx
 */
const whk_outcome_t *whk_verify_jws(whk_registry_t *registry, const whk_caller_t *caller,
                                    const char *key_id, const char *body, apr_size_t length,
                                    whk_verdict_t *verdict);

/**
 * The ACTIVE keys of an enterprise as a JWK Set (RFC 7517, section 5), oldest first.
 * @param set set on success; owned by the registry's pool
 * @return a 5xx, also where one of them can't be read: a set that lacks a key says that it is none
 */
const whk_outcome_t *whk_jwk_set(whk_registry_t *registry, const whk_caller_t *caller,
                                 json_t **set);

/** `page` holds limit and offset and is filled, newest first. */
const whk_outcome_t *whk_list_events(whk_registry_t *registry, const whk_caller_t *caller,
                                     whk_page_t *page);

#endif
