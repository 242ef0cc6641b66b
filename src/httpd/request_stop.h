/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The one place where a request is stopped, and where it is logged why: our own failures as they
 * are, refusals that somebody may look into so many a minute (limited_log.h), and all others at
 * `info`. */

#include "httpd/request.h"

/** Note why a request to the API is stopped, log what its operator should know, and discard its
 * body.
 * @return its status */
int whk_request_stop(request_rec *r, const whk_outcome_t *outcome);

/** The same at any door. @param told what the client is told in the place of `outcome` */
int whk_request_stop_at(request_rec *r, whk_door_t door, const whk_outcome_t *outcome,
                        const whk_outcome_t *told);
