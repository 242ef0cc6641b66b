/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** @file
 * The options that some commands take, beside those that all do.
 */

/** Options that some commands take. */
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
    WHK_OPTION_COUNT
} whk_option_t;

/** The long name of an option. */
const char *whk_option_name(whk_option_t option);

/** What its value is called in the help; NULL: it takes none. */
const char *whk_option_value(whk_option_t option);

/** What its help says. */
const char *whk_option_help(whk_option_t option);
