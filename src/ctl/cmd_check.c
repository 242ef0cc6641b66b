/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_hash.h>
#include <apr_strings.h>
#include <errno.h>
#include <jansson.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/commands.h"
#include "ctl/identity.h"
#include "ctl/print.h"
#include "ctl/progress.h"
#include "model/name.h"
#include "otp/secret_key_file.h"
#include "otp/secret_key_rotation.h"
#include "otp/totp.h"
#include "registry/audit_orphans.h"
#include "registry/audit_verify.h"
#include "registry/enterprise_walk.h"
#include "store/admins.h"
#include "store/enterprises.h"
#include "store/otp_enrolments.h"
#include "store/schema_flaws.h"
#include "store/schema_version.h"

typedef enum {
    FOUND_OK,
    FOUND_NOTICE,
    FOUND_PROBLEM
} found_t;

typedef struct {
    whk_invocation_t *invocation;
    json_t *findings;
    int problems;
} check_t;

static void report(check_t *check, found_t found, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void report(check_t *check, found_t found, const char *what, const char *format, ...)
{
    static const char *const names[] = {"ok", "notice", "problem"};
    const char *message;
    va_list arguments;

    va_start(arguments, format);
    message = apr_pvsprintf(check->invocation->pool, format, arguments);
    va_end(arguments);
    check->problems += found == FOUND_PROBLEM;
    json_array_append_new(check->findings, json_pack("{s:s, s:s, s:s}", "check", what, "result",
                                                     names[found], "message", message));
    if (!check->invocation->json)
        printf("%-8s %-11s %s\n", names[found], what,
               whk_printable(check->invocation->pool, message));
}

static void check_changing(check_t *check, const char *file)
{
    whk_invocation_t *invocation = check->invocation;

    if (whk_secret_key_has_next(invocation->key) || whk_secret_key_has_previous(invocation->key))
        report(check, FOUND_NOTICE, "secret key",
               "%s holds a %s key: copy it to every node, reload httpd there, and then run whkctl "
               "-f %s secret rotate again",
               file, whk_secret_key_has_next(invocation->key) ? "next" : "previous",
               invocation->conf_file);
    if (!whk_secret_key_has_mark(invocation->pool, invocation->key, invocation->config.name))
        report(check, FOUND_NOTICE, "secret key",
               "%s does not say that the rows of this registry are sealed: run whkctl -f %s "
               "migrate here, or copy the file from the node where that was done",
               file, invocation->conf_file);
}

/* A seal does not say of which registry its row is. */
static void check_shared(check_t *check, const char *file)
{
    int marks = whk_secret_key_marks(check->invocation->key);

    if (marks > 1)
        report(check, FOUND_NOTICE, "secret key",
               "%s seals %d registries, by its lines that begin with sealed: who can write them "
               "may put a row of one, an admin say, into another. Give each a file of its own, or, "
               "where a line is of a registry that is no more, take it out",
               file, marks);
}

static void check_key(check_t *check)
{
    whk_invocation_t *invocation = check->invocation;
    const char *file = invocation->config.secret_key_file;
    const char *flaw;

    if (!file) {
        report(check, FOUND_PROBLEM, "secret key",
               "the configuration has no WebhookKeysSecretKeyFile: without it no row of the "
               "registry and no one-time password can be checked");
        return;
    }
    invocation->key = whk_secret_key_load(invocation->pool, file, &flaw);
    if (!invocation->key) {
        report(check, FOUND_PROBLEM, "secret key", "%s", flaw);
        return;
    }
    report(check, FOUND_OK, "secret key", "%s is private, and holds a key", file);
    check_changing(check, file);
    check_shared(check, file);
}

/* Only an httpd that root starts becomes its User. */
static void check_owner(check_t *check, const char *file, const struct stat *info)
{
    whk_invocation_t *invocation = check->invocation;
    const char *flaw;
    uid_t user;
    gid_t group;

    if (geteuid() != 0)
        return;
    flaw = whk_identity_of_httpd(&invocation->config.user, &user, &group);
    if (flaw)
        report(check, FOUND_NOTICE, "owner", "%s", flaw);
    else if (user != info->st_uid)
        report(check, FOUND_PROBLEM, "owner",
               "%s belongs to %s, but httpd runs as %s and must write it: run chown %s %s", file,
               whk_identity_name(invocation->pool, info->st_uid), invocation->config.user.name,
               invocation->config.user.name, file);
    else
        report(check, FOUND_OK, "owner", "%s belongs to %s, as whom httpd runs", file,
               invocation->config.user.name);
}

static void check_mode(check_t *check, const char *file, const struct stat *info)
{
    if (info->st_mode & (S_IRWXO | S_IWGRP))
        report(check, FOUND_PROBLEM, "file",
               "%s can be read or changed by others than those who should (mode %04o): run chmod "
               "640 %s",
               file, (unsigned int)info->st_mode & 07777, file);
    else
        report(check, FOUND_OK, "file", "%s is not open to everybody (mode %04o)", file,
               (unsigned int)info->st_mode & 07777);
}

/* SQLite's own files beside the registry belong to whoever opened it first. */
static void check_companions(check_t *check, const struct stat *registry)
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
            report(check, FOUND_PROBLEM, "file",
                   "%s belongs to %s, not to the registry's owner, who cannot write it: run chown "
                   "%s %s",
                   file, whk_identity_name(pool, info.st_uid),
                   whk_identity_name(pool, registry->st_uid), file);
        else if (info.st_mode & (S_IRWXO | S_IWGRP))
            check_mode(check, file, &info);
    }
}

