/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include "fetch/address_guard.h"
#include "fetch/cidr.h"

static apr_pool_t *pool;

static const struct sockaddr *address_of(const char *text)
{
    struct sockaddr_in *v4 = apr_pcalloc(pool, sizeof(*v4));
    struct sockaddr_in6 *v6 = apr_pcalloc(pool, sizeof(*v6));

    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        return (struct sockaddr *)v4;
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
        fail_msg("not an address: %s", text);
    v6->sin6_family = AF_INET6;
    return (struct sockaddr *)v6;
}

static whk_allow_list_t *list_of(const char *entry)
{
    whk_allow_list_t *list = whk_allow_list_create(pool);

    if (entry)
        assert_null(whk_allow_list_add(list, entry));
    return list;
}

static const char *refusal_of(const char *address, const char *entry)
{
    return whk_address_refusal(address_of(address), "keys.example", list_of(entry));
}

static void assert_refused(const char *address)
{
    if (!refusal_of(address, NULL))
        fail_msg("%s is let through", address);
}

static void assert_public(const char *address)
{
    const char *refusal = refusal_of(address, NULL);

    if (refusal)
        fail_msg("%s is refused: %s", address, refusal);
}

/* First and last address of each range, and where they are public, those just outside it. */
static void ranges_end_where_they_should(void **state)
{
    static const struct {
        const char *before, *first, *last, *after;
    } rows[] = {
        {NULL, "0.0.0.0", "0.255.255.255", "1.0.0.0"},
        {"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
        {"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
        {"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
        {"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
        {"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
        {"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"},
        {"192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"},
        {"192.31.195.255", "192.31.196.0", "192.31.196.255", "192.31.197.0"},
        {"192.52.192.255", "192.52.193.0", "192.52.193.255", "192.52.194.0"},
        {"192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"},
        {"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
        {"192.175.47.255", "192.175.48.0", "192.175.48.255", "192.175.49.0"},
        {"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
        {"198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"},
        {"203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"},
        {"223.255.255.255", "224.0.0.0", "239.255.255.255", NULL},
        {NULL, "240.0.0.0", "255.255.255.255", NULL},
        {"168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17"},
        {NULL, "::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
        {NULL, "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"},
        {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
         "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"},
        {"2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"},
        {"2620:4f:7fff:ffff:ffff:ffff:ffff:ffff",
         "2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff", "2620:4f:8001::"},
        {"3ffd:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "3ffe::", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
        {NULL, "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"},
        {"3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_refused(rows[i].first);
        assert_refused(rows[i].last);
        if (rows[i].before)
            assert_public(rows[i].before);
        if (rows[i].after)
            assert_public(rows[i].after);
    }
}

/* What an attacker would try first, each with the words that the operator will read. */
static void famous_addresses(void **state)
{
    static const struct {
        const char *address, *word;
    } rows[] = {
        {"127.0.0.1", "loopback"},
        {"::1", "loopback"},
        {"0.0.0.0", "unspecified"},
        {"::", "unspecified"},
        {"169.254.169.254", "cloud metadata"},
        {"169.254.170.2", "cloud metadata"},
        {"100.100.100.200", "shared"},
        {"192.0.0.192", "IETF protocol"},
        {"168.63.129.16", "Azure"},
        {"fd00:ec2::254", "cloud metadata"},
        {"fd20:ce::254", "cloud metadata"},
        {"::ffff:127.0.0.1", "IPv4-mapped"},
        {"::ffff:8.8.8.8", "IPv4-mapped"},
        {"::127.0.0.1", "IPv4-compatible"},
        {"::ffff:0:127.0.0.1", "IPv4-translated"},
        {"64:ff9b::127.0.0.1", "NAT64"},
        {"64:ff9b::8.8.8.8", "NAT64"},
        {"64:ff9b:1::10.0.0.1", "NAT64"},
        {"2002:7f00:1::", "6to4"},
        {"2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"},
        {"2a00:1450:4001::5efe:10.0.0.1", "ISATAP"},
        {"2a00:1450:4001:0:200:5efe:10.0.0.1", "ISATAP"},
        {"fe80::1", "link-local"},
        {"fec0::1", "site-local"},
        {"fc00::1", "unique-local"},
        {"ff02::1", "multicast"},
        {"224.0.0.1", "multicast"},
        {"255.255.255.255", "broadcast"},
        {"240.0.0.1", "reserved"},
        {"100::1", "discard"},
        {"5f00::1", "SRv6"},
        {"4000::1", "not global unicast"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *refusal = refusal_of(rows[i].address, NULL);

        if (!refusal || !strstr(refusal, rows[i].word))
            fail_msg("%s: %s", rows[i].address, refusal ? refusal : "let through");
    }
}

static void public_addresses(void **state)
{
    static const char *const addresses[] = {"1.1.1.1",          "8.8.8.8",
                                            "151.101.1.69",     "2606:4700:4700::1111",
                                            "2a00:1450:4001::", "2620:fe::fe"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        assert_public(addresses[i]);
}

static void other_kinds_of_address(void **state)
{
    struct sockaddr unix_socket = {.sa_family = AF_UNIX};
    struct sockaddr_in6 scoped;

    (void)state;
    assert_non_null(whk_address_refusal(&unix_socket, "keys.example", list_of("0.0.0.0/0")));
    memcpy(&scoped, address_of("2606:4700:4700::1111"), sizeof(scoped));
    scoped.sin6_scope_id = 2;
    assert_non_null(whk_address_refusal((struct sockaddr *)&scoped, "keys.example", list_of(NULL)));
}

static void own_addresses(void **state)
{
    (void)state;
    assert_true(whk_address_is_local(address_of("127.0.0.1")));
    assert_false(whk_address_is_local(address_of("192.0.2.1")));
}

static void exceptions_by_range(void **state)
{
    (void)state;
    assert_null(refusal_of("127.0.0.1", "127.0.0.1"));
    assert_non_null(refusal_of("127.0.0.2", "127.0.0.1"));
    assert_null(refusal_of("10.1.2.3", "10.1.2.0/24"));
    assert_non_null(refusal_of("10.1.3.3", "10.1.2.0/24"));
    assert_null(refusal_of("fd12::1", "fd12::/16"));
    assert_null(refusal_of("::1", "::1"));
    assert_non_null(refusal_of("::1", "127.0.0.0/8"));
    /* Another family is another address. */
    assert_non_null(refusal_of("::ffff:127.0.0.1", "127.0.0.0/8"));
    assert_null(refusal_of("::ffff:127.0.0.1", "::ffff:127.0.0.0/104"));
    assert_non_null(refusal_of("127.0.0.1", "::/0"));
    assert_null(refusal_of("10.0.0.1", "0.0.0.0/0"));
}

static void exceptions_by_host(void **state)
{
    const whk_allow_list_t *list = list_of("Keys.Internal.");

    (void)state;
    assert_null(whk_address_refusal(address_of("10.0.0.1"), "keys.internal", list));
    assert_non_null(whk_address_refusal(address_of("10.0.0.1"), "other.internal", list));
    assert_non_null(whk_address_refusal(address_of("10.0.0.1"), "a.keys.internal", list));
    assert_non_null(whk_address_refusal(address_of("10.0.0.1"), "xkeys.internal", list));
}

static void broken_entries(void **state)
{
    static const char *const entries[] = {"",
                                          " ",
                                          "10.0.0.0/",
                                          "10.0.0.0/33",
                                          "10.0.0.0/-1",
                                          "10.0.0.0/08",
                                          "10.0.0.1/8",
                                          "10.0.0/8",
                                          "10",
                                          "127.1",
                                          "256.0.0.1",
                                          "0x7f000001",
                                          "fd00::/129",
                                          "fd00::1/64",
                                          "[::1]",
                                          "::1%lo",
                                          "fe80::1%1/64",
                                          "*.internal",
                                          "a..b",
                                          "-a.b",
                                          "keys:443",
                                          "keys/8",
                                          "user@keys",
                                          "k\xc3\xa9ys",
                                          "a b",
                                          ".internal",
                                          "10.0.0.0/8 ",
                                          "10.0.0.0/0008",
                                          "10.0.0.0/ 8",
                                          "::ffff:1.2.3/8",
                                          ".",
                                          "10.0.0.0/8/8"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        if (!whk_allow_list_add(whk_allow_list_create(pool), entries[i]))
            fail_msg("taken: %s", entries[i]);
    }
}

static void ranges_of_odd_lengths(void **state)
{
    whk_cidr_t range;

    (void)state;
    assert_null(whk_cidr_parse(&range, "172.16.0.0/12"));
    assert_true(whk_cidr_contains(&range, address_of("172.31.255.255")));
    assert_false(whk_cidr_contains(&range, address_of("172.32.0.0")));
    assert_null(whk_cidr_parse(&range, "0.0.0.0/0"));
    assert_true(whk_cidr_contains(&range, address_of("255.255.255.255")));
    assert_null(whk_cidr_parse(&range, "128.0.0.0/1"));
    assert_false(whk_cidr_contains(&range, address_of("127.255.255.255")));
    assert_null(whk_cidr_parse(&range, "2001:db8::8000/113"));
    assert_true(whk_cidr_contains(&range, address_of("2001:db8::ffff")));
    assert_false(whk_cidr_contains(&range, address_of("2001:db8::7fff")));
}

static int start(void **state)
{
    (void)state;
    return apr_pool_create(&pool, NULL);
}

static int stop(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_end_where_they_should),
        cmocka_unit_test(famous_addresses),
        cmocka_unit_test(public_addresses),
        cmocka_unit_test(other_kinds_of_address),
        cmocka_unit_test(own_addresses),
        cmocka_unit_test(exceptions_by_range),
        cmocka_unit_test(exceptions_by_host),
        cmocka_unit_test(broken_entries),
        cmocka_unit_test(ranges_of_odd_lengths),
    };
    int failures;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failures = cmocka_run_group_tests_name("address_guard", tests, start, stop);
    apr_terminate();
    return failures;
}
