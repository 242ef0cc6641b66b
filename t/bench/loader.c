/* SPDX-License-Identifier: Apache-2.0 */
#include "loader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_OF_INSERT 200

typedef struct {
    const char *name;
    int fields;
    const char *columns;
} table_t;

/* In the order that foreign keys want. */
static const table_t tables[TABLES] = {
    [ENTERPRISE] = {"whk_enterprise", 8,
                    "enterprise_id, created_at, revision, active_keys, key_count, event_count, "
                    "event_head, change_number"},
    [ADMIN] = {"whk_admin", 4, "enterprise_id, user_id, created_at, seal"},
    [TOKEN] = {"whk_token", 4, "id, hash, user_id, created_at"},
    [OTP] = {"whk_otp", 6, "user_id, sealed_secret, algorithm, digits, period, created_at"},
    [KEY] = {"whk_key", 14,
             "enterprise_id, key_number, id, key_id, key_name, algorithm, jwk, thumbprint, status, "
             "created_at, "
             "created_by, revoked_at, revoked_by, seal"},
    [EVENT] = {"whk_event", 11,
               "enterprise_id, id, type, key_id, actor, at, remote_address, request_id, detail, "
               "hash, seal"},
    [MATERIAL] = {"whk_used_material", 3, "enterprise_id, thumbprint, key_id"},
};

/* Rows that are not written yet. */
typedef struct {
    FILE *out;
    char *text;
    size_t size;
    int rows;
} rows_t;

static rows_t added[TABLES];
static const char *driver, *client;
static apr_int64_t changes;

static void must(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "loader: %s failed\n", what);
    exit(1);
}

static int is(const char *name)
{
    return !strcmp(driver, name);
}

void loader_init(const char *its_driver, const char *its_client, apr_int64_t its_changes)
{
    char *silent = NULL;

    driver = its_driver;
    must(asprintf(&silent, "%s > /dev/null", its_client) > 0, "memory");
    client = silent;
    changes = its_changes;
}

/* ---- rows ---- */

/* No text of ours holds what COPY or a literal would have to escape. */
static void put_field(FILE *out, const char *field, int is_last)
{
    must(!field || !field[strcspn(field, "'\\\t\n")], "a field that has nothing to escape");
    if (is("pgsql"))
        fprintf(out, "%s%c", field ? field : "\\N", is_last ? '\n' : '\t');
    else if (field)
        fprintf(out, "'%s'%c", field, is_last ? ')' : ',');
    else
        fprintf(out, "NULL%c", is_last ? ')' : ',');
}

void loader_add(int which, const char *const *fields)
{
    const table_t *table = &tables[which];
    rows_t *rows = &added[which];
    int i;

    if (!rows->out)
        must((rows->out = open_memstream(&rows->text, &rows->size)) != NULL, "memory");
    if (!is("pgsql") && rows->rows % ROWS_OF_INSERT == 0)
        fprintf(rows->out, "%sINSERT INTO %s (%s) VALUES\n(", rows->rows ? ";\n" : "", table->name,
                table->columns);
    else if (!is("pgsql"))
        fputs(",\n(", rows->out);
    for (i = 0; i < table->fields; i++)
        put_field(rows->out, fields[i], i + 1 == table->fields);
    rows->rows++;
}

int loader_rows(int which)
{
    return added[which].rows;
}

static void write_rows(int which, FILE *loader)
{
    const table_t *table = &tables[which];
    const int is_numbered = is("pgsql") && which == ENTERPRISE;
    rows_t *rows = &added[which];

    if (!rows->out)
        return;
    must(fclose(rows->out) == 0, "memory");
    if (is("pgsql"))
        fprintf(loader, "COPY %s (%s) FROM STDIN;\n", is_numbered ? "filled" : table->name,
                table->columns);
    fwrite(rows->text, 1, rows->size, loader);
    fputs(is("pgsql") ? "\\.\n" : ";\n", loader);
    if (is_numbered)
        fprintf(loader,
                "UPDATE filled SET change_number = change_number + :before;\n"
                "INSERT INTO %s (%s) SELECT %s FROM filled;\nTRUNCATE filled;\n",
                table->name, table->columns, table->columns);
    free(rows->text);
    *rows = (rows_t){NULL, NULL, 0, 0};
}

void loader_write(FILE *loader)
{
    int i;

    fputs("BEGIN;\n", loader);
    for (i = 0; i < TABLES; i++)
        write_rows(i, loader);
    fputs("COMMIT;\n", loader);
    must(fflush(loader) == 0, client);
}

/* ---- clients ---- */

static FILE *open_client(void)
{
    FILE *loader = popen(client, "w");

    must(loader != NULL, client);
    return loader;
}

void loader_end(FILE *loader)
{
    must(pclose(loader) == 0, client);
}

/* PostgreSQL's number of a change is the id of its transaction: as many of them are used up here,
 * and each client counts from before them. */
void loader_prepare(void)
{
    FILE *loader = open_client();

    if (is("pgsql"))
        fprintf(loader,
                "SET synchronous_commit = off;\nDO $$ BEGIN FOR i IN 1 .. %" PRId64
                " LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$;\n",
                (int64_t)changes);
    if (is("mysql"))
        fprintf(loader, "UPDATE whk_change_counter SET number = %" PRId64 " WHERE id = 1;\n",
                (int64_t)changes);
    loader_end(loader);
}

/* Foreign keys hold by construction; who may leave them unasked saves the time. */
FILE *loader_start(void)
{
    FILE *loader = open_client();

    if (is("pgsql"))
        fprintf(loader,
                "SET synchronous_commit = off;\n"
                "SELECT set_config('session_replication_role', 'replica', false) FROM pg_roles "
                "WHERE rolname = current_user AND rolsuper;\n"
                "CREATE TEMPORARY TABLE filled (LIKE whk_enterprise);\n"
                "SELECT pg_current_xact_id()::text::bigint - %" PRId64 " AS before \\gset\n",
                (int64_t)changes + 1);
    if (is("mysql"))
        fputs("SET foreign_key_checks = 0;\n", loader);
    if (is("sqlite3"))
        fputs("PRAGMA synchronous = OFF;\nPRAGMA cache_size = -400000;\n", loader);
    return loader;
}

/* PostgreSQL's marks of which rows all may see, the statistics that plans are made by, SQLite's
 * log. */
void loader_finish(void)
{
    FILE *loader = open_client();
    int i;

    for (i = 0; i < TABLES && is("pgsql"); i++)
        fprintf(loader, "VACUUM ANALYZE %s;\n", tables[i].name);
    for (i = 0; i < TABLES && is("mysql"); i++)
        fprintf(loader, "ANALYZE TABLE %s;\n", tables[i].name);
    if (is("sqlite3"))
        fputs("PRAGMA wal_checkpoint(TRUNCATE);\n", loader);
    loader_end(loader);
}
