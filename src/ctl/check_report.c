/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "ctl/check.h"
#include "ctl/print.h"

/* The group is what `check` says in --json; several ids share one. */
static const struct {
    const char *id, *group;
} rows[WHK_CHECK_COUNT] = {
    [WHK_CHECK_ENFORCE_OFF] = {"enforce.off", "enforcement"},
    [WHK_CHECK_MODULE_MISSING] = {"module.missing", "httpd"},
    [WHK_CHECK_MPM_PREFORK] = {"mpm.prefork", "httpd"},
    [WHK_CHECK_TLS_OFF] = {"tls.off", "tls"},
    [WHK_CHECK_TLS_DATABASE] = {"tls.database", "tls"},
    [WHK_CHECK_REQUIRE_MISSING] = {"require.missing", "httpd"},
    [WHK_CHECK_METRICS_OPEN] = {"metrics.open", "httpd"},
    [WHK_CHECK_ENCODED_SLASHES] = {"paths.encoded_slashes", "httpd"},
    [WHK_CHECK_DBD_MAX] = {"dbd.max", "database"},
    [WHK_CHECK_DBD_PERSIST] = {"dbd.persist", "database"},
    [WHK_CHECK_REPLAY_CACHE_OFF] = {"replay_cache.off", "httpd"},
    [WHK_CHECK_LOG_LEVEL] = {"log.level", "httpd"},
    [WHK_CHECK_CLOCK_KEY_SET] = {"clock.key_set", "clock"},
    [WHK_CHECK_KEYS_LAST_ACTIVE] = {"keys.last_active", "keys"},
    [WHK_CHECK_KEYS_UNUSED] = {"keys.unused", "keys"},
    [WHK_CHECK_OTP_LOCKED] = {"otp.locked", "otp"},
    [WHK_CHECK_SECRET_KEY_DIRECTIVE] = {"secret_key.directive", "secret key"},
    [WHK_CHECK_SECRET_KEY_FILE] = {"secret_key.file", "secret key"},
    [WHK_CHECK_SECRET_KEY_ROTATION] = {"secret_key.rotation", "secret key"},
    [WHK_CHECK_SECRET_KEY_MARK] = {"secret_key.mark", "secret key"},
    [WHK_CHECK_SECRET_KEY_SHARED] = {"secret_key.shared", "secret key"},
    [WHK_CHECK_REGISTRY_MISSING] = {"registry.missing", "file"},
    [WHK_CHECK_REGISTRY_MODE] = {"registry.mode", "file"},
    [WHK_CHECK_REGISTRY_COMPANIONS] = {"registry.companions", "file"},
    [WHK_CHECK_REGISTRY_OWNER] = {"registry.owner", "owner"},
    [WHK_CHECK_REGISTRY_FOLDER] = {"registry.folder", "folder"},
    [WHK_CHECK_REGISTRY_CONNECTION] = {"registry.connection", "registry"},
    [WHK_CHECK_REGISTRY_READ] = {"registry.read", "registry"},
    [WHK_CHECK_CLOCK_DATABASE] = {"clock.database", "clock"},
    [WHK_CHECK_SCHEMA_MISSING] = {"schema.missing", "schema"},
    [WHK_CHECK_SCHEMA_VERSION] = {"schema.version", "schema"},
    [WHK_CHECK_SCHEMA_OBJECTS] = {"schema.objects", "schema"},
    [WHK_CHECK_OTP_SECRET] = {"otp.secret", "otp"},
    [WHK_CHECK_ADMINS_NAME] = {"admins.name", "admins"},
    [WHK_CHECK_ADMINS_OTP] = {"admins.otp", "admins"},
    [WHK_CHECK_ADMINS_NONE] = {"admins.none", "admins"},
    [WHK_CHECK_ROWS_SEAL] = {"rows.seal", "rows"},
    [WHK_CHECK_KEYS_NEAR_REVOCATION] = {"keys.near_revocation", "keys"},
    [WHK_CHECK_KEYS_SET_FAILING] = {"keys.set_failing", "keys"},
};

static const char *const results[] = {"ok", "notice", "problem"};

void whk_check_report(whk_check_t *check, whk_check_id_t id, whk_found_t found, const char *fix,
                      const char *format, ...)
{
    apr_pool_t *pool = check->invocation->pool;
    const char *message, *both;
    va_list arguments;

    va_start(arguments, format);
    message = apr_pvsprintf(pool, format, arguments);
    va_end(arguments);
    both = fix ? apr_pstrcat(pool, message, ": ", fix, NULL) : message;
    check->problems += found == WHK_FOUND_PROBLEM;
    json_array_append_new(check->checks, json_pack("{s:s, s:s, s:s}", "check", rows[id].group,
                                                   "result", results[found], "message", both));
    json_array_append_new(check->findings,
                          json_pack("{s:s, s:s, s:s, s:s?}", "id", rows[id].id, "result",
                                    results[found], "message", message, "fix", fix));
    if (!check->invocation->json)
        printf("%-8s %-11s %s [%s]\n", results[found], rows[id].group, whk_printable(pool, both),
               rows[id].id);
}

const char *whk_check_fix(const whk_check_t *check, const char *format, ...)
{
    const char *fix;
    va_list arguments;

    va_start(arguments, format);
    fix = apr_pvsprintf(check->invocation->pool, format, arguments);
    va_end(arguments);
    return fix;
}

const char *whk_check_quoted(const whk_check_t *check, const char *operand)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "@%+=:,./_-";
    apr_pool_t *pool = check->invocation->pool;
    const char *quoted = "'";
    const char *quote;

    if (*operand && operand[strspn(operand, plain)] == '\0')
        return operand;
    for (; (quote = strchr(operand, '\'')) != NULL; operand = quote + 1)
        quoted = apr_pstrcat(pool, quoted, apr_pstrmemdup(pool, operand, quote - operand), "'\\''",
                             NULL);
    return apr_pstrcat(pool, quoted, operand, "'", NULL);
}

void whk_check_report_outcome(whk_check_t *check, whk_check_id_t id, const whk_outcome_t *outcome)
{
    whk_check_report(check, id, WHK_FOUND_PROBLEM, outcome->operator_hint, "%s", outcome->message);
}
