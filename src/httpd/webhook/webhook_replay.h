/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A webhook is delivered once (WebhookKeysReplayCache): its use is reserved before the handler
 * runs, and released where that fails, so that its sender may send it again. */

#include "httpd/webhook/request_verification.h"

/** Reserve the one use of an accepted webhook, where WebhookKeysReplayCache is on.
 * @return NULL, replayed, or too_busy */
const whk_outcome_t *whk_webhook_replay_reserve(request_rec *r, whk_verification_t *verification);

/** register_hooks: make the filter known that releases a use where the response is a 5xx. */
void whk_webhook_replay_register_filter(void);

/** log_transaction: the same, where the filter saw no response. */
int whk_webhook_replay_log_transaction(request_rec *r);
