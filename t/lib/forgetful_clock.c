/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: libcurl's time() runs on by two minutes at each call, so that it takes every
 * answer of the resolver that it keeps for an old one, and asks again. Everybody else's is right:
 * libpq would take no connection for one in time.
 */
#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

__attribute__((visibility("default"))) time_t time(time_t *result)
{
    static atomic_long calls;
    struct timeval now;
    Dl_info caller;
    time_t told;

    gettimeofday(&now, NULL);
    told = now.tv_sec;
    if (dladdr(__builtin_return_address(0), &caller) && strstr(caller.dli_fname, "libcurl"))
        told += 120 * atomic_fetch_add(&calls, 1);
    if (result)
        *result = told;
    return told;
}
