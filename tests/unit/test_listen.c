/* SPDX-License-Identifier: MIT */
#include "tests/unit/cases.h"

#include "common/listen.h"

#include <sysexits.h>
#include <unistd.h>

struct good {
    const char *sentence, *text, *host;
    unsigned first, last;
    bool is_none;
};

static const struct good goods[] = {
    {"a host and a port", "127.0.0.1:9310", "127.0.0.1", 9310, 9310, false},
    {"a range of ports", "0.0.0.0:9310-9319", "0.0.0.0", 9310, 9319, false},
    {"a name", "localhost:80", "localhost", 80, 80, false},
    {"any free port", "127.0.0.1:0", "127.0.0.1", 0, 0, false},
    {"an IPv6 address stands in brackets", "[::1]:9310-9311", "::1", 9310, 9311, false},
    {"none is nowhere", "none", "", 0, 0, true},
};

static void is_read(void **state)
{
    const struct good *c = *state;
    struct listen l;
    struct err err = {0};
    assert_true(listen_parse(str_of(c->text), &l, &err));
    assert_string_equal(l.host, c->host);
    assert_int_equal(l.first, c->first);
    assert_int_equal(l.last, c->last);
    assert_int_equal(l.is_none, c->is_none);
}

struct bad {
    const char *sentence, *text;
};

static const struct bad bads[] = {
    {"nothing at all", ""},
    {"a port alone", "9310"},
    {"a host alone", "127.0.0.1"},
    {"a host without a port", "127.0.0.1:"},
    {"a port without a host", ":9310"},
    {"a port that is none", "127.0.0.1:http"},
    {"a port that is too great", "127.0.0.1:65536"},
    {"a range that ends before it begins", "127.0.0.1:9319-9310"},
    {"a range without an end", "127.0.0.1:9310-"},
    {"a range from any free port on", "127.0.0.1:0-9310"},
    {"an IPv6 address without brackets", "::1:9310"},
};

static void is_refused(void **state)
{
    const struct bad *c = *state;
    struct listen l = {.first = 7};
    struct err err = {0};
    assert_false(listen_parse(str_of(c->text), &l, &err));
    assert_int_equal(err.exit_code, EX_CONFIG);
    assert_int_equal(l.first, 7);
}

static void
a_taken_port_is_passed_over_and_a_taken_range_is_refused_with_what_to_do(void **state)
{
    struct listen l;
    struct err err = {0};
    char one[LISTEN_ADDRESS_MAX] = "", two[LISTEN_ADDRESS_MAX] = "";
    (void)state;
    assert_true(listen_parse(STR("127.0.0.1:0"), &l, &err));
    int first = listen_open(&l, one, &err);
    assert_true(first >= 0);
    int64_t port = 0;
    assert_true(str_has_prefix(str_of(one), STR("127.0.0.1:")));
    assert_true(str_to_int(str_of(one + 10), &port) && port > 0);

    l.first = l.last = (uint16_t)port;
    assert_int_equal(listen_open(&l, two, &err), -1);
    assert_int_equal(err.exit_code, EX_UNAVAILABLE);
    assert_true(str_has(str_of(err.text), str_of(one)));
    assert_true(str_has(str_of(err.text), STR("--listen")));

    l.first = (uint16_t)(port < 60000 ? port : port - 5000);
    l.last = (uint16_t)(l.first + 5000);
    int second = listen_open(&l, two, &err);
    assert_true(second >= 0);
    assert_string_not_equal(one, two);
    (void)close(first);
    (void)close(second);
}

static void a_host_of_another_machine_is_refused(void **state)
{
    struct listen l;
    struct err err = {0};
    char address[LISTEN_ADDRESS_MAX];
    (void)state;
    assert_true(listen_parse(STR("192.0.2.1:9310-9319"), &l, &err));
    assert_int_equal(listen_open(&l, address, &err), -1);
    assert_int_equal(err.exit_code, EX_CONFIG);
}

int main(void)
{
    static struct cases all;
    CASES_ADD(&all, is_read, goods);
    CASES_ADD(&all, is_refused, bads);
    CASES_ADD_ONE(&all,
                  a_taken_port_is_passed_over_and_a_taken_range_is_refused_with_what_to_do);
    CASES_ADD_ONE(&all, a_host_of_another_machine_is_refused);
    return cases_run("listen", &all);
}
