/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/notify_program.h"

#include <apr_file_io.h>
#include <apr_portable.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/clock.h"

/* How often it is looked whether it has ended. */
#define LOOK_EVERY apr_time_from_msec(20)

/* Between asking it to end, and ending it. */
#define GRACE apr_time_from_sec(2)

/* What is told of what it said. */
#define SAID_MOST 300

const char *whk_notify_program_flaw(const char *file, apr_pool_t *pool)
{
    struct stat info;

    if (*file != '/')
        return "must be an absolute path";
    if (stat(file, &info) != 0 || !S_ISREG(info.st_mode))
        return "must be a program that is there";
    if (!(info.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
        return apr_psprintf(pool, "must be executable: run chmod +x %s", file);
    if (info.st_mode & S_IWOTH)
        return apr_psprintf(pool, "must not be writable by everybody: run chmod o-w %s", file);
    return NULL;
}

/* Reads of one look: who writes without end must not keep us from looking at the clock. */
#define READS_MOST 64

typedef enum {
    RUNS,
    ENDED,
    LOST /* nobody can say how it ended */
} state_t;

typedef struct {
    apr_proc_t process;
    int code;
    apr_exit_why_e why;
    char said[SAID_MOST + 1]; /* the end of it */
    apr_size_t length;
} run_t;

static void keep_end(run_t *run, const char *text, apr_size_t length)
{
    if (length > SAID_MOST) {
        text += length - SAID_MOST;
        length = SAID_MOST;
    }
    if (run->length + length > SAID_MOST) {
        apr_size_t surplus = run->length + length - SAID_MOST;

        memmove(run->said, run->said + surplus, run->length - surplus);
        run->length -= surplus;
    }
    memcpy(run->said + run->length, text, length);
    run->length += length;
    run->said[run->length] = '\0';
}

/* Without waiting, so that it never waits for us. */
static void read_what_it_says(run_t *run)
{
    char text[4096];
    int i;

    for (i = 0; i < READS_MOST; i++) {
        apr_size_t length = sizeof(text);

        if (apr_file_read(run->process.err, text, &length) != APR_SUCCESS || !length)
            return;
        keep_end(run, text, length);
    }
}

static const char *printable(run_t *run)
{
    char *c;

    for (c = run->said; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = ' ';
    return run->length ? run->said : "nothing on its standard error";
}

/* In the child, behind fork(): nothing may be called here that takes a lock. It is what the program
 * said on its standard error. */
static void could_not_start(apr_pool_t *pool, apr_status_t status, const char *description)
{
    char text[120];
    size_t length;

    (void)pool;
    (void)description;
    apr_strerror(status, text, sizeof(text));
    length = strlen(text);
    if (write(STDERR_FILENO, text, length) != (ssize_t)length)
        _exit(255);
}

/* In the child, before its pipes become its standard files. APR's own are closed by then, those of
 * a database's client library are not: MariaDB's leaves its connection open, with all that it may.
 * Threads of httpd block signals and ignore SIGPIPE, which a program would have from them. A group
 * of its own, so that what it starts ends with it. */
static apr_status_t leave_what_is_ours(void *most)
{
    sigset_t none;
    int file;

    setpgid(0, 0);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);

#ifdef CLOSE_RANGE_CLOEXEC
    if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        return APR_SUCCESS;
#endif
    for (file = STDERR_FILENO + 1; file < *(const int *)most; file++)
        (void)fcntl(file, F_SETFD, FD_CLOEXEC);
    return APR_SUCCESS;
}

/* @return one more than any open file has; in the manner of daemons where there is no end to it */
static int most_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 1048576)
        return 1048576;
    return (int)limit.rlim_cur;
}

