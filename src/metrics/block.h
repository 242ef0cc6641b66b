/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What is where in the block (metrics/metrics.h), and what its tables hold. All that is written by
 * several is atomic. */

#include <apr_time.h>
#include <stdatomic.h>

#include "model/outcome.h"

/* ---- what was refused last: recent_refusals.h ---- */

#define WHK_REFUSALS_KEPT 32
#define WHK_REFUSAL_NAME 96

typedef struct whk_refusal_t {
    apr_time_t at; /**< wall time */
    int door;      /**< a word of WHK_LABEL_DOOR */
    whk_code_t code;
    char enterprise[WHK_REFUSAL_NAME]; /**< "" where it is not known; cut off where it is longer */
    char key_id[WHK_REFUSAL_NAME]; /**< of the API the path's, of a webhook the verified one's; or
                                      "" */
    char client[WHK_REFUSAL_NAME]; /**< its address */
    char request_id[WHK_REFUSAL_NAME];
} whk_refusal_t;

/* ---- key sets: key_set_states.h ---- */

#define WHK_KEY_SETS_KEPT 64
#define WHK_KEY_SET_URI 256
#define WHK_KEY_SET_ERROR 160

typedef struct whk_key_set_state_t {
    char uri[WHK_KEY_SET_URI];     /**< without its query; cut off where it is longer */
    apr_time_t good;               /**< when it was fetched last; 0: not since httpd was started */
    apr_time_t failing;            /**< since when it fails; 0: it does not */
    char error[WHK_KEY_SET_ERROR]; /**< why; "" where it does not fail */
    apr_interval_time_t ahead;     /**< how far its origin's clock is ahead of this one, by Date */
} whk_key_set_state_t;

/* ---- enterprises: enterprise_counts.h ---- */

#define WHK_ENTERPRISES_COUNTED_MOST 1000
#define WHK_ENTERPRISE_NAME 256

/* ---- the block ---- */

/** Another number for another layout, or another meaning of what is there. */
#define WHK_METRICS_LAYOUT 3

/** As many processes as any httpd has children, those of before a reload included. */
#define WHK_METRICS_PROCESSES 1024

typedef struct whk_refusal_slot_t {
    _Atomic apr_uint64_t version; /**< odd while it is written; 0: never was */
    whk_refusal_t refusal;
} whk_refusal_slot_t;

typedef struct whk_key_set_slot_t {
    _Atomic apr_uint64_t version;
    whk_key_set_state_t state;
} whk_key_set_slot_t;

enum {
    WHK_SLOT_FREE,
    WHK_SLOT_TAKEN,
    WHK_SLOT_NAMED
};

typedef struct whk_enterprise_slot_t {
    _Atomic apr_uint32_t state;
    char name[WHK_ENTERPRISE_NAME];
    _Atomic apr_uint64_t ok;
    _Atomic apr_uint64_t refused;
} whk_enterprise_slot_t;

/** What a process has of the gauges that are sums. */
typedef struct whk_share_t {
    _Atomic apr_int64_t pid; /**< 0: free */
    _Atomic apr_int64_t shares[2];
} whk_share_t;

typedef _Atomic apr_uint64_t whk_cell_t;

typedef struct whk_metrics_t {
    char magic[8];
    apr_uint32_t layout;
    apr_uint32_t cell_count; /**< of a stripe */
    apr_uint64_t size;       /**< of the block */
    apr_time_t started;
    char version[32];
    _Atomic apr_uint32_t next_stripe;
    _Atomic apr_uint32_t enterprises_counted;
    _Atomic apr_uint64_t refused;
    whk_refusal_slot_t refusals[WHK_REFUSALS_KEPT];
    whk_key_set_slot_t key_sets[WHK_KEY_SETS_KEPT];
    whk_enterprise_slot_t enterprises[WHK_ENTERPRISES_COUNTED_MOST + 1];
    whk_share_t shares[WHK_METRICS_PROCESSES];
    /** One stripe after another, each on lines of cache of its own; gauges are in the first. */
    _Alignas(64) whk_cell_t cells[];
} whk_metrics_t;
