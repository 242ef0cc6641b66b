/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/authorize.h"

#include <apr_strings.h>
#include <string.h>

#include "model/log_number.h"
#include "model/name.h"
#include "registry/operator_tables.h"
#include "registry/seal.h"
#include "store/admins.h"

static const whk_outcome_t *not_admin(apr_pool_t *pool)
{
    return whk_refuse(pool, WHK_NOT_ENTERPRISE_ADMIN,
                      "only an admin of this enterprise may do this");
}

/* What the trail holds under a name of ours must not be somebody's who logged in by it. */
static const whk_outcome_t *reserved_name(apr_pool_t *pool, const char *user)
{
    whk_outcome_t *outcome = apr_pmemdup(pool, not_admin(pool), sizeof(*outcome));

    outcome->operator_hint = apr_psprintf(pool, "user %s is nobody's admin: a user's name must %s",
                                          user, whk_user_flaw(user, strlen(user)));
    return outcome;
}

static const whk_outcome_t *find_admin(whk_registry_t *registry, const char *user,
                                       const char *enterprise_id, int *is_admin)
{
    whk_admin_t *admin;

    if (registry->policy->admin_query)
        return whk_operator_admin(registry, enterprise_id, user, is_admin);
    WHK_TRY(whk_store_admin_get(registry->store, registry->pool, enterprise_id, user, &admin));
    *is_admin = admin != NULL;
    return admin ? whk_admin_check(registry->pool, registry->secret, admin) : NULL;
}

const whk_outcome_t *whk_authorize(whk_registry_t *registry, const char *user,
                                   const char *enterprise_id, const char *remote_address,
                                   const char *request_id, whk_caller_t **caller)
{
    int is_admin = 0;

    /* A name that can't have been stored needs no question to a database that might choke on it. */
    if (!whk_enterprise_id_flaw(enterprise_id, strlen(enterprise_id)) &&
        !whk_name_flaw(user, strlen(user))) {
        if (whk_user_flaw(user, strlen(user)))
            return reserved_name(registry->pool, user);
        WHK_TRY(find_admin(registry, user, enterprise_id, &is_admin));
    }
    if (!is_admin)
        return not_admin(registry->pool);
    *caller =
        whk_caller_authorized(registry->pool, user, enterprise_id, remote_address, request_id);
    return NULL;
}

const whk_outcome_t *whk_caller_check_complete(apr_pool_t *pool, const whk_caller_t *caller)
{
    if (whk_caller_is_complete(caller))
        return NULL;
    return whk_fail(pool, WHK_INTERNAL_ERROR,
                    WHK_LOGNO(0202) "no one-time password was checked for this request: see that "
                                    "WebhookKeysOTPProvider names a provider that is loaded, and "
                                    "that the location has Require webhook-keys-admin");
}
