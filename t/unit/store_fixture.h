/* SPDX-License-Identifier: Apache-2.0 */
/* A registry, and connections to it that count what the store does with them: SQLite's in a folder
 * of its own, or where WHK_STORE_DRIVER and WHK_STORE_PARAMS say (DBDriver's and DBDParams'
 * arguments), in a database that each test empties. t/store_databases.t runs them so. */

#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_dbd.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <cmocka.h>

#include "otp/secret_key_file.h"
#include "registry/seal.h"
#include "store/admins.h"
#include "store/dialect.h"
#include "store/enterprises.h"
#include "store/keys.h"
#include "store/migrations.h"
#include "store/otp_enrolments.h"
#include "store/store.h"
#include "store/transaction.h"

/* One connection, as mod_dbd would hand it out. */
typedef struct {
    whk_connection_t connection;
    whk_store_t *store;
    apr_thread_mutex_t *mutex; /* NULL: no lock */
    int refuse;                /* none is to be had */
    int acquired, released, locked, unlocked;
} link_t;

static inline const char *driver_name(void)
{
    const char *name = getenv("WHK_STORE_DRIVER");

    return name ? name : "sqlite3";
}

static inline int is_driver(const char *name)
{
    return !strcmp(driver_name(), name);
}

/* What a test says in SQLite's own words, or does with its file. */
#define SQLITE_ALONE()                                                                             \
    do {                                                                                           \
        if (!is_driver("sqlite3"))                                                                 \
            skip();                                                                                \
    } while (0)

typedef struct {
    apr_pool_t *pool;
    char folder[64];
    const char *file; /* DBDParams */
    link_t *link;
    const whk_secret_key_t *secret;
} fixture_t;

static apr_status_t acquire(void *baton, apr_pool_t *pool, whk_connection_t *connection)
{
    link_t *link = baton;

    (void)pool;
    if (link->refuse)
        return APR_EGENERAL;
    assert_int_equal(link->acquired, link->released);
    link->acquired++;
    *connection = link->connection;
    return APR_SUCCESS;
}

static void release(void *baton, whk_connection_t *connection)
{
    link_t *link = baton;

    assert_ptr_equal(connection->handle, link->connection.handle);
    assert_int_equal(link->locked, link->unlocked);
    link->released++;
}

static apr_status_t lock(void *baton)
{
    link_t *link = baton;

    if (link->mutex)
        apr_thread_mutex_lock(link->mutex);
    link->locked++;
    return APR_SUCCESS;
}

static void unlock(void *baton)
{
    link_t *link = baton;

    link->unlocked++;
    if (link->mutex)
        apr_thread_mutex_unlock(link->mutex);
}

static const whk_store_source_t source = {acquire, release, lock, unlock, NULL};

static inline apr_status_t close_link(void *link_)
{
    link_t *link = link_;

    return apr_dbd_close(link->connection.driver, link->connection.handle);
}

static inline link_t *open_link(apr_pool_t *pool, const char *file, apr_thread_mutex_t *mutex)
{
    link_t *link = apr_pcalloc(pool, sizeof(*link));
    const char *error = NULL;

    assert_int_equal(apr_dbd_get_driver(pool, driver_name(), &link->connection.driver),
                     APR_SUCCESS);
    assert_int_equal(
        apr_dbd_open_ex(link->connection.driver, pool, file, &link->connection.handle, &error),
        APR_SUCCESS);
    apr_pool_cleanup_register(pool, link, close_link, apr_pool_cleanup_null);
    apr_pool_create(&link->connection.pool, pool);
    link->mutex = mutex;
    link->store = whk_store_create(pool, &source, link);
    return link;
}

/* Something that the store knows nothing of; a statement without white space at its end. */
static inline void run_sql(link_t *link, const char *sql)
{
    int rows = 0;
    int code = apr_dbd_query(link->connection.driver, link->connection.handle, &rows, sql);

    if (code)
        fail_msg("%s: %s", sql,
                 apr_dbd_error(link->connection.driver, link->connection.handle, code));
}

/* The text of a column, in SQLite's way. */
static inline const char *column_text(const apr_dbd_driver_t *driver, apr_dbd_row_t *row,
                                      int column)
{
    const char *text = NULL;

    if (apr_dbd_datum_get(driver, row, column, APR_DBD_TYPE_STRING, &text) != APR_SUCCESS || !text)
        return "NULL";
    if (is_driver("pgsql") && (!strcmp(text, "t") || !strcmp(text, "f")))
        return *text == 't' ? "1" : "0";
    return text;
}

