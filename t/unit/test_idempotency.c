/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of a request with an Idempotency-Key: for a day, by a clock that may be wrong,
 * and for nobody else. */

#include "store_fixture.h"

#include "model/timestamp.h"
#include "registry/idempotency.h"
#include "registry/key_registration.h"
#include "store/transaction.h"

/* t/lib/stepped_clock.c */
extern _Atomic long long stepped_wall;

static fixture_t *fixture;

static int begin(void **state)
{
    set_up(state);
    fixture = *state;
    add_enterprise(fixture, "beta");
    stepped_wall = 0;
    return 0;
}

typedef struct {
    const char *enterprise;
    const char *user;
    const char *key;
    const whk_outcome_t *refusal;
} memory_t;

static const whk_caller_t *caller_of(const memory_t *memory)
{
    return whk_caller_authorized(fixture->pool, memory->user, memory->enterprise, NULL, NULL);
}

static const whk_outcome_t *work(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    const memory_t *memory = baton;
    const whk_idempotent_t request = {memory->key, "hash"};

    return whk_idempotency_remember(store, pool, fixture->secret, caller_of(memory), &request,
                                    memory->refusal, "{\"keyId\":\"x\"}");
}

static void remember(memory_t memory)
{
    good(whk_store_transaction(fixture->link->store, fixture->pool, work, &memory));
}

static whk_idempotency_key_t *find(memory_t memory)
{
    whk_idempotency_key_t *earlier;

    good(whk_idempotency_find(fixture->link->store, fixture->pool, fixture->secret,
                              caller_of(&memory), memory.key, &earlier));
    return earlier;
}

static int count(void)
{
    return atoi(
        ask_sql(fixture->pool, fixture->link, "SELECT count(*) FROM whk_idempotency_key", 0));
}

#define ALICE(k) ((memory_t){"acme", "alice", k, NULL})

static void whose_it_is(void **state)
{
    (void)state;
    remember(ALICE("k"));
    assert_non_null(find(ALICE("k")));
    assert_null(find(ALICE("K")));
    assert_null(find(ALICE("k ")));
    assert_null(find((memory_t){"acme", "Alice", "k", NULL}));
    assert_null(find((memory_t){"beta", "alice", "k", NULL}));
}

static void what_was_answered(void **state)
{
    json_t *answer = NULL;

    (void)state;
    remember(ALICE("k"));
    good(whk_idempotency_answer(fixture->pool, find(ALICE("k")), "hash", &answer));
    assert_string_equal(json_string_value(json_object_get(answer, "keyId")), "x");
    assert_int_equal(
        whk_idempotency_answer(fixture->pool, find(ALICE("k")), "other", &answer)->code,
        WHK_IDEMPOTENCY_KEY_REUSED);
    remember((memory_t){"acme", "alice", "r",
                        whk_refuse(fixture->pool, WHK_KEY_ID_TAKEN, "it was %s", "taken")});
    assert_int_equal(whk_idempotency_answer(fixture->pool, find(ALICE("r")), "hash", &answer)->code,
                     WHK_KEY_ID_TAKEN);
    assert_string_equal(
        whk_idempotency_answer(fixture->pool, find(ALICE("r")), "hash", &answer)->message,
        "it was taken");
}

static void for_a_day(void **state)
{
    const apr_time_t day = WHK_IDEMPOTENCY_LIFETIME;

    (void)state;
    remember(ALICE("k"));
    remember((memory_t){"beta", "alice", "k", NULL});
    stepped_wall = day - apr_time_from_sec(60);
    assert_non_null(find(ALICE("k")));
    stepped_wall = day + apr_time_from_sec(1);
    assert_null(find(ALICE("k")));
    /* Of this enterprise alone. */
    remember(ALICE("next"));
    assert_int_equal(count(), 2);
    /* It may be used anew. */
    remember(ALICE("k"));
    assert_non_null(find(ALICE("k")));
}

static void by_a_clock_that_was_ahead(void **state)
{
    (void)state;
    stepped_wall = apr_time_from_sec(3600);
    remember(ALICE("k"));
    assert_non_null(find(ALICE("k")));
    stepped_wall = 0;
    assert_null(find(ALICE("k")));
    remember(ALICE("k"));
    assert_non_null(find(ALICE("k")));
}

static void what_somebody_else_wrote(void **state)
{
    static const char *const changes[] = {
        "body_hash = 'other'",         "answer = '{}'",   "code = 'key_id_taken'", "seal = NULL",
        "created_at = created_at + 1", "user_id = 'bob'",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const char *user = strstr(changes[i], "bob") ? "bob" : "alice";

        remember(ALICE("k"));
        run_sql(fixture->link,
                apr_psprintf(fixture->pool, "UPDATE whk_idempotency_key SET %s", changes[i]));
        if (find((memory_t){"acme", user, "k", NULL}))
            fail_msg("%s", changes[i]);
    }
}

/* ---- registering ---- */

#define BODY                                                                                       \
    "{\"keyId\":\"k1\",\"jwks\":{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"            \
    "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}}"

static const whk_outcome_t *register_under(const char *key, const char *body,
                                           whk_algorithms_t algorithms, json_t **answer)
{
    const whk_policy_t policy = {.algorithms = algorithms, .max_active = 9};
    whk_registry_t registry = {.pool = fixture->pool,
                               .store = fixture->link->store,
                               .policy = &policy,
                               .secret = fixture->secret};
    whk_caller_t *caller =
        whk_caller_authorized(fixture->pool, "alice", "acme", "192.0.2.1", "request");

    whk_caller_complete(caller);
    return whk_register_key(&registry, caller, key, body, strlen(body), answer);
}

static int count_events(void)
{
    return atoi(ask_sql(fixture->pool, fixture->link, "SELECT count(*) FROM whk_event", 0));
}

/* Both were under way, and the later one met what the first did not. */
static void the_slower_one_is_refused(void **state)
{
    json_t *first = NULL;
    json_t *second = NULL;
    int events;

    (void)state;
    good(register_under("k", BODY, WHK_ALGORITHMS_DEFAULT, &first));
    events = count_events();
    good(register_under("k", BODY, WHK_ALG_RS256, &second));
    assert_true(json_equal(first, second));
    assert_int_equal(register_under("k", BODY " ", WHK_ALG_RS256, &second)->code,
                     WHK_IDEMPOTENCY_KEY_REUSED);
    assert_int_equal(count_events(), events);
    assert_int_equal(register_under("other", BODY, WHK_ALG_RS256, &second)->code,
                     WHK_UNSUPPORTED_KEY);
    assert_int_equal(count_events(), events + 1);
    assert_int_equal(count(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whose_it_is, begin, tear_down),
        cmocka_unit_test_setup_teardown(what_was_answered, begin, tear_down),
        cmocka_unit_test_setup_teardown(for_a_day, begin, tear_down),
        cmocka_unit_test_setup_teardown(by_a_clock_that_was_ahead, begin, tear_down),
        cmocka_unit_test_setup_teardown(what_somebody_else_wrote, begin, tear_down),
        cmocka_unit_test_setup_teardown(the_slower_one_is_refused, begin, tear_down),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_drivers, tear_down_drivers);
}
