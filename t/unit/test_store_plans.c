/* SPDX-License-Identifier: Apache-2.0 */
/* What each statement reads, as the database itself tells of it: none that a request or the
 * background asks scans or sorts a table, or reads more rows with each that there is. */
#include "store/dialect.h"
#include "store_fixture.h"

/* Rows of a table. */
#define MANY 4096
/* How many rows a statement may read: those of a page, or all that are ACTIVE. */
#define READ_MOST 200
/* How many it may sort, or read in vain: the ACTIVE ones, of which no enterprise has many. */
#define FEW 40

static int is_list_of_all(int statement)
{
    return statement == SQL_TOKEN_LIST || statement == SQL_OTP_LIST ||
           statement == SQL_ORPHAN_LIST || statement == SQL_SCHEMA_LIST;
}

/* Asked by whkctl alone, which reads everything anyway. */
static int is_of_an_audit(int statement)
{
    return statement == SQL_ORPHAN_LIST || statement == SQL_SCHEMA_LIST;
}

/* ---- tables that are worth an index ---- */

/* Each text that is asked for is `gone`: an enterprise, keyId, thumbprint, user and URI, and what
 * the check on remote_flaw lets through. Each number is 7, which no event has. The newest of its
 * keys alone are ACTIVE, and all but some of these are of one set. Of all, REVOKED ones too, every
 * other one is or was planned to be revoked, most at a time that has come. */
static const char *const rows[] = {
    "INSERT INTO whk_enterprise (enterprise_id, created_at, key_count, active_keys) VALUES "
    "('gone', 1, 4096, 30)",
    "INSERT INTO whk_enterprise (enterprise_id, created_at, change_number) SELECT 'e' || i, 1, "
    "i - 10000 FROM n",
    "INSERT INTO whk_admin (enterprise_id, user_id, created_at) SELECT 'e' || i, 'u' || i, 1 FROM "
    "n",
    "INSERT INTO whk_admin (enterprise_id, user_id, created_at) VALUES ('gone', 'gone', 1)",
    "INSERT INTO whk_token (id, hash, user_id, created_at) SELECT 't' || i, 'h' || i, 'u' || i, 1 "
    "FROM n",
    "INSERT INTO whk_token (id, hash, user_id, created_at) VALUES ('t', 'h', 'gone', 1)",
    "INSERT INTO whk_otp (user_id, sealed_secret, algorithm, digits, period, created_at) SELECT "
    "'u' || i, 's', 'sha1', 6, 30, 1 FROM n",
    "INSERT INTO whk_otp (user_id, sealed_secret, algorithm, digits, period, created_at) VALUES "
    "('gone', 'gone', 'sha1', 6, 30, 1)",
    "INSERT INTO whk_key (id, enterprise_id, key_number, key_id, key_name, algorithm, jwk, "
    "thumbprint, status, created_at, created_by, jwks_uri) SELECT 'k' || i, 'gone', i, 'k' || i, "
    "'n', 'EdDSA', '{}', 'm' || i, CASE WHEN i > 4066 THEN 'ACTIVE' ELSE 'REVOKED' END, 1, 'c', "
    "CASE WHEN i < 4070 THEN 'gone' END FROM n",
    "UPDATE whk_key SET key_id = 'gone', thumbprint = 'gone' WHERE key_id = 'k4096'",
    "UPDATE whk_key SET revokes_at = CASE WHEN key_number % 5 = 0 THEN 8 ELSE 5 END WHERE "
    "key_number % 2 = 0",
    "INSERT INTO whk_key (id, enterprise_id, key_number, key_id, key_name, algorithm, jwk, "
    "thumbprint, status, created_at, created_by, jwks_uri, revokes_at) SELECT 'k' || i, 'e' || i, "
    "1, 'k', 'n', 'EdDSA', '{}', 'm', 'ACTIVE', 1, 'c', 'https://h/' || i, i + 1000 FROM n",
    "INSERT INTO whk_used_material (enterprise_id, thumbprint, key_id) SELECT enterprise_id, "
    "thumbprint, key_id FROM whk_key",
    "INSERT INTO whk_event (enterprise_id, id, type, actor, at, hash) SELECT 'gone', i + 1000, "
    "'t', 'a', 1, 'h' FROM n",
    "INSERT INTO whk_event (enterprise_id, id, type, actor, at, hash) SELECT 'e' || i, 1, "
    "'t', 'a', 1, 'h' FROM n",
    "INSERT INTO whk_idempotency_key (enterprise_id, user_id, idempotency_key, created_at, "
    "body_hash, answer) SELECT 'e' || i, 'gone', 'k' || i, i, 'h', '{}' FROM n",
    "INSERT INTO whk_idempotency_key (enterprise_id, user_id, idempotency_key, created_at, "
    "body_hash, answer) SELECT 'gone', 'u' || i, 'k', i, 'h', '{}' FROM n",
    "INSERT INTO whk_notification (enterprise_id, position, due_at) SELECT 'e' || i, 1, i + 1000 "
    "FROM n",
    "INSERT INTO whk_notification (enterprise_id, position) SELECT 'f' || i, 1 FROM n",
    "UPDATE whk_key SET unused_at = 1000",
    "INSERT INTO whk_remote_set (uri, refresh_at, fresh_until) SELECT 'https://h/' || i, i + 1000, "
    "1 FROM n",
    "INSERT INTO whk_remote_set (uri, refresh_at, fresh_until) VALUES ('gone', 7, 1)",
};

