/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An example of a module of somebody else that checks one-time passwords
 * (src/httpd/mod_webhook_keys.h), for t/otp_provider.t. `WebhookKeysOTPProvider file` has each
 * user's next codes in a file named as the user, a line each: TestOTPFolder /etc/apache2/codes A
 * code that was shown is taken out of its file before it is answered, under a lock, so each works
 * once, however many processes of this machine are asked. `TestOTPHook On` has a hook instead,
 * which lets a code `outage` go to nobody.
 */
#include <httpd.h>

#include <apr_strings.h>
#include <fcntl.h>
#include <http_config.h>
#include <http_log.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "httpd/mod_webhook_keys.h"

typedef struct {
    const char *folder;
    int has_hook;
} config_t;

extern module AP_MODULE_DECLARE_DATA test_otp_module;
APLOG_USE_MODULE(test_otp);

static void *create_config(apr_pool_t *pool, server_rec *s)
{
    (void)s;
    return apr_pcalloc(pool, sizeof(config_t));
}

static config_t *config_of(server_rec *s)
{
    return ap_get_module_config(s->module_config, &test_otp_module);
}

/* Out of the file, on the disk, before anybody is told that it was good. */
static int take(FILE *codes, const char *code)
{
    char rest[4096] = "";
    char line[64];
    int found = 0;

    while (fgets(line, sizeof(line), codes)) {
        size_t length = strcspn(line, "\n");

        if (!found && length == strlen(code) && !strncmp(line, code, length))
            found = 1;
        else
            apr_cpystrn(rest + strlen(rest), line, sizeof(rest) - strlen(rest));
    }
    if (!found)
        return 0;
    rewind(codes);
    return ftruncate(fileno(codes), 0) == 0 && fputs(rest, codes) >= 0 && fflush(codes) == 0 &&
           fsync(fileno(codes)) == 0;
}

static int check(request_rec *r, const char *enterprise_id, const char *user, const char *code)
{
    const char *file = apr_pstrcat(r->pool, config_of(r->server)->folder, "/", user, NULL);
    FILE *codes;
    int taken;

    (void)enterprise_id;
    /* A user's name is what somebody else's module made of a request. */
    if (strchr(user, '/') || *user == '.')
        return HTTP_UNAUTHORIZED;
    codes = fopen(file, "r+e");
    if (!codes) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "the codes of user %s can't be read", user);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (flock(fileno(codes), LOCK_EX) != 0) {
        fclose(codes);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    taken = take(codes, code);
    fclose(codes);
    if (!strcmp(code, "locked for a minute"))
        apr_table_setn(r->err_headers_out, "Retry-After", "60");
    if (!strncmp(code, "locked", strlen("locked")))
        return HTTP_TOO_MANY_REQUESTS;
    return taken ? OK : HTTP_UNAUTHORIZED;
}

static const whk_otp_provider_t provider = {check};

static int hook(request_rec *r, const char *enterprise_id, const char *user, const char *code)
{
    (void)enterprise_id;
    (void)user;
    if (!config_of(r->server)->has_hook)
        return DECLINED;
    return strcmp(code, "outage") ? DECLINED : HTTP_SERVICE_UNAVAILABLE;
}

static void register_hooks(apr_pool_t *pool)
{
    ap_register_provider(pool, WHK_OTP_PROVIDER_GROUP, "file", WHK_OTP_PROVIDER_VERSION, &provider);
    /* A function of mod_webhook_keys', so that one is loaded before this module. */
    whk_hook_check_otp(hook, NULL, NULL, APR_HOOK_MIDDLE);
}

static const char *set_folder(cmd_parms *cmd, void *section, const char *folder)
{
    (void)section;
    config_of(cmd->server)->folder = folder;
    return NULL;
}

static const char *set_hook(cmd_parms *cmd, void *section, int on)
{
    (void)section;
    config_of(cmd->server)->has_hook = on;
    return NULL;
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("TestOTPFolder", set_folder, NULL, RSRC_CONF, "where codes are"),
    AP_INIT_FLAG("TestOTPHook", set_hook, NULL, RSRC_CONF, "whether the hook has a say"),
    {0}};

module AP_MODULE_DECLARE_DATA test_otp_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, create_config, NULL, commands, register_hooks,
    AP_MODULE_FLAG_NONE};
