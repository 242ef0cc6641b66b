/* SPDX-License-Identifier: Apache-2.0 */
/* Seals of rows: what they cover, and which keys of a file make and know them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "otp/secret_box.h"
#include "otp/secret_key.h"
#include "otp/secret_key_file.h"
#include "otp/secret_key_rotation.h"
#include "registry/seal.h"

#define KEY_1 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define KEY_2 "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define KEY_3 "AgECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define JWK                                                                                        \
    "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define THUMBPRINT "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" /* RFC 8037, appendix A.3 */

/* By python3-cryptography: HMAC-SHA256 under HKDF-SHA256 of KEY_1, of 5:admin,4:acme,5:alice,1:7,
 */
#define KNOWN_SEAL "v1.5ZgG_TEv0v4.mBBzroH9evIInDP9PzHv8J5oPAZ8ikYv0u9KZdb0GMo"

/* The same of make_key(), and of it with a planned revocation. */
#define UNPLANNED_SEAL "v1.5ZgG_TEv0v4.RThkHmahIZiZ-x8QOup8tzCXLC5RTIzdQkKudsySSiw"
#define PLANNED_SEAL "v1.5ZgG_TEv0v4.yVts3XLZGUhVaJx7iCo_SrG_EVAVLNWVmdz2fUh6XpA"

static apr_pool_t *pool;
static char folder[] = "/tmp/whk-seal-XXXXXX";

static const char *path(const char *name)
{
    return apr_pstrcat(pool, folder, "/", name, NULL);
}

static const char *write_key_file(const char *text)
{
    const char *file = path("secret.key");
    FILE *out = fopen(file, "w");

    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    chmod(file, 0600);
    return file;
}

static const whk_secret_key_t *load(const char *text)
{
    const char *flaw = NULL;
    const whk_secret_key_t *key = whk_secret_key_load(pool, write_key_file(text), &flaw);

    if (!key)
        fail_msg("%s", flaw);
    return key;
}

static const char *content(const char *file)
{
    char text[1000];
    FILE *in = fopen(file, "r");
    size_t length = fread(text, 1, sizeof(text), in);

    fclose(in);
    return apr_pstrmemdup(pool, text, length);
}

static whk_key_t make_key(void)
{
    whk_key_t key = {.id = "id",
                     .enterprise_id = "acme",
                     .key_id = "one",
                     .key_name = "name",
                     .algorithm = "EdDSA",
                     .jwk = JWK,
                     .thumbprint = THUMBPRINT,
                     .status = WHK_KEY_STATUS_ACTIVE,
                     .created = apr_time_from_msec(1700000000123),
                     .created_by = "alice"};

    return key;
}

static whk_event_t make_event(void)
{
    whk_event_t event = {.id = 7,
                         .enterprise_id = "acme",
                         .type = "key.registered",
                         .key_id = "one",
                         .actor = "alice",
                         .at = apr_time_from_msec(1700000000123),
                         .remote_address = "127.0.0.1",
                         .request_id = "r",
                         .detail = THUMBPRINT,
                         .hash = "h"};

    return event;
}

static void a_seal_is_what_the_header_says(void **state)
{
    const whk_secret_key_t *secret = load(KEY_1 "\n");
    whk_admin_t admin = {
        .enterprise_id = "acme", .user = "alice", .created = apr_time_from_msec(7)};

    (void)state;
    assert_string_equal(whk_admin_seal(pool, secret, &admin), KNOWN_SEAL);
    assert_null(whk_admin_set_seal(pool, secret, &admin));
    assert_string_equal(admin.seal, KNOWN_SEAL);
    assert_null(whk_admin_flaw(pool, secret, &admin));
    assert_null(whk_admin_check(pool, secret, &admin));
}

