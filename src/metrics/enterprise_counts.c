/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/enterprise_counts.h"

#include <stdatomic.h>
#include <string.h>

#include "metrics/metrics.h"

/* The last one is for all others. */
#define OTHERS WHK_ENTERPRISES_COUNTED_MOST

void whk_enterprise_counts_limit(whk_metrics_t *metrics, int most)
{
    atomic_store(&metrics->enterprises_counted, (apr_uint32_t)most);
}

/* Slots are taken one after another, and stay: a name is there before its state says so. Two who
 * come at once may take one each, which whoever reads adds up. */
static whk_enterprise_slot_t *find(whk_metrics_t *metrics, const char *name, size_t length,
                                   int may_take)
{
    apr_uint32_t most = atomic_load(&metrics->enterprises_counted);
    apr_uint32_t i;

    for (i = 0; i < most; i++) {
        whk_enterprise_slot_t *slot = &metrics->enterprises[i];
        apr_uint32_t state = WHK_SLOT_FREE;

        if (may_take && atomic_load(&slot->state) == WHK_SLOT_FREE &&
            atomic_compare_exchange_strong(&slot->state, &state, WHK_SLOT_TAKEN)) {
            memcpy(slot->name, name, length);
            atomic_store(&slot->state, WHK_SLOT_NAMED);
            return slot;
        }
        if (atomic_load(&slot->state) == WHK_SLOT_NAMED && !strcmp(slot->name, name))
            return slot;
    }
    return &metrics->enterprises[OTHERS];
}

void whk_enterprise_counts_add(const char *enterprise_id, int is_ok)
{
    whk_metrics_t *metrics = whk_metrics_used();
    size_t length = strlen(enterprise_id);
    whk_enterprise_slot_t *slot;

    if (!metrics || !atomic_load_explicit(&metrics->enterprises_counted, memory_order_relaxed))
        return;
    slot = length < WHK_ENTERPRISE_NAME ? find(metrics, enterprise_id, length, is_ok)
                                        : &metrics->enterprises[OTHERS];
    atomic_fetch_add_explicit(is_ok ? &slot->ok : &slot->refused, 1, memory_order_relaxed);
}

/* The place of that name among those that were read, or the next. */
static int place_of(const whk_enterprise_count_t *counts, int count, const char *name)
{
    int i;

    for (i = 0; i < count; i++)
        if (!strcmp(counts[i].enterprise_id, name))
            return i;
    return count;
}

int whk_enterprise_counts_read(const whk_metrics_t *metrics,
                               whk_enterprise_count_t counts[WHK_ENTERPRISES_COUNTED_MOST + 1])
{
    int count = 0;
    int i;

    if (!atomic_load(&metrics->enterprises_counted))
        return 0;
    for (i = 0; i <= OTHERS; i++) {
        const whk_enterprise_slot_t *slot = &metrics->enterprises[i];
        const char *name = i == OTHERS ? "" : slot->name;
        int place;

        if (i != OTHERS && (atomic_load(&slot->state) != WHK_SLOT_NAMED ||
                            !memchr(slot->name, '\0', sizeof(slot->name))))
            continue;
        place = place_of(counts, count, name);
        if (place == count)
            counts[count++] = (whk_enterprise_count_t){name, 0, 0};
        counts[place].ok += (apr_int64_t)atomic_load(&slot->ok);
        counts[place].refused += (apr_int64_t)atomic_load(&slot->refused);
    }
    return count;
}
