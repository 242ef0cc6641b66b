/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/print.h"
#include "ctl/qr.h"
#include "model/name.h"
#include "model/random.h"
#include "model/timestamp.h"
#include "otp/base32.h"
#include "otp/secret_box.h"
#include "otp/totp.h"
#include "store/otp_enrolments.h"

#define SECRET_MAX 64

static int read_parameters(whk_invocation_t *invocation, whk_totp_t *totp)
{
    const char *algorithm = invocation->option[WHK_OPTION_ALGORITHM];
    apr_int64_t digits, period;

    WHK_TRY_STATUS(whk_invocation_number(invocation, WHK_OPTION_DIGITS, 6, 8, 6, &digits));
    WHK_TRY_STATUS(whk_invocation_number(invocation, WHK_OPTION_PERIOD, 15, 60, 30, &period));
    totp->algorithm = algorithm ? algorithm : "sha1";
    totp->digits = (int)digits;
    totp->period = (int)period;
    if (digits == 7)
        return whk_misused(invocation->command, "--digits must be 6 or 8");
    if (!whk_totp_valid(totp))
        return whk_misused(invocation->command, "--algorithm must be sha1, sha256 or sha512");
    return WHK_EXIT_DONE;
}

static int read_issuer(whk_invocation_t *invocation, const char **issuer)
{
    *issuer = invocation->option[WHK_OPTION_ISSUER];
    if (!*issuer)
        *issuer = "webhook-keys";
    /* In the URI's label a colon stands between issuer and user. */
    if (strchr(*issuer, ':'))
        return whk_refused("--issuer must be without a colon");
    return whk_invocation_check_name("--issuer", *issuer, whk_name_flaw);
}

static int check_new(whk_invocation_t *invocation, const char *user)
{
    whk_otp_enrolment_t *enrolment;

    if (invocation->option[WHK_OPTION_REPLACE])
        return WHK_EXIT_DONE;
    WHK_TRY_OR_REFUSE(whk_store_otp_get(invocation->store, invocation->pool, user, &enrolment));
    if (enrolment)
        return whk_refused(
            "%s is enrolled already: run whkctl otp remove first, or give --replace, "
            "which makes the secret in the user's app worthless",
            user);
    return WHK_EXIT_DONE;
}

static int print_enrolled(whk_invocation_t *invocation, const char *user, const char *secret,
                          const char *uri)
{
    if (invocation->json)
        return whk_print_json(
            json_pack("{s:s, s:s, s:s}", "user", user, "secret", secret, "uri", uri));
    puts(uri);
    whk_qr_print(uri);
    whk_hint("Scan the code, or give the URI to an authenticator app of %s. It is shown this once.",
             user);
    return WHK_EXIT_DONE;
}

static int enroll(whk_invocation_t *invocation, const char *user, const char *issuer,
                  const whk_totp_t *totp, const unsigned char *secret, apr_size_t length)
{
    whk_otp_enrolment_t enrolment = {.user = user,
                                     .algorithm = totp->algorithm,
                                     .digits = totp->digits,
                                     .period = totp->period,
                                     .last_step = -1,
                                     .created = whk_time_now()};

    enrolment.sealed_secret =
        whk_secret_seal(invocation->pool, invocation->key, user, totp, secret, length);
    if (!enrolment.sealed_secret)
        return whk_refused("the secret could not be sealed: OpenSSL has no AES-256-GCM to give");
    WHK_TRY_OR_REFUSE(whk_store_otp_put(invocation->store, invocation->pool, &enrolment));
    return print_enrolled(invocation, user, whk_base32_encode(invocation->pool, secret, length),
                          whk_totp_uri(invocation->pool, totp, issuer, user, secret, length));
}

int whk_cmd_otp_enroll(whk_invocation_t *invocation)
{
    const char *user = invocation->operand[0];
    unsigned char secret[SECRET_MAX];
    const char *issuer;
    apr_size_t length;
    whk_totp_t totp;
    int status;

    WHK_TRY_STATUS(whk_invocation_check_name("USER", user, whk_user_flaw));
    WHK_TRY_STATUS(read_parameters(invocation, &totp));
    WHK_TRY_STATUS(read_issuer(invocation, &issuer));
    WHK_TRY_STATUS(check_new(invocation, user));
    length = whk_totp_secret_length(&totp);
    if (whk_random(secret, length) != APR_SUCCESS)
        return whk_refused("no secret was made: the system gives no random bytes");
    status = enroll(invocation, user, issuer, &totp, secret, length);
    OPENSSL_cleanse(secret, sizeof(secret));
    return status;
}

typedef const whk_outcome_t *change_t(whk_store_t *store, apr_pool_t *pool, const char *user,
                                      int *done);

static int change_enrolment(whk_invocation_t *invocation, change_t *change, const char *member,
                            const char *text)
{
    const char *user = invocation->operand[0];
    int done;

    WHK_TRY_STATUS(whk_invocation_check_name("USER", user, whk_name_flaw));
    WHK_TRY_OR_REFUSE(change(invocation->store, invocation->pool, user, &done));
    if (!done)
        return whk_refused("%s has no secret for one-time passwords: see whkctl otp enroll", user);
    if (invocation->json)
        return whk_print_json(json_pack("{s:s, s:b}", "user", user, member, 1));
    printf("%s %s\n", user, text);
    return WHK_EXIT_DONE;
}

int whk_cmd_otp_unlock(whk_invocation_t *invocation)
{
    return change_enrolment(invocation, whk_store_otp_unlock, "unlocked",
                            "is not locked any more, and has no refused code counted.");
}

/* What of a user whose secret is elsewhere is here keeps a code from being used twice. */
static int check_removable(whk_invocation_t *invocation, const char *user)
{
    whk_otp_enrolment_t *enrolment;

    WHK_TRY_STATUS(whk_invocation_check_name("USER", user, whk_name_flaw));
    WHK_TRY_OR_REFUSE(whk_store_otp_get(invocation->store, invocation->pool, user, &enrolment));
    if (enrolment &&
        !strncmp(enrolment->sealed_secret, WHK_OTP_ELSEWHERE, strlen(WHK_OTP_ELSEWHERE)))
        return whk_refused("the secret of %s is in the table that WebhookKeysOTPSecretQuery asks: "
                           "remove it there; whkctl otp unlock lifts a lock",
                           user);
    return WHK_EXIT_DONE;
}

int whk_cmd_otp_remove(whk_invocation_t *invocation)
{
    WHK_TRY_STATUS(check_removable(invocation, invocation->operand[0]));
    return change_enrolment(invocation, whk_store_otp_remove, "removed",
                            "has no secret for one-time passwords any more.");
}
