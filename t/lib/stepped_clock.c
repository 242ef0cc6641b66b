/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks that a test sets. Linked into a unit program: stepped_wall and stepped_monotonic are added
 * to what the system says, in microseconds. For LD_PRELOAD: the file that WHK_TEST_CLOCK names
 * holds the seconds to add to the wall clock and, where it has a second number, to that which
 * nobody sets; it is read some times a second.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

SHOWN _Atomic long long stepped_wall;
SHOWN _Atomic long long stepped_monotonic;

static long long read_clock(clockid_t clock)
{
    struct timespec time;

    syscall(SYS_clock_gettime, clock, &time);
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static void read_file(void)
{
    static _Atomic long long read_at;
    const char *name = getenv("WHK_TEST_CLOCK");
    long long now = read_clock(CLOCK_MONOTONIC);
    long long seconds;
    long long steady = 0;
    FILE *file;

    if (!name || now - read_at < 100000)
        return;
    read_at = now;
    file = fopen(name, "r");
    if (!file)
        return;
    if (fscanf(file, "%lld %lld", &seconds, &steady) >= 1) {
        stepped_wall = seconds * 1000000;
        stepped_monotonic = steady * 1000000;
    }
    fclose(file);
}

static long long wall(void)
{
    read_file();
    return read_clock(CLOCK_REALTIME) + stepped_wall;
}

SHOWN int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    long long told = wall();

    (void)zone;
    now->tv_sec = told / 1000000;
    now->tv_usec = told % 1000000;
    return 0;
}

SHOWN int clock_gettime(clockid_t clock, struct timespec *now)
{
    long long told;

    read_file();
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
        return (int)syscall(SYS_clock_gettime, clock, now);
    told = clock == CLOCK_REALTIME ? wall() : read_clock(clock) + stepped_monotonic;
    now->tv_sec = told / 1000000;
    now->tv_nsec = told % 1000000 * 1000;
    return 0;
}

SHOWN time_t time(time_t *result)
{
    time_t told = wall() / 1000000;

    if (result)
        *result = told;
    return told;
}
