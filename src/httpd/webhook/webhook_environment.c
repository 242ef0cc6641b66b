/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/webhook_environment.h"

#include "httpd/request.h"
#include "model/timestamp.h"

void whk_webhook_environment_unset_signer(request_rec *r, const char *verdict)
{
    whk_request_of(r)->is_judged = 1;
    apr_table_unset(r->subprocess_env, "WEBHOOK_ENTERPRISE");
    apr_table_unset(r->subprocess_env, "WEBHOOK_KEY_ID");
    apr_table_unset(r->subprocess_env, "WEBHOOK_ALG");
    apr_table_unset(r->subprocess_env, "WEBHOOK_SIGNED_AT");
    if (verdict)
        apr_table_setn(r->subprocess_env, "WEBHOOK_VERDICT", verdict);
}

void whk_webhook_environment_set_signer(request_rec *r, const whk_verification_t *verification)
{
    const whk_webhook_t *webhook = &verification->webhook;

    whk_webhook_environment_unset_signer(r, "ok");
    apr_table_setn(r->subprocess_env, "WEBHOOK_ENTERPRISE", verification->enterprise_id);
    apr_table_setn(r->subprocess_env, "WEBHOOK_KEY_ID", webhook->key_id);
    apr_table_setn(r->subprocess_env, "WEBHOOK_ALG", webhook->algorithm);
    if (webhook->signed_at)
        apr_table_setn(r->subprocess_env, "WEBHOOK_SIGNED_AT",
                       whk_time_format(r->pool, webhook->signed_at));
}
