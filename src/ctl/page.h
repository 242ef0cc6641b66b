/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** `--limit` and `--offset` of the commands that list what may be long. */

#include "ctl/invocation.h"
#include "registry/listing.h"

/** Set limit and offset of a page; without `--limit` all there is. @return an exit status */
int whk_page_read(whk_invocation_t *invocation, whk_page_t *page);

/** After listing: a page without `--limit` says how many it holds instead of no limit at all. */
void whk_page_settle(whk_invocation_t *invocation, whk_page_t *page);

/** After a table: say that there is more. */
void whk_page_hint(const whk_page_t *page);
