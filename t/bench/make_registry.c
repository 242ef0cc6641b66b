/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills an empty registry, as whkctl init left it, with as many enterprises and keys as wanted:
 * rows with real seals and audit trails that link up, by the library's own functions. It speaks to
 * no database: what it makes is text for the database's own client, several of them at a time.
 *
 * usage: make_registry DRIVER SECRET_KEY_FILE FOLDER CLIENT [NAME=NUMBER ...]
 *   CLIENT is a command line for a shell, such as "sqlite3 -bail registry.db", "mariadb registry",
 * or "psql -qX -v ON_ERROR_STOP=1 -d registry" (as its administrator it is faster: no foreign key
 * is looked up). enterprises=100   called enterprise-0000000 and so on, each with one admin keys=10
 * of each, called key-1, key-2 ...; all are Ed25519 active=5          so many of them are ACTIVE,
 * scattered, the last one among them large=0           keys of one enterprise more, called large;
 * 0: there is none large_active=50 admins=0          more admins of `large` (or of the first), with
 * a token and an enrolment each jobs=1            clients at a time; SQLite takes one FOLDER gets
 * two files: `admins`, a line "ENTERPRISE USER TOKEN SECRET" for each that has a token (the secret
 * in base32: SHA-1, six digits, 60 seconds), and `private_keys`, a line of base64url a pair: key
 * NUMBER of enterprise INDEX (from 0) is of the pair (INDEX + NUMBER) modulo how many there are.
 * Those of `large` are its own, and nobody knows them.
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "jose/base64url.h"
#include "jose/jwk.h"
#include "loader.h"
#include "model/random.h"
#include "model/timestamp.h"
#include "otp/base32.h"
#include "otp/secret_box.h"
#include "otp/secret_key_file.h"
#include "registry/audit_trail.h"
#include "registry/digest.h"
#include "registry/seal.h"
#include "store/dialect.h"
#include "store/enterprises.h"

#define PAIRS 256
#define RAW_KEY 32
#define DAY (24 * 3600 * APR_TIME_C(1000000))
/* A transaction of the loader, in keys. */
#define BATCH 20000

/* ---- what is wanted ---- */

typedef struct {
    const char *name;
    apr_int64_t value;
} setting_t;

enum {
    ENTERPRISES,
    KEYS,
    ACTIVE,
    LARGE,
    LARGE_ACTIVE,
    ADMINS,
    JOBS
};

static setting_t settings[] = {
    [ENTERPRISES] = {"enterprises", 100},
    [KEYS] = {"keys", 10},
    [ACTIVE] = {"active", 5},
    [LARGE] = {"large", 0},
    [LARGE_ACTIVE] = {"large_active", 50},
    [ADMINS] = {"admins", 0},
    [JOBS] = {"jobs", 1},
};
#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

static apr_pool_t *pool;
static const whk_secret_key_t *secret;
static const char *folder;
static apr_time_t begun;
static const whk_jwk_t **pairs;
static apr_int64_t pair_count;

static apr_int64_t wanted(int setting)
{
    return settings[setting].value;
}

static void must(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "make_registry: %s failed\n", what);
    exit(1);
}

/* ---- values ---- */

static const char *number(apr_pool_t *p, apr_int64_t value)
{
    return apr_psprintf(p, "%" PRId64, (int64_t)value);
}

static const char *moment(apr_pool_t *p, apr_time_t when)
{
    return when ? number(p, apr_time_as_msec(when)) : NULL;
}

/* ---- key pairs ---- */

static EVP_PKEY *make_pair(const char **x)
{
    EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    unsigned char raw[RAW_KEY];
    size_t size = sizeof(raw);

    must(pair && EVP_PKEY_get_raw_public_key(pair, raw, &size), "a key pair");
    *x = whk_base64url_encode(pool, raw, size);
    return pair;
}

static const whk_jwk_t *parse_jwk(apr_pool_t *p, const char *x)
{
    json_t *json = json_pack("{s:s,s:s,s:s}", "kty", "OKP", "crv", "Ed25519", "x", x);
    const whk_jwk_t *jwk = NULL;

    must(json && !whk_jwk_parse(&jwk, json, "the pair", WHK_ALG_EDDSA, p), "a JWK");
    json_decref(json);
    return jwk;
}

