/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/conf_text.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>

/* Far above any configuration file, and below what would hurt to hold in memory. */
#define FILE_MAX (16 * 1024 * 1024)

static const char *system_flaw(apr_pool_t *pool, const char *file, apr_status_t status)
{
    char buffer[120];

    return apr_psprintf(pool, "%s cannot be read: %s", file,
                        apr_strerror(status, buffer, sizeof(buffer)));
}

static const char *read_file(apr_pool_t *pool, const char *file, char **text)
{
    apr_finfo_t info;
    apr_file_t *handle;
    apr_size_t length;
    apr_status_t status = apr_stat(&info, file, APR_FINFO_TYPE | APR_FINFO_SIZE, pool);

    if (status != APR_SUCCESS && status != APR_INCOMPLETE)
        return system_flaw(pool, file, status);
    if (info.filetype != APR_REG)
        return apr_psprintf(pool, "%s is not a regular file", file);
    if (info.size > FILE_MAX)
        return apr_psprintf(pool, "%s is too large for a configuration file", file);
    status = apr_file_open(&handle, file, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);
    if (status != APR_SUCCESS)
        return system_flaw(pool, file, status);
    *text = apr_palloc(pool, (apr_size_t)info.size + 1);
    status = apr_file_read_full(handle, *text, (apr_size_t)info.size, &length);
    apr_file_close(handle);
    if (status != APR_SUCCESS && status != APR_EOF)
        return system_flaw(pool, file, status);
    (*text)[length] = '\0';
    if (strlen(*text) != length)
        return apr_psprintf(pool, "%s holds a NUL byte, and so is no configuration file", file);
    return NULL;
}

/* Cut the first physical line off `*rest`, its end included. */
static char *next_line(char **rest, int *continues)
{
    char *line = *rest;
    char *end = strchr(line, '\n');

    *rest = end ? end + 1 : line + strlen(line);
    if (!end) {
        *continues = 0;
        return line;
    }
    if (end > line && end[-1] == '\r')
        end--;
    *continues = end > line && end[-1] == '\\';
    end[*continues ? -1 : 0] = '\0';
    return line;
}

static const char *trim(char *text)
{
    char *end = text + strlen(text);

    while (apr_isspace(*text))
        text++;
    while (end > text && apr_isspace(end[-1]))
        *--end = '\0';
    return text;
}

const char *whk_conf_lines(apr_pool_t *pool, const char *file, apr_array_header_t **lines)
{
    char *rest;
    const char *flaw = read_file(pool, file, &rest);
    int number = 0;

    if (flaw)
        return flaw;
    *lines = apr_array_make(pool, 64, sizeof(whk_conf_line_t));
    while (*rest) {
        int continues;
        char *joined = next_line(&rest, &continues);
        const char *text;

        number++;
        while (continues && *rest) {
            joined = apr_pstrcat(pool, joined, next_line(&rest, &continues), NULL);
            number++;
        }
        text = trim(joined);
        if (*text && *text != '#') {
            whk_conf_line_t *line = apr_array_push(*lines);

            line->text = text;
            line->number = number;
        }
    }
    return NULL;
}

static const char *quoted_word(apr_pool_t *pool, const char **text)
{
    char quote = *(*text)++;
    char *word = apr_palloc(pool, strlen(*text) + 1);
    char *end = word;

    while (**text && **text != quote) {
        if (**text == '\\' && ((*text)[1] == '\\' || (*text)[1] == quote))
            (*text)++;
        *end++ = *(*text)++;
    }
    if (**text)
        (*text)++;
    *end = '\0';
    return word;
}

const char *whk_conf_word(apr_pool_t *pool, const char **text)
{
    const char *word;

    while (apr_isspace(**text))
        (*text)++;
    if (**text == '"' || **text == '\'') {
        word = quoted_word(pool, text);
    } else {
        const char *start = *text;

        while (**text && !apr_isspace(**text))
            (*text)++;
        word = apr_pstrmemdup(pool, start, (apr_size_t)(*text - start));
    }
    while (apr_isspace(**text))
        (*text)++;
    return word;
}

const char *whk_conf_expand(apr_pool_t *pool, const char *text, whk_conf_lookup_fn lookup,
                            void *baton, const char **undefined)
{
    const char *expanded = "";
    const char *open;

    *undefined = NULL;
    while ((open = strstr(text, "${"))) {
        const char *close = strchr(open, '}');
        const char *name, *value;

        if (!close)
            break;
        name = apr_pstrmemdup(pool, open + 2, (apr_size_t)(close - open - 2));
        value = lookup(baton, name);
        if (!value && !*undefined)
            *undefined = name;
        expanded =
            apr_pstrcat(pool, expanded, apr_pstrmemdup(pool, text, (apr_size_t)(open - text)),
                        value ? value : apr_pstrcat(pool, "${", name, "}", NULL), NULL);
        text = close + 1;
    }
    return apr_pstrcat(pool, expanded, text, NULL);
}

const char *whk_conf_shell_value(apr_pool_t *pool, const char *file, const char *name)
{
    apr_array_header_t *lines;
    apr_size_t length = strlen(name);
    const char *value = NULL;
    int i;

    if (whk_conf_lines(pool, file, &lines))
        return NULL;
    for (i = 0; i < lines->nelts; i++) {
        const char *text = APR_ARRAY_IDX(lines, i, whk_conf_line_t).text;

        if (!strncmp(text, "export ", 7))
            text += 7;
        if (strncmp(text, name, length) != 0 || text[length] != '=')
            continue;
        text += length + 1;
        if (!strpbrk(text, "$`\\;&|<>(){}*?~"))
            value = whk_conf_word(pool, &text);
    }
    return value;
}

const char *whk_conf_folder(apr_pool_t *pool, const char *file)
{
    apr_size_t length = (apr_size_t)(apr_filepath_name_get(file) - file);

    if (length == 0)
        return ".";
    return length > 1 ? apr_pstrmemdup(pool, file, length - 1) : "/";
}
