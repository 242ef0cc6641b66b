/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** For other modules: how to join in the check of one-time passwords.
 *
 * Two ways. A *provider* replaces the built-in `totp` where `WebhookKeysOTPProvider` names it; a
 * *hook* function sees every check first. Whoever answers OK has accepted the code: see to it that
 * a code works once. t/lib/mod_test_otp.c is an example of both. */

#include <httpd.h>

#include <ap_provider.h>

/** ap_register_provider() group and version of OTP providers. */
#define WHK_OTP_PROVIDER_GROUP "webhook-keys-otp"
#define WHK_OTP_PROVIDER_VERSION "0"

typedef struct whk_otp_provider_t {
    /** Check the code of a user who is an admin of the enterprise, and use it up.
     * @param code what the header held: any bytes but NUL, not empty
     * @return OK: accepted. HTTP_UNAUTHORIZED: refused (`otp_invalid`). HTTP_TOO_MANY_REQUESTS:
     *         locked (`otp_locked`), for as long as a Retry-After in r->err_headers_out says, or 30
     * s. Anything else: could not decide, and the request is stopped.
     */
    int (*check)(request_rec *r, const char *enterprise_id, const char *user, const char *code);
} whk_otp_provider_t;

/** Visible to other modules. */
#define WHK_DECLARE(type) __attribute__((visibility("default"))) type

/** Run before the provider, first answer wins. Values as for a provider's check, and DECLINED: the
 * next one decides. Runs after authorisation and before one byte of the body is read. */
APR_DECLARE_EXTERNAL_HOOK(whk, WHK, int, check_otp,
                          (request_rec * r, const char *enterprise_id, const char *user,
                           const char *code))
