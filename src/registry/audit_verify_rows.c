/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/audit_verify.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

#include "registry/seal.h"
#include "store/admins.h"
#include "store/keys.h"
#include "store/transaction.h"
#include "store/used_material.h"

typedef struct {
    whk_audit_inspection_t *inspection;
    apr_hash_t *material; /* thumbprints that the table of used material has */
    apr_array_header_t
        *unconfirmed; /* keyIds whose rows say other than the events that were read */
    int found_before; /* findings, when what differs was asked anew */
} rows_t;

static void found(const rows_t *rows, const char *kind, const char *name, const char *flaw)
{
    whk_audit_report_add(rows->inspection->report, kind, name, flaw, rows->inspection->pool);
}

/* ---- keys ---- */

static const char *row_flaw(const rows_t *rows, apr_pool_t *scratch, const whk_key_t *key)
{
    if (!rows->inspection->unsealed || key->corrupt)
        return whk_key_flaw(scratch, rows->inspection->secret, key);
    return whk_key_material_flaw(scratch, key);
}

static void verify_key(rows_t *rows, apr_pool_t *scratch, const whk_key_t *key)
{
    whk_key_history_t *history = whk_key_histories_get(rows->inspection->histories, key->key_id);
    const char *flaw = row_flaw(rows, scratch, key);

    if (history)
        history->has_row = 1;
    whk_audit_number_add(rows->inspection, key->number,
                         history ? history->key_id
                                 : apr_pstrdup(rows->inspection->pool, key->key_id));
    if (flaw)
        found(rows, "key", key->key_id, flaw);
    else if (whk_key_history_flaw(history, key) ||
             !apr_hash_get(rows->material, key->thumbprint, APR_HASH_KEY_STRING))
        APR_ARRAY_PUSH(rows->unconfirmed, const char *) =
            apr_pstrdup(rows->inspection->pool, key->key_id);
}

static const whk_outcome_t *walk_keys(rows_t *rows, apr_pool_t *scratch)
{
    const char *after = "";
    apr_array_header_t *keys;
    whk_key_t *nameless;
    int i;

    /* The walk begins beyond it. */
    WHK_TRY(whk_store_key_get(rows->inspection->store, rows->inspection->pool,
                              rows->inspection->enterprise->id, "", &nameless));
    if (nameless)
        found(rows, "key", "", "no key of ours is without a keyId");
    for (;;) {
        after = apr_pstrdup(rows->inspection->pool, after);
        apr_pool_clear(scratch);
        WHK_TRY(whk_store_key_walk(rows->inspection->store, scratch,
                                   rows->inspection->enterprise->id, after, WHK_AUDIT_BATCH,
                                   &keys));
        for (i = 0; i < keys->nelts; i++) {
            const whk_key_t *key = APR_ARRAY_IDX(keys, i, const whk_key_t *);

            /* As text they are one, and for the database not: nobody of ours wrote that. */
            if (strcmp(key->key_id, after) <= 0) {
                found(rows, "key", key->key_id, "there is another row of the same keyId");
                return NULL;
            }
            verify_key(rows, scratch, key);
            after = key->key_id;
        }
        if (keys->nelts == 0)
            return NULL;
    }
}

static void note_missing_rows(rows_t *rows)
{
    apr_hash_index_t *index;
    void *history;

    for (index = apr_hash_first(rows->inspection->pool, rows->inspection->histories->by_key_id);
         index; index = apr_hash_next(index)) {
        apr_hash_this(index, NULL, NULL, &history);
        if (!((whk_key_history_t *)history)->has_row)
            APR_ARRAY_PUSH(rows->unconfirmed, const char *) =
                ((whk_key_history_t *)history)->key_id;
    }
}

static const whk_outcome_t *confirm(rows_t *rows, const char *key_id)
{
    const char *enterprise_id = rows->inspection->enterprise->id;
    const char *flaw;
    const char *user;
    whk_key_t *key;

    WHK_TRY(whk_store_key_get(rows->inspection->store, rows->inspection->pool, enterprise_id,
                              key_id, &key));
    if (!key) {
        found(rows, "key", key_id, "its row is missing, but events tell of it");
        return NULL;
    }
    flaw = whk_key_history_flaw(whk_key_histories_get(rows->inspection->histories, key_id), key);
    if (flaw)
        found(rows, "key", key_id, flaw);
    WHK_TRY(whk_store_material_get(rows->inspection->store, rows->inspection->pool, enterprise_id,
                                   key->thumbprint, &user));
    if (!user)
        found(rows, "material", key->thumbprint,
              "a key has it, but the table of used material does not");
    return NULL;
}

