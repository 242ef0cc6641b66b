/* Key sets by URI, fetched again: over a real store, from a small server of this program's own. */

#include "store_fixture.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>

#include "jose/json.h"
#include "registry/keyring.h"
#include "registry/refresh.h"

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

static void *serve(void *unused)
{
    char answer[8192];
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
            usleep(3000000);
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

static int start_origin(void **state)
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

static int stop_origin(void **state)
{
    shutdown(origin.socket, SHUT_RDWR);
    pthread_join(origin.thread, NULL);
    close(origin.socket);
    return tear_down_drivers(state);
}

static void answer(const char *status, const char *headers, const char *body)
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

static int enter(void *baton, whk_fetch_kind_t kind, const char *enterprise_id)
{
    (void)baton;
    assert_int_equal(kind, WHK_FETCH_BACKGROUND);
    assert_null(enterprise_id);
    return places > 0 ? 7 : 0;
}

static void leave(void *baton, int place)
{
    (void)baton;
    assert_int_equal(place, 7);
}

static void report(void *baton, const char *where, const whk_outcome_t *outcome)
{
    (void)baton;
    assert_null(strchr(where, '?'));
    failures_told += outcome != NULL;
    recoveries_told += outcome == NULL;
}

static int not_stopping(void *baton)
{
    (void)baton;
    return 0;
}

static const char *uri(void)
{
    return apr_psprintf(fixture->pool, "http://127.0.0.1:%d/set.json?secret=1", origin.port);
}

static const whk_jwk_t *jwk_of(const char *text)
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

static const whk_outcome_t *register_work(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    const registration_t *registration = baton;
    whk_key_t key =
        make_key(registration->enterprise, registration->kid, registration->jwk->thumbprint);
    int inserted;

    key.id = apr_pstrcat(pool, registration->enterprise, " ", registration->kid, NULL);
    key.jwk = registration->jwk->public_json;
    key.jwks_uri = uri();
    WHK_TRY(whk_key_set_seal(pool, fixture->secret, &key));
    WHK_TRY(whk_store_key_insert(store, pool, &key, &inserted));
    assert_int_equal(inserted, 1);
    WHK_TRY(whk_store_material_use(store, pool, key.enterprise_id, key.thumbprint, key.key_id,
                                   &inserted));
    assert_int_equal(inserted, 1);
    return whk_store_remote_set_add(store, pool, key.jwks_uri, 0, registration->fresh_until);
}

static void register_key(const char *enterprise, const char *kid, const char *jwk)
{
    registration_t registration = {enterprise, kid, jwk_of(jwk),
                                   apr_time_now() + apr_time_from_sec(300)};

    good(whk_store_transaction(registry.store, fixture->pool, register_work, &registration));
}

static int set_up_refresh(void **state)
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

static const char *ask(const char *sql)
{
    return ask_sql(fixture->pool, fixture->link, sql, 0);
}

static void asks(const char *sql, const char *wanted)
{
    assert_string_equal(ask(sql), wanted);
}

#define FLAW "SELECT remote_flaw FROM whk_key WHERE key_id = 'one'"
#define REVISION "SELECT revision FROM whk_enterprise"
#define EVENTS "SELECT type || ' ' || actor || ' ' || detail FROM whk_event"
#define FAILURES "SELECT failures FROM whk_remote_set"
#define LEASED "SELECT leased_until FROM whk_remote_set"

static void run_due(void)
{
    const whk_refresh_t refresh = {apr_time_from_sec(60), report, not_stopping, NULL};

    good(whk_refresh_due_sets(&registry, &refresh));
}

/* As if its time had come. */
static void run_now(void)
{
    run_sql(fixture->link, "UPDATE whk_remote_set SET refresh_at = 0");
    run_due();
}

/* As if the set had been good until long ago. */
static void let_it_expire(void)
{
    run_sql(fixture->link, "UPDATE whk_remote_set SET fresh_until = 0");
}

static apr_time_t next_refresh(void)
{
    return apr_time_from_msec(apr_atoi64(ask("SELECT refresh_at FROM whk_remote_set")));
}

/* In seconds from now, and some for a slow machine. */
static void assert_next(int least, int most)
{
    int seconds = (int)apr_time_sec(next_refresh() - apr_time_now());

    if (seconds < least - 10 || seconds > most)
        fail_msg("in %d s", seconds);
}

static void a_set_that_stays(void **state)
{
    (void)state;
    run_now();
    assert_int_equal(origin.requests, 1);
    assert_null(strstr(origin.asked, "If-None-Match"));
    asks("SELECT etag FROM whk_remote_set", "\"v1\"");
    asks(FLAW, "NULL");
    asks(REVISION, "0");
    asks(LEASED, "0");
    /* Ahead of its end, and not again before. */
    assert_next(216, 240);
    run_due();
    assert_int_equal(origin.requests, 1);
}

static void not_modified(void **state)
{
    (void)state;
    run_now();
    answer("304 Not Modified", "ETag: \"v1\"\r\n", "");
    run_now();
    assert_non_null(strstr(origin.asked, "If-None-Match: \"v1\""));
    asks(FLAW, "NULL");
    asks(FAILURES, "0");
    asks(REVISION, "0");
    assert_next(216, 240);
}

static void max_age(void **state)
{
    (void)state;
    answer("200 OK", "Cache-Control: max-age=100\r\n", SET(JWK("one", X_1)));
    run_now();
    assert_next(72, 80);
    answer("200 OK", "Cache-Control: max-age=100000\r\n", SET(JWK("one", X_1)));
    run_now();
    assert_next(216, 240);
    answer("200 OK", "Cache-Control: max-age=0\r\n", SET(JWK("one", X_1)));
    run_now();
    assert_true(next_refresh() > apr_time_now() + apr_time_from_sec(2));
}

static void gone_and_back(void **state)
{
    (void)state;
    run_now();
    answer("200 OK", "ETag: \"v2\"\r\n", SET(JWK("two", X_1)));
    run_now();
    asks(FLAW, "gone");
    asks(REVISION, "1");
    asks(EVENTS, "");
    run_now();
    /* Asked for whole: what was no good is not to be taken for unchanged. */
    assert_null(strstr(origin.asked, "If-None-Match"));
    asks(REVISION, "1");
    answer("200 OK", "", SET(JWK("one", X_1)));
    run_now();
    asks(FLAW, "NULL");
    asks(REVISION, "2");
}

static void changed(void **state)
{
    (void)state;
    answer("200 OK", "", SET(JWK("one", X_2)));
    run_now();
    run_now();
    asks(FLAW, "changed");
    asks(REVISION, "1");
    asks(EVENTS, "jwks_uri.key_changed background refused");
    asks("SELECT jwk LIKE '%" X_1 "%' FROM whk_key", "1");
    policy.jwks_uri_pin = 0;
    run_now();
    asks(FLAW, "NULL");
    asks(EVENTS, apr_pstrcat(fixture->pool,
                             "jwks_uri.key_changed background refused|jwks_uri.key_changed "
                             "background accepted ",
                             jwk_of(JWK("one", X_2))->thumbprint, NULL));
    asks("SELECT jwk LIKE '%" X_2 "%' FROM whk_key", "1");
}

static void assert_sealed(const char *kid)
{
    whk_key_t *key;

    good(whk_store_key_get(registry.store, fixture->pool, "acme", kid, &key));
    good(whk_key_check(fixture->pool, fixture->secret, key));
}

/* What a rotation replaced is used up, for the key that had it too. */
static void burnt_material_stays_away(void **state)
{
    (void)state;
    policy.jwks_uri_pin = 0;
    answer("200 OK", "", SET(JWK("one", X_2)));
    run_now();
    asks(FLAW, "NULL");
    assert_sealed("one");
    asks("SELECT count(*) FROM whk_used_material", "2");
    answer("200 OK", "", SET(JWK("one", X_1)));
    run_now();
    run_now();
    asks(FLAW, "changed");
    assert_sealed("one");
    asks("SELECT jwk LIKE '%" X_2 "%' FROM whk_key", "1");
    asks("SELECT count(*) FROM whk_event", "2");
    answer("200 OK", "", SET(JWK("one", X_2)));
    run_now();
    asks(FLAW, "NULL");
    assert_sealed("one");
}

/* A row that somebody else wrote is none of ours to seal, whatever its set holds. */
static void a_bad_row_stays_bad(void **state)
{
    (void)state;
    run_sql(fixture->link, "UPDATE whk_key SET remote_flaw = 'gone'");
    run_now();
    asks(FLAW, "gone");
    asks(REVISION, "0");
    policy.jwks_uri_pin = 0;
    answer("200 OK", "", SET(JWK("one", X_2)));
    run_now();
    asks(FLAW, "gone");
    asks("SELECT jwk LIKE '%" X_1 "%' FROM whk_key", "1");
    asks("SELECT count(*) FROM whk_used_material", "1");
}

/* Also without a pin: key material is used once in an enterprise. */
static void changed_to_another_key_of_ours(void **state)
{
    (void)state;
    register_key("acme", "two", JWK("two", X_2));
    policy.jwks_uri_pin = 0;
    answer("200 OK", "", SET(JWK("one", X_2) "," JWK("two", X_2)));
    run_now();
    asks(FLAW, "changed");
    asks("SELECT remote_flaw FROM whk_key WHERE key_id = 'two'", "NULL");
    asks("SELECT jwk LIKE '%" X_1 "%' FROM whk_key WHERE key_id = 'one'", "1");
}

static void failures_back_off(void **state)
{
    (void)state;
    run_now();
    answer("500 Oops", "", "");
    run_now();
    asks(FAILURES, "1");
    assert_next(4, 5);
    run_now();
    assert_null(strstr(origin.asked, "If-None-Match"));
    assert_next(9, 10);
    run_now();
    assert_next(18, 20);
    run_now();
    run_now();
    run_now();
    assert_next(144, 160);
    asks(FLAW, "NULL");
    assert_int_equal(failures_told, 1);
    answer("200 OK", "", SET(JWK("one", X_1)));
    run_now();
    asks(FAILURES, "0");
    assert_int_equal(recoveries_told, 1);
}

static void what_is_no_set(void **state)
{
    static const char *const bodies[] = {"", "no JSON", "[]", "{}", "{\"keys\":{}}"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        answer("200 OK", "", bodies[i]);
        run_now();
        assert_int_equal(apr_atoi64(ask(FAILURES)), (apr_int64_t)i + 1);
    }
    asks(FLAW, "NULL");
}

static void not_for_ever(void **state)
{
    (void)state;
    answer("500 Oops", "", "");
    let_it_expire();
    run_now();
    asks(FLAW, "unreachable");
    asks(REVISION, "1");
    run_now();
    asks(REVISION, "1");
    answer("200 OK", "", SET(JWK("one", X_1)));
    run_now();
    asks(FLAW, "NULL");
    asks(REVISION, "2");
}

static void a_busy_node_is_no_failure(void **state)
{
    (void)state;
    places = 0;
    run_now();
    assert_int_equal(origin.requests, 0);
    asks(FLAW, "NULL");
    asks(FAILURES, "0");
    asks(LEASED, "0");
    assert_int_equal(failures_told, 0);
}

/* Whatever keeps it from being fetched. */
static void a_busy_node_ends_a_set_all_the_same(void **state)
{
    (void)state;
    places = 0;
    let_it_expire();
    run_now();
    assert_int_equal(origin.requests, 0);
    asks(FLAW, "unreachable");
    asks(REVISION, "1");
    asks(FAILURES, "0");
    asks(LEASED, "0");
    assert_int_equal(failures_told, 1);
    run_now();
    asks(REVISION, "1");
    assert_int_equal(failures_told, 1);
    places = 1;
    run_now();
    asks(FLAW, "NULL");
}

/* Written under a clock that was a year ahead. */
static void times_that_are_too_far_ahead(void **state)
{
    const char *ahead =
        apr_psprintf(fixture->pool, "%" APR_INT64_T_FMT,
                     apr_time_as_msec(apr_time_now() + apr_time_from_sec(365 * 86400)));

    (void)state;
    run_sql(fixture->link,
            apr_pstrcat(fixture->pool, "UPDATE whk_remote_set SET refresh_at = ", ahead,
                        ", leased_until = ", ahead, ", fresh_until = ", ahead, NULL));
    answer("500 Oops", "", "");
    run_due();
    assert_int_equal(origin.requests, 1);
    asks(LEASED, "0");
    asks(FLAW, "NULL");
    assert_next(4, 5);
    /* Good from now on for WebhookKeysMaxStale, and no longer. */
    stepped_wall += apr_time_from_sec(59);
    run_now();
    asks(FLAW, "NULL");
    stepped_wall += apr_time_from_sec(2);
    run_now();
    asks(FLAW, "unreachable");
}

static int stopping(void *baton)
{
    (void)baton;
    return remote.stop && *remote.stop;
}

static void *stop_soon(void *stop)
{
    while (!__atomic_load_n(&origin.requests, __ATOMIC_SEQ_CST))
        usleep(1000);
    *(volatile apr_uint32_t *)stop = 1;
    return NULL;
}

/* A process that ends while it fetches gives the set back, and says nothing of it. */
static void a_stop_during_a_fetch(void **state)
{
    const whk_refresh_t refresh = {apr_time_from_sec(60), report, stopping, NULL};
    volatile apr_uint32_t stop = 0;
    pthread_t thread;
    apr_time_t began = apr_time_now();

    (void)state;
    answer("hang", "", "");
    remote.stop = &stop;
    run_sql(fixture->link, "UPDATE whk_remote_set SET refresh_at = 0");
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, (void *)&stop), 0);
    good(whk_refresh_due_sets(&registry, &refresh));
    pthread_join(thread, NULL);
    remote.stop = NULL;
    assert_int_equal(origin.requests, 1);
    assert_true(apr_time_now() - began < apr_time_from_msec(2900));
    asks(LEASED, "0");
    asks(FAILURES, "0");
    asks(FLAW, "NULL");
    assert_int_equal(failures_told, 0);
}

