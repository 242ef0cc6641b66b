/* SPDX-License-Identifier: Apache-2.0 */
/* An enterprise, beta, that follows the set of the server in jwk_set_refresh_fixture.h, of which
 * acme has the key `one` registered by itself. */

#pragma once

#include "jwk_set_refresh_fixture.h"

#include <openssl/evp.h>

#include "jose/base64url.h"
#include "registry/audit_verify.h"
#include "registry/key_revocation.h"

#define KEYS(where)                                                                                \
    "SELECT key_id || ' ' || status || ' ' || created_by FROM whk_key WHERE enterprise_id = "      \
    "'beta' AND followed_by = '*'" where " ORDER BY key_number"
/* Type, keyId and actor. */
#define BETAS_EVENTS                                                                               \
    "SELECT type || ' ' || key_id || ' ' || actor FROM whk_event WHERE enterprise_id = 'beta' "    \
    "ORDER BY id"

static inline const whk_outcome_t *follow_work(whk_store_t *store, void *enterprise,
                                               apr_pool_t *pool)
{
    const char *id = apr_pstrcat(pool, enterprise, "'s id", NULL);
    whk_key_t key = make_key(enterprise, "*", apr_pstrcat(pool, "set:", id, NULL));
    int inserted;

    key.id = id;
    key.jwk = WHK_SET_JWK;
    key.algorithm = "";
    key.jwks_uri = uri();
    WHK_TRY(whk_key_set_seal(pool, fixture->secret, &key));
    WHK_TRY(add_key(store, pool, &key, &inserted));
    assert_int_equal(inserted, 1);
    WHK_TRY(whk_store_material_use(store, pool, key.enterprise_id, key.thumbprint, key.key_id,
                                   &inserted));
    return NULL;
}

static inline void follow(char *enterprise)
{
    add_enterprise(fixture, enterprise);
    good(whk_store_transaction(registry.store, fixture->pool, follow_work, enterprise));
}

static inline int set_up_follow(void **state)
{
    char beta[] = "beta";

    set_up_refresh(state);
    policy.jwks_uri_follow = 1;
    follow(beta);
    return 0;
}

#define FOLLOW_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_follow, tear_down)

/* A fresh key. */
static inline const char *fresh_jwk(const char *kid)
{
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    unsigned char bytes[32];
    size_t length = sizeof(bytes);

    assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, bytes, &length), 1);
    EVP_PKEY_free(pkey);
    return apr_pstrcat(fixture->pool, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"", kid,
                       "\",\"x\":\"", whk_base64url_encode(fixture->pool, bytes, length), "\"}",
                       NULL);
}

/* The set has these JWKs from now on, and is fetched. */
static inline void fetch_set(const char *members)
{
    answer("200 OK", "", apr_psprintf(fixture->pool, "{\"keys\":[%s]}", members));
    run_now();
}

/* As if a key had gone from its set so many hours ago. */
static inline void let_it_be_gone(const char *kid, int hours)
{
    run_sql(fixture->link,
            apr_psprintf(fixture->pool,
                         "UPDATE whk_key SET gone_at = %" APR_TIME_T_FMT
                         " WHERE enterprise_id = 'beta' AND key_id = '%s'",
                         apr_time_as_msec(apr_time_now()) - hours * (apr_time_t)3600000, kid));
    reseal_key(fixture, "beta", kid);
}

static inline int count_of(const char *sql)
{
    return atoi(ask(sql));
}

static inline int events_of(const char *type, const char *kid)
{
    return count_of(apr_psprintf(fixture->pool,
                                 "SELECT count(*) FROM whk_event WHERE enterprise_id = 'beta' AND "
                                 "type = '%s' AND key_id = '%s'",
                                 type, kid));
}

static inline void revoke_by_operator(const char *kid)
{
    whk_caller_t *caller = whk_caller_operator(fixture->pool, "root", "beta");
    apr_array_header_t *warnings;
    whk_key_t *key;

    good(whk_revoke_key(&registry, caller, kid, &key, &warnings));
}