/* A column of each row that a query answers, joined by `|`; NULL shows as NULL. */
static inline const char *ask_sql(apr_pool_t *pool, link_t *link, const char *sql, int column)
{
    const apr_dbd_driver_t *driver = link->connection.driver;
    apr_dbd_results_t *results = NULL;
    apr_dbd_row_t *row = NULL;
    const char *answer = "";
    int code;

    if (is_driver("mysql"))
        run_sql(link, "SET sql_mode = concat(@@sql_mode, ',PIPES_AS_CONCAT')");
    code = apr_dbd_select(driver, pool, link->connection.handle, &results, sql,
                          whk_dialect_of(driver_name())->rows_at_random);

    if (code)
        fail_msg("%s: %s", sql, apr_dbd_error(driver, link->connection.handle, code));
    while (apr_dbd_get_row(driver, pool, results, &row, -1) == 0)
        answer =
            apr_pstrcat(pool, answer, *answer ? "|" : "", column_text(driver, row, column), NULL);
    return answer;
}

static inline void drop_trigger(link_t *link, const char *name, const char *table)
{
    run_sql(link, apr_psprintf(link->connection.pool, "DROP TRIGGER %s%s%s", name,
                               is_driver("pgsql") ? " ON " : "", is_driver("pgsql") ? table : ""));
}

static inline void good(const whk_outcome_t *outcome)
{
    if (outcome)
        fail_msg("%s: %s", whk_code_name(outcome->code),
                 outcome->operator_hint ? outcome->operator_hint : outcome->message);
}

/* That it failed with this code, and that the operator is told about `phrase`. */
static inline void bad(const whk_outcome_t *outcome, whk_code_t code, const char *phrase)
{
    assert_non_null(outcome);
    assert_string_equal(whk_code_name(outcome->code), whk_code_name(code));
    if (!outcome->operator_hint || !strstr(outcome->operator_hint, phrase))
        fail_msg("\"%s\" lacks \"%s\"", outcome->operator_hint ? outcome->operator_hint : "",
                 phrase);
}

static inline whk_key_t make_key(const char *enterprise, const char *key_id, const char *thumbprint)
{
    whk_key_t key = {.enterprise_id = enterprise,
                     .key_id = key_id,
                     .key_name = "a name",
                     .algorithm = "EdDSA",
                     .jwk = "{\"kty\":\"OKP\"}",
                     .thumbprint = thumbprint,
                     .status = WHK_KEY_STATUS_ACTIVE,
                     .created = apr_time_from_msec(1700000000123),
                     .created_by = "alice"};

    return key;
}

static inline whk_otp_enrolment_t make_enrolment(const char *user)
{
    whk_otp_enrolment_t enrolment = {.user = user,
                                     .sealed_secret = "sealed",
                                     .algorithm = "sha1",
                                     .digits = 6,
                                     .period = 30,
                                     .last_step = -1,
                                     .created = apr_time_from_msec(1700000000123)};

    return enrolment;
}

/* [T] Insert a key under the next number of its enterprise, as a registration does. */
static inline const whk_outcome_t *add_key(whk_store_t *store, apr_pool_t *pool, whk_key_t *key,
                                           int *inserted)
{
    whk_enterprise_t *enterprise;

    *inserted = 0;
    WHK_TRY(whk_store_enterprise_lock(store, pool, key->enterprise_id, &enterprise));
    assert_non_null(enterprise);
    key->number = enterprise->key_count + 1;
    WHK_TRY(whk_store_key_insert(store, pool, key, inserted));
    if (!*inserted)
        return NULL;
    enterprise->key_count++;
    enterprise->active_keys++;
    return whk_store_enterprise_update(store, pool, enterprise);
}

/* Put a key into the enterprise of its name, in a transaction. */
static inline const whk_outcome_t *insert_work(whk_store_t *store, void *key, apr_pool_t *pool)
{
    int inserted;
    const whk_outcome_t *outcome = add_key(store, pool, key, &inserted);

    return outcome || inserted ? outcome : whk_refuse(pool, WHK_KEY_ID_TAKEN, "taken");
}

static inline const whk_outcome_t *insert(fixture_t *fixture, const char *enterprise,
                                          const char *key_id, const char *thumbprint)
{
    whk_key_t key = make_key(enterprise, key_id, thumbprint);

    key.id = apr_pstrcat(fixture->pool, enterprise, " ", key_id, NULL);
    return whk_store_transaction(fixture->link->store, fixture->pool, insert_work, &key);
}

typedef struct {
    const char *key_id;
    int revoked;
} key_revocation_t;

static inline const whk_outcome_t *revoke_key_work(whk_store_t *store, void *revocation_,
                                                   apr_pool_t *pool)
{
    key_revocation_t *revocation = revocation_;
    whk_enterprise_t *enterprise;
    whk_key_t key = make_key("acme", revocation->key_id, "print");

    key.revoked = apr_time_from_msec(42);
    key.revoked_by = "bob";
    key.seal = "another seal";
    WHK_TRY(whk_store_enterprise_lock(store, pool, "acme", &enterprise));
    WHK_TRY(whk_store_key_revoke(store, pool, &key, &revocation->revoked));
    enterprise->active_keys -= revocation->revoked;
    return whk_store_enterprise_update(store, pool, enterprise);
}