static void check_folder(check_t *check)
{
    whk_invocation_t *invocation = check->invocation;
    const char *file = invocation->config.params;
    const char *folder = dirname(apr_pstrdup(invocation->pool, file));
    const char *user = whk_identity_name(invocation->pool, geteuid());
    struct stat info;

    if (access(folder, W_OK | X_OK) != 0)
        report(check, FOUND_PROBLEM, "folder",
               "%s cannot be written by %s (%s), but SQLite keeps files beside the registry",
               folder, user, strerror(errno));
    else if (stat(folder, &info) == 0 && info.st_mode & S_IWOTH)
        report(check, FOUND_PROBLEM, "folder",
               "%s can be written by everybody (mode %04o), who could put another registry there: "
               "run chmod o-w %s",
               folder, (unsigned int)info.st_mode & 07777, folder);
    else
        report(check, FOUND_OK, "folder", "%s can be written by %s", folder, user);
}

static const whk_outcome_t *check_objects(check_t *check, int version)
{
    apr_array_header_t *flaws;
    int i;

    WHK_TRY(whk_store_schema_flaws(check->invocation->store, check->invocation->pool, &flaws));
    for (i = 0; i < flaws->nelts; i++) {
        const whk_schema_flaw_t *flaw = APR_ARRAY_IDX(flaws, i, const whk_schema_flaw_t *);

        report(check, FOUND_PROBLEM, "schema", "%s %s: %s", flaw->type, flaw->name, flaw->flaw);
    }
    if (flaws->nelts == 0)
        report(check, FOUND_OK, "schema", "version %d, and as this whkctl makes it", version);
    return NULL;
}

/* @return 1 where what is in the registry can be read */
static int check_schema(check_t *check)
{
    whk_invocation_t *invocation = check->invocation;
    const whk_outcome_t *outcome;
    int version = 0;

    outcome = whk_store_schema_version(invocation->store, invocation->pool, &version);
    if (!outcome && version == whk_schema_version())
        outcome = check_objects(check, version);
    if (outcome)
        report(check, FOUND_PROBLEM, "schema", "%s%s%s", outcome->message,
               outcome->operator_hint ? ": " : "",
               outcome->operator_hint ? outcome->operator_hint : "");
    else if (version == 0)
        report(check, FOUND_PROBLEM, "schema", "there is none: run whkctl -f %s init",
               invocation->conf_file);
    else if (version < whk_schema_version())
        report(check, FOUND_PROBLEM, "schema",
               "version %d is older than %d: run whkctl -f %s migrate", version,
               whk_schema_version(), invocation->conf_file);
    else if (version > whk_schema_version())
        report(check, FOUND_PROBLEM, "schema",
               "version %d is newer than %d, which this whkctl knows", version,
               whk_schema_version());
    return !outcome && version == whk_schema_version();
}

