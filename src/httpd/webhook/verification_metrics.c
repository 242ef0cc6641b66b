/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/verification_metrics.h"

#include "metrics/enterprise_counts.h"
#include "metrics/metrics.h"
#include "model/clock.h"

/* Only of an enterprise that there is: who was refused as unknown_key may be nobody. */
static int is_of_somebody(const whk_outcome_t *outcome)
{
    return !outcome || outcome->code == WHK_KEY_REVOKED || outcome->code == WHK_BAD_SIGNATURE ||
           outcome->code == WHK_EXPIRED || outcome->code == WHK_ALGORITHM_MISMATCH ||
           outcome->code == WHK_WRONG_AUDIENCE || outcome->code == WHK_WRONG_ISSUER ||
           outcome->code == WHK_JWKS_URI_KEY_CHANGED || outcome->code == WHK_JWKS_URI_UNREACHABLE;
}

void whk_verification_count(const whk_scheme_t *scheme, const char *enterprise_id,
                            const whk_outcome_t *outcome, apr_time_t began)
{
    int label = whk_label_index(WHK_LABEL_SCHEME, scheme->name);

    whk_metrics_count(WHK_VERIFICATIONS, label, WHK_OUTCOME_OF(outcome));
    whk_metrics_observe(WHK_VERIFY_DURATION, label, whk_clock_now() - began);
    if (is_of_somebody(outcome))
        whk_enterprise_counts_add(enterprise_id, !outcome);
}
