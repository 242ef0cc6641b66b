/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/config_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ap_mpm.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <jansson.h>
#include <unixd.h>

#include "httpd/config.h"
#include "httpd/metrics_shm.h"
#include "httpd/other_directives.h"
#include "httpd/rollout.h"
#include "httpd/server_dump.h"
#include "httpd/server_state.h"
#include "model/config_dump.h"
#include "model/log_number.h"
#include "model/version.h"

APLOG_USE_MODULE(webhook_keys);

/* mod_unixd's own default, -1, is nobody's number. */
static json_t *user_json(void)
{
    if (!ap_unixd_config.user_name || ap_unixd_config.user_id == (uid_t)-1)
        return json_null();
    return json_pack("{s:s, s:I, s:I}", "name", ap_unixd_config.user_name, "uid",
                     (json_int_t)ap_unixd_config.user_id, "gid",
                     (json_int_t)ap_unixd_config.group_id);
}

/* One that is not UTF-8 is none that whkctl could be given. */
static void append_names(json_t *array, const apr_array_header_t *names)
{
    int i;

    for (i = 0; names && i < names->nelts; i++)
        json_array_append_new(array, json_string(APR_ARRAY_IDX(names, i, const char *)));
}

/* httpd gives a server without a ServerName the name of another. */
static json_t *names_json(const server_rec *s, int is_named)
{
    json_t *names = json_array();

    if (is_named)
        json_array_append_new(names, json_string(s->server_hostname));
    append_names(names, s->names);
    append_names(names, s->wild_names);
    return names;
}

static json_t *server_json(apr_pool_t *pool, const server_rec *s, const server_rec *main_server)
{
    whk_other_settings_t others = whk_other_settings_of(s, main_server);
    const char *place =
        s == main_server ? NULL : apr_psprintf(pool, "%s:%u", s->defn_name, s->defn_line_number);

    return json_pack("{s:o, s:s?, s:s?, s:s?, s:s?, s:s?}", "names", names_json(s, others.is_named),
                     "place", place, "driver", others.driver, "params", others.params,
                     "paramsPlace", others.params_place, "secretKeyFile",
                     whk_config_of_server(s)->secret_key_file);
}

static json_t *not_enforced_json(const server_rec *s)
{
    json_t *places = json_array();

    for (; s; s = s->next) {
        const whk_rollout_t *each = whk_server_of(s)->rollouts;

        for (; each; each = each->next)
            if (json_array_insert_new(places, 0, json_string(each->place)) != 0)
                json_array_insert_new(places, 0, json_string("a file whose name is not UTF-8"));
    }
    return places;
}

static json_t *modules_json(void)
{
    json_t *modules = json_array();
    module *const *each;

    for (each = ap_loaded_modules; *each; each++)
        json_array_append_new(modules, json_string((*each)->name));
    return modules;
}

static int print(apr_pool_t *pool, server_rec *main_server)
{
    json_t *servers = json_array();
    json_t *all;
    const server_rec *s;
    int failed = 0;

    /* httpd has the virtual hosts in a list that begins with the last. */
    for (s = main_server; s && !failed; s = s->next)
        failed = json_array_insert_new(servers, s != main_server,
                                       server_json(pool, s, main_server)) != 0;
    all = json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o}", WHK_CONFIG_DUMP_MEMBER,
                    WHK_VERSION, "user", user_json(), "servers", servers, "notEnforced",
                    not_enforced_json(main_server), "modules", modules_json(), "mpm", ap_show_mpm(),
                    "metricsFile", whk_metrics_shm_file(pool), "hosts", whk_server_dump_hosts(pool),
                    "settings", whk_server_dump_settings());
    if (!all || failed) {
        json_decref(all);
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, main_server,
                     WHK_LOGNO(0014) "whkctl can't be told the configuration: a User or path in it "
                                     "is not UTF-8");
        return 0;
    }
    /* Somebody may have left a line without an end. */
    putchar('\n');
    json_dumpf(all, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(all);
    return fflush(stdout) == 0 && !ferror(stdout);
}

/* On the command line: a Define of that name in the configuration must not keep httpd from its
 * start, nor from a test of that. */
static int is_asked_for(const process_rec *process)
{
    int i;

    for (i = 2; i < process->argc; i++)
        if (!strcmp(process->argv[i - 1], "-D") && !strcmp(process->argv[i], WHK_CONFIG_DUMP))
            return 1;
    return 0;
}

int whk_config_dump(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)pconf;
    (void)plog;
    if (ap_state_query(AP_SQ_RUN_MODE) != AP_SQ_RM_CONFIG_TEST || !is_asked_for(s->process))
        return OK;
    /* Not by way of the pools, with which we would be unloaded ourselves. */
    exit(print(ptemp, s) ? 0 : 1);
}
