/* SPDX-License-Identifier: Apache-2.0 */
#include "model/clock.h"

#include <time.h>

apr_time_t whk_clock_now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return apr_time_make(time.tv_sec, time.tv_nsec / 1000) + 1;
}
