/* SPDX-License-Identifier: MIT */
/*
 * Two databases compared. Entities are written as their sources: "a=red b" is one of the sources a, which says that its note
 * is red, and b; "~c" is a gone source. The first note is the entity's.
 */
#include "cases.h"
#include "sources.h"

#include "muster/diff.h"
#include "muster/diff_tally.h"

enum { SOURCES_MAX = 8, ENTITIES_MAX = 8 };

static struct source source_of(struct str word, struct arena *arena)
{
    struct str note = word;
    struct str key = str_cut(&note, '=');
    struct source s = {.stream = STR("p/s"), .link = STR("p/s")};
    if (str_has_prefix(key, STR("q"))) {
        s.stream = STR("q/s");
        s.link = STR("q/s");
    }
    s.gone = str_has_prefix(key, STR("~"));
    s.key = s.gone ? (struct str){key.ptr + 1, key.len - 1} : key;
    struct value *fields = ARENA_ARRAY(arena, struct value, HOST_FIELDS);
    if (note.len)
        fields[NOTE] = value_text(note);
    s.fields = fields;
    return s;
}

static struct document entity_of(struct str text, uint8_t id, struct arena *arena)
{
    struct document e = {.entity.sources = ARENA_ARRAY(arena, struct source, SOURCES_MAX)};
    struct value *fields = ARENA_ARRAY(arena, struct value, HOST_FIELDS);
    e.entity.id.bytes[11] = id;
    while (text.len) {
        struct source s = source_of(str_cut(&text, ' '), arena);
        if (fields[NOTE].kind == VALUE_NONE)
            fields[NOTE] = s.fields[NOTE];
        e.entity.sources[e.entity.count++] = s;
    }
    e.fields = fields;
    return e;
}

/* "a b | c" are two entities. */
static void add_all(struct diff *d, const char *text, uint8_t first_id, bool is,
                    struct arena *arena)
{
    struct str rest = str_of(text);
    while (rest.len) {
        struct document e = entity_of(str_trim(str_cut(&rest, '|')), first_id++, arena);
        if (is)
            diff_is(d, &e);
        else
            diff_was(d, &e);
    }
}

static struct str told(const char *was, const char *is, struct arena *arena,
                       struct diff_counts *out_counts)
{
    struct diff *d = diff_new(&hosts_model, arena);
    struct diff_group *groups;
    struct str text = {0};
    add_all(d, was, 1, false, arena);
    add_all(d, is, 101, true, arena);
    size_t count = diff_groups(d, &groups, out_counts);
    for (size_t i = 0; i < count; i++)
        text = arena_format(arena, STR_FMT "%s%s " STR_FMT " %zu:%zu", STR_ARG(text),
                            i ? ", " : "", diff_kind_name(groups[i].kind),
                            STR_ARG(groups[i].name), groups[i].was_count, groups[i].is_count);
    return text;
}

static const struct {
    const char *sentence, *was, *is, *expected;
} compared[] = {
    {"nothing differs from nothing", "", "", ""},
    {"equal entities are no difference, in whatever order they come", "a=red b | c=blue",
     "c=blue | b a=red", ""},
    {"an entity that only the second has is created", "a", "a | b", "created p/s b 0:1"},
    {"an entity that only the first has is gone", "a | b", "b", "gone p/s a 1:0"},
    {"another field is a change", "a=red", "a=blue", "changed p/s a 1:1"},
    {"one more source is a change", "a", "a b", "changed p/s a 1:1"},
    {"one source less is a change", "a b", "a", "changed p/s a 1:1"},
    {"a source in the place of another is created and gone", "a", "b",
     "gone p/s a 1:0, created p/s b 0:1"},
    {"two that became one are merged", "a | b", "a b", "merged p/s a 2:1"},
    {"one that became two is split", "a b", "b | a", "split p/s a 1:2"},
    {"one that became two with a new source is split", "a b", "b | a c", "split p/s a 1:2"},
    {"a source that changed sides makes one group of all", "a b | c", "a | b c",
     "regrouped p/s a 2:2"},
    {"gone sources join nothing and make no difference", "a ~c | b", "a | b ~c", ""},
    {"an entity of gone sources only is no entity", "~a", "b", "created p/s b 0:1"},
    {"groups come in the order of their smallest sources", "d=1 | b=1 | qa=1 | c",
     "qa=2 | b=2 | d=2",
     "changed p/s b 1:1, gone p/s c 1:0, changed p/s d 1:1, changed q/s qa 1:1"},
    {"streams keep keys apart", "a", "qa", "gone p/s a 1:0, created q/s qa 0:1"},
};

static void compares(void **state)
{
    arena_auto arena = {0};
    struct diff_counts counts;
    const __typeof__(*compared) *c = *state;
    struct str text = told(c->was, c->is, &arena, &counts);
    assert_text(text.ptr, text.len, c->expected);
}

static void counts_say_how_many_of_each_kind(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct diff_counts c;
    told("a | b | c | d=1 | e f | ~g", "a b | c | d=2 | e | f | h", &arena, &c);
    assert_int_equal(c.was, 5);
    assert_int_equal(c.is, 6);
    assert_int_equal(c.equal, 1);
    assert_int_equal(c.groups[DIFF_MERGED], 1);
    assert_int_equal(c.groups[DIFF_SPLIT], 1);
    assert_int_equal(c.groups[DIFF_CHANGED], 1);
    assert_int_equal(c.groups[DIFF_CREATED], 1);
    assert_int_equal(c.groups[DIFF_GONE], 0);
}

