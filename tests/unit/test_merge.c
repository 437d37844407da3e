/* SPDX-License-Identifier: MIT */
/*
 * A case is one rule, what up to four sources say ("q/hosts k2 20 blue": stream, key, as_of or -, value or -), and the value that becomes of it with
 * the keys it came from. Items of a list are separated by commas, members of an object by colons. Each case is tried in every order of its sources.
 */
#include "cases.h"
#include "sources.h"

#include "serializer/merge.h"

enum { SAID_MAX = 4, SHUFFLES = 60 };

enum { NEWEST, FIRST, UNION, UNION_BY_NAME, MIN, MAX, MIN_TIME, FIELDS };

static const struct type string_type = {.kind = TYPE_STRING};
static const struct member software_members[] = {
    {.name = {"name", 4}, .type = {.kind = TYPE_STRING}},
    {.name = {"version", 7}, .type = {.kind = TYPE_STRING}},
};
static const struct type software_type = {
    .kind = TYPE_OBJECT, .members = software_members, .count = 2};
static const struct value unknowns[] = {{.kind = VALUE_TEXT, .count = 7, .text = "unknown"}};
static const struct str trusted[] = {{"p", 1}, {"q", 1}};
static const size_t by_name[] = {0};

#define NEVER_UNKNOWN {.values = unknowns, .count = 1}

static const struct field fields[FIELDS] = {
    [NEWEST] = {.type = {.kind = TYPE_STRING},
                .merge = {.kind = MERGE_NEWEST},
                .never = NEVER_UNKNOWN},
    [FIRST] = {.type = {.kind = TYPE_STRING},
               .merge = {.kind = MERGE_FIRST, .providers = trusted, .provider_count = 2},
               .never = NEVER_UNKNOWN},
    [UNION] = {.type = {.kind = TYPE_LIST, .item = &string_type},
               .merge = {.kind = MERGE_UNION}},
    [UNION_BY_NAME] = {.type = {.kind = TYPE_LIST, .item = &software_type},
                       .merge = {.kind = MERGE_UNION, .key = by_name, .key_count = 1}},
    [MIN] = {.type = {.kind = TYPE_INT}, .merge = {.kind = MERGE_MIN}},
    [MAX] = {.type = {.kind = TYPE_INT}, .merge = {.kind = MERGE_MAX}},
    [MIN_TIME] = {.type = {.kind = TYPE_DATETIME}, .merge = {.kind = MERGE_MIN}},
};
static const struct model model = {
    .name = {"thing", 5}, .fields = fields, .field_count = FIELDS};

struct merge_case {
    const char *sentence;
    size_t field;
    const char *said[SAID_MAX];
    const char *value, *from; /* from: a key, "none" or "several" */
};

