/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are planned to be revoked: what verifies by either clock, what is written down of them,
 * and who wins where several are at it. */
#include "key_cache_fixture.h"

#include "model/timestamp.h"
#include "registry/due_revocations.h"
#include "registry/key_revocation.h"
#include "registry/planned_revocation.h"
#include "store/events.h"

static whk_registry_t registry_over(link_t *link, apr_pool_t *pool)
{
    whk_registry_t registry = {.pool = pool,
                               .store = link->store,
                               .counters = &world.counters,
                               .secret = world.fixture->secret};

    return registry;
}

static whk_registry_t registry_here(void)
{
    return registry_over(world.fixture->link, world.fixture->pool);
}

static const whk_caller_t *operator_of(const char *enterprise)
{
    return whk_caller_operator(world.fixture->pool, "root", enterprise);
}

/* 0 cancels. */
static const whk_outcome_t *plan_at(const char *enterprise, const char *key_id, apr_time_t when)
{
    whk_registry_t registry = registry_here();
    whk_planned_t planned;
    whk_key_t *key;

    return when ? whk_plan_revocation(&registry, operator_of(enterprise), key_id, when, &planned)
                : whk_cancel_revocation(&registry, operator_of(enterprise), key_id, &key);
}

static apr_time_t plan_in(const char *key_id, int seconds)
{
    apr_time_t when = whk_time_now() + apr_time_from_sec(seconds);

    good(plan_at("acme", key_id, when));
    return when;
}

static void step(int wall, int monotonic)
{
    stepped_wall += apr_time_from_sec(wall);
    stepped_monotonic += apr_time_from_sec(monotonic);
}

/* Another change of the enterprise, so that its keys are read anew. */
static void change_something(void)
{
    static int which = 100;

    which++;
    change_here(register_work, "acme", apr_psprintf(world.fixture->pool, "another %d", which),
                which);
    poll_now();
}

/* ---- what verifies ---- */

static void clocks_that_go_on(void **state)
{
    (void)state;
    change_here(register_work, "acme", "one", 0);
    plan_in("one", 30);
    poll_now();
    good(find("acme", "one"));
    step(29, 29);
    poll_now();
    good(find("acme", "one"));
    step(2, 2);
    refused(find("acme", "one"), WHK_KEY_REVOKED);
}

/* No poll, no answer of the store: what was read tells. */
static void the_store_away(void **state)
{
    (void)state;
    change_here(register_work, "acme", "one", 0);
    plan_in("one", 30);
    poll_now();
    good(find("acme", "one"));
    world.fixture->link->refuse = 1;
    step(29, 29);
    good(find("acme", "one"));
    step(1, 1);
    refused(find("acme", "one"), WHK_KEY_REVOKED);
    world.fixture->link->refuse = 0;
}

/* It was, and stays so, whoever sets the clock, and however often the rows are read. */
static void a_clock_that_is_set_back(void **state)
{
    (void)state;
    change_here(register_work, "acme", "one", 0);
    plan_in("one", 30);
    poll_now();
    good(find("acme", "one"));
    step(-3600, 29);
    poll_now();
    good(find("acme", "one"));
    step(0, 2);
    refused(find("acme", "one"), WHK_KEY_REVOKED);
    change_something();
    refused(find("acme", "one"), WHK_KEY_REVOKED);
    good(plan_at("acme", "one", 0));
    poll_now();
    good(find("acme", "one"));
}

static void a_clock_that_is_set_forward(void **state)
{
    (void)state;
    change_here(register_work, "acme", "one", 0);
    plan_in("one", 3000);
    poll_now();
    good(find("acme", "one"));
    step(3001, 0);
    refused(find("acme", "one"), WHK_KEY_REVOKED);
    step(-3001, 0);
    refused(find("acme", "one"), WHK_KEY_REVOKED);
    change_something();
    refused(find("acme", "one"), WHK_KEY_REVOKED);
    plan_in("one", 6000);
    poll_now();
    good(find("acme", "one"));
}

