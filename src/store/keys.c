/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "model/log_number.h"
#include "store/enterprises.h"
#include "store/keys.h"
#include "store/statement.h"

static void read_remote_flaw(whk_row_t *row, whk_key_t *key)
{
    const char *name = whk_row_text_or_null(row, 14);
    int flaw = WHK_REMOTE_UNREACHABLE;

    if (!name)
        return;
    while (flaw < WHK_REMOTE_COUNT && strcmp(name, whk_remote_flaw_name(flaw)) != 0)
        flaw++;
    if (flaw == WHK_REMOTE_COUNT)
        row->corrupt = 1;
    else
        key->remote_flaw = flaw;
}

/* One such row must not keep the others of its enterprise from being read. */
static void settle_corrupt(whk_row_t *row, whk_key_t *key)
{
    const char **const texts[] = {&key->id,         &key->enterprise_id, &key->key_id,
                                  &key->key_name,   &key->algorithm,     &key->jwk,
                                  &key->thumbprint, &key->created_by};
    size_t i;

    if (!row->corrupt)
        return;
    row->corrupt = 0;
    key->corrupt = 1;
    key->status = WHK_KEY_STATUS_REVOKED;
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (!*texts[i])
            *texts[i] = "";
}

static void *read_key(whk_row_t *row)
{
    whk_key_t *key = apr_pcalloc(row->pool, sizeof(*key));
    const char *status;

    key->id = whk_row_text(row, 0);
    key->enterprise_id = whk_row_text(row, 1);
    key->key_id = whk_row_text(row, 2);
    key->key_name = whk_row_text(row, 3);
    key->algorithm = whk_row_text(row, 4);
    key->jwks_uri = whk_row_text_or_null(row, 5);
    key->jwk = whk_row_text(row, 6);
    key->thumbprint = whk_row_text(row, 7);
    status = whk_row_text(row, 8);
    key->created = whk_row_time(row, 9);
    key->created_by = whk_row_text(row, 10);
    key->last_used = whk_row_time(row, 11);
    key->revoked = whk_row_time(row, 12);
    key->revoked_by = whk_row_text_or_null(row, 13);
    read_remote_flaw(row, key);
    key->seal = whk_row_text_or_null(row, 15);
    key->number = whk_row_number(row, 16);
    key->revokes = whk_row_time(row, 17);
    key->followed_by = whk_row_text_or_null(row, 18);
    key->gone = whk_row_time(row, 19);
    key->refused = whk_row_text_or_null(row, 20);
    /* Whatever is not plainly ACTIVE must never verify anything. */
    if (status && !strcmp(status, whk_key_status_name(WHK_KEY_STATUS_ACTIVE)))
        key->status = WHK_KEY_STATUS_ACTIVE;
    else if (status && !strcmp(status, whk_key_status_name(WHK_KEY_STATUS_REVOKED)))
        key->status = WHK_KEY_STATUS_REVOKED;
    else
        row->corrupt = 1;
    settle_corrupt(row, key);
    return key;
}

/* What rows are asked for by; NULL: by something else. */
typedef struct {
    const char *enterprise_id;
    const char *key_id;
    const char *thumbprint;
    const char *uri;
    const char *status;
} wanted_t;

static int differs(const char *wanted, const char *found)
{
    return wanted && (!found || strcmp(wanted, found) != 0);
}

/* See whk_row_check_match(). It must not keep the others from being read either. */
static void check_match(const wanted_t *wanted, whk_key_t *key)
{
    if (!differs(wanted->enterprise_id, key->enterprise_id) &&
        !differs(wanted->key_id, key->key_id) && !differs(wanted->thumbprint, key->thumbprint) &&
        !differs(wanted->uri, key->jwks_uri) &&
        !differs(wanted->status, whk_key_status_name(key->status)))
        return;
    key->corrupt = 1;
    key->status = WHK_KEY_STATUS_REVOKED;
}

static const whk_outcome_t *read_keys(whk_store_t *store, apr_pool_t *pool,
                                      whk_statement_t statement, const void **arguments,
                                      const wanted_t *wanted, apr_array_header_t **keys)
{
    int i;

    WHK_TRY(whk_statement_read(store, pool, statement, arguments, read_key, keys));
    for (i = 0; i < (*keys)->nelts; i++)
        check_match(wanted, APR_ARRAY_IDX(*keys, i, whk_key_t *));
    return NULL;
}

