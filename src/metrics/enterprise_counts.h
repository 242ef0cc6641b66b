/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Verifications by enterprise, for as many as WebhookKeysMetricsEnterprises says: those of which
 * something was verified first, since what is refused may name anybody. All others are counted
 * together. */

#include "metrics/block.h"

/** How many are counted by themselves from here on; those that are stay. */
void whk_enterprise_counts_limit(whk_metrics_t *metrics, int most);

/** A webhook or answer that names this enterprise was verified, or was not. */
void whk_enterprise_counts_add(const char *enterprise_id, int is_ok);

typedef struct whk_enterprise_count_t {
    const char *enterprise_id; /**< in the block; "" for all others */
    apr_int64_t ok;
    apr_int64_t refused;
} whk_enterprise_count_t;

/** @return how many; 0 where none are counted by themselves */
int whk_enterprise_counts_read(const whk_metrics_t *metrics,
                               whk_enterprise_count_t counts[WHK_ENTERPRISES_COUNTED_MOST + 1]);
