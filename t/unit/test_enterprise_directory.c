/* SPDX-License-Identifier: Apache-2.0 */
/* What a node knows: when it is fresh, page by page, and after whoever wrote it was killed. The
 * registry is made up here, in the order of its changes. */

#include "shared_memory_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "model/clock.h"
#include "registry/enterprise_directory.h"

/* t/lib/stepped_clock.c */
extern _Atomic long long stepped_monotonic;

#define MOST 100000
#define LAG apr_time_from_sec(1)
#define MAX_STALE apr_time_from_sec(60)
#define ENTERPRISES 300
#define PAGE 40
#define KILLS 700

/* In this order, for whoever is killed in between. */
typedef struct {
    _Atomic apr_int64_t revision;
    _Atomic apr_int64_t number;
} row_t;

/* All that processes share. */
typedef struct {
    whk_shared_counters_t counters;
    row_t rows[ENTERPRISES]; /* number 0: no key of it ever changed */
    apr_int64_t last;        /* number that was given */
    _Atomic int changing; /* the row that a change was begun of last: killed in it, a writer leaves
                             what no transaction would */
    _Atomic int restored;
} world_t;

static world_t *world;
static whk_enterprise_directory_t directory;
static apr_pool_t *pool;

static int set_up(void **state)
{
    (void)state;
    stepped_monotonic = 0;
    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    world = share(sizeof(*world));
    directory =
        (whk_enterprise_directory_t){whk_directory_init(share(whk_directory_size(MOST)), MOST),
                                     &world->counters, LAG, MAX_STALE};
    assert_non_null(directory.block);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    munmap(directory.block, whk_directory_size(MOST));
    munmap(world, sizeof(*world));
    apr_pool_destroy(pool);
    return 0;
}

static const char *id_of(int i)
{
    return apr_psprintf(pool, "enterprise %04d", i);
}

static void change(int i)
{
    world->changing = i;
    world->rows[i].revision++;
    world->rows[i].number = ++world->last;
}

static const whk_change_t *make_change(int i)
{
    whk_change_t *made = apr_palloc(pool, sizeof(*made));

    *made = (whk_change_t){id_of(i), world->rows[i].revision, world->rows[i].number};
    return made;
}

/* Behind a change in the order of changes. */
static int is_behind(const row_t *row, const char *id, apr_int64_t number, const char *than)
{
    return row->number > number || (row->number == number && strcmp(id, than) > 0);
}

/* The one that comes next, or -1. */
static int next_of(apr_int64_t number, const char *id)
{
    int found = -1;
    int i;

    for (i = 0; i < ENTERPRISES; i++)
        if (world->rows[i].number && is_behind(&world->rows[i], id_of(i), number, id) &&
            (found < 0 ||
             is_behind(&world->rows[found], id_of(found), world->rows[i].number, id_of(i))))
            found = i;
    return found;
}

static void list(const whk_change_query_t *query, whk_change_page_t *page)
{
    apr_int64_t number = query->number;
    const char *id = query->enterprise_id;
    int i;

    *page = (whk_change_page_t){apr_array_make(pool, PAGE, sizeof(whk_change_t *)), NULL, 0, -1};
    for (i = 0; i < ENTERPRISES; i++)
        if (!strcmp(query->again, id_of(i)) && world->rows[i].number)
            page->again = make_change(i);
    while (page->changes->nelts < PAGE && (i = next_of(number, id)) >= 0) {
        APR_ARRAY_PUSH(page->changes, const whk_change_t *) = make_change(i);
        number = world->rows[i].number;
        id = id_of(i);
    }
    page->more = page->changes->nelts == PAGE;
    if (page->again || page->changes->nelts)
        page->mark = world->last;
}

/* @return 0: the registry went back */
static int poll_page(void)
{
    whk_change_query_t query;
    whk_change_page_t page;

    whk_directory_begin(&directory, &query);
    list(&query, &page);
    if (whk_directory_update(&directory, &page))
        return 1;
    world->restored++;
    return 0;
}

static void poll_all(void)
{
    do
        poll_page();
    while (whk_directory_is_behind(&directory));
}

static whk_directory_lookup_t look_up(int i)
{
    const whk_arrival_t arrival = whk_directory_arrival(&directory, id_of(i));

    return whk_directory_look_up(&directory, &arrival);
}

