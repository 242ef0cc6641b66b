/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/private_key.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "jose/json.h"
#include "jose/jwk_from_pkey.h"
#include "jose/openssl_pool.h"
#include "jose/signature_contexts.h"
#include "jose/signature_encoding.h"
#include "model/log_number.h"

#define RSA_BITS_LEAST 2048

/* By which a key of their kind signs here; one of RSA by RS256. */
#define SIGNING (WHK_ALG_EDDSA | WHK_ALG_ES256 | WHK_ALG_ES384 | WHK_ALG_ES512)

#define KINDS "an Ed25519, P-256, P-384, P-521 or RSA key"

/* ---- which key it is ---- */

static const char *find_kind(whk_private_key_t *key, json_t **members, apr_pool_t *pool)
{
    int bits = EVP_PKEY_get_bits(key->pkey);
    whk_algorithms_t fits = whk_jwk_algorithms_of_pkey(key->pkey);

    if (EVP_PKEY_is_a(key->pkey, "RSA") && bits < RSA_BITS_LEAST)
        return apr_psprintf(pool, "must hold an RSA key of at least %d bits, and has one of %d",
                            RSA_BITS_LEAST, bits);
    key->algorithm = fits & WHK_ALGORITHMS_RSA ? WHK_ALG_RS256 : fits & SIGNING;
    if (!key->algorithm)
        return "must hold " KINDS ", and holds another kind";
    *members = whk_jwk_from_pkey(key->pkey, pool);
    return NULL;
}

static const char *parse_public_half(const whk_jwk_t **jwk, const whk_private_key_t *key,
                                     json_t *members, apr_pool_t *pool)
{
    json_t *json = whk_json_adopt(pool, members);
    const whk_outcome_t *outcome;

    if (!json || json_object_set_new(json, "alg",
                                     json_string(whk_algorithms_names(pool, key->algorithm))) != 0)
        return "must hold a key whose public half OpenSSL tells";
    outcome = whk_jwk_parse(jwk, json, "public half", key->algorithm, pool);
    return outcome ? apr_pstrcat(pool, "must hold a key that may be registered: its ",
                                 outcome->message, NULL)
                   : NULL;
}

/* A file may hold a public half that belongs to another key. */
static const char *check_halves(const whk_private_key_t *key, const whk_jwk_t *jwk,
                                apr_pool_t *pool)
{
    static const whk_bytes_t text = {"webhook", sizeof("webhook") - 1};
    whk_bytes_t signature;

    if (whk_private_key_sign(key, &text, 1, &signature, pool) ||
        !whk_signature_verify(jwk, key->algorithm, &text, 1, signature.bytes, signature.length,
                              pool))
        return "must hold a key whose two halves belong together";
    return NULL;
}

static const char *read_public_half(whk_private_key_t *key, json_t *members, apr_pool_t *pool)
{
    const whk_jwk_t *jwk = NULL;
    const char *flaw;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    flaw = parse_public_half(&jwk, key, members, scratch);
    if (!flaw)
        flaw = check_halves(key, jwk, scratch);
    if (flaw) {
        flaw = apr_pstrdup(pool, flaw);
    } else {
        key->public_json = apr_pstrdup(pool, jwk->public_json);
        key->thumbprint = apr_pstrdup(pool, jwk->thumbprint);
    }
    apr_pool_destroy(scratch);
    return flaw;
}

/* ---- PEM ---- */

typedef struct {
    int is_encrypted;
} passphrase_t;

/* Called for what is encrypted: nobody is asked. */
static int refuse_passphrase(char *buffer, int size, int is_writing, void *baton)
{
    (void)buffer;
    (void)size;
    (void)is_writing;
    ((passphrase_t *)baton)->is_encrypted = 1;
    return -1;
}

static const char *find(const char *text, apr_size_t length, const char *what)
{
    return memmem(text, length, what, strlen(what));
}

static int count_private_keys(const char *text, apr_size_t length)
{
    static const char mark[] = "PRIVATE KEY-----";
    const char *end = text + length;
    int count = 0;

    while ((text = find(text, (apr_size_t)(end - text), mark)) != NULL) {
        text += strlen(mark);
        count++;
    }
    return (count + 1) / 2; /* each has a first and a last line */
}

static const char *flaw_of_text(const char *text, apr_size_t length)
{
    if (find(text, length, "PUBLIC KEY-----"))
        return "must hold a private key, and holds a public key only";
    if (find(text, length, "CERTIFICATE-----"))
        return "must hold a private key, and holds a certificate only";
    return "must hold a private key in PEM (-----BEGIN PRIVATE KEY-----)";
}