#define CHANGED(row, flaw, member, value)                                                          \
    do {                                                                                           \
        __typeof__(row) other = row;                                                               \
        other.member = value;                                                                      \
        if (!flaw(pool, secret, &other))                                                           \
            fail_msg(#member " is not sealed");                                                    \
    } while (0)

static void a_key_is_sealed_whole(void **state)
{
    const whk_secret_key_t *secret = load(KEY_1 "\n");
    whk_key_t key = make_key();

    (void)state;
    assert_null(whk_key_set_seal(pool, secret, &key));
    assert_null(whk_key_flaw(pool, secret, &key));
    CHANGED(key, whk_key_flaw, id, "x");
    CHANGED(key, whk_key_flaw, enterprise_id, "x");
    CHANGED(key, whk_key_flaw, key_id, "x");
    CHANGED(key, whk_key_flaw, key_name, "x");
    CHANGED(key, whk_key_flaw, algorithm, "RSA");
    CHANGED(key, whk_key_flaw, jwks_uri, "https://example.com/");
    CHANGED(key, whk_key_flaw, jwks_uri, "");
    CHANGED(key, whk_key_flaw, jwk, "{}");
    CHANGED(key, whk_key_flaw, thumbprint, "x");
    CHANGED(key, whk_key_flaw, status, WHK_KEY_STATUS_REVOKED);
    CHANGED(key, whk_key_flaw, created, key.created + 1000);
    CHANGED(key, whk_key_flaw, created_by, "x");
    CHANGED(key, whk_key_flaw, revoked, 1000);
    CHANGED(key, whk_key_flaw, revoked_by, "x");
    CHANGED(key, whk_key_flaw, remote_flaw, WHK_REMOTE_GONE);
    CHANGED(key, whk_key_flaw, followed_by, "*");
    CHANGED(key, whk_key_flaw, gone, 1000);
    CHANGED(key, whk_key_flaw, corrupt, 1);
    key.last_used = apr_time_from_msec(1800000000000);
    assert_null(whk_key_flaw(pool, secret, &key));
    /* One that came by a set. */
    key.jwks_uri = "https://example.com/";
    key.followed_by = "*";
    key.gone = apr_time_from_msec(1000);
    assert_null(whk_key_set_seal(pool, secret, &key));
    assert_null(whk_key_flaw(pool, secret, &key));
    CHANGED(key, whk_key_flaw, followed_by, "*:other");
    CHANGED(key, whk_key_flaw, followed_by, NULL);
    CHANGED(key, whk_key_flaw, gone, 0);
    CHANGED(key, whk_key_flaw, gone, 2000);
}

/* By python3's hmac, under the key of KNOWN_SEAL: the members that are always there and, where a
 * revocation is planned, `7:revokes,` and its milliseconds as one more netstring. */
static void a_plan_is_sealed(void **state)
{
    const whk_secret_key_t *secret = load(KEY_1 "\n");
    whk_key_t key = make_key();
    const char *unplanned = whk_key_seal(pool, secret, &key);

    (void)state;
    assert_string_equal(unplanned, UNPLANNED_SEAL);
    key.revokes = apr_time_from_msec(1800000000123);
    assert_string_equal(whk_key_seal(pool, secret, &key), PLANNED_SEAL);
    assert_null(whk_key_set_seal(pool, secret, &key));
    assert_null(whk_key_flaw(pool, secret, &key));
    /* Moved, and taken away; put in where there was none. */
    CHANGED(key, whk_key_flaw, revokes, key.revokes + 1000);
    CHANGED(key, whk_key_flaw, revokes, 1000);
    CHANGED(key, whk_key_flaw, revokes, 0);
    key.seal = unplanned;
    assert_non_null(whk_key_flaw(pool, secret, &key));
    key.revokes = 0;
    assert_null(whk_key_flaw(pool, secret, &key));
    /* It may not hide in what stands before it. */
    key.remote_flaw = WHK_REMOTE_GONE;
    assert_string_not_equal(whk_key_seal(pool, secret, &key), PLANNED_SEAL);
}

static void an_event_is_sealed_whole(void **state)
{
    const whk_secret_key_t *secret = load(KEY_1 "\n");
    whk_event_t event = make_event();

    (void)state;
    assert_null(whk_event_set_seal(pool, secret, &event));
    assert_null(whk_event_flaw(pool, secret, &event));
    CHANGED(event, whk_event_flaw, id, 8);
    CHANGED(event, whk_event_flaw, enterprise_id, "x");
    CHANGED(event, whk_event_flaw, type, "key.revoked");
    CHANGED(event, whk_event_flaw, key_id, "x");
    CHANGED(event, whk_event_flaw, key_id, NULL);
    CHANGED(event, whk_event_flaw, actor, "x");
    CHANGED(event, whk_event_flaw, at, event.at + 1000);
    CHANGED(event, whk_event_flaw, remote_address, NULL);
    CHANGED(event, whk_event_flaw, request_id, "");
    CHANGED(event, whk_event_flaw, detail, NULL);
    CHANGED(event, whk_event_flaw, hash, "x");
}

/* A character may not wander from one value to the next. */
static void values_are_unambiguous(void **state)
{
    const whk_secret_key_t *secret = load(KEY_1 "\n");
    whk_admin_t one = {.enterprise_id = "ab", .user = "c"};
    whk_admin_t other = {.enterprise_id = "a", .user = "bc"};

    (void)state;
    assert_string_not_equal(whk_admin_seal(pool, secret, &one),
                            whk_admin_seal(pool, secret, &other));
    one.user = "1:b,";
    one.enterprise_id = "a";
    other.user = "b";
    assert_string_not_equal(whk_admin_seal(pool, secret, &one),
                            whk_admin_seal(pool, secret, &other));
}

static void assert_flaw(const char *flaw, const char *phrase)
{
    assert_non_null(flaw);
    if (!strstr(flaw, phrase))
        fail_msg("\"%s\" lacks \"%s\"", flaw, phrase);
}

static void seals_that_are_none(void **state)
{
    const whk_secret_key_t *secret = load(KEY_1 "\n");
    whk_key_t key = make_key();
    const char *seal = whk_key_seal(pool, secret, &key);
    static const char *const texts[] = {"", "v1", "v1.", "v1..", "v2.a.b", "nonsense"};
    size_t i;

    (void)state;
    assert_flaw(whk_key_flaw(pool, secret, &key), "has no seal");
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        key.seal = texts[i];
        assert_non_null(whk_key_flaw(pool, secret, &key));
    }
    for (i = 0; i < strlen(seal); i++) {
        char *changed = apr_pstrdup(pool, seal);

        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        key.seal = changed;
        assert_non_null(whk_key_flaw(pool, secret, &key));
        key.seal = apr_pstrmemdup(pool, seal, i);
        assert_non_null(whk_key_flaw(pool, secret, &key));
    }
    key.seal = apr_pstrcat(pool, seal, "A", NULL);
    assert_flaw(whk_key_flaw(pool, secret, &key), "does not fit");
    key.seal = seal;
    assert_null(whk_key_flaw(pool, secret, &key));
    assert_flaw(whk_key_flaw(pool, NULL, &key), "WebhookKeysSecretKeyFile");
    assert_flaw(whk_key_flaw(pool, load(KEY_2 "\n"), &key), "of a key that the secret key file");
}

