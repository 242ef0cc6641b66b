/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/directory_shm.h"

#include <apr_shm.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_log.h>
#include <util_mutex.h>

#include "httpd/child_mutex.h"
#include "httpd/config.h"
#include "httpd/other_directives.h"
#include "model/log_number.h"

APLOG_USE_MODULE(webhook_keys);

/* Under this name the memory outlives a reload. */
#define RETAINED_KEY "mod_webhook_keys directories"

typedef struct directory_t {
    struct directory_t *next;
    const char *database; /* DBDriver and DBDParams; NULL: it was let go */
    apr_shm_t *shm;
    whk_node_directory_t node;
    int layout;
    int in_use; /* by a server of this configuration */
} directory_t;

/* In httpd's own keeping, and all that it leads to in the process's pool: what stands in a module
 * is gone when a reload unloads it. */
typedef struct {
    directory_t *first;
    int count;
} retained_t;

static retained_t *retained;

/* What counters a reading holds belongs to it. */
#define LAYOUT (WHK_DIRECTORY_LAYOUT * 65536 + (int)sizeof(whk_shared_counters_t))

int whk_directory_shm_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    directory_t *each;

    (void)plog;
    (void)ptemp;
    retained = ap_retained_data_get(RETAINED_KEY);
    if (!retained)
        retained = ap_retained_data_create(RETAINED_KEY, sizeof(*retained));
    for (each = retained->first; each; each = each->next)
        each->in_use = 0;
    return ap_mutex_register(pconf, WHK_POLL_MUTEX_NAME, NULL, APR_LOCK_DEFAULT, 0) == APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

static const char *database_of(const server_rec *s, const server_rec *main_server, apr_pool_t *pool)
{
    const whk_other_settings_t settings = whk_other_settings_of(s, main_server);

    return apr_psprintf(pool, "%s %s", settings.driver ? settings.driver : "",
                        settings.params ? settings.params : "");
}

static directory_t *find(const char *database)
{
    directory_t *each;

    for (each = retained->first; each; each = each->next)
        if (each->layout == LAYOUT && each->database && !strcmp(each->database, database))
            return each;
    return NULL;
}

/* Memory of the system's own making is zero, and stays untouched until it is needed. */
static apr_status_t make_block(directory_t *directory, apr_uint32_t most, apr_pool_t *process)
{
    apr_status_t status = apr_shm_create(&directory->shm, whk_directory_size(most), NULL, process);

    if (status != APR_SUCCESS)
        return status;
    directory->node.block = whk_directory_init(apr_shm_baseaddr_get(directory->shm), most);
    return directory->node.block ? APR_SUCCESS : APR_EGENERAL;
}

static directory_t *make(const char *database, apr_uint32_t most, server_rec *main_server)
{
    apr_pool_t *process = main_server->process->pool;
    directory_t *made = apr_pcalloc(process, sizeof(*made));
    apr_status_t status = make_block(made, most, process);

    if (status == APR_SUCCESS)
        status =
            ap_global_mutex_create(&made->node.mutex, NULL, WHK_POLL_MUTEX_NAME,
                                   apr_itoa(process, ++retained->count), main_server, process, 0);
    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, status, main_server,
                     WHK_LOGNO(0018) "the memory of which enterprises there are can't be made: see "
                                     "whether shared memory is left for WebhookKeysMaxEnterprises, "
                                     "and the Mutex directive");
        return NULL;
    }
    made->database = apr_pstrdup(process, database);
    made->layout = LAYOUT;
    made->next = retained->first;
    retained->first = made;
    return made;
}

whk_node_directory_t *whk_directory_shm_get(server_rec *s, server_rec *main_server)
{
    const char *database = database_of(s, main_server, main_server->process->pconf);
    apr_uint32_t most = (apr_uint32_t)whk_config_of_server(main_server)->max_enterprises;
    directory_t *directory = find(database);

    if (!directory)
        directory = make(database, most, main_server);
    else if (!directory->in_use && whk_directory_most(directory->node.block) != most)
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, main_server,
                     WHK_LOGNO(0019) "WebhookKeysMaxEnterprises is %u now, and takes effect when "
                                     "httpd is started anew: until then there is memory for %u",
                     most, whk_directory_most(directory->node.block));
    if (!directory)
        return NULL;
    directory->in_use = 1;
    return &directory->node;
}

/* Children that are on their way out have the memory mapped still. The mutex stays. */
void whk_directory_shm_tidy(void)
{
    directory_t *each;

    for (each = retained->first; each; each = each->next) {
        if (each->in_use || !each->database)
            continue;
        apr_shm_destroy(each->shm);
        each->database = NULL;
    }
}

void whk_directory_shm_child_init(apr_pool_t *pool, server_rec *s)
{
    directory_t *each;

    for (each = retained->first; each; each = each->next)
        if (each->in_use)
            whk_child_mutex_init(&each->node.mutex, WHK_POLL_MUTEX_NAME,
                                 "asks the registry's database about each webhook's enterprise",
                                 pool, s);
}
