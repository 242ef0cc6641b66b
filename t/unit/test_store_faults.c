/* SPDX-License-Identifier: Apache-2.0 */
/* The store when things go wrong around it: a schema that changes, statements that fail, a database
 * that can't be read or written. */
#include "store/admins.h"
#include "store/keys.h"
#include "store/migrations.h"
#include "store/otp_enrolments.h"
#include "store/schema_version.h"
#include "store/transaction.h"
#include "store_fixture.h"

#include <malloc.h>

/* ---- the schema ---- */

static void a_database_without_a_schema(void **state)
{
    fixture_t *fixture = *state;
    whk_key_t *key;
    int version = -1;

    good(whk_store_schema_version(fixture->link->store, fixture->pool, &version));
    assert_int_equal(version, 0);
    bad(whk_store_key_get(fixture->link->store, fixture->pool, "acme", "one", &key),
        WHK_STORE_UNAVAILABLE, "init");
    bad(insert(fixture, "acme", "one", "print"), WHK_STORE_UNAVAILABLE, "init");
    assert_int_equal(fixture->link->locked, 0);
    /* Once it is there, the same connection serves. */
    good(whk_store_migrate(fixture->link->store, fixture->pool, NULL, NULL, &version));
    good(whk_store_key_get(fixture->link->store, fixture->pool, "acme", "one", &key));
    assert_null(key);
}

static void migrating_twice(void **state)
{
    fixture_t *fixture = *state;
    const char *list = whk_dialect_of(driver_name())->statements[SQL_SCHEMA_LIST];
    const char *schema = ask_sql(fixture->pool, fixture->link, list, 2);
    int version = -1;

    if (is_driver("sqlite3"))
        assert_string_equal(ask_sql(fixture->pool, fixture->link, "PRAGMA journal_mode", 0), "wal");
    good(whk_store_migrate(fixture->link->store, fixture->pool, NULL, NULL, &version));
    assert_int_equal(version, whk_schema_version());
    good(whk_store_schema_version(fixture->link->store, fixture->pool, &version));
    assert_int_equal(version, whk_schema_version());
    assert_string_equal(ask_sql(fixture->pool, fixture->link, list, 2), schema);
}

static void a_newer_schema(void **state)
{
    fixture_t *fixture = *state;
    link_t *later;
    whk_key_t *key;
    int version;

    run_sql(fixture->link, "INSERT INTO whk_schema VALUES (99, 0)");
    later = open_link(fixture->pool, fixture->file, NULL);
    bad(whk_store_key_get(later->store, fixture->pool, "acme", "one", &key), WHK_STORE_UNAVAILABLE,
        "version 99");
    bad(whk_store_migrate(later->store, fixture->pool, NULL, NULL, &version), WHK_INTERNAL_ERROR,
        "99");
    assert_int_equal(later->acquired, later->released);
    assert_int_equal(later->locked, later->unlocked);
    run_sql(fixture->link, "UPDATE whk_schema SET version = -version");
    bad(whk_store_key_get(later->store, fixture->pool, "acme", "one", &key), WHK_STORE_UNAVAILABLE,
        "migrate");
}

/* Everything that a connection does in its life, over statements that it prepared before. */
static void use_all(fixture_t *fixture, const char *key_id)
{
    whk_admin_t *admin;
    whk_key_t *key;
    int done = -1;

    good(whk_store_key_get(fixture->link->store, fixture->pool, "acme", key_id, &key));
    assert_null(key);
    good(insert(fixture, "acme", key_id, key_id));
    good(whk_store_key_get(fixture->link->store, fixture->pool, "acme", key_id, &key));
    assert_string_equal(key->thumbprint, key_id);
    good(add_admin(fixture->link->store, fixture->pool, "acme", key_id, 0, &done));
    assert_int_equal(done, 1);
    good(whk_store_admin_get(fixture->link->store, fixture->pool, "acme", key_id, &admin));
    assert_string_equal(admin->user, key_id);
}

/* The three that may be the first to meet a changed schema. */
static void meet_by_reading(fixture_t *fixture, const char *key_id)
{
    whk_key_t *key;

    good(whk_store_key_get(fixture->link->store, fixture->pool, "acme", key_id, &key));
}

static void meet_by_writing(fixture_t *fixture, const char *key_id)
{
    int done = -1;

    good(add_admin(fixture->link->store, fixture->pool, "acme",
                   apr_pstrcat(fixture->pool, "first ", key_id, NULL), 0, &done));
    assert_int_equal(done, 1);
}

