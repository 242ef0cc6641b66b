/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/keys.h"
#include "store/statement.h"

static void read_remote_flaw(whk_row_t *row, whk_key_t *key)
{
    const char *name = whk_row_text_or_null(row, 14);
    int flaw = WHK_REMOTE_UNREACHABLE;

    if (!name)
        return;
    while (flaw < WHK_REMOTE_COUNT && strcmp(name, whk_remote_flaw_name(flaw)) != 0)
        flaw++;
    if (flaw == WHK_REMOTE_COUNT)
        row->corrupt = 1;
    else
        key->remote_flaw = flaw;
}

/* One such row must not keep the others of its enterprise from being read. */
static void settle_corrupt(whk_row_t *row, whk_key_t *key)
{
    const char **const texts[] = {&key->id,         &key->enterprise_id, &key->key_id,
                                  &key->key_name,   &key->algorithm,     &key->jwk,
                                  &key->thumbprint, &key->created_by};
    size_t i;

    if (!row->corrupt)
        return;
    row->corrupt = 0;
    key->corrupt = 1;
    key->status = WHK_KEY_STATUS_REVOKED;
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (!*texts[i])
            *texts[i] = "";
}

static void *read_key(whk_row_t *row)
{
    whk_key_t *key = apr_pcalloc(row->pool, sizeof(*key));
    const char *status;

    key->id = whk_row_text(row, 0);
    key->enterprise_id = whk_row_text(row, 1);
    key->key_id = whk_row_text(row, 2);
    key->key_name = whk_row_text(row, 3);
    key->algorithm = whk_row_text(row, 4);
    key->jwks_uri = whk_row_text_or_null(row, 5);
    key->jwk = whk_row_text(row, 6);
    key->thumbprint = whk_row_text(row, 7);
    status = whk_row_text(row, 8);
    key->created = whk_row_time(row, 9);
    key->created_by = whk_row_text(row, 10);
    key->last_used = whk_row_time(row, 11);
    key->revoked = whk_row_time(row, 12);
    key->revoked_by = whk_row_text_or_null(row, 13);
    read_remote_flaw(row, key);
    key->seal = whk_row_text_or_null(row, 15);
    /* Whatever is not plainly ACTIVE must never verify anything. */
    if (status && !strcmp(status, whk_key_status_name(WHK_KEY_STATUS_ACTIVE)))
        key->status = WHK_KEY_STATUS_ACTIVE;
    else if (status && !strcmp(status, whk_key_status_name(WHK_KEY_STATUS_REVOKED)))
        key->status = WHK_KEY_STATUS_REVOKED;
    else
        row->corrupt = 1;
    settle_corrupt(row, key);
    return key;
}

/* What rows are asked for by; NULL: by something else. */
typedef struct {
    const char *enterprise_id;
    const char *key_id;
    const char *thumbprint;
    const char *uri;
    const char *status;
} wanted_t;

static int differs(const char *wanted, const char *found)
{
    return wanted && (!found || strcmp(wanted, found) != 0);
}

/* See whk_row_check_match(). It must not keep the others from being read either. */
static void check_match(const wanted_t *wanted, whk_key_t *key)
{
    if (!differs(wanted->enterprise_id, key->enterprise_id) &&
        !differs(wanted->key_id, key->key_id) && !differs(wanted->thumbprint, key->thumbprint) &&
        !differs(wanted->uri, key->jwks_uri) &&
        !differs(wanted->status, whk_key_status_name(key->status)))
        return;
    key->corrupt = 1;
    key->status = WHK_KEY_STATUS_REVOKED;
}

static const whk_outcome_t *read_keys(whk_store_t *store, apr_pool_t *pool,
                                      whk_statement_t statement, const void **arguments,
                                      const wanted_t *wanted, apr_array_header_t **keys)
{
    int i;

    WHK_TRY(whk_statement_read(store, pool, statement, arguments, read_key, keys));
    for (i = 0; i < (*keys)->nelts; i++)
        check_match(wanted, APR_ARRAY_IDX(*keys, i, whk_key_t *));
    return NULL;
}

/* One that is asked for alone. */
static const whk_outcome_t *read_one(whk_store_t *store, apr_pool_t *pool,
                                     whk_statement_t statement, const void **arguments,
                                     const wanted_t *wanted, whk_key_t **key)
{
    WHK_TRY(whk_statement_read_one(store, pool, statement, arguments, read_key, (void **)key));
    if (!*key)
        return NULL;
    check_match(wanted, *key);
    if (!(*key)->corrupt)
        return NULL;
    return whk_fail(pool, WHK_INTERNAL_ERROR,
                    "the row of key %s of enterprise %s holds what this version can't have "
                    "written: run whkctl audit verify, and look who else writes to the database",
                    (*key)->key_id, (*key)->enterprise_id);
}

const whk_outcome_t *whk_store_key_insert(whk_store_t *store, apr_pool_t *pool,
                                          const whk_key_t *key, int *inserted)
{
    apr_int64_t created = apr_time_as_msec(key->created);
    const void *arguments[] = {key->id,
                               key->enterprise_id,
                               key->key_id,
                               key->key_name,
                               key->algorithm,
                               key->jwks_uri,
                               key->jwk,
                               key->thumbprint,
                               whk_key_status_name(key->status),
                               &created,
                               key->created_by,
                               key->seal,
                               key->enterprise_id,
                               key->thumbprint};

    return whk_statement_write(store, pool, SQL_KEY_INSERT, arguments, inserted);
}

