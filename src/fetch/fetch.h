/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Fetch what a caller's jwksUri leads to, without becoming the caller's tool (docs/api.md,
 * "What a jwksUri must be").
 *
 * Every address that the host's name has is checked before the first packet leaves, and the address
 * of each socket again before it is connected (fetch/address_guard.h). One refused address refuses
 * the fetch, in whatever order they come. No redirect is followed; no proxy is taken from the
 * environment; no cookie, credential or referrer is sent; HTTP/1.1 over TLS 1.2 or newer.
 *
 * What a caller learns: `jwks_uri_refused`, always with the same message, where an address was
 * refused, where the name has none, and where it was not resolved in time. `jwks_uri_unreachable`
 * is said only after a permitted address was tried, and says what went wrong there, but holds no
 * byte of what was fetched.
 *
 * What time tells all the same: a literal address is refused at once, whatever is there. A name is
 * refused no earlier than its resolver answered, so an existing and a missing inside name differ by
 * what the resolver needs for them. Such a refusal therefore leaves only at whole multiples of
 * WHK_REFUSAL_STEP after the fetch began: what shows is in which step, of at most eight by default
 * (`connect_timeout`), the resolver answered.
 *
 * With an operator's proxy the proxy looks names up and connects: the guard then checks literal
 * addresses and `localhost` alone, and the proxy must refuse the rest. It is used for every URI,
 * also for those of the allow list, by CONNECT only, and whatever it refuses or can't do is
 * `jwks_uri_refused`. */

#include <apr_pools.h>
#include <apr_time.h>

#include "fetch/fetch_settings.h"
#include "model/outcome.h"

/** The grid on which refusals of names leave. */
#define WHK_REFUSAL_STEP apr_time_from_msec(250)

typedef struct whk_fetcher_t whk_fetcher_t;

/** Make the one fetcher of a process: after the last fork, before the threads start. Any number of
 * threads may use it; they share DNS answers, TLS sessions and, one after another, connections. It
 * ends with `pool`, when no fetch is under way.
 * @return APR_SUCCESS, APR_ENOMEM, APR_ENOTIMPL where libcurl lacks TLS or a resolver that can be
 *         timed out, or what creating a mutex says */
apr_status_t whk_fetcher_create(whk_fetcher_t **fetcher, const whk_fetch_settings_t *settings,
                                apr_pool_t *pool);

/** What was fetched, in the pool of the fetch. */
typedef struct whk_fetched_t {
    const char *body; /**< any bytes, and a NUL after them; NULL where `not_modified` */
    apr_size_t length;
    const char *etag;    /**< for the next fetch's `if_none_match`; NULL: none that can be sent */
    apr_int64_t max_age; /**< seconds by Cache-Control (RFC 9111 section 5.2.2), 0 where it forbids
                            keeping; -1: not told */
    apr_time_t date;     /**< by Date (RFC 9110 section 6.6.1); 0: not told, or by a cache */
    int not_modified;    /**< 304 to `if_none_match`: what it stands for is still good */
} whk_fetched_t;

/** Fetch a URI. Blocks for `timeout` at most, and holds no lock meanwhile. How many fetches run at
 * once is the caller's to limit.
 * @param uri           as the customer gave it
 * @param if_none_match an earlier result's `etag`, or NULL
 * @param stop          once it is not 0 the fetch breaks off, within a second; NULL: never
 * @param result        set on success
 * @return NULL; invalid_jwks_uri, jwks_uri_refused (operator_hint says which address and why, or
 *         that the name was not resolved), jwks_uri_unreachable; internal_error where CA file,
 *         proxy or memory fail us; too_busy where it was broken off. No message repeats a byte of
 * the answer. */
const whk_outcome_t *whk_fetch(whk_fetcher_t *fetcher, const char *uri, const char *if_none_match,
                               const volatile apr_uint32_t *stop, whk_fetched_t *result,
                               apr_pool_t *pool);
