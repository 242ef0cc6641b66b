/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/measure.h"

#include "httpd/database_watch.h"
#include "httpd/server_state.h"
#include "metrics/key_set_states.h"
#include "metrics/metrics.h"
#include "model/clock.h"

/* Virtual hosts of several registries: of the one that knows
 * least. */
static void measure_node(server_rec *main_server)
{
    whk_directory_state_t all = {0, 0, 0};
    int is_first = 1;
    server_rec *s;

    for (s = main_server; s; s = s->next) {
        const whk_node_directory_t *node = whk_server_of(s)->directory;
        whk_directory_state_t state;

        if (!node)
            continue;
        state = whk_directory_state(node->block);
        all.enterprises = state.enterprises > all.enterprises ? state.enterprises : all.enterprises;
        all.is_full |= state.is_full;
        if (is_first || state.known_at < all.known_at)
            all.known_at = state.known_at;
        is_first = 0;
    }
    whk_metrics_set(WHK_ENTERPRISES, 0, all.enterprises);
    whk_metrics_set(WHK_DIRECTORY_FULL, 0, all.is_full);
    whk_metrics_set(WHK_NODE_LAG, 0, all.known_at);
}

/* Of several that which has been away for longest. */
static void measure_stores(const server_rec *main_server)
{
    apr_time_t since = 0;
    const server_rec *s;

    for (s = main_server; s; s = s->next) {
        apr_time_t away = whk_database_watch_away_since(s);

        if (away && (!since || away < since))
            since = away;
    }
    whk_metrics_set(WHK_STORE_UP, 0, !since);
    whk_metrics_set(WHK_STORE_AWAY, 0, since);
}

static void measure_process(server_rec *main_server)
{
    apr_size_t bytes = 0;
    apr_size_t most = 0;
    server_rec *s;

    for (s = main_server; s; s = s->next) {
        whk_key_cache_t *cache = whk_server_of(s)->key_cache;
        apr_size_t of_cache;

        if (!cache)
            continue;
        bytes += whk_key_cache_bytes(cache, &of_cache);
        most += of_cache;
    }
    whk_metrics_set_share(WHK_KEY_CACHE_BYTES, (apr_int64_t)bytes);
    whk_metrics_set_share(WHK_KEY_CACHE_LIMIT_BYTES, (apr_int64_t)most);
}

static void measure_key_sets(apr_pool_t *pool)
{
    whk_key_set_state_t *states = apr_palloc(pool, sizeof(*states) * WHK_KEY_SETS_KEPT);
    whk_metrics_t *metrics = whk_metrics_used();
    int count = metrics ? whk_key_set_states_read(metrics, states) : 0;
    int failing = 0;

    while (failing < count && states[failing].failing)
        failing++;
    whk_metrics_set(WHK_KEY_SETS, WHK_SET_FRESH, count - failing);
    whk_metrics_set(WHK_KEY_SETS, WHK_SET_FAILING, failing);
    whk_metrics_set(WHK_KEY_SET_OLDEST, 0,
                    failing ? whk_clock_now() - (apr_time_now() - states[0].failing) : 0);
}

void whk_measure(server_rec *main_server, apr_pool_t *pool)
{
    measure_node(main_server);
    measure_stores(main_server);
    measure_process(main_server);
    measure_key_sets(pool);
}
