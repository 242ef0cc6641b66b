/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/connection.h"

#include <apr_dbd.h>
#include <apr_strings.h>

static apr_status_t close_connection(void *baton)
{
    const whk_connection_t *connection = baton;

    return apr_dbd_close(connection->driver, connection->handle);
}

static const char *driver_flaw(apr_pool_t *pool, const char *driver, apr_status_t status)
{
    char buffer[120];

    return apr_psprintf(pool,
                        "APR's database driver %s cannot be loaded: %s (Debian has it in the "
                        "package libaprutil1-dbd-%s)",
                        driver, apr_strerror(status, buffer, sizeof(buffer)), driver);
}

const char *whk_connection_open(apr_pool_t *pool, const whk_registry_config_t *config,
                                whk_store_t **store)
{
    const char *driver = config->dialect->driver;
    whk_connection_t *connection = apr_pcalloc(pool, sizeof(*connection));
    const char *error = NULL;
    apr_status_t status = apr_dbd_init(pool);

    if (status == APR_SUCCESS)
        status = apr_dbd_get_driver(pool, driver, &connection->driver);
    if (status != APR_SUCCESS)
        return driver_flaw(pool, driver, status);
    status = apr_dbd_open_ex(connection->driver, pool, config->params, &connection->handle, &error);
    if (status != APR_SUCCESS)
        return apr_psprintf(pool, "the registry %s cannot be opened: %s", config->name,
                            error ? error : "the driver does not say why");
    /* The statements that the store prepares live in this pool and must go before the connection.
     */
    apr_pool_cleanup_register(pool, connection, close_connection, apr_pool_cleanup_null);
    apr_pool_create(&connection->pool, pool);
    /* Without a lock: httpd's mutex is out of reach, and SQLite itself keeps two writers apart. */
    *store = whk_store_create_over(pool, connection);
    return NULL;
}
