/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tokens.h"
#include "store/write.h"

static void *read_token(whk_row_t *row)
{
    whk_token_t *token = apr_pcalloc(row->pool, sizeof(*token));

    token->id = whk_row_text(row, 0);
    token->hash = whk_row_text(row, 1);
    token->user = whk_row_text(row, 2);
    token->label = whk_row_text_or_null(row, 3);
    token->created = whk_row_time(row, 4);
    token->expires = whk_row_time(row, 5);
    token->revoked = whk_row_time(row, 6);
    return token;
}

const whk_outcome_t *whk_store_token_find(whk_store_t *store, apr_pool_t *pool, const char *hash,
                                          whk_token_t **token)
{
    const void *arguments[] = {hash};

    return whk_statement_read_one(store, pool, SQL_TOKEN_FIND, arguments, read_token,
                                  (void **)token);
}

const whk_outcome_t *whk_store_token_insert(whk_store_t *store, apr_pool_t *pool,
                                            const whk_token_t *token)
{
    apr_int64_t created = apr_time_as_msec(token->created);
    apr_int64_t expires = apr_time_as_msec(token->expires);
    const void *arguments[] = {token->id,    token->hash, token->user,
                               token->label, &created,    token->expires ? &expires : NULL};

    return whk_write(store, pool, SQL_TOKEN_INSERT, arguments, NULL);
}

const whk_outcome_t *whk_store_token_list(whk_store_t *store, apr_pool_t *pool, const char *user,
                                          apr_array_header_t **tokens)
{
    const void *arguments[] = {user};

    return whk_statement_read(store, pool, user ? SQL_TOKEN_LIST_OF_USER : SQL_TOKEN_LIST,
                              arguments, read_token, tokens);
}

const whk_outcome_t *whk_store_token_revoke(whk_store_t *store, apr_pool_t *pool, const char *id,
                                            apr_time_t when, int *revoked)
{
    apr_int64_t revoked_at = apr_time_as_msec(when);
    const void *arguments[] = {&revoked_at, id};

    return whk_write(store, pool, SQL_TOKEN_REVOKE, arguments, revoked);
}
