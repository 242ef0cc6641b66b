/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The query of a list: `status`, `limit`, `prevId` (docs/api.md, "List"). */

#include <httpd.h>

#include "registry/listing.h"

/** Fill limit and offset of a page from the query, defaults included.
 * @param status set to NULL, `ACTIVE` or `REVOKED`; NULL where the list has no such filter
 * @return NULL, or invalid_request for a value that is not allowed or given twice. Other parameters
 *         are ignored. */
const whk_outcome_t *whk_list_query_read(request_rec *r, whk_page_t *page, const char **status);
