/* SPDX-License-Identifier: Apache-2.0 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_strings.h>

#include "ctl/conf_reader.h"
#include "ctl/conf_text.h"

const char *whk_conf_path(whk_conf_reader_t *reader, const char *path)
{
    const char *root = reader->conf->server_root;
    char *merged;

    if (apr_filepath_merge(&merged, root, path, APR_FILEPATH_TRUENAME, reader->pool) != APR_SUCCESS)
        return apr_pstrcat(reader->pool, root, "/", path, NULL);
    return merged;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *include_folder(whk_conf_reader_t *reader, const char *folder);

static const char *include_path(whk_conf_reader_t *reader, const char *path)
{
    apr_finfo_t info;

    if (apr_stat(&info, path, APR_FINFO_TYPE, reader->pool) == APR_SUCCESS &&
        info.filetype == APR_DIR)
        return include_folder(reader, path);
    return whk_conf_read_file(reader, path);
}

static const char *include_folder(whk_conf_reader_t *reader, const char *folder)
{
    apr_array_header_t *names = apr_array_make(reader->pool, 8, sizeof(const char *));
    const char *flaw = NULL;
    apr_finfo_t info;
    apr_dir_t *dir;
    int i;

    if (apr_dir_open(&dir, folder, reader->pool) != APR_SUCCESS)
        return whk_conf_flaw(reader, apr_psprintf(reader->pool, "%s cannot be read", folder));
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS)
        if (strcmp(info.name, ".") != 0 && strcmp(info.name, "..") != 0)
            APR_ARRAY_PUSH(names, const char *) =
                apr_pstrcat(reader->pool, folder, "/", info.name, NULL);
    apr_dir_close(dir);
    qsort(names->elts, (size_t)names->nelts, sizeof(const char *), compare_names);
    reader->depth++;
    for (i = 0; i < names->nelts && !flaw; i++)
        flaw = reader->depth > WHK_CONF_DEPTH_MAX
                   ? whk_conf_flaw(reader, "files include one another too deeply")
                   : include_path(reader, APR_ARRAY_IDX(names, i, const char *));
    reader->depth--;
    return flaw;
}

static const char *include_matches(whk_conf_reader_t *reader, const char *pattern, int optional)
{
    const char *flaw = NULL;
    glob_t matches;
    size_t i;

    if (glob(pattern, 0, NULL, &matches) != 0) {
        if (optional)
            return NULL;
        return whk_conf_flaw(reader,
                             apr_psprintf(reader->pool, "Include: there is no file %s", pattern));
    }
    for (i = 0; i < matches.gl_pathc && !flaw; i++)
        flaw = include_path(reader, apr_pstrdup(reader->pool, matches.gl_pathv[i]));
    globfree(&matches);
    return flaw;
}

static const char *include_files(whk_conf_reader_t *reader, const char *args, int optional)
{
    const char *undefined;
    const char *path;

    whk_conf_expand(reader->pool, args, whk_conf_variable, reader, &undefined);
    if (undefined && !optional)
        return whk_conf_flaw(reader,
                             apr_psprintf(reader->pool,
                                          "Include: the variable %s is not defined: set it in "
                                          "the environment, as httpd's start script does",
                                          undefined));
    path = whk_conf_word(reader->pool, &args);
    return include_matches(reader, whk_conf_path(reader, path), optional);
}

const char *whk_conf_include(whk_conf_reader_t *reader, const char *args)
{
    return include_files(reader, args, 0);
}

const char *whk_conf_include_optional(whk_conf_reader_t *reader, const char *args)
{
    return include_files(reader, args, 1);
}
