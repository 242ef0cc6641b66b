/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What the hooks of a request to the API hand on to each other. */

#include <httpd.h>

#include "httpd/api/routes.h"
#include "model/caller.h"
#include "model/outcome.h"

typedef struct whk_api_request_t {
    whk_route_t route;           /**< see whk_api_request_route() */
    whk_caller_t *caller;        /**< NULL until Require webhook-keys-admin made one */
    const char *idempotency_key; /**< NULL: the request has none */
    int has_bad_idempotency_key; /**< it has one that can't be */
    /** What was answered to this caller under that key; NULL: nothing. */
    struct whk_idempotency_key_t *earlier;
    int authenticated;            /**< some module's authentication was passed */
    int error_documents_disabled; /**< the location was known before its checks */
    int slashes_escaped;          /**< encoded slashes of the path were kept from httpd */
} whk_api_request_t;

/** Made at the first call. */
whk_api_request_t *whk_api_request_of(request_rec *r);

/** The route, found at the first call: not before httpd has normalised the path. */
const whk_route_t *whk_api_request_route(request_rec *r);

/** @return NULL, or not_found or method_not_allowed */
const whk_outcome_t *whk_api_request_check_route(request_rec *r);

/** The outcome for a location whose configuration let a request through without our checks. */
const whk_outcome_t *whk_api_request_no_caller(request_rec *r);
