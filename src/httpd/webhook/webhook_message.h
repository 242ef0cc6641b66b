/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A request as the schemes read it. */

#include <httpd.h>

#include "httpd/webhook/captured_body.h"
#include "model/message.h"

/** Describe the request that the client sent.
 * @param initial    the first of a chain of redirects and subrequests: the others were made by
 * httpd
 * @param headers its header fields as they came
 * @param body    NULL: not read */
void whk_webhook_message(request_rec *initial, apr_table_t *headers,
                         const whk_captured_body_t *body, whk_message_t *message);

/** What a Host is as an authority (RFC 9421, section 2.2.3): in lower case, without the port that
 * its scheme has anyway. */
const char *whk_webhook_authority(const char *host, const char *scheme, apr_pool_t *pool);
