/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/revokes_date.h"

#include "model/timestamp.h"

/* Ten years, whichever they are: up to three of them are leap years. */
#define AHEAD_MOST apr_time_from_sec((apr_int64_t)3653 * 86400)

const whk_outcome_t *whk_revokes_date_check(const char *name, apr_time_t when, apr_time_t now,
                                            apr_pool_t *pool)
{
    if (when <= now)
        return whk_refuse(pool, WHK_INVALID_REQUEST,
                          "%s must be in the future: here it is %s already", name,
                          whk_time_format(pool, now));
    if (when > now + AHEAD_MOST)
        return whk_refuse(pool, WHK_INVALID_REQUEST, "%s must be at most 10 years ahead", name);
    return NULL;
}

const whk_outcome_t *whk_revokes_date_read(const char *name, const char *text, apr_time_t *when,
                                           apr_pool_t *pool)
{
    if (!whk_time_parse(text, when))
        return whk_refuse(pool, WHK_INVALID_REQUEST,
                          "%s must be a date and time with an offset (RFC 3339), as "
                          "2026-12-01T00:00:00Z or 2026-12-01T01:00:00+01:00",
                          name);
    return whk_revokes_date_check(name, *when, whk_time_now(), pool);
}
