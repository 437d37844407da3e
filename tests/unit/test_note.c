/* SPDX-License-Identifier: MIT */
/*
 * A case is what is stored, what comes in, and the notes that the write leaves, each as one
 * text. "1:a@alpha=red%5+x.7" is stored in entity 1: the source a with hostname alpha, note red,
 * the volatile number 5, and the tag x whose volatile member is 7. "~" before a key: gone. What
 * comes in has no entity. The notes are those read back from the documents, in the order of
 * ids; a new entity is 100 or more: "1 changed note was red from 2 ; 2 merged".
 */
#include "cases.h"

#include "serializer/merge.h"
#include "serializer/note.h"

#include <stdlib.h>

enum { HOSTNAME, NOTE, SEEN, TAGS, FIELDS, ENTITIES_MAX = 8, SOURCES_MAX = 16, NEW_IDS = 100 };

static const struct member tag_members[] = {
    {.name = {"id", 2}, .type = {.kind = TYPE_STRING}},
    {.name = {"at", 2}, .type = {.kind = TYPE_INT}, .is_volatile = true}};
static const struct type tag_type = {.kind = TYPE_OBJECT, .members = tag_members, .count = 2};
static const size_t tag_key[] = {0};
static const struct field fields[FIELDS] = {
    [HOSTNAME] = {.name = {"hostname", 8}, .type = {.kind = TYPE_HOSTNAME}},
    [NOTE] = {.name = {"os.note", 7}, .type = {.kind = TYPE_STRING}},
    [SEEN] = {.name = {"seen", 4}, .type = {.kind = TYPE_INT}, .is_volatile = true},
    [TAGS] = {.name = {"tags", 4},
              .type = {.kind = TYPE_LIST, .item = &tag_type},
              .merge = {.kind = MERGE_UNION, .key = tag_key, .key_count = 1}},
};
static const struct rule rules[] = {
    {.name = {"hostname", 8}, .fields = {HOSTNAME}, .keys = {{"hostname", 8}}, .count = 1}};
static const struct model model = {.name = {"host", 4},
                                   .collection = {"hosts", 5},
                                   .fields = fields,
                                   .field_count = FIELDS,
                                   .rules = rules,
                                   .rule_count = 1};

struct row {
    int in; /* 0 comes in */
    struct source source;
};

static struct value list_of_tag(struct str text, struct arena *arena)
{
    struct value *members = ARENA_ARRAY(arena, struct value, 2);
    struct value *items = ARENA_ARRAY(arena, struct value, 1);
    int64_t at = 0;
    members[0] = value_text(str_cut(&text, '.'));
    if (str_to_int(text, &at))
        members[1] = value_int(at);
    items[0] = value_object(members, 2);
    return value_list(items, 1);
}

static struct row read_row(struct str text, struct arena *arena)
{
    struct row r = {.source = {.link = STR("l"), .stream = STR("s/a"), .version = {.gen = 2}}};
    struct value *values = ARENA_ARRAY(arena, struct value, FIELDS);
    int64_t number = 0;
    if (str_has(text, STR(":")) && str_to_int(str_cut(&text, ':'), &number)) {
        r.in = (int)number;
        r.source.version.gen = 1;
    } else {
        r.source.trace = STR("the trace");
    }
    r.source.gone = str_has_prefix(text, STR("~"));
    if (r.source.gone)
        (void)str_cut(&text, '~');
    struct str head = str_cut(&text, '+');
    struct str seen = head;
    struct str note = str_cut(&seen, '%');
    struct str host = str_cut(&note, '=');
    r.source.key = str_cut(&host, '@');
    if (text.len)
        values[TAGS] = list_of_tag(text, arena);
    if (str_to_int(seen, &number))
        values[SEEN] = value_int(number);
    if (note.len)
        values[NOTE] = value_text(note);
    if (host.len)
        values[HOSTNAME] = value_text(host);
    r.source.fields = r.source.gone ? NULL : values;
    return r;
}

struct scene {
    struct entity entities[ENTITIES_MAX];
    size_t entity_count;
    struct source updates[SOURCES_MAX];
    size_t update_count;
};

