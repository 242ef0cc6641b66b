/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/signing_keys.h"

#include <apr_strings.h>
#include <http_config.h>
#include <http_log.h>

#include "httpd/config.h"
#include "httpd/server_state.h"
#include "jose/json.h"
#include "jose/private_key_file.h"
#include "jose/secure_heap.h"
#include "model/log_number.h"
#include "registry/digest.h"

APLOG_USE_MODULE(webhook_keys);

/* mod_ssl's keys are in the heap too, about one KiB each, and must not find it full. */
#define HEAP_SIZE (256 * 1024)
#define HEAP_SIZE_BESIDE_TLS (16 * 1024 * 1024)

#define NAME "WebhookKeysSigningKey"

static int refuse(server_rec *s, const char *flaw)
{
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, WHK_LOGNO(0022) NAME ": %s", flaw);
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* ---- reading ---- */

static const whk_private_key_t *find_twin(const apr_array_header_t *keys,
                                          const whk_private_key_t *key)
{
    int i;

    for (i = 0; i < keys->nelts; i++) {
        const whk_private_key_t *other = APR_ARRAY_IDX(keys, i, const whk_private_key_t *);

        if (!strcmp(other->thumbprint, key->thumbprint))
            return other;
    }
    return NULL;
}

static const char *read_keys(apr_array_header_t *keys, const apr_array_header_t *lines,
                             apr_pool_t *pool)
{
    int i;

    for (i = 0; i < lines->nelts; i++) {
        const whk_signing_key_line_t *line = &APR_ARRAY_IDX(lines, i, const whk_signing_key_line_t);
        const whk_private_key_t *key = NULL;
        const char *flaw = whk_private_key_file_read(&key, line->kid, line->file, pool);
        const whk_private_key_t *twin = flaw ? NULL : find_twin(keys, key);

        if (flaw)
            return flaw;
        if (twin)
            return apr_psprintf(pool,
                                "%s and %s are the same key: make another one, or take one of the "
                                "lines away",
                                twin->kid, key->kid);
        APR_ARRAY_PUSH(keys, const whk_private_key_t *) = key;
    }
    return NULL;
}

static json_t *member_of(const whk_private_key_t *key)
{
    json_t *member = json_loads(key->public_json, 0, NULL);

    if (member && json_object_set_new(member, "kid", json_string(key->kid)) == 0 &&
        json_object_set_new(member, "use", json_string("sig")) == 0)
        return member;
    json_decref(member);
    return NULL;
}

static const char *make_jwk_set(const apr_array_header_t *keys, apr_pool_t *pool)
{
    json_t *members = json_array();
    json_t *set = whk_json_adopt(pool, json_pack("{s:o}", "keys", members));
    int i;

    for (i = 0; i < keys->nelts; i++)
        if (json_array_append_new(
                members, member_of(APR_ARRAY_IDX(keys, i, const whk_private_key_t *))) != 0)
            return NULL;
    return set ? whk_json_text(pool, set) : NULL;
}

static int publish(whk_signing_keys_t *signing, server_rec *s, apr_pool_t *pool)
{
    const char *text = make_jwk_set(signing->keys, pool);
    const char *hash = text ? whk_sha256_hex(pool, text, strlen(text)) : NULL;

    if (!hash)
        return refuse(s, "out of memory for the JWK Set");
    signing->jwk_set = apr_pstrcat(pool, text, "\n", NULL);
    signing->etag = apr_pstrcat(pool, "\"", hash, "\"", NULL);
    return OK;
}

/* What a virtual host inherits was read already. */
static const whk_signing_keys_t *find_read(const apr_array_header_t *lines, server_rec *first,
                                           const server_rec *end)
{
    for (; first != end; first = first->next) {
        const whk_signing_keys_t *signing = whk_server_of(first)->signing_keys;

        if (signing && signing->lines == lines)
            return signing;
    }
    return NULL;
}

static int load(server_rec *each, server_rec *s, apr_pool_t *pool)
{
    whk_server_t *server = ap_get_module_config(each->module_config, &webhook_keys_module);
    const apr_array_header_t *lines = whk_config_of_server(each)->signing_keys;
    whk_signing_keys_t *signing;
    apr_array_header_t *keys;
    const char *flaw;

    if (!lines)
        return OK;
    server->signing_keys = find_read(lines, s, each);
    if (server->signing_keys)
        return OK;
    whk_secure_heap_open(ap_find_linked_module("mod_ssl.c") ? HEAP_SIZE_BESIDE_TLS : HEAP_SIZE,
                         pool);
    signing = apr_pcalloc(pool, sizeof(*signing));
    keys = apr_array_make(pool, lines->nelts, sizeof(const whk_private_key_t *));
    flaw = read_keys(keys, lines, pool);
    if (flaw)
        return refuse(s, flaw);
    signing->lines = lines;
    signing->keys = keys;
    server->signing_keys = signing;
    return publish(signing, s, pool);
}

/* ---- what is missing ---- */

static int check_use(server_rec *each, server_rec *s)
{
    whk_server_t *server = ap_get_module_config(each->module_config, &webhook_keys_module);
    const whk_private_key_t *key = whk_signing_key_of(each);

    server->signs |= whk_server_of(s)->signs;
    server->signs_by_ed25519 |= whk_server_of(s)->signs_by_ed25519;
    if (server->signs && !key)
        return refuse(s, "it is missing, and WebhookKeysSign needs a key: add "
                         "WebhookKeysSigningKey KID FILE to this server or to the main one");
    if (server->signs_by_ed25519 && key && key->algorithm != WHK_ALG_EDDSA)
        return refuse(s, apr_psprintf(each->process->pconf,
                                      "the first key, %s, is not an Ed25519 key, and "
                                      "WebhookKeysSign standard-webhooks signs by no other: put "
                                      "one first",
                                      key->kid));
    return OK;
}

static int has_keys(const server_rec *s)
{
    for (; s; s = s->next)
        if (whk_server_of(s)->signing_keys)
            return 1;
    return 0;
}

int whk_signing_keys_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    server_rec *each;
    int status = OK;

    (void)plog;
    (void)ptemp;
    for (each = s; each && status == OK; each = each->next)
        status = load(each, s, pconf);
    for (each = s; each && status == OK; each = each->next)
        status = check_use(each, s);
    if (status != OK || !has_keys(s))
        return status;
    whk_secure_heap_note();
    if (!whk_secure_heap_lock())
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     WHK_LOGNO(0023) NAME
                     ": the system does not let this process lock private keys in "
                     "memory, so they may get into swap: raise its limit "
                     "(LimitMEMLOCK=, ulimit -l)");
    return OK;
}

void whk_signing_keys_child_init(apr_pool_t *pool, server_rec *s)
{
    (void)pool;
    if (has_keys(s) && !whk_secure_heap_lock())
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, s,
                     WHK_LOGNO(0024) NAME ": this child could not lock private keys in memory");
}

const whk_private_key_t *whk_signing_key_of(const server_rec *s)
{
    const whk_signing_keys_t *signing = whk_server_of(s)->signing_keys;

    return signing ? APR_ARRAY_IDX(signing->keys, 0, const whk_private_key_t *) : NULL;
}
