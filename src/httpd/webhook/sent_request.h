/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A request as it goes out to whom httpd hands it: what whoever is there sees of it, verifies, or
 * signs in the answer to it.
 *
 * mod_proxy knows late where a request goes, a balancer's member last of all: what it hands to
 * whatever speaks the protocol is remembered there. Without mod_proxy nothing is. */

#include <httpd.h>

#include "model/message.h"

/** pre_config: look whether mod_proxy is there, and be told by it. OK. */
int whk_sent_request_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/** Called by mod_proxy with the URL that is about to be asked, once for each attempt; DECLINED lets
 * it go on. */
typedef int whk_sent_request_hook_t(request_rec *r, const char *url);

/** pre_config, after whk_sent_request_pre_config(): another one who wants to be called, at any time
 * after the URL was remembered; NULL: none. */
void whk_sent_request_set_hook(whk_sent_request_hook_t *hook);

/** True where mod_proxy is there, and tells. */
int whk_sent_request_knows_proxy(void);

/** handler, before those that send: whk_sent_request_message() will be asked of this request. */
void whk_sent_request_expect(request_rec *r);

/** True where mod_proxy will take the request, or has. */
int whk_sent_request_is_proxied(const request_rec *r);

/** Describe the request as it goes out, or went.
 *
 * One that mod_proxy sends by HTTP has the scheme, authority and target of the URL that it asks
 * (with ProxyPreserveHost the Host that came); any other, as to a CGI program or by FastCGI, those
 * that it came with, but by AJP the target of the URL. Fields are those of r->headers_in. The body
 * is that which was captured; a subrequest has none. What mod_proxy itself adds to a header (Via,
 * X-Forwarded-For …) is not in it. */
void whk_sent_request_message(request_rec *r, whk_message_t *message);