static const whk_jwk_t *unknown_pair(apr_pool_t *p)
{
    const char *x;

    EVP_PKEY_free(make_pair(&x));
    return parse_jwk(p, x);
}

static FILE *make_file(const char *name)
{
    FILE *file = fopen(apr_pstrcat(pool, folder, "/", name, NULL), "w");

    must(file != NULL, name);
    return file;
}

/* An enterprise uses a pair once, so there are as many as one has keys. */
static void make_pairs(void)
{
    FILE *file = make_file("private_keys");
    apr_int64_t i;

    pair_count = wanted(KEYS) > PAIRS ? wanted(KEYS) : PAIRS;
    pairs = apr_pcalloc(pool, sizeof(*pairs) * (size_t)pair_count);
    for (i = 0; i < pair_count; i++) {
        unsigned char raw[RAW_KEY];
        size_t size = sizeof(raw);
        const char *x;
        EVP_PKEY *pair = make_pair(&x);

        must(EVP_PKEY_get_raw_private_key(pair, raw, &size), "a private key");
        fprintf(file, "%s\n", whk_base64url_encode(pool, raw, size));
        EVP_PKEY_free(pair);
        pairs[i] = parse_jwk(pool, x);
    }
    must(fclose(file) == 0, "private_keys");
}

/* ---- an enterprise ---- */

typedef struct {
    apr_pool_t *pool; /* of what is written now */
    whk_enterprise_t row;
    char head[65]; /* the row's event_head */
    const char *admin;
    apr_int64_t index; /* among those that use the pairs; -1: it has pairs of its own */
    apr_int64_t keys;
    apr_int64_t active;
} making_t;

static void add_event(making_t *making, whk_event_type_t type, const whk_key_t *key,
                      const char *detail, apr_time_t when)
{
    whk_event_t event = {.id = making->row.event_count + 1,
                         .enterprise_id = making->row.id,
                         .type = whk_event_type_name(type),
                         .key_id = key->key_id,
                         .actor = making->admin,
                         .at = when,
                         .remote_address = "127.0.0.1",
                         .request_id = whk_uuid(making->pool),
                         .detail = detail};

    event.hash = whk_audit_hash(making->pool, making->head, &event);
    must(event.hash && !whk_event_set_seal(making->pool, secret, &event), "the seal of an event");
    loader_add(EVENT,
               (const char *const[]){event.enterprise_id, number(making->pool, event.id),
                                     event.type, event.key_id, event.actor,
                                     moment(making->pool, event.at), event.remote_address,
                                     event.request_id, event.detail, event.hash, event.seal});
    making->row.event_count = event.id;
    making->row.revision++;
    apr_cpystrn(making->head, event.hash, sizeof(making->head));
}

static void add_key_row(const making_t *making, const whk_key_t *key)
{
    loader_add(
        KEY, (const char *const[]){key->enterprise_id, number(making->pool, key->number), key->id,
                                   key->key_id, key->key_name, key->algorithm, key->jwk,
                                   key->thumbprint, whk_key_status_name(key->status),
                                   moment(making->pool, key->created), key->created_by,
                                   moment(making->pool, key->revoked), key->revoked_by, key->seal});
    loader_add(MATERIAL, (const char *const[]){key->enterprise_id, key->thumbprint, key->key_id});
}

/* True of `active` of the numbers 1 to `keys`, scattered, and of the last. */
static int is_active(const making_t *making, apr_int64_t n)
{
    return n * making->active / making->keys > (n - 1) * making->active / making->keys;
}

/* Registered, and revoked before the next is: there are never more ACTIVE ones than in the end. */
static void add_key(making_t *making, apr_int64_t n)
{
    const whk_jwk_t *jwk =
        making->index < 0 ? unknown_pair(making->pool) : pairs[(making->index + n) % pair_count];
    whk_key_t key = {.id = whk_uuid(making->pool),
                     .enterprise_id = making->row.id,
                     .number = ++making->row.key_count,
                     .key_id = apr_psprintf(making->pool, "key-%" PRId64, (int64_t)n),
                     .algorithm = jwk->family,
                     .jwk = jwk->public_json,
                     .thumbprint = jwk->thumbprint,
                     .status = WHK_KEY_STATUS_ACTIVE,
                     .created = making->row.created + apr_time_from_sec(2 * n),
                     .created_by = making->admin};

    key.key_name = key.key_id;
    add_event(making, WHK_EVENT_KEY_REGISTERED, &key, key.thumbprint, key.created);
    if (is_active(making, n)) {
        making->row.active_keys++;
    } else {
        key.status = WHK_KEY_STATUS_REVOKED;
        key.revoked = key.created + apr_time_from_sec(1);
        key.revoked_by = making->admin;
        add_event(making, WHK_EVENT_KEY_REVOKED, &key, NULL, key.revoked);
    }
    must(!whk_key_set_seal(making->pool, secret, &key), "the seal of a key");
    add_key_row(making, &key);
}

