/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/directive_values.h"

#include <ap_expr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <http_log.h>

APLOG_USE_MODULE(webhook_keys);

int whk_is_header_name(const char *name)
{
    return *name && !*ap_scan_http_token(name);
}

const apr_array_header_t *whk_arguments_list(const whk_arguments_t *given)
{
    apr_array_header_t *list = apr_array_make(given->cmd->pool, given->count, sizeof(const char *));
    int i;

    for (i = 0; i < given->count; i++)
        APR_ARRAY_PUSH(list, const char *) = apr_pstrdup(given->cmd->pool, given->words[i]);
    return list;
}

/* ---- numbers and times ---- */

static const char *read_bytes(const whk_arguments_t *given, void *member)
{
    apr_int64_t number;
    char *end = NULL;

    if (given->count == 1 && apr_isdigit(*given->words[0])) {
        number = apr_strtoi64(given->words[0], &end, 10);
        if (*end == '\0' && number >= given->min && number <= given->max) {
            *(apr_int64_t *)member = number;
            return NULL;
        }
    }
    return apr_psprintf(given->cmd->temp_pool,
                        "must be one whole number from %" APR_INT64_T_FMT " to %" APR_INT64_T_FMT,
                        given->min, given->max);
}

static const char *read_number(const whk_arguments_t *given, void *member)
{
    apr_int64_t number = 0;
    const char *flaw = read_bytes(given, &number);

    if (!flaw)
        *(int *)member = (int)number;
    return flaw;
}

static const char *read_time(const whk_arguments_t *given, void *member)
{
    apr_interval_time_t time = 0;

    if (given->count == 1 && apr_isdigit(*given->words[0]) &&
        ap_timeout_parameter_parse(given->words[0], &time, "s") == APR_SUCCESS &&
        time >= apr_time_from_msec(given->min) && time <= apr_time_from_msec(given->max)) {
        *(apr_interval_time_t *)member = time;
        return NULL;
    }
    return apr_psprintf(given->cmd->temp_pool,
                        "must be one time from %" APR_INT64_T_FMT "ms to %" APR_INT64_T_FMT
                        "s, as 5 (seconds) or 1500ms",
                        given->min, given->max / 1000);
}

static const char *read_flag(const whk_arguments_t *given, void *member)
{
    int on = given->count == 1 && !ap_cstr_casecmp(given->words[0], "On");

    if (!on && (given->count != 1 || ap_cstr_casecmp(given->words[0], "Off") != 0))
        return "must be On or Off";
    *(int *)member = on;
    return NULL;
}

const whk_value_type_t whk_value_number = {"number", sizeof(int), read_number, NULL};
const whk_value_type_t whk_value_bytes = {"bytes", sizeof(apr_int64_t), read_bytes, NULL};
const whk_value_type_t whk_value_time = {"time", sizeof(apr_interval_time_t), read_time, NULL};
const whk_value_type_t whk_value_flag = {"flag", sizeof(int), read_flag, NULL};

/* ---- texts ---- */

/* One argument, where it is not empty. */
static const char *read_one(const whk_arguments_t *given, void *member, const char *flaw)
{
    if (given->count != 1 || !*given->words[0])
        return flaw;
    *(const char **)member = apr_pstrdup(given->cmd->pool, given->words[0]);
    return NULL;
}

static const char *read_text(const whk_arguments_t *given, void *member)
{
    return read_one(given, member, "must be one text that is not empty");
}

static const char *read_claim(const whk_arguments_t *given, void *member)
{
    /* RFC 7519, section 4.1, but sub: what each of them says is something else. */
    static const char *const registered[] = {"iss", "aud", "exp", "nbf", "iat", "jti"};
    apr_size_t i;

    for (i = 0; given->count && i < sizeof(registered) / sizeof(registered[0]); i++)
        if (!strcmp(registered[i], given->words[0]))
            return "must be the name of a claim of its own, none of iss, aud, exp, nbf, iat, jti";
    return read_one(given, member, "must be the name of one claim");
}

static const char *read_header_name(const whk_arguments_t *given, void *member)
{
    if (given->count != 1 || !whk_is_header_name(given->words[0]) ||
        !ap_cstr_casecmp(given->words[0], "Authorization"))
        return "must be the name of one header field, and not Authorization";
    return read_text(given, member);
}

static const char *read_path(const whk_arguments_t *given, void *member)
{
    const char *path = given->count == 1 && *given->words[0]
                           ? ap_server_root_relative(given->cmd->pool, given->words[0])
                           : NULL;

    if (!path)
        return "must be the path of one file, absolute or relative to ServerRoot";
    *(const char **)member = path;
    return NULL;
}

static const char *read_texts(const whk_arguments_t *given, void *member)
{
    int i;

    for (i = 0; i < given->count && *given->words[i]; i++)
        ;
    if (!given->count || i < given->count)
        return "must be one or more texts that are not empty";
    *(const apr_array_header_t **)member = whk_arguments_list(given);
    return NULL;
}

static const char *read_expression(const whk_arguments_t *given, void *member)
{
    const char *flaw = NULL;
    const ap_expr_info_t *expression = NULL;

    if (given->count == 1 && *given->words[0])
        expression =
            ap_expr_parse_cmd(given->cmd, given->words[0], AP_EXPR_FLAG_STRING_RESULT, &flaw, NULL);
    if (!expression)
        return apr_psprintf(given->cmd->temp_pool, "must be one string expression of httpd%s%s",
                            flaw ? ": " : "", flaw ? flaw : "");
    *(const ap_expr_info_t **)member = expression;
    return NULL;
}

#define POINTER sizeof(void *)

const whk_value_type_t whk_value_text = {"text", POINTER, read_text, NULL};
const whk_value_type_t whk_value_texts = {"texts", POINTER, read_texts, NULL};
const whk_value_type_t whk_value_claim = {"claim", POINTER, read_claim, NULL};
const whk_value_type_t whk_value_header_name = {"header_name", POINTER, read_header_name, NULL};
const whk_value_type_t whk_value_path = {"path", POINTER, read_path, NULL};
const whk_value_type_t whk_value_expression = {"expression", POINTER, read_expression, NULL};
