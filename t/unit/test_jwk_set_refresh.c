/* SPDX-License-Identifier: Apache-2.0 */
/* Key sets by URI, fetched again: what the answer says of each key. */

#include "jwk_set_refresh_fixture.h"
#include "otp/secret_key.h"
#include "otp/secret_key_rotation.h"
#include "store/keys.h"
#include "store/remote_sets.h"

static void a_set_that_stays(void **state)
{
    (void)state;
    run_now();
    assert_int_equal(origin.requests, 1);
    assert_null(strstr(origin.asked, "If-None-Match"));
    asks("SELECT etag FROM whk_remote_set", "\"v1\"");
    asks(FLAW, "NULL");
    asks(REVISION, "0");
    asks(LEASED, "0");
    /* Ahead of its end, and not again before. */
    assert_next(216, 240);
    run_due();
    assert_int_equal(origin.requests, 1);
}

static void not_modified(void **state)
{
    (void)state;
    run_now();
    answer("304 Not Modified", "ETag: \"v1\"\r\n", "");
    run_now();
    assert_non_null(strstr(origin.asked, "If-None-Match: \"v1\""));
    asks(FLAW, "NULL");
    asks(FAILURES, "0");
    asks(REVISION, "0");
    assert_next(216, 240);
}

/* Whoever can write the database knows the origin's ETag, and not how to seal it. */
static void an_etag_of_somebody_else(void **state)
{
    static const char *const forged[] = {
        "UPDATE whk_remote_set SET etag = '\"v2\"', etag_seal = NULL",
        "UPDATE whk_remote_set SET etag = '\"v2\"'",
        "UPDATE whk_remote_set SET etag = '\"v2\"', etag_seal = (SELECT seal FROM whk_key)",
        "UPDATE whk_remote_set SET etag_seal = substr(etag_seal, 1, length(etag_seal) - 1)",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
        answer("200 OK", "ETag: \"v1\"\r\n", SET(JWK("one", X_1)));
        run_now();
        run_now();
        assert_non_null(strstr(origin.asked, "If-None-Match: \"v1\""));
        run_sql(fixture->link, forged[i]);
        answer("200 OK", "ETag: \"v2\"\r\n", SET(JWK("two", X_1)));
        run_now();
        assert_null(strstr(origin.asked, "If-None-Match"));
        asks(FLAW, "gone");
        answer("200 OK", "", SET(JWK("one", X_1)));
        run_now();
        asks(FLAW, "NULL");
    }
}

/* Of another set it says nothing of this one. */
static void an_etag_of_another_set(void **state)
{
    whk_remote_set_t set = {.uri = "https://other.example/", .etag = "\"v2\""};

    (void)state;
    run_now();
    run_sql(fixture->link,
            apr_psprintf(fixture->pool,
                         "UPDATE whk_remote_set SET etag = '\"v2\"', etag_seal = '%s'",
                         whk_etag_seal(fixture->pool, fixture->secret, &set)));
    run_now();
    assert_null(strstr(origin.asked, "If-None-Match"));
}

/* What a 304 said is sealed by the key of now. */
static void an_etag_under_another_key(void **state)
{
    (void)state;
    run_now();
    registry.secret = whk_secret_key_promote(
        fixture->pool, whk_secret_key_add_next(fixture->pool, fixture->secret));
    answer("304 Not Modified", "", "");
    run_now();
    assert_non_null(strstr(origin.asked, "If-None-Match: \"v1\""));
    registry.secret = whk_secret_key_drop_previous(fixture->pool, registry.secret);
    asks(apr_psprintf(fixture->pool,
                      "SELECT count(*) FROM whk_remote_set WHERE etag_seal LIKE 'v1.%s.%%'",
                      whk_secret_key_fingerprint(registry.secret)),
         "1");
}

static void max_age(void **state)
{
    (void)state;
    answer("200 OK", "Cache-Control: max-age=100\r\n", SET(JWK("one", X_1)));
    run_now();
    assert_next(72, 80);
    answer("200 OK", "Cache-Control: max-age=100000\r\n", SET(JWK("one", X_1)));
    run_now();
    assert_next(216, 240);
    answer("200 OK", "Cache-Control: max-age=0\r\n", SET(JWK("one", X_1)));
    run_now();
    assert_true(next_refresh() > apr_time_now() + apr_time_from_sec(2));
}

static void gone_and_back(void **state)
{
    (void)state;
    run_now();
    answer("200 OK", "ETag: \"v2\"\r\n", SET(JWK("two", X_1)));
    run_now();
    asks(FLAW, "gone");
    asks(REVISION, "1");
    asks(EVENTS, "");
    run_now();
    /* Asked for whole: what was no good is not to be taken for unchanged. */
    assert_null(strstr(origin.asked, "If-None-Match"));
    asks(REVISION, "1");
    answer("200 OK", "", SET(JWK("one", X_1)));
    run_now();
    asks(FLAW, "NULL");
    asks(REVISION, "2");
}

