/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Going through many enterprises: memory for one at a time, and on a terminal how far it is. */

#include <apr_tables.h>

#include "ctl/invocation.h"
#include "store/enterprises.h"

/** What is done with one. `registry` is the invocation's, with a pool that is emptied behind it. */
typedef const whk_outcome_t *(*whk_enterprise_visit)(void *baton, whk_registry_t *registry,
                                                     const whk_enterprise_t *enterprise);

/** Visit each of these (`whk_enterprise_t *`), until one fails.
 * @param doing for a terminal: what is done with them, as in "10 of 200 enterprises verified"; NULL
 *              where a line is printed for each */
const whk_outcome_t *whk_enterprise_walk(whk_invocation_t *invocation,
                                         const apr_array_header_t *enterprises, const char *doing,
                                         whk_enterprise_visit visit, void *baton);
