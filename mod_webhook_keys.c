/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_webhook_keys: a registry of the public keys that sign webhooks.
 *
 * The module record, and which hooks it joins, in which order and why: those of the process, of
 * the API, and of webhooks. A request meets those of its location from the top down.
 */

#include <httpd.h>

#include <ap_provider.h>
#include <http_config.h>
#include <http_connection.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_auth.h>
#include <mpm_common.h>

#include "httpd/access_log.h"
#include "httpd/api/authn_bearer.h"
#include "httpd/api/authz_admin.h"
#include "httpd/api/handler.h"
#include "httpd/api/httpd_errors.h"
#include "httpd/api/otp_hook.h"
#include "httpd/api/path_hooks.h"
#include "httpd/child_shutdown.h"
#include "httpd/config.h"
#include "httpd/config_check.h"
#include "httpd/database.h"
#include "httpd/database_watch.h"
#include "httpd/directives.h"
#include "httpd/directory_shm.h"
#include "httpd/error_response.h"
#include "httpd/limited_log.h"
#include "httpd/metrics_handler.h"
#include "httpd/metrics_shm.h"
#include "httpd/mod_webhook_keys.h"
#include "httpd/notify_task.h"
#include "httpd/request.h"
#include "httpd/rollout.h"
#include "httpd/server_fetchers.h"
#include "httpd/server_state.h"
#include "httpd/signing_jwks.h"
#include "httpd/signing_keys.h"
#include "httpd/status_page.h"
#include "httpd/watchdog_tasks.h"
#include "httpd/webhook/captured_body.h"
#include "httpd/webhook/replay_cache.h"
#include "httpd/webhook/response_cache.h"
#include "httpd/webhook/response_config_check.h"
#include "httpd/webhook/response_deadline.h"
#include "httpd/webhook/response_filter.h"
#include "httpd/webhook/response_gate.h"
#include "httpd/webhook/response_interim.h"
#include "httpd/webhook/sent_request.h"
#include "httpd/webhook/webhook_auth.h"
#include "httpd/webhook/webhook_config_check.h"
#include "httpd/webhook/webhook_errors.h"
#include "httpd/webhook/webhook_gate.h"
#include "httpd/webhook/webhook_replay.h"
#include "httpd/webhook/webhook_sign.h"
#include "httpd/webhook/webhook_sign_check.h"

/* Start-up and end. Whatever can be found wrong is found in check_config, which `apachectl
 * configtest` runs too. */
