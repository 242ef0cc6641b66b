/* SPDX-License-Identifier: Apache-2.0 */
#include "store/used_material.h"
#include "store/statement.h"

const whk_outcome_t *whk_store_material_use(whk_store_t *store, apr_pool_t *pool,
                                            const char *enterprise_id, const char *thumbprint,
                                            const char *key_id, int *first)
{
    const void *arguments[] = {enterprise_id, thumbprint, key_id};

    return whk_statement_write(store, pool, SQL_MATERIAL_USE, arguments, first);
}

static void *read_text(whk_row_t *row)
{
    return (void *)whk_row_text(row, 0);
}

const whk_outcome_t *whk_store_material_get(whk_store_t *store, apr_pool_t *pool,
                                            const char *enterprise_id, const char *thumbprint,
                                            const char **key_id)
{
    const void *arguments[] = {enterprise_id, thumbprint};

    return whk_statement_read_one(store, pool, SQL_MATERIAL_GET, arguments, read_text,
                                  (void **)key_id);
}

const whk_outcome_t *whk_store_material_walk(whk_store_t *store, apr_pool_t *pool,
                                             const char *enterprise_id, const char *after,
                                             int limit, apr_array_header_t **thumbprints)
{
    apr_int64_t most = limit;
    const void *arguments[] = {enterprise_id, after, &most};

    return whk_statement_read(store, pool, SQL_MATERIAL_WALK, arguments, read_text, thumbprints);
}
