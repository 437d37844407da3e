/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serializer/type.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NAME(s)      {(s), sizeof(s) - 1}

static const struct type string = {.kind = TYPE_STRING}, hostname = {.kind = TYPE_HOSTNAME},
                         ip = {.kind = TYPE_IP}, mac = {.kind = TYPE_MAC},
                         datetime = {.kind = TYPE_DATETIME}, whole = {.kind = TYPE_INT},
                         boolean = {.kind = TYPE_BOOL};

static const struct str aws_spellings[] = {NAME("aws"), NAME("AWS_EC2")},
                        gcp_spellings[] = {NAME("gcp")};
static const struct word clouds[] = {{NAME("aws"), aws_spellings, 2},
                                     {NAME("gcp"), gcp_spellings, 1}};
static const struct type cloud = {.kind = TYPE_ENUM, .words = clouds, .count = 2};

static const struct type strings = {.kind = TYPE_LIST, .item = &string},
                         macs = {.kind = TYPE_LIST, .item = &mac},
                         numbers = {.kind = TYPE_LIST, .item = &whole};

static const struct member agent_members[] = {
    {NAME("id"), {.kind = TYPE_STRING}, false},
    {NAME("seen_at"), {.kind = TYPE_DATETIME}, true},
    {NAME("flags"), {.kind = TYPE_LIST, .item = &string}, false},
};
static const struct type agent = {.kind = TYPE_OBJECT, .members = agent_members, .count = 3},
                         agents = {.kind = TYPE_LIST, .item = &agent};

/* A value as a person would write it: text bare, a time as @ms, an absent value as '-'. */
static void show(struct value v, struct buf *out)
{
    bool fits = true;
    switch (v.kind) {
    case VALUE_NONE:
        fits = buf_addf(out, "-");
        break;
    case VALUE_BOOL:
        fits = buf_addf(out, "%s", v.flag ? "true" : "false");
        break;
    case VALUE_INT:
        fits = buf_addf(out, "%lld", (long long)v.number);
        break;
    case VALUE_TIME:
        fits = buf_addf(out, "@%lld", (long long)v.number);
        break;
    case VALUE_TEXT:
        fits = buf_add(out, value_str(v));
        break;
    case VALUE_LIST:
    case VALUE_OBJECT:
        fits = buf_addf(out, v.kind == VALUE_LIST ? "[" : "{");
        for (uint32_t i = 0; i < v.count; i++) {
            fits = fits && (i == 0 || buf_addf(out, " "));
            show(v.items[i], out);
        }
        fits = fits && buf_addf(out, v.kind == VALUE_LIST ? "]" : "}");
        break;
    }
    assert_true(fits);
}

struct type_case {
    const char *sentence;
    const struct type *type;
    const char *json;
    const char *value;
    const char *why; /* NULL: no fault */
};

/* The document is freed before the value is looked at: values must not point into it. */
static void check(const struct type_case *c)
{
    arena_auto arena = {0};
    buf_auto shown = {.max_bytes = 1000000};
    struct err err = {0};
    struct value value;
    struct str why = {0};
    struct json_doc *doc = json_parse(str_of(c->json), &err);
    if (!doc)
        fail_msg("%s: %s", c->sentence, err.text);
    struct pick pick = {.kind = PICK_JSON, .json = json_root(doc)};
    bool fine = type_cast_all(c->type, &pick, 1, &arena, &value, &why);
    json_free(doc);
    show(value, &shown);
    if (strcmp(buf_text(&shown), c->value) != 0)
        fail_msg("%s: got %s, not %s", c->sentence, buf_text(&shown), c->value);
    if (fine != !c->why || (c->why && !str_eq(why, str_of(c->why))))
        fail_msg("%s: said `" STR_FMT "`, not `%s`", c->sentence, STR_ARG(why),
                 c->why ? c->why : "nothing");
}

static void check_all(const struct type_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(&cases[i]);
}

static const struct type_case nothing_cases[] = {
    {"null is no value and no fault", &whole, "null", "-", NULL},
    {"empty text is no value", &ip, "\"\"", "-", NULL},
    {"blank text is no value", &string, "\" \\t\\n\"", "-", NULL},
    {"an empty list is no value", &mac, "[]", "-", NULL},
    {"an empty object is no value", &string, "{}", "-", NULL},
    {"an empty list is no list of anything", &strings, "[]", "-", NULL},
    {"a list of nothing is no list", &strings, "[null, \"\", [], {}]", "-", NULL},
};

