/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>
#include <openssl/evp.h>

#include "model/name.h"
#include "model/timestamp.h"
#include "registry/digest.h"
#include "registry/registry.h"
#include "registry/seal.h"
#include "store/admins.h"
#include "store/tokens.h"

/* Longer than any token that we issue, and short enough that hashing a hostile one costs nothing.
 */
#define TOKEN_MAX 512

static const whk_outcome_t *invalid_token(apr_pool_t *pool)
{
    return whk_refuse(pool, WHK_INVALID_TOKEN,
                      "the bearer token is not valid: get a new one from the operator");
}

const whk_outcome_t *whk_authenticate(whk_registry_t *registry, const char *token,
                                      const char **user)
{
    apr_size_t length = strlen(token);
    const char *hash;
    whk_token_t *found;
    apr_time_t now = whk_time_now();

    if (length == 0 || length > TOKEN_MAX)
        return invalid_token(registry->pool);
    hash = whk_sha256_hex(registry->pool, token, length);
    if (!hash)
        return whk_fail(registry->pool, WHK_INTERNAL_ERROR, "SHA-256 is not available in OpenSSL");
    WHK_TRY(whk_store_token_find(registry->store, registry->pool, hash, &found));
    if (!found || found->revoked || (found->expires && found->expires <= now))
        return invalid_token(registry->pool);
    *user = found->user;
    return NULL;
}

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

const whk_outcome_t *whk_authorize(whk_registry_t *registry, const char *user,
                                   const char *enterprise_id, const char *remote_address,
                                   const char *request_id, whk_caller_t **caller)
{
    whk_admin_t *admin = NULL;

    /* A name that can't have been stored needs no question to a database that might choke on it. */
    if (!whk_enterprise_id_flaw(enterprise_id, strlen(enterprise_id)) &&
        !whk_name_flaw(user, strlen(user))) {
        if (whk_user_flaw(user, strlen(user)))
            return reserved_name(registry->pool, user);
        WHK_TRY(whk_store_admin_get(registry->store, registry->pool, enterprise_id, user, &admin));
    }
    if (!admin)
        return not_admin(registry->pool);
    WHK_TRY(whk_admin_check(registry->pool, registry->secret, admin));
    *caller =
        whk_caller_authorized(registry->pool, user, enterprise_id, remote_address, request_id);
    return NULL;
}
