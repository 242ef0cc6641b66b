/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/audit_trail.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "jose/jwk_thumbprint.h"
#include "registry/key_history.h"
#include "registry/seal.h"
#include "store/admins.h"
#include "store/enterprises.h"
#include "store/events.h"
#include "store/keys.h"
#include "store/transaction.h"
#include "store/used_material.h"

/* Rows read at a time. */
#define WALK_BATCH 500

typedef struct {
    whk_store_t *store;
    apr_pool_t *pool;
    const whk_secret_key_t *secret;
    int unsealed; /* rows have no seals yet, and nobody else writes */
    const whk_enterprise_t *enterprise;
    whk_audit_report_t *report;
    whk_stories_t *stories;
    apr_int64_t told; /* id of the newest event that was walked */
    apr_hash_t *material;
    apr_array_header_t *suspects; /* keyIds whose rows say other than the events that were walked */
} inspection_t;

/* For each kind of its own, so that many of one kind hide none of another. */
static int is_full(const whk_audit_report_t *report, const char *kind)
{
    int count = 0;
    int i;

    for (i = 0; i < report->findings->nelts; i++)
        count += !strcmp(APR_ARRAY_IDX(report->findings, i, whk_audit_finding_t).kind, kind);
    return count >= WHK_AUDIT_FINDINGS_MOST;
}

static void found(inspection_t *inspection, const char *kind, const char *name, const char *flaw)
{
    whk_audit_report_t *report = inspection->report;
    whk_audit_finding_t *finding;

    if (is_full(report, kind)) {
        report->more++;
        return;
    }
    finding = &APR_ARRAY_PUSH(report->findings, whk_audit_finding_t);
    finding->kind = kind;
    finding->name = apr_pstrdup(inspection->pool, name);
    finding->flaw = flaw;
}

static void found_event(inspection_t *inspection, apr_int64_t id, const char *flaw)
{
    found(inspection, "event", apr_psprintf(inspection->pool, "%" APR_INT64_T_FMT, id), flaw);
    if (inspection->report->flaw)
        return;
    inspection->report->broken_id = id;
    inspection->report->flaw = flaw;
}

/* ---- the trail ---- */

/* Where reading goes on after so many events: at first with whatever is there, whatever its id. */
static apr_int64_t id_after(apr_int64_t events)
{
    return events ? events : APR_INT64_MIN;
}

static const char *link_flaw(apr_pool_t *pool, const whk_event_t *event,
                             const whk_audit_report_t *so_far)
{
    const char *hash;

    if (event->id < 1)
        return "it was put before the first: events are numbered from 1";
    if (event->id != so_far->events + 1)
        return "an event before this one is missing";
    hash = whk_audit_hash(pool, so_far->head, event);
    if (!hash)
        return "its hash could not be computed";
    if (strcmp(hash, event->hash) != 0)
        return "its content was changed, or it was moved: its hash doesn't follow from the event "
               "before";
    return NULL;
}

/* Behind a break the chain is of no use, but each seal still is. */
static void look_at_event(inspection_t *inspection, apr_pool_t *scratch, const whk_event_t *event)
{
    whk_audit_report_t *report = inspection->report;
    const char *flaw = report->flaw ? NULL : link_flaw(scratch, event, report);

    if (!flaw && !inspection->unsealed)
        flaw = whk_event_flaw(scratch, inspection->secret, event);
    if (flaw) {
        found_event(inspection, event->id, flaw);
        return;
    }
    whk_stories_tell(inspection->stories, event);
    if (report->flaw)
        return;
    report->events = event->id;
    apr_cpystrn(report->head, event->hash, sizeof(report->head));
}

