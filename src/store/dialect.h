/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What differs between databases, as data: the text of each statement, the migrations, and how a
 * connection is set up. In a statement `%s` binds text and `%lld` an apr_int64_t
 * (apr_dbd_prepare()). */

#include <apr_pools.h>
#include <stddef.h>

typedef enum {
    SQL_ENTERPRISE_LOCK,
    SQL_ENTERPRISE_UPDATE,
    SQL_ENTERPRISE_ADD,
    SQL_ENTERPRISE_RENAME,
    SQL_ENTERPRISE_GET,
    SQL_ENTERPRISE_WALK,
    SQL_ORPHAN_LIST,
    SQL_ADMIN_GET,
    SQL_ADMIN_ADD,
    SQL_ADMIN_REMOVE,
    SQL_ADMIN_LIST,
    SQL_ADMIN_RESEAL,
    SQL_TOKEN_FIND,
    SQL_TOKEN_INSERT,
    SQL_TOKEN_LIST,
    SQL_TOKEN_LIST_OF_USER,
    SQL_TOKEN_REVOKE,
    SQL_OTP_GET,
    SQL_OTP_LIST,
    SQL_OTP_PUT,
    SQL_OTP_ADD,
    SQL_OTP_SET_PERIOD,
    SQL_OTP_REMOVE,
    SQL_OTP_UNLOCK,
    SQL_OTP_ACCEPT,
    SQL_OTP_COUNT_REFUSAL,
    SQL_OTP_LOCK,
    SQL_OTP_RESEAL,
    SQL_KEY_INSERT,
    SQL_KEY_REVOKE,
    SQL_KEY_GET,
    SQL_KEY_BY_THUMBPRINT,
    SQL_KEY_PAGE,
    SQL_KEY_PAGE_ACTIVE,
    SQL_KEY_PAGE_REVOKED,
    SQL_KEY_ACTIVE_NUMBERS,
    SQL_KEY_PLAN,
    SQL_KEY_DUE_NUMBERS,
    SQL_KEY_PAGE_DUE,
    SQL_KEY_LIST_DUE,
    SQL_KEY_WALK,
    SQL_KEY_RESEAL,
    SQL_MATERIAL_USE,
    SQL_MATERIAL_GET,
    SQL_MATERIAL_WALK,
    SQL_IDEMPOTENCY_KEY_GET,
    SQL_IDEMPOTENCY_KEY_PUT,
    SQL_IDEMPOTENCY_KEY_PURGE,
    SQL_EVENT_INSERT,
    SQL_EVENT_LIST,
    SQL_EVENT_COUNT,
    SQL_EVENT_HASH,
    SQL_EVENT_WALK,
    SQL_EVENT_RESEAL,
    SQL_CHANGE_LIST,
    SQL_KEY_LIST_ACTIVE,
    SQL_KEY_LIST_REVOKED,
    SQL_KEY_SET_LAST_USED,
    SQL_KEY_LIST_BY_URI,
    SQL_KEY_UPDATE_REMOTE,
    SQL_KEY_SET_REFUSED,
    SQL_REMOTE_SET_ADD,
    SQL_REMOTE_SET_DUE,
    SQL_REMOTE_SET_LEASE,
    SQL_REMOTE_SET_UPDATE,
    SQL_REMOTE_SET_ASK,
    SQL_REMOTE_SET_GET,
    SQL_REMOTE_SET_LIST,
    SQL_KEY_LIST_NEAR,
    SQL_KEY_SET_WARNED,
    SQL_KEY_LIST_UNUSED,
    SQL_KEY_SET_UNUSED,
    SQL_NOTIFICATION_QUEUE,
    SQL_NOTIFICATION_DUE,
    SQL_NOTIFICATION_LEASE,
    SQL_NOTIFICATION_TOLD,
    SQL_NOTIFICATION_DONE,
    SQL_NOTIFICATION_AGAIN,
    SQL_NOTIFICATION_LATER,
    SQL_NOTIFICATION_PENDING,
    SQL_NOTIFICATION_SINCE,
    SQL_NOTIFICATION_BEGIN,
    SQL_NOTIFICATION_BEGIN_ANEW,
    SQL_SCHEMA_LIST,
    SQL_STATEMENT_COUNT
} whk_statement_t;

/** One step of the schema, forward only. */
typedef struct whk_migration_t {
    int version; /**< 1, 2, 3 …; 0 ends the list */
    const char *sql;
} whk_migration_t;

typedef struct whk_dialect_t {
    const char *driver; /**< apr_dbd_name() */
    const char *params; /**< what DBDParams looks like */
    /** What is wrong with DBDParams: "must …". NULL: nothing, or nothing can be. */
    const char *(*params_flaw)(apr_pool_t *pool, const char *params);
    int is_file;               /**< DBDParams is the path of a file, which the driver makes */
    int single_writer;         /**< writes want the source's lock around them */
    const char *const *set_up; /**< for each new connection; NULL ends the list */
    /** Behind it, where nobody else waits for the connection: statements may take as long as they
     *  do. NULL: nothing ends them. */
    const char *const *patience;
    int rows_at_random; /**< the driver shows an error of a query only where rows are asked for so;
                         *   the others refuse a row whose number is not told then */
    int busy; /**< the driver's error where others are in the way for a moment; 0: it has none */
    const char *begin; /**< a transaction that writes */
    /** Whether this error, of a statement or of COMMIT, says for certain that nothing of the
     * transaction happened since another one was in its way. NULL: no error does. */
    int (*is_conflict)(int code, const char *text);
    /** A query that has to be run before another try after such an error. NULL: none has. */
    const char *(*mend)(int code);
    /** Milliseconds after which a COMMIT that was answered proves nothing: its wait for a standby
     * may have been broken off, which the driver does not tell. 0: does not happen. */
    int commit_timeout;
    int ddl_commits; /**< a change of the schema is a commit: that of a migration can be repeated */
    const char *const
        *prepare_schema; /**< once, before the first migration, outside transactions */
    /** A number that changes whenever prepared statements go stale; NULL: they never do. */
    const char *schema_stamp;
    const char *schema_tables;  /**< how many tables whk_schema there are: one, or none */
    const char *schema_version; /**< the version that whk_schema tells */
    /** Its clock, in milliseconds. NULL: it is this machine's. */
    const char *clock;
    const char *schema_table; /**< makes whk_schema (version, applied_at) where there is none */
    /** A connection's parameters that lead to a fresh, empty database. NULL: see scratch_set_up. */
    const char *scratch;
    /** What the migrations make, as the rows of SQL_SCHEMA_LIST, a tab between columns and a line
     * feed behind each. NULL: it is looked for in a fresh database. */
    const char *objects;
    /** Makes an empty place for our tables in a transaction that will be rolled back; NULL ends. */
    const char *const *scratch_set_up;
    const whk_migration_t *migrations;
    const char *statements[SQL_STATEMENT_COUNT];
} whk_dialect_t;

/** The dialect of an APR DBD driver, or NULL where there is none. */
const whk_dialect_t *whk_dialect_of(const char *driver);

/** Names of the drivers that there are dialects for, for messages. */
#define WHK_DRIVERS "sqlite3, pgsql or mysql"

extern const whk_dialect_t whk_dialect_sqlite3;
extern const whk_dialect_t whk_dialect_pgsql;
extern const whk_dialect_t whk_dialect_mysql;

/* Made by embed_schema.sh from conf/schema. */
extern const whk_migration_t whk_migrations_sqlite3[];
extern const whk_migration_t whk_migrations_pgsql[];
extern const whk_migration_t whk_migrations_mysql[];
extern const char whk_objects_mysql[];
