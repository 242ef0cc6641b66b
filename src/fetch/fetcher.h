/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_FETCH_FETCHER_H
#define WHK_FETCH_FETCHER_H

/**
 * @file fetch/fetcher.h
 * Inside of src/fetch: what the fetches of a process share.
 */

#include <apr_thread_mutex.h>
#include <curl/curl.h>

#include "fetch/fetch.h"

/** Handles kept for the next fetch, each with its open connections. */
#define WHK_FETCHER_IDLE_MAX 16

struct whk_fetcher_t {
    whk_fetch_settings_t settings;
    CURLSH *share; /* DNS answers and TLS sessions; connections can't be shared between threads */
    apr_thread_mutex_t *share_locks[CURL_LOCK_DATA_LAST];
    apr_thread_mutex_t *idle_lock;
    CURL *idle[WHK_FETCHER_IDLE_MAX];
    int idle_count;
};

/** A handle for this thread alone, with no option set; NULL where there is no memory. */
CURL *whk_fetcher_borrow(whk_fetcher_t *fetcher);

/** Give a handle back. One whose transfer failed is not used again. */
void whk_fetcher_return(whk_fetcher_t *fetcher, CURL *curl, int is_good);

#endif