static const whk_outcome_t *walk_events(inspection_t *inspection, apr_pool_t *scratch)
{
    apr_int64_t after = APR_INT64_MIN;
    apr_array_header_t *events;
    int i;

    while (after < inspection->enterprise->event_count) {
        apr_pool_clear(scratch);
        WHK_TRY(whk_store_event_walk(inspection->store, scratch, inspection->enterprise->id, after,
                                     WALK_BATCH, &events));
        for (i = 0; i < events->nelts; i++) {
            const whk_event_t *event = APR_ARRAY_IDX(events, i, const whk_event_t *);

            if (event->id > inspection->enterprise->event_count)
                return NULL;
            look_at_event(inspection, scratch, event);
            after = inspection->told = event->id;
        }
        if (events->nelts == 0)
            return NULL;
    }
    return NULL;
}

static void check_head(inspection_t *inspection)
{
    const whk_enterprise_t *enterprise = inspection->enterprise;
    whk_audit_report_t *report = inspection->report;

    if (report->flaw)
        return;
    if (report->events < enterprise->event_count)
        found_event(inspection, report->events + 1,
                    "this event is missing, and so is all that came after it");
    else if (strcmp(report->head, enterprise->event_head) != 0)
        found_event(inspection, report->events,
                    "its hash is not the one that the enterprise's row holds");
}

/* httpd goes on writing while we read, so an event past the count that we started from is wrong
 * only where the enterprise's row still doesn't know of it. */
static const whk_outcome_t *check_no_more(inspection_t *inspection)
{
    const whk_enterprise_t *enterprise = inspection->enterprise;
    apr_array_header_t *events;
    whk_enterprise_t *now;

    if (inspection->report->flaw)
        return NULL;
    WHK_TRY(whk_store_event_walk(inspection->store, inspection->pool, enterprise->id,
                                 id_after(enterprise->event_count), 1, &events));
    if (events->nelts == 0)
        return NULL;
    WHK_TRY(whk_store_enterprise_get(inspection->store, inspection->pool, enterprise->id, &now));
    if (!now || now->event_count <= enterprise->event_count)
        found_event(inspection, APR_ARRAY_IDX(events, 0, const whk_event_t *)->id,
                    "it was added behind the back of the enterprise's row");
    return NULL;
}

/* ---- keys ---- */

static const char *row_flaw(const inspection_t *inspection, apr_pool_t *scratch,
                            const whk_key_t *key)
{
    const char *thumbprint;

    if (!inspection->unsealed || key->corrupt)
        return whk_key_flaw(scratch, inspection->secret, key);
    thumbprint = whk_jwk_stored_thumbprint(key->jwk, scratch);
    return thumbprint && !strcmp(thumbprint, key->thumbprint)
               ? NULL
               : "its material has another thumbprint than the row says";
}

static void look_at_key(inspection_t *inspection, apr_pool_t *scratch, const whk_key_t *key)
{
    whk_story_t *story = whk_stories_of(inspection->stories, key->key_id);
    const char *flaw = row_flaw(inspection, scratch, key);

    if (story)
        story->has_row = 1;
    if (flaw)
        found(inspection, "key", key->key_id, flaw);
    else if (whk_story_flaw(story, key) ||
             !apr_hash_get(inspection->material, key->thumbprint, APR_HASH_KEY_STRING))
        APR_ARRAY_PUSH(inspection->suspects, const char *) =
            apr_pstrdup(inspection->pool, key->key_id);
}

static const whk_outcome_t *walk_keys(inspection_t *inspection, apr_pool_t *scratch)
{
    const char *after = "";
    apr_array_header_t *keys;
    whk_key_t *nameless;
    int i;

    /* The walk begins beyond it. */
    WHK_TRY(whk_store_key_get(inspection->store, inspection->pool, inspection->enterprise->id, "",
                              &nameless));
    if (nameless)
        found(inspection, "key", "", "no key of ours is without a keyId");
    for (;;) {
        after = apr_pstrdup(inspection->pool, after);
        apr_pool_clear(scratch);
        WHK_TRY(whk_store_key_walk(inspection->store, scratch, inspection->enterprise->id, after,
                                   WALK_BATCH, &keys));
        for (i = 0; i < keys->nelts; i++) {
            const whk_key_t *key = APR_ARRAY_IDX(keys, i, const whk_key_t *);

            /* As text they are one, and for the database not: nobody of ours wrote that. */
            if (strcmp(key->key_id, after) <= 0) {
                found(inspection, "key", key->key_id, "there is another row of the same keyId");
                return NULL;
            }
            look_at_key(inspection, scratch, key);
            after = key->key_id;
        }
        if (keys->nelts == 0)
            return NULL;
    }
}