static struct entity *entity_of(struct scene *s, int id, struct arena *arena)
{
    for (size_t i = 0; i < s->entity_count; i++)
        if (s->entities[i].id.bytes[11] == id)
            return &s->entities[i];
    struct entity *e = &s->entities[s->entity_count++];
    *e = (struct entity){.id = {.bytes = {[11] = (uint8_t)id}},
                         .sources = ARENA_ARRAY(arena, struct source, SOURCES_MAX)};
    return e;
}

/* As merged when it was stored. */
static void merge_stored(struct entity *e, struct arena *arena)
{
    struct source *living[SOURCES_MAX];
    struct value *merged = ARENA_ARRAY(arena, struct value, FIELDS);
    int32_t from[FIELDS];
    size_t count = 0;
    for (size_t i = 0; i < e->count; i++)
        if (!e->sources[i].gone)
            living[count++] = &e->sources[i];
    if (!count)
        return;
    merge_fields(&model, living, count, arena, merged, from);
    e->fields = merged;
}

static void read_scene(const char *stored, const char *comes, struct arena *arena,
                       struct scene *out)
{
    struct str rest = str_of(stored);
    *out = (struct scene){0};
    while (rest.len) {
        struct row r = read_row(str_cut(&rest, ' '), arena);
        struct entity *e = entity_of(out, r.in, arena);
        e->sources[e->count++] = r.source;
    }
    for (size_t i = 0; i < out->entity_count; i++)
        merge_stored(&out->entities[i], arena);
    rest = str_of(comes);
    while (rest.len)
        out->updates[out->update_count++] = read_row(str_cut(&rest, ' '), arena).source;
}

/* --- notes as text --- */

static struct str add(struct str all, const char *word, struct str more, struct arena *arena)
{
    return arena_format(arena, STR_FMT " %s" STR_FMT, STR_ARG(all), word, STR_ARG(more));
}

static struct str ids_text(struct str all, const char *word, const struct object_id *ids,
                           size_t count, struct arena *arena)
{
    for (size_t i = 0; i < count; i++)
        all = add(all, word, arena_format(arena, "%d", ids[i].bytes[11]), arena);
    return all;
}

/* What was a tag is told by its id. */
static struct str was_text(struct value v)
{
    if (v.kind == VALUE_LIST && v.count)
        v = v.items[0].items[0];
    return v.kind == VALUE_TEXT ? value_str(v) : STR("nothing");
}

/* Written into a document and read from it again. */
static struct str note_text(const struct object_id *id, struct note note, struct arena *arena)
{
    bson_auto doc = BSON_INITIALIZER;
    note_write(note, &model, arena, &doc);
    struct note read = note_read(&doc, &model, arena);
    struct str all = arena_format(arena, "%d %s", id->bytes[11], note_name(read.kind));
    for (size_t i = 0; i < read.field_count; i++) {
        all = add(all, "", model.fields[read.fields[i]].name, arena);
        all = add(all, "was ", was_text(read.was[read.fields[i]]), arena);
    }
    all = ids_text(all, "from ", read.from, read.from_count, arena);
    all = ids_text(all, "into ", read.into, read.into_count, arena);
    assert_true(read.kind == NOTE_SAME || str_eq(read.trace, STR("the trace")));
    return all;
}