static const whk_outcome_t *confirm_locked(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    rows_t *rows = baton;
    const whk_outcome_t *outcome;
    int i;

    (void)store;
    (void)pool;
    /* It may be tried again, from scratch. */
    rows->inspection->report->findings->nelts = rows->found_before;
    outcome = whk_audit_chain_read_newer(rows->inspection);
    for (i = 0; i < rows->unconfirmed->nelts && !outcome; i++)
        outcome = confirm(rows, APR_ARRAY_IDX(rows->unconfirmed, i, const char *));
    return outcome;
}

/* What was registered, revoked or rotated since the events were walked looks wrong and is not: with
 * everybody else locked out it shows. */
static const whk_outcome_t *confirm_differences(rows_t *rows)
{
    if (rows->unconfirmed->nelts == 0)
        return NULL;
    rows->found_before = rows->inspection->report->findings->nelts;
    return rows->inspection->unsealed
               ? confirm_locked(rows->inspection->store, rows, rows->inspection->pool)
               : whk_store_transaction(rows->inspection->store, rows->inspection->pool,
                                       confirm_locked, rows);
}

/* ---- used material, and admins ---- */

static const whk_outcome_t *walk_material(rows_t *rows, apr_pool_t *scratch)
{
    const char *after = "";
    apr_array_header_t *thumbprints;
    int i;

    for (;;) {
        apr_pool_clear(scratch);
        WHK_TRY(whk_store_material_walk(rows->inspection->store, scratch,
                                        rows->inspection->enterprise->id, after, WHK_AUDIT_BATCH,
                                        &thumbprints));
        for (i = 0; i < thumbprints->nelts; i++) {
            const char *next =
                apr_pstrdup(rows->inspection->pool, APR_ARRAY_IDX(thumbprints, i, const char *));

            if (strcmp(next, after) <= 0)
                return NULL;
            apr_hash_set(rows->material, next, APR_HASH_KEY_STRING, next);
            after = next;
        }
        if (thumbprints->nelts == 0)
            return NULL;
    }
}

static void check_material(rows_t *rows)
{
    apr_hash_index_t *index;
    const void *thumbprint;

    for (index = apr_hash_first(rows->inspection->pool, rows->inspection->histories->thumbprints);
         index; index = apr_hash_next(index)) {
        apr_hash_this(index, &thumbprint, NULL, NULL);
        if (!apr_hash_get(rows->material, thumbprint, APR_HASH_KEY_STRING))
            found(rows, "material", thumbprint,
                  "events tell of it, but the table of used material does not");
    }
}

static const whk_outcome_t *check_admins(rows_t *rows)
{
    apr_array_header_t *admins;
    int i;

    if (rows->inspection->unsealed)
        return NULL;
    WHK_TRY(whk_store_admin_list(rows->inspection->store, rows->inspection->pool,
                                 rows->inspection->enterprise->id, &admins));
    for (i = 0; i < admins->nelts; i++) {
        const whk_admin_t *admin = APR_ARRAY_IDX(admins, i, const whk_admin_t *);
        const char *flaw = whk_admin_flaw(rows->inspection->pool, rows->inspection->secret, admin);

        if (flaw)
            found(rows, "admin", admin->user, flaw);
    }
    return NULL;
}

/* ---- the whole ---- */

const whk_outcome_t *whk_audit_rows_verify(whk_audit_inspection_t *inspection, apr_pool_t *scratch)
{
    rows_t rows = {inspection, apr_hash_make(inspection->pool),
                   apr_array_make(inspection->pool, 4, sizeof(const char *)), 0};

    WHK_TRY(walk_material(&rows, scratch));
    check_material(&rows);
    WHK_TRY(walk_keys(&rows, scratch));
    note_missing_rows(&rows);
    WHK_TRY(confirm_differences(&rows));
    WHK_TRY(whk_audit_numbers_verify(inspection));
    return check_admins(&rows);
}
