/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_time.h>

#include "ctl/check.h"
#include "ctl/print.h"
#include "store/keys.h"

/* As early as an operator who looks once a week must hear of it. */
#define NEAR apr_time_from_sec(7 * 86400)

#define UNUSED apr_time_from_sec((apr_int64_t)90 * 86400)

static void check_planned(whk_check_t *check, const whk_key_t *key, apr_pool_t *pool)
{
    const char *conf = check->invocation->conf_file;
    const char *enterprise = whk_check_quoted(check, key->enterprise_id);

    whk_check_report(check, WHK_CHECK_KEYS_NEAR_REVOCATION, WHK_FOUND_NOTICE,
                     whk_check_fix(check,
                                   "see that a new key is registered; where it shall go on, run "
                                   "whkctl -f %s key revoke --cancel %s %s",
                                   conf, enterprise, whk_check_quoted(check, key->key_id)),
                     "enterprise %s: key %s is revoked at %s", key->enterprise_id, key->key_id,
                     whk_print_time(pool, key->revokes));
}

static void check_set(whk_check_t *check, const whk_key_t *key)
{
    whk_check_report(check, WHK_CHECK_KEYS_SET_FAILING, WHK_FOUND_NOTICE,
                     whk_check_fix(check, "run curl -v %s here, and ask whoever runs that origin",
                                   whk_check_quoted(check, key->jwks_uri)),
                     "enterprise %s: the key set of key %s is %s", key->enterprise_id, key->key_id,
                     whk_remote_flaw_name(key->remote_flaw));
}

static void check_use(whk_check_t *check, const whk_key_t *key, apr_time_t now, apr_pool_t *pool)
{
    apr_time_t since = key->last_used > key->created ? key->last_used : key->created;

    if (!whk_key_is_set(key) && now - since >= UNUSED)
        whk_check_report(check, WHK_CHECK_KEYS_UNUSED, WHK_FOUND_NOTICE,
                         whk_check_fix(check,
                                       "ask whether it is needed; where not, run whkctl -f %s key "
                                       "revoke %s %s",
                                       check->invocation->conf_file,
                                       whk_check_quoted(check, key->enterprise_id),
                                       whk_check_quoted(check, key->key_id)),
                         "enterprise %s: key %s has verified nothing since %s", key->enterprise_id,
                         key->key_id, whk_print_time(pool, since));
}

static void check_last(whk_check_t *check, const char *enterprise, int active, int planned)
{
    if (active && active == planned)
        whk_check_report(check, WHK_CHECK_KEYS_LAST_ACTIVE, WHK_FOUND_NOTICE,
                         "see that another key is registered before that",
                         "enterprise %s: each of its %d ACTIVE keys is planned to be revoked, so "
                         "all its webhooks are refused then",
                         enterprise, active);
}

const whk_outcome_t *whk_check_keys(whk_check_t *check, const char *enterprise, apr_pool_t *pool)
{
    apr_time_t now = apr_time_now();
    apr_array_header_t *keys;
    int active = 0;
    int planned = 0;
    int i;

    WHK_TRY(whk_store_key_list_active(check->invocation->store, pool, enterprise, &keys));
    for (i = 0; i < keys->nelts; i++) {
        const whk_key_t *key = APR_ARRAY_IDX(keys, i, const whk_key_t *);

        /* One that is corrupt is told of as a row. */
        if (key->corrupt || whk_key_is_due(key, now))
            continue;
        active += !whk_key_is_set(key);
        planned += !whk_key_is_set(key) && key->revokes != 0;
        check_use(check, key, now, pool);
        if (key->revokes && key->revokes - now <= NEAR)
            check_planned(check, key, pool);
        if (key->jwks_uri && key->remote_flaw != WHK_REMOTE_GOOD)
            check_set(check, key);
    }
    check_last(check, enterprise, active, planned);
    return NULL;
}