static void register_process_hooks(void)
{
    static const char *const watchdog[] = {"mod_watchdog.c", NULL};

    ap_hook_pre_config(whk_database_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(whk_access_log_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(whk_directory_shm_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(whk_replay_cache_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    /* When all modules are loaded: mod_proxy may be after ours, or not at all. */
    ap_hook_pre_config(whk_sent_request_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(whk_webhook_sign_pre_config, NULL, NULL, APR_HOOK_MIDDLE + 1);
    ap_hook_pre_config(whk_status_page_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(whk_config_dump, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_check_config(whk_config_check_registries, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(whk_webhook_sections_check, NULL, NULL, APR_HOOK_MIDDLE + 1);
    ap_hook_check_config(whk_response_config_check, NULL, NULL, APR_HOOK_MIDDLE + 1);
    ap_hook_check_config(whk_config_check_files, NULL, NULL, APR_HOOK_MIDDLE + 2);
    ap_hook_check_config(whk_notify_check, NULL, NULL, APR_HOOK_MIDDLE + 2);
    ap_hook_check_config(whk_rollout_check_config, NULL, NULL, APR_HOOK_MIDDLE + 3);
    ap_hook_check_config(whk_webhook_sign_check, NULL, NULL, APR_HOOK_MIDDLE + 1);
    ap_hook_check_config(whk_signing_keys_check, NULL, NULL, APR_HOOK_MIDDLE + 2);
    ap_hook_post_config(whk_metrics_shm_post_config, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_post_config(whk_database_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(whk_server_fetchers_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(whk_replay_cache_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(whk_database_watch_post_config, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_post_config(whk_limited_log_post_config, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_post_config(whk_rollout_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(whk_watchdog_tasks_post_config, NULL, watchdog, APR_HOOK_MIDDLE);
    ap_hook_child_init(whk_metrics_shm_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(whk_database_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(whk_signing_keys_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(whk_server_fetchers_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(whk_replay_cache_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(whk_watchdog_tasks_child_init, NULL, watchdog, APR_HOOK_MIDDLE);
    /* Last, so that background tasks end before anything that they use does. */
    ap_hook_child_init(whk_shutdown_child_init, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_child_stopping(whk_shutdown_child_stopping, NULL, NULL, APR_HOOK_MIDDLE);

    ap_hook_monitor(whk_limited_log_monitor, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_generate_log_id(whk_request_generate_log_id, NULL, NULL, APR_HOOK_FIRST);

    ap_hook_log_transaction(whk_access_log_log_transaction, NULL, NULL, APR_HOOK_REALLY_FIRST);

    /* Every request counts as under way, from its header on. */
    ap_hook_post_read_request(whk_shutdown_post_read_request, NULL, NULL, APR_HOOK_REALLY_FIRST);
    whk_error_response_register_filter();
}

/* The API: locations with SetHandler webhook-keys. */
static void register_api_hooks(apr_pool_t *pool)
{
    /* As early as the location is known: from here on every response is JSON. */
    ap_hook_pre_translate_name(whk_httpd_errors_pre_translate_name, NULL, NULL,
                               APR_HOOK_REALLY_FIRST);
    ap_hook_insert_error_filter(whk_httpd_errors_insert_error_filter, NULL, NULL, APR_HOOK_LAST);

    /* Right before httpd decodes the path, and right after it. */
    ap_hook_pre_translate_name(whk_paths_escape_slashes, NULL, NULL, APR_HOOK_REALLY_LAST);
    /* A location whose path was sent percent-encoded is known only now. */
    ap_hook_translate_name(whk_httpd_errors_pre_translate_name, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_translate_name(whk_paths_stay_in_location, NULL, NULL, APR_HOOK_REALLY_FIRST);
    /* After mod_rewrite and mod_alias had their say, before core looks for a file: a keyId is no
     * file name, and may be longer than one. */
    ap_hook_translate_name(whk_paths_translate_name, NULL, NULL, APR_HOOK_LAST);
    ap_hook_map_to_storage(whk_paths_map_to_storage, NULL, NULL, APR_HOOK_FIRST);

    /* Route and method, token, admin, one-time password: docs/api.md, "The order of the checks". */
    ap_hook_check_access_ex(whk_authz_admin_check_access_ex, NULL, NULL, APR_HOOK_REALLY_FIRST,
                            AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authn(whk_authn_bearer_check_authn, NULL, NULL, APR_HOOK_MIDDLE,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authz(whk_authz_admin_check_authz, NULL, NULL, APR_HOOK_REALLY_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "webhook-keys-admin",
                              AUTHZ_PROVIDER_VERSION, &whk_authz_admin_provider,
                              AP_AUTH_INTERNAL_PER_CONF);
    ap_register_provider(pool, WHK_OTP_PROVIDER_GROUP, "totp", WHK_OTP_PROVIDER_VERSION,
                         &whk_totp_provider);
    ap_hook_fixups(whk_otp_hook_fixups, NULL, NULL, APR_HOOK_LAST);

    ap_hook_handler(whk_api_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(whk_metrics_handler, NULL, NULL, APR_HOOK_MIDDLE);
}

/* Webhooks: locations with WebhookKeysSignature, which have any handler. */
static void register_webhook_hooks(apr_pool_t *pool)
{
    /* Before anybody reads of the body. */
    whk_captured_body_register_filters();
    ap_hook_post_read_request(whk_captured_body_post_read_request, NULL, NULL, APR_HOOK_MIDDLE);

    /* httpd asks who signed only where something is required: what lacks that is closed first. */
    ap_hook_check_access_ex(whk_webhook_auth_check_access_ex, NULL, NULL, APR_HOOK_REALLY_FIRST,
                            AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authn(whk_webhook_auth_check_authn, NULL, NULL, APR_HOOK_MIDDLE,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authz(whk_webhook_auth_check_authz, NULL, NULL, APR_HOOK_REALLY_FIRST - 10,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "valid-webhook", AUTHZ_PROVIDER_VERSION,
                              &whk_webhook_authz_provider, AP_AUTH_INTERNAL_PER_CONF);
    /* First, so that other modules' fixups find who signed. */
    ap_hook_fixups(whk_webhook_auth_fixups, NULL, NULL, APR_HOOK_FIRST);

    /* The gate comes after all that authorises and sets header fields, and before any handler. */
    ap_hook_handler(whk_webhook_gate_handler, NULL, NULL, APR_HOOK_REALLY_FIRST - 10);
    /* What a location signs is what the gate let through; mod_proxy's handler is a FIRST one. */
    ap_hook_handler(whk_webhook_sign_handler, NULL, NULL, APR_HOOK_REALLY_FIRST - 9);
    ap_hook_handler(whk_webhook_sign_after_proxy, NULL, NULL, APR_HOOK_FIRST + 1);
    ap_hook_handler(whk_signing_jwks_handler, NULL, NULL, APR_HOOK_MIDDLE);
    whk_webhook_replay_register_filter();
    ap_hook_insert_error_filter(whk_webhook_errors_insert_error_filter, NULL, NULL, APR_HOOK_LAST);
    ap_hook_log_transaction(whk_webhook_replay_log_transaction, NULL, NULL, APR_HOOK_MIDDLE);
}

/* Answers: locations with WebhookKeysResponse, which have any handler. */
static void register_answer_hooks(void)
{
    whk_response_filter_register();
    whk_response_interim_register_filter();
    whk_response_deadline_register_filter();
    ap_hook_quick_handler(whk_response_cache_quick_handler, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_quick_handler(whk_response_cache_quick_handler_after, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_pre_connection(whk_response_deadline_pre_connection, NULL, NULL, APR_HOOK_MIDDLE);

    /* Behind the gate of webhooks, and on both sides of mod_cache, which comes REALLY_FIRST. */
    ap_hook_handler(whk_response_gate_handler, NULL, NULL, APR_HOOK_REALLY_FIRST - 9);
    ap_hook_handler(whk_response_gate_after_cache, NULL, NULL, APR_HOOK_REALLY_FIRST + 1);
    /* Before those that make JSON of what was stopped. */
    ap_hook_insert_error_filter(whk_response_gate_insert_error_filter, NULL, NULL, APR_HOOK_MIDDLE);
}

static void register_hooks(apr_pool_t *pool)
{
    register_process_hooks();
    register_api_hooks(pool);
    register_webhook_hooks(pool);
    register_answer_hooks();
}

AP_DECLARE_MODULE(webhook_keys)
__attribute__((visibility("default"))) = {
    STANDARD20_MODULE_STUFF, whk_config_create, whk_config_merge,    whk_server_create, NULL,
    whk_directives,          register_hooks,    AP_MODULE_FLAG_NONE,
};
