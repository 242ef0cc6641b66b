/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** While an answer is held, nothing else of its backend's reaches the client: interim answers
 * (1xx, RFC 9110 section 15.2) go past all filters of a request, to those of the connection. What
 * httpd itself says there meanwhile is `100 Continue`, when the handler reads the request. */

#include <httpd.h>

void whk_response_interim_register_filter(void);

/** Stop them on the connection of `r`. */
void whk_response_interim_stop(request_rec *r);

/** Before anything goes on there. Harmless where nothing was stopped. */
void whk_response_interim_go_on(const conn_rec *c);