static void meet_in_a_transaction(fixture_t *fixture, const char *key_id)
{
    const char *other = apr_pstrcat(fixture->pool, "first ", key_id, NULL);

    good(insert(fixture, "acme", other, other));
}

static const char *numbered(apr_pool_t *pool, const char *text, int number)
{
    const char *place = strchr(text, '#');

    return place ? apr_psprintf(pool, "%.*s%d%s", (int)(place - text), text, number, place + 1)
                 : text;
}

static void a_schema_changed_from_outside(void **state)
{
    static const char *const changes[] = {"ALTER TABLE whk_key ADD COLUMN later_# TEXT", "ANALYZE",
                                          "CREATE INDEX later_index_# ON whk_key (created_at)",
                                          "ALTER TABLE whk_admin ADD COLUMN later_# TEXT",
                                          "VACUUM"};
    static void (*const meet[])(fixture_t * fixture, const char *key_id) = {
        meet_by_reading, meet_by_writing, meet_in_a_transaction};
    fixture_t *fixture = *state;
    link_t *outside = open_link(fixture->pool, fixture->file, NULL);
    int i, j;

    SQLITE_ALONE();
    use_all(fixture, "before");
    for (i = 0; i < (int)(sizeof(changes) / sizeof(changes[0])); i++)
        for (j = 0; j < (int)(sizeof(meet) / sizeof(meet[0])); j++) {
            const char *name = apr_psprintf(fixture->pool, "%d-%d", i, j);

            run_sql(outside, numbered(fixture->pool, changes[i], j));
            meet[j](fixture, name);
            use_all(fixture, name);
        }
}

/* ---- a database that can't be had ---- */

static void no_connection(void **state)
{
    fixture_t *fixture = *state;
    whk_key_t *key;

    fixture->link->refuse = 1;
    bad(whk_store_key_get(fixture->link->store, fixture->pool, "acme", "one", &key),
        WHK_STORE_UNAVAILABLE, "no connection");
    bad(insert(fixture, "acme", "one", "print"), WHK_STORE_UNAVAILABLE, "no connection");
    fixture->link->refuse = 0;
    good(insert(fixture, "acme", "one", "print"));
}

/* A node's questions end, since somebody waits for the connection; those of whkctl take their time.
 */
static void questions_end(void **state)
{
    fixture_t *fixture = *state;
    const char *limit = is_driver("pgsql")
                            ? "SHOW statement_timeout"
                            : "SELECT round(@@max_statement_time) || 's' FROM whk_change_counter";
    apr_pool_t *pool = fixture->pool;
    link_t *own = open_link(pool, fixture->file, NULL);
    whk_key_t *key;

    if (is_driver("sqlite3"))
        skip();
    good(whk_store_key_get(fixture->link->store, pool, "acme", "one", &key));
    assert_string_equal(ask_sql(pool, fixture->link, limit, 0), "10s");
    good(whk_store_key_get(whk_store_create_over(pool, &own->connection), pool, "acme", "one",
                           &key));
    assert_true(atol(ask_sql(pool, own, limit, 0)) == 0);
}

/* What mod_dbd does to a connection that was lost: the driver makes it anew, and nobody tells us.
 */
static const whk_outcome_t *ask_work(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    link_t *link = baton;

    (void)store;
    assert_string_equal(ask_sql(pool, link, "SHOW statement_timeout", 0), "10s");
    assert_string_equal(ask_sql(pool, link, "SHOW synchronous_commit", 0), "on");
    assert_string_equal(ask_sql(pool, link, "SHOW transaction_isolation", 0), "read committed");
    return NULL;
}

static void a_connection_that_was_renewed(void **state)
{
    fixture_t *fixture = *state;
    link_t *lost;
    whk_key_t *key;
    int i, rows;

    if (!is_driver("pgsql"))
        return;
    run_sql(fixture->link, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = "
                           "off', current_database()); EXECUTE format('ALTER DATABASE %I SET "
                           "default_transaction_isolation = serializable', current_database()); "
                           "END $$");
    lost = open_link(fixture->pool, fixture->file, NULL);
    good(whk_store_key_get(lost->store, fixture->pool, "acme", "one", &key));
    for (i = 0; i < 2; i++) {
        run_sql(fixture->link,
                apr_psprintf(fixture->pool, "SELECT pg_terminate_backend(%s)",
                             ask_sql(fixture->pool, lost, "SELECT pg_backend_pid()", 0)));
        /* The second time it is found by a statement. */
        while (i == 0 && apr_dbd_query(lost->connection.driver, lost->connection.handle, &rows,
                                       "SELECT 1") == 0)
            ;
        if (i == 0)
            assert_int_equal(
                apr_dbd_check_conn(lost->connection.driver, fixture->pool, lost->connection.handle),
                APR_SUCCESS);
        good(whk_store_transaction(lost->store, fixture->pool, ask_work, lost));
        good(whk_store_key_get(lost->store, fixture->pool, "acme", "one", &key));
        assert_null(key);
    }
    run_sql(fixture->link, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET ALL', "
                           "current_database()); END $$");
}

