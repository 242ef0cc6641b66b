/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api/path_hooks.h"

#include <apr_strings.h>

#include "httpd/api/api_request.h"
#include "httpd/config.h"
#include "httpd/request.h"
#include "httpd/request_stop.h"

/* What r->filename is for our paths: nothing that could be looked up, or has an extension. */
#define NO_FILE "webhook-keys:"

/* The path with each encoded slash escaped once more, so that one decoding leaves it encoded. */
static char *escape_slashes(apr_pool_t *pool, const char *path)
{
    char *escaped = apr_palloc(pool, strlen(path) * 2 + 1);
    char *out = escaped;

    while (*path) {
        if (!ap_cstr_casecmpn(path, "%2f", 3)) {
            memcpy(out, "%25", 3);
            out += 3;
            path++;
        }
        *out++ = *path++;
    }
    *out = '\0';
    return escaped;
}

int whk_paths_escape_slashes(request_rec *r)
{
    if (!r->parsed_uri.path || !ap_strcasestr(r->parsed_uri.path, "%2f") || !whk_config_is_ours(r))
        return DECLINED;
    /* httpd decodes the path next, and by AllowEncodedSlashes would refuse or decode these. */
    r->parsed_uri.path = escape_slashes(r->pool, r->parsed_uri.path);
    r->uri = r->parsed_uri.path;
    whk_api_request_of(r)->slashes_escaped = 1;
    return DECLINED;
}

int whk_paths_stay_in_location(request_rec *r)
{
    const whk_request_t *request = whk_request_if_any(r);
    int escaped = request && request->api && request->api->slashes_escaped;

    return escaped && !whk_config_is_ours(r) ? HTTP_NOT_FOUND : DECLINED;
}

int whk_paths_translate_name(request_rec *r)
{
    const whk_outcome_t *outcome;

    if (!whk_config_is_ours(r))
        return DECLINED;
    outcome = r->method_number == M_TRACE ? whk_api_request_check_route(r) : NULL;
    if (outcome)
        return whk_request_stop(r, outcome);
    r->filename = apr_pstrdup(r->pool, NO_FILE);
    return OK;
}

int whk_paths_map_to_storage(request_rec *r)
{
    return r->filename && !strcmp(r->filename, NO_FILE) ? OK : DECLINED;
}
