/* SPDX-License-Identifier: Apache-2.0 */
/* One signature, one key, one algorithm. */

#include "signature_fixture.h"

#include <pthread.h>

#include "jose/jws_algorithm.h"
#include "jose/signature.h"

static void every_algorithm(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ROW_COUNT; i++) {
        const algorithm_row_t *row = &algorithm_rows[i];
        signer_t signer = make_signer(row->algorithm, NULL);
        signer_t other = make_signer(row->algorithm, NULL);
        signed_t made = sign_text(&signer, row->algorithm);

        assert_int_equal(made.length, row->length);
        assert_true(verify_text(&signer, row->algorithm, &made));
        assert_true(verify_text(&signer, row->algorithm, &made));
        assert_false(verify_text(&other, row->algorithm, &made));
        assert_false(verify_bytes(&signer, row->algorithm, TEXT, strlen(TEXT) - 1, &made));
        assert_false(verify_bytes(&signer, row->algorithm, TEXT "", strlen(TEXT) + 1, &made));
        made.length--;
        assert_false(verify_text(&signer, row->algorithm, &made));
        made.bytes[made.length++] ^= 1;
        assert_false(verify_text(&signer, row->algorithm, &made));
        made.bytes[made.length - 1] ^= 1;
        made.bytes[made.length++] = 0;
        assert_false(verify_text(&signer, row->algorithm, &made));
        made.length = 0;
        assert_false(verify_text(&signer, row->algorithm, &made));
    }
}

/* Each bit of a signature, and each byte of what was signed, counts. */
static void every_bit(void **state)
{
    static const whk_algorithm_t algorithms[] = {WHK_ALG_EDDSA, WHK_ALG_ES256};
    size_t i;
    size_t bit;

    (void)state;
    for (i = 0; i < 2; i++) {
        signer_t signer = make_signer(algorithms[i], NULL);
        signed_t made = sign_text(&signer, algorithms[i]);

        for (bit = 0; bit < made.length * 8; bit++) {
            made.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
            assert_false(verify_text(&signer, algorithms[i], &made));
            made.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        assert_true(verify_text(&signer, algorithms[i], &made));
    }
}

/* However it is cut, it is the same. */
static void in_pieces(void **state)
{
    size_t i;
    apr_size_t cut;

    (void)state;
    for (i = 0; i < ROW_COUNT; i++) {
        whk_algorithm_t algorithm = algorithm_rows[i].algorithm;
        signer_t signer = make_signer(algorithm, NULL);
        signed_t made = sign_text(&signer, algorithm);

        for (cut = 0; cut <= strlen(TEXT); cut++) {
            whk_bytes_t parts[] = {
                {TEXT, cut}, {NULL, 0}, {&TEXT[cut], strlen(TEXT) - cut}, {"", 0}};

            assert_true(whk_signature_verify(signer.jwk, algorithm, parts, 4, made.bytes,
                                             made.length, pool));
            if (cut > 0)
                assert_false(whk_signature_verify(signer.jwk, algorithm, parts + 2, 2, made.bytes,
                                                  made.length, pool));
        }
    }
}

static void empty_and_long(void **state)
{
    apr_size_t length = 1 << 20;
    char *bytes = apr_pcalloc(pool, length);
    size_t i;

    (void)state;
    for (i = 0; i < ROW_COUNT; i++) {
        whk_algorithm_t algorithm = algorithm_rows[i].algorithm;
        signer_t signer = make_signer(algorithm, NULL);
        signed_t made = sign(&signer, algorithm, "", 0);

        assert_true(verify_bytes(&signer, algorithm, "", 0, &made));
        assert_true(
            whk_signature_verify(signer.jwk, algorithm, NULL, 0, made.bytes, made.length, pool));
        made = sign(&signer, algorithm, bytes, length);
        assert_true(verify_bytes(&signer, algorithm, bytes, length, &made));
        bytes[length - 1] ^= 1;
        assert_false(verify_bytes(&signer, algorithm, bytes, length, &made));
        bytes[length - 1] ^= 1;
    }
}

/* What was announced must be fed, no more and no less. */
static void fed_wrongly(void **state)
{
    static const whk_algorithm_t algorithms[] = {WHK_ALG_EDDSA, WHK_ALG_ES256, WHK_ALG_RS256};
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        signer_t signer = make_signer(algorithms[i], NULL);
        signed_t made = sign_text(&signer, algorithms[i]);
        whk_signature_verifier_t *feed;

        feed = whk_signature_verify_init(signer.jwk, algorithms[i], strlen(TEXT) + 1, pool);
        whk_signature_verify_update(feed, TEXT, strlen(TEXT));
        assert_false(whk_signature_verify_final(feed, made.bytes, made.length));
        feed = whk_signature_verify_init(signer.jwk, algorithms[i], strlen(TEXT), pool);
        whk_signature_verify_update(feed, TEXT, strlen(TEXT));
        whk_signature_verify_update(feed, TEXT, 1);
        assert_false(whk_signature_verify_final(feed, made.bytes, made.length));
        feed = whk_signature_verify_init(signer.jwk, algorithms[i], strlen(TEXT), pool);
        whk_signature_verify_update(feed, TEXT, strlen(TEXT));
        assert_true(whk_signature_verify_final(feed, made.bytes, made.length));
        assert_false(whk_signature_verify_final(feed, made.bytes, made.length));
    }
}

