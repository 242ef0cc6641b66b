/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetcher.h"

#include <apr_strings.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <strings.h>

void whk_fetch_settings_default(whk_fetch_settings_t *settings, apr_pool_t *pool)
{
    *settings = (whk_fetch_settings_t){
        .allowed = whk_allow_list_create(pool),
        .timeout = apr_time_from_sec(5),
        .connect_timeout = apr_time_from_sec(2),
        .max_bytes = 65536,
        .dns_lifetime = apr_time_from_sec(60),
    };
}

const char *whk_fetch_proxy_flaw(const char *proxy)
{
    CURLU *parsed = curl_url();
    char *scheme = NULL, *port = NULL, *user = NULL;
    const char *flaw = NULL;

    /* Without a port libcurl would take 1080, which no one expects of an HTTP proxy. */
    if (!parsed || curl_url_set(parsed, CURLUPART_URL, proxy, 0) ||
        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) ||
        curl_url_get(parsed, CURLUPART_PORT, &port, 0) ||
        (strcasecmp(scheme, "http") && strcasecmp(scheme, "https")))
        flaw = "be a URL with a port that begins with http:// or https://";
    else if (curl_url_get(parsed, CURLUPART_USER, &user, 0) != CURLUE_NO_USER)
        flaw = "be a URL without a user";
    curl_free(scheme);
    curl_free(port);
    curl_free(user);
    curl_url_cleanup(parsed);
    return flaw;
}

static apr_status_t free_file(void *file)
{
    BIO_free(file);
    return APR_SUCCESS;
}

const char *whk_fetch_ca_file_flaw(const char *ca_file, apr_pool_t *pool)
{
    BIO *file = BIO_new_file(ca_file, "r");
    X509 *certificate = NULL;
    const char *flaw;

    if (file) {
        apr_pool_cleanup_register(pool, file, free_file, apr_pool_cleanup_null);
        certificate = PEM_read_bio_X509(file, NULL, NULL, NULL);
    }
    ERR_clear_error();
    flaw = certificate ? NULL : "be a file of PEM certificates that httpd can read";
    X509_free(certificate);
    return flaw;
}

static void lock_share(CURL *curl, curl_lock_data data, curl_lock_access access, void *fetcher)
{
    (void)curl;
    (void)access;
    apr_thread_mutex_lock(((whk_fetcher_t *)fetcher)->share_locks[data]);
}

static void unlock_share(CURL *curl, curl_lock_data data, void *fetcher)
{
    (void)curl;
    apr_thread_mutex_unlock(((whk_fetcher_t *)fetcher)->share_locks[data]);
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
    whk_fetcher_t *fetcher = baton;

    while (fetcher->idle_count)
        curl_easy_cleanup(fetcher->idle[--fetcher->idle_count]);
    return APR_SUCCESS;
}

/** The time limit holds during name resolution only with a resolver that libcurl need not wait for.
 */
static int curl_can_do_it(void)
{
    int features = curl_version_info(CURLVERSION_NOW)->features;

    return (features & CURL_VERSION_SSL) && (features & CURL_VERSION_ASYNCHDNS);
}

static apr_status_t create_locks(whk_fetcher_t *fetcher, apr_pool_t *pool)
{
    apr_status_t status;
    int i;

    status = apr_thread_mutex_create(&fetcher->idle_lock, APR_THREAD_MUTEX_DEFAULT, pool);
    for (i = 0; !status && i < CURL_LOCK_DATA_LAST; i++)
        status = apr_thread_mutex_create(&fetcher->share_locks[i], APR_THREAD_MUTEX_DEFAULT, pool);
    return status;
}

static apr_status_t create_share(whk_fetcher_t *fetcher, apr_pool_t *pool)
{
    CURLSH *share = curl_share_init();

    if (!share)
        return APR_ENOMEM;
    apr_pool_cleanup_register(pool, share, free_share, apr_pool_cleanup_null);
    fetcher->share = share;
    if (curl_share_setopt(share, CURLSHOPT_LOCKFUNC, lock_share) ||
        curl_share_setopt(share, CURLSHOPT_UNLOCKFUNC, unlock_share) ||
        curl_share_setopt(share, CURLSHOPT_USERDATA, fetcher) ||
        curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) ||
        curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION))
        return APR_ENOMEM;
    return APR_SUCCESS;
}

apr_status_t whk_fetcher_create(whk_fetcher_t **fetcher, const whk_fetch_settings_t *settings,
                                apr_pool_t *pool)
{
    whk_fetcher_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t status;

    made->settings = *settings;
    made->settings.ca_file = apr_pstrdup(pool, settings->ca_file);
    made->settings.proxy = apr_pstrdup(pool, settings->proxy);

    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return APR_ENOMEM;
    apr_pool_cleanup_register(pool, NULL, end_curl, apr_pool_cleanup_null);
    if (!curl_can_do_it())
        return APR_ENOTIMPL;
    if ((status = create_locks(made, pool)) || (status = create_share(made, pool)))
        return status;
    apr_pool_cleanup_register(pool, made, free_idle, apr_pool_cleanup_null);
    *fetcher = made;
    return APR_SUCCESS;
}

CURL *whk_fetcher_borrow(whk_fetcher_t *fetcher)
{
    CURL *curl = NULL;

    apr_thread_mutex_lock(fetcher->idle_lock);
    if (fetcher->idle_count)
        curl = fetcher->idle[--fetcher->idle_count];
    apr_thread_mutex_unlock(fetcher->idle_lock);
    if (curl)
        return curl;

    curl = curl_easy_init();
    if (curl && curl_easy_setopt(curl, CURLOPT_SHARE, fetcher->share)) {
        curl_easy_cleanup(curl);
        return NULL;
    }
    return curl;
}

void whk_fetcher_return(whk_fetcher_t *fetcher, CURL *curl, int is_good)
{
    if (is_good) {
        /* Keeps connections and the share, and forgets what points into a request's memory. */
        curl_easy_reset(curl);
        apr_thread_mutex_lock(fetcher->idle_lock);
        if (fetcher->idle_count < WHK_FETCHER_IDLE_MAX) {
            fetcher->idle[fetcher->idle_count++] = curl;
            curl = NULL;
        }
        apr_thread_mutex_unlock(fetcher->idle_lock);
    }
    curl_easy_cleanup(curl);
}
