/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/signed_message.h"

#include <string.h>

#include <apr_strings.h>

const whk_scheme_t *whk_scheme_by_name(const char *name)
{
    static const whk_scheme_t *const schemes[] = {
        &whk_scheme_jws,
        &whk_scheme_jws_detached,
        &whk_scheme_jwt,
        &whk_scheme_http_signature,
        &whk_scheme_standard_webhooks,
    };
    apr_size_t i;

    for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strcmp(schemes[i]->name, name) == 0)
            return schemes[i];
    return NULL;
}

whk_signed_message_t *whk_signed_message_make(const whk_scheme_policy_t *policy,
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

void whk_signed_message_add_name(whk_signed_message_t *message, const char *name, apr_pool_t *pool)
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

const whk_outcome_t *whk_signed_message_choose(whk_signed_message_t *message, int index,
                                               apr_pool_t *pool)
{
    return message->verifier->choose(message, index, pool);
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

static int seconds(apr_interval_time_t interval)
{
    return (int)apr_time_sec(interval);
}

static const whk_outcome_t *check_age(const whk_signed_message_t *message, apr_time_t now,
                                      apr_interval_time_t max_age, apr_interval_time_t skew,
                                      apr_pool_t *pool)
{
    if (message->signed_at > now + skew)
        return whk_refuse(pool, WHK_EXPIRED,
                          "the signature was made (iat, created or timestamp) in the future: set "
                          "the signer's clock");
    if (message->signed_at < now - max_age - skew)
        return whk_refuse(pool, WHK_EXPIRED,
                          "the signature was made (iat, created or timestamp) more than %d seconds "
                          "ago: sign anew for each delivery, or set the signer's clock",
                          seconds(max_age));
    return NULL;
}

/* Without the time at which it was made, a signature must not be good for longer than one with. */
static const whk_outcome_t *check_no_age(const whk_signed_message_t *message, apr_time_t now,
                                         apr_interval_time_t max_age, apr_interval_time_t skew,
                                         apr_pool_t *pool)
{
    if (message->expires > now + max_age + skew)
        return whk_refuse(pool, WHK_EXPIRED,
                          "the signature ends (exp or expires) in more than %d seconds and does "
                          "not tell when it was made: add that (iat or created), or let it end "
                          "sooner",
                          seconds(max_age));
    if (message->needs_time && !message->expires)
        return whk_refuse(pool, WHK_EXPIRED,
                          "the signature tells neither when it was made (iat or created) nor when "
                          "it ends (exp or expires): add iat to the protected header of a JWS, "
                          "with npm's jose as .setProtectedHeader({ alg, kid, iat: "
                          "Math.floor(Date.now() / 1000) }), or to the claims of a JWT; or created "
                          "to Signature-Input");
    return NULL;
}

const whk_outcome_t *whk_signed_message_check_times_known(const whk_signed_message_t *message,
                                                          apr_time_t now,
                                                          apr_interval_time_t max_age,
                                                          apr_interval_time_t skew,
                                                          apr_pool_t *pool)
{
    if (message->expires && message->expires <= now - skew)
        return whk_refuse(pool, WHK_EXPIRED,
                          "the signature has ended (exp or expires): sign anew for each delivery, "
                          "or set the signer's clock");
    if (message->not_before > now + skew)
        return whk_refuse(pool, WHK_EXPIRED,
                          "the signature is not good yet (nbf): set the signer's clock");
    return message->signed_at ? check_age(message, now, max_age, skew, pool) : NULL;
}

const whk_outcome_t *whk_signed_message_check_times(const whk_signed_message_t *message,
                                                    apr_time_t now, apr_interval_time_t max_age,
                                                    apr_interval_time_t skew, apr_pool_t *pool)
{
    WHK_TRY(whk_signed_message_check_times_known(message, now, max_age, skew, pool));
    return message->signed_at ? NULL : check_no_age(message, now, max_age, skew, pool);
}

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

const whk_outcome_t *whk_signed_message_check_parties(const whk_signed_message_t *message,
                                                      apr_pool_t *pool)
{
    WHK_TRY(check_audience(message, pool));
    return check_issuer(message, pool);
}
