/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Inside of src/fetch: one use of libcurl, with every option that keeps it on the leash. */

#include <apr_time.h>
#include <curl/curl.h>
#include <netinet/in.h>

#include "fetch/fetch_settings.h"
#include "fetch/jwks_uri.h"
#include "fetch/response.h"

typedef struct whk_transfer_t {
    const whk_fetch_settings_t *settings;
    const whk_jwks_uri_t *uri;
    const char *if_none_match;         /* or NULL */
    const volatile apr_uint32_t *stop; /* or NULL */
    CURL *curl;
    whk_response_t response;
    int check_only;      /* addresses are checked and none is connected to */
    int permitted;       /* addresses that passed the guard */
    const char *refusal; /* the guard's words about the first that did not, or NULL */
    char refused_address[INET6_ADDRSTRLEN];
} whk_transfer_t;

/** True once the caller wants it to break off. */
int whk_transfer_is_stopped(const whk_transfer_t *transfer);

/** Look the host up and have every one of its addresses checked, without sending anything to any.
 * @return what ended it: CURLE_COULDNT_CONNECT where there was an address */
CURLcode whk_transfer_check_addresses(whk_transfer_t *transfer, apr_interval_time_t time_left);

/** Fetch; a kept connection may be used. Both limits are counted from now. */
CURLcode whk_transfer_perform(whk_transfer_t *transfer, apr_interval_time_t connect_left,
                              apr_interval_time_t time_left);

/** What the proxy answered to CONNECT; 0: nothing, or no proxy. */
long whk_transfer_proxy_status(const whk_transfer_t *transfer);

/** Whether the origin was reached: through a proxy, whether there was a tunnel. */
int whk_transfer_reached_origin(const whk_transfer_t *transfer);
