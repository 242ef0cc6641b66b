/* SPDX-License-Identifier: Apache-2.0 */
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
#include "otp/secret_key_file.h"

typedef struct {
    apr_pool_t *pool;
    char folder[64];
    const char *file;
    const whk_secret_key_t *key;
} fixture_t;

static const whk_totp_t totp = {"sha1", 6, 30};
static const unsigned char secret[] = "12345678901234567890";
#define SECRET_LENGTH 20

static const char *path(fixture_t *fixture, const char *name)
{
    return apr_pstrcat(fixture->pool, fixture->folder, "/", name, NULL);
}

static const char *write_file(fixture_t *fixture, const char *name, const char *text, mode_t mode)
{
    const char *file = path(fixture, name);
    FILE *out = fopen(file, "w");

    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    chmod(file, mode);
    return file;
}

static int opens(fixture_t *fixture, const whk_secret_key_t *key, const char *user,
                 const whk_totp_t *parameters, const char *sealed, const char **flaw)
{
    const unsigned char *opened = NULL;
    apr_size_t length = 0;

    *flaw = NULL;
    if (!whk_secret_open(fixture->pool, key, user, parameters, sealed, &opened, &length, flaw)) {
        assert_null(opened);
        assert_non_null(*flaw);
        return 0;
    }
    assert_int_equal(length, SECRET_LENGTH);
    assert_memory_equal(opened, secret, SECRET_LENGTH);
    return 1;
}

static const char *seal(fixture_t *fixture)
{
    const char *sealed =
        whk_secret_seal(fixture->pool, fixture->key, "alice", &totp, secret, SECRET_LENGTH);

    assert_non_null(sealed);
    return sealed;
}