static void suspect_keys_without_row(inspection_t *inspection)
{
    apr_hash_index_t *index;
    void *story;

    for (index = apr_hash_first(inspection->pool, inspection->stories->by_key_id); index;
         index = apr_hash_next(index)) {
        apr_hash_this(index, NULL, NULL, &story);
        if (!((whk_story_t *)story)->has_row)
            APR_ARRAY_PUSH(inspection->suspects, const char *) = ((whk_story_t *)story)->key_id;
    }
}

static const whk_outcome_t *tell_newer_events(inspection_t *inspection)
{
    apr_array_header_t *events;
    int i;

    do {
        WHK_TRY(whk_store_event_walk(inspection->store, inspection->pool,
                                     inspection->enterprise->id, id_after(inspection->told),
                                     WALK_BATCH, &events));
        for (i = 0; i < events->nelts; i++) {
            const whk_event_t *event = APR_ARRAY_IDX(events, i, const whk_event_t *);

            if (inspection->unsealed ||
                !whk_event_flaw(inspection->pool, inspection->secret, event))
                whk_stories_tell(inspection->stories, event);
            inspection->told = event->id;
        }
    } while (events->nelts > 0);
    return NULL;
}

static const whk_outcome_t *judge_suspect(inspection_t *inspection, const char *key_id)
{
    const char *enterprise_id = inspection->enterprise->id;
    const char *flaw;
    const char *user;
    whk_key_t *key;

    WHK_TRY(whk_store_key_get(inspection->store, inspection->pool, enterprise_id, key_id, &key));
    if (!key) {
        found(inspection, "key", key_id, "its row is missing, but events tell of it");
        return NULL;
    }
    flaw = whk_story_flaw(whk_stories_of(inspection->stories, key_id), key);
    if (flaw)
        found(inspection, "key", key_id, flaw);
    WHK_TRY(whk_store_material_get(inspection->store, inspection->pool, enterprise_id,
                                   key->thumbprint, &user));
    if (!user)
        found(inspection, "material", key->thumbprint,
              "a key has it, but the table of used material does not");
    return NULL;
}

static const whk_outcome_t *judge_suspects(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    inspection_t *inspection = baton;
    int before = inspection->report->findings->nelts;
    const whk_outcome_t *outcome;
    int i;

    (void)store;
    (void)pool;
    outcome = tell_newer_events(inspection);
    for (i = 0; i < inspection->suspects->nelts && !outcome; i++)
        outcome = judge_suspect(inspection, APR_ARRAY_IDX(inspection->suspects, i, const char *));
    /* It may be tried again, from scratch. */
    if (outcome)
        inspection->report->findings->nelts = before;
    return outcome;
}

/* What was registered, revoked or rotated since the events were walked looks wrong and is not: with
 * everybody else locked out it shows. */
static const whk_outcome_t *confirm_suspects(inspection_t *inspection)
{
    if (inspection->suspects->nelts == 0)
        return NULL;
    return inspection->unsealed ? judge_suspects(inspection->store, inspection, inspection->pool)
                                : whk_store_transaction(inspection->store, inspection->pool,
                                                        judge_suspects, inspection);
}

/* ---- used material, and admins ---- */

