/* The algorithm that a token claims is compared with the key's, and never obeyed. */

#include "signing_fixture.h"

static void assert_algorithm(const signer_t *signer, const char *alg, whk_algorithms_t enabled,
                             whk_algorithms_t wanted, const char *wanted_flaw)
{
    const char *flaw = NULL;
    whk_algorithms_t found = whk_signature_algorithm(signer->jwk, alg, enabled, &flaw, pool);

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(algorithm_compared),
        cmocka_unit_test(algorithm_not_repeated),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("signature_algorithm", tests, make_pool, destroy_pool);
    apr_terminate();
    return failed;
}
