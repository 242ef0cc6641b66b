/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What is counted: each series of docs/metrics.md, with its labels, as data. Labels are of a few
 * words that are known here; no text of a client is one. */

#include "model/outcome.h"

typedef enum {
    WHK_COUNTER,  /**< only grows, over reloads too */
    WHK_GAUGE,    /**< a number as it is now */
    WHK_AGE,      /**< a gauge of seconds: since the time that was set; none is 0 */
    WHK_HISTOGRAM /**< of seconds */
} whk_series_kind_t;

/** The words that a label may have. */
typedef enum {
    WHK_LABEL_NONE,
    WHK_LABEL_SOURCE,
    WHK_LABEL_BY,
    WHK_LABEL_DOOR,
    WHK_LABEL_CODE,
    WHK_LABEL_OTP_RESULT,
    WHK_LABEL_SCHEME,
    WHK_LABEL_OUTCOME,
    WHK_LABEL_ALGORITHM,
    WHK_LABEL_RESULT,
    WHK_LABEL_LOOKUP,
    WHK_LABEL_OPERATION,
    WHK_LABEL_FETCH_RESULT,
    WHK_LABEL_SET_STATE,
    WHK_LABEL_NOTIFICATION,
    WHK_LABEL_DELIVERY,
    WHK_LABEL_COUNT
} whk_label_t;

enum {
    WHK_SOURCE_JWKS,
    WHK_SOURCE_JWKS_URI
};
enum {
    WHK_BY_API,
    WHK_BY_SCHEDULE,
    WHK_BY_BACKGROUND
};
enum {
    WHK_OTP_RESULT_ACCEPTED,
    WHK_OTP_RESULT_REFUSED,
    WHK_OTP_RESULT_LOCKED
};
enum {
    WHK_RESULT_GOOD,
    WHK_RESULT_BAD
};
enum {
    WHK_LOOKUP_HIT,
    WHK_LOOKUP_MISS
};
enum {
    WHK_OPERATION_READ,
    WHK_OPERATION_WRITE
};
enum {
    WHK_FETCH_OK,
    WHK_FETCH_NOT_MODIFIED,
    WHK_FETCH_REFUSED,
    WHK_FETCH_UNREACHABLE
};
enum {
    WHK_SET_FRESH,
    WHK_SET_FAILING
};

enum {
    WHK_DELIVERY_DONE,
    WHK_DELIVERY_FAILED
};

/** Of WHK_LABEL_OUTCOME: 0 is ok. */
#define WHK_OUTCOME_OF(outcome) ((outcome) ? 1 + (int)(outcome)->code : 0)