static void revoked_keys_need_no_fetch(void **state)
{
    (void)state;
    run_sql(fixture->link, "UPDATE whk_key SET status = 'REVOKED', revoked_at = 1");
    run_now();
    assert_int_equal(origin.requests, 0);
    assert_next(290, 300);
}

static void several_enterprises(void **state)
{
    (void)state;
    add_enterprise(fixture, "globex");
    register_key("globex", "one", JWK("one", X_1));
    answer("200 OK", "", SET(JWK("one", X_2)));
    run_now();
    assert_int_equal(origin.requests, 1);
    asks(FLAW, "changed|changed");
    asks(REVISION, "1|1");
}

static void a_lease_is_kept(void **state)
{
    whk_remote_set_t *set;
    int leased;
    apr_time_t now = apr_time_now();
    const whk_due_t due = {now, now + apr_time_from_sec(300), now + apr_time_from_sec(90)};

    (void)state;
    run_sql(fixture->link, "UPDATE whk_remote_set SET refresh_at = 0");
    good(whk_store_remote_set_due(registry.store, fixture->pool, &due, &set));
    good(whk_store_remote_set_lease(registry.store, fixture->pool, set, &due,
                                    now + apr_time_from_sec(90), &leased));
    assert_int_equal(leased, 1);
    good(whk_store_remote_set_lease(registry.store, fixture->pool, set, &due,
                                    now + apr_time_from_sec(90), &leased));
    assert_int_equal(leased, 0);
    run_due();
    assert_int_equal(origin.requests, 0);
    /* The lease of who died ends; and who comes late writes nothing over what came after. */
    run_sql(fixture->link, "UPDATE whk_remote_set SET leased_until = 1");
    run_due();
    assert_int_equal(origin.requests, 1);
    set->failures = 99;
    good(whk_store_remote_set_update(registry.store, fixture->pool, set));
    asks(FAILURES, "0");
}

