/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/access_log.h"

#include <apr_optional.h>
#include <apr_strings.h>
#include <mod_log_config.h>

#include "httpd/request.h"
#include "jose/json.h"
#include "model/timestamp.h"

/* ---- what is told of a request ---- */

/* The variables of who signed, which stand together. */
static const char *const of_signer[] = {"WEBHOOK_VERDICT", "WEBHOOK_ENTERPRISE", "WEBHOOK_KEY_ID",
                                        "WEBHOOK_ALG", "WEBHOOK_SIGNED_AT"};
#define SIGNER_COUNT (sizeof(of_signer) / sizeof(of_signer[0]))

typedef struct summary_t {
    const char *code;
    const char *enterprise_id;
    const char *claimed_key_id;
    const char *signer[SIGNER_COUNT];
} summary_t;

/* The last of a chain that somebody judged counts. */
static void add_signer(summary_t *summary, const request_rec *r)
{
    apr_size_t i;

    for (i = 0; i < SIGNER_COUNT; i++)
        summary->signer[i] = apr_table_get(r->subprocess_env, of_signer[i]);
}

static void add(summary_t *summary, const request_rec *r)
{
    const whk_request_t *request = whk_request_if_any(r);
    const whk_outcome_t *outcome;

    if (!request)
        return;
    if (request->is_judged)
        add_signer(summary, r);
    outcome = request->answered ? request->answered : request->error.outcome;
    if (outcome)
        summary->code = whk_code_name(outcome->code);
    if (request->enterprise_id) {
        summary->enterprise_id = request->enterprise_id;
        summary->claimed_key_id = request->claimed_key_id;
    }
    /* By a subrequest, as of mod_dir. */
    if (outcome && request->door == WHK_DOOR_WEBHOOK && !summary->signer[0])
        summary->signer[0] = summary->code;
}

static void set(request_rec *r, const char *name, const char *value)
{
    if (value) {
        apr_table_setn(r->subprocess_env, name, value);
        apr_table_setn(r->notes, name, value);
    } else {
        apr_table_unset(r->subprocess_env, name);
        apr_table_unset(r->notes, name);
    }
}

int whk_access_log_log_transaction(request_rec *r)
{
    const char *id = whk_request_of(r)->id;
    summary_t summary = {0};
    request_rec *each;
    apr_size_t i;

    for (each = r; each; each = each->next)
        add(&summary, each);
    for (each = r; each; each = each->next) {
        set(each, "WHK_REQUEST_ID", id);
        set(each, "WHK_CODE", summary.code);
        set(each, "WHK_ENTERPRISE", summary.enterprise_id);
        set(each, "WHK_CLAIMED_KEY_ID", summary.claimed_key_id);
        for (i = 0; i < SIGNER_COUNT; i++)
            set(each, of_signer[i], summary.signer[i]);
    }
    return DECLINED;
}

/* ---- as JSON ---- */

/* What is not UTF-8 as httpd's other logs have it. */
static json_t *text_of(apr_pool_t *pool, const char *bytes)
{
    json_t *value = json_string(bytes);
    char *text;
    char *end;

    if (value)
        return value;
    text = end = apr_palloc(pool, strlen(bytes) * 4 + 1);
    for (; *bytes; bytes++)
        if ((unsigned char)*bytes < 0x80)
            *end++ = *bytes;
        else
            end += apr_snprintf(end, 5, "\\x%02x", (unsigned char)*bytes);
    *end = '\0';
    return json_string(text);
}

static void add_text(json_t *object, apr_pool_t *pool, const char *name, const char *text)
{
    if (text)
        json_object_set_new(object, name, text_of(pool, text));
}

static void add_request(json_t *object, request_rec *r)
{
    request_rec *last = r;

    while (last->next)
        last = last->next;
    add_text(object, r->pool, "time", whk_time_format(r->pool, r->request_time));
    add_text(object, r->pool, "requestId", apr_table_get(r->notes, "WHK_REQUEST_ID"));
    add_text(object, r->pool, "client", r->useragent_ip);
    add_text(object, r->pool, "host", r->hostname);
    add_text(object, r->pool, "method", r->method);
    /* A request line that could not be parsed has no target. */
    add_text(object, r->pool, "target", r->unparsed_uri ? r->unparsed_uri : r->the_request);
    add_text(object, r->pool, "protocol", r->protocol);
    json_object_set_new(object, "status", json_integer(last->status));
    json_object_set_new(object, "bytes", json_integer(last->bytes_sent));
    json_object_set_new(object, "durationUs", json_integer(apr_time_now() - r->request_time));
    add_text(object, r->pool, "user", last->user);
    add_text(object, r->pool, "userAgent", apr_table_get(r->headers_in, "User-Agent"));
    add_text(object, r->pool, "referer", apr_table_get(r->headers_in, "Referer"));
}

static void add_ours(json_t *object, request_rec *r)
{
    static const char *const members[][2] = {
        {"code", "WHK_CODE"},
        {"enterprise", "WHK_ENTERPRISE"},
        {"claimedKeyId", "WHK_CLAIMED_KEY_ID"},
        {"verdict", "WEBHOOK_VERDICT"},
        {"verifiedEnterprise", "WEBHOOK_ENTERPRISE"},
        {"verifiedKeyId", "WEBHOOK_KEY_ID"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        add_text(object, r->pool, members[i][0], apr_table_get(r->notes, members[i][1]));
}

static const char *line(request_rec *r, char *argument)
{
    json_t *object = whk_json_adopt(r->pool, json_object());
    char *text;
    const char *copy;

    (void)argument;
    if (!object)
        return "{}";
    add_request(object, r);
    add_ours(object, r);
    text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
    copy = text ? apr_pstrdup(r->pool, text) : "{}";
    free(text);
    return copy;
}

int whk_access_log_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    static char tag[] = "^WK";
    APR_OPTIONAL_FN_TYPE(ap_register_log_handler) *register_handler =
        APR_RETRIEVE_OPTIONAL_FN(ap_register_log_handler);

    (void)plog;
    (void)ptemp;
    if (register_handler)
        register_handler(pconf, tag, line, 1);
    return OK;
}
