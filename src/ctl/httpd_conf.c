/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/httpd_conf.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_file_info.h>
#include <apr_strings.h>

#include "ctl/conf_reader.h"
#include "ctl/conf_text.h"

/* Where httpd looks where no ServerRoot says so: the build may know better than Debian's. */
#ifndef WHK_HTTPD_ROOT
#define WHK_HTTPD_ROOT "/etc/apache2"
#endif

const char *whk_conf_place(whk_conf_reader_t *reader)
{
    return apr_psprintf(reader->pool, "%s:%d", reader->file, reader->line);
}

const char *whk_conf_flaw(whk_conf_reader_t *reader, const char *flaw)
{
    return apr_pstrcat(reader->pool, whk_conf_place(reader), ": ", flaw, NULL);
}

/* ---- variables ---- */

const char *whk_conf_variable(void *baton, const char *name)
{
    whk_conf_reader_t *reader = baton;
    const char *value = apr_hash_get(reader->defines, name, APR_HASH_KEY_STRING);

    if (!value)
        value = getenv(name);
    return value ? value : whk_conf_shell_value(reader->pool, reader->envvars, name);
}

const char *whk_conf_expand_here(whk_conf_reader_t *reader, const char *text)
{
    const char *undefined;

    return whk_conf_expand(reader->pool, text, whk_conf_variable, reader, &undefined);
}

static const char *define(whk_conf_reader_t *reader, const char *args)
{
    const char *name = whk_conf_word(reader->pool, &args);

    apr_hash_set(reader->defines, name, APR_HASH_KEY_STRING, whk_conf_word(reader->pool, &args));
    return NULL;
}

static const char *undefine(whk_conf_reader_t *reader, const char *args)
{
    apr_hash_set(reader->defines, whk_conf_word(reader->pool, &args), APR_HASH_KEY_STRING, NULL);
    return NULL;
}

/* ---- directives ---- */

static const char *set_server_root(whk_conf_reader_t *reader, const char *args)
{
    reader->conf->server_root = whk_conf_word(reader->pool, &args);
    return NULL;
}

static void set(whk_conf_reader_t *reader, whk_setting_t *setting, const char *args)
{
    /* What was expanded already still shows the variables that have no value. */
    whk_conf_expand(reader->pool, args, whk_conf_variable, reader, &setting->undefined);
    setting->value = whk_conf_word(reader->pool, &args);
    setting->place = whk_conf_place(reader);
}

static const char *set_user(whk_conf_reader_t *reader, const char *args)
{
    if (reader->server == &reader->conf->main_server)
        set(reader, &reader->conf->user, args);
    return NULL;
}

static const char *set_driver(whk_conf_reader_t *reader, const char *args)
{
    set(reader, &reader->server->driver, args);
    return NULL;
}

static const char *set_params(whk_conf_reader_t *reader, const char *args)
{
    set(reader, &reader->server->params, args);
    return NULL;
}

static const char *set_secret_key_file(whk_conf_reader_t *reader, const char *args)
{
    set(reader, &reader->server->secret_key_file, args);
    return NULL;
}

/* `https://name:443` names a server as `name` does. */
static const char *set_server_name(whk_conf_reader_t *reader, const char *args)
{
    const char *name = whk_conf_word(reader->pool, &args);
    const char *scheme = strstr(name, "://");
    const char *end;

    if (scheme)
        name = scheme + 3;
    end = strrchr(name, ':');
    if (end && !strchr(end, ']'))
        name = apr_pstrmemdup(reader->pool, name, (apr_size_t)(end - name));
    *(const char **)apr_array_push(reader->server->names) = name;
    return NULL;
}

static const char *add_server_alias(whk_conf_reader_t *reader, const char *args)
{
    const char *name;

    while (*(name = whk_conf_word(reader->pool, &args)))
        *(const char **)apr_array_push(reader->server->names) = name;
    return NULL;
}

typedef struct {
    const char *name;
    /* NULL, or what is wrong, with its place. */
    const char *(*read)(whk_conf_reader_t *reader, const char *args);
    int anywhere; /* read in the section of a directory too */
} directive_t;