static void *refresh_beside(void *file)
{
    const whk_refresh_t refresh = {apr_time_from_sec(60), report, not_stopping, NULL};
    whk_registry_t own = registry;
    apr_pool_t *pool;

    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    own.pool = pool;
    own.store = open_link(pool, file, NULL)->store;
    good(whk_refresh_due_sets(&own, &refresh));
    apr_pool_destroy(pool);
    return NULL;
}

static void one_fetches_for_all(void **state)
{
    pthread_t threads[4];
    int i;

    (void)state;
    run_sql(fixture->link, "UPDATE whk_remote_set SET refresh_at = 0");
    for (i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, refresh_beside, (void *)fixture->file),
                         0);
    for (i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(origin.requests, 1);
}

#define REFRESH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_refresh, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REFRESH_TEST(a_set_that_stays),
        REFRESH_TEST(not_modified),
        REFRESH_TEST(max_age),
        REFRESH_TEST(gone_and_back),
        REFRESH_TEST(changed),
        REFRESH_TEST(changed_to_another_key_of_ours),
        REFRESH_TEST(burnt_material_stays_away),
        REFRESH_TEST(a_bad_row_stays_bad),
        REFRESH_TEST(failures_back_off),
        REFRESH_TEST(what_is_no_set),
        REFRESH_TEST(not_for_ever),
        REFRESH_TEST(a_busy_node_is_no_failure),
        REFRESH_TEST(a_busy_node_ends_a_set_all_the_same),
        REFRESH_TEST(times_that_are_too_far_ahead),
        REFRESH_TEST(a_stop_during_a_fetch),
        REFRESH_TEST(revoked_keys_need_no_fetch),
        REFRESH_TEST(several_enterprises),
        REFRESH_TEST(a_lease_is_kept),
        REFRESH_TEST(one_fetches_for_all),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start_origin, stop_origin);
}
