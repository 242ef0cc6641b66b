/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_time.h>

#include "ctl/check.h"
#include "ctl/print.h"
#include "store/keys.h"

/* As early as an operator who looks once a week must hear of it. */
#define NEAR apr_time_from_sec(7 * 86400)

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

const whk_outcome_t *whk_check_keys(whk_check_t *check, const char *enterprise, apr_pool_t *pool)
{
    apr_time_t now = apr_time_now();
    apr_array_header_t *keys;
    int i;

    WHK_TRY(whk_store_key_list_active(check->invocation->store, pool, enterprise, &keys));
    for (i = 0; i < keys->nelts; i++) {
        const whk_key_t *key = APR_ARRAY_IDX(keys, i, const whk_key_t *);

        /* One that is corrupt is told of as a row. */
        if (key->corrupt || whk_key_is_due(key, now))
            continue;
        if (key->revokes && key->revokes - now <= NEAR)
            check_planned(check, key, pool);
        if (key->jwks_uri && key->remote_flaw != WHK_REMOTE_GOOD)
            check_set(check, key);
    }
    return NULL;
}
