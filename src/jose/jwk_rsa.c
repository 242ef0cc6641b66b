/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "jose/jwk_parse.h"
#include "jose/openssl_pool.h"
#include "model/log_number.h"

#define MODULUS_BITS_LEAST 2048
#define MODULUS_BITS_MOST 8192
#define EXPONENT_LEAST 65537
/* OpenSSL verifies with no longer one where the modulus has more than 3,072 bits. */
#define EXPONENT_BITS_MOST 64

/* A prime factor that is looked for by dividing: no pair that was made by the book has one. */
#define SMALL_FACTOR_MOST 10000

/* A positive integer of RFC 7518, section 2: big-endian in as few bytes as it takes. */
typedef struct {
    const char *text;
    unsigned char *bytes;
    apr_size_t length;
    BIGNUM *number;
} integer_t;

static const whk_outcome_t *read_integer(const whk_jwk_parser_t *parser, const char *member,
                                         integer_t *integer)
{
    WHK_TRY(
        whk_jwk_read_bytes(parser, member, 0, &integer->text, &integer->bytes, &integer->length));
    if (integer->bytes[0] == 0)
        return whk_jwk_refuse(parser, WHK_INVALID_JWKS, member,
                              "must be a number without leading zero bytes");
    integer->number = whk_pool_adopt_bignum(parser->scratch,
                                            BN_bin2bn(integer->bytes, (int)integer->length, NULL));
    if (!integer->number)
        return whk_fail(parser->pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0324) "out of memory while reading a key");
    return NULL;
}

static int has_small_factor(const BIGNUM *modulus)
{
    BN_ULONG divisor;

    for (divisor = 3; divisor < SMALL_FACTOR_MOST; divisor += 2)
        if (BN_mod_word(modulus, divisor) == 0)
            return 1;
    return 0;
}

static const whk_outcome_t *check_modulus(const whk_jwk_parser_t *parser, const BIGNUM *modulus)
{
    int bits = BN_num_bits(modulus);

    if (bits < MODULUS_BITS_LEAST || bits > MODULUS_BITS_MOST)
        return whk_jwk_refuse(parser, WHK_WEAK_KEY, "n", "must have %d to %d bits%s",
                              MODULUS_BITS_LEAST, MODULUS_BITS_MOST,
                              parser->echo ? apr_psprintf(parser->pool, ", and has %d", bits) : "");
    if (!BN_is_odd(modulus))
        return whk_jwk_refuse(parser, WHK_WEAK_KEY, "n", "must be odd: make a new key pair");
    if (!parser->trusted && has_small_factor(modulus))
        return whk_jwk_refuse(parser, WHK_WEAK_KEY, "n",
                              "has a small factor, so that anybody can sign: make a new key pair");
    return NULL;
}

static const whk_outcome_t *check_exponent(const whk_jwk_parser_t *parser, const BIGNUM *exponent)
{
    int bits = BN_num_bits(exponent);
    int is_small = bits <= 32 && BN_get_word(exponent) < EXPONENT_LEAST;

    if (is_small || bits > EXPONENT_BITS_MOST || !BN_is_odd(exponent))
        return whk_jwk_refuse(parser, WHK_WEAK_KEY, "e",
                              "must be odd, at least %d and less than 2^%d: 65537 (AQAB) is usual",
                              EXPONENT_LEAST, EXPONENT_BITS_MOST);
    return NULL;
}

/* OpenSSL makes keys that it then can't compute with. What nobody signed must be found bad, and not
 * end in an error: so without a padding, which alone would be wrong, it must come out. */
static int can_verify(const whk_jwk_parser_t *parser, EVP_PKEY *pkey)
{
    apr_size_t length = (apr_size_t)EVP_PKEY_get_size(pkey);
    unsigned char *signature = apr_pcalloc(parser->scratch, length);
    unsigned char *recovered = apr_palloc(parser->scratch, length);
    EVP_PKEY_CTX *context =
        whk_pool_adopt_pkey_context(parser->scratch, EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL));
    apr_size_t size = length;

    signature[length - 1] = 2;
    return context && EVP_PKEY_verify_recover_init(context) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) == 1 &&
           EVP_PKEY_verify_recover(context, recovered, &size, signature, length) == 1;
}

static const whk_outcome_t *check_key(const whk_jwk_parser_t *parser, EVP_PKEY *pkey)
{
    if (parser->trusted)
        return NULL;
    if (!whk_jwk_public_check(parser, pkey))
        return whk_jwk_refuse(parser, WHK_WEAK_KEY, "n",
                              "must be the product of two large primes: make a new key pair");
    if (!can_verify(parser, pkey))
        return whk_jwk_refuse(
            parser, WHK_WEAK_KEY, NULL,
            "must be a key that OpenSSL can verify with, which it can't with this "
            "n and e: make a new key pair, with 65537 (AQAB) for e");
    return NULL;
}

/* OSSL_PARAM takes integers in the machine's own byte order. */
static OSSL_PARAM parameter(apr_pool_t *scratch, const char *name, const integer_t *integer)
{
    unsigned char *native = apr_palloc(scratch, integer->length);

    BN_bn2nativepad(integer->number, native, (int)integer->length);
    return OSSL_PARAM_construct_BN(name, native, integer->length);
}

const whk_outcome_t *whk_jwk_parse_rsa(whk_jwk_parser_t *parser)
{
    integer_t n = {0};
    integer_t e = {0};
    OSSL_PARAM parameters[3];

    WHK_TRY(read_integer(parser, "n", &n));
    WHK_TRY(read_integer(parser, "e", &e));
    WHK_TRY(check_modulus(parser, n.number));
    WHK_TRY(check_exponent(parser, e.number));
    parameters[0] = parameter(parser->scratch, OSSL_PKEY_PARAM_RSA_N, &n);
    parameters[1] = parameter(parser->scratch, OSSL_PKEY_PARAM_RSA_E, &e);
    parameters[2] = OSSL_PARAM_construct_end();
    parser->jwk->pkey = whk_jwk_make_pkey(parser, "RSA", parameters);
    if (!parser->jwk->pkey)
        return whk_fail(
            parser->pool, WHK_INTERNAL_ERROR,
            WHK_LOGNO(0325) "OpenSSL refuses an RSA key of %d bits that was judged good",
            BN_num_bits(n.number));
    WHK_TRY(check_key(parser, parser->jwk->pkey));
    parser->members =
        apr_psprintf(parser->scratch, "\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"", e.text, n.text);
    return NULL;
}
