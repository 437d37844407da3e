/* SPDX-License-Identifier: MIT */
/* A reject's headers: there, back, and on the way of a retry. Sending is shown by tests/stage and tests/system. */
#include "tests/unit/cases.h"

#include "common/reject.h"

static const struct header of_a_page[] = {
    {"muster-link", {"qualys/hosts", 12}},
    {"__connect.errors.topic", {"t.pages", 7}},
    {"__connect.errors.partition", {"3", 1}},
    {"__connect.errors.offset", {"41", 2}},
    {"__connect.errors.stage", {"serializer", 10}},
    {"__connect.errors.exception.message", {"no key", 6}},
    {"muster-reject-map", {"2", 1}},
};
enum { OF_A_PAGE = sizeof of_a_page / sizeof *of_a_page };

static struct kafka_message message_of(const struct header *headers, size_t count)
{
    struct kafka_message m = {.key = STR("k"), .value = STR("v"), .header_count = count};
    memcpy(m.headers, headers, count * sizeof *headers);
    return m;
}

static void a_reject_says_where_its_message_lay_and_keeps_its_headers(void **state)
{
    (void)state;
    struct err err = {0};
    struct header headers[HEADERS_MAX];
    struct reject r;
    struct kafka_message m = message_of(of_a_page, OF_A_PAGE);
    assert_true(reject_read(&m, headers, &r, &err));
    assert_text(r.topic.ptr, r.topic.len, "t.pages");
    assert_int_equal(r.partition, 3);
    assert_int_equal(r.offset, 41);
    assert_int_equal(r.map, 2);
    assert_text(r.stage.ptr, r.stage.len, "serializer");
    assert_text(r.reason.ptr, r.reason.len, "no key");
    assert_text(r.value.ptr, r.value.len, "v");
    assert_int_equal(r.header_count, 1);
    assert_string_equal(r.headers[0].name, "muster-link");
}

static void a_message_without_coordinates_is_no_reject(void **state)
{
    (void)state;
    for (size_t left_out = 1; left_out <= 3; left_out++) {
        struct err err = {0};
        struct header headers[HEADERS_MAX];
        struct reject r;
        struct kafka_message m = message_of(of_a_page, OF_A_PAGE);
        m.headers[left_out].name = "other";
        assert_false(reject_read(&m, headers, &r, &err));
        assert_int_equal(err.kind, ERR_REJECT);
    }
}

static struct str header_of(const struct header *headers, size_t count, const char *name)
{
    struct str found = {0};
    size_t times = 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(headers[i].name, name) == 0) {
            found = headers[i].value;
            times++;
        }
    assert_true(times <= 1);
    return found;
}

static void each_retry_counts_one_more_and_names_the_reject(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct err err = {0};
    struct header headers[HEADERS_MAX], first[HEADERS_MAX], second[HEADERS_MAX];
    struct reject_id of;
    struct reject r;
    struct kafka_message m = message_of(of_a_page, OF_A_PAGE);
    assert_true(reject_read(&m, headers, &r, &err));
    assert_int_equal(reject_retries(&r, &of), 0);
    size_t count = reject_retry_headers(&r, (struct reject_id){0, 7}, &arena, first);
    assert_int_equal(count, 3);
    r.headers = first;
    r.header_count = count;
    assert_int_equal(reject_retries(&r, &of), 1);
    assert_int_equal(of.offset, 7);
    count = reject_retry_headers(&r, (struct reject_id){0, 9}, &arena, second);
    assert_int_equal(count, 3);
    struct str retries = header_of(second, count, "muster-retries");
    assert_text(retries.ptr, retries.len, "2");
    struct str id = header_of(second, count, "muster-reject-of");
    assert_text(id.ptr, id.len, "0:9");
    struct str link = header_of(second, count, "muster-link");
    assert_text(link.ptr, link.len, "qualys/hosts");
}

static void a_count_without_its_reject_is_none(void **state)
{
    (void)state;
    struct reject_id of;
    const struct header headers[] = {{"muster-retries", {"2", 1}}};
    const struct reject r = {.headers = headers, .header_count = 1};
    assert_int_equal(reject_retries(&r, &of), 0);
}

static void headers_never_outgrow_a_message(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct header many[HEADERS_MAX], out[HEADERS_MAX];
    struct reject_id of;
    for (size_t i = 0; i < HEADERS_MAX; i++)
        many[i] = (struct header){"x", STR("y")};
    struct reject r = {.headers = many, .header_count = HEADERS_MAX};
    r.header_count = reject_retry_headers(&r, (struct reject_id){0, 1}, &arena, out);
    r.headers = out;
    assert_int_equal(r.header_count, HEADERS_MAX);
    assert_int_equal(reject_retries(&r, &of), 1);
}

static const struct id_case {
    const char *sentence, *text;
    bool good;
} id_cases[] = {
    {"an_id_is_partition_and_offset", "0:41", true},
    {"an_id_has_both", "41", false},
    {"an_id_has_numbers", "0:x", false},
    {"an_id_has_no_sign", "0:-1", false},
    {"a_partition_is_a_small_number", "4294967296:1", false},
    {"an_id_ends_where_it_ends", "0:41 ", false},
    {"nothing_is_no_id", "", false},
};

static void check_id(void **state)
{
    const struct id_case *c = *state;
    arena_auto arena = {0};
    struct reject_id id;
    assert_int_equal(reject_id_parse(str_of(c->text), &id), c->good);
    if (!c->good)
        return;
    struct str text = reject_id_text(id, &arena);
    assert_text(text.ptr, text.len, c->text);
}

int main(void)
{
    static struct cases all;
    CASES_ADD_ONE(&all, a_reject_says_where_its_message_lay_and_keeps_its_headers);
    CASES_ADD_ONE(&all, a_message_without_coordinates_is_no_reject);
    CASES_ADD_ONE(&all, each_retry_counts_one_more_and_names_the_reject);
    CASES_ADD_ONE(&all, a_count_without_its_reject_is_none);
    CASES_ADD_ONE(&all, headers_never_outgrow_a_message);
    CASES_ADD(&all, check_id, id_cases);
    return cases_run("reject", &all);
}
