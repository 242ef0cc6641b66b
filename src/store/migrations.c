/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "model/timestamp.h"
#include "store/migrations.h"
#include "store/schema_version.h"
#include "store/session.h"

/* The statements of a migration: one a paragraph. One at a time, since a driver that is given
 * several goes on behind one that failed. */
static void add_paragraphs(apr_array_header_t *statements, apr_pool_t *pool, const char *sql)
{
    while (*(sql += strspn(sql, "\n"))) {
        const char *end = strstr(sql, "\n\n");
        apr_size_t length = end ? (apr_size_t)(end - sql) : strlen(sql);

        while (sql[length - 1] == '\n')
            length--;
        APR_ARRAY_PUSH(statements, const char *) = apr_pstrmemdup(pool, sql, length);
        sql += length;
    }
}

static int run_statements(whk_store_t *store, const apr_array_header_t *statements)
{
    int code = 0;
    int i;

    for (i = 0; i < statements->nelts && !code; i++)
        code = whk_session_run(store, APR_ARRAY_IDX(statements, i, const char *));
    return code;
}

/* The rest of a migration, as the work of a transaction. */
typedef struct {
    const whk_migration_work_t *works; /* NULL: none of any */
    void *baton;
} rest_t;

static const whk_outcome_t *run_work(whk_store_t *store, apr_pool_t *pool, int version,
                                     const rest_t *rest)
{
    const whk_migration_work_t *each;
    const whk_outcome_t *outcome = NULL;

    store->failure = NULL;
    store->in_transaction = 1;
    for (each = rest->works; each && each->version && !outcome; each++)
        if (each->version == version)
            outcome = each->work(store, rest->baton, pool);
    store->in_transaction = 0;
    return outcome ? outcome : store->failure;
}

static const whk_outcome_t *run(whk_store_t *store, apr_pool_t *pool,
                                const apr_array_header_t *statements, int version,
                                const rest_t *rest)
{
    int code = run_statements(store, statements);

    return code ? whk_session_error(store, pool, "migrate its schema", code)
                : run_work(store, pool, version, rest);
}

static const whk_outcome_t *run_in_transaction(whk_store_t *store, apr_pool_t *pool,
                                               const apr_array_header_t *statements, int version,
                                               const rest_t *rest)
{
    int code = whk_session_run(store, store->session->dialect->begin);
    const whk_outcome_t *outcome;

    if (code)
        return whk_session_error(store, pool, "migrate its schema", code);
    outcome = run(store, pool, statements, version, rest);
    if (!outcome) {
        code = whk_session_run(store, "COMMIT");
        if (!code)
            return NULL;
        outcome = whk_session_error(store, pool, "commit a migration", code);
    }
    whk_session_run(store, "ROLLBACK");
    return outcome;
}

/* The version first: of two that migrate at once, the second breaks on it and changes nothing. */
static apr_array_header_t *statements_of(whk_store_t *store, apr_pool_t *pool,
                                         const whk_migration_t *migration)
{
    apr_array_header_t *statements = apr_array_make(pool, 32, sizeof(const char *));

    APR_ARRAY_PUSH(statements, const char *) = store->session->dialect->schema_table;
    APR_ARRAY_PUSH(statements, const char *) = apr_psprintf(
        pool, "INSERT INTO whk_schema (version, applied_at) VALUES (%d, %" APR_TIME_T_FMT ")",
        migration->version, apr_time_as_msec(whk_time_now()));
    add_paragraphs(statements, pool, migration->sql);
    return statements;
}

static const whk_outcome_t *migrate(whk_store_t *store, apr_pool_t *pool, const rest_t *rest,
                                    int *from)
{
    const whk_migration_t *migration = store->session->dialect->migrations;
    int code;

    WHK_TRY(whk_schema_version_read(store, pool, from));
    if (*from > whk_schema_version())
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        "the registry's schema is version %d, newer than the %d of this "
                        "mod_webhook_keys: there is no way back",
                        *from, whk_schema_version());
    code = whk_session_select_all(store, pool, store->session->dialect->prepare_schema);
    if (code)
        return whk_session_error(store, pool, "be prepared for its schema", code);
    for (; migration->version; migration++)
        if (migration->version > *from)
            WHK_TRY(run_in_transaction(store, pool, statements_of(store, pool, migration),
                                       migration->version, rest));
    return NULL;
}

const whk_outcome_t *whk_store_migrate(whk_store_t *store, apr_pool_t *pool,
                                       const whk_migration_work_t *works, void *baton, int *from)
{
    const rest_t rest = {works, baton};
    const whk_outcome_t *outcome;

    WHK_TRY(whk_session_acquire(store, pool));
    outcome = whk_session_lock(store, pool);
    if (!outcome) {
        outcome = migrate(store, pool, &rest, from);
        whk_session_unlock(store);
    }
    whk_session_reset(store);
    whk_session_release(store);
    return outcome;
}

static const whk_outcome_t *make_and_read(whk_store_t *store, apr_pool_t *pool,
                                          whk_transaction_fn read, void *baton)
{
    const rest_t rest = {NULL, NULL};
    const whk_migration_t *migration = store->session->dialect->migrations;
    int code = whk_session_select_all(store, pool, store->session->dialect->scratch_set_up);

    if (code)
        return whk_session_error(store, pool, "make a place for a fresh schema", code);
    for (; migration->version; migration++)
        WHK_TRY(run(store, pool, statements_of(store, pool, migration), migration->version, &rest));
    store->in_transaction = 1;
    return read(store, baton, pool);
}

const whk_outcome_t *whk_migrate_in_vain(whk_store_t *store, apr_pool_t *pool,
                                         whk_transaction_fn read, void *baton)
{
    const whk_outcome_t *outcome;
    int code;

    WHK_TRY(whk_session_acquire(store, pool));
    code = whk_session_run(store, store->session->dialect->begin);
    outcome = code ? whk_session_error(store, pool, "begin a transaction", code)
                   : make_and_read(store, pool, read, baton);
    store->in_transaction = 0;
    store->session->unfinished = whk_session_run(store, "ROLLBACK") != 0;
    whk_session_reset(store);
    whk_session_release(store);
    return outcome;
}
