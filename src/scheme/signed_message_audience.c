/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/signed_message_audience.h"

#include <string.h>

static int is_listed(const apr_array_header_t *texts, const char *text)
{
    int i;

    for (i = 0; i < texts->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(texts, i, const char *), text) == 0)
            return 1;
    return 0;
}

/* RFC 7519, section 4.1.3: who is not named must reject it, and no name was given to this place
 * where nothing is set. */
static const whk_outcome_t *check_audience(const whk_signed_message_t *message, apr_pool_t *pool)
{
    const apr_array_header_t *own = message->policy.audiences;
    int i;

    if (!message->audiences && !(own && message->has_claims))
        return NULL;
    if (!message->audiences)
        return whk_refuse(pool, WHK_WRONG_AUDIENCE,
                          "the token has no aud: add it, with the name that the operator of this "
                          "server gave to this service");
    if (!own)
        return whk_refuse(pool, WHK_WRONG_AUDIENCE,
                          "the token has an aud, and this service has no name to be found there: "
                          "leave aud out, or have the operator set WebhookKeysAudience");
    for (i = 0; i < own->nelts; i++)
        if (is_listed(message->audiences, APR_ARRAY_IDX(own, i, const char *)))
            return NULL;
    return whk_refuse(pool, WHK_WRONG_AUDIENCE,
                      "the aud of the token does not name this service: sign one for it, with the "
                      "name that its operator gave to it");
}

static const whk_outcome_t *check_issuer(const whk_signed_message_t *message, apr_pool_t *pool)
{
    const char *wanted = message->policy.issuer;

    if (!wanted || (!message->issuer && !message->has_claims))
        return NULL;
    if (message->issuer && strcmp(message->issuer, wanted) == 0)
        return NULL;
    return whk_refuse(pool, WHK_WRONG_ISSUER,
                      "the iss of the token %s: set it to the name that the operator of this "
                      "server agreed with you",
                      message->issuer ? "is not the one that is expected here" : "is missing");
}

const whk_outcome_t *whk_signed_message_check_audience(const whk_signed_message_t *message,
                                                       apr_pool_t *pool)
{
    WHK_TRY(check_audience(message, pool));
    return check_issuer(message, pool);
}
