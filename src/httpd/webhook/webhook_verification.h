/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_HTTPD_WEBHOOK_WEBHOOK_VERIFICATION_H
#define WHK_HTTPD_WEBHOOK_WEBHOOK_VERIFICATION_H

/**
 * @file httpd/webhook/webhook_verification.h
 * What was found of a webhook by the rules of one location.
 *
 * A client's request is judged once by each set of rules that it meets, however many subrequests
 * and redirects httpd makes of it: what counts is always what the client sent, its whole body
 * included. Verifications live as long as that request.
 */

#include <httpd.h>

#include "httpd/config.h"
#include "httpd/webhook/replay_cache.h"
#include "registry/webhook_verification.h"

typedef struct whk_verification_t {
    whk_config_t rules;
    const char *enterprise_id;    /**< NULL: not known */
    const whk_outcome_t *outcome; /**< why it was not accepted; NULL: it was */
    whk_webhook_t webhook;
    const apr_array_header_t *replay_ids; /**< names by which it may come again */
    apr_time_t good_until;                /**< when its signature ends at the latest */
    whk_replay_use_t use;
} whk_verification_t;

/** What the client sent: the first of a chain of redirects and subrequests. */
request_rec *whk_initial_request(request_rec *r);

/** Judge by the rules that are in force for `r`. */
whk_verification_t *whk_verification_of(request_rec *r);

/** True where somebody asked for a verification of what the client sent, whatever came out. */
int whk_verification_was_asked(request_rec *r);

/** That of `r`, or of the nearest request that it was made of; NULL: none was accepted. */
const whk_verification_t *whk_verification_inherited(const request_rec *r);

/** register_hooks: make the filter known that gives a use back where the answer is a 5xx. */
void whk_webhook_register_filter(void);

/**
 * Note the one use of an accepted webhook, where WebhookKeysReplayCache is on.
 * @return NULL, replayed, or too_busy
 */
const whk_outcome_t *whk_webhook_use(request_rec *r, whk_verification_t *verification);

/** log_transaction: the same, where the filter saw no answer. */
int whk_webhook_end(request_rec *r);

#endif
