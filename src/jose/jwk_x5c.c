/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "jose/base64.h"
#include "jose/jwk_parse.h"
#include "jose/openssl_pool.h"

#define CERTIFICATES_MAX 10

/* base64 with padding (RFC 7517, section 4.7) of DER. */
static X509 *read_certificate(apr_pool_t *scratch, const json_t *value)
{
    unsigned char *bytes;
    const unsigned char *end;
    apr_size_t length;
    X509 *certificate;

    if (!json_is_string(value) || !whk_base64_decode(scratch, json_string_value(value),
                                                     json_string_length(value), &bytes, &length))
        return NULL;
    end = bytes;
    certificate = whk_pool_adopt_certificate(scratch, d2i_X509(NULL, &end, (long)length));
    return end == bytes + length ? certificate : NULL;
}

static const whk_outcome_t *check_certificate(const whk_jwk_parser_t *parser, const json_t *value,
                                              apr_size_t index)
{
    const X509 *certificate = read_certificate(parser->scratch, value);
    const char *member;

    if (certificate &&
        (index > 0 || EVP_PKEY_eq(X509_get0_pubkey(certificate), parser->jwk->pkey) == 1))
        return NULL;
    member = apr_psprintf(parser->scratch, "x5c[%" APR_SIZE_T_FMT "]", index);
    if (!certificate)
        return whk_jwk_refuse(parser, WHK_INVALID_JWKS, member,
                              "must be base64, with padding, of a certificate in DER");
    return whk_jwk_refuse(parser, WHK_INVALID_JWKS, member,
                          "must certify the JWK's own public key; x5c may be left out");
}

const whk_outcome_t *whk_jwk_check_x5c(const whk_jwk_parser_t *parser)
{
    const json_t *x5c = json_object_get(parser->json, "x5c");
    apr_size_t count = json_array_size(x5c);
    apr_size_t i;

    if (!x5c)
        return NULL;
    if (count < 1 || count > CERTIFICATES_MAX)
        return whk_jwk_refuse(parser, WHK_INVALID_JWKS, "x5c",
                              "must be an array of 1 to %d certificates, or be left out",
                              CERTIFICATES_MAX);
    for (i = 0; i < count; i++)
        WHK_TRY(check_certificate(parser, json_array_get(x5c, i), i));
    return NULL;
}
