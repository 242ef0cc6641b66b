/* SPDX-License-Identifier: Apache-2.0 */
#include "otp/totp.h"
#include "otp/base32.h"

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

/* Steps either way whose codes are good too (RFC 6238, section 5.2). */
#define DRIFT 1

typedef struct {
    const char *name;
    const char *digest; /* OpenSSL's name */
    const char *in_uri; /* the name that authenticator apps know */
    apr_size_t length;
} algorithm_t;

static const algorithm_t algorithms[] = {
    {"sha1", OSSL_DIGEST_NAME_SHA1, "SHA1", 20},
    {"sha256", OSSL_DIGEST_NAME_SHA2_256, "SHA256", 32},
    {"sha512", OSSL_DIGEST_NAME_SHA2_512, "SHA512", 64},
};

static const algorithm_t *find_algorithm(const char *name)
{
    size_t i;

    for (i = 0; name && i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (!strcmp(algorithms[i].name, name))
            return &algorithms[i];
    return NULL;
}

int whk_totp_valid(const whk_totp_t *totp)
{
    return find_algorithm(totp->algorithm) && (totp->digits == 6 || totp->digits == 8) &&
           totp->period >= 15 && totp->period <= 60;
}

apr_size_t whk_totp_secret_length(const whk_totp_t *totp)
{
    const algorithm_t *algorithm = find_algorithm(totp->algorithm);

    return algorithm ? algorithm->length : 0;
}

apr_int64_t whk_totp_step(const whk_totp_t *totp, apr_time_t when)
{
    return apr_time_sec(when) / totp->period;
}

static EVP_MAC *hmac;
static pthread_once_t hmac_once = PTHREAD_ONCE_INIT;

/* Fetching costs more than the HMAC itself, so it is done once and kept as long as the process. */
static void fetch_hmac(void)
{
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
}

static int compute_hmac(const algorithm_t *algorithm, const unsigned char *secret,
                        apr_size_t length, const unsigned char counter[8],
                        unsigned char mac[EVP_MAX_MD_SIZE])
{
    OSSL_PARAM params[2];
    EVP_MAC_CTX *context;
    size_t size = 0;
    int done;

    pthread_once(&hmac_once, fetch_hmac);
    context = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    if (!context) {
        ERR_clear_error();
        return 0;
    }
    params[0] =
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)algorithm->digest, 0);
    params[1] = OSSL_PARAM_construct_end();
    done = EVP_MAC_init(context, secret, length, params) && EVP_MAC_update(context, counter, 8) &&
           EVP_MAC_final(context, mac, &size, EVP_MAX_MD_SIZE) && size == algorithm->length;
    EVP_MAC_CTX_free(context);
    if (!done)
        ERR_clear_error();
    return done;
}

/* RFC 4226, section 5.3. */
static uint32_t truncate_mac(const unsigned char *mac, apr_size_t length)
{
    const unsigned char *at = mac + (mac[length - 1] & 0x0f);

    return ((uint32_t)(at[0] & 0x7f) << 24) | ((uint32_t)at[1] << 16) | ((uint32_t)at[2] << 8) |
           at[3];
}

int whk_totp_code(const whk_totp_t *totp, const unsigned char *secret, apr_size_t length,
                  apr_int64_t step, char *code)
{
    const algorithm_t *algorithm = find_algorithm(totp->algorithm);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned char counter[8];
    uint32_t number;
    int i;

    if (!algorithm || !whk_totp_valid(totp))
        return 0;
    for (i = 0; i < 8; i++)
        counter[i] = (unsigned char)((uint64_t)step >> (56 - 8 * i));
    if (!compute_hmac(algorithm, secret, length, counter, mac))
        return 0;
    number = truncate_mac(mac, algorithm->length);
    OPENSSL_cleanse(mac, sizeof(mac));
    code[totp->digits] = '\0';
    for (i = totp->digits - 1; i >= 0; i--, number /= 10)
        code[i] = (char)('0' + number % 10);
    return 1;
}

static int is_code(const whk_totp_t *totp, const char *code)
{
    return strlen(code) == (size_t)totp->digits &&
           strspn(code, "0123456789") == (size_t)totp->digits;
}

int whk_totp_match(const whk_totp_t *totp, const unsigned char *secret, apr_size_t length,
                   apr_time_t now, const char *code, apr_int64_t *step)
{
    apr_int64_t current, each;
    apr_int64_t found = 0;
    apr_int64_t newest = 0;
    char expected[9];

    if (!whk_totp_valid(totp) || !is_code(totp, code))
        return 0;
    current = whk_totp_step(totp, now);
    for (each = current - DRIFT; each <= current + DRIFT; each++) {
        apr_int64_t equal;

        if (!whk_totp_code(totp, secret, length, each, expected))
            return 0;
        /* All ones or all zeros, so that which step it was shows in no branch. */
        equal = -(apr_int64_t)(CRYPTO_memcmp(expected, code, (size_t)totp->digits) == 0);
        newest = (each & equal) | (newest & ~equal);
        found |= equal;
    }
    OPENSSL_cleanse(expected, sizeof(expected));
    if (!found)
        return 0;
    *step = newest;
    return 1;
}

/* RFC 3986, section 2.1: all but the unreserved characters. */
static const char *percent_encode(apr_pool_t *pool, const char *text)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-._~";
    char *encoded = apr_palloc(pool, 3 * strlen(text) + 1);
    char *end = encoded;

    for (; *text; text++) {
        if (strchr(unreserved, *text))
            *end++ = *text;
        else
            end += sprintf(end, "%%%02X", (unsigned char)*text);
    }
    *end = '\0';
    return encoded;
}

const char *whk_totp_uri(apr_pool_t *pool, const whk_totp_t *totp, const char *issuer,
                         const char *user, const unsigned char *secret, apr_size_t length)
{
    const algorithm_t *algorithm = find_algorithm(totp->algorithm);
    const char *encoded_issuer = percent_encode(pool, issuer);

    return apr_psprintf(
        pool, "otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=%s&digits=%d&period=%d",
        encoded_issuer, percent_encode(pool, user), whk_base32_encode(pool, secret, length),
        encoded_issuer, algorithm ? algorithm->in_uri : "", totp->digits, totp->period);
}
