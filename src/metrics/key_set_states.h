/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The key sets by URI that this node fetched last, with what came of it: for people, by mod_status
 * and whkctl status. Of several nodes each set is fetched by one, so each knows of its own. */

#include "metrics/block.h"

/** The set was fetched; `error` says why not, or is NULL. `ahead` is how far its origin's clock is
 * ahead of this one; 0 where that is not known. Kept in the place of the one that was
 * fetched longest ago where there are more, one that fails not before all others. */
void whk_key_set_states_note(const char *uri, const char *error, apr_interval_time_t ahead);

/** Those that are kept: first those that fail, the longest first; then those that were fetched
 * longest ago. @return how many */
int whk_key_set_states_read(const whk_metrics_t *metrics,
                            whk_key_set_state_t states[WHK_KEY_SETS_KEPT]);
