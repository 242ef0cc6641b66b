/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/operator_tables.h"

#include <apr_encode.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "model/log_number.h"
#include "store/enterprises.h"
#include "store/operator_query.h"

/* Bytes of a secret: 128 bits at least (RFC 4226 section 4). */
#define SECRET_LEAST 16
#define SECRET_MOST 128

static const whk_outcome_t *query_failed(apr_pool_t *pool, const char *directive,
                                         const whk_outcome_t *outcome)
{
    return whk_fail(pool, WHK_STORE_UNAVAILABLE, WHK_LOGNO(0234) "%s can't be answered: %s",
                    directive, whk_outcome_reason(outcome));
}

static const whk_outcome_t *ask(whk_registry_t *registry, const char *directive, const char *query,
                                const void **arguments, apr_array_header_t **rows)
{
    const whk_outcome_t *outcome =
        whk_store_operator_query(registry->store, registry->pool, query, arguments, rows);

    return outcome ? query_failed(registry->pool, directive, outcome) : NULL;
}

static const whk_outcome_t *too_few(apr_pool_t *pool, const char *directive, const char *what)
{
    return whk_fail(pool, WHK_INTERNAL_ERROR, WHK_LOGNO(0235) "%s must select %s", directive, what);
}

static const char *column(const apr_array_header_t *row, int index)
{
    const char *text = index < row->nelts ? APR_ARRAY_IDX(row, index, const char *) : NULL;

    return text ? text : "";
}

/* ---- tokens ---- */

const whk_outcome_t *whk_operator_token(whk_registry_t *registry, const char *hash,
                                        const char **user)
{
    const void *arguments[] = {hash};
    apr_array_header_t *rows;

    *user = NULL;
    WHK_TRY(
        ask(registry, "WebhookKeysTokenQuery", registry->policy->token_query, arguments, &rows));
    /* Two who share a token are not to be told apart. */
    if (rows->nelts == 1 && *column(APR_ARRAY_IDX(rows, 0, const apr_array_header_t *), 0))
        *user = column(APR_ARRAY_IDX(rows, 0, const apr_array_header_t *), 0);
    return NULL;
}

/* ---- admins ---- */

static int names(const apr_array_header_t *row, const char *enterprise_id, const char *user)
{
    return !strcmp(column(row, 0), enterprise_id) && !strcmp(column(row, 1), user);
}

const whk_outcome_t *whk_operator_admin(whk_registry_t *registry, const char *enterprise_id,
                                        const char *user, int *is_admin)
{
    const void *arguments[] = {enterprise_id, user};
    apr_array_header_t *rows;
    whk_enterprise_t *enterprise;
    int i;

    *is_admin = 0;
    WHK_TRY(
        ask(registry, "WebhookKeysAdminQuery", registry->policy->admin_query, arguments, &rows));
    for (i = 0; i < rows->nelts && !*is_admin; i++) {
        const apr_array_header_t *row = APR_ARRAY_IDX(rows, i, const apr_array_header_t *);

        if (row->nelts < 2)
            return too_few(registry->pool, "WebhookKeysAdminQuery",
                           "the enterprise and the user, in this order");
        *is_admin = names(row, enterprise_id, user);
    }
    if (!*is_admin)
        return NULL;
    WHK_TRY(whk_store_enterprise_get(registry->store, registry->pool, enterprise_id, &enterprise));
    *is_admin = enterprise != NULL;
    return NULL;
}

/* ---- secrets ---- */

/* Base32 as people write it: with spaces, in any case, padded or not. */
static const char *tidy(apr_pool_t *pool, const char *text)
{
    char *copy = apr_palloc(pool, strlen(text) + 1);
    char *end = copy;

    for (; *text; text++)
        if (!strchr(" -=", *text))
            *end++ = (char)apr_toupper(*text);
    *end = '\0';
    return copy;
}

static int read_number(const apr_array_header_t *row, int index, int fallback)
{
    const char *text = column(row, index);
    char *end;
    long number = strtol(text, &end, 10);

    if (!*text)
        return fallback;
    return *end || number < 0 || number > 1000 ? -1 : (int)number;
}

static const char *read_algorithm(const apr_array_header_t *row)
{
    static const char *const names_of[][2] = {{"sha1", "sha1"},     {"sha-1", "sha1"},
                                              {"sha256", "sha256"}, {"sha-256", "sha256"},
                                              {"sha512", "sha512"}, {"sha-512", "sha512"}};
    const char *text = column(row, 2);
    apr_size_t i;

    if (!*text)
        return "sha1";
    for (i = 0; i < sizeof(names_of) / sizeof(names_of[0]); i++)
        if (!strcasecmp(names_of[i][0], text))
            return names_of[i][1];
    return "";
}

static const whk_outcome_t *read_secret(whk_registry_t *registry, const apr_array_header_t *row,
                                        whk_operator_secret_t **secret)
{
    whk_operator_secret_t *read = apr_pcalloc(registry->pool, sizeof(*read));
    const char *user = column(row, 0);

    read->totp = (whk_totp_t){read_algorithm(row), read_number(row, 3, 6), read_number(row, 4, 30)};
    if (!whk_totp_valid(&read->totp))
        return whk_fail(registry->pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0236) "WebhookKeysOTPSecretQuery must select for user %s sha1, "
                                        "sha256 or sha512, 6 or 8 digits, and a period of 15 to 60 "
                                        "seconds, or NULL for each",
                        user);
    read->bytes = (unsigned char *)apr_pdecode_base32_binary(
        registry->pool, tidy(registry->pool, column(row, 1)), APR_ENCODE_STRING, APR_ENCODE_NONE,
        &read->length);
    if (!read->bytes || read->length < SECRET_LEAST || read->length > SECRET_MOST)
        return whk_fail(registry->pool, WHK_INTERNAL_ERROR,
                        WHK_LOGNO(0237) "WebhookKeysOTPSecretQuery must select for user %s a "
                                        "secret of %d to %d bytes, in base32",
                        user, SECRET_LEAST, SECRET_MOST);
    *secret = read;
    return NULL;
}

const whk_outcome_t *whk_operator_secret(whk_registry_t *registry, const char *user,
                                         whk_operator_secret_t **secret)
{
    const void *arguments[] = {user};
    apr_array_header_t *rows;
    int i;

    *secret = NULL;
    WHK_TRY(ask(registry, "WebhookKeysOTPSecretQuery", registry->policy->otp_secret_query,
                arguments, &rows));
    for (i = 0; i < rows->nelts; i++) {
        const apr_array_header_t *row = APR_ARRAY_IDX(rows, i, const apr_array_header_t *);

        if (row->nelts < 2)
            return too_few(registry->pool, "WebhookKeysOTPSecretQuery",
                           "the user and the secret, in this order");
        if (!strcmp(column(row, 0), user) && *column(row, 1))
            return read_secret(registry, row, secret);
    }
    return NULL;
}
