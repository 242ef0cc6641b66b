/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registrations a second through httpd: as many admins as it takes (a one-time password works
 * once), each with two registrations, over kept connections.
 *
 * usage: register DATABASE SECRET_KEY_FILE PORT ENTERPRISE CONNECTIONS REGISTRATIONS
 * prints: registrations a second, median and longest time of a request in microseconds
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <apr_dbd.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/evp.h>

#include "jose/base64url.h"
#include "model/random.h"
#include "model/timestamp.h"
#include "otp/secret_box.h"
#include "otp/secret_key_file.h"
#include "otp/totp.h"
#include "registry/digest.h"
#include "registry/seal.h"
#include "store/admins.h"
#include "store/otp_enrolments.h"
#include "store/store.h"
#include "store/tokens.h"

#define CODES_EACH 2

static apr_pool_t *pool;
static whk_connection_t connection;
static int port;
static const char **requests;
static double *latency;

static void must(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "register: %s failed\n", what);
    exit(1);
}

static apr_status_t acquire(void *baton, apr_pool_t *p, whk_connection_t *given)
{
    (void)baton;
    (void)p;
    *given = connection;
    return APR_SUCCESS;
}

static void release(void *baton, whk_connection_t *given)
{
    (void)baton;
    (void)given;
}

static const whk_store_source_t source = {acquire, release, NULL, NULL, NULL};

static whk_store_t *open_store(const char *file)
{
    const char *error = NULL;

    must(apr_dbd_init(pool) == APR_SUCCESS, "apr_dbd_init");
    must(apr_dbd_get_driver(pool, "sqlite3", &connection.driver) == APR_SUCCESS, "driver");
    must(apr_dbd_open_ex(connection.driver, pool, file, &connection.handle, &error) == APR_SUCCESS,
         "open");
    connection.pool = pool;
    return whk_store_create(pool, &source, NULL);
}

static const char *make_token(whk_store_t *store, const char *user)
{
    whk_token_t token = {.user = user, .created = whk_time_now()};
    unsigned char random[32];
    const char *text;

    whk_random(random, sizeof(random));
    text = apr_pstrcat(pool, "whk_", whk_base64url_encode(pool, random, sizeof(random)), NULL);
    token.id = whk_uuid(pool);
    token.hash = whk_sha256_hex(pool, text, strlen(text));
    must(!whk_store_token_insert(store, pool, &token), "token");
    return text;
}

static void enroll(whk_store_t *store, const whk_secret_key_t *key, const char *user,
                   char codes[CODES_EACH][9])
{
    whk_totp_t totp = {"sha1", 6, 60};
    whk_otp_enrolment_t enrolment = {.user = user,
                                     .algorithm = "sha1",
                                     .digits = 6,
                                     .period = 60,
                                     .last_step = -1,
                                     .created = whk_time_now()};
    unsigned char secret[20];
    int i;

    whk_random(secret, sizeof(secret));
    enrolment.sealed_secret = whk_secret_seal(pool, key, user, &totp, secret, sizeof(secret));
    must(!whk_store_otp_put(store, pool, &enrolment), "enrol");
    for (i = 0; i < CODES_EACH; i++)
        must(whk_totp_code(&totp, secret, sizeof(secret), whk_totp_step(&totp, apr_time_now()) + i,
                           codes[i]),
             "code");
}

static const char *make_request(const char *enterprise, const char *token, const char *code,
                                const char *name)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    unsigned char raw[32];
    size_t size = sizeof(raw);
    const char *body;

    must(key && EVP_PKEY_get_raw_public_key(key, raw, &size), "key");
    EVP_PKEY_free(key);
    body = apr_psprintf(pool,
                        "{\"jwks\":{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%s\","
                        "\"x\":\"%s\"}]}}",
                        name, whk_base64url_encode(pool, raw, size));
    return apr_psprintf(pool,
                        "POST /api/policy/v1/enterprises/%s/webhooks/keys HTTP/1.1\r\n"
                        "Host: localhost\r\nAuthorization: Bearer %s\r\nOTP: %s\r\n"
                        "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                        enterprise, token, code, (int)strlen(body), body);
}

