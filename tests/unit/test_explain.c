/* SPDX-License-Identifier: MIT */
/* An entity as it is stored, read back, digested, accounted for and shown. */
#include "tests/unit/cases.h"

#include "muster/account.h"
#include "muster/digest.h"
#include "muster/show.h"

#include <string.h>

static const char model_text[] =
    "model: thing\n"
    "collection: things\n"
    "about: A thing.\n"
    "fields:\n"
    "  name: {type: hostname, merge: newest, about: Its name.}\n"
    "  ip: {type: ip, merge: newest, about: Its address.}\n"
    "  os.name: {type: string, merge: {first: [a, b]}, about: Its system.}\n"
    "  tags: {type: [string], merge: union, about: Its tags.}\n"
    "  agents:\n"
    "    type:\n"
    "      - id: {type: string}\n"
    "        seen_at: {type: datetime, volatile: true}\n"
    "    merge: {union: [id]}\n"
    "    about: Its agents.\n"
    "  seen_at: {type: datetime, merge: max, volatile: true, about: When it was seen.}\n"
    "identity:\n"
    "  name_ip: [name, ip]\n"
    "never:\n"
    "  ip: [private]\n";

/* Two sources with one name and address, one without an address, one gone. The members' order is not the model's. */
static const char entity_text[] =
    "{\"_id\": {\"$oid\": \"0123456789abcdef01234567\"}, \"rev\": {\"$oid\": \"0123456789abcdef01234568\"},"
    " \"created_at\": {\"$date\": {\"$numberLong\": \"1700000000000\"}},"
    " \"tags\": [\"z\", \"y\", \"x\"], \"os\": {\"name\": \"Debian\"}, \"ip\": \"203.0.113.7\", \"name\": \"web-1\","
    " \"agents\": [{\"id\": \"7\", \"seen_at\": {\"$date\": {\"$numberLong\": \"5000\"}}}],"
    " \"seen_at\": {\"$date\": {\"$numberLong\": \"5000\"}},"
    " \"sources\": ["
    "  {\"link\": \"a/s\", \"stream\": \"a/s\", \"key\": \"1\", \"version\": {\"gen\": 3, \"map\": 1, \"page\": 0, \"answer\":"
    "   {\"$numberLong\": \"-2\"}, \"ordinal\": 4}, \"page\": {\"topic\": \"muster.pages\", \"partition\": 2, \"offset\": 99},"
    "   \"fields\": {\"name\": \"web-1\", \"ip\": \"203.0.113.7\", \"os\": {\"name\": \"Debian\"}, \"tags\": [\"x\", \"y\"]}},"
    "  {\"link\": \"b/s\", \"stream\": \"b/s\", \"key\": \"2\", \"version\": {\"gen\": 1}, \"fields\": {\"name\": \"web-1\","
    "   \"ip\": \"203.0.113.7\", \"os\": {\"name\": \"Debian 12\"}, \"tags\": [\"z\"]}},"
    "  {\"link\": \"b/s?again=1\", \"stream\": \"b/s\", \"key\": \"2\", \"version\": {\"gen\": 1}, \"fields\": {\"name\": \"old\","
    "   \"ip\": \"10.0.0.1\"}},"
    "  {\"link\": \"c/s\", \"stream\": \"c/s\", \"key\": \"3\", \"version\": {\"gen\": 2}, \"gone\": true}]}";

struct world {
    bson_t doc;
    struct model *model;
    struct arena arena;
    struct document stored;
};

static void make_world(struct world *w)
{
    struct err err = {0};
    bson_error_t error;
    *w = (struct world){0};
    w->model = model_parse("thing.yaml", str_of(model_text), &w->arena, &err);
    if (!w->model)
        fail_msg("%s", err.text);
    if (!bson_init_from_json(&w->doc, entity_text, -1, &error))
        fail_msg("%s", error.message);
    document_read(&w->doc, w->model, &w->arena, &w->stored);
}

static void drop_world(struct world *w)
{
    bson_destroy(&w->doc);
    arena_done(&w->arena);
}
#define world_auto __attribute__((cleanup(drop_world))) struct world

static size_t field(const struct world *w, const char *name)
{
    int index = model_field(w->model, str_of(name));
    assert_true(index >= 0);
    return (size_t)index;
}

/* --- reading --- */

static void an_entity_is_read_back(void **state)
{
    (void)state;
    world_auto w;
    make_world(&w);
    const struct entity *e = &w.stored.entity;
    assert_int_equal(e->count, 4);
    assert_int_equal(e->id.bytes[11], 0x67);
    assert_int_equal(e->rev.bytes[11], 0x68);
    assert_int_equal(e->created_at_ms, 1700000000000);
    assert_false(w.stored.is_redirect);
    assert_int_equal(e->sources[0].version.gen, 3);
    assert_int_equal(e->sources[0].version.ordinal, 4);
    assert_true(e->sources[0].version.answer == UINT64_MAX - 1);
    assert_int_equal(e->sources[0].page.partition, 2);
    assert_int_equal(e->sources[0].page.offset, 99);
    assert_true(e->sources[3].gone);
    assert_null(e->sources[3].fields);
    struct str os = value_str(w.stored.fields[field(&w, "os.name")]);
    assert_text(os.ptr, os.len, "Debian");
}

