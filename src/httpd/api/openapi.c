/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api/openapi.h"

#include <string.h>

#include <apr_strings.h>

#include "httpd/api/api_response.h"
#include "httpd/json_response.h"
#include "model/log_number.h"
#include "registry/digest.h"

#define NAME "/openapi.json"
#define MAX_AGE "max-age=300"

/* What stands in docs/openapi.yaml in the place of an operator's own. */
#define EXAMPLE_SERVER "https://api.example.com/api/policy/v1"

/* The location as a client names it: percent-encoded, so that JSON takes it as it is. */
static const char *location_of(request_rec *r)
{
    return ap_escape_uri(r->pool, apr_pstrmemdup(r->pool, r->uri, strlen(r->uri) - strlen(NAME)));
}

static const char *text_for(request_rec *r)
{
    const char *server = strstr(whk_openapi_text, EXAMPLE_SERVER);

    if (!server)
        return whk_openapi_text;
    return apr_pstrcat(
        r->pool, apr_pstrmemdup(r->pool, whk_openapi_text, (apr_size_t)(server - whk_openapi_text)),
        location_of(r), server + strlen(EXAMPLE_SERVER), NULL);
}

int whk_openapi_respond(request_rec *r)
{
    const char *text = text_for(r);
    const char *hash = whk_sha256_hex(r->pool, text, strlen(text));

    if (!hash)
        return whk_api_respond_error(
            r, whk_fail(r->pool, WHK_INTERNAL_ERROR, WHK_LOGNO(0960) "OpenSSL has no SHA-256"));
    return whk_respond_cacheable_text(r, text, apr_pstrcat(r->pool, "\"", hash, "\"", NULL),
                                      MAX_AGE);
}