static const struct merge_case merge_cases[] = {
    {"no_source_has_a_value", NEWEST, {"p/a k1 10 -", "p/a k2 20 -"}, "-", "none"},
    {"the_only_value_stands", NEWEST, {"p/a k1 10 red", "p/a k2 20 -"}, "red", "k1"},
    {"the_newest_by_its_own_clock_wins",
     NEWEST,
     {"p/a k1 10 red", "p/a k2 20 blue", "p/a k3 15 green"},
     "blue",
     "k2"},
    {"a_source_without_a_clock_is_older_than_any",
     NEWEST,
     {"p/a k1 - red", "p/a k2 -5 blue"},
     "blue",
     "k2"},
    {"without_clocks_the_smaller_source_wins",
     NEWEST,
     {"p/a k2 - red", "p/a k1 - blue"},
     "blue",
     "k1"},
    {"of_equally_new_ones_the_smaller_source_wins",
     NEWEST,
     {"p/a k2 10 red", "p/a k1 10 blue"},
     "blue",
     "k1"},
    {"the_stream_tells_sources_apart_before_the_key",
     NEWEST,
     {"q/a k1 10 red", "p/a k2 10 blue"},
     "blue",
     "k2"},
    {"a_value_that_never_identifies_loses_to_an_older_one",
     NEWEST,
     {"p/a k1 10 red", "p/a k2 20 unknown"},
     "red",
     "k1"},
    {"a_value_that_never_identifies_is_better_than_none",
     NEWEST,
     {"p/a k1 10 unknown", "p/a k2 20 -"},
     "unknown",
     "k1"},
    {"of_values_that_never_identify_the_newest_wins",
     NEWEST,
     {"p/a k1 10 unknown", "p/a k2 20 unknown"},
     "unknown",
     "k2"},

    {"the_first_provider_wins_though_another_is_newer",
     FIRST,
     {"q/a k1 20 red", "p/a k2 10 blue"},
     "blue",
     "k2"},
    {"the_next_provider_stands_in_where_the_first_has_no_value",
     FIRST,
     {"q/a k1 10 red", "p/a k2 20 -", "r/a k3 30 green"},
     "red",
     "k1"},
    {"providers_that_are_not_listed_come_last",
     FIRST,
     {"a/a k1 30 red", "q/a k2 10 blue"},
     "blue",
     "k2"},
    {"of_providers_that_are_not_listed_the_newest_wins",
     FIRST,
     {"a/a k1 10 red", "z/a k2 20 blue"},
     "blue",
     "k2"},
    {"of_one_provider_the_newest_wins",
     FIRST,
     {"p/a k1 10 red", "p/b k2 20 blue"},
     "blue",
     "k2"},
    {"of_one_provider_and_equally_new_the_smaller_source_wins",
     FIRST,
     {"p/b k1 10 red", "p/a k2 10 blue"},
     "blue",
     "k2"},
    {"a_provider_is_what_stands_before_the_slash",
     FIRST,
     {"pp/a k1 20 red", "q/a k2 10 blue"},
     "blue",
     "k2"},
    {"a_trusted_value_that_never_identifies_loses",
     FIRST,
     {"p/a k1 20 unknown", "z/a k2 10 red"},
     "red",
     "k2"},

    {"a_union_of_one_source_is_its_list", UNION, {"p/a k1 10 a,b", "p/a k2 20 -"}, "a,b", "k1"},
    {"a_union_has_each_item_once_and_in_order",
     UNION,
     {"p/a k1 10 b,c", "p/a k2 20 a,b"},
     "a,b,c",
     "several"},
    {"a_union_of_equal_lists_is_that_list",
     UNION,
     {"p/a k1 10 a,b", "p/a k2 20 a,b"},
     "a,b",
     "several"},
    {"no_lists_are_no_union", UNION, {"p/a k1 10 -", "p/a k2 20 -"}, "-", "none"},
    {"items_with_other_names_are_all_kept",
     UNION_BY_NAME,
     {"p/a k1 10 curl:8", "p/a k2 20 bash:5"},
     "bash:5,curl:8",
     "several"},
    {"of_items_with_one_name_the_newest_source_s_stands",
     UNION_BY_NAME,
     {"p/a k1 10 curl:9", "p/a k2 20 bash:5,curl:8"},
     "bash:5,curl:8",
     "several"},
    {"of_equally_new_items_the_smaller_source_s_stands",
     UNION_BY_NAME,
     {"p/a k2 10 curl:7", "p/a k1 10 curl:8"},
     "curl:8",
     "several"},
    {"one_source_that_names_an_item_twice_has_the_smaller_one",
     UNION_BY_NAME,
     {"p/a k1 10 curl:7,curl:8"},
     "curl:7",
     "k1"},
    {"in_whatever_order_it_names_them",
     UNION_BY_NAME,
     {"p/a k1 10 curl:8,curl:7"},
     "curl:7",
     "k1"},
    {"without_clocks_the_smaller_source_s_item_stands",
     UNION_BY_NAME,
     {"p/a k2 - curl:7", "p/a k1 - curl:8"},
     "curl:8",
     "several"},
    {"three_sources_meet_item_by_item",
     UNION_BY_NAME,
     {"p/a k1 10 a:1,b:1", "p/a k2 20 b:2,c:2", "p/a k3 30 c:3"},
     "a:1,b:2,c:3",
     "several"},

    {"the_smallest_value_stands_though_it_is_old",
     MIN,
     {"p/a k1 10 3", "p/a k2 20 5"},
     "3",
     "k1"},
    {"a_negative_number_is_smaller", MIN, {"p/a k1 10 -3", "p/a k2 20 2"}, "-3", "k1"},
    {"the_greatest_value_stands_though_it_is_old",
     MAX,
     {"p/a k1 10 5", "p/a k2 20 3"},
     "5",
     "k1"},
    {"of_equal_smallest_ones_the_newest_source_is_named",
     MIN,
     {"p/a k1 10 3", "p/a k2 20 3", "p/a k3 30 4"},
     "3",
     "k2"},
    {"of_equal_greatest_ones_the_newest_source_is_named",
     MAX,
     {"p/a k1 10 5", "p/a k2 20 5", "p/a k3 30 4"},
     "5",
     "k2"},
    {"numbers_are_no_texts", MAX, {"p/a k1 10 9", "p/a k2 10 10"}, "10", "k2"},
    {"a_missing_value_is_not_the_smallest", MIN, {"p/a k1 10 -", "p/a k2 20 7"}, "7", "k2"},
    {"the_earliest_time_stands", MIN_TIME, {"p/a k1 10 7000", "p/a k2 20 5000"}, "5000", "k2"},
};