static void what_does_not_fit_the_model_is_left_out(void **state)
{
    (void)state;
    world_auto w;
    make_world(&w);
    bson_auto doc = BSON_INITIALIZER;
    assert_true(bson_init_from_json(
        &doc,
        "{\"name\": 5, \"tags\": \"x\", \"os\": \"y\", \"agents\": [1, {\"id\": 2}], \"new\": 1}",
        -1, NULL));
    const struct value *fields = document_fields(&doc, w.model, &w.arena);
    assert_int_equal(fields[field(&w, "name")].kind, VALUE_NONE);
    assert_int_equal(fields[field(&w, "tags")].kind, VALUE_NONE);
    assert_int_equal(fields[field(&w, "os.name")].kind, VALUE_NONE);
}

/* --- digest --- */

static struct digest_part part_of(struct world *w, const char *from, const char *to)
{
    struct digest_part part = {0};
    struct document stored;
    bson_auto doc = BSON_INITIALIZER;
    struct str text = str_of(entity_text);
    const char *at = from ? strstr(entity_text, from) : NULL;
    if (from) {
        assert_non_null(at);
        text = arena_format(&w->arena, "%.*s%s%s", (int)(at - entity_text), entity_text, to,
                            at + strlen(from));
    }
    assert_true(bson_init_from_json(&doc, text.ptr, (ssize_t)text.len, NULL));
    document_read(&doc, w->model, &w->arena, &stored);
    assert_true(digest_entity(w->model, &stored, &w->arena, &part));
    return part;
}

struct digest_case {
    const char *sentence;
    const char *from, *to;
    bool same;
};

static const struct digest_case digest_cases[] = {
    {"an id is not in the digest", "\"0123456789abcdef01234567\"",
     "\"ffffffffffffffffffffffff\"", true},
    {"a version is not in the digest", "\"gen\": 3", "\"gen\": 9", true},
    {"coordinates are not in the digest", "\"offset\": 99", "\"offset\": 1", true},
    {"a gone source is not in the digest", "\"key\": \"3\"", "\"key\": \"4\"", true},
    {"a volatile field is not in the digest",
     "\"seen_at\": {\"$date\": {\"$numberLong\": \"5000\"}},", "", true},
    {"a volatile member is not in the digest", "\"5000\"}}}]", "\"6000\"}}}]", true},
    {"the order of a list is not in the digest", "\"z\", \"y\", \"x\"", "\"x\", \"z\", \"y\"",
     true},
    {"a link is not in the digest", "\"link\": \"a/s\"", "\"link\": \"a/s?x=1\"", true},
    {"the key of a living source is", "\"key\": \"1\"", "\"key\": \"11\"", false},
    {"the stream of a living source is", "\"stream\": \"a/s\"", "\"stream\": \"a/t\"", false},
    {"a field is", "\"Debian\"}, \"ip\"", "\"debian\"}, \"ip\"", false},
    {"an item of a list is", "\"z\", \"y\", \"x\"", "\"z\", \"y\"", false},
    {"another type of the same text is", "\"ip\": \"203.0.113.7\", \"name\": \"web-1\",",
     "\"name\": \"web-1\",", false},
};

static void a_digest(void **state)
{
    const struct digest_case *c = *state;
    world_auto w;
    make_world(&w);
    struct digest_part before = part_of(&w, NULL, NULL), after = part_of(&w, c->from, c->to);
    assert_int_equal(memcmp(&before, &after, sizeof before) == 0, c->same);
}

static void the_digest_of_all_has_no_order(void **state)
{
    (void)state;
    struct digest_part ab[] = {{{1}}, {{2}}}, ba[] = {{{2}}, {{1}}};
    uint8_t one[DIGEST_BYTES], two[DIGEST_BYTES], none[DIGEST_BYTES];
    digest_all(ab, 2, one);
    digest_all(ba, 2, two);
    digest_all(NULL, 0, none);
    assert_memory_equal(one, two, sizeof one);
    assert_memory_not_equal(one, none, sizeof one);
    digest_all(ab, 1, two);
    assert_memory_not_equal(one, two, sizeof one);
}

