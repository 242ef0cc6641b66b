/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_CTL_CONF_READER_H
#define WHK_CTL_CONF_READER_H

/**
 * @file ctl/conf_reader.h
 * How far the reading of a configuration has come: for the files conf_*.c and httpd_conf.c alone.
 * Functions that can fail return NULL, or a sentence that begins with the place.
 */

#include <apr_hash.h>

#include "ctl/httpd_conf.h"

/** As deep as httpd lets files include one another. */
#define WHK_CONF_DEPTH_MAX 20

typedef struct whk_conf_reader_t {
    apr_pool_t *pool;
    whk_httpd_conf_t *conf;
    const char *envvars; /**< a file that may hold variables which httpd's starter sets */
    whk_httpd_server_t *server;
    apr_hash_t *defines;
    apr_hash_t *modules;
    apr_array_header_t *sections; /**< those that are open: see conf_section.c */
    int in_directory;             /**< how many of them are of a directory, a location … */
    const char *skipped;          /**< the section whose content does not count; NULL: none */
    int skipped_depth;
    const char *file; /**< where we are */
    int line;
    int depth; /**< files that include one another */
} whk_conf_reader_t;

/* ---- httpd_conf.c ---- */

/** `FILE:LINE` of where we are. */
const char *whk_conf_place(whk_conf_reader_t *reader);

/** That, and what is wrong there. */
const char *whk_conf_flaw(whk_conf_reader_t *reader, const char *flaw);

/** A whk_conf_lookup_fn: from Define, else the environment, else the envvars file. */
const char *whk_conf_variable(void *reader, const char *name);

/** `text` with values for its variables, where they have one. */
const char *whk_conf_expand_here(whk_conf_reader_t *reader, const char *text);

const char *whk_conf_read_file(whk_conf_reader_t *reader, const char *file);

/* ---- conf_include.c ---- */

/** A path, relative ones below ServerRoot. */
const char *whk_conf_path(whk_conf_reader_t *reader, const char *path);

const char *whk_conf_include(whk_conf_reader_t *reader, const char *args);
const char *whk_conf_include_optional(whk_conf_reader_t *reader, const char *args);

/* ---- conf_module.c ---- */

/** LoadModule: remember the names that `<IfModule>` may call it by. */
const char *whk_conf_load_module(whk_conf_reader_t *reader, const char *args);

/** Remember those that httpd has compiled in. */
void whk_conf_built_in_modules(whk_conf_reader_t *reader);

/* ---- conf_section.c ---- */

/** Begin with no section open. */
void whk_conf_sections_init(whk_conf_reader_t *reader);

/** How many sections are open. */
int whk_conf_sections_open(const whk_conf_reader_t *reader);

/** A line that begins with `<`. A section that was open `base` deep is not to be closed here. */
const char *whk_conf_section_line(whk_conf_reader_t *reader, const char *text, int base);

/** At the end of a file: all its sections must be closed. */
const char *whk_conf_sections_check(whk_conf_reader_t *reader, int base);

#endif
