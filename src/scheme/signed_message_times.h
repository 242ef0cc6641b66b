/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Is a message too old, ended, or of the future? */

#include "scheme/signed_message.h"

/**
 * Check the times that are known before the signature is verified, so that what is too old costs no
 * verification. Those that claims tell are not known yet, so one may be missing.
 * @return NULL or expired */
const whk_outcome_t *whk_signed_message_check_known_times(const whk_signed_message_t *message,
                                                          apr_time_t now,
                                                          apr_interval_time_t max_age,
                                                          apr_interval_time_t skew,
                                                          apr_pool_t *pool);

/** Check the times of a verified message.
 * @param max_age longest since it was signed (WebhookKeysMaxAge)
 * @param skew    how far clocks may differ (WebhookKeysClockSkew)
 * @return NULL or expired */
const whk_outcome_t *whk_signed_message_check_times(const whk_signed_message_t *message,
                                                    apr_time_t now, apr_interval_time_t max_age,
                                                    apr_interval_time_t skew, apr_pool_t *pool);
