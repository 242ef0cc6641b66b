/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/listing.h"

#include <string.h>

#include "model/log_number.h"
#include "model/name.h"
#include "model/timestamp.h"
#include "registry/seal.h"
#include "store/events.h"
#include "store/keys.h"

const whk_outcome_t *whk_key_not_found(apr_pool_t *pool)
{
    return whk_refuse(pool, WHK_KEY_NOT_FOUND, "this enterprise has no key of that keyId");
}

const whk_outcome_t *whk_list_keys(whk_registry_t *registry, const whk_caller_t *caller,
                                   const char *status, whk_page_t *page)
{
    apr_time_t now = whk_time_now();
    int i;

    WHK_TRY(whk_store_key_list(registry->store, registry->pool, whk_caller_enterprise(caller),
                               status, now, page->limit, page->offset, &page->items, &page->total));
    for (i = 0; i < page->items->nelts; i++) {
        whk_key_t *key = APR_ARRAY_IDX(page->items, i, whk_key_t *);

        WHK_TRY(whk_key_check(registry->pool, registry->secret, key));
        whk_key_settle(key, now);
    }
    return NULL;
}

const whk_outcome_t *whk_get_key(whk_registry_t *registry, const whk_caller_t *caller,
                                 const char *key_id, whk_key_t **key)
{
    *key = NULL;
    /* One that could never be registered needs no question to a database that might choke on it. */
    if (!whk_key_id_flaw(key_id, strlen(key_id)))
        WHK_TRY(whk_store_key_get(registry->store, registry->pool, whk_caller_enterprise(caller),
                                  key_id, key));
    if (!*key)
        return whk_key_not_found(registry->pool);
    WHK_TRY(whk_key_check(registry->pool, registry->secret, *key));
    whk_key_settle(*key, whk_time_now());
    return NULL;
}

const whk_outcome_t *whk_list_events(whk_registry_t *registry, const whk_caller_t *caller,
                                     whk_page_t *page)
{
    int i;

    WHK_TRY(whk_store_event_list(registry->store, registry->pool, whk_caller_enterprise(caller),
                                 page->limit, page->offset, &page->items, &page->total));
    for (i = 0; i < page->items->nelts; i++) {
        const whk_event_t *event = APR_ARRAY_IDX(page->items, i, const whk_event_t *);

        WHK_TRY(whk_event_check(registry->pool, registry->secret, event));
        if (i > 0 && APR_ARRAY_IDX(page->items, i - 1, const whk_event_t *)->id != event->id + 1)
            return whk_fail(registry->pool, WHK_INTERNAL_ERROR,
                            WHK_LOGNO(0218) "an event after event %" APR_INT64_T_FMT
                                            " of enterprise %s is missing: run whkctl audit verify",
                            event->id, event->enterprise_id);
    }
    return NULL;
}
