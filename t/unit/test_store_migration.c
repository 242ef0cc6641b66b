/* SPDX-License-Identifier: Apache-2.0 */
/* A registry of version 4, or 5, is brought to this version, on every database: its keys are
 * numbered as they were registered, however long that takes, and from wherever a migration before
 * was killed.
 */
#include "store/dialect.h"
#include "store/migrations.h"
#include "store/schema_flaws.h"
#include "store/schema_version.h"
#include "store_fixture.h"

/* The statements of a migration: one a paragraph. */
static apr_array_header_t *paragraphs_of(fixture_t *fixture, int version)
{
    const whk_migration_t *migration = whk_dialect_of(driver_name())->migrations;
    apr_array_header_t *paragraphs = apr_array_make(fixture->pool, 32, sizeof(const char *));
    const char *sql;

    while (migration->version && migration->version != version)
        migration++;
    for (sql = migration->version ? migration->sql : ""; *sql; sql += strspn(sql, "\n")) {
        const char *end = strstr(sql, "\n\n");
        apr_size_t length = end ? (apr_size_t)(end - sql) : strlen(sql) - 1;

        APR_ARRAY_PUSH(paragraphs, const char *) = apr_pstrmemdup(fixture->pool, sql, length);
        sql += length;
    }
    return paragraphs;
}

static void run_paragraphs(fixture_t *fixture, int version, int most)
{
    apr_array_header_t *paragraphs = paragraphs_of(fixture, version);
    int i;

    for (i = 0; i < paragraphs->nelts && i < most; i++)
        run_sql(fixture->link, APR_ARRAY_IDX(paragraphs, i, const char *));
}

static void add_old_key(fixture_t *fixture, const char *enterprise, const char *key_id, int seq,
                        const char *status)
{
    const char *column = is_driver("mysql") ? ", seq" : "";
    const char *value = is_driver("mysql") ? apr_psprintf(fixture->pool, ", %d", seq) : "";

    run_sql(fixture->link,
            apr_psprintf(fixture->pool,
                         "INSERT INTO whk_key (id, enterprise_id, key_id, key_name, algorithm, "
                         "jwk, thumbprint, status, created_at, created_by%s) VALUES ('%s%s', '%s', "
                         "'%s', 'n', 'EdDSA', '{}', '%s', '%s', 1, 'c'%s)",
                         column, enterprise, key_id, enterprise, key_id, key_id, status, value));
}

static void make_version(fixture_t *fixture, int newest)
{
    int version;

    run_sql(fixture->link, whk_dialect_of(driver_name())->schema_table);
    for (version = 1; version <= newest; version++) {
        run_paragraphs(fixture, version, 1000);
        run_sql(fixture->link,
                apr_psprintf(fixture->pool, "INSERT INTO whk_schema VALUES (%d, 0)", version));
    }
}

/* Keys of two enterprises, one after another, whose names sort in another way. */
static void add_old_rows(fixture_t *fixture)
{
    static const char *const names[] = {"z", "b", "m", "a"};
    int i;

    run_sql(fixture->link, "INSERT INTO whk_enterprise (enterprise_id, created_at, active_keys) "
                           "VALUES ('one', 1, 2), ('two', 1, 3), ('none', 1, 0)");
    for (i = 0; i < 4; i++) {
        add_old_key(fixture, "one", names[i], i + 1, i % 2 ? "REVOKED" : "ACTIVE");
        if (i > 0)
            add_old_key(fixture, "two", names[3 - i], i, "ACTIVE");
    }
}

static void migrate_from(fixture_t *fixture, int expected)
{
    apr_array_header_t *flaws;
    int from, version;

    good(whk_store_migrate(fixture->link->store, fixture->pool, NULL, NULL, &from));
    assert_int_equal(from, expected);
    good(whk_store_schema_version(fixture->link->store, fixture->pool, &version));
    assert_int_equal(version, whk_schema_version());
    good(whk_store_schema_flaws(fixture->link->store, fixture->pool, &flaws));
    assert_int_equal(flaws->nelts, 0);
}

static void migrate(fixture_t *fixture)
{
    migrate_from(fixture, 4);
}

static const char *numbers_of(fixture_t *fixture, const char *enterprise)
{
    return ask_sql(fixture->pool, fixture->link,
                   apr_psprintf(fixture->pool,
                                "SELECT key_id || key_number FROM whk_key WHERE enterprise_id = "
                                "'%s' ORDER BY key_number",
                                enterprise),
                   0);
}

