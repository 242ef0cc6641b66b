/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bar for registrations: the two durable transactions of one (use an OTP step up; insert key
 * and event and move the enterprise on) through SQLite's own C API, on the schema that whkctl made.
 *
 * usage: raw_sqlite DATABASE THREADS REGISTRATIONS
 * prints: registrations a second
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *database;
static int per_thread;
static pthread_mutex_t writer = PTHREAD_MUTEX_INITIALIZER;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(int good, sqlite3 *db, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "raw_sqlite: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static void run_sql(sqlite3 *db, const char *sql)
{
    must(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, db, sql);
}

static void step(sqlite3 *db, sqlite3_stmt *statement)
{
    must(sqlite3_step(statement) == SQLITE_DONE, db, "step");
    sqlite3_reset(statement);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    must(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, db, sql);
    return statement;
}

static void *work(void *number)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *otp, *key, *event, *enterprise, *begin, *commit, *lock;
    char text[64];
    int i;

    must(sqlite3_open(database, &db) == SQLITE_OK, db, "open");
    run_sql(db, "PRAGMA synchronous=FULL");
    begin = prepare(db, "BEGIN IMMEDIATE");
    commit = prepare(db, "COMMIT");
    otp =
        prepare(db, "UPDATE whk_otp SET last_step = last_step + 1, failures = 0 WHERE user_id = ?");
    lock = prepare(
        db, "SELECT event_count, event_head FROM whk_enterprise WHERE enterprise_id = 'raw'");
    key =
        prepare(db, "INSERT INTO whk_key (id, enterprise_id, key_id, key_name, algorithm, jwk, "
                    "thumbprint, status, created_at, created_by, key_number) VALUES "
                    "(?, 'raw', ?, 'a name', 'EdDSA', '{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":"
                    "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}', ?, 'ACTIVE', 1, 'raw', "
                    "(SELECT key_count + 1 FROM whk_enterprise WHERE enterprise_id = 'raw'))");
    event =
        prepare(db, "INSERT INTO whk_event (enterprise_id, id, type, key_id, actor, at, "
                    "remote_address, request_id, hash) VALUES ('raw', (SELECT event_count + 1 FROM "
                    "whk_enterprise WHERE enterprise_id = 'raw'), 'key.registered', ?, 'raw', 1, "
                    "'127.0.0.1', 'request', ?)");
    enterprise = prepare(db, "UPDATE whk_enterprise SET revision = revision + 1, active_keys = "
                             "active_keys + 1, key_count = key_count + 1, event_count = "
                             "event_count + 1, event_head = ? WHERE "
                             "enterprise_id = 'raw'");
    for (i = 0; i < per_thread; i++) {
        snprintf(text, sizeof(text), "%032d-%015d", *(int *)number, i);
        pthread_mutex_lock(&writer);
        sqlite3_bind_text(otp, 1, "raw", -1, SQLITE_STATIC);
        step(db, otp);
        pthread_mutex_unlock(&writer);
        pthread_mutex_lock(&writer);
        step(db, begin);
        sqlite3_step(lock);
        sqlite3_reset(lock);
        sqlite3_bind_text(key, 1, text, -1, SQLITE_STATIC);
        sqlite3_bind_text(key, 2, text, -1, SQLITE_STATIC);
        sqlite3_bind_text(key, 3, text, -1, SQLITE_STATIC);
        step(db, key);
        sqlite3_bind_text(event, 1, text, -1, SQLITE_STATIC);
        sqlite3_bind_text(event, 2, text, -1, SQLITE_STATIC);
        step(db, event);
        sqlite3_bind_text(enterprise, 1, text, -1, SQLITE_STATIC);
        step(db, enterprise);
        step(db, commit);
        pthread_mutex_unlock(&writer);
    }
    sqlite3_finalize(otp);
    sqlite3_finalize(key);
    sqlite3_finalize(event);
    sqlite3_finalize(enterprise);
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
    sqlite3_finalize(lock);
    sqlite3_close(db);
    return NULL;
}

int main(int argc, char **argv)
{
    int threads = argc == 4 ? atoi(argv[2]) : 0;
    int total = argc == 4 ? atoi(argv[3]) : 0;
    pthread_t *thread = calloc((size_t)threads + 1, sizeof(*thread));
    int *number = calloc((size_t)threads + 1, sizeof(*number));
    double start;
    int i;

    if (threads < 1 || total < threads || !thread || !number) {
        fprintf(stderr, "usage: raw_sqlite DATABASE THREADS REGISTRATIONS\n");
        return 2;
    }
    database = argv[1];
    per_thread = total / threads;
    start = now();
    for (i = 0; i < threads; i++) {
        number[i] = i + (int)getpid() * 256;
        pthread_create(&thread[i], NULL, work, &number[i]);
    }
    for (i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    printf("%.0f\n", per_thread * threads / (now() - start));
    free(thread);
    free(number);
    return 0;
}
