/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "ctl/conf_text.h"
#include "ctl/httpd_conf.h"

typedef struct {
    apr_pool_t *pool;
    char folder[64];
} fixture_t;

static const char *path(fixture_t *fixture, const char *name)
{
    return apr_pstrcat(fixture->pool, fixture->folder, "/", name, NULL);
}

static void write_file(fixture_t *fixture, const char *name, const char *text)
{
    FILE *out = fopen(path(fixture, name), "w");

    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static const char *read_conf(fixture_t *fixture, const char *text, const whk_httpd_conf_t **conf)
{
    apr_array_header_t *defines = apr_array_make(fixture->pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(defines, const char *) = "GIVEN";
    write_file(fixture, "httpd.conf",
               apr_pstrcat(fixture->pool, "ServerRoot ", fixture->folder, "\n", text, NULL));
    return whk_httpd_conf_read(fixture->pool, path(fixture, "httpd.conf"), defines, conf);
}

static const char *find(fixture_t *fixture, const char *text, const char *server,
                        whk_registry_conf_t *registry)
{
    const whk_httpd_conf_t *conf;
    const char *flaw = read_conf(fixture, text, &conf);

    memset(registry, 0, sizeof(*registry));
    return flaw ? flaw : whk_httpd_conf_registry(fixture->pool, conf, server, registry);
}

static void assert_params(fixture_t *fixture, const char *text, const char *server,
                          const char *params)
{
    whk_registry_conf_t registry;
    const char *flaw = find(fixture, apr_pstrcat(fixture->pool, "DBDriver sqlite3\n", text, NULL),
                            server, &registry);

    if (flaw)
        fail_msg("%s", flaw);
    assert_string_equal(registry.params, params);
}

static void assert_flaw(fixture_t *fixture, const char *text, const char *server,
                        const char *phrase)
{
    whk_registry_conf_t registry;
    const char *flaw = find(fixture, text, server, &registry);

    if (!flaw)
        fail_msg("nothing wrong with \"%s\"", text);
    if (!strstr(flaw, phrase))
        fail_msg("\"%s\" lacks \"%s\"", flaw, phrase);
}

static void plain(void **state)
{
    fixture_t *fixture = *state;
    whk_registry_conf_t registry;
    const char *flaw = find(fixture,
                            "# a comment\n"
                            "   # another \\\n DBDParams /commented.db\n"
                            "dbdriver sqlite3\r\n"
                            "\tDBDPARAMS \"/with space/r.db\"\n"
                            "WebhookKeysSecretKeyFile conf/secret.key\n"
                            "User www-data",
                            NULL, &registry);

    assert_null(flaw);
    assert_string_equal(registry.driver, "sqlite3");
    assert_string_equal(registry.params, "/with space/r.db");
    assert_string_equal(registry.secret_key_file, path(fixture, "conf/secret.key"));
    assert_string_equal(registry.user.value, "www-data");
    assert_non_null(strstr(registry.params_place, "httpd.conf:6"));
}

static void words(void **state)
{
    static const char *const rows[][3] = {{"a b", "a", "b"},
                                          {"  a  ", "a", ""},
                                          {"\"a b\" c", "a b", "c"},
                                          {"'a \"b' c", "a \"b", "c"},
                                          {"\"a \\\"b\\\\\\c\" d", "a \"b\\\\c", "d"},
                                          {"\"open", "open", ""},
                                          {"", "", ""}};
    fixture_t *fixture = *state;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *text = rows[i][0];

        assert_string_equal(whk_conf_word(fixture->pool, &text), rows[i][1]);
        assert_string_equal(text, rows[i][2]);
    }
}

static void continued_lines(void **state)
{
    fixture_t *fixture = *state;

    assert_params(fixture, "DBDParams \\\n  /a.db", NULL, "/a.db");
    assert_params(fixture, "DBDPar\\\nams /a.\\\r\ndb\n", NULL, "/a.db");
    assert_params(fixture, "DBDParams /a.db\n# no \\\nDBDParams /b.db\n", NULL, "/a.db");
    assert_params(fixture, "DBDParams /a.db\\", NULL, "/a.db\\");
    assert_params(fixture, "DBDParams /a.db\nDBDParams /b.db\n", NULL, "/b.db");
}

static void includes(void **state)
{
    fixture_t *fixture = *state;

    apr_dir_make(path(fixture, "conf.d"), APR_FPROT_OS_DEFAULT, fixture->pool);
    apr_dir_make(path(fixture, "conf.d/deep"), APR_FPROT_OS_DEFAULT, fixture->pool);
    write_file(fixture, "conf.d/b.conf", "DBDParams /b.db\n");
    write_file(fixture, "conf.d/a.conf", "DBDParams /a.db\n");
    write_file(fixture, "conf.d/.hidden.conf", "DBDParams /hidden.db\n");
    write_file(fixture, "conf.d/deep/c.conf", "DBDParams /c.db\n");
    assert_params(fixture, "Include conf.d/a.conf", NULL, "/a.db");
    assert_params(fixture, "Include \"conf.d/*.conf\"", NULL, "/b.db");
    assert_params(fixture, "IncludeOptional con*/?.conf", NULL, "/b.db");
    assert_params(fixture, "Include conf.d/*/*.conf", NULL, "/c.db");
    assert_params(fixture, "Include conf.d", NULL, "/c.db");
    assert_params(fixture,
                  apr_psprintf(fixture->pool, "Include %s", path(fixture, "conf.d/[ab].conf")),
                  NULL, "/b.db");
    assert_params(fixture, "DBDParams /x.db\nIncludeOptional none/*.conf\nIncludeOptional none",
                  NULL, "/x.db");
    assert_flaw(fixture, "\nInclude none/*.conf", NULL, "httpd.conf:3: Include: there is no file");
    assert_flaw(fixture, "Include none.conf", NULL, "httpd.conf:2: Include: there is no file");
    write_file(fixture, "loop.conf", "Include loop.conf\n");
    assert_flaw(fixture, "Include loop.conf", NULL, "too deeply");
}

static void variables(void **state)
{
    fixture_t *fixture = *state;

    setenv("WHK_TEST_FOLDER", "/from/environment", 1);
    unsetenv("WHK_TEST_NONE");
    write_file(fixture, "envvars",
               "# as on Debian\nexport WHK_TEST_ENVVARS=/from/envvars\n"
               "export WHK_TEST_COMPUTED=/var$SUFFIX\n");
    assert_params(fixture, "DBDParams ${WHK_TEST_FOLDER}/r.db", NULL, "/from/environment/r.db");
    assert_params(fixture, "DBDParams ${WHK_TEST_ENVVARS}/r.db", NULL, "/from/envvars/r.db");
    assert_params(fixture, "Define WHK_TEST_FOLDER /mine\nDBDParams \"${WHK_TEST_FOLDER}/r.db\"",
                  NULL, "/mine/r.db");
    assert_params(fixture, "Define a /x\nDefine b ${a}/y\nDBDParams ${b}/${a}/r.db", NULL,
                  "/x/y//x/r.db");
    assert_params(fixture, "Define a /x\nUnDefine a\nDocumentRoot ${a}\nDBDParams /r.db", NULL,
                  "/r.db");
    assert_flaw(fixture, "DBDriver sqlite3\nDBDParams ${WHK_TEST_NONE}/r.db", NULL,
                "httpd.conf:3: DBDParams");
    assert_flaw(fixture, "DBDriver sqlite3\nDBDParams ${WHK_TEST_COMPUTED}/r.db", NULL,
                "WHK_TEST_COMPUTED");
    assert_flaw(fixture, "Include ${WHK_TEST_NONE}/x.conf", NULL, "WHK_TEST_NONE");
    assert_params(fixture, "IncludeOptional ${WHK_TEST_NONE}/x.conf\nDBDParams /r.db", NULL,
                  "/r.db");
    unsetenv("WHK_TEST_FOLDER");
}

static void user_is_judged_when_needed(void **state)
{
    fixture_t *fixture = *state;
    whk_registry_conf_t registry;

    assert_null(
        find(fixture, "DBDriver sqlite3\nDBDParams /r.db\nUser ${WHK_TEST_NONE}", NULL, &registry));
    assert_non_null(
        strstr(whk_setting_flaw(fixture->pool, "User", &registry.user), "WHK_TEST_NONE"));
}

static void conditions(void **state)
{
    fixture_t *fixture = *state;
    static const struct {
        const char *section;
        int holds;
    } rows[] = {
        {"IfDefine GIVEN", 1},
        {"IfDefine !GIVEN", 0},
        {"IfDefine LATER", 0},
        {"IfDefine HERE", 1},
        {"ifdefine \"HERE\"", 1},
        {"IfModule webhook_keys_module", 1},
        {"IfModule mod_webhook_keys.c", 1},
        {"IfModule !mod_webhook_keys.c", 0},
        {"IfModule mod_dbd.c", 0},
        {"IfModule !dbd_module", 1},
        {"IfModule mpm_event_module", 1},
        {"IfModule event.c", 1},
        {"IfModule mpm_prefork_module", 0},
        {"IfModule mod_so.c", 1},
        {"IfModule !core.c", 0},
        {"IfFile httpd.conf", 1},
        {"IfFile no.conf", 0},
        {"IfFile !no.conf", 1},
        {"IfVersion >= 2.4", 1},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *name = apr_pstrdup(fixture->pool, rows[i].section);

        *strchr(name, ' ') = '\0';
        assert_params(fixture,
                      apr_psprintf(fixture->pool,
                                   "Define HERE\n"
                                   "LoadModule webhook_keys_module modules/mod_webhook_keys.so\n"
                                   "LoadModule mpm_event_module modules/mod_mpm_event.so\n"
                                   "DBDParams /outside.db\n"
                                   "<%s>\n<IfDefine GIVEN>\nDBDParams /inside.db\n</IfDefine>\n"
                                   "</%s>\nDefine LATER\n",
                                   rows[i].section, name),
                      NULL, rows[i].holds ? "/inside.db" : "/outside.db");
    }
}

static void sections_that_do_not_count(void **state)
{
    fixture_t *fixture = *state;

    assert_params(fixture,
                  "DBDParams /r.db\n<Directory /x>\nDBDParams /no.db\n</Directory>\n"
                  "<Macro R $f>\nDBDParams $f\n<VirtualHost *:1>\n</VirtualHost>\n</Macro>\n"
                  "<IfModule none.c>\n<IfModule core.c>\n</IfModule>\nDBDParams /no.db\n"
                  "</IfModule>\n"
                  "<Location \"/a\">\n<IfModule core.c>\nDBDParams /no.db\n</IfModule>\n"
                  "</Location>\n",
                  NULL, "/r.db");
}

static void broken_sections(void **state)
{
    fixture_t *fixture = *state;

    assert_flaw(fixture, "<IfModule core.c>\n", NULL, "httpd.conf:2: <IfModule> is never closed");
    assert_flaw(fixture, "<IfModule none.c>\n", NULL, "<IfModule> is never closed");
    assert_flaw(fixture, "</IfModule>\n", NULL, "httpd.conf:2: </IfModule> closes nothing");
    assert_flaw(fixture, "<Location />\n</Directory>\n", NULL, "</Location> should, for line 2");
    assert_flaw(fixture, "<VirtualHost *:1>\n<VirtualHost *:2>\n", NULL, "httpd.conf:3: ");
    write_file(fixture, "half.conf", "</IfModule>\n");
    assert_flaw(fixture, "<IfModule core.c>\nInclude half.conf\n</IfModule>\n", NULL,
                "half.conf:1: </IfModule> closes nothing");
}

#define TWO_HOSTS                                                                                  \
    "<VirtualHost *:80>\nServerName https://One.Example:443\nServerAlias uno *.one.example\n"      \
    "DBDParams /one.db\n</VirtualHost>\n"                                                          \
    "<VirtualHost *:80>\nServerName two.example\nDBDParams /two.db\n</VirtualHost>\n"              \
    "<VirtualHost *:81>\nServerName two.example\nRedirect / /\n</VirtualHost>\n"

static void virtual_hosts(void **state)
{
    fixture_t *fixture = *state;

    assert_params(fixture, TWO_HOSTS, "one.example", "/one.db");
    assert_params(fixture, TWO_HOSTS, "UNO", "/one.db");
    assert_params(fixture, TWO_HOSTS, "x.one.example", "/one.db");
    assert_params(fixture, TWO_HOSTS, "two.example", "/two.db");
    assert_params(fixture, "DBDParams /main.db\n" TWO_HOSTS, NULL, "/main.db");
    assert_params(fixture, "DBDParams /main.db\n" TWO_HOSTS, "two.example", "/two.db");
    assert_params(fixture, TWO_HOSTS "DBDParams /main.db\nServerName main.example\n",
                  "main.example", "/main.db");
    assert_params(fixture,
                  "<VirtualHost *:80>\nServerName a\n</VirtualHost>\n"
                  "<VirtualHost *:81>\nDBDParams /only.db\n</VirtualHost>\n",
                  NULL, "/only.db");
    assert_flaw(fixture, "DBDriver sqlite3\n" TWO_HOSTS, NULL, "two.example (");
    assert_flaw(fixture, "DBDriver sqlite3\n" TWO_HOSTS, NULL, "--server");
    assert_flaw(fixture, "DBDriver sqlite3\n" TWO_HOSTS, "three.example", "three.example");
    assert_params(fixture,
                  "<VirtualHost *:80>\nDBDParams /same.db\n</VirtualHost>\n"
                  "<VirtualHost *:81>\nDBDParams /same.db\n</VirtualHost>\n",
                  NULL, "/same.db");
}

static void secret_key_of_a_virtual_host(void **state)
{
    fixture_t *fixture = *state;
    whk_registry_conf_t registry;
    const char *text = "DBDriver sqlite3\nDBDParams /r.db\n"
                       "<VirtualHost *:1>\nWebhookKeysSecretKeyFile /s.key\n</VirtualHost>\n"
                       "<VirtualHost *:2>\nDBDParams /o.db\n"
                       "WebhookKeysSecretKeyFile /o.key\n</VirtualHost>\n";

    assert_null(find(fixture, text, NULL, &registry));
    assert_string_equal(registry.params, "/r.db");
    assert_string_equal(registry.secret_key_file, "/s.key");
    assert_null(find(fixture,
                     apr_pstrcat(fixture->pool, text, "WebhookKeysSecretKeyFile /m.key\n", NULL),
                     NULL, &registry));
    assert_string_equal(registry.secret_key_file, "/m.key");
}

static void nothing_named(void **state)
{
    fixture_t *fixture = *state;
    const whk_httpd_conf_t *conf;
    apr_array_header_t *none = apr_array_make(fixture->pool, 1, sizeof(const char *));

    assert_flaw(fixture, "", NULL, "DBDriver sqlite3");
    assert_flaw(fixture, "DBDriver sqlite3\n", NULL, "DBDParams");
    assert_flaw(fixture, "DBDriver sqlite3\nDBDParams \"\"\n", NULL, "DBDParams");
    assert_non_null(
        strstr(whk_httpd_conf_read(fixture->pool, path(fixture, "none"), none, &conf), "/none"));
    assert_non_null(strstr(whk_httpd_conf_read(fixture->pool, fixture->folder, none, &conf),
                           "not a regular file"));
}

static int set_up(void **state)
{
    fixture_t *fixture;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    fixture = apr_pcalloc(pool, sizeof(*fixture));
    fixture->pool = pool;
    strcpy(fixture->folder, "/tmp/whk-httpd-conf-XXXXXX");
    *state = fixture;
    return mkdtemp(fixture->folder) == NULL;
}

static int tear_down(void **state)
{
    fixture_t *fixture = *state;
    static const char *const names[] = {"conf.d/deep/c.conf",
                                        "conf.d/deep",
                                        "conf.d/a.conf",
                                        "conf.d/b.conf",
                                        "conf.d/.hidden.conf",
                                        "conf.d",
                                        "loop.conf",
                                        "half.conf",
                                        "envvars",
                                        "httpd.conf",
                                        ""};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        remove(path(fixture, names[i]));
    apr_pool_destroy(fixture->pool);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plain),
        TEST(words),
        TEST(continued_lines),
        TEST(includes),
        TEST(variables),
        TEST(user_is_judged_when_needed),
        TEST(conditions),
        TEST(sections_that_do_not_count),
        TEST(broken_sections),
        TEST(virtual_hosts),
        TEST(secret_key_of_a_virtual_host),
        TEST(nothing_named),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests_name("httpd_conf", tests, NULL, NULL);
    apr_terminate();
    return failed;
}