static void a_database_that_is_read_only(void **state)
{
    fixture_t *fixture = *state;
    link_t *reader = open_link(fixture->pool, fixture->file, NULL);
    whk_key_t key = make_key("acme", "two", "other print");
    whk_key_t *found;
    int done, i;

    SQLITE_ALONE();
    key.id = "2";
    good(insert(fixture, "acme", "one", "print"));
    ask_sql(fixture->pool, reader, "PRAGMA query_only = ON", 0);
    for (i = 0; i < 2; i++) {
        good(whk_store_key_get(reader->store, fixture->pool, "acme", "one", &found));
        assert_non_null(found);
        bad(add_admin(reader->store, fixture->pool, "acme", "bob", 0, &done), WHK_STORE_UNAVAILABLE,
            "readonly");
        bad(whk_store_transaction(reader->store, fixture->pool, insert_work, &key),
            WHK_STORE_UNAVAILABLE, "readonly");
    }
    assert_int_equal(reader->acquired, reader->released);
    assert_int_equal(reader->locked, reader->unlocked);
}

static void another_writer(void **state)
{
    fixture_t *fixture = *state;
    link_t *other = open_link(fixture->pool, fixture->file, NULL);
    whk_key_t *key;

    SQLITE_ALONE();
    run_sql(other, "BEGIN IMMEDIATE");
    bad(insert(fixture, "acme", "one", "print"), WHK_STORE_UNAVAILABLE, "locked");
    good(whk_store_key_get(fixture->link->store, fixture->pool, "acme", "one", &key));
    assert_null(key);
    run_sql(other, "ROLLBACK");
    good(insert(fixture, "acme", "one", "print"));
}

/* Everything behind the header of the file, or that too. */
static void spoil(fixture_t *fixture, long from)
{
    FILE *file;
    long i, size;

    ask_sql(fixture->pool, fixture->link, "PRAGMA wal_checkpoint(TRUNCATE)", 0);
    file = fopen(fixture->file, "r+");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    fseek(file, from, SEEK_SET);
    for (i = from; i < size; i++)
        fputc((int)(i * 7 % 251) + 1, file);
    fclose(file);
}

static void assert_spoiled(fixture_t *fixture, const char *phrase)
{
    link_t *later = open_link(fixture->pool, fixture->file, NULL);
    whk_key_t key = make_key("acme", "two", "other");
    whk_key_t *found;
    int version;

    key.id = "2";
    bad(whk_store_key_get(later->store, fixture->pool, "acme", "one", &found),
        WHK_STORE_UNAVAILABLE, phrase);
    bad(whk_store_transaction(later->store, fixture->pool, insert_work, &key),
        WHK_STORE_UNAVAILABLE, phrase);
    bad(whk_store_schema_version(later->store, fixture->pool, &version), WHK_STORE_UNAVAILABLE,
        phrase);
    bad(whk_store_migrate(later->store, fixture->pool, NULL, NULL, &version), WHK_STORE_UNAVAILABLE,
        phrase);
    assert_int_equal(later->acquired, later->released);
}

static void a_corrupted_file(void **state)
{
    fixture_t *fixture = *state;

    SQLITE_ALONE();
    good(insert(fixture, "acme", "one", "print"));
    spoil(fixture, 100);
    assert_spoiled(fixture, "malformed");
    spoil(fixture, 0);
    assert_spoiled(fixture, "not a database");
}

static void a_row_that_nobody_can_have_written(void **state)
{
    fixture_t *fixture = *state;
    apr_array_header_t *keys;
    whk_key_t *key;

    SQLITE_ALONE();
    good(insert(fixture, "acme", "one", "print"));
    good(insert(fixture, "acme", "two", "other"));
    run_sql(fixture->link, "PRAGMA ignore_check_constraints = ON");
    run_sql(fixture->link, "UPDATE whk_key SET status = 'active' WHERE key_id = 'one'");
    bad(whk_store_key_get(fixture->link->store, fixture->pool, "acme", "one", &key),
        WHK_INTERNAL_ERROR, "can't have written");
    /* It does not keep the others from being read. */
    run_sql(fixture->link,
            "UPDATE whk_key SET remote_flaw = 'x', status = 'ACTIVE' WHERE key_id = 'one'");
    good(whk_store_key_list_active(fixture->link->store, fixture->pool, "acme", &keys));
    assert_int_equal(keys->nelts, 2);
    assert_int_equal(APR_ARRAY_IDX(keys, 0, whk_key_t *)->corrupt, 1);
    assert_int_equal(APR_ARRAY_IDX(keys, 0, whk_key_t *)->status, WHK_KEY_STATUS_REVOKED);
    assert_int_equal(APR_ARRAY_IDX(keys, 1, whk_key_t *)->corrupt, 0);
}