static void test_nothing_is_no_value_and_no_fault(void **state)
{
    (void)state;
    check_all(nothing_cases, COUNT(nothing_cases));
}

static const struct type_case string_cases[] = {
    {"text is trimmed", &string, "\"  a b \\n\"", "a b", NULL},
    {"text keeps its case", &string, "\"AbC\"", "AbC", NULL},
    {"an int is spelled as JSON spells it", &string, "305003660", "305003660", NULL},
    {"a negative int too", &string, "-7", "-7", NULL},
    {"64 bits are kept", &string, "9223372036854775807", "9223372036854775807", NULL},
    {"a real is spelled with its fraction", &string, "1.5", "1.5", NULL},
    {"a boolean is a word", &string, "true", "true", NULL},
    {"a list is no string", &string, "[\"a\"]", "-", "[\"a\"] is no string"},
    {"an object is no string", &string, "{\"a\":1}", "-", "{\"a\":1} is no string"},
    {"an enum finds a synonym without case", &cloud, "\"aws_ec2\"", "aws", NULL},
    {"an enum finds its word", &cloud, "\" GCP \"", "gcp", NULL},
    {"an enum takes no beginning of a word", &cloud, "\"aw\"", "-", "\"aw\" is no enum"},
    {"an enum takes no longer word", &cloud, "\"awss\"", "-", "\"awss\" is no enum"},
    {"an enum takes no number", &cloud, "1", "-", "1 is no enum"},
};

static void test_text_is_cast(void **state)
{
    (void)state;
    check_all(string_cases, COUNT(string_cases));
}

#define LABEL_63 "a23456789-123456789-123456789-123456789-123456789-123456789-123"

static const struct type_case hostname_cases[] = {
    {"a hostname is lower case", &hostname, "\"WIN-AB_1.Example.COM\"", "win-ab_1.example.com",
     NULL},
    {"it loses its last dot", &hostname, "\"a.example.\"", "a.example", NULL},
    {"it loses one dot only", &hostname, "\"a..\"", "-", "\"a..\" is no hostname"},
    {"a dot alone is none", &hostname, "\".\"", "-", "\".\" is no hostname"},
    {"it has no empty label", &hostname, "\"a..b\"", "-", "\"a..b\" is no hostname"},
    {"it does not begin with a dot", &hostname, "\".a\"", "-", "\".a\" is no hostname"},
    {"it has no blank inside", &hostname, "\"my server\"", "-", "\"my server\" is no hostname"},
    {"it is ASCII", &hostname,
     "\"b\xC3\xBC"
     "cher\"",
     "-",
     "\"b\xC3\xBC"
     "cher\" is no hostname"},
    {"it has no NUL byte", &hostname, "\"a\\u0000b\"", "-", "\"a\\u0000b\" is no hostname"},
    {"a number is none", &hostname, "7", "-", "7 is no hostname"},
    {"a label of 63 bytes is right", &hostname, "\"" LABEL_63 "\"", LABEL_63, NULL},
};

#define LONGEST_IP "0000:0000:0000:0000:0000:ffff:255.255.255.255"

