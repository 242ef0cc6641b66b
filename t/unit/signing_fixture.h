/* SPDX-License-Identifier: Apache-2.0 */
/* Key pairs made on the spot, and what signs with them: with OpenSSL alone, not with our code. */

#pragma once

#include "jwk_fixture.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "jose/base64url.h"
#include "jose/openssl_pool.h"
#include "scheme/signed_message.h"

#define COUNT(array) (sizeof(array) / sizeof(array[0]))

#define NOW (apr_time_from_sec(1800000000))
#define MAX_AGE (apr_time_from_sec(300))
#define SKEW (apr_time_from_sec(30))

typedef struct {
    EVP_PKEY *pkey;
    const whk_jwk_t *jwk;
} signer_t;

/* What is wrong, and the start of what is said of it. */
typedef struct {
    const char *text;
    const char *message;
} refused_t;

/* The bytes of a signature. */
typedef struct {
    unsigned char bytes[1100];
    apr_size_t length;
} signed_t;

typedef struct {
    const char *name;
    whk_algorithm_t algorithm;
    const char *crv; /* NULL: RSA */
    const char *digest;
    int padding;
    apr_size_t length; /* of a signature */
} algorithm_row_t;

static const algorithm_row_t algorithm_rows[] = {
    {"EdDSA", WHK_ALG_EDDSA, "Ed25519", NULL, 0, 64},
    {"Ed448", WHK_ALG_ED448, "Ed448", NULL, 0, 114},
    {"ES256", WHK_ALG_ES256, "P-256", "SHA256", 0, 64},
    {"ES384", WHK_ALG_ES384, "P-384", "SHA384", 0, 96},
    {"ES512", WHK_ALG_ES512, "P-521", "SHA512", 0, 132},
    {"ES256K", WHK_ALG_ES256K, "secp256k1", "SHA256", 0, 64},
    {"RS256", WHK_ALG_RS256, NULL, "SHA256", RSA_PKCS1_PADDING, 256},
    {"RS384", WHK_ALG_RS384, NULL, "SHA384", RSA_PKCS1_PADDING, 256},
    {"RS512", WHK_ALG_RS512, NULL, "SHA512", RSA_PKCS1_PADDING, 256},
    {"PS256", WHK_ALG_PS256, NULL, "SHA256", RSA_PKCS1_PSS_PADDING, 256},
    {"PS384", WHK_ALG_PS384, NULL, "SHA384", RSA_PKCS1_PSS_PADDING, 256},
    {"PS512", WHK_ALG_PS512, NULL, "SHA512", RSA_PKCS1_PSS_PADDING, 256},
};

#define ROW_COUNT (sizeof(algorithm_rows) / sizeof(algorithm_rows[0]))

static inline const algorithm_row_t *row_of(whk_algorithm_t algorithm)
{
    size_t i;

    for (i = 0; i < ROW_COUNT; i++)
        if (algorithm_rows[i].algorithm == algorithm)
            return &algorithm_rows[i];
    fail_msg("no row for algorithm %d", (int)algorithm);
    return NULL;
}

static inline const char *number_text(EVP_PKEY *pkey, const char *name, int width)
{
    unsigned char bytes[1024];
    BIGNUM *number = NULL;
    int length;

    assert_int_equal(EVP_PKEY_get_bn_param(pkey, name, &number), 1);
    length = width ? width : BN_num_bytes(number);
    assert_int_equal(BN_bn2binpad(number, bytes, length), length);
    BN_free(number);
    return whk_base64url_encode(pool, bytes, (apr_size_t)length);
}

static inline const char *members_of(EVP_PKEY *pkey, const algorithm_row_t *row)
{
    unsigned char raw[64];
    size_t length = sizeof(raw);
    int width = (int)row->length / 2;

    if (!row->crv)
        return apr_psprintf(pool, "'kty':'RSA','n':'%s','e':'%s'",
                            number_text(pkey, OSSL_PKEY_PARAM_RSA_N, 0),
                            number_text(pkey, OSSL_PKEY_PARAM_RSA_E, 0));
    if (row->digest)
        return apr_psprintf(pool, "'kty':'EC','crv':'%s','x':'%s','y':'%s'", row->crv,
                            number_text(pkey, OSSL_PKEY_PARAM_EC_PUB_X, width),
                            number_text(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, width));
    assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, raw, &length), 1);
    return apr_psprintf(pool, "'kty':'OKP','crv':'%s','x':'%s'", row->crv,
                        whk_base64url_encode(pool, raw, length));
}

