/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What all processes of a node count together, in memory that they share, zero at first. */

#include <apr.h>

#define WHK_COUNTER_SLOTS 1024

typedef struct whk_shared_counters_t {
    /** Changes of keys, by enterprise id; many share one. */
    apr_uint32_t changes[WHK_COUNTER_SLOTS];
    /** When a process reported that the registry was restored: seconds of whk_clock_now(). */
    apr_uint32_t restore_reported;
    /** By sealed OTP secret; many share one. Above: the hour, since the machine started; below: how
     *  many codes were refused in it. */
    apr_uint64_t refused_codes[WHK_COUNTER_SLOTS];
} whk_shared_counters_t;

/** The slot of a text. */
unsigned int whk_counter_slot(const char *text);

/** The keys of this enterprise changed: every process of the node is to look again. `counters` may
 *  be NULL. */
void whk_count_change(whk_shared_counters_t *counters, const char *enterprise_id);