static const struct type_case ip_cases[] = {
    {"IPv4 stays", &ip, "\" 203.0.113.7 \"", "203.0.113.7", NULL},
    {"IPv4 has four parts", &ip, "\"10.0.0\"", "-", "\"10.0.0\" is no ip"},
    {"IPv4 parts end at 255", &ip, "\"10.0.0.256\"", "-", "\"10.0.0.256\" is no ip"},
    {"a leading zero could be octal", &ip, "\"10.0.0.010\"", "-", "\"10.0.0.010\" is no ip"},
    {"IPv6 is written short", &ip, "\"2001:0DB8:0000:0000:0000:0000:0002:0001\"",
     "2001:db8::2:1", NULL},
    {"one zero group is written out", &ip, "\"2001:db8::1:1:1:1:1\"", "2001:db8:0:1:1:1:1:1",
     NULL},
    {"the longest run of zeros is cut", &ip, "\"2001:0:0:1:0:0:0:1\"", "2001:0:0:1::1", NULL},
    {"the first of equal runs is cut", &ip, "\"2001:db8:0:0:1:0:0:1\"", "2001:db8::1:0:0:1",
     NULL},
    {"a zone is dropped", &ip, "\"fe80::1%eth0\"", "fe80::1", NULL},
    {"brackets are dropped", &ip, "\"[2001:db8::1]\"", "2001:db8::1", NULL},
    {"brackets are for IPv6", &ip, "\"[10.0.0.1]\"", "-", "\"[10.0.0.1]\" is no ip"},
    {"a mapped IPv4 is IPv4", &ip, "\"::ffff:203.0.113.7\"", "203.0.113.7", NULL},
    {"a mapped IPv4 in hex too", &ip, "\"::FFFF:cb00:7107\"", "203.0.113.7", NULL},
    {"leading zero groups do not make it IPv4", &ip, "\"::102:304\"", "::102:304", NULL},
    {"all zero but the last byte", &ip, "\"0:0:0:0:0:0:0:1\"", "::1", NULL},
    {"the unspecified address", &ip, "\"0::0\"", "::", NULL},
    {"a translated IPv4 is written in hex", &ip, "\"64:ff9b::10.0.0.1\"", "64:ff9b::a00:1",
     NULL},
    {"the longest spelling", &ip, "\"" LONGEST_IP "\"", "255.255.255.255", NULL},
    {"more than the longest is none", &ip, "\"" LONGEST_IP "0\"", "-",
     "\"" LONGEST_IP "0\" is no ip"},
    {"a network is none", &ip, "\"10.0.0.0/8\"", "-", "\"10.0.0.0/8\" is no ip"},
    {"a name is none", &ip, "\"localhost\"", "-", "\"localhost\" is no ip"},
    {"a NUL byte does not end it", &ip, "\"10.0.0.1\\u0000\"", "-",
     "\"10.0.0.1\\u0000\" is no ip"},
};

static const struct type_case mac_cases[] = {
    {"colons stay", &mac, "\"0A:9a:00:ff:01:02\"", "0a:9a:00:ff:01:02", NULL},
    {"dashes become colons", &mac, "\"12-5e-2e-DB-58-99\"", "12:5e:2e:db:58:99", NULL},
    {"dots stand between fours", &mac, "\"125e.2edb.5899\"", "12:5e:2e:db:58:99", NULL},
    {"nothing may stand between", &mac, "\"125e2edb5899\"", "12:5e:2e:db:58:99", NULL},
    {"marks do not change", &mac, "\"12-5e:2e-db-58-99\"", "-",
     "\"12-5e:2e-db-58-99\" is no mac"},
    {"digits come in pairs", &mac, "\"1:25e:2e:db:58:99\"", "-",
     "\"1:25e:2e:db:58:99\" is no mac"},
    {"two marks are too many", &mac, "\"12::5e2edb5899\"", "-", "\"12::5e2edb5899\" is no mac"},
    {"none stands at the start", &mac, "\":125e2edb5899\"", "-", "\":125e2edb5899\" is no mac"},
    {"none stands at the end", &mac, "\"125e2edb5899:\"", "-", "\"125e2edb5899:\" is no mac"},
    {"eleven digits are too few", &mac, "\"125e2edb589\"", "-", "\"125e2edb589\" is no mac"},
    {"sixteen are too many", &mac, "\"125e2edb58990000\"", "-",
     "\"125e2edb58990000\" is no mac"},
    {"a digit is hexadecimal", &mac, "\"125e2edb589g\"", "-", "\"125e2edb589g\" is no mac"},
    {"a NUL byte is no mark", &mac, "\"12\\u00005e2edb5899\"", "-",
     "\"12\\u00005e2edb5899\" is no mac"},
};

static void test_addresses_have_one_spelling(void **state)
{
    (void)state;
    check_all(hostname_cases, COUNT(hostname_cases));
    check_all(ip_cases, COUNT(ip_cases));
    check_all(mac_cases, COUNT(mac_cases));
}

