#include "registry/audit.h"

#include <string.h>

#include <apr_strings.h>

#include "registry/digest.h"

/* Events read at a time when a chain is walked. */
#define WALK_BATCH 500

static const char *netstring(apr_pool_t *pool, const char *text)
{
    return text ? apr_psprintf(pool, "%" APR_SIZE_T_FMT ":%s,", strlen(text), text) : "-,";
}

static const char *netstring_number(apr_pool_t *pool, apr_int64_t number)
{
    return netstring(pool, apr_psprintf(pool, "%" APR_INT64_T_FMT, number));
}

static const char *event_hash(apr_pool_t *pool, const char *previous, const whk_event_t *event)
{
    const char *text = apr_pstrcat(
        pool, netstring(pool, previous), netstring(pool, event->enterprise_id),
        netstring_number(pool, event->id), netstring(pool, event->type),
        netstring(pool, event->key_id), netstring(pool, event->actor),
        netstring_number(pool, apr_time_as_msec(event->at)), netstring(pool, event->remote_address),
        netstring(pool, event->request_id), netstring(pool, event->detail), NULL);

    return whk_sha256_hex(pool, text, strlen(text));
}

const whk_outcome_t *whk_audit_append(whk_store_t *store, apr_pool_t *pool,
                                      whk_enterprise_t *enterprise, whk_event_type_t type,
                                      const char *key_id, const whk_caller_t *caller,
                                      const char *detail, apr_time_t when)
{
    whk_event_t event = {
        .id = enterprise->event_count + 1,
        .enterprise_id = enterprise->id,
        .type = whk_event_type_name(type),
        .key_id = key_id,
        .actor = whk_caller_actor(caller),
        .at = when,
        .remote_address = whk_caller_remote_address(caller),
        .request_id = whk_caller_request_id(caller),
        .detail = detail,
    };

    event.hash = event_hash(pool, enterprise->event_head, &event);
    if (!event.hash)
        return whk_fail(pool, WHK_INTERNAL_ERROR, "SHA-256 is not available in OpenSSL");
    WHK_TRY(whk_store_event_insert(store, pool, &event));
    enterprise->event_count = event.id;
    enterprise->event_head = event.hash;
    return NULL;
}

/* Where reading goes on after so many events: at first with whatever is there, whatever its id. */
static apr_int64_t id_after(apr_int64_t events)
{
    return events ? events : APR_INT64_MIN;
}

static const char *event_flaw(apr_pool_t *pool, const whk_event_t *event,
                              const whk_audit_report_t *so_far)
{
    const char *hash;

    if (event->id < 1)
        return "it was put before the first: events are numbered from 1";
    if (event->id != so_far->events + 1)
        return "an event before this one is missing";
    hash = event_hash(pool, so_far->head, event);
    if (!hash)
        return "its hash could not be computed";
    if (strcmp(hash, event->hash) != 0)
        return "its content was changed, or it was moved: its hash doesn't follow from the event "
               "before";
    return NULL;
}

static void check_head(const whk_enterprise_t *enterprise, whk_audit_report_t *report)
{
    if (report->events < enterprise->event_count) {
        report->broken_id = report->events + 1;
        report->flaw = "this event is missing, and so is all that came after it";
    } else if (strcmp(report->head, enterprise->event_head) != 0) {
        report->broken_id = report->events;
        report->flaw = "its hash is not the one that the enterprise's row holds";
    }
}

/* httpd goes on writing while we read, so an event past the count that we started from is wrong
 * only where the enterprise's row still doesn't know of it. */
static const whk_outcome_t *check_no_more(whk_registry_t *registry,
                                          const whk_enterprise_t *enterprise,
                                          whk_audit_report_t *report)
{
    apr_array_header_t *events;
    whk_enterprise_t *now;

    WHK_TRY(whk_store_event_walk(registry->store, registry->pool, enterprise->id,
                                 id_after(enterprise->event_count), 1, &events));
    if (events->nelts == 0)
        return NULL;
    WHK_TRY(whk_store_enterprise_get(registry->store, registry->pool, enterprise->id, &now));
    if (now && now->event_count > enterprise->event_count)
        return NULL;
    report->broken_id = APR_ARRAY_IDX(events, 0, const whk_event_t *)->id;
    report->flaw = "it was added behind the back of the enterprise's row";
    return NULL;
}

static const whk_outcome_t *walk(whk_registry_t *registry, apr_pool_t *scratch,
                                 const whk_enterprise_t *enterprise, whk_audit_report_t *report)
{
    apr_array_header_t *events;
    int i;

    while (report->events < enterprise->event_count) {
        apr_pool_clear(scratch);
        WHK_TRY(whk_store_event_walk(registry->store, scratch, enterprise->id,
                                     id_after(report->events), WALK_BATCH, &events));
        for (i = 0; i < events->nelts && report->events < enterprise->event_count; i++) {
            const whk_event_t *event = APR_ARRAY_IDX(events, i, const whk_event_t *);

            report->flaw = event_flaw(scratch, event, report);
            if (report->flaw) {
                report->broken_id = event->id;
                return NULL;
            }
            report->events = event->id;
            apr_cpystrn(report->head, event->hash, sizeof(report->head));
        }
        if (events->nelts == 0)
            break;
    }
    return NULL;
}

const whk_outcome_t *whk_audit_verify(whk_registry_t *registry, const whk_enterprise_t *enterprise,
                                      whk_audit_report_t *report)
{
    apr_pool_t *scratch;
    const whk_outcome_t *outcome;

    memset(report, 0, sizeof(*report));
    report->enterprise_id = enterprise->id;
    apr_pool_create(&scratch, registry->pool);
    outcome = walk(registry, scratch, enterprise, report);
    apr_pool_destroy(scratch);
    WHK_TRY(outcome);
    if (!report->flaw)
        check_head(enterprise, report);
    if (!report->flaw)
        WHK_TRY(check_no_more(registry, enterprise, report));
    return NULL;
}