static void fill(fixture_t *fixture)
{
    size_t i;
    int count;

    if (is_driver("mysql"))
        run_sql(fixture->link, "SET sql_mode = concat(@@sql_mode, ',PIPES_AS_CONCAT')");
    run_sql(fixture->link, "CREATE TABLE n (i BIGINT NOT NULL PRIMARY KEY)");
    run_sql(fixture->link, "INSERT INTO n VALUES (1)");
    for (count = 1; count < MANY; count *= 2)
        run_sql(fixture->link,
                apr_psprintf(fixture->pool, "INSERT INTO n SELECT i + %d FROM n", count));
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        run_sql(fixture->link, rows[i]);
    if (is_driver("pgsql"))
        run_sql(fixture->link, "ANALYZE");
    if (is_driver("mysql"))
        ask_sql(fixture->pool, fixture->link,
                "ANALYZE TABLE whk_enterprise, whk_admin, whk_token, whk_otp, whk_key, "
                "whk_used_material, whk_event, whk_idempotency_key, whk_notification, "
                "whk_remote_set",
                0);
}

/* ---- what a database tells of a statement ---- */

/* The arguments of each: a value for each placeholder, in their order. */
static const char *with_values(apr_pool_t *pool, const char *sql)
{
    const char *text = "";
    const char *at;

    for (; (at = strchr(sql, '%')); sql = at + (at[1] == 's' ? 2 : 4))
        text = apr_pstrcat(pool, text, apr_pstrmemdup(pool, sql, at - sql),
                           at[1] == 's' ? "'gone'" : "7", NULL);
    return apr_pstrcat(pool, text, sql, NULL);
}

static const char *values_alone(apr_pool_t *pool, const char *sql)
{
    const char *text = "";
    const char *at;

    for (; (at = strchr(sql, '%')); sql = at + 1)
        text = apr_pstrcat(pool, text, *text ? ", " : "(", at[1] == 's' ? "'gone'" : "7", NULL);
    return *text ? apr_pstrcat(pool, text, ")", NULL) : text;
}

/* Of a table, and not of what another part of the plan has made. */
static int scans_a_table(const char *plan)
{
    const char *at;

    for (at = plan; (at = strstr(at, "SCAN ")); at++)
        if (strncmp(at, "SCAN CONSTANT ROW", 17) != 0 && strncmp(at, "SCAN (subquery", 14) != 0)
            return 1;
    return 0;
}