/* One that is asked for alone. */
static const whk_outcome_t *read_one(whk_store_t *store, apr_pool_t *pool,
                                     whk_statement_t statement, const void **arguments,
                                     const wanted_t *wanted, whk_key_t **key)
{
    WHK_TRY(whk_statement_read_one(store, pool, statement, arguments, read_key, (void **)key));
    if (!*key)
        return NULL;
    check_match(wanted, *key);
    if (!(*key)->corrupt)
        return NULL;
    return whk_fail(pool, WHK_INTERNAL_ERROR,
                    WHK_LOGNO(0101) "the row of key %s of enterprise %s holds what this version "
                                    "can't have written: run whkctl audit verify, and look who "
                                    "else writes to the database",
                    (*key)->key_id, (*key)->enterprise_id);
}

/* NULL in the place of a time that is none. */
static const void *if_any(const apr_int64_t *time)
{
    return *time ? time : NULL;
}

const whk_outcome_t *whk_store_key_insert(whk_store_t *store, apr_pool_t *pool,
                                          const whk_key_t *key, int *inserted)
{
    apr_int64_t created = apr_time_as_msec(key->created);
    apr_int64_t revokes = apr_time_as_msec(key->revokes);
    const void *arguments[] = {key->id,
                               key->enterprise_id,
                               key->key_id,
                               key->key_name,
                               key->algorithm,
                               key->jwks_uri,
                               key->jwk,
                               key->thumbprint,
                               whk_key_status_name(key->status),
                               &created,
                               key->created_by,
                               key->seal,
                               &key->number,
                               if_any(&revokes),
                               key->followed_by,
                               key->enterprise_id,
                               key->thumbprint};

    return whk_statement_write(store, pool, SQL_KEY_INSERT, arguments, inserted);
}

const whk_outcome_t *whk_store_key_revoke(whk_store_t *store, apr_pool_t *pool,
                                          const whk_key_t *key, int *revoked)
{
    apr_int64_t revoked_at = apr_time_as_msec(key->revoked);
    apr_int64_t revokes = apr_time_as_msec(key->revokes);
    const void *arguments[] = {&revoked_at, key->revoked_by,    if_any(&revokes),
                               key->seal,   key->enterprise_id, key->key_id};

    return whk_statement_write(store, pool, SQL_KEY_REVOKE, arguments, revoked);
}

const whk_outcome_t *whk_store_key_plan(whk_store_t *store, apr_pool_t *pool, const whk_key_t *key,
                                        int *planned)
{
    apr_int64_t revokes = apr_time_as_msec(key->revokes);
    const void *arguments[] = {if_any(&revokes), key->seal, key->enterprise_id, key->key_id};

    return whk_statement_write(store, pool, SQL_KEY_PLAN, arguments, planned);
}

const whk_outcome_t *whk_store_key_get(whk_store_t *store, apr_pool_t *pool,
                                       const char *enterprise_id, const char *key_id,
                                       whk_key_t **key)
{
    const void *arguments[] = {enterprise_id, key_id};
    const wanted_t wanted = {.enterprise_id = enterprise_id, .key_id = key_id};

    return read_one(store, pool, SQL_KEY_GET, arguments, &wanted, key);
}

const whk_outcome_t *whk_store_key_by_thumbprint(whk_store_t *store, apr_pool_t *pool,
                                                 const char *enterprise_id, const char *thumbprint,
                                                 whk_key_t **key)
{
    const void *arguments[] = {enterprise_id, thumbprint};
    const wanted_t wanted = {.enterprise_id = enterprise_id, .thumbprint = thumbprint};

    return read_one(store, pool, SQL_KEY_BY_THUMBPRINT, arguments, &wanted, key);
}

/* ---- pages ---- */

/* A page: so many keys behind the first `offset` of those that match. */
typedef struct {
    const char *enterprise_id;
    apr_int64_t offset;
    apr_int64_t length;
    apr_int64_t now;         /* milliseconds */
    apr_array_header_t *due; /* numbers of the keys that are ACTIVE by their rows alone */
} page_t;

static int is_active(const char *status)
{
    return !strcmp(status, whk_key_status_name(WHK_KEY_STATUS_ACTIVE));
}

static const whk_outcome_t *counters_flaw(apr_pool_t *pool, const whk_enterprise_t *enterprise)
{
    if (enterprise->active_keys >= 0 && enterprise->active_keys <= enterprise->key_count)
        return NULL;
    return whk_fail(pool, WHK_INTERNAL_ERROR,
                    WHK_LOGNO(0102) "the row of enterprise %s tells of %" APR_INT64_T_FMT
                                    " ACTIVE keys of %" APR_INT64_T_FMT
                                    " in all: run whkctl audit verify",
                    enterprise->id, enterprise->active_keys, enterprise->key_count);
}

