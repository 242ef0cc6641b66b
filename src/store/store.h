/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Persistence over APR DBD. One interface; what differs between databases is data
 * (store/dialect.h).
 *
 * A whk_store_t is light and belongs to one thread: a request or a command makes one. It takes a
 * connection from its source for each operation and gives it back at once; a transaction holds one
 * from begin to commit. Unless said otherwise every function returns NULL or `store_unavailable`
 * (an `internal_error` where a row holds what this version can't have written), results live in the
 * pool that is passed, and nothing is kept half-done.
 *
 * Writes marked [T] need a transaction of the same store and are an `internal_error` without one;
 * the other writes are a transaction of their own. Reads work in and out of one. */

#include <apr_dbd.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "model/outcome.h"

/** A connection as its owner hands it out. */
typedef struct whk_connection_t {
    const apr_dbd_driver_t *driver;
    apr_dbd_t *handle;
    apr_pool_t *pool; /**< lives as long as the connection: the store keeps its statements there */
    void *owner;      /**< the source's own */
} whk_connection_t;

/** Where connections come from, and the lock around a write where the database wants one. */
typedef struct whk_store_source_t {
    /** Fill `connection`. Anything but APR_SUCCESS: none to be had. */
    apr_status_t (*acquire)(void *baton, apr_pool_t *pool, whk_connection_t *connection);
    void (*release)(void *baton, whk_connection_t *connection);
    /** Around each write transaction of a database with a single writer (SQLite), before it begins
     *  until after it ended. May be NULL. */
    apr_status_t (*lock)(void *baton);
    void (*unlock)(void *baton);
    /** How asking for a connection ended: NULL, or why there is none that can be used. May be NULL.
     */
    void (*report)(void *baton, apr_pool_t *pool, const whk_outcome_t *outcome);
} whk_store_source_t;

typedef struct whk_store_t whk_store_t;

/** Borrows `source` and `baton`; touches no database yet. */
whk_store_t *whk_store_create(apr_pool_t *pool, const whk_store_source_t *source, void *baton);

/** Over a connection that nobody else has, which is borrowed; nothing locks around writes, and a
 * question may take as long as it does. */
whk_store_t *whk_store_create_over(apr_pool_t *pool, whk_connection_t *connection);
