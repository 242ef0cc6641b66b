/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/reseal.h"

#include <apr_strings.h>
#include <string.h>

#include "model/log_number.h"
#include "model/name.h"
#include "otp/secret_box.h"
#include "registry/enterprise_walk.h"
#include "registry/seal.h"
#include "store/admins.h"
#include "store/enterprises.h"
#include "store/events.h"
#include "store/keys.h"
#include "store/otp_enrolments.h"
#include "store/transaction.h"

/* Rows of a transaction. */
#define BATCH 200

/* One walk through a registry. */
typedef struct {
    whk_store_t *store;
    whk_reseal_t *reseal;
    int first_seals; /* rows have none: in the transaction of a migration */
} walk_t;

/* A row, and the seal that it is to get. */
typedef struct {
    const void *row;
    const char *seal;
} change_t;

typedef const whk_outcome_t *(*write_fn)(whk_store_t *store, apr_pool_t *pool, const void *row,
                                         const char *seal, int *done);

typedef struct {
    const apr_array_header_t *changes; /* change_t */
    write_fn write;
    apr_int64_t done;
} batch_t;

static const whk_outcome_t *write_changes(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    batch_t *batch = baton;
    int i;

    batch->done = 0;
    for (i = 0; i < batch->changes->nelts; i++) {
        const change_t *change = &APR_ARRAY_IDX(batch->changes, i, change_t);
        int done = 0;

        WHK_TRY(batch->write(store, pool, change->row, change->seal, &done));
        batch->done += done;
    }
    return NULL;
}

/* What was sealed was computed before: the transaction holds nothing but its updates. */
static const whk_outcome_t *write_batch(walk_t *walk, apr_pool_t *pool,
                                        const apr_array_header_t *changes, write_fn write,
                                        apr_int64_t *count)
{
    batch_t batch = {changes, write, 0};

    if (changes->nelts == 0)
        return NULL;
    WHK_TRY(walk->first_seals ? write_changes(walk->store, &batch, pool)
                              : whk_store_transaction(walk->store, pool, write_changes, &batch));
    *count += batch.done;
    walk->reseal->busy += changes->nelts - batch.done;
    if (walk->reseal->progress)
        walk->reseal->progress(walk->reseal);
    return NULL;
}

/* A row under another key. */
typedef struct {
    const void *row;
    const char *kind;
    const char *name;
    const char *enterprise_id; /* NULL: of none */
} found_t;

static void note_name(whk_reseal_t *reseal, apr_pool_t *pool, const found_t *found)
{
    apr_size_t length = strlen(reseal->names);
    const char *line;

    /* None has a line feed in it, where it is ours. */
    if (length >= sizeof(reseal->names) / 2 || strchr(found->name, '\n'))
        return;
    line = apr_pstrcat(pool, found->kind, " ", found->name, found->enterprise_id ? " of " : "",
                       found->enterprise_id ? found->enterprise_id : "", "\n", NULL);
    if (strlen(line) < sizeof(reseal->names) - length)
        apr_cpystrn(reseal->names + length, line, sizeof(reseal->names) - length);
}

/* Add a row to a batch where it needs another seal. `flaw`: why its own is no good; `seal`: the new
 * one. */
static const whk_outcome_t *add_change(walk_t *walk, apr_pool_t *pool, apr_array_header_t *changes,
                                       const found_t *found, const char *flaw, const char *seal)
{
    change_t *change;

    if (flaw && !walk->first_seals) {
        walk->reseal->bad++;
        return NULL;
    }
    if (!seal)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0221) "OpenSSL can't compute HMAC-SHA256");
    note_name(walk->reseal, pool, found);
    if (walk->reseal->look) {
        walk->reseal->busy++;
        return NULL;
    }
    change = &APR_ARRAY_PUSH(changes, change_t);
    change->row = found->row;
    change->seal = seal;
    return NULL;
}

static apr_array_header_t *new_changes(apr_pool_t *pool)
{
    return apr_array_make(pool, BATCH, sizeof(change_t));
}

/* ---- keys ---- */

static const whk_outcome_t *write_key(whk_store_t *store, apr_pool_t *pool, const void *row,
                                      const char *seal, int *done)
{
    return whk_store_key_reseal(store, pool, row, seal, done);
}

