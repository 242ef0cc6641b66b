/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/fetch_slots.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <ap_mpm.h>
#include <apr_hash.h>
#include <apr_shm.h>

#include "model/random.h"

/* Of a holder: its pid in the upper half; 30 bits of the hash of its enterprise and a
 * whk_fetch_kind_t in the lower one. 0: free. */
typedef apr_uint64_t holder_t;

#define KIND_BITS 2
#define LOWER_HALF(holder) ((apr_uint32_t)(holder))

/* Of those who would share a last place at the same moment each may see the other and step back. */
#define TRIES 8

static holder_t *slots;
static int slot_count;

static int quarter_of_workers(void)
{
    int processes = 1;
    int threads = 1;

    ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &processes);
    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    if (processes < 1)
        processes = 1;
    if (threads < 1)
        threads = 1;
    return processes * threads / 4;
}

apr_status_t whk_fetch_slots_create(apr_pool_t *pconf, int count)
{
    apr_shm_t *shared;
    apr_size_t size;
    apr_status_t status;

    slot_count = count ? count : quarter_of_workers();
    if (slot_count < WHK_FETCH_SLOTS_LEAST)
        slot_count = WHK_FETCH_SLOTS_LEAST;
    size = sizeof(*slots) * (apr_size_t)slot_count;
    status = apr_shm_create(&shared, size, NULL, pconf);
    if (status != APR_SUCCESS)
        return status;
    slots = apr_shm_baseaddr_get(shared);
    memset(slots, 0, size);
    return APR_SUCCESS;
}

static holder_t read_slot(int slot)
{
    return __atomic_load_n(&slots[slot], __ATOMIC_SEQ_CST);
}

static int replace(int slot, holder_t holder, holder_t by)
{
    return __atomic_compare_exchange_n(&slots[slot], &holder, by, 0, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static pid_t pid_of(holder_t holder)
{
    return (pid_t)(holder >> 32);
}

static int is_gone(holder_t holder)
{
    return holder && kill(pid_of(holder), 0) != 0 && errno == ESRCH;
}

static void free_slots_of(int (*is_theirs)(holder_t holder))
{
    int i;

    for (i = 0; i < slot_count; i++) {
        holder_t holder = read_slot(i);

        if (holder && is_theirs(holder))
            replace(i, holder, 0);
    }
}

static int is_own(holder_t holder)
{
    return pid_of(holder) == getpid();
}

void whk_fetch_slots_child_init(void)
{
    free_slots_of(is_own);
}

static holder_t make_holder(whk_fetch_kind_t kind, const char *enterprise_id)
{
    apr_ssize_t length = APR_HASH_KEY_STRING;
    apr_uint32_t hash = enterprise_id ? apr_hashfunc_default(enterprise_id, &length) : 0;

    return (holder_t)getpid() << 32 | (apr_uint32_t)(hash << KIND_BITS) | (apr_uint32_t)kind;
}

static whk_fetch_kind_t kind_of(holder_t holder)
{
    return LOWER_HALF(holder) & ((1 << KIND_BITS) - 1);
}

static int is_background(holder_t holder)
{
    return kind_of(holder) == WHK_FETCH_BACKGROUND;
}

static int same_enterprise(holder_t a, holder_t b)
{
    return !is_background(a) && !is_background(b) &&
           LOWER_HALF(a) >> KIND_BITS == LOWER_HALF(b) >> KIND_BITS;
}

/* True where this holder's share, itself included, is exceeded. */
static int has_too_many(holder_t own)
{
    int quarter = slot_count / 4;
    int background = 0;
    int of_enterprise = 0;
    int for_verify = 0;
    int i;

    for (i = 1; i < slot_count; i++) {
        holder_t holder = read_slot(i);

        if (!holder)
            continue;
        background += is_background(holder);
        of_enterprise += same_enterprise(holder, own);
        for_verify += same_enterprise(holder, own) && kind_of(holder) == WHK_FETCH_VERIFY;
    }
    if (is_background(own))
        return background > quarter;
    return of_enterprise > (quarter ? quarter : 1) ||
           (kind_of(own) == WHK_FETCH_VERIFY && for_verify > 1);
}

static int take(holder_t own)
{
    int i;

    for (i = is_background(own) ? 0 : 1; i < slot_count; i++)
        if (!read_slot(i) && replace(i, 0, own))
            return i + 1;
    return 0;
}

/* Take one first and count then: of those that are too many together, whoever took last sees all.
 */
static int try_to_take(holder_t own, int *crowded)
{
    int place = take(own);

    *crowded = place > 1 && has_too_many(own);
    if (*crowded) {
        whk_fetch_slots_release(NULL, place);
        place = 0;
    }
    return place;
}

static void wait_a_little(void)
{
    apr_uint16_t random = 0;

    whk_random(&random, sizeof(random));
    apr_sleep(random % 1000);
}

int whk_fetch_slots_take(void *unused, whk_fetch_kind_t kind, const char *enterprise_id)
{
    holder_t own = make_holder(kind, enterprise_id);
    int crowded = 1;
    int place = 0;
    int i;

    (void)unused;
    for (i = 0; i < TRIES && !place && crowded; i++) {
        if (i)
            wait_a_little();
        place = try_to_take(own, &crowded);
        if (!place && !i) {
            free_slots_of(is_gone);
            crowded = 1;
        }
    }
    return place;
}

void whk_fetch_slots_release(void *unused, int place)
{
    (void)unused;
    __atomic_store_n(&slots[place - 1], 0, __ATOMIC_SEQ_CST);
}
