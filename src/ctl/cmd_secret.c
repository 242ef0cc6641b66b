/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <apr_strings.h>
#include <jansson.h>

#include "ctl/commands.h"
#include "ctl/print.h"
#include "otp/secret_key_file.h"
#include "otp/secret_key_rotation.h"
#include "registry/reseal.h"
#include "store/schema_version.h"

/* Walks through a registry until nothing is left: what httpd wrote during one is for the next. */
#define WALKS_MOST 5
#define PAUSE apr_time_from_msec(1500)

#define STEPS 3

/* How one run of `secret rotate` went: what the child that did it tells its parent. */
typedef struct {
    int status;
    apr_int64_t keys, admins, events, secrets;
    apr_int64_t bad;
    int is_left; /* something is sealed by another key still */
    apr_int64_t left;
    char names[WHK_RESEAL_NAMES]; /* of some of these, a line each */
} outcome_t;

/* ---- the registry, as its owner ---- */

static void show_progress(const whk_reseal_t *reseal)
{
    apr_int64_t rows = reseal->keys + reseal->admins + reseal->events + reseal->secrets;

    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%" APR_INT64_T_FMT " rows sealed anew", rows);
}

/* `look`: to see what is left, and seal nothing. */
static int walk_once(whk_invocation_t *invocation, const whk_secret_key_t *secret, int look,
                     outcome_t *outcome)
{
    whk_reseal_t reseal = {.secret = secret, .progress = show_progress, .look = look};

    WHK_TRY_OR_REFUSE(whk_reseal(&invocation->registry, &reseal));
    outcome->keys += reseal.keys;
    outcome->admins += reseal.admins;
    outcome->events += reseal.events;
    outcome->secrets += reseal.secrets;
    outcome->bad = reseal.bad;
    outcome->left = reseal.busy + reseal.keys + reseal.admins + reseal.events + reseal.secrets;
    outcome->is_left = outcome->left > 0;
    memcpy(outcome->names, reseal.names, sizeof(outcome->names));
    return WHK_EXIT_DONE;
}

static int seal_all(whk_invocation_t *invocation, const whk_secret_key_t *secret,
                    outcome_t *outcome)
{
    int status = WHK_EXIT_DONE;
    int version;
    int walks;

    WHK_TRY_STATUS(whk_invocation_become_owner(invocation));
    WHK_TRY_STATUS(whk_invocation_connect(invocation));
    invocation->registry.secret = secret;
    WHK_TRY_OR_REFUSE(whk_store_schema_version(invocation->store, invocation->pool, &version));
    if (version != whk_schema_version())
        return whk_refused_version(invocation, version);
#ifdef __linux__
    /* Not on its own behind a parent that was killed: the next run would meet it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    outcome->is_left = 1;
    /* Somebody who still seals by the previous key may take a breath between two writes: nothing
     * is left where a walk after a pause finds nothing. */
    for (walks = 0; walks < WALKS_MOST && status == WHK_EXIT_DONE; walks++) {
        if (walks > 0 && whk_secret_key_has_previous(invocation->key))
            apr_sleep(PAUSE);
        status = walk_once(invocation, secret, 0, outcome);
        if (!outcome->is_left && (walks > 0 || !whk_secret_key_has_previous(invocation->key)))
            break;
    }
    /* With no key before it, what the last walk sealed is done, unless it was put back. */
    if (status == WHK_EXIT_DONE && outcome->is_left &&
        !whk_secret_key_has_previous(invocation->key))
        status = walk_once(invocation, secret, 1, outcome);
    if (isatty(STDERR_FILENO))
        fputc('\n', stderr);
    return status;
}

/* In a process of its own: it becomes the registry's owner for good, and the key file stays whose
 * it is. */
static int seal_all_in_child(whk_invocation_t *invocation, int folder,
                             const whk_secret_key_t *secret, outcome_t *outcome)
{
    int pipe_[2];
    pid_t child;
    ssize_t got;

    memset(outcome, 0, sizeof(*outcome));
    if (pipe2(pipe_, O_CLOEXEC) != 0)
        return whk_refused("no pipe is to be had: %s", strerror(errno));
    fflush(NULL);
    child = fork();
    if (child < 0)
        return whk_refused("no process is to be had: %s", strerror(errno));
    if (child == 0) {
        close(pipe_[0]);
        /* The lock is its parent's: where that is killed, the next run need not wait for it. */
        close(folder);
        outcome->status = seal_all(invocation, secret, outcome);
        _exit(write(pipe_[1], outcome, sizeof(*outcome)) == (ssize_t)sizeof(*outcome)
                  ? WHK_EXIT_DONE
                  : WHK_EXIT_REFUSED);
    }
    close(pipe_[1]);
    got = read(pipe_[0], outcome, sizeof(*outcome));
    close(pipe_[0]);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (got != (ssize_t)sizeof(*outcome))
        return whk_refused("the process that seals the registry ended early: run this again");
    return outcome->status;
}

/* ---- the key file ---- */

static int write_file(whk_invocation_t *invocation, const whk_secret_key_t *key)
{
    const char *flaw;

    if (!key)
        return whk_refused("no key was made: the system gives no random bytes, or OpenSSL fails");
    return whk_secret_key_write(invocation->pool, key, invocation->config.secret_key_file, &flaw)
               ? WHK_EXIT_DONE
               : whk_refused("%s", flaw);
}

/* ---- the three runs ---- */

