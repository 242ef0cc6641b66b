/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "store/dialect.h"

#define ENTERPRISE                                                                                 \
    "SELECT enterprise_id, name, created_at, revision, active_keys, event_count, event_head, "     \
    "key_count FROM whk_enterprise "
#define TOKEN "SELECT id, hash, user_id, label, created_at, expires_at, revoked_at FROM whk_token "
#define OTP                                                                                        \
    "SELECT user_id, sealed_secret, algorithm, digits, period, last_step, failures, "              \
    "locked_until, created_at FROM whk_otp "
#define REMOTE_SET                                                                                 \
    "SELECT uri, etag, refresh_at, fresh_until, failures, etag_seal FROM whk_remote_set "
/* To be refreshed before a time, or behind it, the first of them: inside a UNION the server does
 * not see by itself that the index has it. */
#define UNLEASED(is)                                                                               \
    "FORCE INDEX (whk_remote_set_by_refresh) WHERE refresh_at " is                                 \
    " %lld AND (leased_until <= %lld OR leased_until > %lld) ORDER BY "                            \
    "refresh_at LIMIT 1"
#define KEY                                                                                        \
    "SELECT id, enterprise_id, key_id, key_name, algorithm, jwks_uri, jwk, thumbprint, status, "   \
    "created_at, created_by, last_used_at, revoked_at, revoked_by, remote_flaw, seal, "            \
    "key_number, "                                                                                 \
    "revokes_at, followed_by, gone_at, refused FROM whk_key "
/* Of ACTIVE keys: those that are revoked by themselves later than a time, or not. */
#define PLANNED_AFTER "(revokes_at IS NULL OR revokes_at > %lld)"
#define CHANGE                                                                                     \
    "SELECT enterprise_id, revision, change_number, (SELECT max(change_number) FROM "              \
    "whk_enterprise), "
#define EVENT                                                                                      \
    "SELECT id, enterprise_id, type, key_id, actor, at, remote_address, request_id, detail, "      \
    "hash, seal FROM whk_event "
/* Of a table, how many rows name an enterprise that has no row. */
#define LOST(kind, table)                                                                          \
    "SELECT enterprise_id, '" kind "', count(*) FROM " table " AS of WHERE NOT EXISTS (SELECT 1 "  \
    "FROM whk_enterprise WHERE enterprise_id = of.enterprise_id) GROUP BY enterprise_id "
#define ADMIN "SELECT enterprise_id, user_id, created_at, seal FROM whk_admin "

/* What our schema holds. Each question names the schema by a constant of the statement, and where
 * the server looks it up by that, or it opens the tables of all schemas that it has. In the end as
 * characters of a known number: the driver does not find the end of a TEXT. */
#define TABLES                                                                                     \
    "SELECT IF(t.table_type = 'BASE TABLE', 'table', lower(t.table_type)) AS type, "               \
    "t.table_name AS name, concat(coalesce(t.engine, ''), ': ', (SELECT "                          \
    "group_concat(concat_ws(' ', column_name, column_type, IF(is_nullable = 'NO', 'not null', "    \
    "NULL), concat('default ', column_default), extra, generation_expression) ORDER BY "           \
    "ordinal_position SEPARATOR ', ') FROM information_schema.columns c WHERE c.table_schema = "   \
    "database() AND c.table_name = t.table_name)) AS text FROM information_schema.tables t "       \
    "WHERE t.table_schema = database() "
#define INDEXES                                                                                    \
    "SELECT 'index', concat(table_name, '.', index_name), concat(IF(non_unique, '', 'unique '), "  \
    "group_concat(concat(column_name, coalesce(concat('(', sub_part, ')'), '')) ORDER BY "         \
    "seq_in_index SEPARATOR ', ')) FROM information_schema.statistics WHERE table_schema = "       \
    "database() GROUP BY table_name, index_name, non_unique "
