/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The options that some commands take, beside those that all do. */

typedef enum {
    WHK_OPTION_NAME,
    WHK_OPTION_EXPIRES,
    WHK_OPTION_LABEL,
    WHK_OPTION_ALGORITHM,
    WHK_OPTION_DIGITS,
    WHK_OPTION_PERIOD,
    WHK_OPTION_ISSUER,
    WHK_OPTION_REPLACE,
    WHK_OPTION_STATUS,
    WHK_OPTION_LIMIT,
    WHK_OPTION_OFFSET,
    WHK_OPTION_DROP,
    WHK_OPTION_AT,
    WHK_OPTION_CANCEL,
    WHK_OPTION_ENTERPRISE,
    WHK_OPTION_KEY_ID,
    WHK_OPTION_DRY_RUN,
    WHK_OPTION_SKIP_REFUSED,
    WHK_OPTION_ADD_ENTERPRISES,
    WHK_OPTION_PRUNE,
    WHK_OPTION_COUNT
} whk_option_t;

typedef struct whk_option_text_t {
    const char *name;  /**< the long name */
    const char *value; /**< what its value is called in the help; NULL: it takes none */
    const char *help;
} whk_option_text_t;

extern const whk_option_text_t whk_options[WHK_OPTION_COUNT];