static int text_cmp(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static size_t notes_of(const struct change *c, struct str *texts, struct arena *arena)
{
    struct object_id ids[SOURCES_MAX];
    static const struct object_id none;
    uint8_t fresh = NEW_IDS;
    size_t count = 0;
    for (size_t i = 0; i < c->now_count; i++) {
        ids[i] = c->now[i].id;
        if (memcmp(&ids[i], &none, sizeof none) == 0)
            ids[i].bytes[11] = fresh++;
    }
    for (size_t i = 0; i < c->now_count; i++)
        texts[count++] = note_text(&ids[i], note_of(&model, c, ids, i, arena), arena);
    for (size_t i = 0; i < c->old_count; i++)
        if (c->heir[i] != SIZE_MAX)
            texts[count++] = note_text(&c->old[i]->id, note_of_merged(c), arena);
    return count;
}

struct note_case {
    const char *sentence, *stored, *comes, *notes;
};

static const struct note_case notes[] = {
    {"a_new_entity_is_created", "", "a@alpha=red", "100 created"},
    {"another_value_is_a_change_and_says_what_was", "1:a@alpha=red", "a@alpha=blue",
     "1 changed os.note was red"},
    {"a_value_that_was_not_there_before_was_nothing", "1:a@alpha", "a@alpha=blue",
     "1 changed os.note was nothing"},
    {"a_value_that_is_no_more_says_what_was", "1:a@alpha=red", "a@alpha",
     "1 changed os.note was red"},
    {"the_same_again_is_no_change", "1:a@alpha=red", "a@alpha=red", "1 same"},
    {"a_volatile_field_is_no_change", "1:a@alpha=red%5", "a@alpha=red%6", "1 same"},
    {"a_volatile_member_is_no_change", "1:a@alpha+x.7", "a@alpha+x.8", "1 same"},
    {"another_item_of_a_list_is_a_change", "1:a@alpha+x.7", "a@alpha+y.7",
     "1 changed tags was x"},
    {"a_source_more_that_says_the_same_is_a_change_without_fields", "1:a@alpha=red",
     "b@alpha=red", "1 changed"},
    {"a_source_less_is_a_change", "1:a@alpha=red 1:b@alpha=red", "~b", "1 changed"},
    {"with_its_last_source_an_entity_is_gone", "1:a@alpha=red", "~a", "1 gone"},
    {"what_was_gone_stays_so_without_a_word", "1:~a 1:~b", "~b", "1 same"},
    {"back_again_is_created_again", "1:~a", "a@alpha=red", "1 created"},
    {"two_become_one", "1:a@alpha=red 2:b@beta=red", "b@alpha=red",
     "1 changed from 2 ; 2 merged"},
    {"one_becomes_two", "1:a@alpha=red 1:b@alpha=red", "b@beta=red",
     "1 split into 100 ; 100 created from 1"},
    {"a_source_that_goes_over_to_another_is_a_change_of_both",
     "1:a@alpha=red 1:b@alpha=red 2:c@beta=red", "b@beta=red",
     "1 changed into 2 ; 2 changed from 1"},
    {"two_that_swap_their_names_both_change", "1:a@alpha=red 2:b@beta=red",
     "a@beta=red b@alpha=red", "1 changed hostname was alpha ; 2 changed hostname was beta"},
    {"one_part_goes_to_another_and_one_is_new",
     "1:a@alpha=red 1:b@alpha=red 1:c@alpha=red 2:d@beta=red", "b@beta=red c@gamma=red",
     "1 split into 2 into 100 ; 100 created from 1 ; 2 changed from 1"},
    {"who_was_gone_may_turn_out_to_be_another", "1:a@alpha=red 2:~b", "b@alpha=red",
     "1 changed ; 2 merged"},
};

static void check_notes(void **state)
{
    const struct note_case *c = *state;
    arena_auto arena = {0};
    struct scene scene;
    struct change *changes;
    struct str texts[SOURCES_MAX * 2];
    size_t count = 0;
    struct str all = {0};
    read_scene(c->stored, c->comes, &arena, &scene);
    size_t change_count = fold_plan(&model, scene.entities, scene.entity_count, scene.updates,
                                    scene.update_count, &arena, &changes);
    for (size_t i = 0; i < change_count; i++)
        count += notes_of(&changes[i], texts + count, &arena);
    qsort(texts, count, sizeof *texts, text_cmp);
    for (size_t i = 0; i < count; i++)
        all = arena_format(&arena, STR_FMT "%s" STR_FMT, STR_ARG(all), i ? " ; " : "",
                           STR_ARG(texts[i]));
    assert_text(all.ptr, all.len, c->notes);
}

static void a_document_without_a_note_says_nothing(void **state)
{
    (void)state;
    arena_auto arena = {0};
    bson_auto doc = BSON_INITIALIZER;
    assert_int_equal(note_read(&doc, &model, &arena).kind, NOTE_NONE);
    bson_t change;
    BSON_APPEND_DOCUMENT_BEGIN(&doc, "change", &change);
    BSON_APPEND_UTF8(&change, "kind", "of a later version");
    bson_append_document_end(&doc, &change);
    assert_int_equal(note_read(&doc, &model, &arena).kind, NOTE_NONE);
}

int main(void)
{
    static struct cases all;
    CASES_ADD(&all, check_notes, notes);
    CASES_ADD_ONE(&all, a_document_without_a_note_says_nothing);
    return cases_run("note", &all);
}
