/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/print.h"
#include "ctl/progress.h"
#include "jose/json.h"
#include "registry/api_json.h"
#include "registry/enterprise_walk.h"
#include "registry/seal.h"
#include "store/keys.h"

#define PAGE 500

typedef struct {
    whk_invocation_t *invocation;
    whk_progress_t progress;
    apr_time_t now;
    int bad; /* rows that were left out */
} export_t;

/* A JWK Set of one, as registering takes it; NULL: it has no material. */
static json_t *jwks_of(const whk_key_t *key, apr_pool_t *pool)
{
    json_t *jwk;

    if (!whk_key_has_material(key) ||
        whk_json_parse(&jwk, key->jwk, strlen(key->jwk), "the key", pool))
        return json_null();
    json_object_set_new(jwk, "kid", json_string(key->key_id));
    return json_pack("{s:[O]}", "keys", jwk);
}

static json_t *line_of(const whk_key_t *key, apr_pool_t *pool)
{
    json_t *line =
        json_pack("{s:s, s:o}", "enterprise", key->enterprise_id, "jwks", jwks_of(key, pool));
    json_t *members = whk_json_adopt(pool, whk_key_json(key, pool));

    if (line && members && json_object_update(line, members) == 0)
        return line;
    json_decref(line);
    return NULL;
}

/* What is not as we wrote it is not handed on as if it were. */
static void export_key(export_t *export, whk_key_t *key, apr_pool_t *pool)
{
    const whk_outcome_t *flaw = whk_key_check(pool, export->invocation->key, key);

    whk_progress_step(&export->progress);
    if (flaw) {
        export->bad++;
        whk_refused_outcome(flaw);
        return;
    }
    whk_key_settle(key, export->now);
    export->bad += whk_print_json(line_of(key, pool)) != WHK_EXIT_DONE;
}

static const whk_outcome_t *export_enterprise(void *baton, const whk_enterprise_t *enterprise,
                                              apr_pool_t *pool)
{
    export_t *export = baton;
    apr_array_header_t *keys;
    apr_int64_t total;
    apr_int64_t offset = 0;
    apr_pool_t *page;
    int i;

    apr_pool_create(&page, pool);
    do {
        apr_pool_clear(page);
        WHK_TRY(whk_store_key_list(export->invocation->store, page, enterprise->id, NULL,
                                   export->now, PAGE, offset, &keys, &total));
        for (i = 0; i < keys->nelts; i++)
            export_key(export, APR_ARRAY_IDX(keys, i, whk_key_t *), page);
        offset += PAGE;
    } while (keys->nelts == PAGE);
    return NULL;
}

int whk_cmd_export(whk_invocation_t *invocation)
{
    export_t export = {invocation, whk_progress_begin("keys"), apr_time_now(), 0};
    whk_enterprise_t *enterprise;

    if (invocation->operand[0]) {
        WHK_TRY_STATUS(whk_invocation_enterprise(invocation, invocation->operand[0], &enterprise));
        WHK_TRY_OR_REFUSE(export_enterprise(&export, enterprise, invocation->pool));
    } else {
        WHK_TRY_OR_REFUSE(
            whk_enterprise_walk(invocation->store, invocation->pool, export_enterprise, &export));
    }
    whk_progress_end(&export.progress);
    return export.bad ? whk_refused("%d keys were left out: see above", export.bad) : WHK_EXIT_DONE;
}
