/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/backend_headers.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "model/timestamp.h"

static const char *const ours[] = {"Webhook-Enterprise", "Webhook-Key-Id", "Webhook-Alg",
                                   "Webhook-Signed-At", "Webhook-Verdict"};

/* CGI, WSGI, Rack and PHP make one variable of names that differ in case and punctuation alone. */
static int are_alike(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if (apr_tolower(*a) != apr_tolower(*b) && (apr_isalnum(*a) || apr_isalnum(*b)))
            return 0;
    return *a == *b;
}

static int is_name_of_ours(const char *name)
{
    apr_size_t i;

    for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (are_alike(name, ours[i]))
            return 1;
    return 0;
}

static int is_ours(const apr_table_t *headers, int index)
{
    return is_name_of_ours(((const apr_table_entry_t *)apr_table_elts(headers)->elts)[index].key);
}

static int is_plain(const char *name)
{
    for (; *name; name++)
        if (!apr_isalnum(*name) && *name != '-')
            return 0;
    return 1;
}

/* A plain name has a right to itself; of others that are alike, the first. */
static int is_twin(const apr_table_t *headers, int index)
{
    const apr_array_header_t *fields = apr_table_elts(headers);
    const apr_table_entry_t *field = (const apr_table_entry_t *)fields->elts;
    const char *name = field[index].key;
    int i;

    if (is_plain(name))
        return 0;
    for (i = 0; i < fields->nelts; i++)
        if (are_alike(field[i].key, name) && ap_cstr_casecmp(field[i].key, name) &&
            (is_plain(field[i].key) || i < index))
            return 1;
    return 0;
}

static apr_table_t *without(const apr_table_t *headers,
                            int (*is_dropped)(const apr_table_t *headers, int index),
                            apr_pool_t *pool)
{
    const apr_array_header_t *fields = apr_table_elts(headers);
    const apr_table_entry_t *field = (const apr_table_entry_t *)fields->elts;
    apr_table_t *kept = apr_table_make(pool, fields->nelts + 4);
    int i;

    for (i = 0; i < fields->nelts; i++)
        if (!is_dropped(headers, i))
            apr_table_addn(kept, field[i].key, field[i].val);
    return kept;
}

/* Into a table of the request's own. */
static void drop(request_rec *r, int (*is_dropped)(const apr_table_t *headers, int index))
{
    r->headers_in = without(r->headers_in, is_dropped, r->pool);
}

/* Those hop-by-hop fields that are listed, each once, however often it was. */
static const char *hop_by_hop_of(const char *connection, apr_pool_t *pool)
{
    static const char *const names[] = {"close", "keep-alive", "te", "transfer-encoding",
                                        "proxy-connection"};
    const char *kept = NULL;
    apr_size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (ap_find_token(pool, connection, names[i]))
            kept = kept ? apr_pstrcat(pool, kept, ", ", names[i], NULL) : names[i];
    return kept;
}

void whk_backend_headers_sanitize(request_rec *r)
{
    const char *connection = apr_table_getm(r->pool, r->headers_in, "Connection");
    const char *kept = connection ? hop_by_hop_of(connection, r->pool) : NULL;

    drop(r, is_twin);
    apr_table_unset(r->headers_in, "Upgrade");
    apr_table_unset(r->headers_in, "HTTP2-Settings");
    if (kept)
        apr_table_setn(r->headers_in, "Connection", kept);
    else
        apr_table_unset(r->headers_in, "Connection");
}

/* As httpd may read it: what stands beside the name, as a parameter, does not make it another. */
static int names_ours(const char *option)
{
    apr_size_t i;

    for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (ap_strcasestr(option, ours[i]))
            return 1;
    return 0;
}

/* mod_proxy would drop what we set. */
static void take_out_of_connection(request_rec *r)
{
    const char *connection = apr_table_getm(r->pool, r->headers_in, "Connection");
    apr_array_header_t *kept = apr_array_make(r->pool, 4, sizeof(const char *));
    char *state;
    char *token = apr_strtok(apr_pstrdup(r->pool, connection ? connection : ""), ", \t", &state);

    for (; token; token = apr_strtok(NULL, ", \t", &state))
        if (!names_ours(token))
            APR_ARRAY_PUSH(kept, const char *) = token;
    if (kept->nelts)
        apr_table_setn(r->headers_in, "Connection", apr_array_pstrcat(r->pool, kept, ','));
    else
        apr_table_unset(r->headers_in, "Connection");
}

void whk_backend_headers_set_verdict(request_rec *r, const char *verdict)
{
    drop(r, is_ours);
    take_out_of_connection(r);
    if (verdict)
        apr_table_setn(r->headers_in, ours[4], verdict);
}

void whk_backend_headers_set_signer(request_rec *r, const whk_verification_t *verification)
{
    whk_backend_headers_set_verdict(r, "ok");
    apr_table_setn(r->headers_in, ours[0], verification->enterprise_id);
    apr_table_setn(r->headers_in, ours[1], verification->webhook.key_id);
    apr_table_setn(r->headers_in, ours[2], verification->webhook.algorithm);
    if (verification->webhook.signed_at)
        apr_table_setn(r->headers_in, ours[3],
                       whk_time_format(r->pool, verification->webhook.signed_at));
}

/* Whether a backend may take a name for one of these fields'. */
static int is_name_of(const apr_table_t *fields, const char *name)
{
    const apr_array_header_t *list = apr_table_elts(fields);
    int i;

    for (i = 0; i < list->nelts; i++)
        if (are_alike(name, APR_ARRAY_IDX(list, i, apr_table_entry_t).key))
            return 1;
    return 0;
}

static int set_field(void *headers, const char *name, const char *value)
{
    apr_table_setn(headers, name, value);
    return 1;
}

void whk_backend_headers_replace(request_rec *r, const apr_table_t *fields)
{
    const apr_array_header_t *all = apr_table_elts(r->headers_in);
    apr_table_t *kept = apr_table_make(r->pool, all->nelts + 4);
    int i;

    for (i = 0; i < all->nelts; i++) {
        const apr_table_entry_t *field = &APR_ARRAY_IDX(all, i, apr_table_entry_t);

        if (!is_name_of(fields, field->key))
            apr_table_addn(kept, field->key, field->val);
    }
    apr_table_do(set_field, kept, fields, NULL);
    r->headers_in = kept;
}

void whk_answer_headers_set_signer(request_rec *r, const whk_webhook_t *signer)
{
    r->headers_out = without(r->headers_out, is_ours, r->pool);
    r->err_headers_out = without(r->err_headers_out, is_ours, r->pool);
    apr_table_setn(r->headers_out, ours[1], signer->key_id);
    apr_table_setn(r->headers_out, ours[2], signer->algorithm);
}
