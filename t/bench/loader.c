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
    FILE *out;
    char *text;
    size_t size;
    int rows;
} table_t;

/* In the order that foreign keys want. */
static table_t tables[TABLES] = {
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
    driver = its_driver;
    client = its_client;
    changes = its_changes;
}

/* ---- rows ---- */

/* No text of ours holds what COPY or a literal would have to escape. */
static void put_field(const table_t *table, const char *field, int is_last)
{
    must(!field || !field[strcspn(field, "'\\\t\n")], "a field that has nothing to escape");
    if (is("pgsql"))
        fprintf(table->out, "%s%c", field ? field : "\\N", is_last ? '\n' : '\t');
    else if (field)
        fprintf(table->out, "'%s'%c", field, is_last ? ')' : ',');
    else
        fprintf(table->out, "NULL%c", is_last ? ')' : ',');
}

void loader_add(int which, const char *const *fields)
{
    table_t *table = &tables[which];
    int i;

    if (!table->out)
        must((table->out = open_memstream(&table->text, &table->size)) != NULL, "memory");
    if (!is("pgsql") && table->rows % ROWS_OF_INSERT == 0)
        fprintf(table->out, "%sINSERT INTO %s (%s) VALUES\n(", table->rows ? ";\n" : "",
                table->name, table->columns);
    else if (!is("pgsql"))
        fputs(",\n(", table->out);
    for (i = 0; i < table->fields; i++)
        put_field(table, fields[i], i + 1 == table->fields);
    table->rows++;
}

int loader_rows(int which)
{
    return tables[which].rows;
}

static void write_table(table_t *table, FILE *loader)
{
    const int is_numbered = is("pgsql") && table == &tables[ENTERPRISE];

    if (!table->out)
        return;
    must(fclose(table->out) == 0, "memory");
    if (is("pgsql"))
        fprintf(loader, "COPY %s (%s) FROM STDIN;\n", is_numbered ? "filled" : table->name,
                table->columns);
    fwrite(table->text, 1, table->size, loader);
    fputs(is("pgsql") ? "\\.\n" : ";\n", loader);
    if (is_numbered)
        fprintf(loader,
                "UPDATE filled SET change_number = change_number + :before;\n"
                "INSERT INTO %s (%s) SELECT %s FROM filled;\nTRUNCATE filled;\n",
                table->name, table->columns, table->columns);
    free(table->text);
    table->out = NULL;
    table->rows = 0;
}

void loader_write(FILE *loader)
{
    int i;

    fputs("BEGIN;\n", loader);
    for (i = 0; i < TABLES; i++)
        write_table(&tables[i], loader);
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
                "\\o /dev/null\nSET synchronous_commit = off;\n"
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
        fputs(".output /dev/null\nPRAGMA wal_checkpoint(TRUNCATE);\n", loader);
    loader_end(loader);
}
