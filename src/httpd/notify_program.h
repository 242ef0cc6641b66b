/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Running the program of WebhookKeysNotify, as httpd's children's user, with nothing of httpd's
 * but what it is told: no sockets, no environment. */

#include <apr_tables.h>
#include <httpd.h>

/** What is wrong with a program, "must …"; NULL: it can be run. */
const char *whk_notify_program_flaw(const char *file, apr_pool_t *pool);

/** Run it and wait.
 * @param command `const char *`: the program and its arguments
 * @param input   is given on its standard input
 * @param most    then it is ended
 * @param stop    it is ended where this becomes true
 * @return NULL: it exited with 0; or how it failed, with the end of what it said */
const char *whk_notify_program_run(const apr_array_header_t *command, const char *input,
                                   apr_interval_time_t most, const volatile apr_uint32_t *stop,
                                   apr_pool_t *pool);
