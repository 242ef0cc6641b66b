/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api/list_query.h"

#include <errno.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define LIMIT_DEFAULT 50
#define LIMIT_MOST 100

/* The digits of the largest offset that a store can hold. */
#define DIGITS_MOST 19

typedef struct {
    const char *limit;
    const char *offset;
    const char *status;
} parameters_t;

static const whk_outcome_t *read_parameter(request_rec *r, char *pair, parameters_t *parameters,
                                           int with_status)
{
    char *value = strchr(pair, '=');
    const char **place = NULL;

    if (value)
        *value++ = '\0';
    else
        value = pair + strlen(pair);
    if (ap_unescape_urlencoded(pair) != OK)
        return NULL;
    if (!strcmp(pair, "limit"))
        place = &parameters->limit;
    else if (!strcmp(pair, "prevId"))
        place = &parameters->offset;
    else if (with_status && !strcmp(pair, "status"))
        place = &parameters->status;
    if (!place)
        return NULL;
    if (*place)
        return whk_refuse(r->pool, WHK_INVALID_REQUEST, "%s is given twice in the query", pair);
    *place = ap_unescape_urlencoded(value) == OK ? value : "";
    return NULL;
}

static const whk_outcome_t *read_number(request_rec *r, const char *name, const char *text,
                                        apr_int64_t least, apr_int64_t most, apr_int64_t *number)
{
    apr_size_t digits = 0;

    if (!text)
        return NULL;
    while (apr_isdigit(text[digits]))
        digits++;
    if (digits > 0 && digits <= DIGITS_MOST && !text[digits]) {
        apr_int64_t value;

        errno = 0;
        value = apr_strtoi64(text, NULL, 10);
        if (!errno && value >= least && value <= most) {
            *number = value;
            return NULL;
        }
    }
    if (most == APR_INT64_MAX)
        return whk_refuse(r->pool, WHK_INVALID_REQUEST, "%s must be a whole number of 0 or more",
                          name);
    return whk_refuse(r->pool, WHK_INVALID_REQUEST, "%s must be a whole number from %d to %d", name,
                      (int)least, (int)most);
}

static const whk_outcome_t *read_status(request_rec *r, const char *text, const char **status)
{
    *status = text;
    if (!text || !strcmp(text, whk_key_status_name(WHK_KEY_STATUS_ACTIVE)) ||
        !strcmp(text, whk_key_status_name(WHK_KEY_STATUS_REVOKED)))
        return NULL;
    return whk_refuse(r->pool, WHK_INVALID_REQUEST, "status must be ACTIVE or REVOKED");
}

const whk_outcome_t *whk_list_query_read(request_rec *r, whk_page_t *page, const char **status)
{
    parameters_t parameters = {NULL, NULL, NULL};
    apr_int64_t limit = LIMIT_DEFAULT;
    char *state = NULL;
    char *pair = apr_strtok(apr_pstrdup(r->pool, r->args ? r->args : ""), "&", &state);

    for (; pair; pair = apr_strtok(NULL, "&", &state))
        WHK_TRY(read_parameter(r, pair, &parameters, status != NULL));
    page->offset = 0;
    WHK_TRY(read_number(r, "limit", parameters.limit, 1, LIMIT_MOST, &limit));
    WHK_TRY(read_number(r, "prevId", parameters.offset, 0, APR_INT64_MAX, &page->offset));
    page->limit = (int)limit;
    return status ? read_status(r, parameters.status, status) : NULL;
}