static const struct type_case int_cases[] = {
    {"an int stays", &whole, "42", "42", NULL},
    {"the least int", &whole, "-9223372036854775808", "-9223372036854775808", NULL},
    {"the greatest int", &whole, "9223372036854775807", "9223372036854775807", NULL},
    {"more than 64 bits is none", &whole, "9223372036854775808", "-",
     "9223372036854775808 is no int"},
    {"a whole real is an int", &whole, "8192.0", "8192", NULL},
    {"a whole real in powers of ten is one", &whole, "1e3", "1000", NULL},
    {"the last real that is exact", &whole, "9007199254740992.0", "9007199254740992", NULL},
    {"a real beyond is none", &whole, "1e300", "-", "1e300 is no int"},
    {"a real beyond is none, even if it is short", &whole, "1e17", "-", "1e17 is no int"},
    {"a fraction is none", &whole, "1.5", "-", "1.5 is no int"},
    {"digits in text are one", &whole, "\" -12 \"", "-12", NULL},
    {"text of digits is exact", &whole, "\"9007199254740993\"", "9007199254740993", NULL},
    {"a word is none", &whole, "\"lots\"", "-", "\"lots\" is no int"},
    {"digits and a word are none", &whole, "\"12 GB\"", "-", "\"12 GB\" is no int"},
    {"a boolean is none", &whole, "true", "-", "true is no int"},
    {"$numberLong is exact", &whole, "{\"$numberLong\": \"9007199254740993\"}",
     "9007199254740993", NULL},
    {"$numberLong may be a number", &whole, "{\"$numberLong\": 11730616285}", "11730616285",
     NULL},
    {"$numberInt is one", &whole, "{\"$numberInt\": \"7\"}", "7", NULL},
    {"$numberLong of a word is none", &whole, "{\"$numberLong\": \"x\"}", "-",
     "{\"$numberLong\":\"x\"} is no int"},
    {"another object is none", &whole, "{\"n\": 1}", "-", "{\"n\":1} is no int"},
    {"true stays", &boolean, "true", "true", NULL},
    {"false in text", &boolean, "\"false\"", "false", NULL},
    {"yes without case", &boolean, "\" YES \"", "true", NULL},
    {"no", &boolean, "\"No\"", "false", NULL},
    {"one", &boolean, "1", "true", NULL},
    {"zero", &boolean, "0", "false", NULL},
    {"one in text", &boolean, "\"1\"", "true", NULL},
    {"two is no bool", &boolean, "2", "-", "2 is no bool"},
    {"a word is no bool", &boolean, "\"maybe\"", "-", "\"maybe\" is no bool"},
    {"an object is no bool", &boolean, "{\"a\":true}", "-", "{\"a\":true} is no bool"},
};

static void test_numbers_and_booleans_are_exact(void **state)
{
    (void)state;
    check_all(int_cases, COUNT(int_cases));
}

static const struct type_case datetime_cases[] = {
    {"RFC 3339", &datetime, "\"2021-03-04T05:06:07Z\"", "@1614834367000", NULL},
    {"with a fraction and a zone", &datetime, "\"2021-03-04T06:06:07.89+01:00\"",
     "@1614834367890", NULL},
    {"a date alone is its first moment", &datetime, "\"2021-03-04\"", "@1614816000000", NULL},
    {"$date with text", &datetime, "{\"$date\": \"2021-03-04T05:06:07Z\"}", "@1614834367000",
     NULL},
    {"$date is trimmed", &datetime, "{\"$date\": \" 2021-03-04 \"}", "@1614816000000", NULL},
    {"$date with milliseconds", &datetime, "{\"$date\": 1712345678901}", "@1712345678901",
     NULL},
    {"$date with $numberLong", &datetime, "{\"$date\": {\"$numberLong\": \"1712345678901\"}}",
     "@1712345678901", NULL},
    {"$date before 1970", &datetime, "{\"$date\": {\"$numberLong\": \"-1000\"}}", "@-1000",
     NULL},
    {"$date is in milliseconds, however small", &datetime, "{\"$date\": 5000}", "@5000", NULL},
    {"a small number is seconds", &datetime, "1712345678", "@1712345678000", NULL},
    {"seconds may have a fraction", &datetime, "1675568117.625", "@1675568117625", NULL},
    {"seconds before 1970", &datetime, "-5", "@-5000", NULL},
    {"the last seconds", &datetime, "99999999999", "@99999999999000", NULL},
    {"a great number before 1970 too", &datetime, "-200000000000", "@-200000000000", NULL},
    {"a great number is milliseconds", &datetime, "100000000000", "@100000000000", NULL},
    {"the year 10000 is none", &datetime, "253402300800000", "-",
     "253402300800000 is no datetime"},
    {"a year before 0 is none", &datetime, "-62167219200001", "-",
     "-62167219200001 is no datetime"},
    {"64 bits of milliseconds are none", &datetime, "9223372036854775807", "-",
     "9223372036854775807 is no datetime"},
    {"a day outside the calendar is none", &datetime, "\"2021-02-30\"", "-",
     "\"2021-02-30\" is no datetime"},
    {"a word is none", &datetime, "\"yesterday\"", "-", "\"yesterday\" is no datetime"},
    {"true is none", &datetime, "true", "-", "true is no datetime"},
    {"another object is none", &datetime, "{\"date\": 5}", "-", "{\"date\":5} is no datetime"},
};

