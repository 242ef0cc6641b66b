#ifndef WHK_HTTPD_REPLAY_CACHE_H
#define WHK_HTTPD_REPLAY_CACHE_H

/**
 * @file httpd/replay_cache.h
 * Which webhooks were received, in a socache that all processes of the node share
 * (WebhookKeysReplayCache).
 */

#include <httpd.h>

#include <http_config.h>

#include "model/outcome.h"

/** The name that the `Mutex` directive knows the mutex by. */
#define WHK_REPLAY_MUTEX_NAME "webhook-keys-replay"

/** Where a use was noted; see whk_replay_cache_give_back(). */
typedef struct whk_replay_use_t {
    unsigned char id[32];
    int reserved;
} whk_replay_use_t;

/** Take the directive's argument. NULL, or what would be right: "must be …". */
const char *whk_replay_cache_configure(cmd_parms *cmd, const char *argument);

/** pre_config, post_config, child_init. */
int whk_replay_cache_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);
int whk_replay_cache_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                 server_rec *s);
void whk_replay_cache_child_init(apr_pool_t *pool, server_rec *s);

/**
 * Note the one use of a message.
 * @param replay_id names it among those of its key
 * @param until     when its signature ends to be good at the latest
 * @return NULL, replayed, or too_busy where it can't be noted
 */
const whk_outcome_t *whk_replay_cache_reserve(request_rec *r, const char *enterprise_id,
                                              const char *key_id, const char *replay_id,
                                              apr_time_t until, whk_replay_use_t *use);

/** The message was not delivered: it may come again. */
void whk_replay_cache_give_back(request_rec *r, whk_replay_use_t *use);

#endif
