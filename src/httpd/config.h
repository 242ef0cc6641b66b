/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What the directives say at one place, as the rest of src/httpd reads it. What each of them is,
 * is its row in directives.c. */

#include <httpd.h>

#include <ap_expr.h>
#include <ap_socache.h>
#include <http_config.h>

#include "fetch/allow_list.h"
#include "registry/registry.h"
#include "scheme/scheme.h"

extern module AP_MODULE_DECLARE_DATA webhook_keys_module;

/** The name that `SetHandler` gives to a location of ours. */
#define WHK_HANDLER "webhook-keys"

/** The AuthType of locations of webhooks. */
#define WHK_WEBHOOK_AUTH_TYPE "WebhookSignature"

/** WebhookKeysSignature, WebhookKeysSign, WebhookKeysResponse: the scheme, and where it puts its
 * signature. */
typedef struct whk_signature_config_t {
    const whk_scheme_t *scheme; /**< NULL: none is set */
    const char *header;         /**< NULL where the scheme has its own */
    int in_section;             /**< it stands in a section, so that is a location of webhooks */
} whk_signature_config_t;

/** WebhookKeysEnforce. */
typedef struct whk_enforce_config_t {
    int is_on;
    struct whk_rollout_t *rollout; /**< what is kept of it where it is Off; NULL: it is On */
} whk_enforce_config_t;

/** A line of WebhookKeysResponseClaim. */
typedef struct whk_response_claim_t {
    const char *name;
    const ap_expr_info_t *value;
} whk_response_claim_t;

/** WebhookKeysReplayCache: what remembers webhooks beside this node's own memory. */
typedef struct whk_replay_provider_t {
    const ap_socache_provider_t *provider;
    ap_socache_instance_t *instance; /**< NULL: it is not asked */
} whk_replay_provider_t;

/** What the Require lines in force at one place ask for. */
enum {
    WHK_REQUIRES_SOMETHING = 1,
    WHK_REQUIRES_VALID_WEBHOOK = 2, /**< `Require valid-webhook` is among them, for all methods */
    WHK_REQUIRES_NOTHING = 4        /**< and `Require all granted`, which alone is enough */
};

/** The most directives that whk_config_t has room for. */
#define WHK_DIRECTIVES_MAX 128

/** What is in force at one place, defaults filled in. */
typedef struct whk_config_t {
    /* The API. */
    apr_int64_t max_body;
    whk_policy_t policy;
    const char *otp_header;
    const char *otp_provider;
    const char *secret_key_file;
    int jwks_max_age; /**< seconds */
    int openapi;      /**< the description of the API is served */

    /* Keys by jwksUri. */
    const whk_allow_list_t *jwks_uri_allow; /**< NULL: no exceptions */
    apr_interval_time_t jwks_uri_timeout;
    const char *ca_file; /**< NULL: the system's authorities */
    const char *proxy;   /**< NULL: none */
    int max_fetches;     /**< 0: a quarter of the workers */

    /* Locations of webhooks. */
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
    int backend_headers;
    whk_enforce_config_t enforce;

    /* What goes out. */
    whk_signature_config_t sign;
    const apr_array_header_t *signing_keys; /**< whk_signing_key_line_t; NULL: none */

    /* Locations whose answers are signed. */
    whk_signature_config_t response;
    const apr_array_header_t *response_claims;     /**< whk_response_claim_t; NULL: none */
    const apr_array_header_t *response_components; /**< NULL: the scheme's own */
    apr_interval_time_t response_timeout;

    /* What a node knows. */
    apr_interval_time_t revocation_lag;
    apr_interval_time_t max_stale;
    apr_int64_t cache_size;
    int max_enterprises;
    const whk_replay_provider_t *replay_cache; /**< NULL: off */
    int replay_entries;
    int metrics_enterprises;
    const apr_array_header_t *notify; /**< program and arguments; NULL: nobody is told */

    /* What mod_authz_core's directives say: other_directives.h. */
    int requires;        /**< WHK_REQUIRES_…; 0: no Require line */
    int auth_merging_or; /**< those around it are alternatives to them */

    unsigned char set[WHK_DIRECTIVES_MAX]; /**< whether it is named here, by its row */
} whk_config_t;

/** What is in force for a request; for a server, outside all sections. */
const whk_config_t *whk_config_of(const request_rec *r);
const whk_config_t *whk_config_of_server(const server_rec *s);

/** True where the request's location has `SetHandler webhook-keys`, known before the handler runs.
 */
int whk_config_is_ours(request_rec *r);
