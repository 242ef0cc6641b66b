/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_STORE_STORE_H
#define WHK_STORE_STORE_H

/**
 * @file store/store.h
 * Persistence over APR DBD. One interface; what differs between databases is data
 * (store/dialect.h).
 *
 * A whk_store_t is light and belongs to one thread: a request or a command makes one. It takes a
 * connection from its source for each operation and gives it back at once; a transaction holds one
 * from begin to commit. Unless said otherwise every function returns NULL or `store_unavailable`
 * (an `internal_error` where a row holds what this version can't have written), results live in the
 * pool that is passed, and nothing is kept half-done.
 *
 * Writes marked [T] need a transaction of the same store and are an `internal_error` without one;
 * the other writes are a transaction of their own. Reads work in and out of one.
 */

#include <apr_dbd.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "model/key.h"
#include "model/outcome.h"

/** A connection as its owner hands it out. */
typedef struct whk_connection_t {
    const apr_dbd_driver_t *driver;
    apr_dbd_t *handle;
    apr_pool_t *pool; /**< lives as long as the connection: the store keeps its statements there */
    void *owner;      /**< the source's own */
} whk_connection_t;

/** Where connections come from, and the lock around a write where the database wants one. */
typedef struct whk_store_source_t {
    /** Fill `connection`. Anything but APR_SUCCESS: none to be had. */
    apr_status_t (*acquire)(void *baton, apr_pool_t *pool, whk_connection_t *connection);
    void (*release)(void *baton, whk_connection_t *connection);
    /** Around each write transaction of a database with a single writer (SQLite), before it begins
     *  until after it ended. May be NULL. */
    apr_status_t (*lock)(void *baton);
    void (*unlock)(void *baton);
} whk_store_source_t;

typedef struct whk_store_t whk_store_t;

/** Borrows `source` and `baton`; touches no database yet. */
whk_store_t *whk_store_create(apr_pool_t *pool, const whk_store_source_t *source, void *baton);

/* ---- schema ---- */

/** The schema version that this code writes and reads. */
int whk_schema_version(void);

/** Set `version` to that of the database; 0 where it has no schema of ours. */
const whk_outcome_t *whk_store_schema_version(whk_store_t *store, apr_pool_t *pool, int *version);

/** A table, view, index or trigger that is not as the migrations leave it. */
typedef struct whk_schema_flaw_t {
    const char *type; /**< `table` and so on: of ours what it should be */
    const char *name;
    const char *flaw;
} whk_schema_flaw_t;

/**
 * Hold what the database says of its schema to a fresh one's: an array of `whk_schema_flaw_t *`. A
 * trigger that is not ours is one where it is about a table of ours; other things that are not
 * ours, indexes among them, change nothing that is read or written.
 */
const whk_outcome_t *whk_store_schema_flaws(whk_store_t *store, apr_pool_t *pool,
                                            apr_array_header_t **flaws);

/* ---- transactions ---- */

/**
 * The work of a transaction. May be run twice, where a first try met a connection that had to be
 * renewed: it must start from scratch each time. Returning an outcome rolls back, and so does any
 * statement that failed, whatever is returned.
 */
typedef const whk_outcome_t *(*whk_transaction_fn)(whk_store_t *store, void *baton,
                                                   apr_pool_t *pool);

/** What a migration does that SQL can't, after its SQL and in its transaction. */
typedef struct whk_migration_work_t {
    int version; /**< of the migration that it belongs to; 0 ends a list */
    whk_transaction_fn work;
} whk_migration_work_t;

/**
 * Bring the schema to this version: each migration in a transaction of its own, once, forward only.
 * `from` is set to the version found. A database newer than this code is an `internal_error`.
 * @param works list of what migrations do beside their SQL; each gets `baton`. Where one fails, its
 *              migration did not happen. NULL: none
 */
const whk_outcome_t *whk_store_migrate(whk_store_t *store, apr_pool_t *pool,
                                       const whk_migration_work_t *works, void *baton, int *from);

/** NULL only after a durable commit. */
const whk_outcome_t *whk_store_transaction(whk_store_t *store, apr_pool_t *pool,
                                           whk_transaction_fn work, void *baton);

/**
 * [T] Lock an enterprise's row until the end, so that what follows in its name is one after
 * another, and read it. `enterprise` is set to NULL where there is none of that id.
 */
const whk_outcome_t *whk_store_enterprise_lock(whk_store_t *store, apr_pool_t *pool, const char *id,
                                               whk_enterprise_t **enterprise);

/** [T] Write back revision, active_keys, event_count and event_head of a locked enterprise. */
const whk_outcome_t *whk_store_enterprise_update(whk_store_t *store, apr_pool_t *pool,
                                                 const whk_enterprise_t *enterprise);