static const char *add_enrolment(apr_pool_t *p, const char *user)
{
    const whk_totp_t totp = {"sha1", 6, 60};
    unsigned char bytes[20];

    must(whk_random(bytes, sizeof(bytes)) == APR_SUCCESS, "a secret");
    loader_add(OTP, (const char *const[]){
                        user, whk_secret_seal(p, secret, user, &totp, bytes, sizeof(bytes)),
                        totp.algorithm, number(p, totp.digits), number(p, totp.period),
                        moment(p, begun)});
    return whk_base32_encode(p, bytes, sizeof(bytes));
}

/* His secret for one-time passwords, in base32. */
static const char *add_admin(apr_pool_t *p, const char *enterprise_id, const char *user)
{
    whk_admin_t admin = {.enterprise_id = enterprise_id, .user = user, .created = begun};

    must(!whk_admin_set_seal(p, secret, &admin), "the seal of an admin");
    loader_add(ADMIN, (const char *const[]){enterprise_id, user, moment(p, begun), admin.seal});
    return add_enrolment(p, user);
}

static void add_enterprise_row(const making_t *making, apr_int64_t change)
{
    const whk_enterprise_t *row = &making->row;
    apr_pool_t *p = making->pool;

    loader_add(ENTERPRISE,
               (const char *const[]){row->id, moment(p, row->created), number(p, row->revision),
                                     number(p, row->active_keys), number(p, row->key_count),
                                     number(p, row->event_count), making->head, number(p, change)});
}

/* `place` is its place in the order of changes, from 1. */
static void add_enterprise(apr_pool_t *p, const char *id, making_t making, apr_int64_t place)
{
    apr_int64_t n;

    making.row.id = id;
    making.row.created = begun;
    making.admin = apr_pstrcat(p, "admin-of-", id, NULL);
    apr_pool_create(&making.pool, p);
    add_admin(making.pool, id, making.admin);
    for (n = 1; n <= making.keys; n++) {
        add_key(&making, n);
        apr_pool_clear(making.pool);
    }
    add_enterprise_row(&making, place);
}

/* ---- admins who may ask the API ---- */

static const char *add_token(apr_pool_t *p, const char *user)
{
    unsigned char random[RAW_KEY];
    const char *text;

    must(whk_random(random, sizeof(random)) == APR_SUCCESS, "a token");
    text = apr_pstrcat(p, "whk_", whk_base64url_encode(p, random, sizeof(random)), NULL);
    loader_add(TOKEN, (const char *const[]){whk_uuid(p), whk_sha256_hex(p, text, strlen(text)),
                                            user, moment(p, begun)});
    return text;
}

static const char *enterprise_id(apr_pool_t *p, apr_int64_t index)
{
    return apr_psprintf(p, "enterprise-%07" PRId64, (int64_t)index);
}

static void add_admins(apr_pool_t *p)
{
    FILE *loader = loader_start();
    const char *id = wanted(LARGE) ? "large" : enterprise_id(p, 0);
    FILE *file = make_file("admins");
    apr_int64_t i;

    for (i = 0; i < wanted(ADMINS); i++) {
        const char *user = apr_psprintf(p, "admin-%" PRId64, (int64_t)i);
        const char *its_secret = add_admin(p, id, user);

        fprintf(file, "%s %s %s %s\n", id, user, add_token(p, user), its_secret);
    }
    must(fclose(file) == 0, "admins");
    loader_write(loader);
    loader_end(loader);
}

static apr_int64_t change_count(void)
{
    return wanted(ENTERPRISES) + (wanted(LARGE) > 0);
}

typedef struct {
    apr_int64_t job;
    apr_int64_t keys; /* in all */
    apr_int64_t done;
    time_t started;
    time_t told;
} progress_t;