/* From the enterprise's row, since to count rows would cost more with each. */
static const whk_outcome_t *count_keys(whk_store_t *store, apr_pool_t *pool, const page_t *page,
                                       const char *status, apr_int64_t *total)
{
    whk_enterprise_t *enterprise;

    *total = 0;
    WHK_TRY(whk_store_enterprise_get(store, pool, page->enterprise_id, &enterprise));
    if (!enterprise)
        return NULL;
    WHK_TRY(counters_flaw(pool, enterprise));
    if (!status)
        *total = enterprise->key_count;
    else if (is_active(status))
        *total = enterprise->active_keys - page->due->nelts;
    else
        *total = enterprise->key_count - enterprise->active_keys + page->due->nelts;
    return NULL;
}

/* They are numbered without a gap, so which ones belong to the page is known before it is read. */
static const whk_outcome_t *read_page(whk_store_t *store, apr_pool_t *pool, const page_t *page,
                                      apr_array_header_t **keys)
{
    const void *arguments[] = {page->enterprise_id, &page->offset, &page->length};
    const wanted_t wanted = {.enterprise_id = page->enterprise_id};
    apr_int64_t i;

    WHK_TRY(read_keys(store, pool, SQL_KEY_PAGE, arguments, &wanted, keys));
    for (i = 0; i < page->length; i++)
        if (i >= (*keys)->nelts ||
            APR_ARRAY_IDX(*keys, i, const whk_key_t *)->number != page->offset + i + 1)
            return whk_fail(pool, WHK_INTERNAL_ERROR,
                            WHK_LOGNO(0103) "key number %" APR_INT64_T_FMT
                                            " of enterprise %s is missing: run whkctl audit verify",
                            page->offset + i + 1, page->enterprise_id);
    return NULL;
}

/* There are no more of them than WebhookKeysMaxActive let there be: to leave some out costs little.
 */
static const whk_outcome_t *read_active_page(whk_store_t *store, apr_pool_t *pool,
                                             const page_t *page, apr_array_header_t **keys)
{
    const void *arguments[] = {page->enterprise_id, &page->now, &page->length, &page->offset};
    const wanted_t wanted = {.enterprise_id = page->enterprise_id, .status = "ACTIVE"};

    return read_keys(store, pool, SQL_KEY_PAGE_ACTIVE, arguments, &wanted, keys);
}

static void *read_number(whk_row_t *row)
{
    apr_int64_t *number = apr_palloc(row->pool, sizeof(*number));

    *number = whk_row_number(row, 0);
    return number;
}

const whk_outcome_t *whk_store_key_active_numbers(whk_store_t *store, apr_pool_t *pool,
                                                  const char *enterprise_id,
                                                  apr_array_header_t **numbers)
{
    const void *arguments[] = {enterprise_id};

    return whk_statement_read(store, pool, SQL_KEY_ACTIVE_NUMBERS, arguments, read_number, numbers);
}

const whk_outcome_t *whk_store_key_due_numbers(whk_store_t *store, apr_pool_t *pool,
                                               const char *enterprise_id, apr_time_t now,
                                               apr_array_header_t **numbers)
{
    apr_int64_t until = apr_time_as_msec(now);
    const void *arguments[] = {enterprise_id, &until};

    return whk_statement_read(store, pool, SQL_KEY_DUE_NUMBERS, arguments, read_number, numbers);
}

static int is_among(const apr_array_header_t *numbers, apr_int64_t number)
{
    int i;

    for (i = 0; i < numbers->nelts; i++)
        if (*APR_ARRAY_IDX(numbers, i, const apr_int64_t *) == number)
            return 1;
    return 0;
}

/* Behind which number the REVOKED keys begin that follow on the first `offset` of them: whatever is
 * not REVOKED is ACTIVE, and of those there are few. */
static const whk_outcome_t *pass_revoked(whk_store_t *store, apr_pool_t *pool, const page_t *page,
                                         apr_int64_t *passed)
{
    apr_array_header_t *active;
    int i;

    WHK_TRY(whk_store_key_active_numbers(store, pool, page->enterprise_id, &active));
    *passed = page->offset;
    for (i = 0; i < active->nelts && *passed < APR_INT64_MAX; i++) {
        apr_int64_t number = *APR_ARRAY_IDX(active, i, const apr_int64_t *);

        if (number <= *passed && !is_among(page->due, number))
            ++*passed;
    }
    return NULL;
}

