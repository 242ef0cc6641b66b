/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/database.h"

#include <httpd.h>

#include <mod_dbd.h>
#include <util_mutex.h>

#include "httpd/child_mutex.h"
#include "httpd/database_watch.h"

static apr_global_mutex_t *mutex;
static APR_OPTIONAL_FN_TYPE(ap_dbd_open) * dbd_open;
static APR_OPTIONAL_FN_TYPE(ap_dbd_close) * dbd_close;

int whk_database_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    /* A child that dies inside must not stop the others: the default mechanism of APR on Linux is a
     * robust process-shared mutex, and t/durability.t holds it to that. */
    return ap_mutex_register(pconf, WHK_MUTEX_NAME, NULL, APR_LOCK_DEFAULT, 0) == APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

int whk_database_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    (void)ptemp;
    dbd_open = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open);
    dbd_close = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_close);
    return ap_global_mutex_create(&mutex, NULL, WHK_MUTEX_NAME, NULL, s, pconf, 0) == APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

void whk_database_child_init(apr_pool_t *pool, server_rec *s)
{
    whk_child_mutex_init(&mutex, WHK_MUTEX_NAME, "writes nothing", pool, s);
}

/* How many connections of this process that were lent to us have been closed. */
static unsigned int closed_connections;

static apr_status_t count_closed(void *dbd)
{
    (void)dbd;
    __atomic_add_fetch(&closed_connections, 1, __ATOMIC_SEQ_CST);
    return APR_SUCCESS;
}

static void know_connection(ap_dbd_t *dbd)
{
    static const char key[] = "mod_webhook_keys connection";
    void *known = NULL;

    apr_pool_userdata_get(&known, key, dbd->pool);
    if (!known)
        apr_pool_userdata_setn(dbd, key, count_closed, dbd->pool);
}

/* mod_dbd closes a connection that it finds lost and then has none to give, though the next may be
 * good: asked again, it goes through those that it has, and then makes one. */
static ap_dbd_t *open_patiently(apr_pool_t *pool, server_rec *s)
{
    ap_dbd_t *dbd;
    unsigned int before;

    do {
        before = __atomic_load_n(&closed_connections, __ATOMIC_SEQ_CST);
        dbd = dbd_open(pool, s);
    } while (!dbd && __atomic_load_n(&closed_connections, __ATOMIC_SEQ_CST) != before);
    return dbd;
}

static apr_status_t acquire(void *server, apr_pool_t *pool, whk_connection_t *connection)
{
    ap_dbd_t *dbd = dbd_open ? open_patiently(pool, server) : NULL;

    if (!dbd)
        return APR_EGENERAL;
    know_connection(dbd);
    connection->driver = dbd->driver;
    connection->handle = dbd->handle;
    connection->pool = dbd->pool;
    connection->owner = dbd;
    return APR_SUCCESS;
}

static void release(void *server, whk_connection_t *connection)
{
    dbd_close(server, connection->owner);
}

static apr_status_t lock(void *server)
{
    (void)server;
    return mutex ? apr_global_mutex_lock(mutex) : APR_ENOLOCK;
}

static void unlock(void *server)
{
    (void)server;
    apr_global_mutex_unlock(mutex);
}

static void report(void *server, apr_pool_t *pool, const whk_outcome_t *outcome)
{
    whk_database_watch_report(server, pool, outcome);
}

void whk_database_meet_connection(server_rec *s, apr_pool_t *pool)
{
    whk_connection_t connection;

    if (acquire(s, pool, &connection) == APR_SUCCESS)
        release(s, &connection);
}

static const whk_store_source_t source = {acquire, release, lock, unlock, report};

whk_store_t *whk_database_store(server_rec *s, apr_pool_t *pool)
{
    return whk_store_create(pool, &source, s);
}
