/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: time() runs on by two minutes at each call, so that libcurl takes every answer of
 * the resolver that it keeps for an old one, and asks again.
 */
#include <stdatomic.h>
#include <sys/time.h>
#include <time.h>

__attribute__((visibility("default"))) time_t time(time_t *result)
{
    static atomic_long calls;
    struct timeval now;
    time_t told;

    gettimeofday(&now, NULL);
    told = now.tv_sec + 120 * atomic_fetch_add(&calls, 1);
    if (result)
        *result = told;
    return told;
}
