/* SPDX-License-Identifier: Apache-2.0 */
#include "store/events.h"
#include "store/statement.h"

static void *read_event(whk_row_t *row)
{
    whk_event_t *event = apr_pcalloc(row->pool, sizeof(*event));

    event->id = whk_row_number(row, 0);
    event->enterprise_id = whk_row_text(row, 1);
    event->type = whk_row_text(row, 2);
    event->key_id = whk_row_text_or_null(row, 3);
    event->actor = whk_row_text(row, 4);
    event->at = whk_row_time(row, 5);
    event->remote_address = whk_row_text_or_null(row, 6);
    event->request_id = whk_row_text_or_null(row, 7);
    event->detail = whk_row_text_or_null(row, 8);
    event->hash = whk_row_text(row, 9);
    event->seal = whk_row_text_or_null(row, 10);
    return event;
}

const whk_outcome_t *whk_store_event_insert(whk_store_t *store, apr_pool_t *pool,
                                            const whk_event_t *event)
{
    apr_int64_t at = apr_time_as_msec(event->at);
    const void *arguments[] = {
        event->enterprise_id,  &event->id,        event->type,   event->key_id, event->actor, &at,
        event->remote_address, event->request_id, event->detail, event->hash,   event->seal};

    store->trace = (whk_trace_t){event->enterprise_id, event->id, event->hash};
    return whk_statement_write(store, pool, SQL_EVENT_INSERT, arguments, NULL);
}

static const whk_outcome_t *read_events(whk_store_t *store, apr_pool_t *pool,
                                        whk_statement_t statement, const void **arguments,
                                        apr_array_header_t **events)
{
    int i;

    WHK_TRY(whk_statement_read(store, pool, statement, arguments, read_event, events));
    for (i = 0; i < (*events)->nelts; i++)
        WHK_TRY(whk_row_check_match(pool, arguments[0],
                                    APR_ARRAY_IDX(*events, i, const whk_event_t *)->enterprise_id));
    return NULL;
}

const whk_outcome_t *whk_store_event_list(whk_store_t *store, apr_pool_t *pool,
                                          const char *enterprise_id, int limit, apr_int64_t offset,
                                          apr_array_header_t **events, apr_int64_t *total)
{
    apr_int64_t most = limit;
    apr_int64_t newest;
    const void *arguments[] = {enterprise_id, &newest, &most};

    WHK_TRY(whk_statement_count(store, pool, SQL_EVENT_COUNT, arguments, total));
    /* They are numbered from 1 without a gap, so none has to be counted to be left out. */
    newest = *total - offset;
    return read_events(store, pool, SQL_EVENT_LIST, arguments, events);
}

const whk_outcome_t *whk_store_event_walk(whk_store_t *store, apr_pool_t *pool,
                                          const char *enterprise_id, apr_int64_t after, int limit,
                                          apr_array_header_t **events)
{
    apr_int64_t most = limit;
    const void *arguments[] = {enterprise_id, &after, &most};

    return read_events(store, pool, SQL_EVENT_WALK, arguments, events);
}

const whk_outcome_t *whk_store_event_reseal(whk_store_t *store, apr_pool_t *pool,
                                            const whk_event_t *event, const char *seal, int *done)
{
    const void *arguments[] = {seal, event->enterprise_id, &event->id, event->seal};

    return whk_statement_write(store, pool, SQL_EVENT_RESEAL, arguments, done);
}
