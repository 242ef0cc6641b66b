/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/webhook_replay.h"

#include <util_filter.h>

#include "httpd/webhook/webhook_request.h"

static ap_filter_rec_t *failure_filter;

static int is_among(const char *id, const apr_array_header_t *ids)
{
    int i;

    for (i = 0; i < ids->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(ids, i, const char *), id))
            return 1;
    return 0;
}

/* The same message, met again behind a redirect by other rules. */
static int is_used(request_rec *initial, const whk_verification_t *verification)
{
    const apr_array_header_t *list = whk_webhook_request_of(initial)->verifications;
    int i;

    for (i = 0; i < list->nelts; i++) {
        const whk_verification_t *other = APR_ARRAY_IDX(list, i, const whk_verification_t *);

        if (other->use.reserved && !strcmp(other->enterprise_id, verification->enterprise_id) &&
            is_among(APR_ARRAY_IDX(verification->replay_ids, 0, const char *), other->replay_ids))
            return 1;
    }
    return 0;
}

static void release(request_rec *initial)
{
    const whk_webhook_request_t *webhook = whk_webhook_request_if_any(initial);
    const apr_array_header_t *list = webhook ? webhook->verifications : NULL;
    int i;

    for (i = 0; list && i < list->nelts; i++)
        whk_replay_cache_release(initial, &APR_ARRAY_IDX(list, i, whk_verification_t *)->use);
}

/* Before the sender can learn of the failure: his next try may come at once. */
static apr_status_t release_after_failure(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    ap_filter_t *next = filter->next;

    if (filter->r->status >= HTTP_INTERNAL_SERVER_ERROR)
        release(whk_initial_request(filter->r));
    ap_remove_output_filter(filter);
    return ap_pass_brigade(next, brigade);
}

void whk_webhook_replay_register_filter(void)
{
    failure_filter = ap_register_output_filter("WEBHOOK_KEYS_ANSWER", release_after_failure, NULL,
                                               AP_FTYPE_PROTOCOL);
}

const whk_outcome_t *whk_webhook_replay_reserve(request_rec *r, whk_verification_t *verification)
{
    request_rec *initial = whk_initial_request(r);

    if (!whk_config_of_server(r->server)->replay_cache || is_used(initial, verification))
        return NULL;
    WHK_TRY(whk_replay_cache_reserve(initial, verification->enterprise_id, verification->replay_ids,
                                     verification->good_until, &verification->use));
    /* Among the protocol's filters, which an error of httpd's own keeps. */
    if (!r->main)
        ap_add_output_filter_handle(failure_filter, NULL, r, r->connection);
    return NULL;
}

int whk_webhook_replay_log_transaction(request_rec *r)
{
    const request_rec *each;
    int failed = 0;

    for (each = r; each; each = each->next)
        failed |= each->status >= HTTP_INTERNAL_SERVER_ERROR;
    if (failed)
        release(r);
    return DECLINED;
}
