/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/key_warnings.h"

#include <apr_strings.h>
#include <string.h>

#include "model/timestamp.h"
#include "store/keys.h"

#define IN_USE apr_time_from_sec(3600)

static void warn(apr_array_header_t *warnings, const char *text)
{
    APR_ARRAY_PUSH(warnings, const char *) = text;
}

/* What the other ACTIVE keys are to one that goes. */
typedef struct {
    int outlive; /* one of them is ACTIVE for longer */
    int in_use;  /* one of them was used lately */
} others_t;

static int is_in_use(const whk_key_t *key, apr_time_t now)
{
    return key->last_used && key->last_used >= now - IN_USE;
}

/* It came by the set that goes; a set verifies nothing by itself. */
static int goes_along(const whk_key_t *other, const whk_key_t *key)
{
    return whk_key_is_set(other) ||
           (other->followed_by && !strcmp(other->followed_by, key->key_id));
}

static const whk_outcome_t *look_at_others(whk_store_t *store, apr_pool_t *pool,
                                           const whk_key_t *key, apr_time_t now, others_t *others)
{
    apr_array_header_t *keys;
    int i;

    memset(others, 0, sizeof(*others));
    WHK_TRY(whk_store_key_list_active(store, pool, key->enterprise_id, &keys));
    for (i = 0; i < keys->nelts; i++) {
        const whk_key_t *other = APR_ARRAY_IDX(keys, i, const whk_key_t *);

        if (!strcmp(other->key_id, key->key_id) || other->corrupt || whk_key_is_due(other, now) ||
            goes_along(other, key))
            continue;
        others->outlive |= !other->revokes || other->revokes > key->revokes;
        others->in_use |= is_in_use(other, now);
    }
    return NULL;
}

const whk_outcome_t *whk_warn_of_plan(whk_store_t *store, apr_pool_t *pool, const whk_key_t *key,
                                      apr_time_t now, apr_array_header_t **warnings)
{
    const char *when = whk_time_format(pool, key->revokes);
    others_t others;

    *warnings = apr_array_make(pool, 2, sizeof(const char *));
    WHK_TRY(look_at_others(store, pool, key, now, &others));
    if (!others.outlive)
        warn(*warnings,
             apr_psprintf(pool,
                          "no other key of this enterprise is ACTIVE from %s on, and all its "
                          "webhooks are refused then: register another key before, and have "
                          "webhooks signed with it, or cancel this revocation",
                          when));
    if (is_in_use(key, now) && !others.in_use)
        warn(*warnings,
             apr_psprintf(pool,
                          "this key verified webhooks within the last hour, and no other key of "
                          "this enterprise did: see that whoever signs uses another key before %s, "
                          "or move or cancel this revocation",
                          when));
    return NULL;
}

const whk_outcome_t *whk_warn_of_revocation(whk_store_t *store, apr_pool_t *pool,
                                            const whk_enterprise_t *enterprise, apr_time_t now,
                                            apr_array_header_t **warnings)
{
    apr_array_header_t *due;

    *warnings = apr_array_make(pool, 1, sizeof(const char *));
    WHK_TRY(whk_store_key_due_numbers(store, pool, enterprise->id, now, &due));
    if (enterprise->active_keys <= due->nelts)
        warn(*warnings, "this was the enterprise's last ACTIVE key, and all its webhooks are "
                        "refused from now on: register another key, and have webhooks signed "
                        "with it");
    return NULL;
}