#define CHECKS                                                                                     \
    "SELECT 'constraint', concat(table_name, '.', constraint_name), check_clause FROM "            \
    "information_schema.check_constraints WHERE constraint_schema = database() "
#define FOREIGN_KEYS                                                                               \
    "SELECT 'constraint', concat(table_name, '.', constraint_name), group_concat(concat("          \
    "column_name, ' is ', referenced_table_name, '.', referenced_column_name) ORDER BY "           \
    "ordinal_position SEPARATOR ', ') FROM information_schema.key_column_usage WHERE "             \
    "table_schema = database() AND referenced_table_name IS NOT NULL GROUP BY table_name, "        \
    "constraint_name "
#define TRIGGERS                                                                                   \
    "SELECT 'trigger', concat(event_object_table, '.', trigger_name), concat_ws(' ', "             \
    "action_timing, event_manipulation, 'ON', event_object_table, replace(action_statement, "      \
    "char(10), ' ')) FROM information_schema.triggers WHERE event_object_schema = database() "
#define UNION_ALL "UNION ALL "
#define SCHEMA_LIST                                                                                \
    "SELECT type, name, CAST(text AS CHAR(8000)) FROM (" TABLES UNION_ALL INDEXES UNION_ALL CHECKS \
        UNION_ALL FOREIGN_KEYS UNION_ALL TRIGGERS ") AS objects"

/* Three questions set up all. What does not fit into a column is refused. Nobody is waited for
 * without end: not for a lock, nor by others for a node that stopped inside a transaction. On
 * Galera a question waits until this database node has what any of them committed before, and one
 * that is cut off from the others answers none. */
static const char *const set_up[] = {
    "SET NAMES binary", "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', autocommit = 1, "
    "innodb_lock_wait_timeout = 5, lock_wait_timeout = 5, max_statement_time = 10, "
    "idle_transaction_timeout = 10, wsrep_sync_wait = 1, wsrep_dirty_reads = 0",
    NULL};

static const char *const patience[] = {"SET SESSION max_statement_time = 0", NULL};

static const char *const nothing[] = {NULL};

/* ER_LOCK_DEADLOCK, on Galera also where another node was first; ER_LOCK_WAIT_TIMEOUT;
 * ER_DUP_ENTRY, since what is there is looked for under a lock, and so what was not there a moment
 * ago is another node's; and what a trigger answers that the server could not read, see mend(). */
static int is_conflict(int code, const char *text)
{
    (void)text;
    return code == 1213 || code == 1205 || code == 1062 || code == 1064;
}

/* Where another node was first while this server read a trigger, what Galera broke off there stays
 * with the opened table that the server keeps for whoever comes next: from then on writes to it are
 * answered by that a trigger "has an error in its body" (ER_PARSE_ERROR). This has the server close
 * all that it keeps of them, as little else does that an ordinary user may say; to InnoDB it does
 * nothing. Each table that requests write to, since the answer does not tell whose trigger it is.
 */
static const char *mend(int code)
{
    return code == 1064 ? "REPAIR NO_WRITE_TO_BINLOG TABLE whk_enterprise, whk_key, whk_event, "
                          "whk_used_material, whk_otp, whk_remote_set"
                        : NULL;
}

static const char *params_flaw(apr_pool_t *pool, const char *params)
{
    char *state;
    char *name;
    int reconnect_off = 0;

    for (name = apr_strtok(apr_pstrdup(pool, params), ",; \t", &state); name;
         name = apr_strtok(NULL, ",; \t", &state)) {
        if (!strcmp(name, "flags=CLIENT_FOUND_ROWS"))
            return "not hold flags=CLIENT_FOUND_ROWS: what is used once is known by how many rows "
                   "a statement changed";
        reconnect_off |= !strcmp(name, "reconnect=0");
    }
    return reconnect_off ? NULL
                         : "hold reconnect=0, as in host=127.0.0.1,port=3306,dbname=webhook_keys,"
                           "user=...,pass=...,reconnect=0: a connection that is renewed silently "
                           "loses its transaction";
}

