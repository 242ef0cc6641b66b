/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_settings.h"

#include <curl/curl.h>
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
