/* SPDX-License-Identifier: Apache-2.0 */
#include "store/write.h"

#include "store/transaction.h"

typedef struct {
    whk_statement_t statement;
    const void **arguments;
    int *rows;
} write_t;

static const whk_outcome_t *work(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    const write_t *write = baton;

    return whk_statement_write(store, pool, write->statement, write->arguments, write->rows);
}

const whk_outcome_t *whk_write(whk_store_t *store, apr_pool_t *pool, whk_statement_t statement,
                               const void **arguments, int *rows)
{
    write_t write = {statement, arguments, rows};

    return store->in_transaction ? work(store, &write, pool)
                                 : whk_store_transaction(store, pool, work, &write);
}
