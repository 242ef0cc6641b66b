#include "jose/signed_message.h"

#include <string.h>

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

const whk_outcome_t *whk_signed_message_verify(const whk_signed_message_t *message,
                                               const whk_jwk_t *jwk, whk_algorithms_t enabled,
                                               const char **algorithm, apr_pool_t *pool)
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
                          "it ends (exp or expires): add one of them");
    return NULL;
}

const whk_outcome_t *whk_signed_message_check_times(const whk_signed_message_t *message,
                                                    apr_time_t now, apr_interval_time_t max_age,
                                                    apr_interval_time_t skew, apr_pool_t *pool)
{
    if (message->expires && message->expires <= now - skew)
        return whk_refuse(pool, WHK_EXPIRED,
                          "the signature has ended (exp or expires): sign anew for each delivery, "
                          "or set the signer's clock");
    if (message->not_before > now + skew)
        return whk_refuse(pool, WHK_EXPIRED,
                          "the signature is not good yet (nbf): set the signer's clock");
    if (message->signed_at)
        return check_age(message, now, max_age, skew, pool);
    return check_no_age(message, now, max_age, skew, pool);
}
