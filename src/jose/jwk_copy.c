/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "jose/jwk.h"
#include "jose/jwk_parse.h"

typedef struct {
    whk_jwk_t jwk; /* first: it is known by that */
    _Atomic(whk_jwk_cached_t *) cached;
    char texts[];
} copy_t;

void whk_jwk_release_cached(const whk_jwk_t *jwk)
{
    whk_jwk_cached_t *cached = atomic_load(jwk->cached);

    while (cached) {
        whk_jwk_cached_t *next = cached->next;

        cached->release(cached);
        cached = next;
    }
}

static apr_size_t size_of(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static const char *put(char **free_space, const char *text)
{
    char *place = *free_space;

    if (!text)
        return NULL;
    memcpy(place, text, size_of(text));
    *free_space += size_of(text);
    return place;
}

whk_jwk_t *whk_jwk_copy(const whk_jwk_t *jwk)
{
    copy_t *copy = malloc(sizeof(*copy) + size_of(jwk->kid) + size_of(jwk->public_json) +
                          size_of(jwk->thumbprint));
    char *free_space;

    if (!copy || EVP_PKEY_up_ref(jwk->pkey) != 1) {
        free(copy);
        return NULL;
    }
    free_space = copy->texts;
    copy->jwk = *jwk;
    copy->jwk.kid = put(&free_space, jwk->kid);
    copy->jwk.public_json = put(&free_space, jwk->public_json);
    copy->jwk.thumbprint = put(&free_space, jwk->thumbprint);
    copy->jwk.cached = &copy->cached;
    atomic_init(&copy->cached, NULL);
    return &copy->jwk;
}

void whk_jwk_free(whk_jwk_t *copy)
{
    whk_jwk_release_cached(copy);
    EVP_PKEY_free(copy->pkey);
    free(copy);
}