static void assert_known(void)
{
    int i;

    for (i = 0; i < ENTERPRISES; i++) {
        whk_directory_lookup_t found = look_up(i);

        assert_int_equal(found.freshness, WHK_FRESH);
        assert_int_equal(found.exists, world->rows[i].number != 0);
        assert_int_equal(found.revision, world->rows[i].revision);
    }
}

/* ---- ---- */

static void freshness(void **state)
{
    (void)state;
    assert_int_equal(look_up(1).freshness, WHK_TOO_STALE);
    assert_int_equal(look_up(1).ask_store, 0);
    change(1);
    poll_all();
    assert_known();
    whk_count_change(&world->counters, id_of(1));
    assert_int_equal(look_up(1).freshness, WHK_OUTDATED);
    assert_int_equal(look_up(2).freshness, WHK_FRESH);
    poll_all();
    assert_known();
    stepped_monotonic += LAG + 1;
    assert_int_equal(look_up(1).freshness, WHK_STALE);
    stepped_monotonic += MAX_STALE - LAG;
    assert_int_equal(look_up(1).freshness, WHK_TOO_STALE);
    poll_all();
    assert_known();
}

static void several_pages(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < 3 * PAGE; i++)
        change(ENTERPRISES - 1 - i);
    poll_page();
    assert_int_equal(look_up(1).ask_store, 1);
    assert_int_equal(look_up(ENTERPRISES - 1).exists, 1);
    assert_int_equal(look_up(ENTERPRISES - 1).freshness, WHK_TOO_STALE);
    poll_page();
    /* One that was listed before changes, and one that was not yet. */
    change(ENTERPRISES - 1);
    change(ENTERPRISES - 3 * PAGE);
    poll_all();
    assert_int_equal(look_up(1).ask_store, 0);
    poll_all();
    assert_known();
}

/* Several of one number, as by one transaction, and more of them than a page holds. */
static void changes_of_one_number(void **state)
{
    int i;

    (void)state;
    change(7);
    world->last++;
    for (i = 0; i < ENTERPRISES; i++)
        if (i % 2)
            world->rows[i] = (row_t){world->rows[i].revision + 1, world->last};
    poll_all();
    assert_known();
}

static void a_registry_that_went_back(void **state)
{
    whk_directory_lookup_t before;
    row_t rows[ENTERPRISES];
    apr_int64_t last;
    int i;

    (void)state;
    for (i = 0; i < ENTERPRISES; i++)
        change(i);
    poll_all();
    memcpy((void *)rows, (void *)world->rows, sizeof(rows));
    last = world->last;
    change(5);
    poll_all();
    before = look_up(5);
    assert_int_equal(before.revision, 2);
    memcpy((void *)world->rows, (void *)rows, sizeof(rows));
    world->last = last;
    assert_int_equal(poll_page(), 0);
    assert_int_equal(look_up(5).freshness, WHK_TOO_STALE);
    assert_true(look_up(5).generation != before.generation);
    poll_all();
    assert_known();
    /* One that is gone, as where its registry is another. */
    world->rows[ENTERPRISES - 1] = (row_t){0, 0};
    assert_int_equal(poll_page(), 0);
    poll_all();
    assert_known();
    assert_int_equal(world->restored, 2);
}

