/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_encode.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/print.h"
#include "model/name.h"
#include "model/random.h"
#include "model/timestamp.h"
#include "registry/digest.h"
#include "store/tokens.h"

/* Lets a scanner for leaked secrets know a token of ours when it sees one. */
#define PREFIX "whk_"
#define RANDOM_BYTES 32
#define YEARS_MAX 100

static apr_int64_t seconds_of_unit(char unit)
{
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    case 'w':
        return 7 * INT64_C(86400);
    default:
        return 0;
    }
}

/* `90d` and the like. @return an exit status */
static int read_duration(whk_invocation_t *invocation, const char *text,
                         apr_interval_time_t *duration)
{
    static const apr_int64_t most = (apr_int64_t)YEARS_MAX * 366 * 86400;
    char *end = (char *)text;
    apr_int64_t number = apr_isdigit(*text) ? apr_strtoi64(text, &end, 10) : 0;
    apr_int64_t unit = *end && end[1] == '\0' ? seconds_of_unit(*end) : 0;

    if (number < 1 || !unit)
        return whk_misused(invocation->command,
                           "--expires must be a whole number and s, m, h, d or "
                           "w, as 90d");
    if (number > most / unit)
        return whk_misused(invocation->command, "--expires must be %d years at most", YEARS_MAX);
    *duration = apr_time_from_sec(number * unit);
    return WHK_EXIT_DONE;
}

static const char *new_token(apr_pool_t *pool)
{
    unsigned char bytes[RANDOM_BYTES];
    const char *token = NULL;

    if (whk_random(bytes, sizeof(bytes)) == APR_SUCCESS)
        token = apr_pstrcat(
            pool, PREFIX,
            apr_pencode_base64_binary(pool, bytes, sizeof(bytes), APR_ENCODE_BASE64URL, NULL),
            NULL);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return token;
}

static int print_issued(whk_invocation_t *invocation, const whk_token_t *token, const char *text)
{
    const char *expires = whk_print_time(invocation->pool, token->expires);

    if (invocation->json)
        return whk_print_json(json_pack("{s:s, s:s, s:s, s:s?}", "id", token->id, "user",
                                        token->user, "token", text, "expires", expires));
    puts(text);
    whk_hint("Token %s of %s, good %s%s. It is shown this once.", token->id, token->user,
             expires ? "until " : "until it is revoked", expires ? expires : "");
    return WHK_EXIT_DONE;
}

int whk_cmd_token_issue(whk_invocation_t *invocation)
{
    whk_token_t token = {.user = invocation->operand[0],
                         .label = invocation->option[WHK_OPTION_LABEL],
                         .created = whk_time_now()};
    const char *expires = invocation->option[WHK_OPTION_EXPIRES];
    apr_interval_time_t duration = 0;
    const char *text;

    WHK_TRY_STATUS(whk_invocation_check_name("USER", token.user, whk_user_flaw));
    if (token.label)
        WHK_TRY_STATUS(whk_invocation_check_name("--label", token.label, whk_name_flaw));
    if (expires)
        WHK_TRY_STATUS(read_duration(invocation, expires, &duration));
    token.expires = expires ? token.created + duration : 0;
    token.id = whk_uuid(invocation->pool);
    text = new_token(invocation->pool);
    if (!token.id || !text)
        return whk_refused("no token was issued: the system gives no random bytes");
    token.hash = whk_sha256_hex(invocation->pool, text, strlen(text));
    if (!token.hash)
        return whk_refused("no token was issued: OpenSSL has no SHA-256 to give");
    WHK_TRY_OR_REFUSE(whk_store_token_insert(invocation->store, invocation->pool, &token));
    return print_issued(invocation, &token, text);
}

static int print_list_json(whk_invocation_t *invocation, const apr_array_header_t *tokens)
{
    json_t *items = json_array();
    int i;

    for (i = 0; i < tokens->nelts; i++) {
        const whk_token_t *token = APR_ARRAY_IDX(tokens, i, const whk_token_t *);

        json_array_append_new(
            items, json_pack("{s:s, s:s, s:s?, s:o, s:o, s:o}", "id", token->id, "user",
                             token->user, "label", token->label, "created",
                             whk_print_time_json(invocation->pool, token->created), "expires",
                             whk_print_time_json(invocation->pool, token->expires), "revoked",
                             whk_print_time_json(invocation->pool, token->revoked)));
    }
    return whk_print_json(json_pack("{s:o}", "tokens", items));
}

int whk_cmd_token_list(whk_invocation_t *invocation)
{
    const char *user = invocation->operand[0];
    apr_array_header_t *tokens;
    whk_table_t *table;
    int i;

    if (user && whk_invocation_check_name("USER", user, whk_name_flaw) != WHK_EXIT_DONE)
        return WHK_EXIT_REFUSED;
    WHK_TRY_OR_REFUSE(whk_store_token_list(invocation->store, invocation->pool, user, &tokens));
    if (invocation->json)
        return print_list_json(invocation, tokens);
    table = whk_table_create(invocation->pool, 6, "ID", "USER", "LABEL", "CREATED", "EXPIRES",
                             "REVOKED");
    for (i = 0; i < tokens->nelts; i++) {
        const whk_token_t *token = APR_ARRAY_IDX(tokens, i, const whk_token_t *);

        whk_table_row(table, token->id, token->user, token->label,
                      whk_print_time(invocation->pool, token->created),
                      whk_print_time(invocation->pool, token->expires),
                      whk_print_time(invocation->pool, token->revoked));
    }
    whk_table_print(table, "There is no token. Issue one with whkctl token issue.");
    return WHK_EXIT_DONE;
}

int whk_cmd_token_revoke(whk_invocation_t *invocation)
{
    const char *id = invocation->operand[0];
    apr_time_t now = whk_time_now();
    int revoked;

    WHK_TRY_STATUS(whk_invocation_check_name("ID", id, whk_name_flaw));
    WHK_TRY_OR_REFUSE(
        whk_store_token_revoke(invocation->store, invocation->pool, id, now, &revoked));
    if (!revoked)
        return whk_refused("there is no token of that id, or it is revoked already: see whkctl "
                           "token list");
    if (invocation->json)
        return whk_print_json(json_pack("{s:s, s:o}", "id", id, "revoked",
                                        whk_print_time_json(invocation->pool, now)));
    printf("Token %s is revoked.\n", id);
    return WHK_EXIT_DONE;
}
