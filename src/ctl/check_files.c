/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "ctl/check.h"
#include "ctl/identity.h"
#include "otp/secret_key_file.h"
#include "otp/secret_key_rotation.h"

static void check_changing(whk_check_t *check, const char *file)
{
    whk_invocation_t *invocation = check->invocation;

    if (whk_secret_key_has_next(invocation->key) || whk_secret_key_has_previous(invocation->key))
        whk_check_report(check, WHK_CHECK_SECRET_KEY_ROTATION, WHK_FOUND_NOTICE,
                         whk_check_fix(check,
                                       "copy it to every node, reload httpd there, and then run "
                                       "whkctl -f %s secret rotate again",
                                       invocation->conf_file),
                         "%s holds a %s key", file,
                         whk_secret_key_has_next(invocation->key) ? "next" : "previous");
    if (!whk_secret_key_has_mark(invocation->pool, invocation->key, invocation->config.name))
        whk_check_report(
            check, WHK_CHECK_SECRET_KEY_MARK, WHK_FOUND_NOTICE,
            whk_check_fix(
                check,
                "run whkctl -f %s migrate here, or copy the file from the node where that was done",
                invocation->conf_file),
            "%s does not say that the rows of this registry are sealed", file);
}

/* A seal does not say of which registry its row is. */
static void check_shared(whk_check_t *check, const char *file)
{
    int marks = whk_secret_key_marks(check->invocation->key);

    if (marks > 1)
        whk_check_report(
            check, WHK_CHECK_SECRET_KEY_SHARED, WHK_FOUND_NOTICE,
            "give each a file of its own, or, where a line is of a registry that is no more, take "
            "it out",
            "%s seals %d registries, by its lines that begin with sealed: who can write them "
            "may put a row of one, an admin say, into another",
            file, marks);
}

void whk_check_key_file(whk_check_t *check)
{
    whk_invocation_t *invocation = check->invocation;
    const char *file = invocation->config.secret_key_file;
    const char *flaw;

    if (!file) {
        whk_check_report(
            check, WHK_CHECK_SECRET_KEY_DIRECTIVE, WHK_FOUND_PROBLEM,
            whk_check_fix(
                check,
                "add WebhookKeysSecretKeyFile /path/of/secret.key, and run whkctl -f %s init",
                invocation->conf_file),
            "the configuration has no WebhookKeysSecretKeyFile, without which no row of the "
            "registry and no one-time password can be checked");
        return;
    }
    invocation->key = whk_secret_key_load(invocation->pool, file, &flaw);
    if (!invocation->key) {
        whk_check_report(
            check, WHK_CHECK_SECRET_KEY_FILE, WHK_FOUND_PROBLEM,
            whk_check_fix(
                check,
                "run chmod 600 %s where its mode is wrong, or put back the copy that you keep",
                file),
            "%s", flaw);
        return;
    }
    whk_check_report(check, WHK_CHECK_SECRET_KEY_FILE, WHK_FOUND_OK, NULL,
                     "%s is private, and holds a key", file);
    check_changing(check, file);
    check_shared(check, file);
}

/* Only an httpd that root starts becomes its User. */
static void check_owner(whk_check_t *check, const char *file, const struct stat *info)
{
    whk_invocation_t *invocation = check->invocation;
    const char *flaw;
    uid_t user;
    gid_t group;

    if (geteuid() != 0)
        return;
    flaw = whk_identity_of_httpd(&invocation->config.user, &user, &group);
    if (flaw)
        whk_check_report(check, WHK_CHECK_REGISTRY_OWNER, WHK_FOUND_NOTICE,
                         "name in User and Group whom httpd shall run as", "%s", flaw);
    else if (user != info->st_uid)
        whk_check_report(
            check, WHK_CHECK_REGISTRY_OWNER, WHK_FOUND_PROBLEM,
            whk_check_fix(check, "run chown %s %s", invocation->config.user.name, file),
            "%s belongs to %s, but httpd runs as %s and must write it", file,
            whk_identity_name(invocation->pool, info->st_uid), invocation->config.user.name);
    else
        whk_check_report(check, WHK_CHECK_REGISTRY_OWNER, WHK_FOUND_OK, NULL,
                         "%s belongs to %s, as whom httpd runs", file,
                         invocation->config.user.name);
}

