/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetcher/ask.h"
#include "fetcher/complaint.h"
#include "fetcher/guard.h"

#include <string.h>

static struct arena arena;

static struct template compiled(const char *text)
{
    struct template t;
    struct err err = {0};
    if (!template_compile(str_of(text), &arena, &t, &err))
        fail_msg("%s", err.text);
    return t;
}

static struct provider_setting settings[] = {
    {.name = {"base", 4}, .has_value = true, .value = {"https://api.example.com", 23}},
    {.name = {"token", 5}, .is_secret = true, .has_value = true, .value = {"s3/cr&t", 7}},
    {.name = {"odd", 3}, .has_value = true, .value = {"a\r\nX-Evil: 1", 12}},
};

static const struct provider provider = {
    .name = {"my-crm", 6}, .file = "my-crm.yaml", .settings = settings, .setting_count = 3};

struct asking {
    const char *sentence;
    const char *url, *query; /* templates; the query's name is "q r" */
    const char *params, *cursor;
    int64_t page;
    const char *asked, *kept;
};

static const struct asking askings[] = {
    {"names are put in", "${base}/v1", "${page.offset}", "{}", "", 3,
     "https://api.example.com/v1?q%20r=150", "https://api.example.com/v1?q%20r=150"},
    {"a page has a number", "${base}/v1", "${page.number}-${page.size}", "{}", "", 3,
     "https://api.example.com/v1?q%20r=4-50", "https://api.example.com/v1?q%20r=4-50"},
    {"a query of the template is gone on with", "${base}/v1?a=b", "1", "{}", "", 0,
     "https://api.example.com/v1?a=b&q%20r=1", "https://api.example.com/v1?a=b&q%20r=1"},
    {"values are encoded, letters are not", "${base}", "a b&c=d/\xc3\xa9~", "{}", "", 0,
     "https://api.example.com?q%20r=a%20b%26c%3Dd%2F%C3%A9~",
     "https://api.example.com?q%20r=a%20b%26c%3Dd%2F%C3%A9~"},
    {"a secret is asked with and not kept", "${base}/v1", "x${token}y", "{}", "", 0,
     "https://api.example.com/v1?q%20r=xs3%2Fcr%26ty",
     "https://api.example.com/v1?q%20r=x${token}y"},
    {"a parameter cannot add a path", "${base}/${params.city}/x", "1",
     "{\"city\":\"../a?b#c\"}", "", 0, "https://api.example.com/..%2Fa%3Fb%23c/x?q%20r=1",
     "https://api.example.com/..%2Fa%3Fb%23c/x?q%20r=1"},
    {"a parameter may be a number", "${base}", "${params.n}", "{\"n\":42}", "", 0,
     "https://api.example.com?q%20r=42", "https://api.example.com?q%20r=42"},
    {"a cursor is put in", "${base}", "${page.cursor}", "{}", "a+b", 1,
     "https://api.example.com?q%20r=a%2Bb", "https://api.example.com?q%20r=a%2Bb"},
    {"a masked cursor gets its secret back", "${base}", "${page.cursor}", "{}",
     "after-${token}", 1, "https://api.example.com?q%20r=after-s3%2Fcr%26t",
     "https://api.example.com?q%20r=after-${token}"},
    {"a cursor cannot ask for what is no secret", "${base}", "${page.cursor}", "{}", "${base}",
     1, "https://api.example.com?q%20r=%24%7Bbase%7D", "https://api.example.com?q%20r=${base}"},
};

static struct stream stream_of(const char *url, const char *query, struct named_template *into)
{
    struct stream s = {.provider = &provider, .pages = {.size = 50, .first = 1}};
    *into = (struct named_template){STR("q r"), compiled(query)};
    s.request.url = compiled(url);
    s.request.query = into;
    s.request.query_count = 1;
    return s;
}

static void test_a_request_is_made_of_its_templates(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof askings / sizeof *askings; i++) {
        const struct asking *a = &askings[i];
        struct named_template query;
        struct stream s = stream_of(a->url, a->query, &query);
        struct task task = {.params = str_of(a->params)};
        struct position at = {.page = a->page, .cursor = str_of(a->cursor)};
        struct http_request got = {0};
        struct str kept = {0};
        struct err err = {0};
        bool ok = ask_make(&s, &task, &at, &arena, &got, &kept, &err);
        if (!ok || strcmp(got.url, a->asked) != 0 || !str_eq(kept, str_of(a->kept)))
            fail_msg("%s: %d %s\n%s\n" STR_FMT, a->sentence, ok, err.text, ok ? got.url : "",
                     STR_ARG(kept));
    }
}

struct refusal {
    const char *sentence;
    const char *url, *query, *header, *says;
};

static const struct refusal refusals[] = {
    {"plain http is not asked", "http://x/", "1", "1", "only https:// is asked"},
    {"no other scheme is asked", "file:///etc/passwd", "1", "1", "only https:// is asked"},
    {"a line break cannot get into a header", "${base}", "1", "${odd}",
     "header h: its value has a line break"},
    {"a name without a value is named", "${base}", "${params.none}", "1", "params.none"},
};

static void test_what_must_not_be_asked_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct named_template query, header = {STR("h"), compiled(refusals[i].header)};
        struct stream s = stream_of(refusals[i].url, refusals[i].query, &query);
        struct task task = {.params = STR("{}")};
        struct position at = {0};
        struct http_request got;
        struct str kept;
        struct err err = {0};
        s.request.headers = &header;
        s.request.header_count = 1;
        bool ok = ask_make(&s, &task, &at, &arena, &got, &kept, &err);
        if (ok || !strstr(err.text, refusals[i].says))
            fail_msg("%s: %d %s", refusals[i].sentence, ok, err.text);
    }
}

