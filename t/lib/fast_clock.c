/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: the clock that nobody sets runs thirty times as fast as it should, so that a
 * minute is over in two seconds.
 */
#include <dlfcn.h>
#include <time.h>

#define FASTER 30

typedef int clock_gettime_t(clockid_t clock, struct timespec *now);

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *now)
{
    static clock_gettime_t *real;
    long long nanoseconds;
    int status;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    status = real(clock, now);
    if (status != 0 || clock != CLOCK_MONOTONIC)
        return status;
    nanoseconds = (now->tv_sec % 1000000 * 1000000000LL + now->tv_nsec) * FASTER;
    now->tv_sec = nanoseconds / 1000000000LL;
    now->tv_nsec = nanoseconds % 1000000000LL;
    return 0;
}
