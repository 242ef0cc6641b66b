/* SPDX-License-Identifier: Apache-2.0 */
#include <ap_provider.h>
#include <apr_strings.h>

#include "fetch/allow_list.h"
#include "fetch/fetch_settings.h"
#include "httpd/directive_values.h"
#include "httpd/mod_webhook_keys.h"
#include "jose/algorithm.h"

static const char *read_algorithms(const whk_arguments_t *given, void *member)
{
    whk_algorithms_t set = 0;
    int i;

    for (i = 0; i < given->count; i++) {
        whk_algorithms_t algorithm = whk_algorithm_by_name(given->words[i]);

        if (!algorithm || (set & algorithm)) {
            set = 0;
            break;
        }
        set |= algorithm;
    }
    if (!set)
        return apr_psprintf(given->cmd->temp_pool, "must be one or more of %s, each once",
                            whk_algorithms_names(given->cmd->temp_pool, ~0u));
    *(whk_algorithms_t *)member = set;
    return NULL;
}

static const char *read_otp_provider(const whk_arguments_t *given, void *member)
{
    if (given->count != 1 ||
        !ap_lookup_provider(WHK_OTP_PROVIDER_GROUP, given->words[0], WHK_OTP_PROVIDER_VERSION))
        return "must be the name of one OTP provider whose module is loaded before this line; totp "
               "is built in";
    *(const char **)member = apr_pstrdup(given->cmd->pool, given->words[0]);
    return NULL;
}

/* A line adds to those before it in the same section. */
static const char *read_allow_list(const whk_arguments_t *given, void *member)
{
    whk_allow_list_t **list = member;
    const char *flaw;
    int i;

    if (!*list)
        *list = whk_allow_list_create(given->cmd->pool);
    for (i = 0; i < given->count; i++) {
        flaw = whk_allow_list_add(*list, given->words[i]);
        if (flaw)
            return apr_psprintf(given->cmd->temp_pool, "\"%s\" must %s", given->words[i], flaw);
    }
    return given->count ? NULL : "must be one or more address ranges or host names";
}

static const char *read_proxy(const whk_arguments_t *given, void *member)
{
    const char *flaw = given->count == 1 ? whk_fetch_proxy_flaw(given->words[0]) : "be one URL";

    if (flaw)
        return apr_psprintf(given->cmd->temp_pool, "must %s", flaw);
    *(const char **)member = apr_pstrdup(given->cmd->pool, given->words[0]);
    return NULL;
}

/* As apr_dbd_prepare() reads it: `%%` is a percent sign. @return -1: there is another `%` */
static int count_places(const char *query)
{
    int count = 0;

    for (; (query = strchr(query, '%')) != NULL; query += 2) {
        if (query[1] != 's' && query[1] != '%')
            return -1;
        count += query[1] == 's';
    }
    return count;
}

static const char *read_query(const whk_arguments_t *given, void *member)
{
    if (given->count != 1 || count_places(given->words[0]) != given->min)
        return apr_psprintf(given->cmd->temp_pool,
                            "must be one SELECT, in quotes, with %s%%s in it (and %%%% for a "
                            "percent sign)",
                            given->min == 1 ? "one " : "two ");
    *(const char **)member = apr_pstrdup(given->cmd->pool, given->words[0]);
    return NULL;
}

const whk_value_type_t whk_value_query = {"query", sizeof(char *), read_query, NULL};
const whk_value_type_t whk_value_algorithms = {"algorithms", sizeof(whk_algorithms_t),
                                               read_algorithms, NULL};
const whk_value_type_t whk_value_otp_provider = {"otp_provider", sizeof(char *), read_otp_provider,
                                                 NULL};
const whk_value_type_t whk_value_allow_list = {"allow_list", sizeof(whk_allow_list_t *),
                                               read_allow_list, NULL};
const whk_value_type_t whk_value_proxy = {"proxy", sizeof(char *), read_proxy, NULL};
