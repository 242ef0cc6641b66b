/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/response.h"

#include <http_protocol.h>

void whk_response_reset(request_rec *r, const whk_response_t *response)
{
    r->headers_out = apr_table_copy(r->pool, response->headers_out);
    r->err_headers_out = apr_table_copy(r->pool, response->err_headers_out);
    r->trailers_out = apr_table_make(r->pool, 1);
    r->content_type = response->content_type;
    r->content_encoding = NULL;
    r->content_languages = NULL;
    r->clength = 0;
    r->status = HTTP_OK;
    r->status_line = NULL;
    apr_table_unset(r->notes, "error-notes");
    apr_table_unset(r->notes, "verbose-error-to");
}

/* Fields are added, changed and taken away: whoever does so leaves another list. */
static int is_changed(const apr_table_t *now_, const apr_table_t *before_)
{
    const apr_array_header_t *now = apr_table_elts(now_);
    const apr_array_header_t *before = apr_table_elts(before_);
    int i;

    for (i = 0; now->nelts == before->nelts && i < now->nelts; i++) {
        const apr_table_entry_t *a = &APR_ARRAY_IDX(now, i, apr_table_entry_t);
        const apr_table_entry_t *b = &APR_ARRAY_IDX(before, i, apr_table_entry_t);

        if (strcmp(a->key, b->key) != 0 || strcmp(a->val, b->val) != 0)
            return 1;
    }
    return now->nelts != before->nelts;
}

int whk_response_has_begun(const request_rec *r, const whk_response_t *response)
{
    /* The notes are mod_proxy's. */
    return r->status_line || apr_table_get(r->notes, "proxy-error-override") ||
           apr_table_get(r->notes, "proxy-status") || r->content_type != response->content_type ||
           is_changed(r->headers_out, response->headers_out) ||
           is_changed(r->err_headers_out, response->err_headers_out);
}