static void key_file_is_made_once(void **state)
{
    fixture_t *fixture = *state;
    const char *file = path(fixture, "made.key");
    const char *flaw = NULL;
    struct stat info;
    char text[100] = "", again[100] = "";
    FILE *in;

    assert_int_equal(whk_secret_key_create(fixture->pool, file, &flaw), 1);
    assert_int_equal(stat(file, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(info.st_size, 44);
    in = fopen(file, "r");
    assert_non_null(fgets(text, sizeof(text), in));
    fclose(in);
    assert_int_equal(text[43], '\n');
    assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789-_"),
                     43);
    assert_non_null(whk_secret_key_load(fixture->pool, file, &flaw));
    assert_int_equal(whk_secret_key_create(fixture->pool, file, &flaw), 0);
    assert_non_null(strstr(flaw, "never overwritten"));
    in = fopen(file, "r");
    assert_non_null(fgets(again, sizeof(again), in));
    fclose(in);
    assert_string_equal(text, again);
    assert_int_equal(whk_secret_key_create(fixture->pool, path(fixture, "no/such"), &flaw), 0);
    assert_non_null(strstr(flaw, "no/such"));
    /* Nor through a dangling link. */
    assert_int_equal(symlink("elsewhere", path(fixture, "link")), 0);
    assert_int_equal(whk_secret_key_create(fixture->pool, path(fixture, "link"), &flaw), 0);
    assert_int_not_equal(access(path(fixture, "elsewhere"), F_OK), 0);
}

static void assert_key_flaw(fixture_t *fixture, const char *file, const char *phrase)
{
    const char *flaw = NULL;

    assert_null(whk_secret_key_load(fixture->pool, file, &flaw));
    assert_non_null(flaw);
    if (!strstr(flaw, phrase))
        fail_msg("\"%s\" lacks \"%s\"", flaw, phrase);
    assert_non_null(strstr(flaw, file));
}

static void key_file_flaws(void **state)
{
    fixture_t *fixture = *state;
    static const char good[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    static const char *const bad[] = {
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh",        /* short */
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",    /* padded */
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\r\n",   /* another line ending */
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n\n",   /* more lines */
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9\n",     /* bits that should be zero */
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdH+8\n",     /* another alphabet */
        "AAECAwQFBgcICQoLDA0ODxAREhMU RYXGBkaGxwdHh8\n",     /* white space */
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8AAAA\n", /* long */
        "\n"};
    const char *flaw = NULL;
    size_t i;

    assert_non_null(
        whk_secret_key_load(fixture->pool, write_file(fixture, "good", good, 0600), &flaw));
    assert_non_null(whk_secret_key_load(
        fixture->pool,
        write_file(fixture, "good", apr_pstrcat(fixture->pool, good, "\n", NULL), 0400), &flaw));
    assert_key_flaw(fixture, path(fixture, "missing"), "does not exist");
    assert_key_flaw(fixture, fixture->folder, "not a regular file");
    assert_int_equal(mkfifo(path(fixture, "fifo"), 0600), 0);
    assert_key_flaw(fixture, path(fixture, "fifo"), "not a regular file");
    assert_key_flaw(fixture, write_file(fixture, "group", good, 0640), "chmod 600 ");
    assert_key_flaw(fixture, write_file(fixture, "other", good, 0604), "chmod 600 ");
    assert_key_flaw(fixture, write_file(fixture, "writable", good, 0620), "chmod 600 ");
    assert_key_flaw(fixture, write_file(fixture, "empty", "", 0600), "is empty");
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_key_flaw(fixture, write_file(fixture, "bad", bad[i], 0600), "exactly 43 characters");
}

static void a_flaw_tells_no_key(void **state)
{
    fixture_t *fixture = *state;
    const char *flaw = NULL;

    assert_null(whk_secret_key_load(fixture->pool,
                                    write_file(fixture, "bad", "c2VjcmV0c2VjcmV0", 0600), &flaw));
    assert_null(strstr(flaw, "c2Vjc"));
}

static void seals_and_opens(void **state)
{
    fixture_t *fixture = *state;
    const char *flaw;
    const char *one = seal(fixture);
    const char *two = seal(fixture);

    assert_int_equal(strncmp(one, "v1.", 3), 0);
    assert_string_not_equal(one, two);
    assert_int_equal(opens(fixture, fixture->key, "alice", &totp, one, &flaw), 1);
    assert_int_equal(opens(fixture, fixture->key, "alice", &totp, two, &flaw), 1);
}

static void is_bound_to_user_and_parameters(void **state)
{
    fixture_t *fixture = *state;
    static const whk_totp_t others[] = {{"sha256", 6, 30}, {"sha1", 8, 30}, {"sha1", 6, 31}};
    const char *sealed = seal(fixture);
    const char *flaw;
    size_t i;

    assert_int_equal(opens(fixture, fixture->key, "bob", &totp, sealed, &flaw), 0);
    assert_non_null(strstr(flaw, "another user's"));
    assert_int_equal(opens(fixture, fixture->key, "alice ", &totp, sealed, &flaw), 0);
    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(opens(fixture, fixture->key, "alice", &others[i], sealed, &flaw), 0);
}

/* A user's name that spells what follows it is still another user. */
static void bound_values_are_unambiguous(void **state)
{
    fixture_t *fixture = *state;
    const char *sealed =
        whk_secret_seal(fixture->pool, fixture->key, "a 4:sha1 6 30", &totp, secret, SECRET_LENGTH);
    const char *flaw;

    assert_int_equal(opens(fixture, fixture->key, "a 4:sha1 6 30", &totp, sealed, &flaw), 1);
    assert_int_equal(opens(fixture, fixture->key, "a", &totp, sealed, &flaw), 0);
}

static void every_changed_character_is_noticed(void **state)
{
    fixture_t *fixture = *state;
    const char *sealed = seal(fixture);
    size_t length = strlen(sealed);
    const char *flaw;
    size_t i;

    for (i = 0; i < length; i++) {
        char *changed = apr_pstrdup(fixture->pool, sealed);

        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_int_equal(opens(fixture, fixture->key, "alice", &totp, changed, &flaw), 0);
        assert_int_equal(opens(fixture, fixture->key, "alice", &totp,
                               apr_pstrndup(fixture->pool, sealed, i), &flaw),
                         0);
    }
    assert_int_equal(opens(fixture, fixture->key, "alice", &totp,
                           apr_pstrcat(fixture->pool, sealed, "A", NULL), &flaw),
                     0);
    assert_int_equal(opens(fixture, fixture->key, "alice", &totp,
                           apr_pstrcat(fixture->pool, sealed, "=", NULL), &flaw),
                     0);
    assert_int_equal(opens(fixture, fixture->key, "alice", &totp, "", &flaw), 0);
    assert_int_equal(opens(fixture, fixture->key, "alice", &totp, "v1.", &flaw), 0);
    assert_int_equal(opens(fixture, fixture->key, "alice", &totp, "v1..", &flaw), 0);
}

static void another_key_is_told_apart(void **state)
{
    fixture_t *fixture = *state;
    const char *sealed = seal(fixture);
    const char *file = path(fixture, "other.key");
    const char *flaw = NULL;
    const whk_secret_key_t *other;

    assert_int_equal(whk_secret_key_create(fixture->pool, file, &flaw), 1);
    other = whk_secret_key_load(fixture->pool, file, &flaw);
    assert_int_equal(opens(fixture, other, "alice", &totp, sealed, &flaw), 0);
    assert_non_null(strstr(flaw, "another key"));
    /* The same key read again is the same key. */
    assert_int_equal(opens(fixture, whk_secret_key_load(fixture->pool, fixture->file, &flaw),
                           "alice", &totp, sealed, &flaw),
                     1);
}

static void sealed_text_holds_no_secret(void **state)
{
    fixture_t *fixture = *state;
    const char *sealed = seal(fixture);

    assert_null(strstr(sealed, "1234567"));
    /* base64 of it, at each of the three offsets that it may lie at. */
    assert_null(strstr(sealed, "MTIzNDU2"));
    assert_null(strstr(sealed, "EyMzQ1Nj"));
    assert_null(strstr(sealed, "xMjM0NTY"));
}

static int set_up(void **state)
{
    fixture_t *fixture;
    apr_pool_t *pool;
    const char *flaw;

    apr_pool_create(&pool, NULL);
    fixture = apr_pcalloc(pool, sizeof(*fixture));
    fixture->pool = pool;
    strcpy(fixture->folder, "/tmp/whk-secret-box-XXXXXX");
    if (!mkdtemp(fixture->folder))
        return 1;
    fixture->file = path(fixture, "secret.key");
    if (!whk_secret_key_create(pool, fixture->file, &flaw))
        return 1;
    fixture->key = whk_secret_key_load(pool, fixture->file, &flaw);
    *state = fixture;
    return fixture->key == NULL;
}

static int tear_down(void **state)
{
    fixture_t *fixture = *state;
    static const char *const names[] = {"secret.key", "made.key", "link",     "good",
                                        "fifo",       "group",    "other",    "writable",
                                        "empty",      "bad",      "other.key"};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlink(path(fixture, names[i]));
    rmdir(fixture->folder);
    apr_pool_destroy(fixture->pool);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(key_file_is_made_once),
        TEST(key_file_flaws),
        TEST(a_flaw_tells_no_key),
        TEST(seals_and_opens),
        TEST(is_bound_to_user_and_parameters),
        TEST(bound_values_are_unambiguous),
        TEST(every_changed_character_is_noticed),
        TEST(another_key_is_told_apart),
        TEST(sealed_text_holds_no_secret),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("secret_box", tests, NULL, NULL);
    apr_terminate();
    return failed;
}
