/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database_clock.h"

#include "store/session.h"

const whk_outcome_t *whk_store_clock_ahead(whk_store_t *store, apr_pool_t *pool,
                                           apr_interval_time_t *ahead, apr_interval_time_t *error)
{
    const whk_outcome_t *outcome = NULL;
    const char *query;
    apr_int64_t milliseconds = 0;
    apr_time_t before;
    int code;

    *ahead = *error = 0;
    WHK_TRY(whk_session_acquire(store, pool));
    query = store->session->dialect->clock;
    if (query) {
        before = apr_time_now();
        code = whk_session_number(store, pool, query, &milliseconds);
        if (code)
            outcome = whk_session_error(store, pool, "tell the time", code);
        *error = (apr_time_now() - before) / 2;
        *ahead = apr_time_from_msec(milliseconds) - (before + *error);
    }
    whk_session_release(store);
    return outcome;
}
