/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/signed_message.h"

#include <string.h>

whk_signed_message_t *whk_signed_message_create(const whk_scheme_policy_t *policy,
                                                const whk_scheme_verifier_t *verifier, void *state,
                                                apr_pool_t *pool)
{
    whk_signed_message_t *message = apr_pcalloc(pool, sizeof(*message));

    message->signature_count = 1;
    message->policy = *policy;
    message->verifier = verifier;
    message->state = state;
    return message;
}

void whk_signed_message_add_replay_id(whk_signed_message_t *message, const char *name,
                                      apr_pool_t *pool)
{
    apr_array_header_t *names = message->replay_ids ? apr_array_copy(pool, message->replay_ids)
                                                    : apr_array_make(pool, 1, sizeof(name));
    int i;

    for (i = 0; i < names->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(names, i, const char *), name) == 0)
            return;
    APR_ARRAY_PUSH(names, const char *) = name;
    message->replay_ids = names;
}

const whk_outcome_t *whk_signed_message_select(whk_signed_message_t *message, int index,
                                               apr_pool_t *pool)
{
    return message->verifier->select(message, index, pool);
}

const whk_outcome_t *whk_signed_message_verify(whk_signed_message_t *message, const whk_jwk_t *jwk,
                                               whk_algorithms_t enabled, const char **algorithm,
                                               apr_pool_t *pool)
{
    if (message->kid && jwk->kid && strcmp(message->kid, jwk->kid) != 0)
        return whk_refuse(pool, WHK_KEY_ID_MISMATCH,
                          "the signature names another key than this one by its kid: sign with the "
                          "key of this keyId, and name it");
    return message->verifier->verify(message, jwk, enabled, algorithm, pool);
}
