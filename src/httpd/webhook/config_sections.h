/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The sections of the configuration as an operator wrote them, for what is found wrong before any
 * request comes. Which of them will be in force together is known of some alone. */

#include <httpd.h>

#include <http_config.h>

/** What one section says, with the sections that it stands in. Lines are NULL where it has none. */
typedef struct whk_section_t {
    const struct whk_section_t *outer; /**< NULL: a server's own configuration */
    const ap_directive_t *node;        /**< NULL: the main server */
    const ap_directive_t *host;        /**< its <VirtualHost>; NULL: the main server */
    const ap_directive_t *signature;   /**< WebhookKeysSignature, but for None */
    const ap_directive_t *input_filter;
    const ap_directive_t *enterprise;
    const ap_directive_t *response;       /**< WebhookKeysResponse, but for None */
    const ap_directive_t *response_claim; /**< the first of its lines */
    const ap_directive_t *error_override; /**< ProxyErrorOverride */
    int has_auth_type;
    int has_require;
} whk_section_t;

typedef int (*whk_section_has_fn)(const whk_section_t *section);

/** All sections, the main server's own first: `const whk_section_t *`. */
const apr_array_header_t *whk_config_sections(apr_pool_t *pool);

/** Whether a line is in force in a section, or may be: it stands there, around it, or in another
 * section that some request may meet too. */
int whk_config_sections_find(const whk_section_t *section, const apr_array_header_t *sections,
                             whk_section_has_fn has, apr_pool_t *pool);

int whk_config_is_named(const ap_directive_t *directive, const char *name);

/** Sections of mod_authz_core, and those of methods, which are none of places. */
int whk_config_is_authorisation(const ap_directive_t *directive);

/** The first argument. */
const char *whk_config_first_word(const ap_directive_t *directive, apr_pool_t *pool);

/** A section as an operator knows it: `<Location "/out">`. */
const char *whk_config_section_name(const whk_section_t *section, apr_pool_t *pool);
