/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/signature.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/err.h>

#include "jose/base64url.h"
#include "jose/openssl_pool.h"
#include "jose/signature_contexts.h"
#include "jose/signature_feed.h"
#include "jose/signature_form.h"

struct whk_signature_feed_t {
    const whk_jwk_t *jwk;
    whk_algorithm_t algorithm;
    EVP_MD_CTX *context; /* NULL: it can't be decided */
    apr_pool_t *pool;
    apr_size_t total;
    apr_size_t length;          /* what was fed */
    unsigned char *gathered;    /* NULL until a piece that is not the whole */
    const unsigned char *whole; /* of what is signed, for EdDSA */
};

static int is_eddsa(whk_algorithm_t algorithm)
{
    return (algorithm & (WHK_ALG_EDDSA | WHK_ALG_ED448)) != 0;
}

static int is_rsa(whk_algorithm_t algorithm)
{
    return (algorithm & WHK_ALGORITHMS_RSA) != 0;
}

static EVP_MD_CTX *copy_context(const whk_jwk_t *jwk, whk_algorithm_t algorithm, apr_pool_t *pool)
{
    const EVP_MD_CTX *kept;
    EVP_MD_CTX *context;

    if ((algorithm & (algorithm - 1)) != 0 || !(jwk->algorithms & algorithm))
        return NULL;
    kept = whk_signature_context(jwk, algorithm);
    context = kept ? whk_own_digest_context(pool, EVP_MD_CTX_new()) : NULL;
    if (!context || EVP_MD_CTX_copy_ex(context, kept) != 1)
        return NULL;
    /* It is used once: spares OpenSSL a copy of its own before the end. */
    EVP_MD_CTX_set_flags(context, EVP_MD_CTX_FLAG_FINALISE);
    return context;
}

whk_signature_feed_t *whk_signature_begin(const whk_jwk_t *jwk, whk_algorithm_t algorithm,
                                          apr_size_t total, apr_pool_t *pool)
{
    whk_signature_feed_t *feed = apr_pcalloc(pool, sizeof(*feed));

    feed->jwk = jwk;
    feed->algorithm = algorithm;
    feed->context = copy_context(jwk, algorithm, pool);
    feed->pool = pool;
    feed->total = total;
    feed->whole = (const unsigned char *)"";
    return feed;
}

static void gather(whk_signature_feed_t *feed, const void *bytes, apr_size_t length)
{
    if (length == feed->total) {
        feed->whole = bytes;
        return;
    }
    if (!feed->gathered)
        feed->whole = feed->gathered = apr_palloc(feed->pool, feed->total);
    memcpy(feed->gathered + feed->length, bytes, length);
}

void whk_signature_feed(whk_signature_feed_t *feed, const void *bytes, apr_size_t length)
{
    if (!feed->context || length == 0)
        return;
    if (length > feed->total - feed->length) {
        feed->context = NULL;
        return;
    }
    if (is_eddsa(feed->algorithm))
        gather(feed, bytes, length);
    else if (EVP_DigestVerifyUpdate(feed->context, bytes, length) != 1)
        feed->context = NULL;
    feed->length += length;
}

static int verify(const whk_signature_feed_t *feed, const unsigned char *signature,
                  apr_size_t length)
{
    unsigned char der[WHK_ECDSA_DER_MAX];
    apr_size_t der_length;

    if (is_eddsa(feed->algorithm))
        return !whk_signature_form_has_small_r(feed->algorithm, signature) &&
               EVP_DigestVerify(feed->context, signature, length, feed->whole, feed->total) == 1;
    if (is_rsa(feed->algorithm))
        return EVP_DigestVerifyFinal(feed->context, signature, length) == 1;
    der_length = whk_signature_form_der(feed->algorithm, signature, length, der);
    return der_length && EVP_DigestVerifyFinal(feed->context, der, der_length) == 1;
}

int whk_signature_end(whk_signature_feed_t *feed, const unsigned char *signature, apr_size_t length)
{
    int size = EVP_PKEY_get_size(feed->jwk->pkey);
    int is_good;

    if (!feed->context || feed->length != feed->total ||
        length != whk_signature_form_length(feed->algorithm, size))
        return 0;
    ERR_set_mark();
    is_good = verify(feed, signature, length);
    ERR_pop_to_mark();
    feed->context = NULL;
    return is_good;
}

int whk_signature_verify(const whk_jwk_t *jwk, whk_algorithm_t algorithm, const whk_bytes_t *parts,
                         int count, const unsigned char *signature, apr_size_t length,
                         apr_pool_t *pool)
{
    whk_signature_feed_t *feed;
    apr_size_t total = 0;
    int i;

    for (i = 0; i < count; i++)
        total += parts[i].length;
    feed = whk_signature_begin(jwk, algorithm, total, pool);
    for (i = 0; i < count; i++)
        whk_signature_feed(feed, parts[i].bytes, parts[i].length);
    return whk_signature_end(feed, signature, length);
}

const char *whk_signature_replay_id(const unsigned char *signature, apr_size_t length,
                                    apr_pool_t *pool)
{
    return apr_pstrcat(pool, "sig:", whk_base64url_encode(pool, signature, (length + 1) / 2), NULL);
}
