/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/shared_counters.h"

#include <apr_atomic.h>
#include <apr_hash.h>

unsigned int whk_counter_slot(const char *text)
{
    apr_ssize_t length = APR_HASH_KEY_STRING;

    return apr_hashfunc_default(text, &length) % WHK_COUNTER_SLOTS;
}

void whk_count_change(whk_shared_counters_t *counters, const char *enterprise_id)
{
    if (counters)
        apr_atomic_inc32(&counters->changes[whk_counter_slot(enterprise_id)]);
}
