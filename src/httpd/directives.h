/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The directives: one row each in directives.c, from which httpd's commands, the defaults and the
 * merge are made. What they mean to an operator is in docs/directives/, and t/style/directives.t
 * holds that to the rows. */

#include <httpd.h>

#include <http_config.h>

#include "httpd/directive_values.h"
#include "httpd/server_state.h"

/** What httpd does not know of a directive of ours: the `cmd_data` of its command. */
typedef struct whk_directive_t {
    const whk_value_type_t *type;
    const char *member; /**< of whk_config_t, by name */
    apr_size_t offset;  /**< and where it is */
    apr_size_t size;
    const char *default_text; /**< as an operator would write it; NULL: none, the member is 0 */
    unsigned not_in;          /**< ap_check_cmd_context()'s: where it may not stand */
    apr_int64_t min;          /**< of numbers, and of times in milliseconds */
    apr_int64_t max;
    /** What a server must know of a value wherever in it that stands; NULL: nothing. */
    void (*update_server)(whk_server_t *server, const void *member);
} whk_directive_t;

/** The module record's: the rows, then those of other modules' directives, which have no data. */
extern const command_rec whk_directives[];

/** The module record's: `dir` is NULL for a server's own, which has all defaults. */
void *whk_config_create(apr_pool_t *pool, char *dir);

/** The module record's: what `over` says, over what `base` says. */
void *whk_config_merge(apr_pool_t *pool, void *base, void *over);
