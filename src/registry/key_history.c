/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/key_history.h"

#include <apr_strings.h>
#include <string.h>

#include "model/timestamp.h"
#include "registry/audit_trail.h"

whk_key_histories_t *whk_key_histories_create(apr_pool_t *pool)
{
    whk_key_histories_t *histories = apr_pcalloc(pool, sizeof(*histories));

    histories->pool = pool;
    histories->by_key_id = apr_hash_make(pool);
    histories->thumbprints = apr_hash_make(pool);
    return histories;
}

whk_key_history_t *whk_key_histories_get(const whk_key_histories_t *histories, const char *key_id)
{
    return apr_hash_get(histories->by_key_id, key_id, APR_HASH_KEY_STRING);
}

/* `thumbprint` is NULL where the event was written by a version that did not tell it. */
static void set_material(whk_key_histories_t *histories, whk_key_history_t *history,
                         const char *thumbprint)
{
    const whk_key_history_t *before;

    history->thumbprint = apr_pstrdup(histories->pool, thumbprint);
    if (!history->thumbprint)
        return;
    before = apr_hash_get(histories->thumbprints, history->thumbprint, APR_HASH_KEY_STRING);
    if (before && before != history)
        history->material_reused = 1;
    apr_hash_set(histories->thumbprints, history->thumbprint, APR_HASH_KEY_STRING, history);
}

static void add_registration(whk_key_histories_t *histories, const whk_event_t *event)
{
    whk_key_history_t *history = apr_pcalloc(histories->pool, sizeof(*history));

    history->registered_twice = whk_key_histories_get(histories, event->key_id) != NULL;
    history->key_id = apr_pstrdup(histories->pool, event->key_id);
    history->registered = event->at;
    history->registered_by = apr_pstrdup(histories->pool, event->actor);
    set_material(histories, history, event->detail);
    apr_hash_set(histories->by_key_id, history->key_id, APR_HASH_KEY_STRING, history);
}

static void add_rotation(whk_key_histories_t *histories, whk_key_history_t *history,
                         const char *detail)
{
    apr_size_t length = strlen(WHK_AUDIT_ACCEPTED);

    if (!detail || !strcmp(detail, WHK_AUDIT_REFUSED))
        return;
    set_material(histories, history,
                 strncmp(detail, WHK_AUDIT_ACCEPTED, length) ? NULL : detail + length);
}

static void add_plan(whk_key_history_t *history, const char *detail)
{
    if (!detail || !whk_time_parse(detail, &history->planned))
        history->planned = -1;
}

/* By whoever did not wait for it, which ends what was planned; or with the set that it came by, for
 * which another time was. */
static void add_revocation(whk_key_histories_t *histories, whk_key_history_t *history,
                           const whk_event_t *event)
{
    history->revoked = event->at;
    history->revoked_by = apr_pstrdup(histories->pool, event->actor);
    if (strcmp(event->actor, WHK_SCHEDULE) != 0 || history->planned != event->at)
        history->planned = 0;
}

void whk_key_histories_add(whk_key_histories_t *histories, const whk_event_t *event)
{
    whk_key_history_t *history;

    if (!event->key_id)
        return;
    if (!strcmp(event->type, whk_event_type_name(WHK_EVENT_KEY_REGISTERED))) {
        add_registration(histories, event);
        return;
    }
    history = whk_key_histories_get(histories, event->key_id);
    if (!history)
        return;
    if (!strcmp(event->type, whk_event_type_name(WHK_EVENT_KEY_REVOKED)))
        add_revocation(histories, history, event);
    else if (!strcmp(event->type, whk_event_type_name(WHK_EVENT_REVOCATION_PLANNED)))
        add_plan(history, event->detail);
    else if (!strcmp(event->type, whk_event_type_name(WHK_EVENT_REVOCATION_CANCELLED)))
        history->planned = 0;
    else if (!strcmp(event->type, whk_event_type_name(WHK_EVENT_JWKS_URI_KEY_CHANGED)))
        add_rotation(histories, history, event->detail);
}

const char *whk_key_history_flaw(const whk_key_history_t *history, const whk_key_t *key)
{
    int is_revoked = key->status == WHK_KEY_STATUS_REVOKED;

    if (!history)
        return "no event tells of its registration";
    if (history->registered_twice)
        return "its events tell of two registrations, and a keyId is used once";
    if (history->material_reused)
        return "its events tell of key material that was registered before";
    if (history->thumbprint && strcmp(history->thumbprint, key->thumbprint) != 0)
        return "its events tell of other key material";
    if (history->registered != key->created || strcmp(history->registered_by, key->created_by) != 0)
        return "its events tell of another time of registration, or somebody else who did it";
    if (history->revoked && !is_revoked)
        return "it is ACTIVE, but its events tell that it was revoked";
    if (!history->revoked && is_revoked)
        return "it is REVOKED, but no event tells so";
    if (history->revoked != key->revoked || strcmp(history->revoked_by ? history->revoked_by : "",
                                                   key->revoked_by ? key->revoked_by : ""))
        return "its events tell of another time of revocation, or somebody else who did it";
    if (history->planned != key->revokes)
        return "its events tell of another time at which it is planned to be revoked, or of none";
    if (is_revoked && key->revokes && key->revokes != key->revoked)
        return "it was revoked by itself at another time than was planned";
    return NULL;
}
