/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api/api_response.h"

#include <apr_strings.h>

#include "httpd/json_response.h"
#include "jose/json.h"
#include "model/log_number.h"
#include "registry/digest.h"

static const char *text_of(request_rec *r, json_t *value)
{
    return value ? whk_json_text(r->pool, whk_json_adopt(r->pool, value)) : NULL;
}

static int out_of_memory(request_rec *r)
{
    return whk_api_respond_error(
        r, whk_fail(r->pool, WHK_INTERNAL_ERROR, WHK_LOGNO(0411) "out of memory for an answer"));
}

int whk_api_respond(request_rec *r, int status, json_t *value)
{
    const char *text = text_of(r, value);

    return text ? whk_respond_text(r, status, apr_pstrcat(r->pool, text, "\n", NULL))
                : out_of_memory(r);
}

int whk_api_respond_cacheable(request_rec *r, json_t *value, int max_age)
{
    const char *text = text_of(r, value);
    const char *hash = text ? whk_sha256_hex(r->pool, text, strlen(text)) : NULL;

    if (!hash)
        return out_of_memory(r);
    return whk_respond_cacheable_text(r, apr_pstrcat(r->pool, text, "\n", NULL),
                                      apr_pstrcat(r->pool, "\"", hash, "\"", NULL),
                                      apr_psprintf(r->pool, "max-age=%d", max_age));
}

int whk_api_respond_error(request_rec *r, const whk_outcome_t *outcome)
{
    return whk_respond_error(r, outcome);
}

int whk_api_respond_options(request_rec *r, const char *allow)
{
    return whk_respond_options(r, allow);
}
