/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures that are right by the equation and not of the one form that an algorithm has. */

#include "signature_fixture.h"

#include "jose/edwards_point.h"
#include "jose/signature.h"
#include "jose/signature_encoding.h"

static BIGNUM *order_of(EVP_PKEY *pkey)
{
    BIGNUM *order = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_ORDER, &order), 1);
    return whk_pool_adopt_bignum(pool, order);
}

static void put(unsigned char *bytes, const BIGNUM *number, apr_size_t length)
{
    assert_int_equal(BN_bn2binpad(number, bytes, (int)length), (int)length);
}

/* r and s of 0, n, n + 1, the most that fits; and one that was moved up by n, where that fits. */
static void ecdsa_range(const signer_t *signer, const algorithm_row_t *row)
{
    apr_size_t half = row->length / 2;
    BIGNUM *order = order_of(signer->pkey);
    BIGNUM *above = whk_pool_adopt_bignum(pool, BN_dup(order));
    int place;

    BN_add_word(above, 1);
    for (place = 0; place < 2; place++) {
        signed_t made = sign_text(signer, row->algorithm);
        unsigned char *number = made.bytes + (apr_size_t)place * half;

        assert_true(verify_text(signer, row->algorithm, &made));
        memset(number, 0, half);
        assert_false(verify_text(signer, row->algorithm, &made));
        put(number, order, half);
        assert_false(verify_text(signer, row->algorithm, &made));
        put(number, above, half);
        assert_false(verify_text(signer, row->algorithm, &made));
        memset(number, 0xFF, half);
        assert_false(verify_text(signer, row->algorithm, &made));
    }
}

/* The limits themselves: n - 1 and 1 have a DER form, n and 0 have none. */
static void ecdsa_limits(const signer_t *signer, const algorithm_row_t *row)
{
    apr_size_t half = row->length / 2;
    BIGNUM *order = order_of(signer->pkey);
    unsigned char der[WHK_ECDSA_DER_MAX];
    const unsigned char *read = der;
    signed_t made = {.length = row->length};
    ECDSA_SIG *parts;
    apr_size_t length;

    put(made.bytes + half, BN_value_one(), half);
    put(made.bytes, order, half);
    assert_int_equal(whk_signature_encoding_der(row->algorithm, made.bytes, made.length, der), 0);
    BN_sub_word(order, 1);
    put(made.bytes, order, half);
    length = whk_signature_encoding_der(row->algorithm, made.bytes, made.length, der);
    assert_int_not_equal(length, 0);
    parts = d2i_ECDSA_SIG(NULL, &read, (long)length);
    assert_non_null(parts);
    assert_ptr_equal(read, der + length);
    assert_int_equal(BN_cmp(ECDSA_SIG_get0_r(parts), order), 0);
    assert_true(BN_is_one(ECDSA_SIG_get0_s(parts)));
    ECDSA_SIG_free(parts);
    put(made.bytes + half, BN_value_one(), half);
    memset(made.bytes, 0, half);
    assert_int_equal(whk_signature_encoding_der(row->algorithm, made.bytes, made.length, der), 0);
}

static void ecdsa_der_refused(const signer_t *signer, const algorithm_row_t *row)
{
    signed_t made = sign_text(signer, row->algorithm);
    unsigned char der[WHK_ECDSA_DER_MAX];

    made.length = whk_signature_encoding_der(row->algorithm, made.bytes, made.length, der);
    memcpy(made.bytes, der, made.length);
    assert_false(verify_text(signer, row->algorithm, &made));
}

/* Anybody makes (r, n - s) of (r, s): that is good too, and must not pass for another message. */
static void ecdsa_twin(const signer_t *signer, const algorithm_row_t *row)
{
    apr_size_t half = row->length / 2;
    signed_t made = sign_text(signer, row->algorithm);
    const char *name = whk_signature_replay_id(made.bytes, made.length, pool);
    BIGNUM *s = whk_pool_adopt_bignum(pool, BN_bin2bn(made.bytes + half, (int)half, NULL));

    BN_sub(s, order_of(signer->pkey), s);
    put(made.bytes + half, s, half);
    assert_true(verify_text(signer, row->algorithm, &made));
    assert_string_equal(whk_signature_replay_id(made.bytes, made.length, pool), name);
    made = sign_text(signer, row->algorithm);
    assert_string_not_equal(whk_signature_replay_id(made.bytes, made.length, pool), name);
}

