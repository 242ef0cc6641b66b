/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_hash.h>
#include <string.h>

#include "ctl/check.h"
#include "ctl/progress.h"
#include "model/name.h"
#include "otp/totp.h"
#include "registry/audit_orphans.h"
#include "registry/audit_verify.h"
#include "registry/enterprise_walk.h"
#include "registry/otp_lock.h"
#include "store/admins.h"
#include "store/enterprises.h"
#include "store/otp_enrolments.h"

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

static const whk_outcome_t *check_enrolments(whk_check_t *check, apr_hash_t *users)
{
    whk_invocation_t *invocation = check->invocation;
    apr_array_header_t *enrolments;
    int good = 0;
    int here = 0;
    int i;

    WHK_TRY(whk_store_otp_list(invocation->store, invocation->pool, &enrolments));
    for (i = 0; i < enrolments->nelts; i++) {
        const whk_otp_enrolment_t *enrolment =
            APR_ARRAY_IDX(enrolments, i, const whk_otp_enrolment_t *);
        int is_here =
            strncmp(enrolment->sealed_secret, WHK_OTP_ELSEWHERE, strlen(WHK_OTP_ELSEWHERE)) != 0;
        const char *flaw =
            is_here && invocation->key ? enrolment_flaw(invocation, enrolment) : NULL;

        if (whk_otp_is_locked(enrolment, apr_time_now()))
            whk_check_report(
                check, WHK_CHECK_OTP_LOCKED, WHK_FOUND_NOTICE,
                whk_check_fix(check,
                              "ask that user; where somebody else sent codes, revoke the token "
                              "(whkctl -f %s token list %s), else run whkctl -f %s otp unlock %s",
                              invocation->conf_file, whk_check_quoted(check, enrolment->user),
                              invocation->conf_file, whk_check_quoted(check, enrolment->user)),
                "user %s is locked after refused one-time passwords", enrolment->user);
        if (!is_here)
            continue;
        here++;
        apr_hash_set(users, enrolment->user, APR_HASH_KEY_STRING, enrolment);
        if (flaw)
            whk_check_report(check, WHK_CHECK_OTP_SECRET, WHK_FOUND_PROBLEM,
                             whk_check_fix(check,
                                           "put back the secret key file that sealed it, or run "
                                           "whkctl -f %s otp enroll --replace %s",
                                           invocation->conf_file,
                                           whk_check_quoted(check, enrolment->user)),
                             "user %s: %s", enrolment->user, flaw);
        else
            good++;
    }
    if (invocation->key && good == here)
        whk_check_report(check, WHK_CHECK_OTP_SECRET, WHK_FOUND_OK, NULL,
                         "%d of %d secrets open with the secret key", good, here);
    return NULL;
}

typedef struct {
    whk_check_t *check;
    apr_hash_t *users; /* those with a secret */
    int enterprises, good;
    whk_progress_t progress;
} content_t;

/* Who is an admin, or whose secret is what, a table of the operator's own says. */
static int is_asked_elsewhere(const whk_check_t *check, const char *query)
{
    return json_is_true(json_object_get(check->invocation->config.httpd->settings, query));
}

static void check_admin(const content_t *content, const char *id, const char *user)
{
    if (whk_user_flaw(user, strlen(user)))
        whk_check_report(
            content->check, WHK_CHECK_ADMINS_NAME, WHK_FOUND_PROBLEM,
            whk_check_fix(content->check,
                          "run whkctl -f %s admin remove %s %s, and add the user by another name",
                          content->check->invocation->conf_file,
                          whk_check_quoted(content->check, id),
                          whk_check_quoted(content->check, user)),
            "user %s, admin of %s, is refused: the name must %s", user, id,
            whk_user_flaw(user, strlen(user)));
    if (!apr_hash_get(content->users, user, APR_HASH_KEY_STRING) &&
        !is_asked_elsewhere(content->check, "otpSecretQuery"))
        whk_check_report(
            content->check, WHK_CHECK_ADMINS_OTP, WHK_FOUND_NOTICE,
            whk_check_fix(content->check, "run whkctl -f %s otp enroll %s",
                          content->check->invocation->conf_file,
                          whk_check_quoted(content->check, user)),
            "user %s, admin of %s, has no secret for one-time passwords and so cannot register "
            "or revoke",
            user, id);
}

static const whk_outcome_t *check_admins(void *content_, const whk_enterprise_t *enterprise,
                                         apr_pool_t *pool)
{
    content_t *content = content_;
    apr_array_header_t *admins;
    int i;

    WHK_TRY(whk_store_admin_list(content->check->invocation->store, pool, enterprise->id, &admins));
    if (admins->nelts == 0 && !is_asked_elsewhere(content->check, "adminQuery"))
        whk_check_report(content->check, WHK_CHECK_ADMINS_NONE, WHK_FOUND_NOTICE,
                         whk_check_fix(content->check, "run whkctl -f %s admin add %s USER",
                                       content->check->invocation->conf_file,
                                       whk_check_quoted(content->check, enterprise->id)),
                         "enterprise %s has no admin", enterprise->id);
    for (i = 0; i < admins->nelts; i++)
        check_admin(content, enterprise->id, APR_ARRAY_IDX(admins, i, const whk_admin_t *)->user);
    whk_progress_step(&content->progress);
    return NULL;
}

static const char *rows_fix(const whk_check_t *check)
{
    return whk_check_fix(check,
                         "find out who wrote to the database, run whkctl -f %s audit verify, and "
                         "see docs/checks.md, rows.seal",
                         check->invocation->conf_file);
}

static void report_rows(whk_check_t *check, const whk_audit_report_t *found)
{
    int i;

    for (i = 0; i < found->findings->nelts; i++) {
        const whk_audit_finding_t *finding =
            &APR_ARRAY_IDX(found->findings, i, whk_audit_finding_t);

        whk_check_report(check, WHK_CHECK_ROWS_SEAL, WHK_FOUND_PROBLEM, rows_fix(check),
                         "enterprise %s: %s %s: %s", found->enterprise_id, finding->kind,
                         finding->name, finding->flaw);
    }
    if (found->more > 0)
        whk_check_report(check, WHK_CHECK_ROWS_SEAL, WHK_FOUND_PROBLEM, rows_fix(check),
                         "enterprise %s: and %" APR_INT64_T_FMT " more", found->enterprise_id,
                         found->more);
}

static const whk_outcome_t *check_lost(whk_check_t *check)
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
    WHK_TRY(whk_check_keys(content->check, enterprise->id, pool));
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
        whk_check_report(content->check, WHK_CHECK_ROWS_SEAL, WHK_FOUND_OK, NULL,
                         "what %d %s have is as it was written, by its seals", content->good,
                         content->good == 1 ? "enterprise" : "enterprises");
    return NULL;
}

void whk_check_content(whk_check_t *check)
{
    content_t content = {.check = check, .users = apr_hash_make(check->invocation->pool)};
    const whk_outcome_t *outcome = check_enrolments(check, content.users);

    if (!outcome)
        outcome = check_enterprises(&content);
    if (!outcome)
        outcome = check_lost(check);
    if (outcome)
        whk_check_report_outcome(check, WHK_CHECK_REGISTRY_READ, outcome);
}