static const char *read_pem(EVP_PKEY **pkey, const char *text, apr_size_t length)
{
    passphrase_t passphrase = {0};
    int count = count_private_keys(text, length);
    BIO *input;

    if (!count)
        return flaw_of_text(text, length);
    if (count > 1)
        return "must hold one private key, and holds several";
    input = BIO_new_mem_buf(text, (int)length);
    ERR_set_mark();
    *pkey = input ? PEM_read_bio_PrivateKey(input, NULL, refuse_passphrase, &passphrase) : NULL;
    ERR_pop_to_mark();
    BIO_free(input);
    if (*pkey)
        return NULL;
    return passphrase.is_encrypted || find(text, length, "ENCRYPTED")
               ? "must hold a key that is not encrypted: nobody is there to give its passphrase "
                 "when httpd starts; decrypt it with openssl pkey, and keep it by its mode and "
                 "owner"
               : "must hold a private key in PEM that OpenSSL can read, and it can't: make it with "
                 "openssl genpkey";
}

const char *whk_private_key_parse(const whk_private_key_t **key, const char *kid, const char *text,
                                  apr_size_t length, apr_pool_t *pool)
{
    whk_private_key_t *read = apr_pcalloc(pool, sizeof(*read));
    json_t *members = NULL;
    const char *flaw = read_pem(&read->pkey, text, length);

    if (flaw)
        return flaw;
    whk_pool_adopt_pkey(pool, read->pkey);
    read->kid = kid;
    flaw = find_kind(read, &members, pool);
    if (flaw)
        return flaw;
    read->context = whk_pool_adopt_digest_context(
        pool, whk_signature_signing_context(read->pkey, read->algorithm));
    if (!read->context) {
        json_decref(members);
        return "must hold a key that OpenSSL can sign with";
    }
    *key = read;
    return read_public_half(read, members, pool);
}

/* ---- signing ---- */

static whk_bytes_t join(const whk_bytes_t *parts, int count, apr_pool_t *pool)
{
    whk_bytes_t whole = {"", 0};
    char *end;
    int i;

    if (count == 1)
        return parts[0];
    for (i = 0; i < count; i++)
        whole.length += parts[i].length;
    whole.bytes = end = apr_palloc(pool, whole.length + 1);
    for (i = 0; i < count; i++) {
        memcpy(end, parts[i].bytes, parts[i].length);
        end += parts[i].length;
    }
    return whole;
}

static int sign_parts(EVP_MD_CTX *context, const whk_bytes_t *parts, int count,
                      unsigned char *bytes, size_t *length)
{
    int i;

    for (i = 0; i < count; i++)
        if (parts[i].length && EVP_DigestSignUpdate(context, parts[i].bytes, parts[i].length) != 1)
            return 0;
    return EVP_DigestSignFinal(context, bytes, length) == 1;
}

/* @return bytes that were written, 0 where OpenSSL can't */
static size_t sign(const whk_private_key_t *key, const whk_bytes_t *parts, int count,
                   unsigned char *bytes, size_t length, apr_pool_t *pool)
{
    EVP_MD_CTX *context = whk_pool_adopt_digest_context(pool, EVP_MD_CTX_new());
    whk_bytes_t whole;

    if (!context || EVP_MD_CTX_copy_ex(context, key->context) != 1)
        return 0;
    /* It is used once: spares OpenSSL a copy of its own before the end. */
    EVP_MD_CTX_set_flags(context, EVP_MD_CTX_FLAG_FINALISE);
    if (key->algorithm != WHK_ALG_EDDSA)
        return sign_parts(context, parts, count, bytes, &length) ? length : 0;
    whole = join(parts, count, pool);
    return EVP_DigestSign(context, bytes, &length, whole.bytes, whole.length) == 1 ? length : 0;
}

const whk_outcome_t *whk_private_key_sign(const whk_private_key_t *key, const whk_bytes_t *parts,
                                          int count, whk_bytes_t *signature, apr_pool_t *pool)
{
    int size = EVP_PKEY_get_size(key->pkey);
    apr_size_t right = whk_signature_encoding_length(key->algorithm, size);
    unsigned char *bytes = apr_palloc(pool, (apr_size_t)size);
    unsigned char *fixed = bytes;
    size_t length;

    ERR_set_mark();
    length = sign(key, parts, count, bytes, (size_t)size, pool);
    if (length && EVP_PKEY_is_a(key->pkey, "EC")) {
        fixed = apr_palloc(pool, right);
        length = whk_signature_encoding_fixed(key->algorithm, bytes, length, fixed);
    }
    ERR_pop_to_mark();
    if (length != right)
        return whk_fail(pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0326) "OpenSSL can't sign with the signing key %s", key->kid);
    *signature = (whk_bytes_t){fixed, length};
    return NULL;
}