static void add_admin(whk_store_t *store, const whk_secret_key_t *key, const char *enterprise,
                      const char *user)
{
    whk_admin_t admin = {.enterprise_id = enterprise, .user = user, .created = whk_time_now()};
    int added;

    must(!whk_admin_set_seal(pool, key, &admin), "seal");
    must(!whk_store_admin_add(store, pool, &admin, &added), "admin");
}

static void make_requests(whk_store_t *store, const char *key_file, const char *enterprise,
                          int count)
{
    const char *flaw = "";
    const whk_secret_key_t *key = whk_secret_key_load(pool, key_file, &flaw);
    const char *run = whk_uuid(pool);
    char codes[CODES_EACH][9];
    int i;

    must(key != NULL, flaw);
    requests = apr_pcalloc(pool, sizeof(*requests) * (size_t)count);
    latency = apr_pcalloc(pool, sizeof(*latency) * (size_t)count);
    for (i = 0; i < count; i++) {
        static const char *user, *token;

        if (i % CODES_EACH == 0) {
            user = apr_psprintf(pool, "bench-%s-%d", run, i);
            add_admin(store, key, enterprise, user);
            token = make_token(store, user);
            enroll(store, key, user, codes);
        }
        requests[i] = make_request(enterprise, token, codes[i % CODES_EACH],
                                   apr_psprintf(pool, "%s-%d", run, i));
    }
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int dial(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int one = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    must(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
    return fd;
}

/* One answer: head, then as many bytes as Content-Length says. */
static void read_answer(int fd)
{
    char answer[4096];
    size_t have = 0;
    const char *end = NULL;
    const char *length;

    while (have + 1 < sizeof(answer)) {
        ssize_t got = read(fd, answer + have, sizeof(answer) - 1 - have);

        must(got > 0, "read");
        have += (size_t)got;
        answer[have] = '\0';
        end = strstr(answer, "\r\n\r\n");
        length = strstr(answer, "Content-Length: ");
        if (end && length && have >= (size_t)(end + 4 - answer) + (size_t)atoi(length + 16))
            break;
    }
    if (strncmp(answer, "HTTP/1.1 201", 12) != 0) {
        fprintf(stderr, "register: not a 201: %s\n", answer);
        exit(1);
    }
}

typedef struct {
    int first;
    int count;
} share_t;

static void *work(void *share_)
{
    const share_t *share = share_;
    int fd = dial();
    int i;

    for (i = share->first; i < share->first + share->count; i++) {
        double start = now();
        ssize_t size = (ssize_t)strlen(requests[i]);

        must(write(fd, requests[i], (size_t)size) == size, "write");
        read_answer(fd);
        latency[i] = now() - start;
    }
    close(fd);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    pthread_t thread[256];
    share_t share[256];
    int connections, count, each, i;
    double start, seconds;

    if (argc != 7 || (connections = atoi(argv[5])) < 1 || connections > 256) {
        fprintf(stderr, "usage: register DATABASE SECRET_KEY_FILE PORT ENTERPRISE CONNECTIONS "
                        "REGISTRATIONS\n");
        return 2;
    }
    apr_initialize();
    apr_pool_create(&pool, NULL);
    port = atoi(argv[3]);
    each = atoi(argv[6]) / connections / CODES_EACH * CODES_EACH;
    count = each * connections;
    make_requests(open_store(argv[1]), argv[2], argv[4], count);
    start = now();
    for (i = 0; i < connections; i++) {
        share[i] = (share_t){i * each, each};
        pthread_create(&thread[i], NULL, work, &share[i]);
    }
    for (i = 0; i < connections; i++)
        pthread_join(thread[i], NULL);
    seconds = now() - start;
    qsort(latency, (size_t)count, sizeof(*latency), compare);
    printf("%.0f %.0f %.0f\n", count / seconds, latency[count / 2] * 1e6, latency[count - 1] * 1e6);
    apr_terminate();
    return 0;
}