static void changed(void **state)
{
    (void)state;
    answer("200 OK", "", SET(JWK("one", X_2)));
    run_now();
    run_now();
    asks(FLAW, "changed");
    asks(REVISION, "1");
    asks(EVENTS, "jwks_uri.key_changed background refused");
    asks("SELECT jwk LIKE '%" X_1 "%' FROM whk_key", "1");
    policy.jwks_uri_pin = 0;
    run_now();
    asks(FLAW, "NULL");
    asks(EVENTS, apr_pstrcat(fixture->pool,
                             "jwks_uri.key_changed background refused|jwks_uri.key_changed "
                             "background accepted ",
                             jwk_of(JWK("one", X_2))->thumbprint, NULL));
    asks("SELECT jwk LIKE '%" X_2 "%' FROM whk_key", "1");
}

static void assert_sealed(const char *kid)
{
    whk_key_t *key;

    good(whk_store_key_get(registry.store, fixture->pool, "acme", kid, &key));
    good(whk_key_check(fixture->pool, fixture->secret, key));
}

/* What a rotation replaced is used up, for the key that had it too. */
static void burnt_material_stays_away(void **state)
{
    (void)state;
    policy.jwks_uri_pin = 0;
    answer("200 OK", "", SET(JWK("one", X_2)));
    run_now();
    asks(FLAW, "NULL");
    assert_sealed("one");
    asks("SELECT count(*) FROM whk_used_material", "2");
    answer("200 OK", "", SET(JWK("one", X_1)));
    run_now();
    run_now();
    asks(FLAW, "changed");
    assert_sealed("one");
    asks("SELECT jwk LIKE '%" X_2 "%' FROM whk_key", "1");
    asks("SELECT count(*) FROM whk_event", "2");
    answer("200 OK", "", SET(JWK("one", X_2)));
    run_now();
    asks(FLAW, "NULL");
    assert_sealed("one");
}

/* A row that somebody else wrote is none of ours to seal, whatever its set holds. */
static void a_bad_row_stays_bad(void **state)
{
    (void)state;
    run_sql(fixture->link, "UPDATE whk_key SET remote_flaw = 'gone'");
    run_now();
    asks(FLAW, "gone");
    asks(REVISION, "0");
    policy.jwks_uri_pin = 0;
    answer("200 OK", "", SET(JWK("one", X_2)));
    run_now();
    asks(FLAW, "gone");
    asks("SELECT jwk LIKE '%" X_1 "%' FROM whk_key", "1");
    asks("SELECT count(*) FROM whk_used_material", "1");
}

/* Also without a pin: key material is used once in an enterprise. */
static void changed_to_another_key_of_ours(void **state)
{
    (void)state;
    register_key("acme", "two", JWK("two", X_2));
    policy.jwks_uri_pin = 0;
    answer("200 OK", "", SET(JWK("one", X_2) "," JWK("two", X_2)));
    run_now();
    asks(FLAW, "changed");
    asks("SELECT remote_flaw FROM whk_key WHERE key_id = 'two'", "NULL");
    asks("SELECT jwk LIKE '%" X_1 "%' FROM whk_key WHERE key_id = 'one'", "1");
}

/* It is revoked, whether its row says so or not: nothing of its set is taken any more. */
static void a_key_whose_time_has_come(void **state)
{
    (void)state;
    policy.jwks_uri_pin = 0;
    run_sql(fixture->link, "UPDATE whk_key SET revokes_at = 1");
    reseal_key(fixture, "acme", "one");
    answer("200 OK", "", SET(JWK("one", X_2)));
    run_now();
    asks("SELECT jwk LIKE '%" X_1 "%' FROM whk_key", "1");
    asks(REVISION, "0");
    asks("SELECT count(*) FROM whk_used_material", "1");
    assert_int_equal(origin.requests, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REFRESH_TEST(a_set_that_stays),
        REFRESH_TEST(not_modified),
        REFRESH_TEST(an_etag_of_somebody_else),
        REFRESH_TEST(an_etag_of_another_set),
        REFRESH_TEST(an_etag_under_another_key),
        REFRESH_TEST(max_age),
        REFRESH_TEST(gone_and_back),
        REFRESH_TEST(changed),
        REFRESH_TEST(changed_to_another_key_of_ours),
        REFRESH_TEST(burnt_material_stays_away),
        REFRESH_TEST(a_bad_row_stays_bad),
        REFRESH_TEST(a_key_whose_time_has_come),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start_origin, stop_origin);
}
