/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/invocation.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/connection.h"
#include "ctl/identity.h"
#include "model/name.h"
#include "otp/secret_key_file.h"
#include "store/schema_version.h"

int whk_invocation_check_name(const char *what, const char *text,
                              const char *(*flaw_of)(const char *text, apr_size_t length))
{
    const char *flaw = flaw_of(text, strlen(text));

    return flaw ? whk_refused("%s must %s", what, flaw) : WHK_EXIT_DONE;
}

int whk_invocation_enterprise(whk_invocation_t *invocation, const char *id,
                              whk_enterprise_t **enterprise)
{
    WHK_TRY_STATUS(whk_invocation_check_name("ENTERPRISE", id, whk_enterprise_id_flaw));
    WHK_TRY_OR_REFUSE(
        whk_store_enterprise_get(invocation->store, invocation->pool, id, enterprise));
    if (!*enterprise)
        return whk_refused("there is no enterprise %s: see whkctl enterprise list, or make it with "
                           "whkctl enterprise add",
                           id);
    return WHK_EXIT_DONE;
}

int whk_invocation_number(whk_invocation_t *invocation, whk_option_t option, apr_int64_t least,
                          apr_int64_t most, apr_int64_t fallback, apr_int64_t *number)
{
    const char *text = invocation->option[option];
    char *end = NULL;

    *number = fallback;
    if (!text)
        return WHK_EXIT_DONE;
    errno = 0;
    if (apr_isdigit(*text))
        *number = apr_strtoi64(text, &end, 10);
    if (!end || *end || errno || *number < least || *number > most)
        return whk_misused(invocation->command,
                           "--%s must be a whole number from %" APR_INT64_T_FMT
                           " to %" APR_INT64_T_FMT,
                           whk_options[option].name, least, most);
    return WHK_EXIT_DONE;
}

/* Root must not write, under the name of a registry, what another user may have put there. */
static const char *trap_flaw(whk_invocation_t *invocation, const struct stat *info)
{
    const char *file = invocation->config.params;
    struct stat folder;

    if (geteuid() != 0 || info->st_uid != 0 ||
        stat(dirname(apr_pstrdup(invocation->pool, file)), &folder) != 0 || folder.st_uid == 0)
        return NULL;
    return apr_psprintf(invocation->pool,
                        "the registry %s belongs to root, but its folder to %s, who could put "
                        "anything there: run chown %s %s",
                        file, whk_identity_name(invocation->pool, folder.st_uid),
                        whk_identity_name(invocation->pool, folder.st_uid), file);
}

int whk_invocation_become_owner(whk_invocation_t *invocation)
{
    const char *file = invocation->config.params;
    const char *flaw;
    struct stat info;

    if (!invocation->config.dialect->is_file)
        return WHK_EXIT_DONE;
    if (stat(file, &info) != 0) {
        if (errno == ENOENT)
            return whk_refused("there is no registry %s: make it with whkctl -f %s init", file,
                               invocation->conf_file);
        return whk_refused("the registry %s cannot be reached: %s", file, strerror(errno));
    }
    if (!S_ISREG(info.st_mode))
        return whk_refused("%s: DBDParams is \"%s\", but must be the path of a regular file",
                           invocation->config.params_place, file);
    flaw = trap_flaw(invocation, &info);
    if (!flaw)
        flaw = whk_identity_become(invocation->pool, info.st_uid, info.st_gid);
    return flaw ? whk_refused("%s", flaw) : WHK_EXIT_DONE;
}

int whk_invocation_connect(whk_invocation_t *invocation)
{
    static const whk_policy_t policy = {.algorithms = WHK_ALGORITHMS_DEFAULT};
    const char *flaw =
        whk_connection_open(invocation->pool, &invocation->config, &invocation->store);

    if (flaw)
        return whk_refused("%s", flaw);
    invocation->registry.pool = invocation->pool;
    invocation->registry.store = invocation->store;
    invocation->registry.policy = &policy;
    invocation->registry.secret = invocation->key;
    return WHK_EXIT_DONE;
}

