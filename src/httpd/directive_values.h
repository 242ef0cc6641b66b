/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The types of values that directives have: how what an operator writes becomes the member of a
 * configuration. Defaults are read by them too, before the server is configured: so a type whose
 * values depend on a server, or on a section, is for directives without a default. */

#include <httpd.h>

#include <apr_tables.h>
#include <http_config.h>

#include "scheme/scheme.h"

/** What stands behind the name of a directive, and within which bounds it must be. */
typedef struct whk_arguments_t {
    cmd_parms *cmd;
    int count;
    char *const *words;
    apr_int64_t min; /**< of numbers, and of times in milliseconds; else 0, and so is `max` */
    apr_int64_t max;
} whk_arguments_t;

typedef struct whk_value_type_t {
    const char *name;
    apr_size_t size; /**< of the member */
    /** Read the arguments into a member. What it points to is in `cmd->pool`.
     * @return NULL, or what would be right, as "must be …" */
    const char *(*read)(const whk_arguments_t *given, void *member);
    /** What an inner section says, over what is around it; NULL: it takes its place. */
    void (*merge)(apr_pool_t *pool, void *merged, const void *over);
} whk_value_type_t;

/* What any module's directives may have: directive_values.c. */
extern const whk_value_type_t whk_value_number;      /**< int */
extern const whk_value_type_t whk_value_bytes;       /**< apr_int64_t */
extern const whk_value_type_t whk_value_time;        /**< apr_interval_time_t; without unit: s */
extern const whk_value_type_t whk_value_flag;        /**< int: On or Off */
extern const whk_value_type_t whk_value_path;        /**< const char *, absolute */
extern const whk_value_type_t whk_value_text;        /**< const char *, not empty */
extern const whk_value_type_t whk_value_texts;       /**< const apr_array_header_t * of them */
extern const whk_value_type_t whk_value_claim;       /**< const char *: the name of one */
extern const whk_value_type_t whk_value_header_name; /**< const char * */
extern const whk_value_type_t whk_value_expression;  /**< const ap_expr_info_t *, of a string */

/* How keys are registered: directive_values_registry.c. */
extern const whk_value_type_t whk_value_algorithms;   /**< whk_algorithms_t */
extern const whk_value_type_t whk_value_otp_provider; /**< const char *: the name of one */
extern const whk_value_type_t whk_value_allow_list;   /**< const whk_allow_list_t *; lines add up */
extern const whk_value_type_t whk_value_proxy;        /**< const char *: a URL */
extern const whk_value_type_t whk_value_query;        /**< const char *: SQL, with as many %s as
                                                           its bounds say */

/* How webhooks are verified: directive_values_webhook.c. */
extern const whk_value_type_t whk_value_signature;    /**< whk_signature_config_t */
extern const whk_value_type_t whk_value_components;   /**< const apr_array_header_t * of texts */
extern const whk_value_type_t whk_value_enforce;      /**< whk_enforce_config_t */
extern const whk_value_type_t whk_value_sign;         /**< whk_signature_config_t */
extern const whk_value_type_t whk_value_signing_key;  /**< whk_signing_key_line_t; lines add up */
extern const whk_value_type_t whk_value_replay_cache; /**< const whk_replay_provider_t * */

/* How answers are verified: directive_values_response.c. */
extern const whk_value_type_t whk_value_response;            /**< whk_signature_config_t */
extern const whk_value_type_t whk_value_response_claims;     /**< const apr_array_header_t * of
                                                                  whk_response_claim_t; lines add up */
extern const whk_value_type_t whk_value_response_components; /**< const apr_array_header_t * of
                                                                  texts */

/* ---- for the types ---- */

/** Whether a header field may have this name (RFC 9110, section 5.1). */
int whk_is_header_name(const char *name);

/** Read a scheme and its header, one that `find` knows by name.
 * @param names those names, as "one of jws, jwt" */
const char *whk_read_signature(const whk_arguments_t *given, void *member,
                               const whk_scheme_t *(*find)(const char *name), const char *names);

/** Whether a name is that of a header field as RFC 9421 has it, with no marks but hyphens: of
 * another (x_event) a reader may take another field (x-event) for it. */
int whk_is_field_component(const char *name);

/** The arguments as a list of `const char *`, in `cmd->pool`. */
const apr_array_header_t *whk_arguments_list(const whk_arguments_t *given);
