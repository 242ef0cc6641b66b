/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/signing_jwks.h"

#include <apr_strings.h>

#include "httpd/config.h"
#include "httpd/error_response.h"
#include "httpd/json_response.h"
#include "httpd/request.h"
#include "httpd/server_state.h"
#include "httpd/signing_keys.h"
#include "model/log_number.h"

#define ALLOW "GET, HEAD, OPTIONS"

static int send_error(request_rec *r, const whk_outcome_t *outcome)
{
    whk_error_response_set_common_headers(r->headers_out);
    whk_request_of(r)->error.allow = ALLOW;
    return whk_respond_error(r, outcome);
}

static int send_keys(request_rec *r, const whk_signing_keys_t *signing)
{
    const char *cache_control =
        apr_psprintf(r->pool, "public, max-age=%d", whk_config_of(r)->jwks_max_age);

    whk_error_response_set_common_headers(r->headers_out);
    return whk_respond_cacheable_text(r, signing->jwk_set, signing->etag, cache_control);
}

int whk_signing_jwks_handler(request_rec *r)
{
    const whk_signing_keys_t *signing = whk_server_of(r->server)->signing_keys;

    if (!r->handler || strcmp(r->handler, WHK_SIGNING_JWKS_HANDLER) != 0)
        return DECLINED;
    if (r->method_number == M_OPTIONS)
        return whk_respond_options(r, ALLOW);
    if (r->method_number != M_GET)
        return send_error(
            r, whk_refuse(r->pool, WHK_METHOD_NOT_ALLOWED, "the keys that sign are read with GET"));
    if (!signing)
        return send_error(
            r,
            whk_fail(r->pool, WHK_INTERNAL_ERROR,
                     WHK_LOGNO(0430) "SetHandler " WHK_SIGNING_JWKS_HANDLER
                                     " at %s has no keys to publish: add WebhookKeysSigningKey to "
                                     "this server or to the main one",
                     r->uri));
    return send_keys(r, signing);
}