static void test_moments_are_milliseconds(void **state)
{
    (void)state;
    check_all(datetime_cases, COUNT(datetime_cases));
}

static const struct type_case list_cases[] = {
    {"a list is sorted and has nothing twice", &strings, "[\"b\", \"a\", \"b\"]", "[a b]",
     NULL},
    {"what is equal after casting stands once", &macs,
     "[\"0A-00-00-00-00-01\", \"0a:00:00:00:00:01\"]", "[0a:00:00:00:00:01]", NULL},
    {"numbers are sorted as numbers", &numbers, "[10, \"9\", {\"$numberLong\": \"-1\"}]",
     "[-1 9 10]", NULL},
    {"one value is a list of one", &strings, "\"a\"", "[a]", NULL},
    {"an object is one item", &agents, "{\"id\": \"x\"}", "[{x - -}]", NULL},
    {"one bad item costs itself", &numbers, "[1, \"x\", 2, \"y\"]", "[1 2]", "\"x\" is no int"},
    {"a list in a list is one too many", &strings, "[[\"a\"], \"b\"]", "[b]",
     "[\"a\"] is no string"},
    {"an object has its members in the order of the type", &agent,
     "{\"flags\": [\"f\", \"e\"], \"more\": 1, \"seen_at\": 5, \"id\": 7}", "{7 @5000 [e f]}",
     NULL},
    {"a bad member costs itself", &agent, "{\"id\": \"x\", \"seen_at\": \"?\"}", "{x - -}",
     "seen_at: \"?\" is no datetime"},
    {"so it does in a list", &agents, "[{\"id\": \"x\", \"seen_at\": \"?\"}, {\"id\": \"a\"}]",
     "[{a - -} {x - -}]", "seen_at: \"?\" is no datetime"},
    {"an object without a known member is no value", &agent, "{\"more\": 1}", "-", NULL},
    {"an object of bad members is no value", &agent, "{\"seen_at\": \"?\"}", "-",
     "seen_at: \"?\" is no datetime"},
    {"text is no object", &agent, "\"x\"", "-", "\"x\" is no object"},
};

static void test_lists_are_sets_and_objects_have_places(void **state)
{
    (void)state;
    check_all(list_cases, COUNT(list_cases));
}

static struct value cast_texts(const struct type *t, const char *const *texts, size_t count,
                               struct arena *arena, bool *out_fine, struct str *why)
{
    struct pick *picks = ARENA_ARRAY(arena, struct pick, count);
    struct value value;
    for (size_t i = 0; i < count; i++)
        picks[i] = (struct pick){.kind = PICK_LITERAL,
                                 .literal = texts[i] ? JSON_TEXT : JSON_NULL,
                                 .text = str_of(texts[i])};
    *out_fine = type_cast_all(t, picks, count, arena, &value, why);
    return value;
}

static void test_a_single_value_is_the_first_that_has_one(void **state)
{
    (void)state;
    arena_auto arena = {0};
    bool fine;
    struct str why = {0};
    struct value v =
        cast_texts(&whole, (const char *[]){NULL, " ", "5", "6"}, 4, &arena, &fine, &why);
    assert_true(fine && v.kind == VALUE_INT && v.number == 5);
    v = cast_texts(&whole, (const char *[]){"x", "y", "5"}, 3, &arena, &fine, &why);
    assert_true(!fine && v.kind == VALUE_INT && v.number == 5);
    assert_true(str_eq(why, STR("\"x\" is no int")));
    v = cast_texts(&whole, NULL, 0, &arena, &fine, &why);
    assert_true(fine && v.kind == VALUE_NONE);
    v = cast_texts(&strings, (const char *[]){"b", NULL, "a"}, 3, &arena, &fine, &why);
    assert_true(fine && v.kind == VALUE_LIST && v.count == 2);
    assert_true(str_eq(value_str(v.items[0]), STR("a")));
}

