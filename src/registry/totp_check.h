/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The one-time password of an admin (TOTP, RFC 6238). */

#include "registry/registry.h"

/**
 * Verify the caller's time-based one-time password and use it up. A refusal is counted, and goes to
 * the audit trail, before this returns. Does not complete the caller: that is for the OTP step.
 * @return otp_invalid, or otp_locked with retry_after */
const whk_outcome_t *whk_totp_check(whk_registry_t *registry, const whk_secret_key_t *key,
                                    const whk_caller_t *caller, const char *code);