const whk_outcome_t *whk_store_key_revoke(whk_store_t *store, apr_pool_t *pool,
                                          const whk_key_t *key, int *revoked)
{
    apr_int64_t revoked_at = apr_time_as_msec(key->revoked);
    const void *arguments[] = {&revoked_at, key->revoked_by, key->seal, key->enterprise_id,
                               key->key_id};

    return whk_statement_write(store, pool, SQL_KEY_REVOKE, arguments, revoked);
}

const whk_outcome_t *whk_store_key_get(whk_store_t *store, apr_pool_t *pool,
                                       const char *enterprise_id, const char *key_id,
                                       whk_key_t **key)
{
    const void *arguments[] = {enterprise_id, key_id};
    const wanted_t wanted = {.enterprise_id = enterprise_id, .key_id = key_id};

    return read_one(store, pool, SQL_KEY_GET, arguments, &wanted, key);
}

const whk_outcome_t *whk_store_key_by_thumbprint(whk_store_t *store, apr_pool_t *pool,
                                                 const char *enterprise_id, const char *thumbprint,
                                                 whk_key_t **key)
{
    const void *arguments[] = {enterprise_id, thumbprint};
    const wanted_t wanted = {.enterprise_id = enterprise_id, .thumbprint = thumbprint};

    return read_one(store, pool, SQL_KEY_BY_THUMBPRINT, arguments, &wanted, key);
}

const whk_outcome_t *whk_store_key_list(whk_store_t *store, apr_pool_t *pool,
                                        const char *enterprise_id, const char *status, int limit,
                                        apr_int64_t offset, apr_array_header_t **keys,
                                        apr_int64_t *total)
{
    apr_int64_t most = limit;
    const void *all[] = {enterprise_id, &most, &offset};
    const void *some[] = {enterprise_id, status, &most, &offset};
    const wanted_t wanted = {.enterprise_id = enterprise_id, .status = status};

    WHK_TRY(read_keys(store, pool, status ? SQL_KEY_LIST_BY_STATUS : SQL_KEY_LIST,
                      status ? some : all, &wanted, keys));
    return whk_statement_count(store, pool, status ? SQL_KEY_COUNT_BY_STATUS : SQL_KEY_COUNT, some,
                               total);
}

const whk_outcome_t *whk_store_key_list_active(whk_store_t *store, apr_pool_t *pool,
                                               const char *enterprise_id, apr_array_header_t **keys)
{
    const void *arguments[] = {enterprise_id};
    const wanted_t wanted = {.enterprise_id = enterprise_id, .status = "ACTIVE"};

    return read_keys(store, pool, SQL_KEY_LIST_ACTIVE, arguments, &wanted, keys);
}

const whk_outcome_t *whk_store_key_list_revoked(whk_store_t *store, apr_pool_t *pool,
                                                const char *enterprise_id, int most,
                                                apr_array_header_t **keys)
{
    apr_int64_t limit = most;
    const void *arguments[] = {enterprise_id, &limit};
    const wanted_t wanted = {.enterprise_id = enterprise_id, .status = "REVOKED"};

    return read_keys(store, pool, SQL_KEY_LIST_REVOKED, arguments, &wanted, keys);
}

const whk_outcome_t *whk_store_key_set_last_used(whk_store_t *store, apr_pool_t *pool,
                                                 const char *enterprise_id, const char *key_id,
                                                 apr_time_t when, apr_interval_time_t step)
{
    apr_int64_t used = apr_time_as_msec(when);
    apr_int64_t before = apr_time_as_msec(when - step);
    apr_int64_t ahead = apr_time_as_msec(when + step);
    const void *arguments[] = {&used, enterprise_id, key_id, &before, &ahead};

    return whk_statement_write(store, pool, SQL_KEY_SET_LAST_USED, arguments, NULL);
}

const whk_outcome_t *whk_store_key_list_by_uri(whk_store_t *store, apr_pool_t *pool,
                                               const char *uri, apr_array_header_t **keys)
{
    const void *arguments[] = {uri};
    const wanted_t wanted = {.uri = uri, .status = "ACTIVE"};

    return read_keys(store, pool, SQL_KEY_LIST_BY_URI, arguments, &wanted, keys);
}

const whk_outcome_t *whk_store_key_update_remote(whk_store_t *store, apr_pool_t *pool,
                                                 const whk_key_t *key, int *updated)
{
    const void *arguments[] = {whk_remote_flaw_name(key->remote_flaw),
                               key->jwk,
                               key->thumbprint,
                               key->algorithm,
                               key->seal,
                               key->enterprise_id,
                               key->key_id};

    return whk_statement_write(store, pool, SQL_KEY_UPDATE_REMOTE, arguments, updated);
}

const whk_outcome_t *whk_store_key_walk(whk_store_t *store, apr_pool_t *pool,
                                        const char *enterprise_id, const char *after, int limit,
                                        apr_array_header_t **keys)
{
    apr_int64_t most = limit;
    const void *arguments[] = {enterprise_id, after, &most};
    const wanted_t wanted = {.enterprise_id = enterprise_id};

    return read_keys(store, pool, SQL_KEY_WALK, arguments, &wanted, keys);
}

const whk_outcome_t *whk_store_key_reseal(whk_store_t *store, apr_pool_t *pool,
                                          const whk_key_t *key, const char *seal, int *done)
{
    const void *arguments[] = {seal, key->enterprise_id, key->key_id, key->seal};

    return whk_statement_write(store, pool, SQL_KEY_RESEAL, arguments, done);
}
