/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/webhook_config_check.h"

#include <apr_strings.h>
#include <http_log.h>

#include "httpd/config.h"
#include "httpd/webhook/config_sections.h"
#include "model/log_number.h"

APLOG_USE_MODULE(webhook_keys);

static int has_auth_type(const whk_section_t *section)
{
    return section->has_auth_type;
}

static int has_require(const whk_section_t *section)
{
    return section->has_require;
}

/* ---- what is found wrong ---- */

static const char *flaw_of(const whk_section_t *section, const apr_array_header_t *sections,
                           apr_pool_t *pool)
{
    const whk_section_t *outer;

    if (!whk_config_sections_find(section, sections, has_auth_type, pool))
        return "AuthType " WHK_WEBHOOK_AUTH_TYPE " is missing there: without it nothing is "
               "verified, and every request gets 500";
    if (!whk_config_sections_find(section, sections, has_require, pool))
        return "Require valid-webhook is missing there: without it nothing is verified, and every "
               "request gets 500";
    for (outer = section; outer; outer = outer->outer)
        if (outer->input_filter)
            return apr_psprintf(pool,
                                "%s (line %d of %s) holds there too: it changes what was signed, "
                                "so keep it away from webhooks",
                                outer->input_filter->directive, outer->input_filter->line_num,
                                outer->input_filter->filename);
    return NULL;
}

/* In a server's own configuration it is a default: what lacks is seen where it is used. */
static int check_sections(const apr_array_header_t *sections, server_rec *s, apr_pool_t *pool)
{
    int status = OK;
    int i;

    for (i = 0; i < sections->nelts; i++) {
        const whk_section_t *section = APR_ARRAY_IDX(sections, i, const whk_section_t *);
        const char *flaw;

        if (!section->signature || !section->node || section->node == section->host)
            continue;
        flaw = flaw_of(section, sections, pool);
        if (!flaw)
            continue;
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     WHK_LOGNO(0032) "WebhookKeysSignature in %s %s (line %d of %s): %s",
                     section->node->directive, section->node->args, section->signature->line_num,
                     section->signature->filename, flaw);
        status = HTTP_INTERNAL_SERVER_ERROR;
    }
    return status;
}

/* ---- Require all granted ---- */

static int is_require(const ap_directive_t *directive, const char *what, const char *then,
                      apr_pool_t *pool)
{
    const char *arguments = directive->args;

    return whk_config_is_named(directive, "Require") &&
           !ap_cstr_casecmp(ap_getword_conf(pool, &arguments), what) &&
           (!then || !ap_cstr_casecmp(ap_getword_conf(pool, &arguments), then));
}

static const ap_directive_t *find_valid_webhook(const ap_directive_t *directive, apr_pool_t *pool)
{
    const ap_directive_t *found = NULL;

    for (; directive && !found; directive = directive->next) {
        if (is_require(directive, "valid-webhook", NULL, pool))
            found = directive;
        else if (whk_config_is_authorisation(directive) &&
                 !whk_config_is_named(directive, "<RequireNone"))
            found = find_valid_webhook(directive->first_child, pool);
    }
    return found;
}

/* One is enough among these lines, and one of them lets everybody in. */
static const ap_directive_t *find_all_granted(const ap_directive_t *directive, apr_pool_t *pool)
{
    const ap_directive_t *found = NULL;

    for (; directive && !found; directive = directive->next) {
        if (is_require(directive, "all", "granted", pool))
            found = directive;
        else if (whk_config_is_named(directive, "<RequireAny") ||
                 whk_config_is_named(directive, "<Limit") ||
                 whk_config_is_named(directive, "<LimitExcept"))
            found = find_all_granted(directive->first_child, pool);
    }
    return found;
}

static int check_alternatives(const ap_directive_t *first, int is_any, server_rec *s,
                              apr_pool_t *pool)
{
    const ap_directive_t *valid = is_any ? find_valid_webhook(first, pool) : NULL;
    const ap_directive_t *granted = valid ? find_all_granted(first, pool) : NULL;
    const ap_directive_t *each;
    int status = OK;

    if (granted) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     WHK_LOGNO(0033) "Require all granted (line %d of %s) stands beside Require "
                                     "valid-webhook (line %d), and one of them is enough: it lets "
                                     "everything through, so take it away",
                     granted->line_num, granted->filename, valid->line_num);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (each = first; each; each = each->next)
        if (each->first_child && check_alternatives(each->first_child,
                                                    !whk_config_is_named(each, "<RequireAll") &&
                                                        !whk_config_is_named(each, "<RequireNone"),
                                                    s, pool) != OK)
            status = HTTP_INTERNAL_SERVER_ERROR;
    return status;
}

int whk_webhook_sections_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                               server_rec *s)
{
    const apr_array_header_t *sections = whk_config_sections(ptemp);
    int status;

    (void)pconf;
    (void)plog;
    status = check_sections(sections, s, ptemp);
    return check_alternatives(ap_conftree, 1, s, ptemp) == OK ? status : HTTP_INTERNAL_SERVER_ERROR;
}