static void test_headers_and_body_go_as_they_are_written(void **state)
{
    struct named_template query, header = {STR("Authorization"), compiled("Bearer ${token}")};
    struct stream s = stream_of("${base}", "1", &query);
    struct task task = {.params = STR("{\"city\":\"a\\\"b\"}")};
    struct position at = {0};
    struct http_request got;
    struct str kept;
    struct err err = {0};
    (void)state;
    s.request.is_post = true;
    s.request.headers = &header;
    s.request.header_count = 1;
    s.request.body_kind = BODY_JSON;
    s.request.body = compiled("{\"city\":\"${params.city}\"}");
    s.request.body.is_json = true;
    assert_true(ask_make(&s, &task, &at, &arena, &got, &kept, &err));
    assert_true(got.is_post);
    assert_string_equal(got.headers[0], "Authorization: Bearer s3/cr&t");
    assert_string_equal(got.headers[1], "Content-Type: application/json");
    assert_null(got.headers[2]);
    assert_true(str_eq(got.body, STR("{\"city\":\"a\\\"b\"}")));
}

static void test_a_complaint_says_what_to_do_and_no_secret(void **state)
{
    struct named_template query;
    struct stream s = stream_of("${base}", "1", &query);
    (void)state;
    struct str refused =
        complaint_status(&s, STR("https://x"), 401, STR("bad token\ns3/cr&t\x1b[31m"), &arena);
    assert_true(str_eq(
        refused,
        STR("GET https://x: 401 Unauthorized: the token was refused; check MUSTER_MY_CRM_TOKEN: "
            "bad token ${token} [31m")));
    struct str missing = complaint_status(&s, STR("https://x"), 404, (struct str){0}, &arena);
    assert_true(
        str_eq(missing, STR("GET https://x: 404 Not Found: check the url in my-crm.yaml")));
    char long_body[1000];
    memset(long_body, 'x', sizeof long_body);
    struct str cut = complaint_status(&s, STR("https://x"), 599,
                                      (struct str){long_body, sizeof long_body}, &arena);
    assert_int_equal(cut.len, strlen("GET https://x: 599 server error: ") + 200);
    for (size_t i = 0; i < 7; i++)
        long_body[196 + i] = "s3/cr&t"[i];
    cut = complaint_status(&s, STR("https://x"), 599, (struct str){long_body, sizeof long_body},
                           &arena);
    assert_false(str_has(cut, STR("s3/c"))); /* half a secret is one too */
}

struct origin {
    const char *sentence, *a, *b;
    bool same;
};

static const struct origin origins[] = {
    {"another path is the same origin", "https://a.b/x", "https://a.b/y?z", true},
    {"the default port may be written", "https://a.b/", "https://a.b:443/", true},
    {"hosts have no case", "https://A.b/", "https://a.B/", true},
    {"another port is another origin", "https://a.b/", "https://a.b:8443/", false},
    {"another scheme is another origin", "https://a.b/", "http://a.b/", false},
    {"another host is another origin", "https://a.b/", "https://b.a.b/", false},
    {"a user name hides no host", "https://a.b/", "https://a.b@evil/", false},
    {"what is no URL is no origin", "https://a.b/", "::", false},
};

static void test_a_redirect_stays_within_its_origin(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++)
        if (guard_is_same_origin(origins[i].a, origins[i].b) != origins[i].same)
            fail_msg("%s", origins[i].sentence);
}

struct visit {
    const char *sentence, *url, *listed, *address;
    bool allowed;
};

static const struct visit visits[] = {
    {"a public address may be asked", "https://a.b/", "", "93.184.216.34", true},
    {"loopback may not", "https://a.b/", "", "127.0.0.1", false},
    {"loopback of IPv6 may not", "https://a.b/", "", "::1", false},
    {"a private address may not", "https://a.b/", "", "10.1.2.3", false},
    {"nor one that is mapped", "https://a.b/", "", "::ffff:10.1.2.3", false},
    {"nor the address of cloud metadata", "https://a.b/", "", "169.254.169.254", false},
    {"nor 0.0.0.0", "https://a.b/", "", "0.0.0.0", false},
    {"unless the host is listed", "https://A.b/", "x, a.b", "10.1.2.3", true},
    {"or the address is", "https://a.b/", "10.1.2.3", "10.1.2.3", true},
    {"another one in the list helps nobody", "https://a.b/", "b,10.1.2.4", "10.1.2.3", false},
    {"a longer name is not the name", "https://a.b/", "a.b.c", "10.1.2.3", false},
    {"a part of a name is not the name", "https://a.b/", "a", "10.1.2.3", false},
};

static void test_private_addresses_are_refused_unless_listed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof visits / sizeof *visits; i++)
        if (guard_allows(visits[i].url, str_of(visits[i].listed), visits[i].address) !=
            visits[i].allowed)
            fail_msg("%s", visits[i].sentence);
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_made_of_its_templates),
        cmocka_unit_test(test_what_must_not_be_asked_is_refused),
        cmocka_unit_test(test_headers_and_body_go_as_they_are_written),
        cmocka_unit_test(test_a_complaint_says_what_to_do_and_no_secret),
        cmocka_unit_test(test_a_redirect_stays_within_its_origin),
        cmocka_unit_test(test_private_addresses_are_refused_unless_listed),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