/* The algorithm is one, and one of the key's. */
static void algorithm_of_the_key(void **state)
{
    signer_t rsa = make_signer(WHK_ALG_RS256, NULL);
    signer_t restricted = make_signer(WHK_ALG_PS512, "PS512");
    signer_t curve = make_signer(WHK_ALG_ES256, NULL);
    signed_t made = sign_text(&rsa, WHK_ALG_RS256);
    size_t i;

    (void)state;
    assert_false(verify_text(&rsa, (whk_algorithm_t)0, &made));
    assert_false(verify_text(&rsa, (whk_algorithm_t)(WHK_ALG_RS256 | WHK_ALG_PS256), &made));
    assert_false(verify_text(&rsa, (whk_algorithm_t)(WHK_ALG_RS256 | WHK_ALG_RS384), &made));
    for (i = 0; i < ROW_COUNT; i++)
        if (algorithm_rows[i].algorithm != WHK_ALG_RS256)
            assert_false(verify_text(&rsa, algorithm_rows[i].algorithm, &made));
    assert_false(verify_text(&curve, WHK_ALG_RS256, &made));
    made = sign_text(&curve, WHK_ALG_ES256);
    assert_false(verify_text(&curve, WHK_ALG_ES256K, &made));
    made = sign_text(&restricted, WHK_ALG_RS256);
    assert_false(verify_text(&restricted, WHK_ALG_RS256, &made));
    made = sign_text(&restricted, WHK_ALG_PS512);
    assert_true(verify_text(&restricted, WHK_ALG_PS512, &made));
}

#define THREADS 8

typedef struct {
    const signer_t *signer;
    const signed_t *made;
    whk_algorithm_t algorithm;
    int good;
} work_t;

static void *work(void *data)
{
    work_t *todo = data;
    whk_bytes_t part = {TEXT, strlen(TEXT)};
    apr_pool_t *own;
    int i;

    if (apr_pool_create_unmanaged_ex(&own, NULL, NULL))
        return NULL;
    for (i = 0; i < 50; i++)
        todo->good += whk_signature_verify(todo->signer->jwk, todo->algorithm, &part, 1,
                                           todo->made->bytes, todo->made->length, own);
    apr_pool_destroy(own);
    return NULL;
}

/* One key, used for the first time by many threads at once, each for one of its algorithms. */
static void threads(void **state)
{
    signer_t signer = make_signer(WHK_ALG_RS256, NULL);
    signed_t made[6];
    work_t todo[THREADS];
    pthread_t thread[THREADS];
    int i;

    (void)state;
    for (i = 0; i < 6; i++)
        made[i] = sign_text(&signer, algorithm_rows[6 + i].algorithm);
    for (i = 0; i < THREADS; i++) {
        todo[i] = (work_t){&signer, &made[i % 6], algorithm_rows[6 + i % 6].algorithm, 0};
        assert_int_equal(pthread_create(&thread[i], NULL, work, &todo[i]), 0);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(todo[i].good, 50);
    }
}