/** [T] Insert a key. `inserted` is 0 where its keyId is there already, or its material was used. */
const whk_outcome_t *whk_store_key_insert(whk_store_t *store, apr_pool_t *pool,
                                          const whk_key_t *key, int *inserted);

/** [T] ACTIVE to REVOKED, with revoked, revoked_by and seal of `key`. `revoked` is 0 where there is
 *  no such ACTIVE key. */
const whk_outcome_t *whk_store_key_revoke(whk_store_t *store, apr_pool_t *pool,
                                          const whk_key_t *key, int *revoked);

/** [T] This enterprise uses key material up. `first` is 0 where it did before. */
const whk_outcome_t *whk_store_material_use(whk_store_t *store, apr_pool_t *pool,
                                            const char *enterprise_id, const char *thumbprint,
                                            const char *key_id, int *first);

/** [T] Insert an event as it is, its id, hash and seal included. */
const whk_outcome_t *whk_store_event_insert(whk_store_t *store, apr_pool_t *pool,
                                            const whk_event_t *event);

/**
 * [T] Count a refused code of a user who is not locked at `now`: failures + 1. `counted` is 0 where
 * he is, or has no enrolment; `enrolment` is set to what is stored afterwards, or NULL.
 * @param lock_latest what is locked until after that was so under a wrong clock, and is not locked
 */
const whk_outcome_t *whk_store_otp_count_refusal(whk_store_t *store, apr_pool_t *pool,
                                                 const char *user, apr_time_t now,
                                                 apr_time_t lock_latest,
                                                 whk_otp_enrolment_t **enrolment, int *counted);

/** [T] Lock a user. How long, the registry decides (registry/otp_lock.h). */
const whk_outcome_t *whk_store_otp_lock(whk_store_t *store, apr_pool_t *pool, const char *user,
                                        apr_time_t until);

/* ---- keys ---- */

/* A key's row that holds what this version can't have written is an internal_error where it is
 * asked for alone. In a list it is `flawed`, and REVOKED. */

/** `key` is set to NULL where there is none. */
const whk_outcome_t *whk_store_key_get(whk_store_t *store, apr_pool_t *pool,
                                       const char *enterprise_id, const char *key_id,
                                       whk_key_t **key);

/** The key of an enterprise with this thumbprint, or NULL. */
const whk_outcome_t *whk_store_key_by_thumbprint(whk_store_t *store, apr_pool_t *pool,
                                                 const char *enterprise_id, const char *thumbprint,
                                                 whk_key_t **key);

/**
 * A page of an enterprise's keys, oldest first (order of insertion).
 * @param status NULL for both, else a whk_key_status_name()
 * @param keys   set to an array of `whk_key_t *`
 * @param total  set to how many match the filter
 */
const whk_outcome_t *whk_store_key_list(whk_store_t *store, apr_pool_t *pool,
                                        const char *enterprise_id, const char *status, int limit,
                                        apr_int64_t offset, apr_array_header_t **keys,
                                        apr_int64_t *total);

/** Up to `limit` keys with a keyId beyond `after`, by keyId: for walking through all of them. */
const whk_outcome_t *whk_store_key_walk(whk_store_t *store, apr_pool_t *pool,
                                        const char *enterprise_id, const char *after, int limit,
                                        apr_array_header_t **keys);

/** The keyId that used this material of an enterprise up, or NULL: it was never used. */
const whk_outcome_t *whk_store_material_get(whk_store_t *store, apr_pool_t *pool,
                                            const char *enterprise_id, const char *thumbprint,
                                            const char **key_id);

/** Up to `limit` used thumbprints beyond `after`, in order: an array of `const char *`. */
const whk_outcome_t *whk_store_material_walk(whk_store_t *store, apr_pool_t *pool,
                                             const char *enterprise_id, const char *after,
                                             int limit, apr_array_header_t **thumbprints);

/* ---- seals under another key ----
 * [T] Each puts `seal` in the place of the one that the row was read with. `done` is 0, and nothing
 * changed, where the row was changed since. */

const whk_outcome_t *whk_store_key_reseal(whk_store_t *store, apr_pool_t *pool,
                                          const whk_key_t *key, const char *seal, int *done);
const whk_outcome_t *whk_store_admin_reseal(whk_store_t *store, apr_pool_t *pool,
                                            const whk_admin_t *admin, const char *seal, int *done);
const whk_outcome_t *whk_store_event_reseal(whk_store_t *store, apr_pool_t *pool,
                                            const whk_event_t *event, const char *seal, int *done);
