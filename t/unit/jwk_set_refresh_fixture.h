/* SPDX-License-Identifier: Apache-2.0 */
/* A store, and a small server of this program's own from which key sets are fetched. */

#pragma once

#include "store_fixture.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>

#include "fetch/fetch.h"
#include "fetch/fetch_settings.h"
#include "jose/json.h"
#include "jose/jwk.h"
#include "registry/jwk_set_refresh.h"
#include "registry/key_cache.h"
#include "store/keys.h"
#include "store/remote_sets.h"
#include "store/transaction.h"
#include "store/used_material.h"

#define X_1 "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define X_2 "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"
#define JWK(kid, x) "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"" kid "\",\"x\":\"" x "\"}"
#define SET(members) "{\"keys\":[" members "]}"

/* t/lib/stepped_clock.c */
extern _Atomic long long stepped_wall;

/* What the server answers, and what it was asked. */
static struct {
    int socket;
    int port;
    pthread_t thread;
    const char *status; /* NULL: closes the connection; "hang": for 3 s */
    const char *headers;
    const char *body;
    int requests;
    char asked[4096]; /* the last request */
} origin;

static inline void *serve(void *unused)
{
    char answer[32768];
    int connection;

    (void)unused;
    while ((connection = accept(origin.socket, NULL, NULL)) >= 0) {
        ssize_t length = recv(connection, origin.asked, sizeof(origin.asked) - 1, 0);

        origin.asked[length > 0 ? length : 0] = '\0';
        if (length > 0) {
            __atomic_add_fetch(&origin.requests, 1, __ATOMIC_SEQ_CST);
            usleep(20000);
        }
        if (length > 0 && origin.status && !strcmp(origin.status, "hang"))
            sleep(3);
        else if (length > 0 && origin.status) {
            snprintf(answer, sizeof(answer),
                     "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n%s",
                     origin.status, strlen(origin.body), origin.headers, origin.body);
            if (send(connection, answer, strlen(answer), MSG_NOSIGNAL) < 0)
                perror("send");
        }
        close(connection);
    }
    return NULL;
}

static inline int start_origin(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    set_up_drivers(state);
    origin.socket = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(origin.socket, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(origin.socket, 16), 0);
    assert_int_equal(getsockname(origin.socket, (struct sockaddr *)&address, &size), 0);
    origin.port = ntohs(address.sin_port);
    return pthread_create(&origin.thread, NULL, serve, NULL);
}

static inline int stop_origin(void **state)
{
    shutdown(origin.socket, SHUT_RDWR);
    pthread_join(origin.thread, NULL);
    close(origin.socket);
    return tear_down_drivers(state);
}

static inline void answer(const char *status, const char *headers, const char *body)
{
    origin.status = status;
    origin.headers = headers;
    origin.body = body;
}

static fixture_t *fixture;
static whk_registry_t registry;
static whk_policy_t policy;
static whk_remote_t remote;
static int places;
static int failures_told;
static int recoveries_told;

static inline int enter(void *baton, whk_fetch_kind_t kind, const char *enterprise_id)
{
    (void)baton;
    assert_int_equal(kind, WHK_FETCH_BACKGROUND);
    assert_null(enterprise_id);
    return places > 0 ? 7 : 0;
}

static inline void leave(void *baton, int place)
{
    (void)baton;
    assert_int_equal(place, 7);
}

static inline void report(void *baton, const char *where, const whk_outcome_t *outcome)
{
    (void)baton;
    assert_null(strchr(where, '?'));
    failures_told += outcome != NULL;
    recoveries_told += outcome == NULL;
}

static inline int not_stopping(void *baton)
{
    (void)baton;
    return 0;
}

static inline const char *uri(void)
{
    return apr_psprintf(fixture->pool, "http://127.0.0.1:%d/set.json?secret=1", origin.port);
}

static inline const whk_jwk_t *jwk_of(const char *text)
{
    const whk_jwk_t *jwk;
    json_t *json;

    good(whk_json_parse(&json, text, strlen(text), "jwk", fixture->pool));
    good(whk_jwk_parse(&jwk, json, "jwk", ~0u, fixture->pool));
    return jwk;
}