const whk_dialect_t whk_dialect_mysql = {
    .driver = "mysql",
    .params_flaw = params_flaw,
    .set_up = set_up,
    .patience = patience,
    .begin = "START TRANSACTION",
    .is_conflict = is_conflict,
    .mend = mend,
    .prepare_schema = nothing,
    .ddl_commits = 1,
    .schema_tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = "
                     "database() AND table_name = 'whk_schema'",
    .clock = "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)",
    .schema_version = "SELECT max(version) FROM whk_schema",
    .schema_table = "CREATE TABLE IF NOT EXISTS whk_schema (version BIGINT NOT NULL PRIMARY KEY, "
                    "applied_at BIGINT NOT NULL) ENGINE = InnoDB",
    .objects = whk_objects_mysql,
    .migrations = whk_migrations_mysql,
    .statements =
        {
            [SQL_ENTERPRISE_LOCK] = ENTERPRISE "WHERE enterprise_id = %s FOR UPDATE",
            /* The two are one, and change_number is the trigger's. */
            [SQL_ENTERPRISE_UPDATE] =
                "UPDATE whk_enterprise SET revision = greatest(%lld, %lld), active_keys = %lld, "
                "key_count = %lld, "
                "event_count = %lld, event_head = %s WHERE enterprise_id = %s",
            [SQL_ENTERPRISE_ADD] = "INSERT INTO whk_enterprise (enterprise_id, name, created_at) "
                                   "VALUES (%s, %s, %lld) "
                                   "ON DUPLICATE KEY UPDATE enterprise_id = enterprise_id",
            [SQL_ENTERPRISE_RENAME] =
                "UPDATE whk_enterprise SET name = %s WHERE enterprise_id = %s",
            [SQL_ENTERPRISE_GET] = ENTERPRISE "WHERE enterprise_id = %s",
            [SQL_ENTERPRISE_WALK] =
                ENTERPRISE "WHERE enterprise_id > %s ORDER BY enterprise_id LIMIT %lld",
            [SQL_ORPHAN_LIST] =
                LOST("key", "whk_key") "UNION ALL " LOST("event", "whk_event") "UNION ALL " LOST(
                    "admin", "whk_admin") "UNION ALL " LOST("material", "whk_used_material"),
            [SQL_ADMIN_GET] = ADMIN "WHERE enterprise_id = %s AND user_id = %s",
            [SQL_ADMIN_ADD] = "INSERT INTO whk_admin (enterprise_id, user_id, created_at, seal) "
                              "VALUES (%s, %s, %lld, %s) ON DUPLICATE KEY UPDATE user_id = "
                              "user_id",
            [SQL_ADMIN_REMOVE] = "DELETE FROM whk_admin WHERE enterprise_id = %s AND user_id = %s",
            [SQL_ADMIN_LIST] = ADMIN "WHERE enterprise_id = %s ORDER BY user_id",
            [SQL_ADMIN_RESEAL] = "UPDATE whk_admin SET seal = %s WHERE enterprise_id = %s AND "
                                 "user_id = %s AND created_at = %lld AND seal <=> %s",
            [SQL_TOKEN_FIND] = TOKEN "WHERE hash = %s",
            [SQL_TOKEN_INSERT] = "INSERT INTO whk_token (id, hash, user_id, label, created_at, "
                                 "expires_at) VALUES (%s, %s, %s, %s, %lld, %lld)",
            [SQL_TOKEN_LIST] = TOKEN "ORDER BY seq",
            [SQL_TOKEN_LIST_OF_USER] = TOKEN "WHERE user_id = %s ORDER BY seq",
            [SQL_TOKEN_REVOKE] =
                "UPDATE whk_token SET revoked_at = %lld WHERE id = %s AND revoked_at IS NULL",
            [SQL_OTP_GET] = OTP "WHERE user_id = %s",
            [SQL_OTP_LIST] = OTP "ORDER BY user_id",
            [SQL_OTP_PUT] =
                "REPLACE INTO whk_otp (user_id, sealed_secret, algorithm, digits, "
                "period, "
                "last_step, failures, locked_until, created_at) VALUES (%s, %s, %s, %lld, %lld, "
                "%lld, %lld, %lld, %lld)",
            [SQL_OTP_ADD] =
                "INSERT INTO whk_otp (user_id, sealed_secret, algorithm, digits, period, "
                "created_at) "
                "VALUES (%s, %s, %s, %lld, %lld, %lld) ON DUPLICATE KEY UPDATE user_id = user_id",
            [SQL_OTP_SET_PERIOD] =
                "UPDATE whk_otp SET period = %lld, last_step = %lld WHERE user_id = %s AND "
                "sealed_secret = %s AND period = %lld AND last_step = %lld",
            [SQL_OTP_REMOVE] = "DELETE FROM whk_otp WHERE user_id = %s",
            /* A row that stays as it is does not count: another time that is long gone. */
            [SQL_OTP_UNLOCK] = "UPDATE whk_otp SET failures = 0, locked_until = IF(locked_until = "
                               "0, 1, 0) WHERE user_id = %s",
            [SQL_OTP_ACCEPT] =
                "UPDATE whk_otp SET last_step = %lld, failures = 0, locked_until = 0 WHERE user_id "
                "= %s AND sealed_secret = %s AND last_step < %lld AND "
                "(locked_until <= %lld OR locked_until > %lld)",
            [SQL_OTP_COUNT_REFUSAL] =
                "UPDATE whk_otp SET failures = failures + 1 WHERE user_id = %s "
                "AND (locked_until <= %lld OR locked_until > %lld)",
            [SQL_OTP_LOCK] = "UPDATE whk_otp SET locked_until = %lld WHERE user_id = %s",
            [SQL_OTP_RESEAL] =
                "UPDATE whk_otp SET sealed_secret = %s WHERE user_id = %s AND sealed_secret = %s",
            [SQL_KEY_INSERT] =
                "INSERT INTO whk_key (id, enterprise_id, key_id, key_name, algorithm, jwks_uri, "
                "jwk, thumbprint, status, created_at, created_by, seal, key_number, revokes_at, "
                "followed_by) "
                "SELECT %s, "
                "%s, %s, %s, %s, %s, %s, %s, %s, %lld, %s, %s, %lld, %lld, %s FROM "
                "whk_enterprise AS e WHERE e.enterprise_id = %s AND NOT EXISTS (SELECT 1 FROM "
                "whk_used_material WHERE enterprise_id = e.enterprise_id AND thumbprint = %s) "
                "ON DUPLICATE KEY UPDATE whk_key.id = whk_key.id",
            [SQL_KEY_REVOKE] =
                "UPDATE whk_key SET status = 'REVOKED', revoked_at = %lld, revoked_by = %s, "
                "revokes_at = %lld, seal = %s WHERE enterprise_id = %s AND key_id = %s AND status "
                "= 'ACTIVE'",
            [SQL_KEY_GET] = KEY "WHERE enterprise_id = %s AND key_id = %s",
            [SQL_KEY_BY_THUMBPRINT] = KEY "WHERE enterprise_id = %s AND thumbprint = %s",
            [SQL_KEY_PAGE] =
                KEY "WHERE enterprise_id = %s AND key_number > %lld ORDER BY key_number LIMIT %lld",
            [SQL_KEY_PAGE_ACTIVE] =
                KEY "WHERE enterprise_id = %s AND status = 'ACTIVE' AND " PLANNED_AFTER
                    " ORDER BY key_number LIMIT %lld OFFSET %lld",
            [SQL_KEY_PAGE_REVOKED] = KEY "WHERE enterprise_id = %s AND status = 'REVOKED' AND "
                                         "key_number > %lld ORDER BY key_number LIMIT %lld",
            [SQL_KEY_ACTIVE_NUMBERS] = "SELECT key_number FROM whk_key WHERE enterprise_id = %s "
                                       "AND status = 'ACTIVE' ORDER BY key_number",
            [SQL_KEY_PLAN] =
                "UPDATE whk_key SET revokes_at = %lld, seal = %s WHERE enterprise_id = %s AND "
                "key_id = %s AND status = 'ACTIVE'",
            [SQL_KEY_DUE_NUMBERS] = "SELECT key_number FROM whk_key WHERE enterprise_id = %s AND "
                                    "status = 'ACTIVE' AND revokes_at <= %lld ORDER BY key_number",
            [SQL_KEY_PAGE_DUE] =
                /* Or it goes through all keys behind that number. */
            KEY "FORCE INDEX (whk_key_by_status) WHERE enterprise_id = %s AND status = "
                "'ACTIVE' AND revokes_at <= %lld AND key_number > %lld ORDER BY key_number "
                "LIMIT %lld",
            [SQL_KEY_LIST_DUE] = KEY "WHERE status = 'ACTIVE' AND revokes_at > %lld AND revokes_at "
                                     "<= %lld ORDER BY revokes_at LIMIT %lld",
            [SQL_KEY_WALK] =
                KEY "WHERE enterprise_id = %s AND key_id > %s ORDER BY key_id LIMIT %lld",
            [SQL_KEY_RESEAL] = "UPDATE whk_key SET seal = %s WHERE enterprise_id = %s AND key_id = "
                               "%s AND seal <=> %s",
            [SQL_MATERIAL_USE] = "INSERT INTO whk_used_material (enterprise_id, thumbprint, "
                                 "key_id) VALUES (%s, %s, %s) ON DUPLICATE KEY UPDATE key_id = "
                                 "whk_used_material.key_id",
            [SQL_MATERIAL_GET] = "SELECT key_id FROM whk_used_material WHERE enterprise_id = %s "
                                 "AND thumbprint = %s",
            [SQL_MATERIAL_WALK] =
                "SELECT thumbprint FROM whk_used_material WHERE enterprise_id = %s AND thumbprint "
                "> %s ORDER BY thumbprint LIMIT %lld",
            [SQL_IDEMPOTENCY_KEY_GET] =
                "SELECT enterprise_id, user_id, idempotency_key, created_at, body_hash, code, "
                "answer, seal FROM whk_idempotency_key WHERE enterprise_id = %s AND user_id = %s "
                "AND idempotency_key = %s",
            [SQL_IDEMPOTENCY_KEY_PUT] =
                "INSERT INTO whk_idempotency_key (enterprise_id, user_id, idempotency_key, "
                "created_at, body_hash, code, answer, seal) VALUES (%s, %s, %s, %lld, %s, %s, %s, "
                "%s) ON DUPLICATE KEY UPDATE created_at = VALUES(created_at), body_hash = "
                "VALUES(body_hash), code = VALUES(code), answer = VALUES(answer), seal = "
                "VALUES(seal)",
            [SQL_IDEMPOTENCY_KEY_PURGE] = "DELETE FROM whk_idempotency_key WHERE enterprise_id = "
                                          "%s AND created_at < %lld",
            [SQL_EVENT_INSERT] =
                "INSERT INTO whk_event (enterprise_id, id, type, key_id, actor, at, "
                "remote_address, request_id, detail, hash, seal) VALUES (%s, %lld, %s, %s, %s, "
                "%lld, %s, %s, %s, %s, %s)",
            [SQL_EVENT_LIST] =
                EVENT "WHERE enterprise_id = %s AND id <= %lld ORDER BY id DESC LIMIT %lld",
            [SQL_EVENT_COUNT] = "SELECT event_count FROM whk_enterprise WHERE enterprise_id = %s",
            [SQL_EVENT_HASH] = "SELECT hash FROM whk_event WHERE enterprise_id = %s AND id = %lld",
            [SQL_EVENT_WALK] =
                EVENT "WHERE enterprise_id = %s AND id > %lld ORDER BY id LIMIT %lld",
            [SQL_EVENT_RESEAL] = "UPDATE whk_event SET seal = %s WHERE enterprise_id = %s AND id = "
                                 "%lld AND seal <=> %s",
            /* The server knows no range of pairs. */
            [SQL_CHANGE_LIST] =
                CHANGE "1 FROM whk_enterprise WHERE enterprise_id = %s UNION ALL (" CHANGE
                       "0 FROM whk_enterprise WHERE change_number >= %lld AND (change_number > "
                       "%lld OR enterprise_id > %s) ORDER BY change_number, enterprise_id LIMIT "
                       "%lld)",
            [SQL_KEY_LIST_ACTIVE] =
                KEY "WHERE enterprise_id = %s AND status = 'ACTIVE' ORDER BY key_number",
            [SQL_KEY_LIST_REVOKED] = KEY
            "WHERE enterprise_id = %s AND status = 'REVOKED' ORDER BY key_number DESC LIMIT %lld",
            [SQL_KEY_SET_LAST_USED] =
                "UPDATE whk_key SET last_used_at = %lld WHERE enterprise_id = %s AND "
                "key_id = %s AND (last_used_at IS NULL OR last_used_at <= %lld OR "
                "last_used_at > %lld)",
            [SQL_KEY_LIST_BY_URI] = KEY "WHERE jwks_uri = %s AND status = 'ACTIVE'",
            [SQL_KEY_UPDATE_REMOTE] =
                "UPDATE whk_key SET remote_flaw = %s, jwk = %s, thumbprint = %s, algorithm = %s, "
                "gone_at = %lld, seal = %s WHERE enterprise_id = %s AND key_id = %s AND status = "
                "'ACTIVE'",
            [SQL_KEY_SET_REFUSED] = "UPDATE whk_key SET refused = %s WHERE enterprise_id = %s AND "
                                    "key_id = %s AND status = 'ACTIVE'",
            [SQL_REMOTE_SET_ADD] =
                "INSERT INTO whk_remote_set (uri, refresh_at, fresh_until) VALUES (%s, %lld, %lld) "
                "ON DUPLICATE KEY UPDATE refresh_at = least(refresh_at, "
                "VALUES(refresh_at)), "
                "fresh_until = greatest(fresh_until, VALUES(fresh_until)), etag = NULL, "
                "leased_until = 0",
            [SQL_REMOTE_SET_DUE] =
                "(" REMOTE_SET UNLEASED("<=") ") UNION ALL (" REMOTE_SET UNLEASED(">") ")",
            [SQL_REMOTE_SET_LEASE] =
                "UPDATE whk_remote_set SET leased_until = %lld WHERE uri = %s AND "
                "(refresh_at <= %lld OR refresh_at > %lld) AND "
                "(leased_until <= %lld OR leased_until > %lld)",
            /* Once in a while by whomever; not what backs off, nor what is due anyway. */
            [SQL_REMOTE_SET_ASK] =
                "UPDATE whk_remote_set SET refresh_at = %lld, asked_at = %lld WHERE uri = %s AND "
                "failures = 0 AND refresh_at > %lld AND (asked_at <= %lld OR asked_at > %lld)",
            [SQL_REMOTE_SET_GET] = REMOTE_SET "WHERE uri = %s",
            /* Or it goes through the URIs of all keys. */
            [SQL_REMOTE_SET_LIST] =
                REMOTE_SET "WHERE uri IN (SELECT jwks_uri FROM whk_key FORCE INDEX "
                           "(whk_key_by_status) WHERE enterprise_id = %s AND status = 'ACTIVE' "
                           "AND jwks_uri IS NOT NULL)",
            [SQL_REMOTE_SET_UPDATE] =
                "UPDATE whk_remote_set SET etag = %s, etag_seal = %s, refresh_at = %lld, "
                "fresh_until = %lld, failures = %lld, leased_until = 0 WHERE uri = %s AND "
                "leased_until = %lld",
            [SQL_KEY_LIST_NEAR] =
                "SELECT enterprise_id, key_id FROM whk_key WHERE status = 'ACTIVE' AND revokes_at "
                "> %lld AND revokes_at <= %lld AND (warned_at IS NULL OR warned_at < CASE WHEN "
                "revokes_at <= %lld THEN revokes_at - 86400000 ELSE revokes_at - 604800000 END) "
                "ORDER BY revokes_at LIMIT %lld",
            [SQL_KEY_SET_WARNED] = "UPDATE whk_key SET warned_at = %lld WHERE enterprise_id = %s "
                                   "AND key_id = %s AND status = 'ACTIVE' AND (warned_at IS NULL "
                                   "OR warned_at < %lld)",
            [SQL_KEY_LIST_UNUSED] =
                "SELECT enterprise_id, key_id FROM whk_key WHERE status = 'ACTIVE' AND unused_at "
                "<= %lld ORDER BY unused_at LIMIT %lld",
            [SQL_KEY_SET_UNUSED] = "UPDATE whk_key SET unused_at = %lld WHERE enterprise_id = %s "
                                   "AND key_id = %s AND status = 'ACTIVE' AND unused_at <= %lld",
            [SQL_NOTIFICATION_QUEUE] =
                "INSERT INTO whk_notification (enterprise_id, position, queued, due_at) VALUES "
                "(%s, %lld, %lld, %lld) ON DUPLICATE KEY UPDATE queued = VALUES(queued), due_at = "
                "coalesce(due_at, VALUES(due_at))",
            [SQL_NOTIFICATION_DUE] =
                "SELECT enterprise_id, position, attempts, leased_until FROM whk_notification "
                "WHERE due_at <= %lld AND (leased_until <= %lld OR leased_until > %lld) ORDER BY "
                "due_at LIMIT 1",
            [SQL_NOTIFICATION_LEASE] =
                "UPDATE whk_notification SET leased_until = %lld WHERE enterprise_id = %s AND "
                "position = %lld AND "
                "due_at <= %lld AND (leased_until <= %lld OR leased_until > %lld)",
            [SQL_NOTIFICATION_TOLD] =
                "UPDATE whk_notification SET position = %lld, attempts = 0, leased_until = %lld "
                "WHERE enterprise_id = %s AND leased_until = %lld",
            [SQL_NOTIFICATION_DONE] =
                "UPDATE whk_notification SET due_at = NULL, attempts = 0, leased_until = 0 WHERE "
                "enterprise_id = %s AND leased_until = %lld AND queued <= %lld",
            [SQL_NOTIFICATION_AGAIN] =
                "UPDATE whk_notification SET due_at = %lld, attempts = attempts + 1, leased_until "
                "= 0 WHERE enterprise_id = %s AND leased_until = %lld",
            [SQL_NOTIFICATION_LATER] =
                "UPDATE whk_notification SET due_at = %lld, leased_until = 0 "
                "WHERE enterprise_id = %s AND leased_until = %lld",
            [SQL_NOTIFICATION_PENDING] =
                "SELECT count(*) FROM (SELECT 1 FROM whk_notification WHERE due_at <= %lld LIMIT "
                "%lld) AS pending",
            [SQL_NOTIFICATION_SINCE] =
                "SELECT position FROM whk_notification WHERE enterprise_id = %s",
            [SQL_NOTIFICATION_BEGIN] =
                "INSERT INTO whk_notification (enterprise_id, position) VALUES (%s, %lld) ON "
                "DUPLICATE KEY UPDATE position = position",
            [SQL_NOTIFICATION_BEGIN_ANEW] = "UPDATE whk_notification SET position = %lld WHERE "
                                            "enterprise_id = %s AND due_at IS NULL",
            [SQL_SCHEMA_LIST] = SCHEMA_LIST,
        },
};