static json_t *names_json(const outcome_t *outcome)
{
    json_t *names = json_array();
    const char *line = outcome->names;

    for (; *line; line += strcspn(line, "\n") + 1)
        json_array_append_new(names, json_stringn(line, strcspn(line, "\n")));
    return names;
}

/* Which rows stay under the old key, and why that may be. */
static void hint_at_left(whk_invocation_t *invocation, const outcome_t *outcome)
{
    const char *line = outcome->names;

    whk_hint("whkctl: %" APR_INT64_T_FMT " %s under the old key when last looked at, among them:",
             outcome->left, outcome->left == 1 ? "row was" : "rows were");
    for (; *line; line += strcspn(line, "\n") + 1)
        whk_hint("  %s", whk_printable(invocation->pool, apr_pstrmemdup(invocation->pool, line,
                                                                        strcspn(line, "\n"))));
    whk_hint("Either a node goes on sealing by it, which was not reloaded with this file or still "
             "has a child from before, or the database itself puts it back: whkctl check names a "
             "trigger that is not ours.");
}

static int print_step(whk_invocation_t *invocation, int step, const char *done,
                      const outcome_t *outcome)
{
    const char *file = invocation->config.secret_key_file;
    int last = step == STEPS;

    if (outcome->bad > 0)
        whk_hint("whkctl: %" APR_INT64_T_FMT " rows were left as they are, since their seal did "
                 "not fit: see whkctl audit verify",
                 outcome->bad);
    if (outcome->left > 0)
        hint_at_left(invocation, outcome);
    if (invocation->json)
        return whk_print_json(json_pack(
            "{s:i, s:i, s:s, s:s, s:{s:I, s:I, s:I, s:I}, s:I, s:I, s:o, s:s}", "step", step,
            "steps", STEPS, "done", done, "secretKeyFile", file, "sealedAnew", "keys",
            (json_int_t)outcome->keys, "admins", (json_int_t)outcome->admins, "events",
            (json_int_t)outcome->events, "otpSecrets", (json_int_t)outcome->secrets, "badRows",
            (json_int_t)outcome->bad, "leftRows", (json_int_t)outcome->left, "left",
            names_json(outcome), "next",
            last ? "copy the file to every node and reload httpd there: then all is done"
                 : "copy the file to every node, reload httpd there, and run this again"));
    printf("Step %d of %d: %s", step, STEPS, done);
    if (step > 1)
        printf(" (%" APR_INT64_T_FMT " keys, %" APR_INT64_T_FMT " admins, %" APR_INT64_T_FMT
               " events and %" APR_INT64_T_FMT " OTP secrets)",
               outcome->keys, outcome->admins, outcome->events, outcome->secrets);
    printf(".\nNext: copy %s to every node, reload httpd on each (apachectl graceful)%s\n", file,
           last ? ": then all is done." : ", and run whkctl secret rotate again.");
    return WHK_EXIT_DONE;
}

static int make_next(whk_invocation_t *invocation)
{
    outcome_t outcome = {0};

    WHK_TRY_STATUS(
        write_file(invocation, whk_secret_key_add_next(invocation->pool, invocation->key)));
    return print_step(invocation, 1, "a new key is in the file as the next", &outcome);
}

static int change_to_next(whk_invocation_t *invocation, int folder)
{
    const whk_secret_key_t *promoted = whk_secret_key_promote(invocation->pool, invocation->key);
    outcome_t outcome;

    if (!promoted)
        return write_file(invocation, NULL);
    WHK_TRY_STATUS(seal_all_in_child(invocation, folder, promoted, &outcome));
    WHK_TRY_STATUS(write_file(invocation, promoted));
    return print_step(
        invocation, 2,
        outcome.left > 0
            ? "what lets itself be sealed is sealed by the new key, which the file has first now"
            : "everything is sealed by the new key, which the file has first now",
        &outcome);
}

static int drop_previous(whk_invocation_t *invocation, int folder)
{
    outcome_t outcome;

    WHK_TRY_STATUS(seal_all_in_child(invocation, folder, invocation->key, &outcome));
    if (outcome.is_left && !invocation->option[WHK_OPTION_DROP]) {
        hint_at_left(invocation, &outcome);
        return whk_refused("something goes on sealing by the previous key, which therefore stays "
                           "in %s: reload httpd on every node, with this file, drop what whkctl "
                           "check names, and run this again; --drop lets go of that key all the "
                           "same, and what it seals is good no longer",
                           invocation->config.secret_key_file);
    }
    WHK_TRY_STATUS(
        write_file(invocation, whk_secret_key_drop_previous(invocation->pool, invocation->key)));
    return print_step(invocation, STEPS, "the previous key is out of the file", &outcome);
}

int whk_cmd_secret_rotate(whk_invocation_t *invocation)
{
    int folder;

    WHK_TRY_STATUS(whk_invocation_load_key(invocation));
    WHK_TRY_STATUS(whk_invocation_lock_key(invocation, 0, &folder));
    /* Again: another run may have come first. */
    WHK_TRY_STATUS(whk_invocation_load_key(invocation));
    if (invocation->option[WHK_OPTION_DROP] && !whk_secret_key_has_previous(invocation->key))
        return whk_refused("there is no previous key in %s to let go of: --drop is for the third "
                           "run",
                           invocation->config.secret_key_file);
    if (whk_secret_key_has_previous(invocation->key))
        return drop_previous(invocation, folder);
    return whk_secret_key_has_next(invocation->key) ? change_to_next(invocation, folder)
                                                    : make_next(invocation);
}
