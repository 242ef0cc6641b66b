/* Examples of the RFCs, and JWS made on the spot, for the tests of the JWS schemes. */

#ifndef WHK_UNIT_JWS_FIXTURE_H
#define WHK_UNIT_JWS_FIXTURE_H

#include "signing_fixture.h"

#include "jose/jws.h"
#include "jose/signed_message.h"

#define NOW (apr_time_from_sec(1800000000))
#define MAX_AGE (apr_time_from_sec(300))
#define SKEW (apr_time_from_sec(30))

/* RFC 7515, appendix A.1, also the payload of A.2, A.3 and A.5. */
#define PAYLOAD                                                                                    \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"

#define A_1                                                                                        \
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." PAYLOAD                                            \
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

#define A_2_KEY                                                                                    \
    "{'kty':'RSA','n':'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJ" \
    "rcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"   \
    "bSf"                                                                                          \
    "63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"                                                       \
    "UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT"                                      \
    "6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ','e':"     \
    "'AQAB'}"
#define A_2_HEADER "eyJhbGciOiJSUzI1NiJ9"
#define A_2_SIGNATURE                                                                              \
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5" \
    "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"                                           \
    "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1"                                                  \
    "L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"                                               \
    "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYE"                                              \
    "UipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
#define A_2 A_2_HEADER "." PAYLOAD "." A_2_SIGNATURE

#define A_3_KEY                                                                                    \
    "{'kty':'EC','crv':'P-256','x':'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU','y':"             \
    "'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0'}"
#define A_3_HEADER "eyJhbGciOiJFUzI1NiJ9"
#define A_3_SIGNATURE                                                                              \
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define A_3 A_3_HEADER "." PAYLOAD "." A_3_SIGNATURE

#define A_4_KEY                                                                                    \
    "{'kty':'EC','crv':'P-521','x':'AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6" \
    "OvLFV1jSfS9tsz4qUxcWceqwQGk','y':'ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly7" \
    "9ajL4Kkd0AZMaZmh9ubmf63e3kyMj2'}"
#define A_4                                                                                        \
    "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-" \
    "mZZqwqT2SI-KGDKB34XO0aw_"                                                                     \
    "7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrm"                        \
    "xYbSW9ERBXukOXolLzeO_Jn"

#define A_5 "eyJhbGciOiJub25lIn0." PAYLOAD "."

/* RFC 8037, appendix A.4 and A.5. */
#define RFC_8037_HEADER "eyJhbGciOiJFZERTQSJ9"
#define RFC_8037_TEXT "Example of Ed25519 signing"
#define RFC_8037_SIGNATURE                                                                         \
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
#define RFC_8037_JWS RFC_8037_HEADER ".RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc." RFC_8037_SIGNATURE

/* RFC 7797, section 4.2; 4.1 is the same payload in base64url. */
#define RFC_7797_TEXT "$.02"
#define RFC_7797_HS256                                                                             \
    "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4Y" \
    "LPff6dmDY"

static signer_t p256;
static signer_t ed25519;

static inline const char *quoted(const char *text)
{
    char *json = apr_pstrdup(pool, text);
    char *c;

    for (c = json; *c; c++)
        if (*c == '\'')
            *c = '"';
    return json;
}

static inline const char *encoded(const void *bytes, apr_size_t length)
{
    return whk_base64url_encode(pool, bytes, length);
}

static inline const char *encoded_text(const char *text)
{
    return encoded(text, strlen(text));
}

/* Sign `input` and put the parts together: `middle` is what stands between the dots. */
static inline const char *finish(const signer_t *signer, whk_algorithm_t algorithm,
                                 const char *header, const char *middle, const void *input,
                                 apr_size_t length)
{
    signed_t made = sign(signer, algorithm, input, length);

    return apr_pstrcat(pool, header, ".", middle, ".", encoded(made.bytes, made.length), NULL);
}

/* An attached JWS of a header and a payload, JSON with ' for ". */
static inline const char *jws_of(const signer_t *signer, whk_algorithm_t algorithm,
                                 const char *header, const char *payload)
{
    const char *first = encoded_text(quoted(header));
    const char *middle = encoded_text(quoted(payload));
    const char *input = apr_pstrcat(pool, first, ".", middle, NULL);

    return finish(signer, algorithm, first, middle, input, strlen(input));
}

/* A detached one, by the book: the whole of the input in memory. */
static inline const char *detached_of(const signer_t *signer, whk_algorithm_t algorithm,
                                      const char *header, const void *body, apr_size_t length,
                                      int is_encoded)
{
    const char *first = encoded_text(quoted(header));
    apr_size_t start = strlen(first) + 1;
    const char *text = is_encoded ? encoded(body, length) : body;
    apr_size_t size = is_encoded ? strlen(text) : length;
    char *input = apr_palloc(pool, start + size);

    memcpy(input, first, start - 1);
    input[start - 1] = '.';
    memcpy(input + start, text, size);
    return finish(signer, algorithm, first, "", input, start + size);
}

static inline const whk_outcome_t *parse(whk_signed_message_t **parsed, const char *jws,
                                         const char *payload)
{
    return whk_jws_parse(parsed, jws, strlen(jws), payload, payload ? strlen(payload) : 0, pool);
}

/* Parse and verify, as the API does. */
static inline const whk_outcome_t *judge_enabled(const whk_jwk_t *jwk, const char *jws,
                                                 const char *payload, whk_algorithms_t enabled,
                                                 const char **algorithm)
{
    whk_signed_message_t *parsed;

    WHK_TRY(parse(&parsed, jws, payload));
    return whk_signed_message_verify(parsed, jwk, enabled, algorithm, pool);
}

static inline const whk_outcome_t *judge(const whk_jwk_t *jwk, const char *jws, const char *payload)
{
    const char *algorithm;

    return judge_enabled(jwk, jws, payload, EVERY_ALGORITHM, &algorithm);
}

static inline void assert_good(const whk_outcome_t *outcome, const char *title)
{
    if (outcome)
        fail_msg("%s: %s: %s", title, whk_code_name(outcome->code), outcome->message);
}

static inline void assert_verifies(const whk_jwk_t *jwk, const char *jws, const char *payload,
                                   const char *wanted)
{
    const char *algorithm = NULL;

    assert_good(judge_enabled(jwk, jws, payload, EVERY_ALGORITHM, &algorithm), jws);
    assert_string_equal(algorithm, wanted);
}

static inline const whk_jwk_t *key_of(const char *text)
{
    return good_jwk(read_json(text));
}

static inline int make_keys(void **state)
{
    int status = make_pool(state);

    p256 = make_signer(WHK_ALG_ES256, NULL);
    ed25519 = make_signer(WHK_ALG_EDDSA, NULL);
    return status;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TEST(name) cmocka_unit_test(name)

#endif