static void one_that_is_read_too_late(void **state)
{
    (void)state;
    change_here(register_work, "acme", "one", 0);
    plan_in("one", 30);
    step(31, 31);
    poll_now();
    refused(find("acme", "one"), WHK_KEY_REVOKED);
}

static int tried(void)
{
    apr_array_header_t *keys;
    int total;
    const whk_outcome_t *outcome = whk_held_key_find_ed25519(
        world.cache, world.fixture->link->store, "acme", 16, &keys, &total, world.request);

    if (outcome)
        return outcome->code == WHK_UNKNOWN_KEY ? 0 : -1;
    return keys->nelts == total ? total : -1;
}

static void keys_that_are_tried(void **state)
{
    (void)state;
    change_here(register_work, "acme", "one", 0);
    change_here(register_work, "acme", "two", 1);
    plan_in("one", 30);
    plan_in("two", 40);
    poll_now();
    assert_int_equal(tried(), 2);
    step(31, 31);
    assert_int_equal(tried(), 1);
    step(0, 10);
    assert_int_equal(tried(), 0);
}

/* ---- what is written down ---- */

static int never(void *baton)
{
    (void)baton;
    return 0;
}

static void write_due(void)
{
    whk_registry_t registry = registry_here();

    good(whk_revoke_due_keys(&registry, never, NULL));
}

static const char *ask(const char *sql)
{
    return ask_sql(world.fixture->pool, world.fixture->link, sql, 0);
}

static void what_is_due_is_written_once(void **state)
{
    apr_time_t now = whk_time_now();

    (void)state;
    add_enterprise(world.fixture, "other");
    change_here(register_work, "acme", "late", 0);
    change_here(register_work, "acme", "early", 1);
    change_here(register_work, "acme", "stays", 2);
    change_here(register_work, "other", "own", 3);
    good(plan_at("acme", "late", now + apr_time_from_sec(20)));
    good(plan_at("acme", "early", now + apr_time_from_sec(10)));
    good(plan_at("acme", "stays", now + apr_time_from_sec(3600)));
    good(plan_at("other", "own", now + apr_time_from_sec(5)));
    write_due();
    assert_string_equal(ask("SELECT count(*) FROM whk_event WHERE type = 'key.revoked'"), "0");
    step(30, 30);
    write_due();
    write_due();
    assert_string_equal(ask("SELECT key_id FROM whk_event WHERE type = 'key.revoked' AND "
                            "enterprise_id = 'acme' ORDER BY id"),
                        "early|late");
    assert_string_equal(ask("SELECT key_id FROM whk_key WHERE status = 'ACTIVE'"), "stays");
    assert_string_equal(
        ask("SELECT count(*) FROM whk_key WHERE revoked_by = 'schedule' AND revoked_at = "
            "revokes_at"),
        "3");
    assert_string_equal(ask("SELECT actor FROM whk_event WHERE key_id = 'own' AND type = "
                            "'key.revoked'"),
                        "schedule");
    assert_string_equal(ask("SELECT active_keys FROM whk_enterprise ORDER BY enterprise_id"),
                        "1|0");
    poll_now();
    refused(find("acme", "late"), WHK_KEY_REVOKED);
    good(find("acme", "stays"));
}

/* Nobody wrote it by our words: it is none of what the schedule does, and in nobody's way. */
static void a_bad_row_is_left_alone(void **state)
{
    apr_time_t now = whk_time_now();

    (void)state;
    change_here(register_work, "acme", "bad", 0);
    change_here(register_work, "acme", "good", 1);
    good(plan_at("acme", "good", now + apr_time_from_sec(20)));
    run_sql(world.fixture->link, "UPDATE whk_key SET revokes_at = 5 WHERE key_id = 'bad'");
    step(30, 30);
    write_due();
    assert_string_equal(ask("SELECT key_id FROM whk_key WHERE status = 'ACTIVE'"), "bad");
    assert_string_equal(ask("SELECT key_id FROM whk_event WHERE type = 'key.revoked'"), "good");
    poll_now();
    refused(find("acme", "bad"), WHK_INTERNAL_ERROR);
}