static const whk_outcome_t *reseal_keys_of(walk_t *walk, apr_pool_t *pool,
                                           const apr_array_header_t *keys)
{
    const whk_secret_key_t *secret = walk->reseal->secret;
    apr_array_header_t *changes = new_changes(pool);
    int i;

    for (i = 0; i < keys->nelts; i++) {
        const whk_key_t *key = APR_ARRAY_IDX(keys, i, const whk_key_t *);
        found_t found;

        if (whk_secret_key_is_current(secret, key->seal))
            continue;
        found = (found_t){key, "key", key->key_id, key->enterprise_id};
        WHK_TRY(add_change(walk, pool, changes, &found, whk_key_flaw(pool, secret, key),
                           whk_key_seal(pool, secret, key)));
    }
    return write_batch(walk, pool, changes, write_key, &walk->reseal->keys);
}

static const whk_outcome_t *reseal_keys(walk_t *walk, apr_pool_t *pool, const char *enterprise_id)
{
    char after[WHK_NAME_MAX * 4 + 1] = "";
    apr_array_header_t *keys;

    do {
        apr_pool_clear(pool);
        WHK_TRY(whk_store_key_walk(walk->store, pool, enterprise_id, after, BATCH, &keys));
        WHK_TRY(reseal_keys_of(walk, pool, keys));
        if (keys->nelts > 0) {
            const char *last = APR_ARRAY_IDX(keys, keys->nelts - 1, const whk_key_t *)->key_id;

            /* No keyId of ours: whkctl audit verify names it. */
            if (strcmp(last, after) <= 0 || strlen(last) >= sizeof(after))
                return NULL;
            apr_cpystrn(after, last, sizeof(after));
        }
    } while (keys->nelts > 0);
    return NULL;
}

/* ---- admins ---- */

static const whk_outcome_t *write_admin(whk_store_t *store, apr_pool_t *pool, const void *row,
                                        const char *seal, int *done)
{
    return whk_store_admin_reseal(store, pool, row, seal, done);
}

static const whk_outcome_t *reseal_admins(walk_t *walk, apr_pool_t *pool, const char *enterprise_id)
{
    const whk_secret_key_t *secret = walk->reseal->secret;
    apr_array_header_t *changes;
    apr_array_header_t *admins;
    int i;

    apr_pool_clear(pool);
    changes = new_changes(pool);
    WHK_TRY(whk_store_admin_list(walk->store, pool, enterprise_id, &admins));
    for (i = 0; i < admins->nelts; i++) {
        const whk_admin_t *admin = APR_ARRAY_IDX(admins, i, const whk_admin_t *);
        found_t found;

        if (whk_secret_key_is_current(secret, admin->seal))
            continue;
        found = (found_t){admin, "admin", admin->user, admin->enterprise_id};
        WHK_TRY(add_change(walk, pool, changes, &found, whk_admin_flaw(pool, secret, admin),
                           whk_admin_seal(pool, secret, admin)));
    }
    return write_batch(walk, pool, changes, write_admin, &walk->reseal->admins);
}

/* ---- events ---- */

static const whk_outcome_t *write_event(whk_store_t *store, apr_pool_t *pool, const void *row,
                                        const char *seal, int *done)
{
    return whk_store_event_reseal(store, pool, row, seal, done);
}

static const whk_outcome_t *reseal_events(walk_t *walk, apr_pool_t *pool, const char *enterprise_id)
{
    const whk_secret_key_t *secret = walk->reseal->secret;
    apr_int64_t after = APR_INT64_MIN;
    apr_array_header_t *changes;
    apr_array_header_t *events;
    int i;

    do {
        apr_pool_clear(pool);
        changes = new_changes(pool);
        WHK_TRY(whk_store_event_walk(walk->store, pool, enterprise_id, after, BATCH, &events));
        for (i = 0; i < events->nelts; i++) {
            const whk_event_t *event = APR_ARRAY_IDX(events, i, const whk_event_t *);
            found_t found;

            after = event->id;
            if (whk_secret_key_is_current(secret, event->seal))
                continue;
            found = (found_t){event, "event", apr_psprintf(pool, "%" APR_INT64_T_FMT, event->id),
                              event->enterprise_id};
            WHK_TRY(add_change(walk, pool, changes, &found, whk_event_flaw(pool, secret, event),
                               whk_event_seal(pool, secret, event)));
        }
        WHK_TRY(write_batch(walk, pool, changes, write_event, &walk->reseal->events));
    } while (events->nelts > 0);
    return NULL;
}