const whk_outcome_t *whk_store_otp_reseal(whk_store_t *store, apr_pool_t *pool,
                                          const whk_otp_enrolment_t *enrolment, const char *sealed,
                                          int *done);

/* ---- key caches ---- */

/** An enterprise whose keys changed. */
typedef struct whk_change_t {
    const char *enterprise_id;
    apr_int64_t revision;
    apr_int64_t number; /**< grows with each change of any enterprise */
} whk_change_t;

/** What changed after a number, oldest first: an array of `whk_change_t *`. -1: every enterprise.
 */
const whk_outcome_t *whk_store_change_list(whk_store_t *store, apr_pool_t *pool, apr_int64_t after,
                                           apr_array_header_t **changes);

/** An enterprise's ACTIVE keys, oldest first: an array of `whk_key_t *`. */
const whk_outcome_t *whk_store_key_active(whk_store_t *store, apr_pool_t *pool,
                                          const char *enterprise_id, apr_array_header_t **keys);

/** The `most` of its REVOKED keys that were registered last. */
const whk_outcome_t *whk_store_key_revoked(whk_store_t *store, apr_pool_t *pool,
                                           const char *enterprise_id, int most,
                                           apr_array_header_t **keys);

/** [T] Move lastUsedDate to `when`, where it is at least `step` before that, or more than that
 * after it: by a wrong clock. */
const whk_outcome_t *whk_store_key_used(whk_store_t *store, apr_pool_t *pool,
                                        const char *enterprise_id, const char *key_id,
                                        apr_time_t when, apr_interval_time_t step);

/* ---- key sets by URI ---- */

/** [T] A key of this set was registered: it is to be fetched no later than `refresh_at`. */
const whk_outcome_t *whk_store_remote_set_add(whk_store_t *store, apr_pool_t *pool, const char *uri,
                                              apr_time_t refresh_at, apr_time_t fresh_until);

/** The set of a URI; NULL where there is none. */
const whk_outcome_t *whk_store_remote_set_get(whk_store_t *store, apr_pool_t *pool, const char *uri,
                                              whk_remote_set_t **set);

/** The sets of an enterprise's ACTIVE keys: an array of `whk_remote_set_t *`. */
const whk_outcome_t *whk_store_remote_set_list(whk_store_t *store, apr_pool_t *pool,
                                               const char *enterprise_id,
                                               apr_array_header_t **sets);

/** What is due at `now`. What is further ahead than can have been written was written under a wrong
 *  clock: a refresh after `refresh_most` is due, and a lease until after `lease_most` is over. */
typedef struct whk_due_t {
    apr_time_t now;
    apr_time_t refresh_most;
    apr_time_t lease_most;
} whk_due_t;

/** The set that has been due for longest and is nobody's, or NULL. */
const whk_outcome_t *whk_store_remote_set_due(whk_store_t *store, apr_pool_t *pool,
                                              const whk_due_t *due, whk_remote_set_t **set);

/** Take a due set until `until`, in one atomic update, which the set remembers. `leased` is 0 where
 *  another process has it. */
const whk_outcome_t *whk_store_remote_set_lease(whk_store_t *store, apr_pool_t *pool,
                                                whk_remote_set_t *set, const whk_due_t *due,
                                                apr_time_t until, int *leased);

/** Write back what a fetch found, and give the set back: nothing is written where the lease went to
 *  somebody else meanwhile. */
const whk_outcome_t *whk_store_remote_set_update(whk_store_t *store, apr_pool_t *pool,
                                                 const whk_remote_set_t *set);

/** The ACTIVE keys of a set, of all enterprises: an array of `whk_key_t *`. */
const whk_outcome_t *whk_store_key_by_uri(whk_store_t *store, apr_pool_t *pool, const char *uri,
                                          apr_array_header_t **keys);

/** [T] Write remote_flaw, jwk, thumbprint, algorithm and seal of an ACTIVE key. `updated` is 0
 * where it is none. */
const whk_outcome_t *whk_store_key_remote(whk_store_t *store, apr_pool_t *pool,
                                          const whk_key_t *key, int *updated);

/* ---- events ---- */

/** A page of an enterprise's events, newest first: an array of `whk_event_t *`. */
const whk_outcome_t *whk_store_event_list(whk_store_t *store, apr_pool_t *pool,
                                          const char *enterprise_id, int limit, apr_int64_t offset,
                                          apr_array_header_t **events, apr_int64_t *total);

/** Up to `limit` events with an id greater than `after`, oldest first: for walking the chain. */
const whk_outcome_t *whk_store_event_walk(whk_store_t *store, apr_pool_t *pool,
                                          const char *enterprise_id, apr_int64_t after, int limit,
                                          apr_array_header_t **events);

