/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/webhook_sign_check.h"

#include <http_core.h>
#include <http_log.h>
#include <http_main.h>

#include "httpd/config.h"
#include "httpd/directives.h"
#include "httpd/rollout.h"
#include "model/log_number.h"

APLOG_USE_MODULE(webhook_keys);

/* What is in force in one section. */
typedef struct {
    server_rec *server;
    const char *name;
    const whk_config_t *config;
    int may_require; /* by another section, or that can't be seen, or was told of */
} place_t;

static const core_dir_config *core_of(ap_conf_vector_t *section)
{
    return ap_get_core_module_config(section);
}

static const whk_config_t *own_config(ap_conf_vector_t *section)
{
    return ap_get_module_config(section, &webhook_keys_module);
}

static const whk_config_t *merge(const whk_config_t *base, ap_conf_vector_t *section,
                                 apr_pool_t *pool)
{
    return own_config(section) ? whk_config_merge(pool, (void *)base, (void *)own_config(section))
                               : base;
}

/* ---- what is found ---- */

/* httpd reads its configuration twice when it starts, and warns once. */
static int is_last_look(void)
{
    return ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG ||
           ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST;
}

static int check(const place_t *place)
{
    const whk_rollout_t *rollout = place->config->enforce.rollout;

    if (!place->config->sign.scheme)
        return OK;
    if (rollout) {
        ap_log_error(
            APLOG_MARK, APLOG_CRIT, 0, place->server,
            WHK_LOGNO(0036) "WebhookKeysSign is in force in %s together with WebhookKeysEnforce "
                            "Off (%s): what nobody verified would be signed in your name. Set "
                            "WebhookKeysEnforce On, or WebhookKeysSign None, there",
            place->name, rollout->place);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (!place->config->requires && !place->may_require && is_last_look())
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, place->server,
            WHK_LOGNO(0037) "WebhookKeysSign in %s signs for everybody who gets there: say by "
                            "Require who may send (Require all granted, where that is everybody)",
            place->name);
    return OK;
}

/* ---- where it is looked for ---- */

static int check_inside(const place_t *place, const core_dir_config *core, apr_pool_t *pool);

/* Each by itself, with what it stands in. */
static int check_nested(const place_t *place, const apr_array_header_t *sections, apr_pool_t *pool)
{
    int status = OK;
    int i;

    for (i = 0; sections && i < sections->nelts; i++) {
        ap_conf_vector_t *section = APR_ARRAY_IDX(sections, i, ap_conf_vector_t *);
        place_t inner = *place;

        inner.config = merge(place->config, section, pool);
        inner.may_require = 1;
        if (check(&inner) != OK || check_inside(&inner, core_of(section), pool) != OK)
            status = HTTP_INTERNAL_SERVER_ERROR;
    }
    return status;
}

static int check_inside(const place_t *place, const core_dir_config *core, apr_pool_t *pool)
{
    int status = check_nested(place, core->sec_file, pool);

    return check_nested(place, core->sec_if, pool) == OK ? status : HTTP_INTERNAL_SERVER_ERROR;
}

/* Its path, NULL where that is a pattern. */
static const char *path_of(const core_dir_config *core)
{
    return core->d && *core->d && !core->r && !core->d_is_fnmatch ? core->d : NULL;
}

/* Whatever is in the one is in the other. */
static int surrounds(const core_dir_config *outer_core, const core_dir_config *inner_core)
{
    const char *outer = path_of(outer_core);
    const char *inner = path_of(inner_core);
    apr_size_t length;

    if (!outer || !inner)
        return 0;
    length = strlen(outer);
    return !strncmp(outer, inner, length) &&
           (outer[length - 1] == '/' || inner[length] == '/' || !inner[length]);
}

static const whk_config_t *config_in(server_rec *s, const apr_array_header_t *sections, int at,
                                     apr_pool_t *pool)
{
    const core_dir_config *core = core_of(APR_ARRAY_IDX(sections, at, ap_conf_vector_t *));
    const whk_config_t *config = whk_config_of_server(s);
    int i;

    for (i = 0; i < sections->nelts; i++) {
        ap_conf_vector_t *each = APR_ARRAY_IDX(sections, i, ap_conf_vector_t *);

        if (i == at || surrounds(core_of(each), core))
            config = merge(config, each, pool);
    }
    return config;
}

/* Those of the main server are in the lists of all. */
static int is_in(const apr_array_header_t *sections, const ap_conf_vector_t *section)
{
    int i;

    for (i = 0; i < sections->nelts; i++)
        if (APR_ARRAY_IDX(sections, i, const ap_conf_vector_t *) == section)
            return 1;
    return 0;
}

static int requires_in(const apr_array_header_t *sections);

static int requires_somewhere(ap_conf_vector_t *section)
{
    const core_dir_config *core = core_of(section);

    return (own_config(section) && own_config(section)->requires) || requires_in(core->sec_file) ||
           requires_in(core->sec_if);
}

static int requires_in(const apr_array_header_t *sections)
{
    int i;

    for (i = 0; sections && i < sections->nelts; i++)
        if (requires_somewhere(APR_ARRAY_IDX(sections, i, ap_conf_vector_t *)))
            return 1;
    return 0;
}

static int may_require(const apr_array_header_t *sections, const core_dir_config *core)
{
    int i;

    for (i = 0; i < sections->nelts; i++) {
        ap_conf_vector_t *each = APR_ARRAY_IDX(sections, i, ap_conf_vector_t *);
        int is_elsewhere =
            path_of(core) && path_of(core_of(each)) && !surrounds(core_of(each), core);

        if (!is_elsewhere && requires_somewhere(each))
            return 1;
    }
    return 0;
}

static const apr_array_header_t *urls_of(const server_rec *s)
{
    const core_server_config *core = ap_get_core_module_config(s->module_config);

    return core->sec_url;
}

static int check_list(server_rec *s, const apr_array_header_t *sections, apr_pool_t *pool)
{
    int status = OK;
    int i;

    for (i = 0; i < sections->nelts; i++) {
        ap_conf_vector_t *section = APR_ARRAY_IDX(sections, i, ap_conf_vector_t *);
        const core_dir_config *core = core_of(section);
        place_t place = {s, core->d ? core->d : "a section", config_in(s, sections, i, pool),
                         sections != urls_of(s) || may_require(sections, core)};

        if (s != ap_server_conf && is_in(urls_of(ap_server_conf), section))
            place.may_require = 1;
        if (check(&place) != OK || check_inside(&place, core, pool) != OK)
            status = HTTP_INTERNAL_SERVER_ERROR;
    }
    return status;
}

static int check_server(server_rec *s, apr_pool_t *pool)
{
    const core_server_config *core = ap_get_core_module_config(s->module_config);
    place_t place = {s, "the server's own configuration", whk_config_of_server(s), 1};
    int status = check(&place);

    if (check_list(s, urls_of(s), pool) != OK || check_list(s, core->sec_dir, pool) != OK ||
        check_inside(&place, core_of(s->lookup_defaults), pool) != OK)
        status = HTTP_INTERNAL_SERVER_ERROR;
    return status;
}

int whk_webhook_sign_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    int status = OK;

    (void)pconf;
    (void)plog;
    for (; s && status == OK; s = s->next)
        status = check_server(s, ptemp);
    return status;
}
