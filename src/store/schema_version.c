/* SPDX-License-Identifier: Apache-2.0 */
#include "store/schema_version.h"

#include "model/log_number.h"
#include "store/session.h"

int whk_schema_version(void)
{
    const whk_migration_t *migration = whk_migrations_sqlite3;

    while (migration[1].version)
        migration++;
    return migration->version;
}

/* Whether there is a table of ours is asked first: a database that can't be read has a schema that
 * nobody knows, which is not the same as none. */
const whk_outcome_t *whk_schema_version_read(whk_store_t *store, apr_pool_t *pool, int *version)
{
    const whk_dialect_t *dialect = store->session->dialect;
    apr_int64_t number;
    int code = whk_session_number(store, pool, dialect->schema_tables, &number);

    if (!code && number > 0)
        code = whk_session_number(store, pool, dialect->schema_version, &number);
    *version = (int)number;
    return code ? whk_session_error(store, pool, "tell its schema's version", code) : NULL;
}

const whk_outcome_t *whk_store_schema_version(whk_store_t *store, apr_pool_t *pool, int *version)
{
    const whk_outcome_t *outcome;

    WHK_TRY(whk_session_acquire(store, pool));
    outcome = whk_schema_version_read(store, pool, version);
    whk_session_release(store);
    return outcome;
}

static const whk_outcome_t *check_version(whk_store_t *store, apr_pool_t *pool)
{
    int version;

    WHK_TRY(whk_schema_version_read(store, pool, &version));
    if (version == 0)
        return whk_fail(pool, WHK_STORE_UNAVAILABLE,
                        WHK_LOGNO(0107) "the registry's database has no schema yet: run whkctl -f "
                                        "HTTPD_CONF init");
    if (version < whk_schema_version())
        return whk_fail(pool, WHK_STORE_UNAVAILABLE,
                        WHK_LOGNO(0108) "the registry's schema is version %d, and this version "
                                        "needs %d: run whkctl -f HTTPD_CONF migrate",
                        version, whk_schema_version());
    if (version > whk_schema_version())
        return whk_fail(pool, WHK_STORE_UNAVAILABLE,
                        WHK_LOGNO(0109) "the registry's schema is version %d, newer than the %d of "
                                        "this mod_webhook_keys: install the newer one here too",
                        version, whk_schema_version());
    store->session->current = 1;
    return NULL;
}

static const whk_outcome_t *acquire_current(whk_store_t *store, apr_pool_t *pool)
{
    const whk_outcome_t *outcome;

    WHK_TRY(whk_session_acquire(store, pool));
    outcome = store->session->current ? NULL : check_version(store, pool);
    if (outcome)
        whk_session_release(store);
    return outcome;
}

const whk_outcome_t *whk_session_acquire_current(whk_store_t *store, apr_pool_t *pool)
{
    const whk_outcome_t *outcome;

    /* A migration's own work runs in one that is not current yet. */
    if (store->in_transaction)
        return NULL;
    outcome = acquire_current(store, pool);
    if (store->source->report)
        store->source->report(store->baton, pool, outcome);
    return outcome;
}