/* More than a page, of one enterprise and of several. */
static void many_are_due(void **state)
{
    apr_time_t when = whk_time_now() + apr_time_from_sec(60);
    int i;

    (void)state;
    for (i = 0; i < 120; i++)
        change_here(register_work, "acme", apr_psprintf(world.fixture->pool, "key %d", i), i);
    for (i = 0; i < 120; i++)
        good(plan_at("acme", apr_psprintf(world.fixture->pool, "key %d", i), when));
    step(61, 61);
    write_due();
    assert_string_equal(ask("SELECT count(*) FROM whk_key WHERE status = 'ACTIVE'"), "0");
    assert_string_equal(ask("SELECT count(*) FROM whk_event WHERE type = 'key.revoked'"), "120");
}

/* ---- who comes too late ---- */

typedef struct {
    pthread_t thread;
    link_t *link;
    apr_pool_t *pool;
    int which;
    const whk_outcome_t *outcome;
} late_t;

static _Atomic int is_held;

/* Until some time after that. */
static const whk_outcome_t *hold_lock(whk_store_t *store, void *baton, apr_pool_t *pool)
{
    const apr_time_t *until = baton;
    whk_enterprise_t *enterprise;

    WHK_TRY(whk_store_enterprise_lock(store, pool, "acme", &enterprise));
    is_held = 1;
    while (whk_time_now() < *until + apr_time_from_msec(200))
        usleep(10000);
    return NULL;
}

static void *come_late(void *baton)
{
    late_t *late = baton;
    whk_registry_t registry = registry_over(late->link, late->pool);
    const whk_caller_t *caller = whk_caller_operator(late->pool, "root", "acme");
    apr_array_header_t *warnings;
    whk_planned_t planned;
    whk_key_t *key;

    while (!is_held)
        usleep(1000);
    if (late->which == 0)
        late->outcome = whk_plan_revocation(&registry, caller, "one",
                                            whk_time_now() + apr_time_from_sec(60), &planned);
    else if (late->which == 1)
        late->outcome = whk_cancel_revocation(&registry, caller, "one", &key);
    else
        late->outcome = whk_revoke_key(&registry, caller, "one", &key, &warnings);
    return NULL;
}

/* They ask before the time, and their turn comes after it. */
static void a_turn_that_comes_too_late(void **state)
{
    apr_time_t planned = whk_time_now() + apr_time_from_msec(500);
    late_t late[3] = {{0}};
    apr_thread_mutex_t *mutex = NULL;
    int i;

    (void)state;
    if (is_driver("sqlite3"))
        apr_thread_mutex_create(&mutex, APR_THREAD_MUTEX_DEFAULT, world.fixture->pool);
    change_here(register_work, "acme", "one", 0);
    good(plan_at("acme", "one", planned));
    is_held = 0;
    world.fixture->link->mutex = mutex;
    for (i = 0; i < 3; i++) {
        apr_pool_create_unmanaged_ex(&late[i].pool, NULL, NULL);
        late[i].link = open_link(late[i].pool, world.fixture->file, mutex);
        late[i].which = i;
        assert_int_equal(pthread_create(&late[i].thread, NULL, come_late, &late[i]), 0);
    }
    good(whk_store_transaction(world.fixture->link->store, world.fixture->pool, hold_lock,
                               &planned));
    for (i = 0; i < 3; i++) {
        pthread_join(late[i].thread, NULL);
        refused(late[i].outcome, WHK_KEY_ALREADY_REVOKED);
        apr_pool_destroy(late[i].pool);
    }
    world.fixture->link->mutex = NULL;
}

/* ---- races ---- */

#define RACERS 5

typedef struct {
    pthread_t thread;
    link_t *link;
    apr_pool_t *pool;
    int which;
    apr_time_t until;
    int done; /* how often it had its way */
} racer_t;

