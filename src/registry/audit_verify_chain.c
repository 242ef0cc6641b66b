/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/audit_verify.h"

#include <apr_strings.h>
#include <string.h>

#include "registry/audit_trail.h"
#include "registry/seal.h"
#include "store/events.h"

static void found(whk_audit_inspection_t *inspection, apr_int64_t id, const char *flaw)
{
    whk_audit_report_t *report = inspection->report;

    whk_audit_report_add(report, "event", apr_psprintf(inspection->pool, "%" APR_INT64_T_FMT, id),
                         flaw, inspection->pool);
    if (report->flaw)
        return;
    report->broken_id = id;
    report->flaw = flaw;
}

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
static void verify_event(whk_audit_inspection_t *inspection, apr_pool_t *scratch,
                         const whk_event_t *event)
{
    whk_audit_report_t *report = inspection->report;
    const char *flaw = report->flaw ? NULL : link_flaw(scratch, event, report);

    if (!flaw && !inspection->unsealed)
        flaw = whk_event_flaw(scratch, inspection->secret, event);
    if (flaw) {
        found(inspection, event->id, flaw);
        return;
    }
    whk_key_histories_add(inspection->histories, event);
    if (report->flaw)
        return;
    report->events = event->id;
    apr_cpystrn(report->head, event->hash, sizeof(report->head));
}

static const whk_outcome_t *walk_events(whk_audit_inspection_t *inspection, apr_pool_t *scratch)
{
    apr_int64_t after = APR_INT64_MIN;
    apr_array_header_t *events;
    int i;

    while (after < inspection->enterprise->event_count) {
        apr_pool_clear(scratch);
        WHK_TRY(whk_store_event_walk(inspection->store, scratch, inspection->enterprise->id, after,
                                     WHK_AUDIT_BATCH, &events));
        for (i = 0; i < events->nelts; i++) {
            const whk_event_t *event = APR_ARRAY_IDX(events, i, const whk_event_t *);

            if (event->id > inspection->enterprise->event_count)
                return NULL;
            verify_event(inspection, scratch, event);
            after = inspection->last_event = event->id;
        }
        if (events->nelts == 0)
            return NULL;
    }
    return NULL;
}

static void check_head(whk_audit_inspection_t *inspection)
{
    const whk_enterprise_t *enterprise = inspection->enterprise;
    whk_audit_report_t *report = inspection->report;

    if (report->flaw)
        return;
    if (report->events < enterprise->event_count)
        found(inspection, report->events + 1,
              "this event is missing, and so is all that came after it");
    else if (strcmp(report->head, enterprise->event_head) != 0)
        found(inspection, report->events,
              "its hash is not the one that the enterprise's row holds");
}

/* httpd goes on writing while we read, so an event past the count that we started from is wrong
 * only where the enterprise's row still doesn't know of it. */
static const whk_outcome_t *check_no_more(whk_audit_inspection_t *inspection)
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
        found(inspection, APR_ARRAY_IDX(events, 0, const whk_event_t *)->id,
              "it was added behind the back of the enterprise's row");
    return NULL;
}

const whk_outcome_t *whk_audit_chain_verify(whk_audit_inspection_t *inspection, apr_pool_t *scratch)
{
    WHK_TRY(walk_events(inspection, scratch));
    check_head(inspection);
    return check_no_more(inspection);
}

const whk_outcome_t *whk_audit_chain_read_newer(whk_audit_inspection_t *inspection)
{
    apr_array_header_t *events;
    int i;

    do {
        WHK_TRY(whk_store_event_walk(inspection->store, inspection->pool,
                                     inspection->enterprise->id, id_after(inspection->last_event),
                                     WHK_AUDIT_BATCH, &events));
        for (i = 0; i < events->nelts; i++) {
            const whk_event_t *event = APR_ARRAY_IDX(events, i, const whk_event_t *);

            if (inspection->unsealed ||
                !whk_event_flaw(inspection->pool, inspection->secret, event))
                whk_key_histories_add(inspection->histories, event);
            inspection->last_event = event->id;
        }
    } while (events->nelts > 0);
    return NULL;
}
