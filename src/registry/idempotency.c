/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/idempotency.h"

#include <apr_strings.h>
#include <string.h>

#include "jose/json.h"
#include "model/clock.h"
#include "model/log_number.h"
#include "model/timestamp.h"
#include "registry/seal.h"

#define LENGTH_MOST 255

static int is_visible(char c)
{
    return c > ' ' && c < 0x7f;
}

/* RFC 8941, section 4.2.5; nothing behind it. */
static const char *read_string(apr_pool_t *pool, const char *field)
{
    char *key = apr_palloc(pool, strlen(field) + 1);
    char *out = key;

    for (field++; *field && *field != '"'; field++) {
        if (*field == '\\' && field[1] != '"' && field[1] != '\\')
            return NULL;
        if (*field == '\\')
            field++;
        if (*field != ' ' && !is_visible(*field))
            return NULL;
        *out++ = *field;
    }
    *out = '\0';
    return *field && !field[1] ? key : NULL;
}

static const char *read_bare(apr_pool_t *pool, const char *field)
{
    const char *at;

    for (at = field; *at; at++)
        if (!is_visible(*at) || strchr("\",;", *at))
            return NULL;
    return apr_pstrdup(pool, field);
}

const char *whk_idempotency_key_read(apr_pool_t *pool, const char *field)
{
    const char *key = *field == '"' ? read_string(pool, field) : read_bare(pool, field);

    return key && *key && strlen(key) <= LENGTH_MOST ? key : NULL;
}

static int is_good(apr_pool_t *pool, const whk_secret_key_t *secret,
                   const whk_idempotency_key_t *key)
{
    apr_time_t now = whk_time_now();

    return key->created > now - WHK_IDEMPOTENCY_LIFETIME &&
           key->created <= now + WHK_CLOCKS_APART && !whk_idempotency_key_flaw(pool, secret, key);
}

const whk_outcome_t *whk_idempotency_find(whk_store_t *store, apr_pool_t *pool,
                                          const whk_secret_key_t *secret,
                                          const whk_caller_t *caller, const char *key,
                                          whk_idempotency_key_t **earlier)
{
    WHK_TRY(whk_store_idempotency_key_get(store, pool, whk_caller_enterprise(caller),
                                          whk_caller_actor(caller), key, earlier));
    if (*earlier && !is_good(pool, secret, *earlier))
        *earlier = NULL;
    return NULL;
}

static const whk_outcome_t *refusal_of(apr_pool_t *pool, const whk_idempotency_key_t *earlier)
{
    int code;

    for (code = 0; code < WHK_CODE_COUNT; code++)
        if (!strcmp(whk_code_name((whk_code_t)code), earlier->code))
            return whk_refuse(pool, (whk_code_t)code, "%s", earlier->answer);
    return whk_fail(pool, WHK_INTERNAL_ERROR,
                    WHK_LOGNO(0480) "an answer of before is remembered as %s, which this version "
                                    "does not know: "
                                    "have the client take another Idempotency-Key",
                    earlier->code);
}

const whk_outcome_t *whk_idempotency_answer(apr_pool_t *pool, const whk_idempotency_key_t *earlier,
                                            const char *body_hash, json_t **answer)
{
    if (strcmp(earlier->body_hash, body_hash) != 0)
        return whk_refuse(pool, WHK_IDEMPOTENCY_KEY_REUSED, "%s",
                          whk_code_message(WHK_IDEMPOTENCY_KEY_REUSED));
    if (earlier->code)
        return refusal_of(pool, earlier);
    return whk_json_parse(answer, earlier->answer, strlen(earlier->answer), "what was answered",
                          pool);
}

const whk_outcome_t *whk_idempotency_remember(whk_store_t *store, apr_pool_t *pool,
                                              const whk_secret_key_t *secret,
                                              const whk_caller_t *caller,
                                              const whk_idempotent_t *request,
                                              const whk_outcome_t *refusal, const char *answer)
{
    whk_idempotency_key_t key = {.enterprise_id = whk_caller_enterprise(caller),
                                 .user = whk_caller_actor(caller),
                                 .key = request->key,
                                 .created = whk_time_now(),
                                 .body_hash = request->body_hash,
                                 .code = refusal ? whk_code_name(refusal->code) : NULL,
                                 .answer = refusal ? refusal->message : answer};

    if (!key.answer)
        return whk_fail(pool, WHK_INTERNAL_ERROR, WHK_LOGNO(0481) "out of memory for an answer");
    key.seal = whk_idempotency_key_seal(pool, secret, &key);
    WHK_TRY(whk_store_idempotency_key_purge(store, pool, key.enterprise_id,
                                            key.created - WHK_IDEMPOTENCY_LIFETIME));
    return whk_store_idempotency_key_put(store, pool, &key);
}
