/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What is counted of webhooks and answers that were verified. */

#include <apr_time.h>

#include "scheme/scheme.h"

/** A message of this scheme was judged, from `began`, a whk_clock_now(), until now.
 * @param outcome NULL: it is good */
void whk_verification_count(const whk_scheme_t *scheme, const char *enterprise_id,
                            const whk_outcome_t *outcome, apr_time_t began);
