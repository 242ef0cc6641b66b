/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/webhook_config_check.h"

#include <apr_strings.h>
#include <http_log.h>

#include "httpd/config.h"

APLOG_USE_MODULE(webhook_keys);

/* What one section of the configuration says, with the sections that it stands in. */
typedef struct section_t {
    const struct section_t *outer; /* NULL: a server's own configuration */
    const ap_directive_t *node;    /* NULL: the main server */
    const ap_directive_t *host;    /* its <VirtualHost>; NULL: the main server */
    const ap_directive_t *signature;
    const ap_directive_t *input_filter;
    int has_auth_type;
    int has_require;
} section_t;

typedef int (*has_line_fn)(const section_t *section);

static int is_named(const ap_directive_t *directive, const char *name)
{
    return !ap_cstr_casecmp(directive->directive, name);
}

static const char *first_word(const ap_directive_t *directive, apr_pool_t *pool)
{
    const char *arguments = directive->args;

    return ap_getword_conf(pool, &arguments);
}

static int is_authorisation(const ap_directive_t *directive)
{
    return is_named(directive, "<RequireAny") || is_named(directive, "<RequireAll") ||
           is_named(directive, "<RequireNone") || is_named(directive, "<Limit") ||
           is_named(directive, "<LimitExcept");
}

static void note(section_t *section, const ap_directive_t *directive, apr_pool_t *pool)
{
    if (is_named(directive, "WebhookKeysSignature"))
        section->signature =
            ap_cstr_casecmp(first_word(directive, pool), "None") ? directive : NULL;
    else if (is_named(directive, "AuthType"))
        section->has_auth_type =
            !ap_cstr_casecmp(first_word(directive, pool), WHK_WEBHOOK_AUTH_TYPE);
    else if (is_named(directive, "SetInputFilter") || is_named(directive, "AddInputFilter"))
        section->input_filter = directive;
    else if (is_named(directive, "Require"))
        section->has_require = 1;
}

/* Adds the sections of a level and those inside them to `sections`, and notes what the level says
 * in `own`. */
static void collect(const ap_directive_t *directive, section_t *own, apr_array_header_t *sections,
                    apr_pool_t *pool)
{
    for (; directive; directive = directive->next) {
        section_t *section = own;

        if (*directive->directive != '<') {
            note(own, directive, pool);
            continue;
        }
        if (!is_authorisation(directive)) {
            section = apr_pcalloc(pool, sizeof(*section));
            section->outer = own;
            section->node = directive;
            section->host = is_named(directive, "<VirtualHost") ? directive : own->host;
            APR_ARRAY_PUSH(sections, section_t *) = section;
        }
        collect(directive->first_child, section, sections, pool);
    }
}

/* ---- which sections may be in force together ---- */

/* The text that all paths of a <Location> begin with, "" where that can't be seen. */
static const char *path_of(const section_t *section, apr_pool_t *pool)
{
    const char *arguments = section->node ? section->node->args : "";
    const char *pattern = ap_getword_conf(pool, &arguments);
    int is_pattern = section->node && is_named(section->node, "<LocationMatch");
    apr_size_t length;

    if (!section->node || (!is_pattern && !is_named(section->node, "<Location")))
        return "";
    if (!strcmp(pattern, "~")) {
        pattern = ap_getword_conf(pool, &arguments);
        is_pattern = 1;
    }
    length = strlen(pattern);
    if (length && pattern[length - 1] == '>')
        length--;
    if (!is_pattern)
        return apr_pstrmemdup(pool, pattern, strcspn(pattern, "*?[>"));
    if (*pattern != '^')
        return "";
    length = strcspn(++pattern, ".[({\\*+?|$^>");
    if (length && pattern[length] && strchr("*?{", pattern[length]))
        length--;
    return strchr(pattern, '|') ? "" : apr_pstrmemdup(pool, pattern, length);
}

static int may_meet(const section_t *a, const section_t *b, apr_pool_t *pool)
{
    const char *path_a = path_of(a, pool);
    const char *path_b = path_of(b, pool);
    apr_size_t length = strlen(path_a) < strlen(path_b) ? strlen(path_a) : strlen(path_b);

    if (a->host && b->host && a->host != b->host)
        return 0;
    return !strncmp(path_a, path_b, length);
}

static int has_auth_type(const section_t *section)
{
    return section->has_auth_type;
}

static int has_require(const section_t *section)
{
    return section->has_require;
}

static int finds(const section_t *section, const apr_array_header_t *sections, has_line_fn has,
                 apr_pool_t *pool)
{
    const section_t *outer;
    int i;

    for (outer = section; outer; outer = outer->outer)
        if (has(outer))
            return 1;
    for (i = 0; i < sections->nelts; i++) {
        const section_t *other = APR_ARRAY_IDX(sections, i, const section_t *);

        if (has(other) && may_meet(section, other, pool))
            return 1;
    }
    return 0;
}

/* ---- what is found wrong ---- */

static const char *flaw_of(const section_t *section, const apr_array_header_t *sections,
                           apr_pool_t *pool)
{
    const section_t *outer;

    if (!finds(section, sections, has_auth_type, pool))
        return "AuthType " WHK_WEBHOOK_AUTH_TYPE " is missing there: without it nothing is "
               "verified, and every request gets 500";
    if (!finds(section, sections, has_require, pool))
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
        const section_t *section = APR_ARRAY_IDX(sections, i, const section_t *);
        const char *flaw;

        if (!section->signature || !section->node || section->node == section->host)
            continue;
        flaw = flaw_of(section, sections, pool);
        if (!flaw)
            continue;
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     "WebhookKeysSignature in %s %s (line %d of %s): %s", section->node->directive,
                     section->node->args, section->signature->line_num,
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

    return is_named(directive, "Require") &&
           !ap_cstr_casecmp(ap_getword_conf(pool, &arguments), what) &&
           (!then || !ap_cstr_casecmp(ap_getword_conf(pool, &arguments), then));
}

static const ap_directive_t *find_valid_webhook(const ap_directive_t *directive, apr_pool_t *pool)
{
    const ap_directive_t *found = NULL;

    for (; directive && !found; directive = directive->next) {
        if (is_require(directive, "valid-webhook", NULL, pool))
            found = directive;
        else if (is_authorisation(directive) && !is_named(directive, "<RequireNone"))
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
        else if (is_named(directive, "<RequireAny") || is_named(directive, "<Limit") ||
                 is_named(directive, "<LimitExcept"))
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
                     "Require all granted (line %d of %s) stands beside Require valid-webhook "
                     "(line %d), and one of them is enough: it lets everything through, so take "
                     "it away",
                     granted->line_num, granted->filename, valid->line_num);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (each = first; each; each = each->next)
        if (each->first_child &&
            check_alternatives(each->first_child,
                               !is_named(each, "<RequireAll") && !is_named(each, "<RequireNone"), s,
                               pool) != OK)
            status = HTTP_INTERNAL_SERVER_ERROR;
    return status;
}

int whk_webhook_sections_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                               server_rec *s)
{
    apr_array_header_t *sections = apr_array_make(ptemp, 16, sizeof(section_t *));
    section_t *main_server = apr_pcalloc(ptemp, sizeof(*main_server));
    int status;

    (void)pconf;
    (void)plog;
    APR_ARRAY_PUSH(sections, section_t *) = main_server;
    collect(ap_conftree, main_server, sections, ptemp);
    status = check_sections(sections, s, ptemp);
    return check_alternatives(ap_conftree, 1, s, ptemp) == OK ? status : HTTP_INTERNAL_SERVER_ERROR;
}
