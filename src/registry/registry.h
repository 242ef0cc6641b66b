/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What the rules of this folder work on: a registry, and what the operator decided about it. They
 * know no HTTP and no SQL. Every function returns NULL or why not (model/outcome.h); results live
 * in the registry's pool. */

#include <apr_pools.h>
#include <apr_time.h>

#include "fetch/fetch.h"
#include "jose/algorithm.h"
#include "model/caller.h"
#include "model/key.h"
#include "model/outcome.h"
#include "otp/secret_box.h"
#include "otp/secret_key.h"
#include "registry/shared_counters.h"
#include "store/store.h"

/** What the operator decided; a registry borrows it. */
typedef struct whk_policy_t {
    whk_algorithms_t algorithms; /**< WebhookKeysAlgorithms */
    int max_active;              /**< WebhookKeysMaxActive: ACTIVE keys of one enterprise */
    apr_interval_time_t jwks_uri_refresh; /**< WebhookKeysJwksUriRefresh */
    int jwks_uri_pin;    /**< WebhookKeysJwksUriPin: a set that changes its key is refused */
    int jwks_uri_follow; /**< WebhookKeysJwksUriFollow: keys may stand for whole sets */
    /* Over tables of the operator's own (registry/operator_tables.h); NULL: the registry's. */
    const char *token_query;      /**< WebhookKeysTokenQuery */
    const char *admin_query;      /**< WebhookKeysAdminQuery */
    const char *otp_secret_query; /**< WebhookKeysOTPSecretQuery */
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
    /** Take a place among the fetches that may run at once.
     * @param enterprise_id whose request it is; NULL for the background
     * @return the place; 0 where there is none for this enterprise and kind */
    int (*enter)(void *baton, whk_fetch_kind_t kind, const char *enterprise_id);
    /** Give it back. */
    void (*leave)(void *baton, int place);
    void *baton;
    const volatile apr_uint32_t *stop; /**< see whk_fetch() */
} whk_remote_t;

/** One request's or one command's view of the registry: cheap to make, used by one thread. */
typedef struct whk_registry_t {
    apr_pool_t *pool;
    whk_store_t *store;
    const whk_policy_t *policy;
    const whk_remote_t *remote; /**< NULL: this process fetches nothing, and refuses a jwksUri */
    /** Where other processes of the node see that something changed; NULL: they learn of it within
     *  WebhookKeysRevocationLag. */
    whk_shared_counters_t *counters;
    /** What seals rows and verifies their seals (registry/seal.h); NULL: the operator names none,
     * and then no row is good and none is written. */
    const whk_secret_key_t *secret;
} whk_registry_t;
