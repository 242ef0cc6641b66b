/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_HTTPD_CONFIG_H
#define WHK_HTTPD_CONFIG_H

/**
 * @file httpd/config.h
 * The directives: one row each in config.c with name, scope, reading, default and merge. What they
 * mean to an operator is in docs/directives.md.
 */

#include <httpd.h>

#include <ap_expr.h>
#include <ap_socache.h>
#include <apr_pools.h>
#include <http_config.h>

#include "httpd/mod_webhook_keys.h"
#include "otp/secret_box.h"
#include "registry/key_cache.h"
#include "registry/registry.h"
#include "scheme/signed_message.h"

extern module AP_MODULE_DECLARE_DATA webhook_keys_module;

/** The name that `SetHandler` gives to a location of ours. */
#define WHK_HANDLER "webhook-keys"

/** WebhookKeysSignature: the scheme, and where it puts its signature. */
typedef struct whk_signature_config_t {
    const whk_scheme_t *scheme; /**< NULL: none is set */
    const char *header;         /**< NULL where the scheme has its own */
    int in_section;             /**< it stands in a section, so that is a location of webhooks */
} whk_signature_config_t;

/** The AuthType of locations of webhooks. */
#define WHK_WEBHOOK_AUTH_TYPE "WebhookSignature"

/** What the Require lines in force at one place ask for. */
enum {
    WHK_REQUIRES_SOMETHING = 1,
    WHK_REQUIRES_VALID_WEBHOOK = 2, /**< `Require valid-webhook` is among them, for all methods */
    WHK_REQUIRES_NOTHING = 4        /**< and `Require all granted`, which alone is enough */
};
/** WebhookKeysReplayCache: what remembers webhooks beside this node's own memory. */
typedef struct whk_replay_provider_t {
    const ap_socache_provider_t *provider;
    ap_socache_instance_t *instance; /**< NULL: it is not asked */
} whk_replay_provider_t;

/** What is in force at one place, defaults filled in. */
typedef struct whk_config_t {
    apr_uint64_t set; /**< one bit for each row that the configuration names here */
    apr_int64_t max_body;
    whk_policy_t policy;
    const char *otp_header;
    const char *otp_provider_name;
    const whk_otp_provider_t *otp_provider;
    const char *secret_key_file;
    const whk_allow_list_t *jwks_uri_allow; /**< NULL: no exceptions */
    apr_interval_time_t jwks_uri_timeout;
    const char *ca_file;              /**< NULL: the system's authorities */
    const char *proxy;                /**< NULL: none */
    int max_fetches;                  /**< 0: a quarter of the workers */
    const ap_expr_info_t *enterprise; /**< NULL: not set */
    whk_signature_config_t signature;
    const char *body_hash_claim;
    const apr_array_header_t *required_components; /**< NULL: the scheme's own */
    const char *signature_tag;                     /**< NULL: none is asked for */
    const apr_array_header_t *audiences;           /**< NULL: none */
    const char *issuer;                            /**< NULL: any */
    int require_time;
    apr_interval_time_t max_age;
    apr_interval_time_t clock_skew;
    apr_int64_t max_webhook_body;
    int jwks_max_age; /**< seconds */
    apr_interval_time_t revocation_lag;
    apr_interval_time_t max_stale;
    const whk_replay_provider_t *replay_cache; /**< NULL: off */
    int replay_entries;
    int backend_headers;
    int requires; /**< WHK_REQUIRES_…; 0: no Require line */
    int joins;    /**< AuthMerging Or: those around it are alternatives to them */
} whk_config_t;

extern const command_rec whk_directives[];

void *whk_config_create(apr_pool_t *pool, char *dir);
void *whk_config_merge(apr_pool_t *pool, void *base, void *over);

/** What is in force for a request; for a server, outside all sections. */
const whk_config_t *whk_config_of(const request_rec *r);
const whk_config_t *whk_config_of_server(const server_rec *s);

/** True where the request's location has `SetHandler webhook-keys`, known before the handler runs.
 */
int whk_config_is_ours(request_rec *r);

/** What directives of other modules say of a server, as httpd processed them: see config_notes.h.
 */
typedef struct whk_server_notes_t {
    const char *driver;       /**< DBDriver; NULL: it does not stand there */
    const char *params;       /**< DBDParams, likewise */
    const char *params_place; /**< `FILE:LINE` of it */
    int serves;               /**< `SetHandler webhook-keys` stands somewhere in it */
} whk_server_notes_t;

/** Per virtual host, made from the directives once they are all read. */
typedef struct whk_server_t {
    const whk_secret_key_t *secret_key; /**< NULL: the operator names none */
    whk_remote_t remote;                /**< made at child start */
    whk_key_cache_t *key_cache;         /**< made at child start; NULL: it verifies nothing */
    int poll_fails;                     /**< as the background task met it last */
    int write_uses_fails;
    int refresh_fails;
    int verifies; /**< WebhookKeysSignature stands somewhere in it */
    whk_server_notes_t notes;
} whk_server_t;

void *whk_server_create(apr_pool_t *pool, server_rec *s);
const whk_server_t *whk_server_of(const server_rec *s);

/** check_config: what can be found wrong before a restart is. OK, or an HTTP status to stop at. */
int whk_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

#endif
