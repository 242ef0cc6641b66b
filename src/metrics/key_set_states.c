/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/key_set_states.h"

#include <apr_strings.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/metrics.h"
#include "model/clock.h"

/* As recent_refusals.c. */
static int begin(whk_key_set_slot_t *slot)
{
    apr_uint64_t version = atomic_load(&slot->version);

    return version % 2 == 0 &&
           atomic_compare_exchange_strong(&slot->version, &version, version + 1);
}

static void end(whk_key_set_slot_t *slot)
{
    atomic_fetch_add(&slot->version, 1);
}

static int is_better_to_lose(const whk_key_set_state_t *a, const whk_key_set_state_t *b)
{
    if (!a->failing != !b->failing)
        return !a->failing;
    return a->failing ? a->failing > b->failing : a->good < b->good;
}

/* One that a process was killed in is nobody's any more. */
static int is_usable(const whk_key_set_slot_t *slot)
{
    return atomic_load(&slot->version) % 2 == 0;
}

static whk_key_set_slot_t *find(whk_metrics_t *metrics, const char *uri)
{
    whk_key_set_slot_t *loser = &metrics->key_sets[0];
    int i;

    for (i = 0; i < WHK_KEY_SETS_KEPT; i++) {
        whk_key_set_slot_t *slot = &metrics->key_sets[i];

        if (!is_usable(slot))
            continue;
        if (!slot->state.uri[0] || !strncmp(slot->state.uri, uri, WHK_KEY_SET_URI - 1))
            return slot;
        if (!is_usable(loser) || is_better_to_lose(&slot->state, &loser->state))
            loser = slot;
    }
    return loser;
}

/* One process of a node fetches at a time; another that takes over meets what the first left. */
void whk_key_set_states_note(const char *uri, const char *error, apr_interval_time_t ahead)
{
    whk_metrics_t *metrics = whk_metrics_used();
    apr_time_t now = apr_time_now();
    whk_key_set_slot_t *slot;
    whk_key_set_state_t *state;

    if (!metrics)
        return;
    slot = find(metrics, uri);
    if (!begin(slot))
        return;
    state = &slot->state;
    if (strncmp(state->uri, uri, WHK_KEY_SET_URI - 1) != 0)
        memset(state, 0, sizeof(*state));
    apr_cpystrn(state->uri, uri, sizeof(state->uri));
    apr_cpystrn(state->error, error ? error : "", sizeof(state->error));
    if (!error) {
        state->good = now;
        state->ahead = ahead;
    }
    state->failing = !error ? 0 : state->failing ? state->failing : now;
    end(slot);
}

static int by_need(const void *left, const void *right)
{
    const whk_key_set_state_t *a = left;
    const whk_key_set_state_t *b = right;

    if (!a->failing != !b->failing)
        return a->failing ? -1 : 1;
    if (a->failing != b->failing)
        return a->failing < b->failing ? -1 : 1;
    return (a->good > b->good) - (a->good < b->good);
}

int whk_key_set_states_read(const whk_metrics_t *metrics,
                            whk_key_set_state_t states[WHK_KEY_SETS_KEPT])
{
    int count = 0;
    int i;

    for (i = 0; i < WHK_KEY_SETS_KEPT; i++) {
        const whk_key_set_slot_t *slot = &metrics->key_sets[i];
        apr_uint64_t version = atomic_load(&slot->version);

        if (!version || version % 2)
            continue;
        memcpy(&states[count], &slot->state, sizeof(states[count]));
        /* A child that somebody took over writes what it likes, and root reads it. */
        states[count].uri[WHK_KEY_SET_URI - 1] = '\0';
        states[count].error[WHK_KEY_SET_ERROR - 1] = '\0';
        atomic_thread_fence(memory_order_acquire);
        count += atomic_load(&slot->version) == version;
    }
    qsort(states, (size_t)count, sizeof(*states), by_need);
    return count;
}