/* ---- what it costs ---- */

/* Bytes in use; 0 where a sanitizer has put its own allocator in the place of the system's. */
static size_t bytes_in_use(void)
{
    return mallinfo2().uordblks;
}

static void each_kind_of_work(fixture_t *fixture, apr_pool_t *scratch, int i)
{
    whk_store_t *store = fixture->link->store;
    whk_key_t key = make_key("acme", "one", "print");
    apr_array_header_t *list;
    whk_key_t *found;
    apr_int64_t total;
    int done;

    apr_pool_clear(scratch);
    key.id = "again";
    switch (i % 5) {
    case 0:
        good(whk_store_key_get(store, scratch, "acme", "one", &found));
        break;
    case 1:
        good(whk_store_key_list(store, scratch, "acme", NULL, 0, 10, 0, &list, &total));
        break;
    case 2:
        good(whk_store_otp_unlock(store, scratch, "bob", &done));
        break;
    case 3:
        /* Refused by the work. */
        assert_non_null(whk_store_transaction(store, scratch, insert_work, &key));
        break;
    default:
        /* Refused by the database. */
        assert_non_null(add_admin(store, scratch, "none", "bob", 0, &done));
    }
}

static void nothing_grows(void **state)
{
    fixture_t *fixture = *state;
    whk_otp_enrolment_t enrolment = make_enrolment("bob");
    apr_pool_t *scratch;
    size_t before, after;
    int rounds = is_driver("sqlite3") ? 2000 : 200;
    int i;

    good(insert(fixture, "acme", "one", "print"));
    good(whk_store_otp_put(fixture->link->store, fixture->pool, &enrolment));
    if (is_driver("sqlite3"))
        run_sql(fixture->link, "PRAGMA synchronous = OFF");
    apr_pool_create(&scratch, fixture->pool);
    for (i = 0; i < rounds; i++)
        each_kind_of_work(fixture, scratch, i);
    before = bytes_in_use();
    for (i = 0; i < 5 * rounds; i++)
        each_kind_of_work(fixture, scratch, i);
    after = bytes_in_use();
    if (after > before + 65536)
        fail_msg("grew by %lu bytes", (unsigned long)(after - before));
}

/* For t/store_databases.t: what the migrations make, a row a line, as conf/schema/mysql/objects.txt
 * has it. */
static int print_schema(void)
{
    const whk_dialect_t *dialect = whk_dialect_of(driver_name());
    void *state;
    link_t *link;
    apr_dbd_results_t *results = NULL;
    apr_dbd_row_t *row = NULL;

    set_up_drivers(&state);
    set_up(&state);
    link = ((fixture_t *)state)->link;
    if (apr_dbd_select(link->connection.driver, link->connection.pool, link->connection.handle,
                       &results, dialect->statements[SQL_SCHEMA_LIST],
                       dialect->rows_at_random) != 0)
        return 1;
    while (apr_dbd_get_row(link->connection.driver, link->connection.pool, results, &row, -1) == 0)
        printf("%s\t%s\t%s\n", column_text(link->connection.driver, row, 0),
               column_text(link->connection.driver, row, 1),
               column_text(link->connection.driver, row, 2));
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        EMPTY_STORE_TEST(a_database_without_a_schema),
        STORE_TEST(migrating_twice),
        STORE_TEST(a_newer_schema),
        STORE_TEST(a_schema_changed_from_outside),
        STORE_TEST(no_connection),
        STORE_TEST(questions_end),
        STORE_TEST(a_connection_that_was_renewed),
        STORE_TEST(a_database_that_is_read_only),
        STORE_TEST(another_writer),
        STORE_TEST(a_corrupted_file),
        STORE_TEST(a_row_that_nobody_can_have_written),
        STORE_TEST(nothing_grows),
    };

    if (argc > 1 && !strcmp(argv[1], "--schema"))
        return print_schema();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_drivers, tear_down_drivers);
}
