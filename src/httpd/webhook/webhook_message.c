/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/webhook_message.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>

static int add_value(void *values, const char *name, const char *value)
{
    (void)name;
    APR_ARRAY_PUSH((apr_array_header_t *)values, const char *) = value;
    return 1;
}

static const apr_array_header_t *field(void *baton, const char *name, apr_pool_t *pool)
{
    apr_array_header_t *values = apr_array_make(pool, 1, sizeof(const char *));

    apr_table_do(add_value, values, baton, name, NULL);
    return values;
}

const char *whk_webhook_authority(const char *host, const char *scheme, apr_pool_t *pool)
{
    const char *standard = strcmp(scheme, "https") ? ":80" : ":443";
    char *authority = apr_pstrdup(pool, host);
    apr_size_t length = strlen(authority);

    ap_str_tolower(authority);
    if (length > strlen(standard) && !strcmp(authority + length - strlen(standard), standard))
        authority[length - strlen(standard)] = '\0';
    return authority;
}

static const char *authority_of(request_rec *r, const apr_table_t *headers)
{
    const char *host = apr_table_get(headers, "Host");

    return whk_webhook_authority(host          ? host
                                 : r->hostname ? r->hostname
                                               : "",
                                 ap_http_scheme(r), r->pool);
}

/* The request target in origin form, without the scheme and authority of an absolute one, whose
 * path may be empty (RFC 9112, section 3.2.1). */
static const char *target_of(request_rec *r)
{
    const char *target = r->unparsed_uri ? r->unparsed_uri : "/";
    const char *authority = *target == '/' ? NULL : ap_strstr_c(target, "://");

    if (!authority)
        return target;
    target = authority + 3 + strcspn(authority + 3, "/?#");
    return *target == '/' ? target : apr_pstrcat(r->pool, "/", target, NULL);
}

void whk_webhook_message(request_rec *initial, apr_table_t *headers,
                         const whk_captured_body_t *body, whk_message_t *message)
{
    memset(message, 0, sizeof(*message));
    message->method = initial->method;
    message->scheme = ap_http_scheme(initial);
    message->authority = authority_of(initial, headers);
    message->target = target_of(initial);
    message->field = field;
    message->baton = headers;
    message->body = body ? body->bytes : "";
    message->length = body ? body->length : 0;
}
