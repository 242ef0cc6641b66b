/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/series.h"

#include <string.h>

#define SERIES_ROW(id, name, kind, first, second, help)                                            \
    {name, kind, {WHK_LABEL_##first, WHK_LABEL_##second}, help},
const whk_series_t whk_series[WHK_SERIES_COUNT] = {WHK_SERIES_LIST(SERIES_ROW)};

const int whk_bucket_ends[WHK_BUCKETS] = {50,     100,     250,     500,     1000,    2500,
                                          5000,   10000,   25000,   50000,   100000,  250000,
                                          500000, 1000000, 2500000, 5000000, 10000000};

static const char *const none[] = {""};
static const char *const sources[] = {"jwks", "jwks_uri"};
static const char *const by[] = {"api", "schedule", "background"};
static const char *const doors[] = {"api", "webhook", "answer"};
static const char *const otp_results[] = {"accepted", "refused", "locked"};
static const char *const schemes[] = {
    "jws", "jws-detached", "jwt", "http-signature", "standard-webhooks", "other"};
static const char *const algorithms[] = {"EdDSA",  "Ed448", "ES256", "ES384", "ES512",
                                         "ES256K", "RS256", "RS384", "RS512", "PS256",
                                         "PS384",  "PS512", "other"};
static const char *const results[] = {"good", "bad"};
static const char *const lookups[] = {"hit", "miss"};
static const char *const operations[] = {"read", "write"};
static const char *const fetch_results[] = {"ok", "not_modified", "refused", "unreachable"};
static const char *const set_states[] = {"fresh", "failing"};

static const char *const notifications[] = {"registered",      "revoked",   "revocation-planned",
                                            "revocation-near", "unused",    "key-changed",
                                            "unreachable",     "otp-locked"};
static const char *const deliveries[] = {"done", "failed"};

#define WORDS(list) list, (int)(sizeof(list) / sizeof((list)[0]))

static const struct {
    const char *name;
    const char *const *words; /* NULL: codes */
    int count;
} labels[WHK_LABEL_COUNT] = {
    [WHK_LABEL_NONE] = {NULL, WORDS(none)},
    [WHK_LABEL_SOURCE] = {"source", WORDS(sources)},
    [WHK_LABEL_BY] = {"by", WORDS(by)},
    [WHK_LABEL_DOOR] = {"door", WORDS(doors)},
    [WHK_LABEL_CODE] = {"code", NULL, WHK_CODE_COUNT},
    [WHK_LABEL_OTP_RESULT] = {"result", WORDS(otp_results)},
    [WHK_LABEL_SCHEME] = {"scheme", WORDS(schemes)},
    [WHK_LABEL_OUTCOME] = {"outcome", NULL, WHK_CODE_COUNT + 1},
    [WHK_LABEL_ALGORITHM] = {"alg", WORDS(algorithms)},
    [WHK_LABEL_RESULT] = {"result", WORDS(results)},
    [WHK_LABEL_LOOKUP] = {"result", WORDS(lookups)},
    [WHK_LABEL_OPERATION] = {"operation", WORDS(operations)},
    [WHK_LABEL_FETCH_RESULT] = {"result", WORDS(fetch_results)},
    [WHK_LABEL_NOTIFICATION] = {"event", WORDS(notifications)},
    [WHK_LABEL_DELIVERY] = {"result", WORDS(deliveries)},
    [WHK_LABEL_SET_STATE] = {"state", WORDS(set_states)},
};

const char *whk_label_name(whk_label_t label)
{
    return labels[label].name;
}

int whk_label_count(whk_label_t label)
{
    return labels[label].count;
}

const char *whk_label_word(whk_label_t label, int index)
{
    if (labels[label].words)
        return labels[label].words[index];
    if (label == WHK_LABEL_OUTCOME)
        return index ? whk_code_name((whk_code_t)(index - 1)) : "ok";
    return whk_code_name((whk_code_t)index);
}

int whk_label_index(whk_label_t label, const char *word)
{
    int i;

    for (i = 0; i < labels[label].count; i++)
        if (!strcmp(whk_label_word(label, i), word))
            return i;
    return label == WHK_LABEL_SCHEME || label == WHK_LABEL_ALGORITHM ? labels[label].count - 1 : 0;
}

int whk_series_width(whk_series_id_t series)
{
    return whk_series[series].kind == WHK_HISTOGRAM ? WHK_BUCKETS + 2 : 1;
}

int whk_series_size(whk_series_id_t series)
{
    const whk_label_t *of = whk_series[series].labels;

    return whk_label_count(of[0]) * whk_label_count(of[1]) * whk_series_width(series);
}
