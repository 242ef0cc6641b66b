/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/api_json.h"

#include "model/timestamp.h"

static json_t *when(apr_time_t time, apr_pool_t *pool)
{
    return time ? json_string(whk_time_format(pool, time)) : json_null();
}

/* The API tells no algorithm of a key that came by URI, as the reference API doesn't. */
static const char *algorithm(const whk_key_t *key)
{
    return key->jwks_uri || whk_key_is_burnt(key) ? NULL : key->algorithm;
}

static const char *thumbprint(const whk_key_t *key)
{
    return whk_key_has_material(key) ? key->thumbprint : NULL;
}

json_t *whk_key_created_json(const whk_key_t *key, apr_pool_t *pool)
{
    return json_pack("{s:s?, s:s, s:s, s:s?, s:s?, s:s, s:o, s:s, s:s?, s:o}", "id", key->id,
                     "keyId", key->key_id, "keyName", key->key_name, "algorithm", algorithm(key),
                     "jwksUri", key->jwks_uri, "status", whk_key_status_name(key->status),
                     "createdDate", when(key->created, pool), "createdBy", key->created_by,
                     "thumbprint", thumbprint(key), "revokesDate", when(key->revokes, pool));
}

json_t *whk_key_json(const whk_key_t *key, apr_pool_t *pool)
{
    return json_pack("{s:s, s:s, s:s, s:s?, s:s, s:o, s:s, s:s?, s:s?, s:s?, s:o, s:o, s:o, s:s?}",
                     "id", key->id, "keyId", key->key_id, "keyName", key->key_name, "algorithm",
                     algorithm(key), "status", whk_key_status_name(key->status), "createdDate",
                     when(key->created, pool), "createdBy", key->created_by, "jwksUri",
                     key->jwks_uri, "thumbprint", thumbprint(key), "followedBy", key->followed_by,
                     "lastUsedDate", when(key->last_used, pool), "revokesDate",
                     when(key->revokes, pool), "revokedDate", when(key->revoked, pool), "revokedBy",
                     key->revoked_by);
}

json_t *whk_key_revoked_json(const whk_key_t *key, apr_pool_t *pool)
{
    return json_pack("{s:b, s:s, s:o, s:s}", "success", 1, "keyId", key->key_id, "revokedAt",
                     when(key->revoked, pool), "revokedBy", key->revoked_by);
}

json_t *whk_json_warn(json_t *value, const apr_array_header_t *warnings)
{
    json_t *texts;
    int i;

    if (!value || !warnings || !warnings->nelts)
        return value;
    texts = json_array();
    for (i = 0; i < warnings->nelts; i++)
        json_array_append_new(texts, json_string(APR_ARRAY_IDX(warnings, i, const char *)));
    json_object_set_new(value, "warnings", texts);
    return value;
}

json_t *whk_event_json(const whk_event_t *event, apr_pool_t *pool)
{
    return json_pack("{s:I, s:s, s:s?, s:s, s:o, s:s?, s:s?, s:s?}", "id", (json_int_t)event->id,
                     "type", event->type, "keyId", event->key_id, "actor", event->actor, "at",
                     when(event->at, pool), "remoteAddress", event->remote_address, "requestId",
                     event->request_id, "detail", event->detail);
}

static json_t *page_json(const char *name, json_t *items, const whk_page_t *page)
{
    return json_pack("{s:o, s:I, s:i, s:I}", name, items, "total", (json_int_t)page->total, "limit",
                     page->limit, "prevId", (json_int_t)page->offset);
}

json_t *whk_key_page_json(const whk_page_t *page, apr_pool_t *pool)
{
    json_t *items = json_array();
    int i;

    for (i = 0; i < page->items->nelts; i++)
        json_array_append_new(items,
                              whk_key_json(APR_ARRAY_IDX(page->items, i, whk_key_t *), pool));
    return page_json("keys", items, page);
}

json_t *whk_event_page_json(const whk_page_t *page, apr_pool_t *pool)
{
    json_t *items = json_array();
    int i;

    for (i = 0; i < page->items->nelts; i++)
        json_array_append_new(items,
                              whk_event_json(APR_ARRAY_IDX(page->items, i, whk_event_t *), pool));
    return page_json("events", items, page);
}

json_t *whk_jws_verification_json(const whk_jws_verification_t *verification)
{
    if (!verification->outcome)
        return json_pack("{s:b, s:s, s:s}", "valid", 1, "keyId", verification->key_id, "alg",
                         verification->algorithm);
    return json_pack("{s:b, s:s, s:s, s:s}", "valid", 0, "keyId", verification->key_id, "reason",
                     whk_code_name(verification->outcome->code), "message",
                     verification->outcome->message);
}
