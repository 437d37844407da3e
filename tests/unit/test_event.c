/* SPDX-License-Identifier: MIT */
/* An entity's document as an event: a row is a document, how it was found, the event's type and its value. */
#include "tests/unit/cases.h"

#include "announcer/event.h"

static const char model_text[] =
    "model: thing\n"
    "collection: things\n"
    "about: A thing.\n"
    "fields:\n"
    "  name: {type: hostname, merge: newest, about: Its name.}\n"
    "  os.name: {type: string, merge: newest, about: Its system.}\n"
    "  born_at: {type: datetime, merge: newest, about: Since when.}\n"
    "  agents:\n"
    "    type:\n"
    "      - id: {type: string}\n"
    "        seen_at: {type: datetime, volatile: true}\n"
    "    merge: {union: [id]}\n"
    "    about: Its agents.\n"
    "  seen_at: {type: datetime, merge: max, volatile: true, about: When it was seen.}\n"
    "identity:\n"
    "  name: [name]\n";

#define HEAD                                                                        \
    "{\"_id\": {\"$oid\": \"0123456789abcdef01234567\"}, \"rev\": {\"$oid\": "      \
    "\"0123456789abcdef01234568\"}, \"changed_at\": {\"$date\": {\"$numberLong\": " \
    "\"1700000001000\"}}, "
#define BODY                                                                                   \
    "\"created_at\": {\"$date\": {\"$numberLong\": \"1700000000000\"}}, \"name\": \"web-1\", " \
    "\"os\": {\"name\": \"Debian 13\"}, \"born_at\": {\"$date\": {\"$numberLong\": \"0\"}}, "  \
    "\"agents\": [{\"id\": \"7\", \"seen_at\": {\"$date\": {\"$numberLong\": \"5000\"}}}], "   \
    "\"seen_at\": {\"$date\": {\"$numberLong\": \"5000\"}}, \"sources\": [{\"link\": "         \
    "\"a/s\", \"stream\": \"a/s\", \"key\": \"1\"}, {\"link\": \"a/s?n=2\", \"stream\": "      \
    "\"a/s\", \"key\": \"1\"}, {\"link\": \"b/s\", \"stream\": \"b/s\", \"key\": \"2\", "      \
    "\"gone\": true}]"

#define VALUE(kind)                                                     \
    "{\"model\":\"thing\",\"id\":\"0123456789abcdef01234567\",\"rev\":" \
    "\"0123456789abcdef01234568\",\"change\":\"" kind "\","
#define ENTITY                                                                            \
    "\"entity\":{\"fields\":{\"name\":\"web-1\",\"os.name\":\"Debian 13\",\"born_at\":"   \
    "\"1970-01-01T00:00:00.000Z\",\"agents\":[{\"id\":\"7\"}]},\"sources\":[{\"stream\":" \
    "\"a/s\",\"key\":\"1\"}],\"created_at\":\"2023-11-14T22:13:20.000Z\",\"changed_at\":" \
    "\"2023-11-14T22:13:21.000Z\"}}"
#define OTHER "0123456789abcdef01234569"

struct event_case {
    const char *sentence, *doc;
    bool is_survey;
    const char *type, *value; /* NULL: nothing to tell */
};