static void assert_algorithm(const signer_t *signer, const char *alg, whk_algorithms_t enabled,
                             whk_algorithms_t wanted, const char *wanted_flaw)
{
    const char *flaw = NULL;
    whk_algorithms_t found = whk_jws_algorithm(signer->jwk, alg, enabled, &flaw, pool);

    if (found != wanted)
        fail_msg("%s: %x", alg, found);
    if (wanted_flaw)
        assert_string_equal(flaw, wanted_flaw);
}

static void algorithm_compared(void **state)
{
    signer_t p256 = make_signer(WHK_ALG_ES256, NULL);
    signer_t ed448 = make_signer(WHK_ALG_ED448, NULL);
    signer_t ed25519 = make_signer(WHK_ALG_EDDSA, NULL);
    signer_t rsa = make_signer(WHK_ALG_RS256, NULL);
    signer_t ps512 = make_signer(WHK_ALG_PS512, "PS512");

    (void)state;
    assert_algorithm(&p256, "ES256", ~0u, WHK_ALG_ES256, NULL);
    assert_algorithm(&ed25519, "EdDSA", ~0u, WHK_ALG_EDDSA, NULL);
    assert_algorithm(&ed25519, "Ed25519", ~0u, WHK_ALG_EDDSA, NULL);
    assert_algorithm(&ed448, "EdDSA", ~0u, WHK_ALG_ED448, NULL);
    assert_algorithm(&ed448, "Ed448", ~0u, WHK_ALG_ED448, NULL);
    assert_algorithm(&rsa, "PS384", ~0u, WHK_ALG_PS384, NULL);
    assert_algorithm(&ps512, "PS512", ~0u, WHK_ALG_PS512, NULL);
    assert_algorithm(&p256, "ES384", ~0u, 0,
                     "the JWS header says ES384, this key is P-256: sign with ES256");
    assert_algorithm(&p256, "es256", ~0u, 0,
                     "the JWS header says es256, this key is P-256: sign with ES256");
    assert_algorithm(&p256, "none", ~0u, 0,
                     "the JWS header says none, this key is P-256: sign with ES256");
    assert_algorithm(&p256, "HS256", ~0u, 0,
                     "the JWS header says HS256, this key is P-256: sign with ES256");
    assert_algorithm(&ed25519, "Ed448", ~0u, 0,
                     "the JWS header says Ed448, this key is Ed25519: sign with EdDSA");
    assert_algorithm(&ps512, "RS256", ~0u, 0,
                     "the JWS header says RS256, this key is RSA for PS512 alone: sign with PS512");
    assert_algorithm(&rsa, "HS256", WHK_ALG_RS256 | WHK_ALG_PS256, 0,
                     "the JWS header says HS256, this key is RSA: sign with one of RS256 PS256");
    assert_algorithm(&rsa, "RS512", WHK_ALG_PS256, 0,
                     "the JWS header says RS512, which is not turned on here: sign with PS256");
    assert_algorithm(&rsa, "RS256", WHK_ALGORITHMS_DEFAULT, 0,
                     "the JWS header says RS256, which is not turned on here: register a key of an "
                     "algorithm that is turned on here");
}

/* Only what looks like a name is repeated. */
static void algorithm_not_repeated(void **state)
{
    static const char *const names[] = {"",         "RS 256", "ES256\n",
                                        "\xC3\xA9", "<\x01>", "a-name-of-twentyone-c"};
    signer_t signer = make_signer(WHK_ALG_ES256, NULL);
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_algorithm(&signer, names[i], ~0u, 0,
                         "the JWS header says an unknown algorithm, this key is P-256: sign with "
                         "ES256");
    assert_algorithm(&signer, "a-name-of-twenty-ch.", ~0u, 0,
                     "the JWS header says a-name-of-twenty-ch., this key is P-256: sign with "
                     "ES256");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_pool, destroy_pool)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_algorithm), TEST(every_bit),          TEST(in_pieces),
        TEST(empty_and_long),  TEST(fed_wrongly),        TEST(algorithm_of_the_key),
        TEST(threads),         TEST(algorithm_compared), TEST(algorithm_not_repeated),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("signature", tests, NULL, NULL);
    apr_terminate();
    return failed;
}