static void a_group_has_the_ids_of_both_sides(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct diff_counts counts;
    struct diff_group *groups;
    struct diff *d = diff_new(&hosts_model, &arena);
    add_all(d, "a | b", 1, false, &arena);
    add_all(d, "a b", 101, true, &arena);
    assert_int_equal(diff_groups(d, &groups, &counts), 1);
    assert_int_equal(groups[0].was_count, 2);
    assert_int_equal(groups[0].was[0].bytes[11], 1);
    assert_int_equal(groups[0].was[1].bytes[11], 2);
    assert_int_equal(groups[0].is[0].bytes[11], 101);
}

static void thousands_of_sources_are_all_found_again(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct diff_counts counts;
    struct diff_group *groups;
    struct diff *d = diff_new(&hosts_model, &arena);
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < 5000; i++) {
            arena_auto scratch = {0};
            struct document e =
                entity_of(arena_format(&scratch, "k%d=%d l%d", i, i % 3, i), 1, &scratch);
            if (side)
                diff_is(d, &e);
            else
                diff_was(d, &e);
        }
    assert_int_equal(diff_groups(d, &groups, &counts), 0);
    assert_int_equal(counts.equal, 5000);
}

/* --- one entity --- */

static struct str entity_told(const char *was, const char *is, struct arena *arena)
{
    struct document a = entity_of(str_of(was), 1, arena), b = entity_of(str_of(is), 2, arena);
    struct entity_diff d = diff_entity(&hosts_model, &a, &b, arena);
    struct str text = {0};
    for (size_t i = 0; i < d.field_count; i++) {
        text = arena_format(arena, STR_FMT STR_FMT " " STR_FMT ">" STR_FMT, STR_ARG(text),
                            STR_ARG(hosts_fields[d.fields[i].field].name),
                            STR_ARG(value_str(d.fields[i].was)),
                            STR_ARG(value_str(d.fields[i].is)));
        for (size_t s = 0; s < d.fields[i].stream_count; s++)
            text = arena_format(arena, STR_FMT " by " STR_FMT, STR_ARG(text),
                                STR_ARG(d.fields[i].streams[s]));
    }
    for (size_t i = 0; i < d.source_count; i++)
        text = arena_format(arena, STR_FMT " %s" STR_FMT, STR_ARG(text),
                            d.sources[i].came ? "+" : "-", STR_ARG(d.sources[i].source->key));
    return text;
}

static const struct {
    const char *sentence, *was, *is, *expected;
} entities[] = {
    {"a field that is the same is no difference", "a=red", "a=red", ""},
    {"the stream is named that says otherwise now", "a=red qb=red", "a=blue qb=red",
     "note red>blue by p/s"},
    {"a value that came has nothing before it", "a", "a=red", "note >red by p/s"},
    {"a value that went has nothing behind it", "a=red", "a", "note red> by p/s"},
    {"both streams when both say otherwise", "a=1 qb=1", "a=2 qb=2", "note 1>2 by p/s by q/s"},
    {"no stream when only the merging changed", "a=1 qb=2", "qb=2 a=1", "note 1>2"},
    {"a source that came is named, and is a reason", "a", "a qb=2", "note >2 by q/s +qb"},
    {"a source that left is named, and is a reason", "a=1 qb=2", "qb=2", "note 1>2 by p/s -a"},
    {"a gone source has left", "a qb", "a ~qb", " -qb"},
};

static void tells_fields_and_sources(void **state)
{
    arena_auto arena = {0};
    const __typeof__(*entities) *c = *state;
    struct str text = entity_told(c->was, c->is, &arena);
    assert_text(text.ptr, text.len, c->expected);
}

/* --- the tally --- */

static void a_tally_counts_by_field_and_stream_and_keeps_the_first_examples(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct diff_tally t = diff_tally_new(&hosts_model, 2, &arena);
    const char *const pairs[][2] = {
        {"a=1", "a=2"}, {"b=1 qc=1", "b=3 qc=3"}, {"d=1 qe=2", "qe=2 d=1"}, {"f", "f g"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct document was = entity_of(str_of(pairs[i][0]), 1, &arena);
        struct document is = entity_of(str_of(pairs[i][1]), 2, &arena);
        struct entity_diff d = diff_entity(&hosts_model, &was, &is, &arena);
        diff_tally_add(&t, arena_format(&arena, "e%zu", i), &d);
    }
    const struct field_tally *note = &t.fields[NOTE];
    assert_int_equal(note->count, 3);
    assert_int_equal(note->stream_count, 3);
    assert_text(note->streams[0].stream.ptr, note->streams[0].stream.len, "p/s");
    assert_int_equal(note->streams[0].count, 2);
    assert_int_equal(note->streams[1].count, 1);
    assert_int_equal(note->streams[2].stream.len, 0);
    assert_int_equal(note->example_count, 2);
    assert_text(note->examples[1].ptr, note->examples[1].len, "e1: 1 -> 3");
    assert_int_equal(t.came, 1);
    assert_int_equal(t.left, 0);
    assert_int_equal(t.fields[SERIAL].count, 0);
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD(&all, compares, compared);
    CASES_ADD_ONE(&all, counts_say_how_many_of_each_kind);
    CASES_ADD_ONE(&all, a_group_has_the_ids_of_both_sides);
    CASES_ADD_ONE(&all, thousands_of_sources_are_all_found_again);
    CASES_ADD(&all, tells_fields_and_sources, entities);
    CASES_ADD_ONE(&all, a_tally_counts_by_field_and_stream_and_keeps_the_first_examples);
    return cases_run("diff", &all);
}
