/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into an httpd: where a process that ends by a fault was, one file a process in the
 * folder WHK_TEST_BACKTRACES. httpd's own handlers of these signals, which tell nothing, are not
 * set. */
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const int faults[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE};
static int (*real_sigaction)(int, const struct sigaction *, struct sigaction *);

#define COUNT (sizeof(faults) / sizeof(faults[0]))

static void tell(int number)
{
    void *frames[64];
    int count = backtrace(frames, 64);
    char name[4096];
    int file;

    snprintf(name, sizeof(name), "%s/%d", getenv("WHK_TEST_BACKTRACES"), (int)getpid());
    file = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (file >= 0)
        backtrace_symbols_fd(frames, count, file);
    signal(number, SIG_DFL);
    raise(number);
}

int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
    size_t i;

    for (i = 0; action && i < COUNT; i++)
        if (number == faults[i])
            return 0;
    if (!real_sigaction)
        real_sigaction = dlsym(RTLD_NEXT, "sigaction");
    return real_sigaction(number, action, old);
}

__attribute__((constructor)) static void begin(void)
{
    struct sigaction action = {.sa_handler = tell, .sa_flags = (int)SA_RESETHAND};
    void *frames[1];
    size_t i;

    if (!getenv("WHK_TEST_BACKTRACES"))
        return;
    /* The first call loads libgcc, which a handler must not. */
    backtrace(frames, 1);
    real_sigaction = dlsym(RTLD_NEXT, "sigaction");
    for (i = 0; i < COUNT; i++)
        real_sigaction(faults[i], &action, NULL);
}
