/* SPDX-License-Identifier: Apache-2.0 */
#include "store/idempotency_keys.h"

#include "store/statement.h"

static void *read_key(whk_row_t *row)
{
    whk_idempotency_key_t *key = apr_pcalloc(row->pool, sizeof(*key));

    key->enterprise_id = whk_row_text(row, 0);
    key->user = whk_row_text(row, 1);
    key->key = whk_row_text(row, 2);
    key->created = whk_row_time(row, 3);
    key->body_hash = whk_row_text(row, 4);
    key->code = whk_row_text_or_null(row, 5);
    key->answer = whk_row_text(row, 6);
    key->seal = whk_row_text_or_null(row, 7);
    return key;
}

const whk_outcome_t *whk_store_idempotency_key_get(whk_store_t *store, apr_pool_t *pool,
                                                   const char *enterprise_id, const char *user,
                                                   const char *key, whk_idempotency_key_t **found)
{
    const void *arguments[] = {enterprise_id, user, key};

    WHK_TRY(whk_statement_read_one(store, pool, SQL_IDEMPOTENCY_KEY_GET, arguments, read_key,
                                   (void **)found));
    if (!*found)
        return NULL;
    WHK_TRY(whk_row_check_match(pool, enterprise_id, (*found)->enterprise_id));
    WHK_TRY(whk_row_check_match(pool, user, (*found)->user));
    return whk_row_check_match(pool, key, (*found)->key);
}

const whk_outcome_t *whk_store_idempotency_key_put(whk_store_t *store, apr_pool_t *pool,
                                                   const whk_idempotency_key_t *key)
{
    apr_int64_t created = apr_time_as_msec(key->created);
    const void *arguments[] = {key->enterprise_id, key->user, key->key,    &created,
                               key->body_hash,     key->code, key->answer, key->seal};

    return whk_statement_write(store, pool, SQL_IDEMPOTENCY_KEY_PUT, arguments, NULL);
}

const whk_outcome_t *whk_store_idempotency_key_purge(whk_store_t *store, apr_pool_t *pool,
                                                     const char *enterprise_id, apr_time_t before)
{
    apr_int64_t end = apr_time_as_msec(before);
    const void *arguments[] = {enterprise_id, &end};

    return whk_statement_write(store, pool, SQL_IDEMPOTENCY_KEY_PURGE, arguments, NULL);
}
