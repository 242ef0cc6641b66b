/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For t/style/directives.t: a module that has httpd print the directives of mod_webhook_keys as the
 * loaded module has them, and end. A line each, with tabs between: name, help, context, type, size
 * of the type's values, member, its offset and size, least, most, default ("-": none), what the
 * member is where nothing is set (as a number), and whether a merge takes this member alone.
 */
#include <httpd.h>

#include <stdlib.h>

#include <apr_strings.h>
#include <http_config.h>

#include "httpd/config.h"
#include "httpd/directives.h"

static const char *context_of(const command_rec *command, unsigned not_in, apr_pool_t *pool)
{
    int server = command->req_override & RSRC_CONF;
    int directory = (command->req_override & ACCESS_CONF) && !(not_in & NOT_IN_DIR_CONTEXT);

    return apr_pstrcat(pool, server ? ", server config" : "",
                       server && !(not_in & NOT_IN_VIRTUALHOST) ? ", virtual host" : "",
                       directory ? ", directory" : "",
                       command->req_override & OR_ALL ? ", .htaccess" : "", NULL) +
           2;
}

static apr_int64_t number_of(const whk_config_t *config, const whk_directive_t *directive)
{
    const char *member = (const char *)config + directive->offset;
    apr_size_t i;

    if (directive->size == sizeof(int))
        return *(const int *)member;
    if (directive->size == sizeof(apr_int64_t))
        return *(const apr_int64_t *)member;
    for (i = 0; i < directive->size; i++)
        if (member[i])
            return 1;
    return 0;
}

static int is_merged(const module *m, const whk_directive_t *directive, int row, apr_pool_t *pool)
{
    whk_config_t *base = apr_pcalloc(pool, sizeof(*base));
    whk_config_t *over = apr_pcalloc(pool, sizeof(*over));

    memset((char *)over + directive->offset, 0x55, directive->size);
    if (memcmp(m->merge_dir_config(pool, base, over), base, sizeof(*base)) != 0)
        return 0;
    over->set[row] = 1;
    return !memcmp(m->merge_dir_config(pool, base, over), over, sizeof(*over));
}

static int list(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    const module *m = ap_find_linked_module("mod_webhook_keys.c");
    const whk_config_t *config = m->create_dir_config(ptemp, NULL);
    int i;

    (void)pconf;
    (void)plog;
    for (i = 0; m->cmds[i].name; i++) {
        const command_rec *command = &m->cmds[i];
        const whk_directive_t *row = command->cmd_data;

        printf("%s\t%s", command->name, command->errmsg);
        if (row)
            printf("\t%s\t%s\t%d\t%s\t%d\t%d\t%" APR_INT64_T_FMT "\t%" APR_INT64_T_FMT
                   "\t%s\t%" APR_INT64_T_FMT "\t%d",
                   context_of(command, row->not_in, ptemp), row->type->name, (int)row->type->size,
                   row->member, (int)row->offset, (int)row->size, row->min, row->max,
                   row->default_text ? row->default_text : "-", number_of(config, row),
                   is_merged(m, row, i, ptemp));
        puts("");
    }
    fflush(stdout);
    _Exit(0);
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_pre_config(list, NULL, NULL, APR_HOOK_REALLY_FIRST);
}

AP_DECLARE_MODULE(list_directives)
__attribute__((visibility("default"))) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks, AP_MODULE_FLAG_NONE,
};
