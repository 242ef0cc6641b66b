/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/audit_trail.h"

#include <apr_strings.h>
#include <string.h>

#include "model/log_number.h"
#include "registry/digest.h"
#include "registry/netstring.h"
#include "registry/notification_name.h"
#include "registry/seal.h"
#include "store/events.h"
#include "store/notifications.h"

const char *whk_audit_hash(apr_pool_t *pool, const char *previous, const whk_event_t *event)
{
    const char *text = apr_pstrcat(
        pool, whk_netstring(pool, previous), whk_netstring(pool, event->enterprise_id),
        whk_netstring_number(pool, event->id), whk_netstring(pool, event->type),
        whk_netstring(pool, event->key_id), whk_netstring(pool, event->actor),
        whk_netstring_number(pool, apr_time_as_msec(event->at)),
        whk_netstring(pool, event->remote_address), whk_netstring(pool, event->request_id),
        whk_netstring(pool, event->detail), NULL);

    return whk_sha256_hex(pool, text, strlen(text));
}

const whk_outcome_t *whk_audit_append(whk_store_t *store, apr_pool_t *pool,
                                      const whk_secret_key_t *secret, whk_enterprise_t *enterprise,
                                      whk_event_type_t type, const char *key_id,
                                      const whk_caller_t *caller, const char *detail,
                                      apr_time_t when)
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

    event.hash = whk_audit_hash(pool, enterprise->event_head, &event);
    if (!event.hash)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0200) "SHA-256 is not available in OpenSSL");
    WHK_TRY(whk_event_set_seal(pool, secret, &event));
    WHK_TRY(whk_store_event_insert(store, pool, &event));
    if (whk_notification_name(type) && !whk_caller_is_import(event.request_id))
        WHK_TRY(whk_store_notification_queue(store, pool, enterprise->id, event.id, when));
    enterprise->event_count = event.id;
    enterprise->event_head = event.hash;
    return NULL;
}
