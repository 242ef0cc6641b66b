/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/signed_message_times.h"

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

const whk_outcome_t *whk_signed_message_check_known_times(const whk_signed_message_t *message,
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
    WHK_TRY(whk_signed_message_check_known_times(message, now, max_age, skew, pool));
    return message->signed_at ? NULL : check_no_age(message, now, max_age, skew, pool);
}