static const char *flaw_on_sqlite(fixture_t *fixture, int statement, const char *sql)
{
    const char *plan = ask_sql(
        fixture->pool, fixture->link,
        apr_pstrcat(fixture->pool, "EXPLAIN QUERY PLAN ", with_values(fixture->pool, sql), NULL),
        3);

    return strstr(plan, "TEMP B-TREE") || (scans_a_table(plan) && !is_list_of_all(statement))
               ? plan
               : NULL;
}

/* The number behind `name`, or 0. */
static long number_after(const char *line, const char *name)
{
    const char *at = strstr(line, name);

    return at ? strtol(at + strlen(name), NULL, 10) : 0;
}

static int is_bad_line(const char *line)
{
    long read = number_after(line, "actual rows=") * number_after(line, "loops=");

    return strstr(line, "Seq Scan") || read > READ_MOST || (strstr(line, "Sort ") && read > FEW) ||
           (strstr(line, "Rows Removed by") && number_after(line, ": ") > FEW);
}

/* As the driver prepares it, planned for whatever values come, and run with these. */
static const char *flaw_on_postgresql(fixture_t *fixture, int statement, const char *sql)
{
    static int labels = 0;
    const char *label = apr_psprintf(fixture->pool, "plan_%d", labels++);
    const whk_connection_t *connection = &fixture->link->connection;
    apr_dbd_prepared_t *prepared = NULL;
    const char *plan;
    char *line, *state;

    assert_int_equal(apr_dbd_prepare(connection->driver, fixture->pool, connection->handle, sql,
                                     label, &prepared),
                     0);
    run_sql(fixture->link, "SET plan_cache_mode = force_generic_plan");
    run_sql(fixture->link, "BEGIN");
    plan = ask_sql(fixture->pool, fixture->link,
                   apr_psprintf(fixture->pool,
                                "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE "
                                "%s%s",
                                label, values_alone(fixture->pool, sql)),
                   0);
    run_sql(fixture->link, "ROLLBACK");
    if (is_list_of_all(statement))
        return NULL;
    for (line = apr_strtok(apr_pstrdup(fixture->pool, plan), "|", &state); line;
         line = apr_strtok(NULL, "|", &state))
        if (is_bad_line(line))
            return plan;
    return NULL;
}

static const char *explained(fixture_t *fixture, const char *sql, int column)
{
    return ask_sql(fixture->pool, fixture->link, apr_pstrcat(fixture->pool, "EXPLAIN ", sql, NULL),
                   column);
}

/* Whether a row of the plan is a scan of a table, and not of what other rows of it have made. The
 * table of an INSERT is called one too. */
static int has_scan(apr_pool_t *pool, const char *kinds, const char *tables, const char *types)
{
    char *of_kinds, *of_tables, *of_types;
    const char *kind = apr_strtok(apr_pstrdup(pool, kinds), "|", &of_kinds);
    const char *table = apr_strtok(apr_pstrdup(pool, tables), "|", &of_tables);
    const char *type = apr_strtok(apr_pstrdup(pool, types), "|", &of_types);

    while (kind && table && type) {
        if (strcmp(kind, "INSERT") != 0 && *table != '<' &&
            (!strcmp(type, "ALL") || !strcmp(type, "index")))
            return 1;
        kind = apr_strtok(NULL, "|", &of_kinds);
        table = apr_strtok(NULL, "|", &of_tables);
        type = apr_strtok(NULL, "|", &of_types);
    }
    return 0;
}

static long rows_read(fixture_t *fixture)
{
    const char *sum = ask_sql(fixture->pool, fixture->link,
                              "SELECT cast(sum(variable_value) AS INT) FROM "
                              "information_schema.session_status WHERE variable_name LIKE "
                              "'Handler_read%'",
                              0);

    return strtol(sum, NULL, 10);
}