static const char *enrolment_flaw(whk_invocation_t *invocation,
                                  const whk_otp_enrolment_t *enrolment)
{
    whk_totp_t totp = {enrolment->algorithm, enrolment->digits, enrolment->period};
    const unsigned char *secret;
    const char *flaw = "its algorithm, digits or period is impossible: enrol the user anew";
    apr_size_t length;

    if (whk_totp_valid(&totp) &&
        whk_secret_open(invocation->pool, invocation->key, enrolment->user, &totp,
                        enrolment->sealed_secret, &secret, &length, &flaw))
        return NULL;
    return flaw;
}

static const whk_outcome_t *check_enrolments(check_t *check, apr_hash_t *users)
{
    whk_invocation_t *invocation = check->invocation;
    apr_array_header_t *enrolments;
    int good = 0;
    int i;

    WHK_TRY(whk_store_otp_list(invocation->store, invocation->pool, &enrolments));
    for (i = 0; i < enrolments->nelts; i++) {
        const whk_otp_enrolment_t *enrolment =
            APR_ARRAY_IDX(enrolments, i, const whk_otp_enrolment_t *);
        const char *flaw = invocation->key ? enrolment_flaw(invocation, enrolment) : NULL;

        apr_hash_set(users, enrolment->user, APR_HASH_KEY_STRING, enrolment);
        if (flaw)
            report(check, FOUND_PROBLEM, "otp", "user %s: %s", enrolment->user, flaw);
        else
            good++;
    }
    if (invocation->key && good == enrolments->nelts)
        report(check, FOUND_OK, "otp", "%d of %d secrets open with the secret key", good,
               enrolments->nelts);
    return NULL;
}

typedef struct {
    check_t *check;
    apr_hash_t *users; /* those with a secret */
    int enterprises, good;
    whk_progress_t progress;
} content_t;

static void check_admin(const content_t *content, const char *id, const char *user)
{
    if (whk_user_flaw(user, strlen(user)))
        report(content->check, FOUND_PROBLEM, "admins",
               "user %s, admin of %s, is refused: the name must %s", user, id,
               whk_user_flaw(user, strlen(user)));
    if (!apr_hash_get(content->users, user, APR_HASH_KEY_STRING))
        report(content->check, FOUND_NOTICE, "admins",
               "user %s, admin of %s, has no secret for one-time passwords and so cannot register "
               "or revoke: see whkctl otp enroll",
               user, id);
}

static const whk_outcome_t *check_admins(void *content_, const whk_enterprise_t *enterprise,
                                         apr_pool_t *pool)
{
    content_t *content = content_;
    apr_array_header_t *admins;
    int i;

    WHK_TRY(whk_store_admin_list(content->check->invocation->store, pool, enterprise->id, &admins));
    if (admins->nelts == 0)
        report(content->check, FOUND_NOTICE, "admins", "enterprise %s has no admin",
               enterprise->id);
    for (i = 0; i < admins->nelts; i++)
        check_admin(content, enterprise->id, APR_ARRAY_IDX(admins, i, const whk_admin_t *)->user);
    whk_progress_step(&content->progress);
    return NULL;
}

static void report_rows(check_t *check, const whk_audit_report_t *found)
{
    int i;

    for (i = 0; i < found->findings->nelts; i++) {
        const whk_audit_finding_t *finding =
            &APR_ARRAY_IDX(found->findings, i, whk_audit_finding_t);

        report(check, FOUND_PROBLEM, "rows", "enterprise %s: %s %s: %s", found->enterprise_id,
               finding->kind, finding->name, finding->flaw);
    }
    if (found->more > 0)
        report(check, FOUND_PROBLEM, "rows", "enterprise %s: and %" APR_INT64_T_FMT " more",
               found->enterprise_id, found->more);
}

static const whk_outcome_t *check_lost(check_t *check)
{
    apr_array_header_t *reports;
    int i;

    WHK_TRY(whk_audit_orphans(&check->invocation->registry, &reports));
    for (i = 0; i < reports->nelts; i++)
        report_rows(check, APR_ARRAY_IDX(reports, i, const whk_audit_report_t *));
    return NULL;
}