static void ecdsa(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ROW_COUNT; i++) {
        const algorithm_row_t *row = &algorithm_rows[i];
        signer_t signer;

        if (!row->crv || !row->digest)
            continue;
        signer = make_signer(row->algorithm, NULL);
        ecdsa_range(&signer, row);
        ecdsa_limits(&signer, row);
        ecdsa_der_refused(&signer, row);
        ecdsa_twin(&signer, row);
    }
}

/* RFC 8032, section 5.1: the order of the base point. */
#define ED25519_L "1000000000000000000000000000000014DEF9DEA2F79CD65812631A5CF5D3ED"

static BIGNUM *ed25519_l(void)
{
    BIGNUM *l = NULL;

    assert_true(BN_hex2bn(&l, ED25519_L));
    return whk_pool_adopt_bignum(pool, l);
}

static BIGNUM *little(const unsigned char *bytes, int length)
{
    return whk_pool_adopt_bignum(pool, BN_lebin2bn(bytes, length, NULL));
}

static void ed25519_s_too_large(void **state)
{
    signer_t signer = make_signer(WHK_ALG_EDDSA, NULL);
    signed_t made = sign_text(&signer, WHK_ALG_EDDSA);
    BIGNUM *s = little(made.bytes + 32, 32);

    (void)state;
    assert_true(verify_text(&signer, WHK_ALG_EDDSA, &made));
    BN_add(s, s, ed25519_l());
    assert_int_equal(BN_bn2lebinpad(s, made.bytes + 32, 32), 32);
    assert_false(verify_text(&signer, WHK_ALG_EDDSA, &made));
    assert_int_equal(BN_bn2lebinpad(ed25519_l(), made.bytes + 32, 32), 32);
    assert_false(verify_text(&signer, WHK_ALG_EDDSA, &made));
}

/* The private scalar (RFC 8032, section 5.1.5). */
static BIGNUM *ed25519_scalar(EVP_PKEY *pkey)
{
    unsigned char seed[32];
    unsigned char hash[64];
    size_t length = sizeof(seed);

    assert_int_equal(EVP_PKEY_get_raw_private_key(pkey, seed, &length), 1);
    assert_int_equal(EVP_Digest(seed, length, hash, NULL, EVP_sha512(), NULL), 1);
    hash[0] &= 0xF8;
    hash[31] = (unsigned char)((hash[31] & 0x7F) | 0x40);
    return little(hash, 32);
}

/* With R the identity and S = k a, the equation of RFC 8032 section 5.1.7 holds: the owner of a key
 * can make such a signature, and some verify it and some do not. */
static signed_t sign_with_small_r(const signer_t *signer)
{
    BN_CTX *context = whk_pool_adopt_bignum_context(pool, BN_CTX_new());
    unsigned char input[64 + sizeof(TEXT)] = {1};
    unsigned char hash[64];
    size_t length = 32;
    signed_t made = {.bytes = {1}, .length = 64};
    BIGNUM *s;

    assert_int_equal(EVP_PKEY_get_raw_public_key(signer->pkey, input + 32, &length), 1);
    memcpy(input + 64, TEXT, strlen(TEXT));
    assert_int_equal(EVP_Digest(input, 64 + strlen(TEXT), hash, NULL, EVP_sha512(), NULL), 1);
    s = little(hash, 64);
    BN_mod_mul(s, s, ed25519_scalar(signer->pkey), ed25519_l(), context);
    assert_int_equal(BN_bn2lebinpad(s, made.bytes + 32, 32), 32);
    return made;
}

static void ed25519_small_r(void **state)
{
    signer_t signer = make_signer(WHK_ALG_EDDSA, NULL);
    signed_t made = sign_with_small_r(&signer);
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    (void)state;
    assert_int_equal(EVP_DigestVerifyInit_ex(context, NULL, NULL, NULL, NULL, signer.pkey, NULL),
                     1);
    assert_int_equal(EVP_DigestVerify(context, made.bytes, made.length, (const unsigned char *)TEXT,
                                      strlen(TEXT)),
                     1);
    EVP_MD_CTX_free(context);
    assert_false(verify_text(&signer, WHK_ALG_EDDSA, &made));
}

/* All points of small order that edwards_point.c finds are known here, with either sign of x; and
 * of the first encodings, which are so rarely one, no other is. */