/* A seal that fits is of no use where the material is another than the thumbprint says. */
static void material_of_another_thumbprint(void **state)
{
    const whk_secret_key_t *secret = load(KEY_1 "\n");
    whk_key_t key = make_key();
    const whk_outcome_t *outcome;

    (void)state;
    key.thumbprint = "x";
    assert_null(whk_key_set_seal(pool, secret, &key));
    assert_flaw(whk_key_flaw(pool, secret, &key), "another thumbprint");
    outcome = whk_key_check(pool, secret, &key);
    assert_int_equal(outcome->code, WHK_INTERNAL_ERROR);
    assert_flaw(outcome->operator_hint, "key one of enterprise acme");
    assert_flaw(outcome->operator_hint, "whkctl audit verify");
    assert_null(strstr(outcome->message, "seal"));
    /* One whose algorithm is told beside. */
    key.jwk = apr_pstrcat(pool, "{\"alg\":\"EdDSA\",", &JWK[1], NULL);
    key.thumbprint = THUMBPRINT;
    assert_null(whk_key_set_seal(pool, secret, &key));
    assert_null(whk_key_flaw(pool, secret, &key));
}

static void nothing_is_sealed_without_a_key(void **state)
{
    whk_event_t event = make_event();
    const whk_outcome_t *outcome = whk_event_set_seal(pool, NULL, &event);

    (void)state;
    assert_non_null(outcome);
    assert_flaw(outcome->operator_hint, "WebhookKeysSecretKeyFile");
    assert_null(event.seal);
}