/* name, kind, labels, help */
#define WHK_SERIES_LIST(X)                                                                         \
    X(REGISTRATIONS, "registrations_total", WHK_COUNTER, SOURCE, NONE,                             \
      "Keys that were registered by this node")                                                    \
    X(REVOCATIONS, "revocations_total", WHK_COUNTER, BY, NONE,                                     \
      "Keys that were revoked by this node")                                                       \
    X(REFUSALS, "refusals_total", WHK_COUNTER, DOOR, CODE,                                         \
      "Requests and answers that were stopped, by error code")                                     \
    X(LET_THROUGH, "let_through_total", WHK_COUNTER, CODE, NONE,                                   \
      "Webhooks that WebhookKeysEnforce Off let through, by the code that would have stopped "     \
      "them")                                                                                      \
    X(OTP_CHECKS, "otp_checks_total", WHK_COUNTER, OTP_RESULT, NONE,                               \
      "One-time passwords that were checked")                                                      \
    X(OTP_LOCKS, "otp_locks_total", WHK_COUNTER, NONE, NONE,                                       \
      "Users that were locked after refused one-time passwords")                                   \
    X(VERIFICATIONS, "verifications_total", WHK_COUNTER, SCHEME, OUTCOME,                          \
      "Webhooks and answers that were verified, by what came of it")                               \
    X(SIGNATURES, "signatures_total", WHK_COUNTER, ALGORITHM, RESULT,                              \
      "Signatures that were compared with a key")                                                  \
    X(VERIFY_DURATION, "verify_duration_seconds", WHK_HISTOGRAM, SCHEME, NONE,                     \
      "Time to verify a webhook or an answer, without waiting for its body")                       \
    X(SIGNED, "signed_total", WHK_COUNTER, SCHEME, NONE,                                           \
      "Requests that were signed by WebhookKeysSign")                                              \
    X(KEY_LOOKUPS, "key_lookups_total", WHK_COUNTER, LOOKUP, NONE,                                 \
      "Looks for an enterprise's keys in the process's cache")                                     \
    X(KEY_CACHE_BYTES, "key_cache_bytes", WHK_GAUGE, NONE, NONE,                                   \
      "Memory that cached keys take, of all processes")                                            \
    X(KEY_CACHE_LIMIT_BYTES, "key_cache_limit_bytes", WHK_GAUGE, NONE, NONE,                       \
      "WebhookKeysCacheSize of all processes")                                                     \
    X(STORE_DURATION, "store_duration_seconds", WHK_HISTOGRAM, OPERATION, NONE,                    \
      "Time of a statement or transaction of the registry's database, waiting included")           \
    X(STORE_ERRORS, "store_errors_total", WHK_COUNTER, OPERATION, NONE,                            \
      "Statements and transactions that failed")                                                   \
    X(STORE_UP, "store_up", WHK_GAUGE, NONE, NONE,                                                 \
      "1 where the registry's database answered when it was asked last, else 0")                   \
    X(STORE_AWAY, "store_away_seconds", WHK_AGE, NONE, NONE,                                       \
      "For how long the registry's database has not answered; 0: it does")                         \
    X(FETCH_DURATION, "fetch_duration_seconds", WHK_HISTOGRAM, NONE, NONE,                         \
      "Time to fetch a key set by URI")                                                            \
    X(FETCHES, "fetches_total", WHK_COUNTER, FETCH_RESULT, NONE, "Fetches of key sets by URI")     \
    X(KEY_SETS, "key_sets", WHK_GAUGE, SET_STATE, NONE,                                            \
      "Key sets by URI that this node fetched last, by what came of it")                           \
    X(KEY_SET_OLDEST, "key_set_oldest_seconds", WHK_AGE, NONE, NONE,                               \
      "How long ago that of them was good which has failed for longest; 0: none fails")            \
    X(NODE_LAG, "node_lag_seconds", WHK_AGE, NONE, NONE,                                           \
      "How long ago this node last knew of all changes of keys")                                   \
    X(ENTERPRISES, "enterprises", WHK_GAUGE, NONE, NONE, "Enterprises that this node knows of")    \
    X(DIRECTORY_FULL, "directory_full", WHK_GAUGE, NONE, NONE,                                     \
      "1 where there are more enterprises than WebhookKeysMaxEnterprises, else 0")                 \
    X(REPLAY_ENTRIES, "replay_entries", WHK_GAUGE, NONE, NONE,                                     \
      "Webhooks that are remembered against replays")                                              \
    X(REPLAY_CAPACITY, "replay_capacity", WHK_GAUGE, NONE, NONE,                                   \
      "WebhookKeysReplayEntries, 0 without WebhookKeysReplayCache")                                \
    X(NOTIFICATIONS, "notifications_total", WHK_COUNTER, NOTIFICATION, DELIVERY,                   \
      "Runs of the program of WebhookKeysNotify")                                                  \
    X(NOTIFICATIONS_PENDING, "notifications_pending", WHK_GAUGE, NONE, NONE,                       \
      "Enterprises with events that WebhookKeysNotify has still to tell")

#define WHK_SERIES_ID(id, name, kind, first, second, help) WHK_##id,
typedef enum {
    WHK_SERIES_LIST(WHK_SERIES_ID) WHK_SERIES_COUNT
} whk_series_id_t;

typedef struct whk_series_t {
    const char *name; /**< behind `webhook_keys_` */
    whk_series_kind_t kind;
    whk_label_t labels[2];
    const char *help;
} whk_series_t;

extern const whk_series_t whk_series[WHK_SERIES_COUNT];

/** The label's name; NULL for WHK_LABEL_NONE. */
const char *whk_label_name(whk_label_t label);

/** How many words it may have; 1 for WHK_LABEL_NONE. */
int whk_label_count(whk_label_t label);

/** One of them. */
const char *whk_label_word(whk_label_t label, int index);

/** Which one a word is; the last, `other`, of WHK_LABEL_SCHEME and WHK_LABEL_ALGORITHM where it is
 * none of them, and 0 of the others. */
int whk_label_index(whk_label_t label, const char *word);

/** The upper ends of a histogram's buckets, in microseconds; behind them is one without end. */
#define WHK_BUCKETS 17
extern const int whk_bucket_ends[WHK_BUCKETS];

/** How many numbers a series has for each word of its labels. Of a histogram: buckets, and their
 * sum in microseconds. */
int whk_series_width(whk_series_id_t series);

/** How many it has in all. */
int whk_series_size(whk_series_id_t series);
