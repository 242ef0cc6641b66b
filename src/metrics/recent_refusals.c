/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/recent_refusals.h"

#include <apr_strings.h>
#include <stdatomic.h>
#include <string.h>

#include "metrics/metrics.h"

static void copy(char *to, const char *from)
{
    apr_cpystrn(to, from ? from : "", WHK_REFUSAL_NAME);
}

/* A child that somebody took over writes what it likes, and root reads it. */
static int is_sound(whk_refusal_t *refusal)
{
    char *const texts[] = {refusal->enterprise, refusal->key_id, refusal->client,
                           refusal->request_id};
    apr_size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        texts[i][WHK_REFUSAL_NAME - 1] = '\0';
    return refusal->door >= 0 && refusal->door < whk_label_count(WHK_LABEL_DOOR) &&
           (unsigned int)refusal->code < WHK_CODE_COUNT;
}

/* An odd number says that somebody writes: who comes round to it meanwhile goes without, as does
 * who reads. One that was killed there leaves a slot that nobody uses. */
void whk_refusals_add(int door, whk_code_t code, const char *enterprise, const char *key_id,
                      const char *client, const char *request_id)
{
    whk_metrics_t *metrics = whk_metrics_used();
    whk_refusal_slot_t *slot;
    apr_uint64_t version;

    if (!metrics)
        return;
    slot = &metrics->refusals[atomic_fetch_add(&metrics->refused, 1) % WHK_REFUSALS_KEPT];
    version = atomic_load(&slot->version);
    if (version % 2 || !atomic_compare_exchange_strong(&slot->version, &version, version + 1))
        return;
    slot->refusal.at = apr_time_now();
    slot->refusal.door = door;
    slot->refusal.code = code;
    copy(slot->refusal.enterprise, enterprise);
    copy(slot->refusal.key_id, key_id);
    copy(slot->refusal.client, client);
    copy(slot->refusal.request_id, request_id);
    atomic_store(&slot->version, version + 2);
}

static int read_slot(const whk_refusal_slot_t *slot, whk_refusal_t *refusal)
{
    apr_uint64_t version = atomic_load(&slot->version);

    if (!version || version % 2)
        return 0;
    memcpy(refusal, &slot->refusal, sizeof(*refusal));
    atomic_thread_fence(memory_order_acquire);
    return atomic_load(&slot->version) == version && is_sound(refusal);
}

int whk_refusals_read(const whk_metrics_t *metrics, whk_refusal_t refusals[WHK_REFUSALS_KEPT])
{
    apr_uint64_t next = atomic_load(&metrics->refused);
    int count = 0;
    int i;

    for (i = 1; i <= WHK_REFUSALS_KEPT; i++)
        count += read_slot(&metrics->refusals[(next - i) % WHK_REFUSALS_KEPT], &refusals[count]);
    return count;
}