/* --- values from text, and back --- */

static struct value read_item(const struct type *t, struct str text, struct arena *arena)
{
    if (t->kind == TYPE_STRING)
        return value_text(text);
    struct value *members = ARENA_ARRAY(arena, struct value, t->count);
    for (size_t i = 0; i < t->count; i++)
        members[i] = value_text(str_cut(&text, ':'));
    return value_object(members, t->count);
}

static struct value read_list(const struct type *t, struct str text, struct arena *arena)
{
    struct value *items = NULL;
    size_t count = 0;
    size_t room = 0;
    while (text.len)
        *ARENA_PUSH(arena, items, count, room) = read_item(t->item, str_cut(&text, ','), arena);
    return value_list(items, count);
}

static struct value read_value(const struct type *t, struct str text, struct arena *arena)
{
    int64_t number = 0;
    if (str_eq(text, STR("-")))
        return (struct value){0};
    if (t->kind == TYPE_LIST)
        return read_list(t, text, arena);
    if (t->kind == TYPE_STRING)
        return value_text(text);
    assert_true(str_to_int(text, &number));
    return t->kind == TYPE_INT ? value_int(number) : value_time(number);
}

static struct source read_source(const struct merge_case *c, const char *said,
                                 struct arena *arena)
{
    struct str rest = str_of(said);
    struct source s = {.link = STR("l")};
    s.stream = str_cut(&rest, ' ');
    s.key = str_cut(&rest, ' ');
    s.has_as_of = str_to_int(str_cut(&rest, ' '), &s.as_of_ms);
    struct value *values = ARENA_ARRAY(arena, struct value, FIELDS);
    values[c->field] = read_value(&fields[c->field].type, rest, arena);
    s.fields = values;
    return s;
}

static struct str value_shown(struct value v, const char *between, struct arena *arena)
{
    struct str all = {0};
    switch (v.kind) {
    case VALUE_NONE:
    case VALUE_BOOL:
        return STR("-");
    case VALUE_TEXT:
        return value_str(v);
    case VALUE_INT:
    case VALUE_TIME:
        return arena_format(arena, "%lld", (long long)v.number);
    case VALUE_LIST:
    case VALUE_OBJECT:
        break;
    }
    for (uint32_t i = 0; i < v.count; i++)
        all = arena_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(all), i ? between : "",
                           STR_ARG(value_shown(v.items[i], ":", arena)));
    return all;
}

