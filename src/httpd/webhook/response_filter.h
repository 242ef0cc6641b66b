/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Holds an answer, in front of all other filters, until it is verified; then it goes on as it
 * came, with who signed it, or another one goes out in its place: not one byte of an unverified
 * answer leaves. */

#include <httpd.h>

#include "httpd/webhook/response.h"

void whk_response_filter_register(void);

/** Before the handler of `r` runs. @return NULL or why it can't be held */
const whk_outcome_t *whk_response_filter_insert(request_rec *r, const whk_response_t *response);
