/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What was refused last, and whose it was: for people, by mod_status and whkctl status. The names
 * are what was sent, so whoever shows them escapes them. */

#include "metrics/block.h"

/** Keep one, in the place of the oldest. Names may be NULL. */
void whk_refusals_add(int door, whk_code_t code, const char *enterprise, const char *key_id,
                      const char *client, const char *request_id);

/** Those that are kept, newest first. @return how many */
int whk_refusals_read(const whk_metrics_t *metrics, whk_refusal_t refusals[WHK_REFUSALS_KEPT]);