/* Revoke a key of acme's: whether it was ACTIVE. */
static inline int revoke_key(fixture_t *fixture, const char *key_id)
{
    key_revocation_t revocation = {key_id, -1};

    good(whk_store_transaction(fixture->link->store, fixture->pool, revoke_key_work, &revocation));
    return revocation.revoked;
}

static inline void add_enterprise(fixture_t *fixture, const char *id)
{
    int added = 0;

    good(whk_store_enterprise_add(fixture->link->store, fixture->pool, id, NULL,
                                  apr_time_from_msec(1700000000123), &added));
    assert_int_equal(added, 1);
}

static inline void make_secret(fixture_t *fixture)
{
    const char *file = apr_pstrcat(fixture->pool, fixture->folder, "/registry.db.key", NULL);
    const char *flaw = NULL;

    assert_int_equal(whk_secret_key_create(fixture->pool, file, &flaw), 1);
    fixture->secret = whk_secret_key_load(fixture->pool, file, &flaw);
    assert_non_null(fixture->secret);
}

/* What somebody changed, as if we had written it. */
static inline void reseal_key(fixture_t *fixture, const char *enterprise, const char *key_id)
{
    whk_key_t *key;

    good(whk_store_key_get(fixture->link->store, fixture->pool, enterprise, key_id, &key));
    run_sql(fixture->link,
            apr_psprintf(fixture->pool,
                         "UPDATE whk_key SET seal = '%s' WHERE enterprise_id = '%s' AND key_id = "
                         "'%s'",
                         whk_key_seal(fixture->pool, fixture->secret, key), enterprise, key_id));
}

static inline const whk_outcome_t *add_admin(whk_store_t *store, apr_pool_t *pool,
                                             const char *enterprise, const char *user,
                                             apr_time_t when, int *added)
{
    whk_admin_t admin = {.enterprise_id = enterprise, .user = user, .created = when};

    return whk_store_admin_add(store, pool, &admin, added);
}

static inline void empty_database(fixture_t *fixture)
{
    const char *name;

    if (is_driver("pgsql")) {
        run_sql(fixture->link, "SET client_min_messages = error");
        run_sql(fixture->link, "DROP SCHEMA public CASCADE");
        run_sql(fixture->link, "CREATE SCHEMA public");
    } else if (is_driver("mysql")) {
        name = ask_sql(fixture->pool, fixture->link, "SELECT database()", 0);
        run_sql(fixture->link, apr_psprintf(fixture->pool, "DROP DATABASE %s", name));
        run_sql(fixture->link, apr_psprintf(fixture->pool, "CREATE DATABASE %s", name));
        run_sql(fixture->link, apr_psprintf(fixture->pool, "USE %s", name));
    }
}

static inline int set_up_empty(void **state)
{
    fixture_t *fixture;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    fixture = apr_pcalloc(pool, sizeof(*fixture));
    fixture->pool = pool;
    strcpy(fixture->folder, "/tmp/whk-store-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->file = is_driver("sqlite3") ? apr_pstrcat(pool, fixture->folder, "/registry.db", NULL)
                                         : getenv("WHK_STORE_PARAMS");
    fixture->link = open_link(pool, fixture->file, NULL);
    empty_database(fixture);
    make_secret(fixture);
    *state = fixture;
    return 0;
}

static inline int set_up(void **state)
{
    fixture_t *fixture;
    int from = -1;

    set_up_empty(state);
    fixture = *state;
    good(whk_store_migrate(fixture->link->store, fixture->pool, NULL, NULL, &from));
    assert_int_equal(from, 0);
    add_enterprise(fixture, "acme");
    return 0;
}

static inline int tear_down(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", ".key"};
    fixture_t *fixture = *state;
    const char *folder = strdup(fixture->folder);
    char file[100];
    size_t i;

    assert_int_equal(fixture->link->acquired, fixture->link->released);
    assert_int_equal(fixture->link->locked, fixture->link->unlocked);
    apr_pool_destroy(fixture->pool);
    for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(file, sizeof(file), "%s/registry.db%s", folder, suffixes[i]);
        unlink(file);
    }
    rmdir(folder);
    free((void *)folder);
    return 0;
}

/* For the whole group: the drivers live as long as APR does. */
static inline int set_up_drivers(void **state)
{
    apr_pool_t *pool;

    (void)state;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    return apr_dbd_init(pool);
}

static inline int tear_down_drivers(void **state)
{
    (void)state;
    apr_terminate();
    return 0;
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define EMPTY_STORE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up_empty, tear_down)
