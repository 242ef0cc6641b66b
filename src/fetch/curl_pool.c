/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/curl_pool.h"

#include <apr_thread_mutex.h>

/** Handles kept for the next transfer, each with its open connections. */
#define IDLE_MAX 16

struct whk_curl_pool_t {
    CURLSH *share; /* DNS answers and TLS sessions; connections can't be shared between threads */
    apr_thread_mutex_t *share_locks[CURL_LOCK_DATA_LAST];
    apr_thread_mutex_t *idle_lock;
    CURL *idle[IDLE_MAX];
    int idle_count;
};

static void lock_share(CURL *curl, curl_lock_data data, curl_lock_access access, void *handles)
{
    (void)curl;
    (void)access;
    apr_thread_mutex_lock(((whk_curl_pool_t *)handles)->share_locks[data]);
}

static void unlock_share(CURL *curl, curl_lock_data data, void *handles)
{
    (void)curl;
    apr_thread_mutex_unlock(((whk_curl_pool_t *)handles)->share_locks[data]);
}

static apr_status_t end_curl(void *unused)
{
    (void)unused;
    curl_global_cleanup();
    return APR_SUCCESS;
}

static apr_status_t free_share(void *share)
{
    curl_share_cleanup(share);
    return APR_SUCCESS;
}

static apr_status_t free_idle(void *baton)
{
    whk_curl_pool_t *handles = baton;

    while (handles->idle_count)
        curl_easy_cleanup(handles->idle[--handles->idle_count]);
    return APR_SUCCESS;
}

/** The time limit holds during name resolution only with a resolver that libcurl need not wait for.
 */
static int curl_can_do_it(void)
{
    int features = curl_version_info(CURLVERSION_NOW)->features;

    return (features & CURL_VERSION_SSL) && (features & CURL_VERSION_ASYNCHDNS);
}

static apr_status_t create_locks(whk_curl_pool_t *handles, apr_pool_t *pool)
{
    apr_status_t status;
    int i;

    status = apr_thread_mutex_create(&handles->idle_lock, APR_THREAD_MUTEX_DEFAULT, pool);
    for (i = 0; !status && i < CURL_LOCK_DATA_LAST; i++)
        status = apr_thread_mutex_create(&handles->share_locks[i], APR_THREAD_MUTEX_DEFAULT, pool);
    return status;
}

static apr_status_t create_share(whk_curl_pool_t *handles, apr_pool_t *pool)
{
    CURLSH *share = curl_share_init();

    if (!share)
        return APR_ENOMEM;
    apr_pool_cleanup_register(pool, share, free_share, apr_pool_cleanup_null);
    handles->share = share;
    if (curl_share_setopt(share, CURLSHOPT_LOCKFUNC, lock_share) ||
        curl_share_setopt(share, CURLSHOPT_UNLOCKFUNC, unlock_share) ||
        curl_share_setopt(share, CURLSHOPT_USERDATA, handles) ||
        curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) ||
        curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION))
        return APR_ENOMEM;
    return APR_SUCCESS;
}

apr_status_t whk_curl_pool_create(whk_curl_pool_t **handles, apr_pool_t *pool)
{
    whk_curl_pool_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t status;

    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return APR_ENOMEM;
    apr_pool_cleanup_register(pool, NULL, end_curl, apr_pool_cleanup_null);
    if (!curl_can_do_it())
        return APR_ENOTIMPL;
    if ((status = create_locks(made, pool)) || (status = create_share(made, pool)))
        return status;
    apr_pool_cleanup_register(pool, made, free_idle, apr_pool_cleanup_null);
    *handles = made;
    return APR_SUCCESS;
}

CURL *whk_curl_pool_acquire(whk_curl_pool_t *handles)
{
    CURL *curl = NULL;

    apr_thread_mutex_lock(handles->idle_lock);
    if (handles->idle_count)
        curl = handles->idle[--handles->idle_count];
    apr_thread_mutex_unlock(handles->idle_lock);
    if (curl)
        return curl;

    curl = curl_easy_init();
    if (curl && curl_easy_setopt(curl, CURLOPT_SHARE, handles->share)) {
        curl_easy_cleanup(curl);
        return NULL;
    }
    return curl;
}

void whk_curl_pool_release(whk_curl_pool_t *handles, CURL *curl, int is_good)
{
    if (is_good) {
        /* Keeps connections and the share, and forgets what points into a request's memory. */
        curl_easy_reset(curl);
        apr_thread_mutex_lock(handles->idle_lock);
        if (handles->idle_count < IDLE_MAX) {
            handles->idle[handles->idle_count++] = curl;
            curl = NULL;
        }
        apr_thread_mutex_unlock(handles->idle_lock);
    }
    curl_easy_cleanup(curl);
}
