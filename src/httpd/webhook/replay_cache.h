/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Which webhooks were received (WebhookKeysReplayCache): in memory that the processes of the node
 * share and that outlives a reload, and besides, where the provider is one that nodes share, there.
 */

#include <httpd.h>

#include "model/outcome.h"
#include "registry/replay_table.h"

/** The name that the `Mutex` directive knows the mutex by. */
#define WHK_REPLAY_MUTEX_NAME "webhook-keys-replay"

/** How many ids a message may have. */
#define WHK_REPLAY_IDS_MOST 17

/** Where uses were noted; see whk_replay_cache_release(). */
typedef struct whk_replay_use_t {
    int reserved;
    int count;
    apr_time_t until;
    whk_replay_name_t names[WHK_REPLAY_IDS_MOST];
} whk_replay_use_t;

/**
 * Until when a message has to be remembered: for as long as its signature is good at the place that
 * takes the oldest ones.
 * @param signed_at, expires 0: the message has none */
apr_time_t whk_replay_cache_expiry(apr_time_t signed_at, apr_time_t expires);

/** pre_config, post_config, child_init. */
int whk_replay_cache_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);
int whk_replay_cache_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                 server_rec *s);
void whk_replay_cache_child_init(apr_pool_t *pool, server_rec *s);

/** Note the one use of a message: all of its ids, or none.
 * @param replay_ids 1 to WHK_REPLAY_IDS_MOST `const char *`, each naming it in its enterprise,
 *                   whatever key signed it
 * @param until      when its signature ends to be good at the latest
 * @return NULL, replayed, or too_busy where it can't be noted or the enterprise's share is full */
const whk_outcome_t *whk_replay_cache_reserve(request_rec *r, const char *enterprise_id,
                                              const apr_array_header_t *replay_ids,
                                              apr_time_t until, whk_replay_use_t *use);

/** The message was not delivered: it may come again. A second call does nothing. */
void whk_replay_cache_release(request_rec *r, whk_replay_use_t *use);
