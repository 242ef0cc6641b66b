/* SPDX-License-Identifier: Apache-2.0 */
#include "model/limited_count.h"

#include <apr_strings.h>

#define BITS 64
#define WORDS 4

static void note_name(whk_limited_count_t *count, const char *name)
{
    apr_uint32_t hash = 2166136261U; /* FNV-1a */

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619U;
    hash ^= hash >> 15;
    atomic_fetch_or(&count->names[hash / BITS % WORDS], (apr_uint64_t)1 << hash % BITS);
}

/* Who comes while another writes has as good a last one as any. */
static void note_last(whk_limited_count_t *count, apr_uint32_t server, const char *last)
{
    apr_uint32_t nobody = 0;

    if (!atomic_compare_exchange_strong(&count->writing, &nobody, 1))
        return;
    apr_cpystrn(count->last, last, sizeof(count->last));
    atomic_store(&count->server, server);
    atomic_store(&count->writing, 0);
}

static int is_over(apr_int64_t began, apr_time_t now)
{
    return !began || now - began >= WHK_LIMITED_MINUTE;
}

int whk_limited_count_add(whk_limited_count_t *count, apr_time_t now, apr_uint32_t most,
                          const char *name, apr_uint32_t server, const char *last)
{
    apr_int64_t began = atomic_load(&count->began);

    if (is_over(began, now) && atomic_compare_exchange_strong(&count->began, &began, now))
        atomic_store(&count->met, 0);
    if (atomic_fetch_add(&count->met, 1) < most)
        return 1;
    note_last(count, server, last);
    if (name)
        note_name(count, name);
    atomic_fetch_add(&count->silent, 1);
    return 0;
}

static int take_names(whk_limited_count_t *count)
{
    int found = 0;
    int i;

    for (i = 0; i < WORDS; i++)
        found += __builtin_popcountll(atomic_exchange(&count->names[i], 0));
    return found;
}

int whk_limited_count_take(whk_limited_count_t *count, apr_time_t now, int at_once,
                           whk_limited_report_t *report)
{
    apr_int64_t began = atomic_load(&count->began);
    apr_uint32_t nobody = 0;

    if (!atomic_load(&count->silent) || (!at_once && !is_over(began, now)))
        return 0;
    report->count = atomic_exchange(&count->silent, 0);
    if (!report->count)
        return 0;
    report->names = take_names(count);
    report->seconds = (int)apr_time_sec(now - began);
    report->server = atomic_load(&count->server);
    *report->last = '\0';
    if (atomic_compare_exchange_strong(&count->writing, &nobody, 1)) {
        apr_cpystrn(report->last, count->last, sizeof(report->last));
        atomic_store(&count->writing, 0);
    }
    return 1;
}
