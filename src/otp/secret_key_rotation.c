/* SPDX-License-Identifier: Apache-2.0 */
#include "otp/secret_key_rotation.h"

#include <openssl/crypto.h>

#include "model/random.h"
#include "otp/secret_key_bytes.h"

int whk_secret_key_has_next(const whk_secret_key_t *key)
{
    return whk_secret_key_of_role(key, WHK_KEY_NEXT) != NULL;
}

int whk_secret_key_has_previous(const whk_secret_key_t *key)
{
    return whk_secret_key_of_role(key, WHK_KEY_PREVIOUS) != NULL;
}

static int add_as(apr_pool_t *pool, whk_secret_key_t *made, const whk_secret_key_t *key,
                  whk_key_role_t from, whk_key_role_t to)
{
    const whk_secret_key_entry_t *one = whk_secret_key_of_role(key, from);

    return !one || whk_secret_key_add(pool, made, to, one->bytes);
}

const whk_secret_key_t *whk_secret_key_add_next(apr_pool_t *pool, const whk_secret_key_t *key)
{
    whk_secret_key_t *made = whk_secret_key_make(pool);
    unsigned char bytes[WHK_KEY_LENGTH];
    int done = whk_random(bytes, sizeof(bytes)) == APR_SUCCESS &&
               add_as(pool, made, key, WHK_KEY_CURRENT, WHK_KEY_CURRENT) &&
               whk_secret_key_add(pool, made, WHK_KEY_NEXT, bytes) &&
               add_as(pool, made, key, WHK_KEY_PREVIOUS, WHK_KEY_PREVIOUS);

    OPENSSL_cleanse(bytes, sizeof(bytes));
    made->marks = key->marks;
    return done ? made : NULL;
}

const whk_secret_key_t *whk_secret_key_promote(apr_pool_t *pool, const whk_secret_key_t *key)
{
    whk_secret_key_t *made = whk_secret_key_make(pool);
    int done = add_as(pool, made, key, WHK_KEY_NEXT, WHK_KEY_CURRENT) &&
               add_as(pool, made, key, WHK_KEY_CURRENT, WHK_KEY_PREVIOUS);

    made->marks = key->marks;
    return done ? made : NULL;
}

const whk_secret_key_t *whk_secret_key_drop_previous(apr_pool_t *pool, const whk_secret_key_t *key)
{
    whk_secret_key_t *made = whk_secret_key_make(pool);
    int done = add_as(pool, made, key, WHK_KEY_CURRENT, WHK_KEY_CURRENT) &&
               add_as(pool, made, key, WHK_KEY_NEXT, WHK_KEY_NEXT);

    made->marks = key->marks;
    return done ? made : NULL;
}
