/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/authenticate.h"

#include <string.h>

#include "model/log_number.h"
#include "model/timestamp.h"
#include "registry/digest.h"
#include "registry/operator_tables.h"
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
        return whk_fail(registry->pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0201) "SHA-256 is not available in OpenSSL");
    if (registry->policy->token_query) {
        WHK_TRY(whk_operator_token(registry, hash, user));
        return *user ? NULL : invalid_token(registry->pool);
    }
    WHK_TRY(whk_store_token_find(registry->store, registry->pool, hash, &found));
    if (!found || found->revoked || (found->expires && found->expires <= now))
        return invalid_token(registry->pool);
    *user = found->user;
    return NULL;
}