static apr_status_t start(run_t *run, const apr_array_header_t *command, apr_pool_t *pool)
{
    static const char *const environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:"
                                              "/usr/bin:/sbin:/bin",
                                              "LANG=C.UTF-8", NULL};
    const char **arguments = apr_pcalloc(pool, sizeof(char *) * (command->nelts + 1));
    apr_procattr_t *attributes;
    apr_file_t *nowhere;
    apr_status_t status;
    int most = most_files();

    memcpy(arguments, command->elts, sizeof(char *) * (apr_size_t)command->nelts);
    status = apr_file_open(&nowhere, "/dev/null", APR_FOPEN_WRITE, APR_FPROT_OS_DEFAULT, pool);
    if (status == APR_SUCCESS)
        status = apr_procattr_create(&attributes, pool);
    if (status == APR_SUCCESS)
        status = apr_procattr_io_set(attributes, APR_CHILD_BLOCK, APR_NO_PIPE, APR_CHILD_BLOCK);
    if (status == APR_SUCCESS)
        status = apr_procattr_child_out_set(attributes, nowhere, NULL);
    if (status == APR_SUCCESS)
        status = apr_procattr_cmdtype_set(attributes, APR_PROGRAM);
    if (status == APR_SUCCESS)
        status = apr_procattr_error_check_set(attributes, 1);
    if (status == APR_SUCCESS)
        status = apr_procattr_child_errfn_set(attributes, could_not_start);
    if (status != APR_SUCCESS)
        return status;
    apr_pool_cleanup_register(pool, &most, apr_pool_cleanup_null, leave_what_is_ours);
    status = apr_proc_create(&run->process, arguments[0], arguments, environment, attributes, pool);
    apr_pool_cleanup_kill(pool, &most, apr_pool_cleanup_null);
    return status;
}

/* APR tells of one that is stopped, too: by APR_EGENERAL, and says nothing else of it. */
static state_t look(run_t *run)
{
    apr_status_t status;

    read_what_it_says(run);
    status = apr_proc_wait(&run->process, &run->code, &run->why, APR_NOWAIT);
    if (status == APR_CHILD_DONE)
        return ENDED;
    return status == APR_CHILD_NOTDONE || status == APR_EGENERAL ? RUNS : LOST;
}

static state_t wait_until(run_t *run, apr_time_t end, const volatile apr_uint32_t *stop)
{
    state_t state;

    while ((state = look(run)) == RUNS) {
        if (whk_clock_now() >= end || (stop && *stop))
            return RUNS;
        apr_sleep(LOOK_EVERY);
    }
    return state;
}

/* It, and what it started; or it alone, where it had no time to become a group. */
static void send_signal(run_t *run, int number)
{
    if (kill(-run->process.pid, number) != 0)
        kill(run->process.pid, number);
}

static void end(run_t *run)
{
    send_signal(run, SIGTERM);
    if (wait_until(run, whk_clock_now() + GRACE, NULL) == RUNS) {
        send_signal(run, SIGKILL);
        while (wait_until(run, whk_clock_now() + GRACE, NULL) == RUNS)
            ;
    } else {
        /* What it started may be there still. */
        kill(-run->process.pid, SIGKILL);
    }
}

/* What is too long for a pipe would have to wait for the program: an event is not. */
static int give(run_t *run, const char *input)
{
    apr_size_t wanted = strlen(input);
    apr_size_t length = wanted;
    apr_status_t status = apr_file_write(run->process.in, input, &length);

    apr_file_close(run->process.in);
    /* One that does not read is none that fails. */
    return length == wanted || APR_STATUS_IS_EPIPE(status);
}

static const char *flaw_of_end(run_t *run, state_t state, apr_pool_t *pool)
{
    if (state == ENDED && APR_PROC_CHECK_EXIT(run->why) && run->code == 0)
        return NULL;
    if (state == LOST)
        return "nobody can say how it ended: is SIGCHLD ignored where httpd is started?";
    return apr_psprintf(pool, "it ended with %s %d; it said: %s",
                        APR_PROC_CHECK_EXIT(run->why) ? "exit status" : "signal", run->code,
                        printable(run));
}

static const char *run_program(run_t *run, const char *input, apr_interval_time_t most,
                               const volatile apr_uint32_t *stop, apr_pool_t *pool)
{
    state_t state;

    if (!give(run, input)) {
        end(run);
        return "the event is too long for a pipe of this system";
    }
    state = wait_until(run, whk_clock_now() + most, stop);
    if (state != RUNS)
        return flaw_of_end(run, state, pool);
    end(run);
    return stop && *stop
               ? "httpd ends"
               : apr_psprintf(pool, "it took longer than %d s, and was ended; it said: %s",
                              (int)apr_time_sec(most), printable(run));
}

const char *whk_notify_program_run(const apr_array_header_t *command, const char *input,
                                   apr_interval_time_t most, const volatile apr_uint32_t *stop,
                                   apr_pool_t *pool)
{
    run_t *run = apr_pcalloc(pool, sizeof(*run));
    apr_status_t status;
    apr_pool_t *own;
    const char *flaw;

    apr_pool_create(&own, pool);
    status = start(run, command, own);
    flaw = status == APR_SUCCESS ? run_program(run, input, most, stop, pool)
                                 : apr_psprintf(pool, "it could not be started: %pm", &status);
    apr_pool_destroy(own);
    return flaw;
}
