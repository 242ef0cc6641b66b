/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_CTL_CONF_TEXT_H
#define WHK_CTL_CONF_TEXT_H

/**
 * @file ctl/conf_text.h
 * The text of httpd's configuration files, as httpd reads it: lines, words and `${VARIABLE}`.
 */

#include <apr_pools.h>
#include <apr_tables.h>

/** A line of a configuration file, continuations joined, white space at both ends cut. */
typedef struct whk_conf_line_t {
    const char *text;
    int number; /**< of its last physical line, as httpd counts */
} whk_conf_line_t;

/**
 * The lines of a file that are neither empty nor a comment.
 * @param lines set to an array of whk_conf_line_t
 * @return NULL, or a sentence that names the file and what is wrong
 */
const char *whk_conf_lines(apr_pool_t *pool, const char *file, apr_array_header_t **lines);

/**
 * Take the next word off `*text`: bare up to white space, or in `"` or `'`, where a backslash takes
 * the quote or itself. @return "" where there is none
 */
const char *whk_conf_word(apr_pool_t *pool, const char **text);

/** The value of a variable, or NULL where it has none. */
typedef const char *(*whk_conf_lookup_fn)(void *baton, const char *name);

/**
 * Put values in for `${NAME}`. One without a value stays as it is, as httpd does it, and
 * `undefined` is set to the name of the first such (otherwise to NULL).
 */
const char *whk_conf_expand(apr_pool_t *pool, const char *text, whk_conf_lookup_fn lookup,
                            void *baton, const char **undefined);

/**
 * The value of `NAME=value` or `export NAME=value` in a shell file such as Debian's
 * /etc/apache2/envvars, where that value is plain: nothing that a shell would expand.
 * @return NULL where the file has no such line
 */
const char *whk_conf_shell_value(apr_pool_t *pool, const char *file, const char *name);

/** The folder that a file lies in: `.` where its path names none. */
const char *whk_conf_folder(apr_pool_t *pool, const char *file);

#endif
