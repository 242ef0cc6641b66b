/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "ctl/conf_reader.h"
#include "ctl/conf_text.h"

static void module_add(whk_conf_reader_t *reader, const char *name)
{
    apr_hash_set(reader->modules, name, APR_HASH_KEY_STRING, "");
}

/* <IfModule> takes `x_module` and the name of the source, `mod_x.c` or, of an MPM, `x.c`. */
const char *whk_conf_load_module(whk_conf_reader_t *reader, const char *args)
{
    const char *name = whk_conf_word(reader->pool, &args);
    const char *file = apr_filepath_name_get(whk_conf_word(reader->pool, &args));
    apr_size_t length = strlen(name);
    const char *dot = strrchr(file, '.');

    module_add(reader, name);
    if (dot)
        module_add(reader, apr_pstrcat(reader->pool,
                                       apr_pstrmemdup(reader->pool, file, (apr_size_t)(dot - file)),
                                       ".c", NULL));
    if (length > 7 && !strcmp(name + length - 7, "_module")) {
        const char *bare = apr_pstrmemdup(reader->pool, name, length - 7);

        module_add(reader, apr_pstrcat(reader->pool, "mod_", bare, ".c", NULL));
        if (!strncmp(bare, "mpm_", 4))
            module_add(reader, apr_pstrcat(reader->pool, bare + 4, ".c", NULL));
    }
    return NULL;
}

/* What Debian's httpd, and most others, have compiled in. */
void whk_conf_built_in_modules(whk_conf_reader_t *reader)
{
    static const char *const names[] = {"core",       "so",    "http",    "watchdog",
                                        "log_config", "logio", "version", "unixd"};
    size_t i;

    module_add(reader, "core.c");
    module_add(reader, "http_core.c");
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        module_add(reader, apr_pstrcat(reader->pool, names[i], "_module", NULL));
        module_add(reader, apr_pstrcat(reader->pool, "mod_", names[i], ".c", NULL));
    }
}