/* ---- OTP secrets ---- */

static const whk_outcome_t *write_secret(whk_store_t *store, apr_pool_t *pool, const void *row,
                                         const char *seal, int *done)
{
    return whk_store_otp_reseal(store, pool, row, seal, done);
}

static const whk_outcome_t *add_secret(walk_t *walk, apr_pool_t *pool, apr_array_header_t *changes,
                                       const whk_otp_enrolment_t *enrolment)
{
    whk_totp_t totp = {enrolment->algorithm, enrolment->digits, enrolment->period};
    const found_t found = {enrolment, "OTP secret of", enrolment->user, NULL};
    const unsigned char *opened;
    const char *flaw;
    apr_size_t length;

    if (!whk_secret_open(pool, walk->reseal->secret, enrolment->user, &totp,
                         enrolment->sealed_secret, &opened, &length, &flaw))
        return add_change(walk, pool, changes, &found, flaw, NULL);
    return add_change(
        walk, pool, changes, &found, NULL,
        whk_secret_seal(pool, walk->reseal->secret, enrolment->user, &totp, opened, length));
}

static const whk_outcome_t *reseal_secrets(walk_t *walk, apr_pool_t *all, apr_pool_t *pool)
{
    apr_array_header_t *enrolments;
    apr_array_header_t *changes;
    int i = 0;

    WHK_TRY(whk_store_otp_list(walk->store, all, &enrolments));
    while (i < enrolments->nelts) {
        apr_pool_clear(pool);
        changes = new_changes(pool);
        for (; i < enrolments->nelts && changes->nelts < BATCH; i++) {
            const whk_otp_enrolment_t *enrolment =
                APR_ARRAY_IDX(enrolments, i, const whk_otp_enrolment_t *);

            if (whk_secret_key_is_current(walk->reseal->secret, enrolment->sealed_secret) ||
                !strncmp(enrolment->sealed_secret, WHK_OTP_ELSEWHERE, strlen(WHK_OTP_ELSEWHERE)))
                continue;
            WHK_TRY(add_secret(walk, pool, changes, enrolment));
        }
        WHK_TRY(write_batch(walk, pool, changes, write_secret, &walk->reseal->secrets));
    }
    return NULL;
}

/* ---- the whole ---- */

static const whk_outcome_t *reseal_enterprise(void *walk, const whk_enterprise_t *enterprise,
                                              apr_pool_t *pool)
{
    WHK_TRY(reseal_keys(walk, pool, enterprise->id));
    WHK_TRY(reseal_admins(walk, pool, enterprise->id));
    return reseal_events(walk, pool, enterprise->id);
}

/* What fails outlives the pool of the batch in which it did. */
static const whk_outcome_t *reseal_secrets_apart(walk_t *walk, apr_pool_t *pool)
{
    const whk_outcome_t *outcome;
    apr_pool_t *all, *batch;

    apr_pool_create(&all, pool);
    apr_pool_create(&batch, all);
    outcome = reseal_secrets(walk, all, batch);
    if (outcome)
        outcome = whk_outcome_copy(pool, outcome);
    apr_pool_destroy(all);
    return outcome;
}

static const whk_outcome_t *walk_through(walk_t *walk, apr_pool_t *pool)
{
    WHK_TRY(whk_enterprise_walk(walk->store, pool, reseal_enterprise, walk));
    return walk->first_seals ? NULL : reseal_secrets_apart(walk, pool);
}

const whk_outcome_t *whk_reseal(whk_registry_t *registry, whk_reseal_t *reseal)
{
    walk_t walk = {registry->store, reseal, 0};

    return walk_through(&walk, registry->pool);
}

const whk_outcome_t *whk_seal_first(whk_store_t *store, const whk_secret_key_t *secret,
                                    apr_pool_t *pool)
{
    whk_reseal_t reseal = {.secret = secret};
    walk_t walk = {store, &reseal, 1};

    return walk_through(&walk, pool);
}
