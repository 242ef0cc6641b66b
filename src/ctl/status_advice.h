/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What an operator does about what httpd counted: for whkctl status. */

#include "ctl/invocation.h"
#include "metrics/key_set_states.h"
#include "metrics/metrics.h"
#include "metrics/recent_refusals.h"

/** Something that is wrong, or was a moment ago. */
typedef struct whk_advice_t {
    const char *id;      /**< stable, `store.away` */
    const char *message; /**< what is wrong, and what to type */
} whk_advice_t;

/** What is wrong now: an array of whk_advice_t, the worst first.
 * @param states of key sets, `count` of them */
apr_array_header_t *whk_status_advice(const whk_invocation_t *invocation,
                                      const whk_metrics_t *metrics,
                                      const whk_key_set_state_t *states, int count);

/** What to type about refusals of this code. @param enterprise "" where it is not known */
const char *whk_refusal_advice(const whk_invocation_t *invocation, whk_code_t code,
                               const char *enterprise, const char *request_id);
