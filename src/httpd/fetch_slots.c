#include "httpd/fetch_slots.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <ap_mpm.h>
#include <apr_atomic.h>
#include <apr_shm.h>

static volatile apr_uint32_t *slots;
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
    return processes * threads < 4 ? 1 : processes * threads / 4;
}

apr_status_t whk_fetch_slots_create(apr_pool_t *pconf, int count)
{
    apr_shm_t *shared;
    apr_size_t size;
    apr_status_t status;

    slot_count = count ? count : quarter_of_workers();
    size = sizeof(*slots) * (apr_size_t)slot_count;
    status = apr_shm_create(&shared, size, NULL, pconf);
    if (status != APR_SUCCESS)
        return status;
    slots = apr_shm_baseaddr_get(shared);
    memset((void *)slots, 0, size);
    return APR_SUCCESS;
}

static apr_uint32_t own_pid(void)
{
    return (apr_uint32_t)getpid();
}

void whk_fetch_slots_child_init(void)
{
    int i;

    for (i = 0; i < slot_count; i++)
        apr_atomic_cas32(&slots[i], 0, own_pid());
}

static int take_from(apr_uint32_t holder)
{
    int i;

    for (i = 0; i < slot_count; i++)
        if (apr_atomic_read32(&slots[i]) == holder &&
            apr_atomic_cas32(&slots[i], own_pid(), holder) == holder)
            return 1;
    return 0;
}

static int is_gone(apr_uint32_t pid)
{
    return pid && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

int whk_fetch_slots_enter(void)
{
    int i;

    if (take_from(0))
        return 1;
    for (i = 0; i < slot_count; i++) {
        apr_uint32_t holder = apr_atomic_read32(&slots[i]);

        if (is_gone(holder) && take_from(holder))
            return 1;
    }
    return 0;
}

void whk_fetch_slots_leave(void)
{
    int i;

    for (i = 0; i < slot_count; i++)
        if (apr_atomic_cas32(&slots[i], 0, own_pid()) == own_pid())
            return;
}