static const whk_outcome_t *race_once(racer_t *racer, apr_pool_t *pool)
{
    whk_registry_t registry = registry_over(racer->link, pool);
    const whk_caller_t *caller = whk_caller_operator(pool, "root", "acme");
    apr_array_header_t *warnings;
    whk_planned_t planned;
    whk_key_t *key;

    switch (racer->which) {
    case 0:
    case 1:
        return whk_plan_revocation(&registry, caller, "one",
                                   whk_time_now() + apr_time_from_msec(20 + 15 * racer->which),
                                   &planned);
    case 2:
        return whk_cancel_revocation(&registry, caller, "one", &key);
    case 3:
        return whk_revoke_due_keys(&registry, never, NULL);
    default:
        if (whk_time_now() < racer->until - apr_time_from_msec(50))
            return whk_revoke_due_keys(&registry, never, NULL);
        return whk_revoke_key(&registry, caller, "one", &key, &warnings);
    }
}

static void *race(void *baton)
{
    racer_t *racer = baton;
    apr_pool_t *pool;

    while (whk_time_now() < racer->until) {
        const whk_outcome_t *outcome;

        apr_pool_create(&pool, racer->pool);
        outcome = race_once(racer, pool);
        racer->done += !outcome;
        apr_pool_destroy(pool);
    }
    return NULL;
}

/* What the events say, one after another: a plan is changed before its time alone, and a key is
 * revoked once, at the time that was planned last or by hand before it. */
static void check_trail(void)
{
    fixture_t *fixture = world.fixture;
    apr_array_header_t *events;
    apr_time_t planned = 0;
    int revoked = 0;
    int i;

    good(whk_store_event_walk(fixture->link->store, fixture->pool, "acme", 0, 10000, &events));
    for (i = 0; i < events->nelts; i++) {
        const whk_event_t *event = APR_ARRAY_IDX(events, i, const whk_event_t *);

        assert_int_equal(revoked, 0);
        if (!strcmp(event->type, "key.revoked")) {
            revoked = 1;
            if (!strcmp(event->actor, "schedule"))
                assert_true(event->at == planned);
            else
                assert_true(!planned || event->at < planned);
            continue;
        }
        assert_true(!planned || event->at < planned);
        if (!strcmp(event->type, "key.revocation_planned"))
            assert_true(whk_time_parse(event->detail, &planned));
        else
            planned = 0;
    }
}

static void racing_at_the_time(void **state)
{
    racer_t racers[RACERS];
    apr_thread_mutex_t *mutex = NULL;
    apr_time_t until;
    int i;

    (void)state;
    memset(racers, 0, sizeof(racers));
    if (is_driver("sqlite3"))
        apr_thread_mutex_create(&mutex, APR_THREAD_MUTEX_DEFAULT, world.fixture->pool);
    change_here(register_work, "acme", "one", 0);
    until = whk_time_now() + apr_time_from_msec(600);
    for (i = 0; i < RACERS; i++) {
        apr_pool_create_unmanaged_ex(&racers[i].pool, NULL, NULL);
        racers[i].link = open_link(racers[i].pool, world.fixture->file, mutex);
        racers[i].which = i;
        racers[i].until = until;
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (i = 0; i < RACERS; i++) {
        pthread_join(racers[i].thread, NULL);
        apr_pool_destroy(racers[i].pool);
    }
    assert_true(racers[0].done + racers[1].done > 0);
    step(60, 60);
    write_due();
    check_trail();
    assert_string_equal(
        ask("SELECT status FROM whk_key"),
        strcmp(ask("SELECT count(*) FROM whk_event WHERE type = 'key.revoked'"), "1") == 0
            ? "REVOKED"
            : "ACTIVE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEY_CACHE_TEST(clocks_that_go_on),
        KEY_CACHE_TEST(the_store_away),
        KEY_CACHE_TEST(a_clock_that_is_set_back),
        KEY_CACHE_TEST(a_clock_that_is_set_forward),
        KEY_CACHE_TEST(one_that_is_read_too_late),
        KEY_CACHE_TEST(keys_that_are_tried),
        KEY_CACHE_TEST(what_is_due_is_written_once),
        KEY_CACHE_TEST(a_bad_row_is_left_alone),
        KEY_CACHE_TEST(many_are_due),
        KEY_CACHE_TEST(a_turn_that_comes_too_late),
        KEY_CACHE_TEST(racing_at_the_time),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_drivers, tear_down_drivers);
}
