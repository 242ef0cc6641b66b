/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/public_key_text.h"

#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "jose/base64.h"
#include "jose/base64url.h"
#include "jose/json.h"
#include "jose/jwk_from_pkey.h"
#include "jose/openssl_pool.h"

#define WHPK "whpk_"
#define ED25519_LENGTH 32

static int holds(const char *text, apr_size_t length, const char *what)
{
    return memmem(text, length, what, strlen(what)) != NULL;
}

static int begins(const char *text, apr_size_t length, const char *with)
{
    return length >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

static const whk_outcome_t *read_whpk(json_t **jwk, const char *text, apr_size_t length,
                                      apr_pool_t *pool)
{
    unsigned char *bytes;
    apr_size_t count;

    if (!whk_base64_decode(pool, text, length, &bytes, &count) || count != ED25519_LENGTH)
        return whk_refuse(pool, WHK_INVALID_JWKS,
                          "key must be " WHPK " and the base64 of the %d bytes of an Ed25519 key",
                          ED25519_LENGTH);
    *jwk = json_pack("{s:s, s:s, s:s}", "kty", "OKP", "crv", "Ed25519", "x",
                     whk_base64url_encode(pool, bytes, count));
    return NULL;
}

/* ---- PEM ---- */

/* Called for what is encrypted: nobody is asked. */
static int refuse_passphrase(char *buffer, int size, int is_writing, void *baton)
{
    (void)buffer;
    (void)size;
    (void)is_writing;
    (void)baton;
    return -1;
}

static EVP_PKEY *read_public_key(BIO *input)
{
    EVP_PKEY *pkey = NULL;
    OSSL_DECODER_CTX *context =
        OSSL_DECODER_CTX_new_for_pkey(&pkey, "PEM", NULL, NULL, EVP_PKEY_PUBLIC_KEY, NULL, NULL);

    if (context)
        OSSL_DECODER_CTX_set_pem_password_cb(context, refuse_passphrase, NULL);
    if (!context || OSSL_DECODER_from_bio(context, input) != 1)
        pkey = NULL;
    OSSL_DECODER_CTX_free(context);
    return pkey;
}

static EVP_PKEY *read_certificate(BIO *input)
{
    X509 *certificate = PEM_read_bio_X509(input, NULL, refuse_passphrase, NULL);
    EVP_PKEY *pkey = certificate ? X509_get_pubkey(certificate) : NULL;

    X509_free(certificate);
    return pkey;
}

static EVP_PKEY *read_pkey(const char *text, apr_size_t length)
{
    BIO *input = BIO_new_mem_buf(text, (int)length);
    EVP_PKEY *pkey = NULL;

    ERR_set_mark();
    if (input)
        pkey = holds(text, length, "-----BEGIN CERTIFICATE-----") ? read_certificate(input)
                                                                  : read_public_key(input);
    ERR_pop_to_mark();
    BIO_free(input);
    return pkey;
}

static int count_blocks(const char *text, apr_size_t length)
{
    static const char mark[] = "-----BEGIN ";
    const char *end = text + length;
    int count = 0;

    while ((text = memmem(text, (apr_size_t)(end - text), mark, strlen(mark))) != NULL) {
        text += strlen(mark);
        count++;
    }
    return count;
}

static const whk_outcome_t *read_pem(json_t **jwk, const char *text, apr_size_t length,
                                     apr_pool_t *pool)
{
    EVP_PKEY *pkey;

    if (count_blocks(text, length) != 1)
        return whk_refuse(pool, WHK_INVALID_JWKS, "key must hold one PEM block, and holds several");
    pkey = whk_pool_adopt_pkey(pool, read_pkey(text, length));
    if (!pkey)
        return whk_refuse(pool, WHK_INVALID_JWKS,
                          "key must be a public key in PEM that OpenSSL can read (-----BEGIN "
                          "PUBLIC KEY-----), or a certificate");
    *jwk = whk_jwk_from_pkey(pkey, pool);
    if (!*jwk)
        return whk_refuse(pool, WHK_UNSUPPORTED_KEY,
                          "key must be an Ed25519, Ed448, P-256, P-384, P-521, secp256k1 or RSA "
                          "key, and is of another kind");
    return NULL;
}

static const whk_outcome_t *read_text(json_t **jwk, const char *text, apr_size_t length,
                                      apr_pool_t *pool)
{
    if (holds(text, length, "PRIVATE KEY-----") || begins(text, length, "whsk_") ||
        begins(text, length, "whsec_"))
        return whk_refuse(pool, WHK_PRIVATE_KEY_MATERIAL,
                          "key holds a private or shared secret: only public keys are taken, and "
                          "whoever had this text should make new ones");
    if (begins(text, length, WHPK))
        return read_whpk(jwk, text + strlen(WHPK), length - strlen(WHPK), pool);
    if (holds(text, length, "-----BEGIN "))
        return read_pem(jwk, text, length, pool);
    return whk_refuse(pool, WHK_INVALID_JWKS,
                      "key must be a JWK, a JWK Set with one key, PEM, or " WHPK " and base64");
}

const whk_outcome_t *whk_public_key_text_read(json_t **jwk, const char *text, apr_size_t length,
                                              apr_pool_t *pool)
{
    *jwk = NULL;
    WHK_TRY(read_text(jwk, text, length, pool));
    if (!whk_json_adopt(pool, *jwk))
        return whk_refuse(pool, WHK_INVALID_JWKS,
                          "key must be one whose public half OpenSSL tells");
    return NULL;
}
