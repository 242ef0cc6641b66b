/* SPDX-License-Identifier: Apache-2.0 */
#include <ap_expr.h>
#include <apr_strings.h>
#include <http_log.h>

#include "httpd/config.h"
#include "httpd/directive_values.h"

APLOG_USE_MODULE(webhook_keys);

static const char *read_response(const whk_arguments_t *given, void *member)
{
    return whk_read_signature(given, member, whk_response_scheme_by_name,
                              "jws, jwt, jws-detached, http-signature");
}

/* ---- claims ---- */

static int index_of(const apr_array_header_t *claims, const char *name)
{
    int i;

    for (i = 0; claims && i < claims->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(claims, i, whk_response_claim_t).name, name))
            return i;
    return -1;
}

static void put(apr_array_header_t *claims, const whk_response_claim_t *claim)
{
    int index = index_of(claims, claim->name);

    if (index >= 0)
        APR_ARRAY_IDX(claims, index, whk_response_claim_t) = *claim;
    else
        APR_ARRAY_PUSH(claims, whk_response_claim_t) = *claim;
}

static const char *read_claim(const whk_arguments_t *given, void *member)
{
    const apr_array_header_t **claims = member;
    cmd_parms *cmd = given->cmd;
    whk_response_claim_t claim;
    const char *flaw = NULL;
    apr_array_header_t *list;

    if (given->count != 2 || !*given->words[0] || !*given->words[1])
        return "must be the name of a claim and one string expression of httpd";
    if (index_of(*claims, given->words[0]) >= 0)
        return "must not stand twice for one claim in the same section";
    claim.name = apr_pstrdup(cmd->pool, given->words[0]);
    claim.value = ap_expr_parse_cmd(cmd, given->words[1], AP_EXPR_FLAG_STRING_RESULT, &flaw, NULL);
    if (!claim.value)
        return apr_psprintf(cmd->temp_pool, "must end with a string expression of httpd%s%s",
                            flaw ? ": " : "", flaw ? flaw : "");
    list = *claims ? apr_array_copy(cmd->pool, *claims)
                   : apr_array_make(cmd->pool, 1, sizeof(whk_response_claim_t));
    put(list, &claim);
    *claims = list;
    return NULL;
}

/* What an outer section asks for is asked for inside it too. */
static void merge_claims(apr_pool_t *pool, void *merged, const void *over)
{
    const apr_array_header_t **claims = merged;
    const apr_array_header_t *inner = *(const apr_array_header_t *const *)over;
    apr_array_header_t *list;
    int i;

    if (!*claims) {
        *claims = inner;
        return;
    }
    list = apr_array_copy(pool, *claims);
    for (i = 0; i < inner->nelts; i++)
        put(list, &APR_ARRAY_IDX(inner, i, whk_response_claim_t));
    *claims = list;
}

/* ---- components ---- */

/* RFC 9421, section 2: what a response has, or by the parameter req the request that it answers. */
static int is_component(const char *word, apr_pool_t *pool)
{
    static const char *const derived[] = {"@method",         "@target-uri", "@authority", "@scheme",
                                          "@request-target", "@path",       "@query"};
    const char *parameter = strchr(word, ';');
    const char *name =
        parameter ? apr_pstrmemdup(pool, word, (apr_size_t)(parameter - word)) : word;
    apr_size_t i;

    if (parameter && strcmp(parameter, ";req") != 0)
        return 0;
    for (i = 0; parameter && i < sizeof(derived) / sizeof(derived[0]); i++)
        if (!strcmp(name, derived[i]))
            return 1;
    return (!parameter && !strcmp(name, "@status")) || whk_is_field_component(name);
}

static const char *read_components(const whk_arguments_t *given, void *member)
{
    int i;

    for (i = 0; i < given->count; i++)
        if (!is_component(given->words[i], given->cmd->temp_pool))
            return apr_psprintf(given->cmd->temp_pool,
                                "\"%s\" must be @status, the name of a header field in lower case "
                                "(letters, digits and hyphens), or with ;req behind it that of a "
                                "field of the request, @method, @target-uri, @authority, @scheme, "
                                "@request-target, @path or @query",
                                given->words[i]);
    *(const apr_array_header_t **)member = whk_arguments_list(given);
    return given->count ? NULL : "must be one or more components";
}

const whk_value_type_t whk_value_response = {"response", sizeof(whk_signature_config_t),
                                             read_response, NULL};
const whk_value_type_t whk_value_response_claims = {"response_claims", sizeof(apr_array_header_t *),
                                                    read_claim, merge_claims};
const whk_value_type_t whk_value_response_components = {
    "response_components", sizeof(apr_array_header_t *), read_components, NULL};