static void test_an_object_of_the_selection_is_cast_like_one_of_the_page(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct str why = {0};
    struct value v;
    const struct str keys[] = {STR("seen_at"), STR("id")};
    const struct pick members[] = {
        {.kind = PICK_LITERAL, .literal = JSON_INT, .number = 5},
        {.kind = PICK_LITERAL, .literal = JSON_TEXT, .text = STR("x")},
    };
    struct pick p = {.kind = PICK_OBJECT, .count = 2, .keys = keys, .members = members};
    assert_true(type_cast(&agent, &p, &arena, &v, &why));
    assert_true(v.kind == VALUE_OBJECT && v.count == 3);
    assert_true(str_eq(value_str(v.items[0]), STR("x")));
    assert_true(v.items[1].kind == VALUE_TIME && v.items[1].number == 5000);
    assert_true(v.items[2].kind == VALUE_NONE);
}

static void test_text_has_a_greatest_length(void **state)
{
    (void)state;
    enum { LIMIT = 64 * 1024 };
    arena_auto arena = {0};
    struct str why = {0};
    struct value v;
    char *text = arena_take(&arena, LIMIT + 3);
    memset(text, 'a', LIMIT + 3);
    text[0] = ' ';
    struct pick p = {.kind = PICK_LITERAL, .literal = JSON_TEXT, .text = {text, LIMIT + 1}};
    assert_true(type_cast(&string, &p, &arena, &v, &why));
    assert_int_equal(v.count, LIMIT);
    p.text.len++;
    assert_false(type_cast(&string, &p, &arena, &v, &why));
    assert_true(v.kind == VALUE_NONE);
    assert_true(str_eq(why, STR("a text of 65537 bytes is longer than 65536")));
}

static void test_a_hostname_has_a_greatest_length(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct str why = {0};
    struct value v;
    char name[254];
    memset(name, 'a', sizeof name);
    name[63] = name[127] = name[191] = '.';
    struct pick p = {.kind = PICK_LITERAL, .literal = JSON_TEXT, .text = {name, 253}};
    assert_true(type_cast(&hostname, &p, &arena, &v, &why));
    p.text.len = 254;
    assert_false(type_cast(&hostname, &p, &arena, &v, &why));
    p.text = (struct str){"b" LABEL_63, 64};
    assert_false(type_cast(&hostname, &p, &arena, &v, &why));
}

static void test_a_nul_byte_is_kept_in_a_string(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct str why = {0};
    struct value v;
    struct pick p = {.kind = PICK_LITERAL, .literal = JSON_TEXT, .text = STR("a\0b")};
    assert_true(type_cast(&string, &p, &arena, &v, &why));
    assert_true(str_eq(value_str(v), STR("a\0b")));
}

static void test_a_shown_value_is_cut(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct str why = {0};
    struct value v;
    char text[500];
    memset(text, 'x', sizeof text);
    struct pick p = {.kind = PICK_LITERAL, .literal = JSON_TEXT, .text = {text, sizeof text}};
    assert_false(type_cast(&whole, &p, &arena, &v, &why));
    assert_true(why.len < 120 && str_has(why, STR("\xE2\x80\xA6")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_no_value_and_no_fault),
        cmocka_unit_test(test_text_is_cast),
        cmocka_unit_test(test_addresses_have_one_spelling),
        cmocka_unit_test(test_numbers_and_booleans_are_exact),
        cmocka_unit_test(test_moments_are_milliseconds),
        cmocka_unit_test(test_lists_are_sets_and_objects_have_places),
        cmocka_unit_test(test_a_single_value_is_the_first_that_has_one),
        cmocka_unit_test(test_an_object_of_the_selection_is_cast_like_one_of_the_page),
        cmocka_unit_test(test_text_has_a_greatest_length),
        cmocka_unit_test(test_a_hostname_has_a_greatest_length),
        cmocka_unit_test(test_a_nul_byte_is_kept_in_a_string),
        cmocka_unit_test(test_a_shown_value_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