static const whk_outcome_t *check_rows(void *content_, const whk_enterprise_t *enterprise,
                                       apr_pool_t *pool)
{
    content_t *content = content_;
    whk_registry_t registry = content->check->invocation->registry;
    whk_audit_report_t found = {0};

    registry.pool = pool;
    WHK_TRY(whk_audit_verify(&registry, enterprise, &found));
    report_rows(content->check, &found);
    content->enterprises++;
    content->good += found.findings->nelts == 0;
    whk_progress_step(&content->progress);
    return NULL;
}

static const whk_outcome_t *walk(content_t *content, const char *doing, whk_enterprise_visit visit)
{
    const whk_invocation_t *invocation = content->check->invocation;
    const whk_outcome_t *outcome;

    content->progress = whk_progress_begin(doing);
    outcome = whk_enterprise_walk(invocation->store, invocation->pool, visit, content);
    whk_progress_end(&content->progress);
    return outcome;
}

static const whk_outcome_t *check_enterprises(content_t *content)
{
    WHK_TRY(walk(content, "enterprises looked at for admins", check_admins));
    /* Without the key no seal can be judged, and that is a problem already. */
    if (!content->check->invocation->key)
        return NULL;
    WHK_TRY(walk(content, "enterprises verified", check_rows));
    if (content->good == content->enterprises)
        report(content->check, FOUND_OK, "rows",
               "what %d %s have is as it was written, by its seals", content->good,
               content->good == 1 ? "enterprise" : "enterprises");
    return NULL;
}

static void check_content(check_t *check)
{
    content_t content = {.check = check, .users = apr_hash_make(check->invocation->pool)};
    const whk_outcome_t *outcome = check_enrolments(check, content.users);

    if (!outcome)
        outcome = check_enterprises(&content);
    if (!outcome)
        outcome = check_lost(check);
    if (outcome)
        report(check, FOUND_PROBLEM, "registry", "%s%s%s", outcome->message,
               outcome->operator_hint ? ": " : "",
               outcome->operator_hint ? outcome->operator_hint : "");
}

/* @return 1 where it can be opened */
static int check_file(check_t *check)
{
    whk_invocation_t *invocation = check->invocation;
    const char *file = invocation->config.params;
    struct stat info;

    if (stat(file, &info) != 0) {
        report(check, FOUND_PROBLEM, "file", "%s: %s; whkctl -f %s init makes a registry", file,
               strerror(errno), invocation->conf_file);
        return 0;
    }
    check_mode(check, file, &info);
    check_owner(check, file, &info);
    check_companions(check, &info);
    if (whk_invocation_become_owner(invocation) != WHK_EXIT_DONE) {
        check->problems++;
        return 0;
    }
    check_folder(check);
    return 1;
}

static void check_registry(check_t *check)
{
    whk_invocation_t *invocation = check->invocation;

    if (invocation->config.dialect->is_file && !check_file(check))
        return;
    if (whk_invocation_connect(invocation) != WHK_EXIT_DONE)
        check->problems++;
    else if (check_schema(check))
        check_content(check);
}

static void check_enforcement(check_t *check)
{
    const apr_array_header_t *places = check->invocation->config.not_enforced;
    int i;

    for (i = 0; i < places->nelts; i++)
        report(check, FOUND_NOTICE, "enforcement",
               "WebhookKeysEnforce Off (%s) hands webhooks on that nobody signed, or not as they "
               "must: see what httpd logs of them, and set it On once there are none",
               APR_ARRAY_IDX(places, i, const char *));
}

int whk_cmd_check(whk_invocation_t *invocation)
{
    check_t check = {invocation, json_array(), 0};

    check_enforcement(&check);
    check_key(&check);
    check_registry(&check);
    if (invocation->json)
        whk_print_json(
            json_pack("{s:b, s:O}", "ok", check.problems == 0, "checks", check.findings));
    json_decref(check.findings);
    if (check.problems == 0)
        return WHK_EXIT_DONE;
    return whk_refused("%d %s found", check.problems, check.problems == 1 ? "problem" : "problems");
}
