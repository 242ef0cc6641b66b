/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What was found of a webhook by the rules of one location.
 *
 * A client's request is verified once by each set of rules that it meets, however many subrequests
 * and redirects httpd makes of it: what counts is always what the client sent, its whole body
 * included. Verifications live as long as that request. */

#include <httpd.h>

#include "httpd/config.h"
#include "httpd/webhook/replay_cache.h"
#include "registry/webhook_signature.h"

typedef struct whk_verification_t {
    whk_config_t rules;
    const char *enterprise_id;    /**< NULL: not known */
    const char *claimed_key_id;   /**< that the signature names; NULL: none, or it is not read */
    const whk_outcome_t *outcome; /**< why it was not accepted; NULL: it was */
    int is_unconfigured;          /**< by its location, where no webhook could be accepted */
    whk_webhook_t webhook;
    const apr_array_header_t *replay_ids; /**< names by which it may come again */
    apr_time_t good_until;                /**< when its signature ends at the latest */
    whk_replay_use_t use;
} whk_verification_t;

/** Verify by the rules that are in force for `r`, or take what they gave before. */
whk_verification_t *whk_verification_of(request_rec *r);

/** Whose webhooks these are, by `config`. @return NULL or why not */
const whk_outcome_t *whk_enterprise_of(request_rec *r, const whk_config_t *config,
                                       const char **enterprise_id, apr_pool_t *pool);

/** True where what the client sent was verified by any rules, whatever came out. */
int whk_verification_was_made(request_rec *r);

/** That of `r`, or of the nearest request that it was made of; NULL: none was made. */
whk_verification_t *whk_verification_nearest(const request_rec *r);

/** The same where it was accepted; else NULL. */
const whk_verification_t *whk_verification_inherited(const request_rec *r);
