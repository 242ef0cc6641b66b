/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/webhook/verification_metrics.h"

#include "metrics/enterprise_counts.h"
#include "metrics/metrics.h"
#include "model/clock.h"

void whk_verification_count(const whk_scheme_t *scheme, const char *enterprise_id,
                            const whk_outcome_t *outcome, apr_time_t began)
{
    int label = whk_label_index(WHK_LABEL_SCHEME, scheme->name);

    whk_metrics_count(WHK_VERIFICATIONS, label, WHK_OUTCOME_OF(outcome));
    whk_metrics_observe(WHK_VERIFY_DURATION, label, whk_clock_now() - began);
    whk_enterprise_counts_add(enterprise_id, !outcome);
}
