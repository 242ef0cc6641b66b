/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Tokens, admins and secrets for one-time passwords that a fleet has in tables of its own, asked
 * for by queries that the operator wrote. Their rows bear no seals of ours: who may write them may
 * let anybody in. What a row is found by must stand in it, byte for byte, since a database may take
 * `ALICE` for `alice` where the registry does not. */

#include "otp/totp.h"
#include "registry/registry.h"

/** Whose token it is, by WebhookKeysTokenQuery.
 * @param hash its SHA-256, 64 lower-case hex digits
 * @param user set to NULL: nobody's */
const whk_outcome_t *whk_operator_token(whk_registry_t *registry, const char *hash,
                                        const char **user);

/** Whether a user is an admin of an enterprise that there is, by WebhookKeysAdminQuery. */
const whk_outcome_t *whk_operator_admin(whk_registry_t *registry, const char *enterprise_id,
                                        const char *user, int *is_admin);

/** A secret as it stands in such a table. */
typedef struct whk_operator_secret_t {
    whk_totp_t totp;
    unsigned char *bytes; /**< to be wiped by whoever asked */
    apr_size_t length;
} whk_operator_secret_t;

/** A user's secret, by WebhookKeysOTPSecretQuery.
 * @param secret set to NULL: the user has none */
const whk_outcome_t *whk_operator_secret(whk_registry_t *registry, const char *user,
                                         whk_operator_secret_t **secret);
