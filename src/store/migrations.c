/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "model/log_number.h"
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

/* What migrations do that SQL can't. */
typedef struct {
    const whk_migration_work_t *works; /* NULL: none of any */
    void *baton;
} rest_t;

static const whk_outcome_t *run_works(whk_store_t *store, apr_pool_t *pool, int from,
                                      const rest_t *rest)
{
    const whk_migration_work_t *each;
    const whk_outcome_t *outcome = NULL;

    store->failure = NULL;
    store->in_transaction = 1;
    for (each = rest->works; each && each->version && !outcome; each++)
        if (each->version > from)
            outcome = each->work(store, rest->baton, pool);
    store->in_transaction = 0;
    return outcome ? outcome : store->failure;
}

/* The statements of all migrations that are missing, and those by which the schema tells its
 * version. */
typedef struct {
    int from;
    apr_array_header_t *own;
    apr_array_header_t *told;
} steps_t;

static steps_t steps_of(whk_store_t *store, apr_pool_t *pool, int from)
{
    const whk_dialect_t *dialect = store->session->dialect;
    const whk_migration_t *migration;
    steps_t steps = {from, apr_array_make(pool, 32, sizeof(const char *)),
                     apr_array_make(pool, 8, sizeof(const char *))};

    if (!dialect->ddl_commits)
        APR_ARRAY_PUSH(steps.told, const char *) = dialect->schema_table;
    for (migration = dialect->migrations; migration->version; migration++) {
        if (migration->version <= from)
            continue;
        APR_ARRAY_PUSH(steps.told, const char *) = apr_psprintf(
            pool, "INSERT INTO whk_schema (version, applied_at) VALUES (%d, %" APR_TIME_T_FMT ")",
            migration->version, apr_time_as_msec(whk_time_now()));
        add_paragraphs(steps.own, pool, migration->sql);
    }
    return steps;
}

/* The version first: of two that migrate at once, the second breaks on it and changes nothing. The
 * works last: they ask the statements of this version, which know no schema before it. */
static const whk_outcome_t *run(whk_store_t *store, apr_pool_t *pool, const steps_t *steps,
                                const rest_t *rest)
{
    int code = run_statements(store, steps->told);

    if (!code && !store->session->dialect->ddl_commits)
        code = run_statements(store, steps->own);
    return code ? whk_session_error(store, pool, "migrate its schema", code)
                : run_works(store, pool, steps->from, rest);
}

/* Where each change of the schema is a commit, they come before the transaction that tells of them:
 * who finds them half-done does them again. */
static const whk_outcome_t *apply(whk_store_t *store, apr_pool_t *pool, int from,
                                  const rest_t *rest)
{
    const steps_t steps = steps_of(store, pool, from);
    const whk_outcome_t *outcome;
    int code = 0;

    if (store->session->dialect->ddl_commits) {
        code = whk_session_run(store, store->session->dialect->schema_table);
        if (!code)
            code = run_statements(store, steps.own);
    }
    if (!code)
        code = whk_session_run(store, store->session->dialect->begin);
    if (code)
        return whk_session_error(store, pool, "migrate its schema", code);
    outcome = run(store, pool, &steps, rest);
    if (!outcome) {
        code = whk_session_run(store, "COMMIT");
        if (!code)
            return NULL;
        outcome = whk_session_error(store, pool, "commit a migration", code);
    }
    whk_session_run(store, "ROLLBACK");
    return outcome;
}

static const whk_outcome_t *migrate(whk_store_t *store, apr_pool_t *pool, const rest_t *rest,
                                    int *from)
{
    int code;

    WHK_TRY(whk_schema_version_read(store, pool, from));
    if (*from > whk_schema_version())
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0104) "the registry's schema is version %d, newer than the %d of "
                                        "this mod_webhook_keys: there is no way back",
                        *from, whk_schema_version());
    code = whk_session_select_all(store, pool, store->session->dialect->prepare_schema);
    if (code)
        return whk_session_error(store, pool, "be prepared for its schema", code);
    return *from < whk_schema_version() ? apply(store, pool, *from, rest) : NULL;
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
    int code = whk_session_select_all(store, pool, store->session->dialect->scratch_set_up);

    steps_t steps;

    if (code)
        return whk_session_error(store, pool, "make a place for a fresh schema", code);
    steps = steps_of(store, pool, 0);
    WHK_TRY(run(store, pool, &steps, &rest));
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
