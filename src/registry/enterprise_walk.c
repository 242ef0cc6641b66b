/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/enterprise_walk.h"

#define AT_A_TIME 500

typedef struct {
    whk_store_t *store;
    whk_enterprise_visit visit;
    void *baton;
    apr_pool_t *one;   /* of a visit */
    const char *after; /* the last that was visited, in the pool of those that were read with it */
} walk_t;

/* @param count set to how many there were */
static const whk_outcome_t *visit_some(walk_t *walk, apr_pool_t *pool, int *count)
{
    apr_array_header_t *enterprises;
    int i;

    apr_pool_clear(pool);
    WHK_TRY(whk_store_enterprise_walk(walk->store, pool, walk->after, AT_A_TIME, &enterprises));
    for (i = 0; i < enterprises->nelts; i++) {
        const whk_enterprise_t *enterprise =
            APR_ARRAY_IDX(enterprises, i, const whk_enterprise_t *);

        apr_pool_clear(walk->one);
        WHK_TRY(walk->visit(walk->baton, enterprise, walk->one));
        walk->after = enterprise->id;
    }
    *count = enterprises->nelts;
    return NULL;
}

const whk_outcome_t *whk_enterprise_walk(whk_store_t *store, apr_pool_t *pool,
                                         whk_enterprise_visit visit, void *baton)
{
    walk_t walk = {.store = store, .visit = visit, .baton = baton, .after = ""};
    const whk_outcome_t *outcome = NULL;
    apr_pool_t *all, *some[2];
    int count = AT_A_TIME;
    int turn;

    apr_pool_create(&all, pool);
    apr_pool_create(&walk.one, all);
    apr_pool_create(&some[0], all);
    apr_pool_create(&some[1], all);
    for (turn = 0; !outcome && count == AT_A_TIME; turn = !turn)
        outcome = visit_some(&walk, some[turn], &count);
    if (outcome)
        outcome = whk_outcome_copy(pool, outcome);
    apr_pool_destroy(all);
    return outcome;
}