/* ---- enterprises and admins ---- */

/** `added` is 0 where the id is there already. */
const whk_outcome_t *whk_store_enterprise_add(whk_store_t *store, apr_pool_t *pool, const char *id,
                                              const char *name, apr_time_t when, int *added);
/** NULL where there is none. */
const whk_outcome_t *whk_store_enterprise_get(whk_store_t *store, apr_pool_t *pool, const char *id,
                                              whk_enterprise_t **enterprise);
/** All, by id: an array of `whk_enterprise_t *`. */
const whk_outcome_t *whk_store_enterprise_list(whk_store_t *store, apr_pool_t *pool,
                                               apr_array_header_t **enterprises);

/** Rows that name an enterprise which has no row of its own: no version leaves any behind. */
typedef struct whk_lost_rows_t {
    const char *enterprise_id;
    const char *kind; /**< `admin`, `event`, `key` or `material` */
    apr_int64_t rows;
} whk_lost_rows_t;

/** All of them at one moment: an array of `whk_lost_rows_t *`. */
const whk_outcome_t *whk_store_enterprise_lost(whk_store_t *store, apr_pool_t *pool,
                                               apr_array_header_t **lost);

/** The row that makes a user an admin, or NULL, also where there is no such enterprise. */
const whk_outcome_t *whk_store_admin_get(whk_store_t *store, apr_pool_t *pool,
                                         const char *enterprise_id, const char *user,
                                         whk_admin_t **admin);
/** `added` is 0 where the user is one already. The enterprise must be there. */
const whk_outcome_t *whk_store_admin_add(whk_store_t *store, apr_pool_t *pool,
                                         const whk_admin_t *admin, int *added);
/** `removed` is 0 where the user is none. */
const whk_outcome_t *whk_store_admin_remove(whk_store_t *store, apr_pool_t *pool,
                                            const char *enterprise_id, const char *user,
                                            int *removed);
/** By user: an array of `whk_admin_t *`. */
const whk_outcome_t *whk_store_admin_list(whk_store_t *store, apr_pool_t *pool,
                                          const char *enterprise_id, apr_array_header_t **admins);

/* ---- tokens ---- */

/** By hash, whatever its state; NULL where there is none. */
const whk_outcome_t *whk_store_token_find(whk_store_t *store, apr_pool_t *pool, const char *hash,
                                          whk_token_t **token);
const whk_outcome_t *whk_store_token_insert(whk_store_t *store, apr_pool_t *pool,
                                            const whk_token_t *token);
/** Of one user, or of all with NULL; oldest first: an array of `whk_token_t *`. */
const whk_outcome_t *whk_store_token_list(whk_store_t *store, apr_pool_t *pool, const char *user,
                                          apr_array_header_t **tokens);
/** `revoked` is 0 where there is no such token that isn't revoked already. */
const whk_outcome_t *whk_store_token_revoke(whk_store_t *store, apr_pool_t *pool, const char *id,
                                            apr_time_t when, int *revoked);

/* ---- one-time passwords ---- */

/** NULL where the user has none. */
const whk_outcome_t *whk_store_otp_get(whk_store_t *store, apr_pool_t *pool, const char *user,
                                       whk_otp_enrolment_t **enrolment);
/** Every enrolment, by user: an array of `whk_otp_enrolment_t *`; for `whkctl check`. */
const whk_outcome_t *whk_store_otp_list(whk_store_t *store, apr_pool_t *pool,
                                        apr_array_header_t **enrolments);
/** Insert, or replace what the user had, its state included. */
const whk_outcome_t *whk_store_otp_put(whk_store_t *store, apr_pool_t *pool,
                                       const whk_otp_enrolment_t *enrolment);
const whk_outcome_t *whk_store_otp_remove(whk_store_t *store, apr_pool_t *pool, const char *user,
                                          int *removed);
/** failures = 0, not locked. `unlocked` is 0 where the user has no enrolment. */
const whk_outcome_t *whk_store_otp_unlock(whk_store_t *store, apr_pool_t *pool, const char *user,
                                          int *unlocked);
/**
 * Use a step up, in one atomic update: last_step = `step`, failures = 0, not locked. `accepted` is
 * 0, and nothing changed, where last_step is not before it, the user is locked at `now` (until
 * no later than `lock_latest`), or the sealed secret is no longer the one that the code was checked
 * by.
 */
const whk_outcome_t *whk_store_otp_accept(whk_store_t *store, apr_pool_t *pool, const char *user,
                                          const char *sealed_secret, apr_int64_t step,
                                          apr_time_t now, apr_time_t lock_latest, int *accepted);

#endif
