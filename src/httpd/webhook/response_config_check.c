/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/response_config_check.h"

#include <apr_strings.h>
#include <http_log.h>

#include "httpd/config.h"
#include "httpd/webhook/config_sections.h"
#include "model/log_number.h"

APLOG_USE_MODULE(webhook_keys);

static int has_enterprise(const whk_section_t *section)
{
    return section->enterprise != NULL;
}

static int has_response(const whk_section_t *section)
{
    return section->response != NULL;
}

static int has_claim(const whk_section_t *section)
{
    return section->response_claim != NULL;
}

static int is_http_signature(const ap_directive_t *response, apr_pool_t *pool)
{
    return !strcmp(whk_config_first_word(response, pool), whk_scheme_http_signature.name);
}

/* The nearest line around a section, its own first. */
static const ap_directive_t *response_around(const whk_section_t *section)
{
    while (section && !section->response)
        section = section->outer;
    return section ? section->response : NULL;
}

static const char *flaw_of_response(const whk_section_t *section,
                                    const apr_array_header_t *sections, apr_pool_t *pool)
{
    if (!section->response || whk_config_sections_find(section, sections, has_enterprise, pool))
        return NULL;
    return "WebhookKeysEnterprise is missing there: set it to whose answers come from there";
}

static const char *flaw_of_claim(const whk_section_t *section, const apr_array_header_t *sections,
                                 apr_pool_t *pool)
{
    const ap_directive_t *response = response_around(section);

    if (!section->response_claim)
        return NULL;
    if (!whk_config_sections_find(section, sections, has_response, pool))
        return "WebhookKeysResponse is missing there: without it no answer is looked at";
    if (response && is_http_signature(response, pool))
        return "an HTTP message signature has no claims: use WebhookKeysResponseComponents, as "
               "with "
               "x-evaluation-id;req";
    return NULL;
}

static void log_flaw(server_rec *s, const whk_section_t *section, const ap_directive_t *line,
                     const char *flaw, apr_pool_t *pool)
{
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, WHK_LOGNO(0040) "%s in %s (line %d of %s): %s",
                 line->directive, whk_config_section_name(section, pool), line->line_num,
                 line->filename, flaw);
}

static void warn(server_rec *s, const whk_section_t *section, const apr_array_header_t *sections,
                 apr_pool_t *pool)
{
    const ap_directive_t *line = section->response;
    const whk_section_t *outer;

    if (!is_http_signature(line, pool) &&
        !whk_config_sections_find(section, sections, has_claim, pool))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     WHK_LOGNO(0041) "WebhookKeysResponse in %s (line %d of %s) has no "
                                     "WebhookKeysResponseClaim: an answer to one request is taken "
                                     "as one to any other",
                     whk_config_section_name(section, pool), line->line_num, line->filename);
    for (outer = section; outer && !outer->error_override; outer = outer->outer)
        ;
    if (outer && ap_cstr_casecmp(whk_config_first_word(outer->error_override, pool), "Off"))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     WHK_LOGNO(0042) "ProxyErrorOverride (line %d of %s) holds where answers are "
                                     "signed (line %d of %s): errors of the backend are refused "
                                     "there, though they be signed",
                     outer->error_override->line_num, outer->error_override->filename,
                     line->line_num, line->filename);
}

int whk_response_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const apr_array_header_t *sections = whk_config_sections(ptemp);
    int status = OK;
    int i;

    (void)pconf;
    (void)plog;
    for (i = 0; i < sections->nelts; i++) {
        const whk_section_t *section = APR_ARRAY_IDX(sections, i, const whk_section_t *);
        const char *of_response = flaw_of_response(section, sections, ptemp);
        const char *of_claim = flaw_of_claim(section, sections, ptemp);

        if (of_response)
            log_flaw(s, section, section->response, of_response, ptemp);
        else if (of_claim)
            log_flaw(s, section, section->response_claim, of_claim, ptemp);
        else if (section->response)
            warn(s, section, sections, ptemp);
        if (of_response || of_claim)
            status = HTTP_INTERNAL_SERVER_ERROR;
    }
    return status;
}