/* ---- several keys ---- */

static void each_key_of_a_file_opens_and_the_first_seals(void **state)
{
    static const whk_totp_t totp = {"sha1", 6, 30};
    const whk_secret_key_t *one = load(KEY_1 "\n");
    const whk_secret_key_t *coming = load(KEY_1 "\n" KEY_2 " next\n");
    const whk_secret_key_t *gone = load(KEY_2 "\n" KEY_1 " previous\n");
    const whk_secret_key_t *two = load(KEY_2 "\n");
    whk_key_t by_one = make_key();
    whk_key_t by_two = make_key();
    const char *box =
        whk_secret_seal(pool, one, "alice", &totp, (const unsigned char *)"secret", 6);
    const unsigned char *secret;
    apr_size_t length;
    const char *flaw;

    (void)state;
    assert_null(whk_key_set_seal(pool, coming, &by_one));
    assert_string_equal(by_one.seal, whk_key_seal(pool, one, &by_one));
    assert_null(whk_key_set_seal(pool, gone, &by_two));
    assert_string_equal(by_two.seal, whk_key_seal(pool, two, &by_two));
    assert_null(whk_key_flaw(pool, coming, &by_two));
    assert_null(whk_key_flaw(pool, gone, &by_one));
    assert_non_null(whk_key_flaw(pool, two, &by_one));
    assert_non_null(whk_key_flaw(pool, one, &by_two));
    assert_int_equal(whk_secret_key_is_current(coming, by_one.seal), 1);
    assert_int_equal(whk_secret_key_is_current(gone, by_one.seal), 0);
    assert_int_equal(whk_secret_key_is_current(gone, by_two.seal), 1);
    assert_int_equal(whk_secret_key_is_current(gone, NULL), 0);
    assert_int_equal(whk_secret_key_is_current(one, box), 1);
    assert_int_equal(whk_secret_open(pool, gone, "alice", &totp, box, &secret, &length, &flaw), 1);
    assert_int_equal(whk_secret_open(pool, two, "alice", &totp, box, &secret, &length, &flaw), 0);
}

