/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Inside of src/fetch: libcurl's easy handles, with what those of a process share. */

#include <apr_pools.h>
#include <curl/curl.h>

typedef struct whk_curl_pool_t whk_curl_pool_t;

/** As whk_fetcher_create(). */
apr_status_t whk_curl_pool_create(whk_curl_pool_t **handles, apr_pool_t *pool);

/** A handle for this thread alone, with no option set; NULL where there is no memory. */
CURL *whk_curl_pool_acquire(whk_curl_pool_t *handles);

/** Give a handle back. One whose transfer failed is not used again. */
void whk_curl_pool_release(whk_curl_pool_t *handles, CURL *curl, int is_good);
