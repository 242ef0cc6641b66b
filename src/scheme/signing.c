/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/signing.h"

#include <apr_strings.h>
#include <string.h>

#include "jose/base64url.h"
#include "jose/json.h"
#include "model/log_number.h"
#include "model/random.h"

json_t *whk_signing_claims(const whk_signing_t *signing, apr_pool_t *pool)
{
    const char *jti = whk_uuid(pool);

    return json_pack("{s:I, s:I, s:s}", "iat", (json_int_t)apr_time_sec(signing->now), "exp",
                     (json_int_t)apr_time_sec(signing->now + signing->lifetime), "jti", jti);
}

static const char *header_text(const whk_private_key_t *key, json_t *members, apr_pool_t *pool)
{
    json_t *header = whk_json_adopt(pool, json_pack("{s:s, s:s}", "alg",
                                                    whk_algorithms_names(pool, key->algorithm),
                                                    "kid", key->kid));

    whk_json_adopt(pool, members);
    if (!header || !members || json_object_update(header, members) != 0)
        return NULL;
    return whk_json_text(pool, header);
}

static char *put_encoded(char *end, const whk_bytes_t *bytes)
{
    return end + whk_base64url_put(end, bytes->bytes, bytes->length);
}

const whk_outcome_t *whk_signing_jws(const char **jws, const whk_signing_t *signing,
                                     json_t *members, const whk_bytes_t *payload, int is_detached,
                                     apr_pool_t *pool)
{
    const char *header = header_text(signing->key, members, pool);
    whk_bytes_t encoded = {header, header ? strlen(header) : 0};
    whk_bytes_t signature;
    whk_bytes_t input;
    char *text;
    char *dot;
    char *end;

    if (!header)
        return whk_fail(pool, WHK_INTERNAL_ERROR, WHK_LOGNO(0358) "out of memory for a signature");
    text = apr_palloc(pool, whk_base64url_length(encoded.length) +
                                whk_base64url_length(payload->length) + 2);
    dot = put_encoded(text, &encoded);
    *dot = '.';
    end = put_encoded(dot + 1, payload);
    *end = '\0';
    input = (whk_bytes_t){text, (apr_size_t)(end - text)};
    WHK_TRY(whk_private_key_sign(signing->key, &input, 1, &signature, pool));
    if (is_detached)
        dot[1] = '\0';
    *jws = apr_pstrcat(pool, text, ".",
                       whk_base64url_encode(pool, signature.bytes, signature.length), NULL);
    return NULL;
}
