/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to count one webhook that is verified, in nanoseconds of processor time, on so many
 * threads at once: counting THREADS */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <apr_general.h>

#include "metrics/enterprise_counts.h"
#include "metrics/metrics.h"

#define ROUNDS 2000000

static void *count(void *unused)
{
    int i;

    (void)unused;
    for (i = 0; i < ROUNDS; i++) {
        whk_metrics_count(WHK_KEY_LOOKUPS, WHK_LOOKUP_HIT, 0);
        whk_metrics_count(WHK_SIGNATURES, whk_label_index(WHK_LABEL_ALGORITHM, "EdDSA"),
                          WHK_RESULT_GOOD);
        whk_metrics_count(WHK_VERIFICATIONS, whk_label_index(WHK_LABEL_SCHEME, "jws-detached"), 0);
        whk_metrics_observe(WHK_VERIFY_DURATION, 1, 100 + i % 100);
        whk_enterprise_counts_add("acme", 1);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    pthread_t *ids = calloc((size_t)threads, sizeof(*ids));
    whk_metrics_t *metrics;
    struct timespec time;
    char file[64];
    apr_pool_t *pool;
    int i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    snprintf(file, sizeof(file), "/tmp/whk-counting-%d", (int)getpid());
    if (!ids || whk_metrics_create(&metrics, file, pool) != APR_SUCCESS)
        return 1;
    whk_metrics_use(metrics);
    for (i = 0; i < threads; i++)
        if (pthread_create(&ids[i], NULL, count, NULL) != 0)
            return 1;
    for (i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    printf("%.1f\n", ((double)time.tv_sec * 1e9 + (double)time.tv_nsec) / threads / ROUNDS);
    apr_pool_destroy(pool);
    free(ids);
    return 0;
}