static void from_one_key_to_another(void **state)
{
    const whk_secret_key_t *key = load(KEY_1 "\nsealed AAAAAAAAAAAAAAAAAAAAAA\n");
    const char *file = path("secret.key");
    const char *flaw = NULL;
    const char *old = whk_secret_key_fingerprint(key);
    const char *new_line;
    struct stat info;

    (void)state;
    assert_int_equal(whk_secret_key_has_next(key) + whk_secret_key_has_previous(key), 0);
    key = whk_secret_key_add_next(pool, key);
    assert_int_equal(whk_secret_key_write(pool, key, file, &flaw), 1);
    new_line = apr_pstrmemdup(pool, content(file) + 44, 43);
    assert_string_equal(content(file), apr_pstrcat(pool, KEY_1 "\n", new_line,
                                                   " next\nsealed AAAAAAAAAAAAAAAAAAAAAA\n", NULL));
    assert_int_equal(stat(file, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    key = whk_secret_key_load(pool, file, &flaw);
    assert_int_equal(whk_secret_key_has_next(key), 1);
    assert_string_equal(whk_secret_key_fingerprint(key), old);
    key = whk_secret_key_promote(pool, key);
    assert_int_equal(whk_secret_key_write(pool, key, file, &flaw), 1);
    assert_string_equal(
        content(file),
        apr_pstrcat(pool, new_line, "\n" KEY_1 " previous\nsealed AAAAAAAAAAAAAAAAAAAAAA\n", NULL));
    key = whk_secret_key_load(pool, file, &flaw);
    assert_int_equal(whk_secret_key_has_previous(key), 1);
    assert_string_not_equal(whk_secret_key_fingerprint(key), old);
    key = whk_secret_key_drop_previous(pool, key);
    assert_int_equal(whk_secret_key_write(pool, key, file, &flaw), 1);
    assert_string_equal(content(file),
                        apr_pstrcat(pool, new_line, "\nsealed AAAAAAAAAAAAAAAAAAAAAA\n", NULL));
    assert_int_not_equal(access(path("secret.key.new"), F_OK), 0);
    assert_int_equal(whk_secret_key_write(pool, key, path("no/such"), &flaw), 0);
    assert_non_null(strstr(flaw, "no/such"));
}

static void what_a_file_may_hold(void **state)
{
    static const char *const bad[] = {
        KEY_1 "\n" KEY_2 "\n",
        KEY_1 " next\n",
        KEY_1 "\n" KEY_2 " next\n" KEY_3 " next\n",
        KEY_1 "\n" KEY_2 " other\n",
        KEY_1 "\n" KEY_2 "  next\n",
        KEY_1 "\nsealed \n",
        KEY_1 "\nsealed AAAAAAAAAAAAAAAAAAAAA\n",
        KEY_1 "\nsealed AAAAAAAAAAAAAAAAAAAAA/\n",
        "sealed AAAAAAAAAAAAAAAAAAAAAA\n" KEY_1 "\n",
        KEY_1 "\n\n" KEY_2 " next\n",
        "# a comment\n" KEY_1 "\n",
    };
    const char *flaw;
    size_t i;

    (void)state;
    load(KEY_1 "\n" KEY_2 " next\n" KEY_3 " previous\n");
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(whk_secret_key_load(pool, write_key_file(bad[i]), &flaw));
        assert_null(strstr(flaw, KEY_1));
    }
}

static void registries_that_were_sealed(void **state)
{
    const char *file = write_key_file(KEY_1);
    const char *flaw;
    const whk_secret_key_t *key = whk_secret_key_load(pool, file, &flaw);
    int marks = whk_secret_key_open_marks(file);

    (void)state;
    assert_int_equal(whk_secret_key_has_mark(pool, key, "/one/registry.db"), 0);
    assert_int_equal(whk_secret_key_mark(pool, marks, "/one/registry.db"), 1);
    assert_int_equal(whk_secret_key_mark(pool, marks, "/two/registry.db"), 1);
    close(marks);
    key = whk_secret_key_load(pool, file, &flaw);
    assert_non_null(key);
    assert_int_equal(whk_secret_key_marks(key), 2);
    assert_int_equal(whk_secret_key_has_mark(pool, key, "/one/registry.db"), 1);
    assert_int_equal(whk_secret_key_has_mark(pool, key, "/two/registry.db"), 1);
    assert_int_equal(whk_secret_key_has_mark(pool, key, "/three/registry.db"), 0);
    assert_int_equal(whk_secret_key_mark(pool, -1, "/one/registry.db"), 0);
}

static int set_up(void **state)
{
    (void)state;
    return apr_pool_create(&pool, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path("secret.key"));
    apr_pool_destroy(pool);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_seal_is_what_the_header_says),
        TEST(a_key_is_sealed_whole),
        TEST(a_plan_is_sealed),
        TEST(an_event_is_sealed_whole),
        TEST(values_are_unambiguous),
        TEST(seals_that_are_none),
        TEST(material_of_another_thumbprint),
        TEST(nothing_is_sealed_without_a_key),
        TEST(each_key_of_a_file_opens_and_the_first_seals),
        TEST(from_one_key_to_another),
        TEST(what_a_file_may_hold),
        TEST(registries_that_were_sealed),
    };
    int failed;

    apr_initialize();
    if (!mkdtemp(folder))
        return 1;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("seal", tests, NULL, NULL);
    rmdir(folder);
    apr_terminate();
    return failed;
}