static void check_mode(whk_check_t *check, const char *file, const struct stat *info)
{
    if (info->st_mode & (S_IRWXO | S_IWGRP))
        whk_check_report(check, WHK_CHECK_REGISTRY_MODE, WHK_FOUND_PROBLEM,
                         whk_check_fix(check, "run chmod 640 %s", file),
                         "%s can be read or changed by others than those who should (mode %04o)",
                         file, (unsigned int)info->st_mode & 07777);
    else
        whk_check_report(check, WHK_CHECK_REGISTRY_MODE, WHK_FOUND_OK, NULL,
                         "%s is not open to everybody (mode %04o)", file,
                         (unsigned int)info->st_mode & 07777);
}

/* SQLite's own files beside the registry belong to whoever opened it first. */
static void check_companions(whk_check_t *check, const struct stat *registry)
{
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
    apr_pool_t *pool = check->invocation->pool;
    size_t i;

    for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        const char *file = apr_pstrcat(pool, check->invocation->config.params, suffixes[i], NULL);
        struct stat info;

        if (lstat(file, &info) != 0)
            continue;
        if (info.st_uid != registry->st_uid)
            whk_check_report(check, WHK_CHECK_REGISTRY_COMPANIONS, WHK_FOUND_PROBLEM,
                             whk_check_fix(check, "run chown %s %s",
                                           whk_identity_name(pool, registry->st_uid), file),
                             "%s belongs to %s, not to the registry's owner, who cannot write it",
                             file, whk_identity_name(pool, info.st_uid));
        else if (info.st_mode & (S_IRWXO | S_IWGRP))
            check_mode(check, file, &info);
    }
}

static void check_folder(whk_check_t *check)
{
    whk_invocation_t *invocation = check->invocation;
    const char *file = invocation->config.params;
    const char *folder = dirname(apr_pstrdup(invocation->pool, file));
    const char *user = whk_identity_name(invocation->pool, geteuid());
    struct stat info;

    if (access(folder, W_OK | X_OK) != 0)
        whk_check_report(
            check, WHK_CHECK_REGISTRY_FOLDER, WHK_FOUND_PROBLEM,
            whk_check_fix(check, "run chown %s %s, and chmod u+wx %s", user, folder, folder),
            "%s cannot be written by %s (%s), but SQLite keeps files beside the registry", folder,
            user, strerror(errno));
    else if (stat(folder, &info) == 0 && info.st_mode & S_IWOTH)
        whk_check_report(
            check, WHK_CHECK_REGISTRY_FOLDER, WHK_FOUND_PROBLEM,
            whk_check_fix(check, "run chmod o-w %s", folder),
            "%s can be written by everybody (mode %04o), who could put another registry there",
            folder, (unsigned int)info.st_mode & 07777);
    else
        whk_check_report(check, WHK_CHECK_REGISTRY_FOLDER, WHK_FOUND_OK, NULL,
                         "%s can be written by %s", folder, user);
}

int whk_check_registry_file(whk_check_t *check)
{
    whk_invocation_t *invocation = check->invocation;
    const char *file = invocation->config.params;
    struct stat info;

    if (stat(file, &info) != 0) {
        whk_check_report(check, WHK_CHECK_REGISTRY_MISSING, WHK_FOUND_PROBLEM,
                         whk_check_fix(check, "run whkctl -f %s init, or put back your backup",
                                       invocation->conf_file),
                         "%s: %s", file, strerror(errno));
        return 0;
    }
    check_mode(check, file, &info);
    check_owner(check, file, &info);
    check_companions(check, &info);
    if (whk_invocation_become_owner(invocation) != WHK_EXIT_DONE) {
        whk_check_report(check, WHK_CHECK_REGISTRY_OWNER, WHK_FOUND_PROBLEM,
                         "mend what standard error names", "whkctl cannot become the owner of %s",
                         file);
        return 0;
    }
    check_folder(check);
    return 1;
}
