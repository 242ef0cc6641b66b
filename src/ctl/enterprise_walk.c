/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/enterprise_walk.h"

#include <stdio.h>
#include <unistd.h>

#include "model/clock.h"

#define SHOW_EVERY apr_time_from_sec(1)

typedef struct {
    const char *doing;
    int most;
    apr_time_t shown_at;
    int is_shown;
} progress_t;

/* Who is done within a second hears nothing. What is printed next takes the place of the line. */
static void show(progress_t *progress, int count)
{
    apr_time_t now = whk_clock_now();

    if (!progress->doing || now - progress->shown_at < SHOW_EVERY || !isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "%d of %d enterprises %s\033[K\r", count, progress->most, progress->doing);
    progress->shown_at = now;
    progress->is_shown = 1;
}

const whk_outcome_t *whk_enterprise_walk(whk_invocation_t *invocation,
                                         const apr_array_header_t *enterprises, const char *doing,
                                         whk_enterprise_visit visit, void *baton)
{
    progress_t progress = {doing, enterprises->nelts, whk_clock_now(), 0};
    whk_registry_t registry = invocation->registry;
    const whk_outcome_t *outcome = NULL;
    int i;

    apr_pool_create(&registry.pool, invocation->pool);
    for (i = 0; i < enterprises->nelts && !outcome; i++) {
        apr_pool_clear(registry.pool);
        outcome = visit(baton, &registry, APR_ARRAY_IDX(enterprises, i, const whk_enterprise_t *));
        show(&progress, i + 1);
    }
    if (progress.is_shown)
        fputs("\033[K", stderr);
    return outcome;
}