static const struct event_case events[] = {
    {"created_with_all_it_is_but_what_is_volatile",
     HEAD BODY ", \"change\": {\"kind\": \"created\", \"trace\": \"00-1-2-01\"}}", false,
     "muster.entity.created", VALUE("created") ENTITY},
    {"created_from_another_one",
     HEAD BODY
     ", \"change\": {\"kind\": \"created\", \"trace\": \"00-1-2-01\", \"from\": [{\"$oid\": \"" OTHER
     "\"}]}}",
     false, "muster.entity.created", VALUE("created") "\"from\":[\"" OTHER "\"]," ENTITY},
    {"changed_with_old_and_new",
     HEAD BODY
     ", \"change\": {\"kind\": \"changed\", \"trace\": \"00-1-2-01\", \"fields\": [\"os.name\", \"agents\"], \"was\": "
     "{\"os\": {\"name\": \"Debian 12\"}}}}",
     false, "muster.entity.changed",
     VALUE(
         "changed") "\"changed\":{\"os.name\":{\"was\":\"Debian 12\",\"is\":\"Debian 13\"},\"agents\":{\"was\":null,"
                    "\"is\":[{\"id\":\"7\"}]}}," ENTITY},
    {"a_field_that_the_model_has_no_more_is_left_out",
     HEAD BODY
     ", \"change\": {\"kind\": \"changed\", \"trace\": \"00-1-2-01\", \"fields\": [\"was_here\"], \"was\": "
     "{\"was_here\": 1}}}",
     false, "muster.entity.changed", VALUE("changed") "\"changed\":{}," ENTITY},
    {"split_with_what_came_of_it",
     HEAD BODY
     ", \"change\": {\"kind\": \"split\", \"trace\": \"00-1-2-01\", \"into\": [{\"$oid\": \"" OTHER
     "\"}]}}",
     false, "muster.entity.split",
     VALUE("split") "\"changed\":{},\"into\":[\"" OTHER "\"]," ENTITY},
    {"merged_has_an_heir_and_is_nothing_more",
     HEAD "\"merged_into\": {\"$oid\": \"" OTHER
          "\"}, \"change\": {\"kind\": \"merged\", \"trace\": \"00-1-2-01\"}}",
     false, "muster.entity.merged",
     VALUE("merged") "\"into\":[\"" OTHER "\"],\"entity\":null}"},
    {"gone_is_nothing_more",
     HEAD
     "\"gone\": true, \"sources\": [], \"change\": {\"kind\": \"gone\", \"trace\": \"00-1-2-01\"}}",
     false, "muster.entity.gone", VALUE("gone") "\"entity\":null}"},
    {"the_same_is_not_told", HEAD BODY ", \"change\": {\"kind\": \"same\"}}", false, NULL,
     NULL},
    {"without_a_note_it_is_told_what_it_is", HEAD BODY "}", false, "muster.entity.state",
     VALUE("state") ENTITY},
    {"without_a_note_gone_is_gone", HEAD "\"gone\": true, \"sources\": []}", false,
     "muster.entity.gone", VALUE("gone") "\"entity\":null}"},
    {"without_a_note_a_redirect_is_merged", HEAD "\"merged_into\": {\"$oid\": \"" OTHER "\"}}",
     false, "muster.entity.merged",
     VALUE("merged") "\"into\":[\"" OTHER "\"],\"entity\":null}"},
    {"in_a_survey_nothing_is_said_of_causes",
     HEAD BODY
     ", \"change\": {\"kind\": \"changed\", \"trace\": \"00-1-2-01\", \"fields\": [\"name\"], \"was\": {}}}",
     true, "muster.entity.state", VALUE("state") ENTITY},
    {"in_a_survey_the_same_is_told", HEAD BODY ", \"change\": {\"kind\": \"same\"}}", true,
     "muster.entity.state", VALUE("state") ENTITY},
    {"in_a_survey_a_redirect_is_merged",
     HEAD "\"merged_into\": {\"$oid\": \"" OTHER
          "\"}, \"change\": {\"kind\": \"merged\", \"trace\": \"00-1-2-01\"}}",
     true, "muster.entity.merged", VALUE("merged") "\"into\":[\"" OTHER "\"],\"entity\":null}"},
};

static struct str header(const struct event *e, const char *name)
{
    for (size_t i = 0; i < e->header_count; i++)
        if (strcmp(e->headers[i].name, name) == 0)
            return e->headers[i].value;
    return (struct str){0};
}

static void assert_header(const struct event *e, const char *name, const char *wanted)
{
    struct str value = header(e, name);
    assert_text(value.ptr, value.len, wanted);
}

static bool make(const struct event_case *c, struct arena *arena, struct event *out)
{
    struct err err = {0};
    bson_error_t error;
    bson_auto doc = BSON_INITIALIZER;
    struct model *m = model_parse("thing.yaml", str_of(model_text), arena, &err);
    if (!m || !bson_init_from_json(&doc, c->doc, -1, &error))
        fail_msg("%s%s", m ? "" : err.text, m ? error.message : "");
    struct change_seen seen = {.model = m,
                               .doc = &doc,
                               .seconds = 1700000001,
                               .increment = 7,
                               .is_survey = c->is_survey};
    return event_of(&seen, arena, out);
}

static void check_event(void **state)
{
    const struct event_case *c = *state;
    arena_auto arena = {0};
    struct event e;
    assert_int_equal(make(c, &arena, &e), c->type != NULL);
    if (!c->type)
        return;
    assert_text(e.value.ptr, e.value.len, c->value);
    assert_text(e.key.ptr, e.key.len, "0123456789abcdef01234567");
    assert_header(&e, "ce_type", c->type);
    assert_string_equal(e.change, strrchr(c->type, '.') + 1);
    assert_int_equal(e.changed_at_ms, 1700000001000);
}

static void headers_are_those_of_a_cloud_event(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct event e;
    assert_true(make(&events[0], &arena, &e));
    assert_header(&e, "ce_specversion", "1.0");
    assert_header(&e, "ce_id", "0123456789abcdef01234567:0123456789abcdef01234568");
    assert_header(&e, "ce_source", "/muster/thing");
    assert_header(&e, "ce_subject", "0123456789abcdef01234567");
    assert_header(&e, "ce_time", "2023-11-14T22:13:21.000Z");
    assert_header(&e, "ce_sequence", "1700000001.0000000007");
    assert_header(&e, "content-type", "application/json");
    assert_header(&e, "traceparent", "00-1-2-01");
    assert_int_equal(e.header_count, 9);
}

int main(void)
{
    static struct cases all;
    CASES_ADD(&all, check_event, events);
    CASES_ADD_ONE(&all, headers_are_those_of_a_cloud_event);
    return cases_run("event", &all);
}