/* How many rows the server reads for it, beside those by which it tells so. */
static long rows_read_by(fixture_t *fixture, const char *sql)
{
    long before = rows_read(fixture);
    long telling = rows_read(fixture) - before;
    long after;

    run_sql(fixture->link, "START TRANSACTION");
    if (!strncmp(sql + strspn(sql, "("), "SELECT", 6))
        ask_sql(fixture->pool, fixture->link, sql, 0);
    else
        run_sql(fixture->link, sql);
    after = rows_read(fixture);
    run_sql(fixture->link, "ROLLBACK");
    return after - before - 2 * telling;
}

static const char *flaw_on_mariadb(fixture_t *fixture, int statement, const char *template)
{
    apr_pool_t *pool = fixture->pool;
    const char *sql = with_values(pool, template);
    const char *kinds = explained(fixture, sql, 1);
    const char *tables = explained(fixture, sql, 2);
    const char *types = explained(fixture, sql, 3);
    const char *extra = explained(fixture, sql, 9);
    long read = rows_read_by(fixture, sql);

    if (is_list_of_all(statement))
        return NULL;
    if (!has_scan(pool, kinds, tables, types) && read <= READ_MOST &&
        (read <= FEW || (!strstr(extra, "filesort") && !strstr(extra, "temporary"))))
        return NULL;
    return apr_psprintf(pool, "%s: %s: %s: %s: %ld rows read", kinds, tables, types, extra, read);
}

/* NULL: none. */
static const char *plan_flaw(fixture_t *fixture, int statement)
{
    const char *sql = whk_dialect_of(driver_name())->statements[statement];

    assert_non_null(sql);
    if (is_driver("pgsql"))
        return flaw_on_postgresql(fixture, statement, sql);
    return is_driver("mysql") ? flaw_on_mariadb(fixture, statement, sql)
                              : flaw_on_sqlite(fixture, statement, sql);
}

/* ---- the tests ---- */

static void no_statement_scans_or_sorts(void **state)
{
    fixture_t *fixture = *state;
    int flaws = 0;
    int i;

    fill(fixture);
    for (i = 0; i < SQL_STATEMENT_COUNT; i++) {
        const char *flaw = is_of_an_audit(i) ? NULL : plan_flaw(fixture, i);

        if (flaw)
            print_message("# %s: %s\n", whk_dialect_of(driver_name())->statements[i], flaw);
        flaws += flaw != NULL;
    }
    assert_int_equal(flaws, 0);
}

/* What an index is there for, without it. */
static void a_scan_is_found(void **state)
{
    static const struct {
        const char *name, *table;
        int statement;
        const char *not_on;
    } indexes[] = {
        {"whk_key_by_number", "whk_key", SQL_KEY_PAGE, "mysql"},
        {"whk_key_by_status", "whk_key", SQL_KEY_PAGE_ACTIVE, "sqlite3"},
        {"whk_key_by_uri", "whk_key", SQL_KEY_LIST_BY_URI, ""},
        {"whk_key_by_plan", "whk_key", SQL_KEY_LIST_DUE, ""},
        {"whk_enterprise_by_change", "whk_enterprise", SQL_CHANGE_LIST, ""},
        {"whk_remote_set_by_refresh", "whk_remote_set", SQL_REMOTE_SET_DUE, "mysql"},
        {"whk_token_by_user", "whk_token", SQL_TOKEN_LIST_OF_USER, ""},
    };
    fixture_t *fixture = *state;
    size_t i;

    fill(fixture);
    for (i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
        if (is_driver(indexes[i].not_on))
            continue;
        run_sql(fixture->link, apr_psprintf(fixture->pool, "DROP INDEX %s%s%s", indexes[i].name,
                                            is_driver("mysql") ? " ON " : "",
                                            is_driver("mysql") ? indexes[i].table : ""));
        if (!plan_flaw(fixture, indexes[i].statement))
            fail_msg("without %s nothing is found", indexes[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(no_statement_scans_or_sorts),
        STORE_TEST(a_scan_is_found),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_drivers, tear_down_drivers);
}
