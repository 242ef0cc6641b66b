/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/algorithm.h"

#include <apr_strings.h>
#include <string.h>

typedef struct {
    const char *name;
    whk_algorithms_t algorithm;
} row_t;

/* Where an algorithm has two names, the first is the one to print. */
static const row_t rows[] = {
    {"EdDSA", WHK_ALG_EDDSA},   {"Ed25519", WHK_ALG_EDDSA}, {"Ed448", WHK_ALG_ED448},
    {"ES256", WHK_ALG_ES256},   {"ES384", WHK_ALG_ES384},   {"ES512", WHK_ALG_ES512},
    {"ES256K", WHK_ALG_ES256K}, {"RS256", WHK_ALG_RS256},   {"RS384", WHK_ALG_RS384},
    {"RS512", WHK_ALG_RS512},   {"PS256", WHK_ALG_PS256},   {"PS384", WHK_ALG_PS384},
    {"PS512", WHK_ALG_PS512},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

whk_algorithms_t whk_algorithm_by_name(const char *name)
{
    apr_size_t i;

    for (i = 0; i < ROW_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].algorithm;
    return 0;
}

const char *whk_algorithms_names(apr_pool_t *pool, whk_algorithms_t set)
{
    const char *names = "";
    apr_size_t i;

    for (i = 0; i < ROW_COUNT; i++) {
        if (!(set & rows[i].algorithm))
            continue;
        names = apr_pstrcat(pool, names, *names ? " " : "", rows[i].name, NULL);
        set &= ~rows[i].algorithm;
    }
    return names;
}