/* A pair for an algorithm; `alg` is what the JWK says of it, NULL for nothing. */
static inline signer_t make_signer(whk_algorithm_t algorithm, const char *alg)
{
    const algorithm_row_t *row = row_of(algorithm);
    signer_t signer;

    if (!row->crv)
        signer.pkey = EVP_RSA_gen(2048);
    else if (row->digest)
        signer.pkey = EVP_EC_gen(row->crv);
    else
        signer.pkey = EVP_PKEY_Q_keygen(NULL, NULL, row->crv);
    assert_non_null(signer.pkey);
    whk_pool_adopt_pkey(pool, signer.pkey);
    signer.jwk =
        good_jwk(read_json(apr_psprintf(pool, "{%s%s%s%s}", members_of(signer.pkey, row),
                                        alg ? ",'alg':'" : "", alg ? alg : "", alg ? "'" : "")));
    return signer;
}

/* From DER to r || s. */
static inline void to_fixed(signed_t *made, apr_size_t length)
{
    const unsigned char *der = made->bytes;
    ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &der, (long)made->length);
    int half = (int)length / 2;

    assert_non_null(parts);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(parts), made->bytes, half), half);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(parts), made->bytes + half, half), half);
    made->length = length;
    ECDSA_SIG_free(parts);
}

/* `salt` and `mgf` for PSS: -1 (RSA_PSS_SALTLEN_DIGEST) and NULL are what RFC 7518 asks for. */
static inline signed_t sign_oddly(const signer_t *signer, whk_algorithm_t algorithm,
                                  const void *bytes, apr_size_t length, int salt, const char *mgf)
{
    const algorithm_row_t *row = row_of(algorithm);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters;
    signed_t made;

    made.length = sizeof(made.bytes);
    assert_int_equal(
        EVP_DigestSignInit_ex(context, &parameters, row->digest, NULL, NULL, signer->pkey, NULL),
        1);
    if (row->padding)
        assert_true(EVP_PKEY_CTX_set_rsa_padding(parameters, row->padding) > 0);
    if (row->padding == RSA_PKCS1_PSS_PADDING)
        assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, salt) > 0);
    if (mgf)
        assert_true(EVP_PKEY_CTX_set_rsa_mgf1_md_name(parameters, mgf, NULL) > 0);
    assert_int_equal(EVP_DigestSign(context, made.bytes, &made.length, bytes, length), 1);
    EVP_MD_CTX_free(context);
    if (row->crv && row->digest)
        to_fixed(&made, row->length);
    return made;
}

static inline signed_t sign(const signer_t *signer, whk_algorithm_t algorithm, const void *bytes,
                            apr_size_t length)
{
    return sign_oddly(signer, algorithm, bytes, length, RSA_PSS_SALTLEN_DIGEST, NULL);
}

/* With " for '. */
static inline const char *quoted(const char *text)
{
    char *json = apr_pstrdup(pool, text);
    char *c;

    for (c = json; *c; c++)
        if (*c == '\'')
            *c = '"';
    return json;
}

static inline const char *base64_of(const void *bytes, apr_size_t length)
{
    char *text = apr_palloc(pool, length / 3 * 4 + 5);

    EVP_EncodeBlock((unsigned char *)text, bytes, (int)length);
    return text;
}

static inline void assert_good(const whk_outcome_t *outcome, const char *title)
{
    if (outcome)
        fail_msg("%s: %s: %s", title, whk_code_name(outcome->code), outcome->message);
}

/* The only name of a message. */
static inline const char *name_of(const whk_signed_message_t *message)
{
    assert_non_null(message->replay_ids);
    assert_int_equal(message->replay_ids->nelts, 1);
    return APR_ARRAY_IDX(message->replay_ids, 0, const char *);
}

static inline const whk_jwk_t *key_of(const char *text)
{
    return good_jwk(read_json(text));
}

/* A request: fields are name, value, name, value … NULL. */
typedef struct {
    const char *fields[41];
} request_t;

static inline const apr_array_header_t *field(void *baton, const char *name, apr_pool_t *to)
{
    const request_t *request = baton;
    apr_array_header_t *values = apr_array_make(to, 2, sizeof(const char *));
    int i;

    for (i = 0; request->fields[i]; i += 2)
        if (strcasecmp(request->fields[i], name) == 0)
            APR_ARRAY_PUSH(values, const char *) = request->fields[i + 1];
    return values->nelts ? values : NULL;
}

static inline void add_field(request_t *request, const char *name, const char *value)
{
    size_t i = 0;

    while (request->fields[i])
        i += 2;
    assert_true(i + 2 < COUNT(request->fields));
    request->fields[i] = name;
    request->fields[i + 1] = value;
}

/* Another value for the first field of a name; NULL takes it away. */
static inline void set_field(request_t *request, const char *name, const char *value)
{
    size_t i;

    for (i = 0; request->fields[i]; i += 2)
        if (strcasecmp(request->fields[i], name) == 0)
            break;
    assert_non_null(request->fields[i]);
    request->fields[i + 1] = value;
    if (!value)
        request->fields[i] = request->fields[i + 1] = "x-gone";
}