static int another_takes_its_turn(void)
{
    pid_t pid = fork();
    int status;

    if (!pid)
        _exit(whk_directory_take_turn(&directory, WHK_TURN_REFRESH, LAG));
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

/* Whoever had it last goes on, as long as it does. */
static void turns(void **state)
{
    (void)state;
    assert_int_equal(whk_directory_take_turn(&directory, WHK_TURN_REFRESH, LAG), 1);
    assert_int_equal(whk_directory_take_turn(&directory, WHK_TURN_REFRESH, LAG), 0);
    stepped_monotonic += LAG;
    assert_int_equal(another_takes_its_turn(), 0);
    assert_int_equal(whk_directory_take_turn(&directory, WHK_TURN_REFRESH, LAG), 1);
    assert_int_equal(whk_directory_take_turn(&directory, WHK_TURN_REFRESH, LAG), 0);
    stepped_monotonic += LAG + LAG / 2;
    assert_int_equal(another_takes_its_turn(), 1);
    assert_int_equal(whk_directory_take_turn(&directory, WHK_TURN_REFRESH, LAG), 0);
}

static void who_polls(void **state)
{
    pid_t pid;

    (void)state;
    poll_all();
    assert_int_equal(whk_directory_is_due(&directory, LAG), 0);
    stepped_monotonic += LAG;
    assert_int_equal(whk_directory_is_due(&directory, LAG), 1);
    pid = fork();
    if (!pid) {
        poll_all();
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    stepped_monotonic += LAG;
    assert_int_equal(whk_directory_is_due(&directory, LAG), 0);
    stepped_monotonic += LAG / 2;
    assert_int_equal(whk_directory_is_due(&directory, LAG), 1);
}

static void news(void **state)
{
    (void)state;
    assert_int_equal(whk_directory_is_news(&directory, 0), 0);
    assert_int_equal(whk_directory_is_news(&directory, 1), 1);
    assert_int_equal(whk_directory_is_news(&directory, 1), 0);
    assert_int_equal(whk_directory_is_news(&directory, 0), 1);
    assert_int_equal(whk_directory_is_news(&directory, 0), 0);
}

/* As much as can be of the time is spent where it is to be killed. */
static void write_on(void)
{
    whk_change_t changes[ENTERPRISES];
    whk_change_query_t query;
    whk_change_page_t page;
    int i;

    page.changes = apr_array_make(pool, ENTERPRISES, sizeof(whk_change_t *));
    for (i = 0; i < ENTERPRISES; i++) {
        changes[i].enterprise_id = id_of(i);
        APR_ARRAY_PUSH(page.changes, const whk_change_t *) = &changes[i];
    }
    page.again = &changes[ENTERPRISES - 1];
    page.more = 0;
    for (;;) {
        for (i = 0; i < ENTERPRISES; i++) {
            change(i);
            changes[i].revision = world->rows[i].revision;
            changes[i].number = world->rows[i].number;
        }
        page.mark = world->last;
        whk_directory_begin(&directory, &query);
        if (!whk_directory_update(&directory, &page))
            world->restored++;
    }
}

static int newest(void)
{
    int found = 0;
    int i;

    for (i = 1; i < ENTERPRISES; i++)
        if (world->rows[i].number > world->rows[found].number)
            found = i;
    return found;
}

/* It may be in the middle of a change, too. */
static void kill_a_writer(unsigned int *random)
{
    pid_t writer = fork();

    if (!writer)
        write_on();
    usleep((unsigned int)rand_r(random) % 1000);
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
    change(world->changing);
}

/* Whatever one had begun, the next ends, and takes it for no other registry. */
static void writers_that_are_killed(void **state)
{
    unsigned int random = 1;
    int kills;

    (void)state;
    for (kills = 0; kills < KILLS; kills++) {
        kill_a_writer(&random);
        if (kills % 2) {
            poll_all();
            assert_known();
        }
        apr_pool_clear(pool);
    }
    assert_int_equal(world->restored, 0);
}

/* In the middle of writing down that nothing changed, if it so happens. */
static void kill_one_that_finds_nothing_new(void)
{
    whk_change_query_t query;
    whk_change_page_t page = {NULL, NULL, 0, 0};
    pid_t writer = fork();

    if (!writer) {
        page.changes = apr_array_make(pool, 1, sizeof(whk_change_t *));
        page.again = make_change(newest());
        page.mark = world->last;
        for (;;) {
            whk_directory_begin(&directory, &query);
            whk_directory_update(&directory, &page);
        }
    }
    usleep(700);
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
}

/* What was half done does not hide that the registry went back then. */
static void a_registry_that_went_back_after_a_kill(void **state)
{
    unsigned int random = 1;
    int kills;

    (void)state;
    for (kills = 0; kills < 100; kills++) {
        int last;

        kill_a_writer(&random);
        poll_all();
        last = newest();
        assert_int_equal(look_up(last).freshness, WHK_FRESH);
        whk_directory_note_reported(&directory);
        kill_one_that_finds_nothing_new();
        world->rows[last].revision--;
        world->rows[last].number = --world->last - ENTERPRISES;
        assert_int_equal(poll_page(), 0);
        assert_int_equal(whk_directory_was_restored(&directory), 1);
        poll_all();
        apr_pool_clear(pool);
    }
}

#define DIRECTORY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTORY_TEST(freshness),
        DIRECTORY_TEST(several_pages),
        DIRECTORY_TEST(changes_of_one_number),
        DIRECTORY_TEST(a_registry_that_went_back),
        DIRECTORY_TEST(turns),
        DIRECTORY_TEST(who_polls),
        DIRECTORY_TEST(news),
        DIRECTORY_TEST(writers_that_are_killed),
        DIRECTORY_TEST(a_registry_that_went_back_after_a_kill),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
