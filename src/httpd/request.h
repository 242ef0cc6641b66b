/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_HTTPD_REQUEST_H
#define WHK_HTTPD_REQUEST_H

/**
 * @file httpd/request.h
 * What the steps of one request hand on to each other.
 */

#include <httpd.h>

#include "httpd/api/routes.h"
#include "model/caller.h"
#include "model/outcome.h"
#include "registry/registry.h"

/** httpd/webhook/webhook_verification.h */
struct whk_verification_t;
typedef struct whk_verifications_t whk_verifications_t;

/** Why a request was stopped. */
typedef struct whk_stop_t {
    const whk_outcome_t *outcome; /**< NULL: it was not */
    int status;                   /**< of the answer */
    const char *challenge;        /**< WWW-Authenticate for a 401 of ours; NULL: none */
} whk_stop_t;

typedef struct whk_request_t {
    const char *id;               /**< requestId of answers, log and audit trail */
    whk_route_t route;            /**< see whk_request_route() */
    whk_caller_t *caller;         /**< NULL until the authorisation step made one */
    int claimed;                  /**< the location was found to be ours, before its checks */
    int kept_slashes;             /**< encoded slashes of the path were kept from httpd */
    int authenticated;            /**< some authentication step was passed */
    const whk_outcome_t *outcome; /**< why the request was stopped; NULL: httpd's own reasons */
    int status;                   /**< of the answer for `outcome` */
    struct whk_verification_t *verification; /**< NULL: no webhook was looked at */
    whk_verifications_t *verifications; /**< of a request that a client sent: all of its chain's */
    int access_checked;                 /**< the checks of access to a location of webhooks began */
    int stopped_webhook;                /**< it is a webhook that was stopped, in a location that is
                                             anybody's */
    whk_stop_t inner;                   /**< a subrequest of it that was so stopped */
    const char *challenge;              /**< WWW-Authenticate for a 401 of ours; NULL: none */
    whk_registry_t registry;
    int routed;
} whk_request_t;

/** The request's own record, made at the first call. Subrequests and redirects have their own. */
whk_request_t *whk_request_of(request_rec *r);

/** The route, found at the first call: not before httpd has normalised the path. */
const whk_route_t *whk_request_route(request_rec *r);

/** The registry as the request's configuration has it. */
whk_registry_t *whk_request_registry(request_rec *r);

/** Note why the request is stopped, log what its operator should know, and have done with its body.
 * @return its status */
int whk_request_stop(request_rec *r, const whk_outcome_t *outcome);

/** The outcome for a location whose configuration let a request through without our checks. */
const whk_outcome_t *whk_request_nobody_authorized(request_rec *r);

#endif
