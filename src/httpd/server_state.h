/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What each server, the main one or a virtual host, has of its own beside its directives: what
 * they all together ask of it, and what is made of them once they are read. */

#include <httpd.h>

#include "otp/secret_box.h"
#include "registry/key_cache.h"
#include "registry/registry.h"

/** What directives of other modules say of a server: other_directives.h. */
typedef struct whk_other_settings_t {
    const char *driver;       /**< DBDriver; NULL: it does not stand there */
    const char *params;       /**< DBDParams, likewise */
    const char *params_place; /**< `FILE:LINE` of it */
    int serves;               /**< `SetHandler webhook-keys` stands somewhere in it */
    int is_named;             /**< ServerName stands in it itself */
} whk_other_settings_t;

/** What the node knows of the registry of a server: directory_shm.h. */
typedef struct whk_node_directory_t {
    whk_directory_block_t *block;
    apr_global_mutex_t *mutex; /**< around polls; in a child NULL where it can't take it */
} whk_node_directory_t;

typedef struct whk_server_t {
    /* Kept while the directives are read, in sections too, whose configurations nobody lists. */
    int signs;                              /**< WebhookKeysSign stands somewhere in it */
    int signs_by_ed25519;                   /**< by a scheme that has no other algorithm */
    int verifies;                           /**< WebhookKeysSignature stands somewhere in it */
    apr_interval_time_t longest_max_age;    /**< of WebhookKeysMaxAge; 0: it stands nowhere */
    apr_interval_time_t longest_clock_skew; /**< of WebhookKeysClockSkew */
    struct whk_rollout_t *rollouts; /**< each WebhookKeysEnforce Off, the last first; NULL: none */

    whk_other_settings_t others;

    const struct whk_signing_keys_t *signing_keys; /**< signing_keys.h; NULL: none */
    const whk_secret_key_t *secret_key;            /**< NULL: the operator names none */
    whk_remote_t remote;                           /**< made at child start */
    whk_node_directory_t *directory;               /**< NULL: it verifies nothing */
    whk_key_cache_t *key_cache; /**< made at child start; NULL: it verifies nothing */
    struct whk_database_watch_t *database_watch; /**< database_watch.h; NULL: no database is set */
    int met_connection;                          /**< whk_database_meet_connection() was called */
    int write_uses_fails;                        /**< as the background task met it last */
    int refresh_fails;
    int revoke_due_fails;
    apr_time_t revoked_due; /**< when this process did that last, by whk_clock_now() */
    int asking_fails;
    apr_time_t notified;           /**< as revoked_due */
    apr_time_t looked_for_notices; /**< when it was last looked for what only time brings */
    int notify_fails;
} whk_server_t;

/** The module record's. */
void *whk_server_create(apr_pool_t *pool, server_rec *s);

const whk_server_t *whk_server_of(const server_rec *s);

/** For the rows of directives: the server, or a section in it, has this value. */
void whk_server_update_verifies(whk_server_t *server, const void *signature);
void whk_server_update_signs(whk_server_t *server, const void *sign);
void whk_server_update_longest_max_age(whk_server_t *server, const void *max_age);
void whk_server_update_longest_clock_skew(whk_server_t *server, const void *clock_skew);

/** post_config: the longest times of all servers, defaults and sections included: what one place
 * finds too old, another may not. */
void whk_server_longest_times(const server_rec *s, apr_interval_time_t *max_age,
                              apr_interval_time_t *clock_skew);