static void redirects_and_the_gone_have_no_part(void **state)
{
    (void)state;
    world_auto w;
    make_world(&w);
    struct digest_part part;
    w.stored.is_redirect = true;
    assert_false(digest_entity(w.model, &w.stored, &w.arena, &part));
    w.stored.is_redirect = false;
    for (size_t i = 0; i < w.stored.entity.count; i++)
        w.stored.entity.sources[i].gone = true;
    assert_false(digest_entity(w.model, &w.stored, &w.arena, &part));
}

/* --- account --- */

static const struct field_account *account_of(const struct world *w, const struct account *a,
                                              const char *name)
{
    for (size_t i = 0; i < a->field_count; i++)
        if (a->fields[i].field == field(w, name))
            return &a->fields[i];
    fail_msg("no account of %s", name);
    return NULL;
}

static void each_field_has_winners_and_others(void **state)
{
    (void)state;
    world_auto w;
    make_world(&w);
    struct account a = account_make(w.model, &w.stored, &w.arena);
    const struct field_account *os = account_of(&w, &a, "os.name");
    assert_int_equal(os->winner_count, 1);
    assert_int_equal(os->winners[0], 0);
    assert_int_equal(os->other_count, 1);
    assert_int_equal(os->others[0], 1);
    const struct field_account *tags = account_of(&w, &a, "tags");
    assert_int_equal(tags->winner_count, 2);
    assert_int_equal(tags->other_count, 0);
    const struct field_account *ip = account_of(&w, &a, "ip");
    assert_int_equal(ip->winner_count, 2);
    assert_int_equal(ip->other_count, 1);
}

static void ties_say_what_is_shared_and_gaps_what_is_missing(void **state)
{
    (void)state;
    world_auto w;
    make_world(&w);
    struct account a = account_make(w.model, &w.stored, &w.arena);
    assert_int_equal(a.tie_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(a.ties[i].count, 2);
        assert_int_equal(a.ties[i].sources[0], a.ties[i].rule ? 0 : 1);
        assert_int_equal(a.ties[i].sources[1], a.ties[i].rule ? 1 : 2);
    }
    assert_int_equal(a.gap_count, 1);
    assert_int_equal(a.gaps[0].source, 2);
    struct str ip = value_str(a.gaps[0].value);
    assert_text(ip.ptr, ip.len, "10.0.0.1");
}

/* --- showing --- */

static void values_are_shown(void **state)
{
    (void)state;
    world_auto w;
    make_world(&w);
    static const struct {
        const char *field;
        size_t max;
        const char *text;
    } cases[] = {
        {"tags", 100, "x, y, z"},
        {"tags", 4, "x, y… (3 in all)"},
        {"os.name", 3, "Deb…"},
        {"seen_at", 100, "1970-01-01T00:00:05.000Z"},
        {"agents", 100, "{id: 7, seen_at: 1970-01-01T00:00:05.000Z}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t f = field(&w, cases[i].field);
        struct str text =
            show_value(&w.model->fields[f].type, w.stored.fields[f], cases[i].max, &w.arena);
        assert_text(text.ptr, text.len, cases[i].text);
    }
    struct type string = {.kind = TYPE_STRING};
    struct str text = show_value(&string, value_text(STR("a\x1b[2Jb")), 100, &w.arena);
    assert_text(text.ptr, text.len, "a [2Jb");
    text = show_value(&string, value_text(STR("ü")), 1, &w.arena);
    assert_text(text.ptr, text.len, "…");
}

static void values_become_json(void **state)
{
    (void)state;
    world_auto w;
    make_world(&w);
    buf_auto text = {0};
    buf_init(&text, 1000);
    struct json_out o = {.buf = &text};
    json_open(&o, '[');
    show_json(&o, &w.model->fields[field(&w, "tags")].type, w.stored.fields[field(&w, "tags")]);
    show_json(&o, &w.model->fields[field(&w, "agents")].type,
              w.stored.fields[field(&w, "agents")]);
    show_json(&o, &w.model->fields[0].type, (struct value){0});
    json_close(&o, ']');
    assert_text(
        text.ptr, text.len,
        "[[\"x\",\"y\",\"z\"],[{\"id\":\"7\",\"seen_at\":\"1970-01-01T00:00:05.000Z\"}],null]");
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD_ONE(&all, an_entity_is_read_back);
    CASES_ADD_ONE(&all, what_does_not_fit_the_model_is_left_out);
    CASES_ADD(&all, a_digest, digest_cases);
    CASES_ADD_ONE(&all, the_digest_of_all_has_no_order);
    CASES_ADD_ONE(&all, redirects_and_the_gone_have_no_part);
    CASES_ADD_ONE(&all, each_field_has_winners_and_others);
    CASES_ADD_ONE(&all, ties_say_what_is_shared_and_gaps_what_is_missing);
    CASES_ADD_ONE(&all, values_are_shown);
    CASES_ADD_ONE(&all, values_become_json);
    return cases_run("explain", &all);
}