static const whk_outcome_t *read_due(whk_store_t *store, apr_pool_t *pool, const page_t *page,
                                     apr_int64_t after, apr_array_header_t **keys)
{
    const void *arguments[] = {page->enterprise_id, &page->now, &after, &page->length};
    const wanted_t wanted = {.enterprise_id = page->enterprise_id, .status = "ACTIVE"};

    return read_keys(store, pool, SQL_KEY_PAGE_DUE, arguments, &wanted, keys);
}

static apr_int64_t number_at(const apr_array_header_t *keys, int index)
{
    return APR_ARRAY_IDX(keys, index, const whk_key_t *)->number;
}

/* By number. Of a key that is in both, since its row was written between the two questions, the
 * row as it is now. */
static apr_array_header_t *merge(apr_pool_t *pool, const apr_array_header_t *due,
                                 const apr_array_header_t *revoked, apr_int64_t most)
{
    apr_array_header_t *merged = apr_array_make(pool, (int)most, sizeof(whk_key_t *));
    int from_due = 0;
    int from_revoked = 0;

    while (merged->nelts < most && (from_due < due->nelts || from_revoked < revoked->nelts)) {
        if (from_due < due->nelts &&
            (from_revoked == revoked->nelts ||
             number_at(due, from_due) < number_at(revoked, from_revoked))) {
            APR_ARRAY_PUSH(merged, whk_key_t *) = APR_ARRAY_IDX(due, from_due++, whk_key_t *);
            continue;
        }
        if (from_due < due->nelts && number_at(due, from_due) == number_at(revoked, from_revoked))
            from_due++;
        APR_ARRAY_PUSH(merged, whk_key_t *) = APR_ARRAY_IDX(revoked, from_revoked++, whk_key_t *);
    }
    return merged;
}

/* Those that are due are asked for first: what is written meanwhile is in both, and not in none. */
static const whk_outcome_t *read_revoked_page(whk_store_t *store, apr_pool_t *pool,
                                              const page_t *page, apr_array_header_t **keys)
{
    apr_int64_t passed;
    const void *arguments[] = {page->enterprise_id, &passed, &page->length};
    const wanted_t wanted = {.enterprise_id = page->enterprise_id, .status = "REVOKED"};
    apr_array_header_t *due = NULL;

    WHK_TRY(pass_revoked(store, pool, page, &passed));
    if (page->due->nelts)
        WHK_TRY(read_due(store, pool, page, passed, &due));
    WHK_TRY(read_keys(store, pool, SQL_KEY_PAGE_REVOKED, arguments, &wanted, keys));
    if (due && due->nelts)
        *keys = merge(pool, due, *keys, page->length);
    return NULL;
}

static const whk_outcome_t *read_page_of_status(whk_store_t *store, apr_pool_t *pool,
                                                const page_t *page, const char *status,
                                                apr_array_header_t **keys, apr_int64_t *total)
{
    apr_int64_t seen;

    WHK_TRY(is_active(status) ? read_active_page(store, pool, page, keys)
                              : read_revoked_page(store, pool, page, keys));
    /* Rows outvote the count: one more or less has got this status since; or somebody gave it to a
     * row, and then it must be seen, since its seal shows it. */
    seen = page->offset + (*keys)->nelts;
    if ((*keys)->nelts == 0 && page->offset > 0)
        return NULL;
    if (*total < seen || (*keys)->nelts < page->length)
        *total = seen;
    return NULL;
}

const whk_outcome_t *whk_store_key_list(whk_store_t *store, apr_pool_t *pool,
                                        const char *enterprise_id, const char *status,
                                        apr_time_t now, int limit, apr_int64_t offset,
                                        apr_array_header_t **keys, apr_int64_t *total)
{
    page_t page = {enterprise_id, offset, limit, apr_time_as_msec(now), NULL};

    if (status)
        WHK_TRY(whk_store_key_due_numbers(store, pool, enterprise_id, now, &page.due));
    WHK_TRY(count_keys(store, pool, &page, status, total));
    if (status)
        return read_page_of_status(store, pool, &page, status, keys, total);
    if (offset >= *total) {
        *keys = apr_array_make(pool, 1, sizeof(whk_key_t *));
        return NULL;
    }
    /* Not one that was registered since. */
    if (page.length > *total - offset)
        page.length = *total - offset;
    return read_page(store, pool, &page, keys);
}

/* ---- others ---- */

