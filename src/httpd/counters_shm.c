/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/counters_shm.h"

#include <httpd.h>

#include <http_config.h>

#include <apr_shm.h>

/* Under this name the memory outlives a reload, through which children of before and after it go
 * on beside each other. */
#define SHM_KEY "mod_webhook_keys change slots"

static whk_shared_counters_t *counters;

whk_shared_counters_t *whk_counters_shm(void)
{
    return counters;
}

/* In httpd's own keeping, which copies the name: what stands in a module is gone when a reload
 * unloads it. */
typedef struct {
    whk_shared_counters_t *counters;
    apr_size_t size; /* those of an older version of this module are of no use */
} retained_t;

apr_status_t whk_counters_shm_create(apr_pool_t *process)
{
    retained_t *retained = ap_retained_data_get(SHM_KEY);
    apr_shm_t *shared;
    apr_status_t status;

    if (!retained)
        retained = ap_retained_data_create(SHM_KEY, sizeof(*retained));
    if (retained->size != sizeof(*counters)) {
        status = apr_shm_create(&shared, sizeof(*counters), NULL, process);
        if (status != APR_SUCCESS)
            return status;
        retained->counters = apr_shm_baseaddr_get(shared);
        retained->size = sizeof(*counters);
        memset(retained->counters, 0, sizeof(*counters));
    }
    counters = retained->counters;
    return APR_SUCCESS;
}