static void tell(progress_t *progress, int is_over)
{
    time_t now = time(NULL);
    time_t seconds = now - progress->started;
    double rate = (double)progress->done / (double)(seconds ? seconds : 1);

    if (now - progress->told < 5 && !is_over)
        return;
    progress->told = now;
    fprintf(stderr,
            "make_registry: job %" PRId64 ": %" PRId64 " of %" PRId64
            " keys, %.0f a second, %.0f s left\n",
            (int64_t)progress->job, (int64_t)progress->done, (int64_t)progress->keys, rate,
            rate > 0 ? (double)(progress->keys - progress->done) / rate : 0);
}

static void write_full_batch(FILE *loader, progress_t *progress, apr_int64_t keys)
{
    progress->done += keys;
    if (loader_rows(KEY) < BATCH)
        return;
    loader_write(loader);
    tell(progress, 0);
}

static void run_job(apr_int64_t job)
{
    const apr_int64_t from = wanted(ENTERPRISES) * job / wanted(JOBS);
    const apr_int64_t to = wanted(ENTERPRISES) * (job + 1) / wanted(JOBS);
    const apr_int64_t large = job + 1 == wanted(JOBS) ? wanted(LARGE) : 0;
    progress_t progress = {job, (to - from) * wanted(KEYS) + large, 0, time(NULL), time(NULL)};
    FILE *loader = loader_start();
    apr_pool_t *p;
    apr_int64_t i;

    apr_pool_create(&p, pool);
    for (i = from; i < to; i++) {
        add_enterprise(p, enterprise_id(p, i),
                       (making_t){.index = i, .keys = wanted(KEYS), .active = wanted(ACTIVE)},
                       i + 1);
        apr_pool_clear(p);
        write_full_batch(loader, &progress, wanted(KEYS));
    }
    if (large)
        add_enterprise(p, "large",
                       (making_t){.index = -1, .keys = large, .active = wanted(LARGE_ACTIVE)},
                       change_count());
    write_full_batch(loader, &progress, large);
    loader_write(loader);
    loader_end(loader);
    tell(&progress, 1);
}

static void run_jobs(void)
{
    apr_int64_t job;
    int status, good = 1;

    for (job = 0; job < wanted(JOBS); job++) {
        pid_t pid = fork();

        must(pid >= 0, "fork");
        if (pid == 0) {
            run_job(job);
            _exit(0);
        }
    }
    while (wait(&status) > 0)
        good = good && status == 0;
    must(good, "a job");
}

static int read_setting(const char *text)
{
    const char *value = strchr(text, '=');
    size_t i;

    for (i = 0; i < SETTINGS && value; i++) {
        if (strlen(settings[i].name) != (size_t)(value - text) ||
            strncmp(text, settings[i].name, (size_t)(value - text)) != 0)
            continue;
        settings[i].value = apr_atoi64(value + 1);
        return settings[i].value >= 0;
    }
    return 0;
}

static int read_arguments(int argc, char **argv)
{
    int i;

    if (argc < 5)
        return 0;
    folder = argv[3];
    for (i = 5; i < argc; i++)
        if (!read_setting(argv[i]))
            return 0;
    return whk_dialect_of(argv[1]) && wanted(ENTERPRISES) > 0 && wanted(KEYS) > 0 &&
           wanted(JOBS) > 0 && wanted(ACTIVE) <= wanted(KEYS) &&
           (!wanted(LARGE) || wanted(LARGE_ACTIVE) <= wanted(LARGE));
}

int main(int argc, char **argv)
{
    const char *flaw = "";

    if (!read_arguments(argc, argv)) {
        fprintf(stderr, "usage: make_registry sqlite3|pgsql|mysql SECRET_KEY_FILE FOLDER CLIENT "
                        "[NAME=NUMBER ...]; the head of t/bench/make_registry.c says more\n");
        return 2;
    }
    apr_initialize();
    apr_pool_create(&pool, NULL);
    must((secret = whk_secret_key_load(pool, argv[2], &flaw)) != NULL, flaw);
    begun = whk_time_now() - 30 * DAY;
    /* Tokens and private keys are for nobody else. */
    umask(077);
    make_pairs();
    loader_init(argv[1], argv[4], change_count());
    loader_prepare();
    run_jobs();
    add_admins(pool);
    loader_finish();
    apr_terminate();
    return 0;
}