static void small_r_listed(void **state)
{
    static const whk_edwards_curve_t *const curves[] = {&whk_ed25519, &whk_ed448};
    static const whk_algorithm_t algorithms[] = {WHK_ALG_EDDSA, WHK_ALG_ED448};
    static const int lengths[] = {32, 57};
    int curve;
    int first;

    (void)state;
    for (curve = 0; curve < 2; curve++) {
        for (first = 0; first < 256; first++) {
            unsigned char low[57] = {(unsigned char)first};
            unsigned char high[57];

            memset(high, 0xFF, sizeof(high));
            high[0] = (unsigned char)first;
            high[lengths[curve] - 1] = curve ? 0 : 0x7F;
            high[curve ? 28 : 1] = curve ? 0xFE : 0xFF;
            assert_int_equal(whk_signature_has_small_order_r(algorithms[curve], low),
                             whk_edwards_check_point(curves[curve], low, pool) ==
                                 WHK_POINT_SMALL_ORDER);
            if (whk_edwards_check_point(curves[curve], high, pool) == WHK_POINT_SMALL_ORDER)
                assert_true(whk_signature_has_small_order_r(algorithms[curve], high));
            high[lengths[curve] - 1] |= 0x80;
            if (whk_edwards_check_point(curves[curve], high, pool) == WHK_POINT_SMALL_ORDER)
                assert_true(whk_signature_has_small_order_r(algorithms[curve], high));
        }
    }
}

/* y = p and y = p + 1 are 0 and 1, of either sign. */
static void small_r_not_canonical(void **state)
{
    unsigned char y[57];
    int sign_bit;
    int more;

    (void)state;
    for (sign_bit = 0; sign_bit < 2; sign_bit++) {
        for (more = 0; more < 2; more++) {
            memset(y, 0xFF, sizeof(y));
            y[0] = (unsigned char)(0xED + more);
            y[31] = sign_bit ? 0xFF : 0x7F;
            assert_true(whk_signature_has_small_order_r(WHK_ALG_EDDSA, y));
            y[0] = (unsigned char)(0xEF + more);
            assert_false(whk_signature_has_small_order_r(WHK_ALG_EDDSA, y));
        }
    }
}

/* An RSA signature as it must not be: another salt, another MGF1 hash, another padding or hash. */
static void rsa_parameters(void **state)
{
    signer_t signer = make_signer(WHK_ALG_PS256, NULL);
    signed_t made;

    (void)state;
    made = sign_oddly(&signer, WHK_ALG_PS256, TEXT, strlen(TEXT), 32, NULL);
    assert_true(verify_text(&signer, WHK_ALG_PS256, &made));
    made = sign_oddly(&signer, WHK_ALG_PS256, TEXT, strlen(TEXT), 0, NULL);
    assert_false(verify_text(&signer, WHK_ALG_PS256, &made));
    made = sign_oddly(&signer, WHK_ALG_PS256, TEXT, strlen(TEXT), 20, NULL);
    assert_false(verify_text(&signer, WHK_ALG_PS256, &made));
    made = sign_oddly(&signer, WHK_ALG_PS256, TEXT, strlen(TEXT), RSA_PSS_SALTLEN_MAX, NULL);
    assert_false(verify_text(&signer, WHK_ALG_PS256, &made));
    made = sign_oddly(&signer, WHK_ALG_PS256, TEXT, strlen(TEXT), 32, "SHA1");
    assert_false(verify_text(&signer, WHK_ALG_PS256, &made));
}

/* s + n is the same number to the modulus: where it has the length of one, it is refused. */
static void rsa_above_the_modulus(void **state)
{
    signer_t signer = make_signer(WHK_ALG_RS256, NULL);
    BIGNUM *modulus = NULL;
    BIGNUM *number;
    signed_t made;
    char text[16];
    int i;

    (void)state;
    assert_int_equal(EVP_PKEY_get_bn_param(signer.pkey, OSSL_PKEY_PARAM_RSA_N, &modulus), 1);
    whk_pool_adopt_bignum(pool, modulus);
    number = whk_pool_adopt_bignum(pool, BN_new());
    for (i = 0; i < 1000; i++) {
        apr_snprintf(text, sizeof(text), "%d", i);
        made = sign(&signer, WHK_ALG_RS256, text, strlen(text));
        BN_bin2bn(made.bytes, (int)made.length, number);
        BN_add(number, number, modulus);
        if (BN_num_bytes(number) == (int)made.length)
            break;
    }
    assert_true(i < 1000);
    put(made.bytes, number, made.length);
    assert_false(verify_bytes(&signer, WHK_ALG_RS256, text, strlen(text), &made));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_pool, destroy_pool)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ecdsa),
        TEST(ed25519_s_too_large),
        TEST(ed25519_small_r),
        TEST(small_r_listed),
        TEST(small_r_not_canonical),
        TEST(rsa_parameters),
        TEST(rsa_above_the_modulus),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("signature_encoding", tests, NULL, NULL);
    apr_terminate();
    return failed;
}