static const whk_outcome_t *walk_material(inspection_t *inspection, apr_pool_t *scratch)
{
    const char *after = "";
    apr_array_header_t *thumbprints;
    int i;

    for (;;) {
        apr_pool_clear(scratch);
        WHK_TRY(whk_store_material_walk(inspection->store, scratch, inspection->enterprise->id,
                                        after, WALK_BATCH, &thumbprints));
        for (i = 0; i < thumbprints->nelts; i++) {
            const char *next =
                apr_pstrdup(inspection->pool, APR_ARRAY_IDX(thumbprints, i, const char *));

            if (strcmp(next, after) <= 0)
                return NULL;
            apr_hash_set(inspection->material, next, APR_HASH_KEY_STRING, next);
            after = next;
        }
        if (thumbprints->nelts == 0)
            return NULL;
    }
}

static void check_material(inspection_t *inspection)
{
    apr_hash_index_t *index;
    const void *thumbprint;

    for (index = apr_hash_first(inspection->pool, inspection->stories->thumbprints); index;
         index = apr_hash_next(index)) {
        apr_hash_this(index, &thumbprint, NULL, NULL);
        if (!apr_hash_get(inspection->material, thumbprint, APR_HASH_KEY_STRING))
            found(inspection, "material", thumbprint,
                  "events tell of it, but the table of used material does not");
    }
}

static const whk_outcome_t *check_admins(inspection_t *inspection)
{
    apr_array_header_t *admins;
    int i;

    if (inspection->unsealed)
        return NULL;
    WHK_TRY(whk_store_admin_list(inspection->store, inspection->pool, inspection->enterprise->id,
                                 &admins));
    for (i = 0; i < admins->nelts; i++) {
        const whk_admin_t *admin = APR_ARRAY_IDX(admins, i, const whk_admin_t *);
        const char *flaw = whk_admin_flaw(inspection->pool, inspection->secret, admin);

        if (flaw)
            found(inspection, "admin", admin->user, flaw);
    }
    return NULL;
}

/* ---- the whole ---- */

/* The events first: what is written meanwhile is in the rows then, and never the other way. */
static const whk_outcome_t *inspect(inspection_t *inspection, apr_pool_t *scratch)
{
    WHK_TRY(walk_events(inspection, scratch));
    check_head(inspection);
    WHK_TRY(check_no_more(inspection));
    WHK_TRY(walk_material(inspection, scratch));
    check_material(inspection);
    WHK_TRY(walk_keys(inspection, scratch));
    suspect_keys_without_row(inspection);
    WHK_TRY(confirm_suspects(inspection));
    return check_admins(inspection);
}

static const whk_outcome_t *verify(inspection_t *inspection, const whk_enterprise_t *enterprise,
                                   whk_audit_report_t *report)
{
    apr_pool_t *scratch;
    const whk_outcome_t *outcome;

    memset(report, 0, sizeof(*report));
    report->enterprise_id = enterprise->id;
    report->findings = apr_array_make(inspection->pool, 4, sizeof(whk_audit_finding_t));
    inspection->enterprise = enterprise;
    inspection->report = report;
    inspection->stories = whk_stories_make(inspection->pool);
    inspection->material = apr_hash_make(inspection->pool);
    inspection->suspects = apr_array_make(inspection->pool, 4, sizeof(const char *));
    apr_pool_create(&scratch, inspection->pool);
    outcome = inspect(inspection, scratch);
    apr_pool_destroy(scratch);
    return outcome;
}

const whk_outcome_t *whk_audit_verify(whk_registry_t *registry, const whk_enterprise_t *enterprise,
                                      whk_audit_report_t *report)
{
    inspection_t inspection = {
        .store = registry->store, .pool = registry->pool, .secret = registry->secret};

    return verify(&inspection, enterprise, report);
}

const whk_outcome_t *whk_audit_verify_unsealed(whk_store_t *store, apr_pool_t *pool,
                                               const whk_enterprise_t *enterprise,
                                               whk_audit_report_t *report)
{
    inspection_t inspection = {.store = store, .pool = pool, .unsealed = 1};

    return verify(&inspection, enterprise, report);
}