const whk_outcome_t *whk_store_key_list_active(whk_store_t *store, apr_pool_t *pool,
                                               const char *enterprise_id, apr_array_header_t **keys)
{
    const void *arguments[] = {enterprise_id};
    const wanted_t wanted = {.enterprise_id = enterprise_id, .status = "ACTIVE"};

    return read_keys(store, pool, SQL_KEY_LIST_ACTIVE, arguments, &wanted, keys);
}

const whk_outcome_t *whk_store_key_list_revoked(whk_store_t *store, apr_pool_t *pool,
                                                const char *enterprise_id, int most,
                                                apr_array_header_t **keys)
{
    apr_int64_t limit = most;
    const void *arguments[] = {enterprise_id, &limit};
    const wanted_t wanted = {.enterprise_id = enterprise_id, .status = "REVOKED"};

    return read_keys(store, pool, SQL_KEY_LIST_REVOKED, arguments, &wanted, keys);
}

const whk_outcome_t *whk_store_key_list_due(whk_store_t *store, apr_pool_t *pool, apr_time_t after,
                                            apr_time_t now, int limit, apr_array_header_t **keys)
{
    apr_int64_t from = apr_time_as_msec(after);
    apr_int64_t until = apr_time_as_msec(now);
    apr_int64_t most = limit;
    const void *arguments[] = {&from, &until, &most};
    const wanted_t wanted = {.status = "ACTIVE"};

    return read_keys(store, pool, SQL_KEY_LIST_DUE, arguments, &wanted, keys);
}

const whk_outcome_t *whk_store_key_list_due_of(whk_store_t *store, apr_pool_t *pool,
                                               const char *enterprise_id, apr_time_t now, int limit,
                                               apr_array_header_t **keys)
{
    const page_t page = {enterprise_id, 0, limit, apr_time_as_msec(now), NULL};

    return read_due(store, pool, &page, 0, keys);
}

const whk_outcome_t *whk_store_key_set_last_used(whk_store_t *store, apr_pool_t *pool,
                                                 const char *enterprise_id, const char *key_id,
                                                 apr_time_t when, apr_interval_time_t step)
{
    apr_int64_t used = apr_time_as_msec(when);
    apr_int64_t before = apr_time_as_msec(when - step);
    apr_int64_t ahead = apr_time_as_msec(when + step);
    const void *arguments[] = {&used, enterprise_id, key_id, &before, &ahead};

    return whk_statement_write(store, pool, SQL_KEY_SET_LAST_USED, arguments, NULL);
}

const whk_outcome_t *whk_store_key_list_by_uri(whk_store_t *store, apr_pool_t *pool,
                                               const char *uri, apr_array_header_t **keys)
{
    const void *arguments[] = {uri};
    const wanted_t wanted = {.uri = uri, .status = "ACTIVE"};

    return read_keys(store, pool, SQL_KEY_LIST_BY_URI, arguments, &wanted, keys);
}

const whk_outcome_t *whk_store_key_update_remote(whk_store_t *store, apr_pool_t *pool,
                                                 const whk_key_t *key, int *updated)
{
    apr_int64_t gone = apr_time_as_msec(key->gone);
    const void *arguments[] = {whk_remote_flaw_name(key->remote_flaw),
                               key->jwk,
                               key->thumbprint,
                               key->algorithm,
                               if_any(&gone),
                               key->seal,
                               key->enterprise_id,
                               key->key_id};

    return whk_statement_write(store, pool, SQL_KEY_UPDATE_REMOTE, arguments, updated);
}

const whk_outcome_t *whk_store_key_set_refused(whk_store_t *store, apr_pool_t *pool,
                                               const whk_key_t *key, const char *refused)
{
    const void *arguments[] = {refused, key->enterprise_id, key->key_id};

    return whk_statement_write(store, pool, SQL_KEY_SET_REFUSED, arguments, NULL);
}

const whk_outcome_t *whk_store_key_walk(whk_store_t *store, apr_pool_t *pool,
                                        const char *enterprise_id, const char *after, int limit,
                                        apr_array_header_t **keys)
{
    apr_int64_t most = limit;
    const void *arguments[] = {enterprise_id, after, &most};
    const wanted_t wanted = {.enterprise_id = enterprise_id};

    return read_keys(store, pool, SQL_KEY_WALK, arguments, &wanted, keys);
}

const whk_outcome_t *whk_store_key_reseal(whk_store_t *store, apr_pool_t *pool,
                                          const whk_key_t *key, const char *seal, int *done)
{
    const void *arguments[] = {seal, key->enterprise_id, key->key_id, key->seal};

    return whk_statement_write(store, pool, SQL_KEY_RESEAL, arguments, done);
}
