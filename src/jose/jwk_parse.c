/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jwk_parse.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <stdatomic.h>
#include <string.h>

#include "jose/json.h"
#include "jose/jwk_thumbprint.h"
#include "model/log_number.h"

static const whk_outcome_t *take_thumbprint(whk_jwk_parser_t *parser)
{
    const char *text = apr_pstrcat(parser->scratch, "{", parser->members, "}", NULL);

    parser->jwk->thumbprint = whk_jwk_thumbprint(text, parser->pool);
    return parser->jwk->thumbprint ? NULL
                                   : whk_fail(parser->pool, WHK_INTERNAL_ERROR,
                                              WHK_LOGNO(0323) "OpenSSL can't compute SHA-256");
}

static const char *public_json(const whk_jwk_parser_t *parser)
{
    if (!parser->alg)
        return apr_pstrcat(parser->pool, "{", parser->members, "}", NULL);
    return apr_pstrcat(parser->pool, "{\"alg\":\"", parser->alg, "\",", parser->members, "}", NULL);
}

static const whk_outcome_t *read_jwk(whk_jwk_parser_t *parser)
{
    WHK_TRY(whk_jwk_check_public(parser));
    WHK_TRY(whk_jwk_find_key_type(parser));
    parser->jwk->family = parser->type->family;
    WHK_TRY(whk_jwk_parse_common_members(parser));
    WHK_TRY(parser->type->parse(parser));
    WHK_TRY(whk_jwk_check_x5c(parser));
    WHK_TRY(take_thumbprint(parser));
    parser->jwk->public_json = public_json(parser);
    return NULL;
}

static apr_status_t release_cached(void *jwk)
{
    whk_jwk_release_cached(jwk);
    return APR_SUCCESS;
}

static whk_jwk_t *make_jwk(apr_pool_t *pool)
{
    whk_jwk_t *jwk = apr_pcalloc(pool, sizeof(*jwk));

    jwk->cached = apr_palloc(pool, sizeof(*jwk->cached));
    atomic_init(jwk->cached, NULL);
    apr_pool_cleanup_register(pool, jwk, release_cached, apr_pool_cleanup_null);
    return jwk;
}

static const whk_outcome_t *run(whk_jwk_parser_t *parser, const whk_jwk_t **jwk)
{
    const whk_outcome_t *outcome;

    apr_pool_create(&parser->scratch, parser->pool);
    parser->jwk = make_jwk(parser->pool);
    ERR_set_mark();
    outcome = read_jwk(parser);
    ERR_pop_to_mark();
    apr_pool_destroy(parser->scratch);
    if (!outcome)
        *jwk = parser->jwk;
    return outcome;
}

const whk_outcome_t *whk_jwk_parse(const whk_jwk_t **jwk, const json_t *json, const char *place,
                                   whk_algorithms_t enabled, apr_pool_t *pool)
{
    whk_jwk_parser_t parser = {
        .json = json, .place = place, .enabled = enabled, .echo = 1, .pool = pool};

    return run(&parser, jwk);
}

const whk_outcome_t *whk_jwk_parse_fetched(const whk_jwk_t **jwk, const json_t *json,
                                           const char *place, const char *known,
                                           whk_algorithms_t enabled, apr_pool_t *pool)
{
    whk_jwk_parser_t parser = {.json = json, .place = place, .enabled = enabled, .pool = pool};
    whk_jwk_parser_t again = parser;
    const whk_jwk_t *read;

    again.trusted = 1;
    if (known && !run(&again, &read) && strcmp(read->thumbprint, known) == 0) {
        *jwk = read;
        return NULL;
    }
    return run(&parser, jwk);
}

static const whk_jwk_t *load(const char *public_json_text, apr_pool_t *pool, apr_pool_t *scratch)
{
    whk_jwk_parser_t parser = {.place = "jwk", .enabled = ~0u, .trusted = 1, .pool = pool};
    const whk_jwk_t *jwk;
    json_t *json;

    if (whk_json_parse(&json, public_json_text, strlen(public_json_text), "jwk", scratch))
        return NULL;
    parser.json = json;
    if (run(&parser, &jwk) || strcmp(jwk->public_json, public_json_text) != 0)
        return NULL;
    return jwk;
}

const whk_jwk_t *whk_jwk_load(const char *public_json_text, apr_pool_t *pool)
{
    const whk_jwk_t *jwk;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    jwk = load(public_json_text, pool, scratch);
    apr_pool_destroy(scratch);
    return jwk;
}
