/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Which of our resources a request means (docs/api.md, "Paths"). */

#include <httpd.h>

typedef enum {
    WHK_ROUTE_NONE,
    WHK_ROUTE_KEYS,
    WHK_ROUTE_KEY,
    WHK_ROUTE_KEY_VALIDATIONS,
    WHK_ROUTE_VERIFY,
    WHK_ROUTE_REVOCATION,
    WHK_ROUTE_JWKS,
    WHK_ROUTE_EVENTS,
    WHK_ROUTE_OPENAPI
} whk_resource_t;

typedef struct whk_route_t {
    whk_resource_t resource;
    const char *enterprise_id;
    const char *key_id; /**< of a key and what is below it: decoded once from the target as sent */
    const char *raw_path; /**< the target's path as it was sent */
} whk_route_t;

/** The route by the tail of the path. The raw request target and httpd's normalised path must agree
 * on the resource and on the enterprise, else there is none. */
void whk_route_find(whk_route_t *route, const request_rec *r);

/** The methods of a resource, as `Allow` lists them. */
const char *whk_route_allow(whk_resource_t resource);

/** True where the resource serves this method, `OPTIONS` and (as GET) `HEAD` included. */
int whk_route_serves(whk_resource_t resource, int method_number);

/** True where docs/api.md, "Paths", asks for a one-time password. */
int whk_route_needs_otp(whk_resource_t resource, int method_number);