static const directive_t directives[] = {
    {"Include", whk_conf_include, 1},
    {"IncludeOptional", whk_conf_include_optional, 1},
    {"Define", define, 1},
    {"UnDefine", undefine, 1},
    {"LoadModule", whk_conf_load_module, 1},
    {"ServerRoot", set_server_root, 0},
    {"User", set_user, 0},
    {"ServerName", set_server_name, 0},
    {"ServerAlias", add_server_alias, 0},
    {"DBDriver", set_driver, 0},
    {"DBDParams", set_params, 0},
    {"WebhookKeysSecretKeyFile", set_secret_key_file, 0},
};

static const char *read_directive(whk_conf_reader_t *reader, const char *text)
{
    const char *name = whk_conf_expand_here(reader, whk_conf_word(reader->pool, &text));
    size_t i;

    for (i = 0; i < sizeof(directives) / sizeof(directives[0]); i++) {
        const directive_t *directive = &directives[i];

        if (strcasecmp(directive->name, name) != 0)
            continue;
        if (reader->in_directory && !directive->anywhere)
            return NULL;
        return directive->read(reader, whk_conf_expand_here(reader, text));
    }
    return NULL;
}

/* ---- lines and files ---- */

static const char *read_lines(whk_conf_reader_t *reader, const apr_array_header_t *lines)
{
    int base = whk_conf_sections_open(reader);
    const char *flaw = NULL;
    int i;

    for (i = 0; i < lines->nelts && !flaw; i++) {
        const whk_conf_line_t *line = &APR_ARRAY_IDX(lines, i, whk_conf_line_t);

        reader->line = line->number;
        if (*line->text == '<')
            flaw = whk_conf_section_line(reader, line->text, base);
        else if (!reader->skipped)
            flaw = read_directive(reader, line->text);
    }
    return flaw ? flaw : whk_conf_sections_check(reader, base);
}

const char *whk_conf_read_file(whk_conf_reader_t *reader, const char *file)
{
    const char *outer_file = reader->file;
    int outer_line = reader->line;
    apr_array_header_t *lines;
    const char *flaw;

    if (reader->depth >= WHK_CONF_DEPTH_MAX)
        return whk_conf_flaw(reader, "files include one another too deeply");
    flaw = whk_conf_lines(reader->pool, file, &lines);
    if (flaw)
        return outer_file ? whk_conf_flaw(reader, flaw) : flaw;
    reader->depth++;
    reader->file = file;
    flaw = read_lines(reader, lines);
    reader->depth--;
    reader->file = outer_file;
    reader->line = outer_line;
    return flaw;
}

/* ---- the whole ---- */

static const char *default_server_root(apr_pool_t *pool, const char *file)
{
    apr_finfo_t info;

    if (apr_stat(&info, WHK_HTTPD_ROOT, APR_FINFO_TYPE, pool) == APR_SUCCESS &&
        info.filetype == APR_DIR)
        return WHK_HTTPD_ROOT;
    return whk_conf_folder(pool, file);
}

const char *whk_httpd_conf_read(apr_pool_t *pool, const char *file,
                                const apr_array_header_t *defines, const whk_httpd_conf_t **result)
{
    whk_httpd_conf_t *conf = apr_pcalloc(pool, sizeof(*conf));
    whk_conf_reader_t reader = {.pool = pool, .conf = conf, .server = &conf->main_server};
    char *absolute;
    int i;

    if (apr_filepath_merge(&absolute, NULL, file, APR_FILEPATH_TRUENAME, pool) != APR_SUCCESS)
        return apr_psprintf(pool, "%s is not the name of a file", file);
    conf->server_root = default_server_root(pool, absolute);
    conf->main_server.names = apr_array_make(pool, 2, sizeof(const char *));
    conf->virtual_hosts = apr_array_make(pool, 4, sizeof(whk_httpd_server_t *));
    reader.envvars = apr_pstrcat(pool, whk_conf_folder(pool, absolute), "/envvars", NULL);
    reader.defines = apr_hash_make(pool);
    reader.modules = apr_hash_make(pool);
    whk_conf_sections_init(&reader);
    whk_conf_built_in_modules(&reader);
    for (i = 0; i < defines->nelts; i++)
        apr_hash_set(reader.defines, APR_ARRAY_IDX(defines, i, const char *), APR_HASH_KEY_STRING,
                     "");
    *result = conf;
    return whk_conf_read_file(&reader, absolute);
}