int whk_refused_version(const whk_invocation_t *invocation, int version)
{
    const char *file = invocation->config.name;

    if (version == 0)
        return whk_refused("the registry %s has no schema yet: run whkctl -f %s init", file,
                           invocation->conf_file);
    if (version < whk_schema_version())
        return whk_refused("the registry %s has schema version %d, this whkctl works with %d: run "
                           "whkctl -f %s migrate",
                           file, version, whk_schema_version(), invocation->conf_file);
    return whk_refused("the registry %s has schema version %d, made by a newer version: this "
                       "whkctl knows %d",
                       file, version, whk_schema_version());
}

static int check_schema(whk_invocation_t *invocation)
{
    int version;

    WHK_TRY_OR_REFUSE(whk_store_schema_version(invocation->store, invocation->pool, &version));
    return version == whk_schema_version() ? WHK_EXIT_DONE
                                           : whk_refused_version(invocation, version);
}

/* Before we become the registry's owner: httpd reads this file as root. */
int whk_invocation_load_key(whk_invocation_t *invocation)
{
    const char *flaw;

    if (!invocation->config.secret_key_file)
        return whk_refused("the configuration names no secret key, without which no row of the "
                           "registry can be judged or written: it needs WebhookKeysSecretKeyFile "
                           "/path/of/secret.key, and then whkctl init");
    invocation->key =
        whk_secret_key_load(invocation->pool, invocation->config.secret_key_file, &flaw);
    return invocation->key ? WHK_EXIT_DONE : whk_refused("WebhookKeysSecretKeyFile: %s", flaw);
}

int whk_invocation_lock_key(whk_invocation_t *invocation, apr_interval_time_t patience, int *folder)
{
    const char *file = invocation->config.secret_key_file;
    apr_time_t end = apr_time_now() + patience;

    *folder =
        open(dirname(apr_pstrdup(invocation->pool, file)), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*folder < 0)
        return whk_refused("the folder of %s cannot be opened: %s", file, strerror(errno));
    while (flock(*folder, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK || apr_time_now() >= end)
            return whk_refused("the folder of %s is locked: is another whkctl at it?", file);
        apr_sleep(apr_time_from_msec(50));
    }
    return WHK_EXIT_DONE;
}

/* What comes by a pipe can't be read again. */
static FILE *keep_input(void)
{
    FILE *kept = tmpfile();
    char bytes[16384];
    size_t count;

    while (kept && (count = fread(bytes, 1, sizeof(bytes), stdin)) > 0)
        if (fwrite(bytes, 1, count, kept) != count)
            return NULL;
    if (kept)
        rewind(kept);
    return ferror(stdin) ? NULL : kept;
}

/* One that nobody writes into is not waited for. */
static FILE *open_file(const char *file)
{
    int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    return descriptor < 0 ? NULL : fdopen(descriptor, "r");
}

/* With what whoever started us may read, before we become the registry's owner. */
static int open_input(whk_invocation_t *invocation)
{
    const char *file = invocation->operand[0];
    struct stat info;

    invocation->input = strcmp(file, "-") ? open_file(file) : keep_input();
    if (!invocation->input)
        return whk_refused("%s can't be read: %s", file, strerror(errno));
    if (fstat(fileno(invocation->input), &info) != 0 || !S_ISREG(info.st_mode))
        return whk_refused("%s must be a file, or - for standard input", file);
    return WHK_EXIT_DONE;
}

int whk_invocation_prepare(whk_invocation_t *invocation)
{
    if (invocation->command->needs & WHK_NEEDS_FILE)
        WHK_TRY_STATUS(open_input(invocation));
    if (invocation->command->needs & WHK_NEEDS_KEY)
        WHK_TRY_STATUS(whk_invocation_load_key(invocation));
    if (!(invocation->command->needs & WHK_NEEDS_REGISTRY))
        return WHK_EXIT_DONE;
    WHK_TRY_STATUS(whk_invocation_become_owner(invocation));
    WHK_TRY_STATUS(whk_invocation_connect(invocation));
    return check_schema(invocation);
}
