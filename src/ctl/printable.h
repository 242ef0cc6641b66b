/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What may be shown on a terminal. */

#include <apr_pools.h>

/** Text without anything that a terminal would obey: control characters, and those that turn the
 * direction of writing, show as `\u{9B}`. Names can't hold control characters, but a row that
 * someone edited can. */
const char *whk_printable(apr_pool_t *pool, const char *text);