static void assert_numbered(fixture_t *fixture)
{
    apr_array_header_t *keys;
    apr_int64_t total;

    assert_string_equal(numbers_of(fixture, "one"), "z1|b2|m3|a4");
    assert_string_equal(numbers_of(fixture, "two"), "m1|b2|z3");
    assert_string_equal(ask_sql(fixture->pool, fixture->link,
                                "SELECT enterprise_id || key_count FROM whk_enterprise ORDER BY "
                                "enterprise_id",
                                0),
                        "none0|one4|two3");
    good(whk_store_key_list(fixture->link->store, fixture->pool, "one", "REVOKED", 0, 10, 1, &keys,
                            &total));
    assert_int_equal(total, 2);
    assert_int_equal(keys->nelts, 1);
    assert_string_equal(APR_ARRAY_IDX(keys, 0, whk_key_t *)->key_id, "a");
}

static void keys_are_numbered_as_they_were_registered(void **state)
{
    fixture_t *fixture = *state;

    make_version(fixture, 4);
    add_old_rows(fixture);
    migrate(fixture);
    assert_numbered(fixture);
}

#define JWK                                                                                        \
    "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define THUMBPRINT "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"

/* Of a key nothing is planned, and its seal is good as it was. */
static void a_seal_of_version_5(void **state)
{
    fixture_t *fixture = *state;
    whk_key_t sealed = make_key("one", "a", THUMBPRINT);
    whk_key_t *key;

    sealed.id = "id";
    sealed.jwk = JWK;
    good(whk_key_set_seal(fixture->pool, fixture->secret, &sealed));
    make_version(fixture, 5);
    run_sql(fixture->link, "INSERT INTO whk_enterprise (enterprise_id, created_at, active_keys, "
                           "key_count) VALUES ('one', 1, 1, 1)");
    run_sql(fixture->link,
            apr_psprintf(fixture->pool,
                         "INSERT INTO whk_key (id, enterprise_id, key_number, key_id, key_name, "
                         "algorithm, jwk, thumbprint, status, created_at, created_by, seal) VALUES "
                         "('id', 'one', 1, 'a', 'a name', 'EdDSA', '%s', '%s', 'ACTIVE', "
                         "1700000000123, 'alice', '%s')",
                         JWK, THUMBPRINT, sealed.seal));
    migrate_from(fixture, 5);
    good(whk_store_key_get(fixture->link->store, fixture->pool, "one", "a", &key));
    assert_int_equal(key->revokes, 0);
    good(whk_key_check(fixture->pool, fixture->secret, key));
}

/* Where each change of the schema is a commit, so that half of them may have been made. */
static void a_migration_that_was_killed(void **state)
{
    fixture_t *fixture = *state;
    int most = paragraphs_of(fixture, 5)->nelts;
    int i;

    if (!whk_dialect_of(driver_name())->ddl_commits)
        return;
    for (i = 1; i <= most; i++) {
        empty_database(fixture);
        fixture->link = open_link(fixture->pool, fixture->file, NULL);
        make_version(fixture, 4);
        add_old_rows(fixture);
        run_paragraphs(fixture, 5, i);
        migrate(fixture);
        assert_numbered(fixture);
    }
}

/* More than a statement may take elsewhere, and no longer so afterwards. */
static void a_migration_takes_its_time(void **state)
{
    fixture_t *fixture = *state;
    int from;

    if (is_driver("sqlite3"))
        return;
    make_version(fixture, 4);
    run_sql(fixture->link, "INSERT INTO whk_enterprise (enterprise_id, created_at) VALUES ('one', "
                           "1)");
    add_old_key(fixture, "one", "a", 1, "ACTIVE");
    if (is_driver("pgsql")) {
        run_sql(fixture->link, "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
                               "PERFORM pg_sleep(10.5); RETURN NEW; END'");
        run_sql(fixture->link, "CREATE TRIGGER slow BEFORE UPDATE ON whk_enterprise FOR EACH ROW "
                               "EXECUTE FUNCTION slow()");
    } else {
        run_sql(fixture->link, "CREATE TRIGGER slow BEFORE UPDATE ON whk_enterprise FOR EACH ROW "
                               "SET @slow = sleep(10.5)");
    }
    good(whk_store_migrate(fixture->link->store, fixture->pool, NULL, NULL, &from));
    assert_string_equal(numbers_of(fixture, "one"), "a1");
    assert_string_equal(ask_sql(fixture->pool, fixture->link,
                                is_driver("pgsql")
                                    ? "SHOW statement_timeout"
                                    : "SELECT 'about ' || round(@@max_statement_time) || 's'",
                                0),
                        is_driver("pgsql") ? "10s" : "about 10s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EMPTY_STORE_TEST(keys_are_numbered_as_they_were_registered),
        EMPTY_STORE_TEST(a_seal_of_version_5),
        EMPTY_STORE_TEST(a_migration_that_was_killed),
        EMPTY_STORE_TEST(a_migration_takes_its_time),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_drivers, tear_down_drivers);
}
