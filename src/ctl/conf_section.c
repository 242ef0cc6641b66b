/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include <apr_file_info.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "ctl/conf_reader.h"
#include "ctl/conf_text.h"

typedef enum {
    SECTION_TRANSPARENT, /* its content counts as if it stood outside */
    SECTION_VIRTUAL_HOST,
    SECTION_DIRECTORY /* of a directory, a location …: none of ours may stand there */
} section_kind_t;

typedef struct {
    const char *name;
    int line;
    section_kind_t kind;
} section_t;

void whk_conf_sections_init(whk_conf_reader_t *reader)
{
    reader->sections = apr_array_make(reader->pool, 8, sizeof(section_t));
}

int whk_conf_sections_open(const whk_conf_reader_t *reader)
{
    return reader->sections->nelts;
}

static int holds_define(whk_conf_reader_t *reader, const char *argument)
{
    return apr_hash_get(reader->defines, argument, APR_HASH_KEY_STRING) != NULL;
}

static int holds_module(whk_conf_reader_t *reader, const char *argument)
{
    return apr_hash_get(reader->modules, argument, APR_HASH_KEY_STRING) != NULL;
}

static int holds_file(whk_conf_reader_t *reader, const char *argument)
{
    const char *path = whk_conf_path(reader, argument);
    apr_finfo_t info;

    return apr_stat(&info, path, APR_FINFO_TYPE, reader->pool) == APR_SUCCESS;
}

/* Such conditions ask httpd what it is; we take it for one that has what its configuration asks. */
static int holds_always(whk_conf_reader_t *reader, const char *argument)
{
    (void)reader;
    (void)argument;
    return 1;
}

static const struct {
    const char *name;
    int (*holds)(whk_conf_reader_t *reader, const char *argument);
} conditions[] = {
    {"IfDefine", holds_define},  {"IfModule", holds_module},    {"IfFile", holds_file},
    {"IfVersion", holds_always}, {"IfDirective", holds_always}, {"IfSection", holds_always},
};

/* Sections whose content is no configuration, or none until something uses it. */
static int is_raw(const char *name)
{
    return !strcasecmp(name, "Macro") || !strcasecmp(name, "Perl");
}

static void skip(whk_conf_reader_t *reader, const char *name)
{
    reader->skipped = name;
    reader->skipped_depth = 1;
}

static void push_section(whk_conf_reader_t *reader, const char *name, section_kind_t kind)
{
    section_t *section = apr_array_push(reader->sections);

    section->name = name;
    section->line = reader->line;
    section->kind = kind;
    reader->in_directory += kind == SECTION_DIRECTORY;
}

static whk_httpd_server_t *new_server(whk_conf_reader_t *reader)
{
    whk_httpd_server_t *server = apr_pcalloc(reader->pool, sizeof(*server));

    server->names = apr_array_make(reader->pool, 2, sizeof(const char *));
    server->place = whk_conf_place(reader);
    APR_ARRAY_PUSH(reader->conf->virtual_hosts, whk_httpd_server_t *) = server;
    return server;
}

static const char *open_section(whk_conf_reader_t *reader, const char *name, const char *argument)
{
    size_t i;

    for (i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        int negated = *argument == '!';

        if (strcasecmp(conditions[i].name, name) != 0)
            continue;
        argument += negated;
        if (conditions[i].holds(reader, whk_conf_word(reader->pool, &argument)) == negated)
            skip(reader, name);
        else
            push_section(reader, name, SECTION_TRANSPARENT);
        return NULL;
    }
    if (is_raw(name)) {
        skip(reader, name);
    } else if (strcasecmp(name, "VirtualHost") != 0) {
        push_section(reader, name, SECTION_DIRECTORY);
    } else {
        if (reader->server != &reader->conf->main_server)
            return whk_conf_flaw(reader, "<VirtualHost> cannot stand in another <VirtualHost>");
        reader->server = new_server(reader);
        push_section(reader, name, SECTION_VIRTUAL_HOST);
    }
    return NULL;
}

static const char *close_section(whk_conf_reader_t *reader, const char *name, int base)
{
    section_t *section;

    if (reader->sections->nelts <= base)
        return whk_conf_flaw(reader, apr_psprintf(reader->pool, "</%s> closes nothing", name));
    section = apr_array_pop(reader->sections);
    if (strcasecmp(section->name, name) != 0)
        return whk_conf_flaw(reader, apr_psprintf(reader->pool,
                                                  "</%s> stands where </%s> should, for line %d",
                                                  name, section->name, section->line));
    reader->in_directory -= section->kind == SECTION_DIRECTORY;
    if (section->kind == SECTION_VIRTUAL_HOST)
        reader->server = &reader->conf->main_server;
    return NULL;
}

/* `IfModule mod_x.c` of `<IfModule mod_x.c>`: the name alone, and what follows without its `>`. */
static const char *section_name(whk_conf_reader_t *reader, const char *text, const char **argument)
{
    apr_size_t length = strcspn(text, " \t>");
    const char *name = apr_pstrmemdup(reader->pool, text, length);
    char *rest;
    char *end;

    while (apr_isspace(text[length]))
        length++;
    rest = apr_pstrdup(reader->pool, text + length);
    end = strrchr(rest, '>');
    if (end)
        *end = '\0';
    *argument = rest;
    return name;
}

const char *whk_conf_section_line(whk_conf_reader_t *reader, const char *text, int base)
{
    int closes = !strncmp(text, "</", 2);
    const char *argument;
    const char *name = section_name(reader, text + 1 + closes, &argument);

    if (reader->skipped) {
        if (!strcasecmp(name, reader->skipped))
            reader->skipped_depth += closes ? -1 : 1;
        if (reader->skipped_depth == 0)
            reader->skipped = NULL;
        return NULL;
    }
    return closes ? close_section(reader, name, base)
                  : open_section(reader, name, whk_conf_expand_here(reader, argument));
}

const char *whk_conf_sections_check(whk_conf_reader_t *reader, int base)
{
    const section_t *section;

    if (reader->skipped)
        return apr_psprintf(reader->pool, "%s: <%s> is never closed", reader->file,
                            reader->skipped);
    if (reader->sections->nelts == base)
        return NULL;
    section = &APR_ARRAY_IDX(reader->sections, reader->sections->nelts - 1, section_t);
    return apr_psprintf(reader->pool, "%s:%d: <%s> is never closed", reader->file, section->line,
                        section->name);
}