static struct str from_shown(int32_t from, struct source *const *sources)
{
    if (from == FROM_NONE)
        return STR("none");
    return from == FROM_SEVERAL ? STR("several") : sources[from]->key;
}

static void is_merged(void **state)
{
    const struct merge_case *c = *state;
    arena_auto arena = {0};
    struct source said[SAID_MAX];
    struct source *sources[SAID_MAX];
    size_t count = 0;
    uint64_t die = 5;
    for (; count < SAID_MAX && c->said[count]; count++) {
        said[count] = read_source(c, c->said[count], &arena);
        sources[count] = &said[count];
    }
    for (size_t i = 0; i < SHUFFLES; i++) {
        struct value values[FIELDS];
        int32_t from[FIELDS];
        merge_fields(&model, sources, count, &arena, values, from);
        struct str value = value_shown(values[c->field], ",", &arena);
        struct str source = from_shown(from[c->field], sources);
        assert_text(value.ptr, value.len, c->value);
        assert_text(source.ptr, source.len, c->from);
        for (size_t f = 0; f < FIELDS; f++)
            assert_true(f == c->field ||
                        (values[f].kind == VALUE_NONE && from[f] == FROM_NONE));
        die_shuffle(&die, (void *)sources, count, sizeof(struct source *));
    }
}

/* --- any sources, in any order --- */

enum { CROWD = 6, CROWDS = 200 };

static struct source random_source(uint64_t *die, size_t number, struct arena *arena)
{
    static const char *const streams[] = {"p/a", "q/a", "r/a"};
    static const char *const words[] = {"-", "red", "blue", "unknown"};
    static const char *const lists[] = {"-", "a", "a,b", "b,c,d"};
    static const char *const software[] = {"-", "curl:7", "bash:5,curl:8",
                                           "bash:4,curl:7,curl:9"};
    static const char *const numbers[] = {"-", "1", "2", "-3"};
    struct value *values = ARENA_ARRAY(arena, struct value, FIELDS);
    for (size_t f = 0; f < FIELDS; f++) {
        const char *const *of = f == UNION           ? lists
                                : f == UNION_BY_NAME ? software
                                : f >= MIN           ? numbers
                                                     : words;
        values[f] = read_value(&fields[f].type, str_of(of[die_roll(die, 4)]), arena);
    }
    struct source s = {
        .link = STR("l"), .stream = str_of(streams[die_roll(die, 3)]), .fields = values};
    s.key = arena_format(arena, "k%zu", number);
    s.has_as_of = die_roll(die, 4) > 0;
    s.as_of_ms = s.has_as_of ? (int64_t)die_roll(die, 3) : 0;
    return s;
}

static void no_order_of_sources_makes_a_difference(void **state)
{
    (void)state;
    uint64_t die = 3;
    for (size_t n = 0; n < CROWDS; n++) {
        arena_auto arena = {0};
        struct source said[CROWD];
        struct source *sources[CROWD];
        struct value first[FIELDS];
        int32_t first_from[FIELDS];
        for (size_t i = 0; i < CROWD; i++) {
            said[i] = random_source(&die, i, &arena);
            sources[i] = &said[i];
        }
        merge_fields(&model, sources, CROWD, &arena, first, first_from);
        for (size_t shuffle = 0; shuffle < 20; shuffle++) {
            struct source *other[CROWD];
            struct value values[FIELDS];
            int32_t from[FIELDS];
            memcpy((void *)other, (const void *)sources, sizeof other);
            die_shuffle(&die, (void *)other, CROWD, sizeof(struct source *));
            merge_fields(&model, other, CROWD, &arena, values, from);
            for (size_t f = 0; f < FIELDS; f++) {
                assert_int_equal(value_cmp(values[f], first[f]), 0);
                assert_true(
                    str_eq(from_shown(from[f], other), from_shown(first_from[f], sources)));
            }
        }
    }
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD(&all, is_merged, merge_cases);
    CASES_ADD_ONE(&all, no_order_of_sources_makes_a_difference);
    return cases_run("merge", &all);
}
