/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What the hooks of one request hand on to each other. The API's part is api/api_request.h, that
 * of webhooks webhook/webhook_request.h. */

#include <httpd.h>

#include "model/outcome.h"
#include "registry/registry.h"

/** The error response that a request was stopped with. */
typedef struct whk_error_t {
    const whk_outcome_t *outcome; /**< NULL: we did not stop it */
    int status;
    const char *challenge;        /**< WWW-Authenticate of a 401; NULL: none */
    const char *accept_signature; /**< Accept-Signature of a 401 (RFC 9421, section 5.1); NULL */
    const char *allow;            /**< Allow of method_not_allowed; NULL: not one */
} whk_error_t;

/** What a request was stopped at. */
typedef enum {
    WHK_DOOR_API,
    WHK_DOOR_WEBHOOK,
    WHK_DOOR_ANSWER,
    WHK_DOOR_COUNT
} whk_door_t;

typedef struct whk_request_t {
    /** requestId of responses, logs and audit trail, the same for all requests that httpd makes of
     * one that a client sent. */
    const char *id;
    whk_error_t error;
    /* As the request says, whether that is so or not: for the logs alone. */
    const char *enterprise_id;     /**< NULL: none */
    const char *claimed_key_id;    /**< that signed; NULL: none is named */
    int is_judged;                 /**< the variables of who signed are set, or unset, by us */
    whk_door_t door;               /**< where it was stopped, if it was */
    const whk_outcome_t *answered; /**< what the error that the client got says; NULL: none did */
    int lacks_credentials;         /**< it is refused since it shows none, which is no attack */
    whk_registry_t registry;       /**< see whk_request_registry() */
    struct whk_api_request_t *api; /**< see whk_api_request_of() */
    struct whk_webhook_request_t *webhook; /**< see whk_webhook_request_of() */
} whk_request_t;

/** The request's own record, made at the first call. Subrequests and redirects have their own. */
whk_request_t *whk_request_of(request_rec *r);

/** The same, and NULL where none was made yet. */
whk_request_t *whk_request_if_any(const request_rec *r);

/** The registry as the request's configuration has it. */
whk_registry_t *whk_request_registry(request_rec *r);

/** generate_log_id: the requestId, where no other module makes one. */
int whk_request_generate_log_id(const conn_rec *c, const request_rec *r, const char **id);
