/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/config_sections.h"

#include <apr_strings.h>

#include "httpd/config.h"

int whk_config_is_named(const ap_directive_t *directive, const char *name)
{
    return !ap_cstr_casecmp(directive->directive, name);
}

const char *whk_config_first_word(const ap_directive_t *directive, apr_pool_t *pool)
{
    const char *arguments = directive->args;

    return ap_getword_conf(pool, &arguments);
}

int whk_config_is_authorisation(const ap_directive_t *directive)
{
    return whk_config_is_named(directive, "<RequireAny") ||
           whk_config_is_named(directive, "<RequireAll") ||
           whk_config_is_named(directive, "<RequireNone") ||
           whk_config_is_named(directive, "<Limit") ||
           whk_config_is_named(directive, "<LimitExcept");
}

static const ap_directive_t *unless(const ap_directive_t *directive, const char *word,
                                    apr_pool_t *pool)
{
    return ap_cstr_casecmp(whk_config_first_word(directive, pool), word) ? directive : NULL;
}

static void note_response(whk_section_t *section, const ap_directive_t *directive, apr_pool_t *pool)
{
    if (whk_config_is_named(directive, "WebhookKeysEnterprise"))
        section->enterprise = directive;
    else if (whk_config_is_named(directive, "WebhookKeysResponse"))
        section->response = unless(directive, "None", pool);
    else if (whk_config_is_named(directive, "WebhookKeysResponseClaim") && !section->response_claim)
        section->response_claim = directive;
    else if (whk_config_is_named(directive, "ProxyErrorOverride"))
        section->error_override = directive;
}

static void note(whk_section_t *section, const ap_directive_t *directive, apr_pool_t *pool)
{
    if (whk_config_is_named(directive, "WebhookKeysSignature"))
        section->signature = unless(directive, "None", pool);
    else if (whk_config_is_named(directive, "AuthType"))
        section->has_auth_type =
            !ap_cstr_casecmp(whk_config_first_word(directive, pool), WHK_WEBHOOK_AUTH_TYPE);
    else if (whk_config_is_named(directive, "SetInputFilter") ||
             whk_config_is_named(directive, "AddInputFilter"))
        section->input_filter = directive;
    else if (whk_config_is_named(directive, "Require"))
        section->has_require = 1;
    else
        note_response(section, directive, pool);
}

/* Adds the sections of a level and those inside them to `sections`, and notes what the level says
 * in `own`. */
static void collect(const ap_directive_t *directive, whk_section_t *own,
                    apr_array_header_t *sections, apr_pool_t *pool)
{
    for (; directive; directive = directive->next) {
        whk_section_t *section = own;

        if (*directive->directive != '<') {
            note(own, directive, pool);
            continue;
        }
        if (!whk_config_is_authorisation(directive)) {
            section = apr_pcalloc(pool, sizeof(*section));
            section->outer = own;
            section->node = directive;
            section->host = whk_config_is_named(directive, "<VirtualHost") ? directive : own->host;
            APR_ARRAY_PUSH(sections, whk_section_t *) = section;
        }
        collect(directive->first_child, section, sections, pool);
    }
}

/* ---- which sections may be in force together ---- */

/* The text that all paths of a <Location> begin with, "" where that can't be seen. */
static const char *path_of(const whk_section_t *section, apr_pool_t *pool)
{
    const char *arguments = section->node ? section->node->args : "";
    const char *pattern = ap_getword_conf(pool, &arguments);
    int is_pattern = section->node && whk_config_is_named(section->node, "<LocationMatch");
    apr_size_t length;

    if (!section->node || (!is_pattern && !whk_config_is_named(section->node, "<Location")))
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

static int may_meet(const whk_section_t *a, const whk_section_t *b, apr_pool_t *pool)
{
    const char *path_a = path_of(a, pool);
    const char *path_b = path_of(b, pool);
    apr_size_t length = strlen(path_a) < strlen(path_b) ? strlen(path_a) : strlen(path_b);

    if (a->host && b->host && a->host != b->host)
        return 0;
    return !strncmp(path_a, path_b, length);
}

int whk_config_sections_find(const whk_section_t *section, const apr_array_header_t *sections,
                             whk_section_has_fn has, apr_pool_t *pool)
{
    const whk_section_t *outer = section;
    int i;

    do {
        if (has(outer))
            return 1;
        outer = outer->outer;
    } while (outer);
    for (i = 0; i < sections->nelts; i++) {
        const whk_section_t *other = APR_ARRAY_IDX(sections, i, const whk_section_t *);

        if (has(other) && may_meet(section, other, pool))
            return 1;
    }
    return 0;
}

const apr_array_header_t *whk_config_sections(apr_pool_t *pool)
{
    apr_array_header_t *sections = apr_array_make(pool, 16, sizeof(whk_section_t *));
    whk_section_t *main_server = apr_pcalloc(pool, sizeof(*main_server));

    APR_ARRAY_PUSH(sections, whk_section_t *) = main_server;
    collect(ap_conftree, main_server, sections, pool);
    return sections;
}

const char *whk_config_section_name(const whk_section_t *section, apr_pool_t *pool)
{
    return section->node
               ? apr_pstrcat(pool, section->node->directive, " ", section->node->args, NULL)
               : "the main server";
}