typedef struct {
    const char *enterprise;
    const char *kid;
    const whk_jwk_t *jwk;
    apr_time_t fresh_until;
} registration_t;

static inline const whk_outcome_t *register_work(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    const registration_t *registration = baton;
    whk_key_t key =
        make_key(registration->enterprise, registration->kid, registration->jwk->thumbprint);
    int inserted;

    key.id = apr_pstrcat(pool, registration->enterprise, " ", registration->kid, NULL);
    key.jwk = registration->jwk->public_json;
    key.jwks_uri = uri();
    WHK_TRY(whk_key_set_seal(pool, fixture->secret, &key));
    WHK_TRY(add_key(store, pool, &key, &inserted));
    assert_int_equal(inserted, 1);
    WHK_TRY(whk_store_material_use(store, pool, key.enterprise_id, key.thumbprint, key.key_id,
                                   &inserted));
    assert_int_equal(inserted, 1);
    return whk_store_remote_set_add(store, pool, key.jwks_uri, 0, registration->fresh_until);
}

static inline void register_key(const char *enterprise, const char *kid, const char *jwk)
{
    registration_t registration = {enterprise, kid, jwk_of(jwk),
                                   apr_time_now() + apr_time_from_sec(300)};

    good(whk_store_transaction(registry.store, fixture->pool, register_work, &registration));
}

static inline int set_up_refresh(void **state)
{
    whk_fetch_settings_t settings;

    set_up(state);
    fixture = *state;
    memset(&registry, 0, sizeof(registry));
    policy = (whk_policy_t){.algorithms = ~0u,
                            .max_active = 100,
                            .jwks_uri_refresh = apr_time_from_sec(300),
                            .jwks_uri_pin = 1};
    whk_fetch_settings_default(&settings, fixture->pool);
    assert_null(whk_allow_list_add((whk_allow_list_t *)settings.allowed, "127.0.0.1"));
    assert_int_equal(whk_fetcher_create(&remote.fetcher, &settings, fixture->pool), APR_SUCCESS);
    remote.enter = enter;
    remote.leave = leave;
    registry.pool = fixture->pool;
    registry.store = fixture->link->store;
    registry.policy = &policy;
    registry.remote = &remote;
    registry.secret = fixture->secret;
    places = 1;
    stepped_wall = 0;
    origin.requests = failures_told = recoveries_told = 0;
    answer("200 OK", "ETag: \"v1\"\r\n", SET(JWK("one", X_1)));
    register_key("acme", "one", JWK("one", X_1));
    return 0;
}

static inline const char *ask(const char *sql)
{
    return ask_sql(fixture->pool, fixture->link, sql, 0);
}

static inline void asks(const char *sql, const char *wanted)
{
    assert_string_equal(ask(sql), wanted);
}

#define FLAW "SELECT remote_flaw FROM whk_key WHERE key_id = 'one'"
#define REVISION "SELECT revision FROM whk_enterprise"
#define EVENTS "SELECT type || ' ' || actor || ' ' || detail FROM whk_event"
#define FAILURES "SELECT failures FROM whk_remote_set"
#define LEASED "SELECT leased_until FROM whk_remote_set"

static inline void run_due(void)
{
    const whk_refresh_t refresh = {apr_time_from_sec(60), report, not_stopping, NULL};

    good(whk_refresh_due_sets(&registry, &refresh));
}

/* As if its time had come. */
static inline void run_now(void)
{
    run_sql(fixture->link, "UPDATE whk_remote_set SET refresh_at = 0");
    run_due();
}

/* As if the set had been good until long ago. */
static inline void let_it_expire(void)
{
    run_sql(fixture->link, "UPDATE whk_remote_set SET fresh_until = 0");
}

static inline apr_time_t next_refresh(void)
{
    return apr_time_from_msec(apr_atoi64(ask("SELECT refresh_at FROM whk_remote_set")));
}

/* In seconds from now, and some for a slow machine. */
static inline void assert_next(int least, int most)
{
    int seconds = (int)apr_time_sec(next_refresh() - apr_time_now());

    if (seconds < least - 10 || seconds > most)
        fail_msg("in %d s", seconds);
}

#define REFRESH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_refresh, tear_down)
