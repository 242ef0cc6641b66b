/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/webhook_request.h"

whk_webhook_request_t *whk_webhook_request_if_any(const request_rec *r)
{
    const whk_request_t *request = whk_request_if_any(r);

    return request ? request->webhook : NULL;
}

whk_webhook_request_t *whk_webhook_request_of(request_rec *r)
{
    whk_request_t *request = whk_request_of(r);

    if (!request->webhook)
        request->webhook = apr_pcalloc(r->pool, sizeof(*request->webhook));
    return request->webhook;
}

request_rec *whk_initial_request(request_rec *r)
{
    while (r->main || r->prev)
        r = r->main ? r->main : r->prev;
    return r;
}
