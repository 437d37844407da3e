/* SPDX-License-Identifier: MIT */
/*
 * A case is what is stored, what comes in, and the plan as one text: "1+2 -> 1[a b ~c] new[d]! ; 2 to 1 ; by b" means that the entities 1 and 2 are
 * replaced by 1, which holds the sources a and b and the gone one c, and by a new one, which is crowded out and holds d; that the readers of 2 are
 * sent to 1; and that the update of b is carried out. Changes stand in the order of their texts.
 */
#include "cases.h"
#include "sources.h"

#include "serializer/fold.h"
#include "serializer/merge.h"

#include <stdlib.h>

enum { ROWS_MAX = 12, SHUFFLES = 100 };

/* Where a row's source stands: the number of its entity, or: */
enum { COMES_IN = 0 };

struct row {
    int in;
    const char *key;
    const char *host; /* with an address: one tuple */
    int gen;          /* 0 means 1 when stored, 2 when it comes in */
    const char *serial;
    const char *link, *stream; /* NULL: of the key's own: "l", "s/a" */
    bool gone, crowded;        /* crowded: its entity is */
};

static struct source source_of(const struct row *r, struct arena *arena)
{
    struct value *fields = ARENA_ARRAY(arena, struct value, HOST_FIELDS);
    fields[HOSTNAME] = text_or_none(r->host);
    fields[IP] = text_or_none(r->host ? "203.0.113.7" : NULL);
    fields[SERIAL] = text_or_none(r->serial);
    fields[NOTE] = text_or_none(r->key);
    return (struct source){.link = str_of(r->link ? r->link : "l"),
                           .stream = str_of(r->stream ? r->stream : "s/a"),
                           .key = str_of(r->key),
                           .version = {.gen = r->gen ? r->gen : r->in == COMES_IN ? 2 : 1},
                           .gone = r->gone,
                           .fields = r->gone ? NULL : fields};
}

/* What is stored and what comes in, as fold_plan() wants it. */
struct scene {
    struct entity *entities;
    size_t entity_count;
    struct source *updates;
    size_t update_count;
};

static struct entity *entity_of(struct scene *s, const struct row *r, size_t rows, struct arena *arena)
{
    for (size_t e = 0; e < s->entity_count; e++)
        if (s->entities[e].id.bytes[11] == r->in)
            return &s->entities[e];
    struct entity *e = &s->entities[s->entity_count++];
    *e = (struct entity){.id = {.bytes = {[11] = (uint8_t)r->in}},
                         .rev = {.bytes = {1}},
                         .created_at_ms = 1000 + r->in,
                         .sources = ARENA_ARRAY(arena, struct source, rows),
                         .crowded_out = r->crowded};
    return e;
}

static struct scene scene_of(const struct row *rows, size_t count, struct arena *arena)
{
    struct scene s = {.entities = ARENA_ARRAY(arena, struct entity, count),
                      .updates = ARENA_ARRAY(arena, struct source, count)};
    for (size_t i = 0; i < count; i++) {
        if (rows[i].in == COMES_IN) {
            s.updates[s.update_count++] = source_of(&rows[i], arena);
            continue;
        }
        struct entity *e = entity_of(&s, &rows[i], count, arena);
        e->sources[e->count++] = source_of(&rows[i], arena);
    }
    return s;
}

static size_t plan(struct scene *s, struct arena *arena, struct change **out)
{
    return fold_plan(&hosts_model, s->entities, s->entity_count, s->updates, s->update_count, arena, out);
}

/* --- a plan as text --- */

static int text_cmp(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The texts in their order, with what stands between them. */
static struct str join_sorted(struct str *texts, size_t count, const char *between, struct arena *arena)
{
    struct str all = {0};
    if (count > 1)
        qsort(texts, count, sizeof *texts, text_cmp);
    for (size_t i = 0; i < count; i++)
        all = arena_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(all), i ? between : "", STR_ARG(texts[i]));
    return all;
}

static struct str id_text(const struct object_id *id, struct arena *arena)
{
    return id->bytes[11] ? arena_format(arena, "%d", id->bytes[11]) : STR("new");
}

/* Living sources as they stand; gone ones follow in any order. */
static struct str sources_text(const struct folded *f, struct arena *arena)
{
    struct str all = {0};
    struct str gone[ROWS_MAX * 20];
    size_t gone_count = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (f->sources[i]->gone) {
            gone[gone_count++] = arena_format(arena, "~" STR_FMT, STR_ARG(f->sources[i]->key));
            continue;
        }
        assert_int_equal(gone_count, 0);
        all = arena_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(all), all.len ? " " : "", STR_ARG(f->sources[i]->key));
    }
    struct str tail = join_sorted(gone, gone_count, " ", arena);
    return arena_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(all), all.len && tail.len ? " " : "", STR_ARG(tail));
}

static struct str now_text(const struct change *c, struct arena *arena)
{
    struct str *texts = ARENA_ARRAY(arena, struct str, c->now_count);
    for (size_t i = 0; i < c->now_count; i++)
        texts[i] = arena_format(arena, STR_FMT "[" STR_FMT "]%s", STR_ARG(id_text(&c->now[i].id, arena)),
                                STR_ARG(sources_text(&c->now[i], arena)), c->now[i].crowded_out ? "!" : "");
    return join_sorted(texts, c->now_count, " ", arena);
}

static struct str old_text(const struct change *c, struct arena *arena)
{
    struct str *texts = ARENA_ARRAY(arena, struct str, c->old_count);
    for (size_t i = 0; i < c->old_count; i++)
        texts[i] = id_text(&c->old[i]->id, arena);
    return join_sorted(texts, c->old_count, "+", arena);
}

static struct str heirs_text(const struct change *c, struct arena *arena)
{
    struct str *texts = ARENA_ARRAY(arena, struct str, c->old_count);
    size_t used = 0;
    for (size_t i = 0; i < c->old_count; i++)
        if (c->heir[i] != SIZE_MAX)
            texts[used++] = arena_format(arena, " ; " STR_FMT " to " STR_FMT, STR_ARG(id_text(&c->old[i]->id, arena)),
                                         STR_ARG(id_text(&c->now[c->heir[i]].id, arena)));
    return join_sorted(texts, used, "", arena);
}

static struct str updates_text(const struct change *c, struct arena *arena)
{
    struct str *texts = ARENA_ARRAY(arena, struct str, c->update_count);
    for (size_t i = 0; i < c->update_count; i++)
        texts[i] = c->updates[i]->key;
    struct str all = join_sorted(texts, c->update_count, " ", arena);
    return all.len ? arena_format(arena, " ; by " STR_FMT, STR_ARG(all)) : all;
}

static struct str plan_text(const struct change *changes, size_t count, struct arena *arena)
{
    struct str *texts = ARENA_ARRAY(arena, struct str, count);
    for (size_t i = 0; i < count; i++) {
        struct str old = old_text(&changes[i], arena);
        texts[i] = arena_format(arena, STR_FMT "%s-> " STR_FMT STR_FMT STR_FMT, STR_ARG(old), old.len ? " " : "",
                                STR_ARG(now_text(&changes[i], arena)), STR_ARG(heirs_text(&changes[i], arena)),
                                STR_ARG(updates_text(&changes[i], arena)));
    }
    return join_sorted(texts, count, " | ", arena);
}

/* --- plans --- */

struct plan_case {
    const char *sentence;
    struct row rows[ROWS_MAX];
    const char *plan;
};

static const struct plan_case plan_cases[] = {
    {"nothing_stored_and_nothing_new_is_no_change", {{0}}, ""},
    {"a_new_source_is_an_insert", {{COMES_IN, "a", "alpha"}}, "-> new[a] ; by a"},
    {"a_new_source_without_identity_stands_alone",
     {{COMES_IN, "a"}, {COMES_IN, "b"}},
     "-> new[a] ; by a | -> new[b] ; by b"},
    {"new_sources_of_one_host_are_one_insert",
     {{COMES_IN, "b", "alpha"}, {COMES_IN, "a", "alpha"}},
     "-> new[a b] ; by a b"},
    {"new_sources_of_two_hosts_are_two_inserts",
     {{COMES_IN, "a", "alpha"}, {COMES_IN, "b", "beta"}},
     "-> new[a] ; by a | -> new[b] ; by b"},
    {"one_tuple_of_several_connects",
     {{COMES_IN, "a", "alpha", 0, "s1"}, {COMES_IN, "b", "beta", 0, "s1"}},
     "-> new[a b] ; by a b"},
    {"sources_connect_through_others",
     {{COMES_IN, "a", "alpha"}, {COMES_IN, "c", "beta", 0, "s1"}, {COMES_IN, "b", "alpha", 0, "s1"}},
     "-> new[a b c] ; by a b c"},
    {"two_links_that_list_one_item_of_a_stream_are_one",
     {{COMES_IN, "a", "alpha", 0, NULL, "l1"}, {COMES_IN, "a", "beta", 0, NULL, "l2"}},
     "-> new[a a] ; by a a"},
    {"one_key_in_two_streams_is_two_things",
     {{COMES_IN, "a", NULL, 0, NULL, "l1", "s/a"}, {COMES_IN, "a", NULL, 0, NULL, "l2", "s/b"}},
     "-> new[a] ; by a | -> new[a] ; by a"},
    {"a_serial_that_looks_like_a_hostname_does_not_connect",
     {{COMES_IN, "a", "alpha"}, {COMES_IN, "b", NULL, 0, "alpha"}},
     "-> new[a] ; by a | -> new[b] ; by b"},
    {"values_that_never_identify_do_not_connect",
     {{COMES_IN, "a", "localhost", 0, "0"}, {COMES_IN, "b", "localhost", 0, "0"}},
     "-> new[a] ; by a | -> new[b] ; by b"},
    {"missing_values_do_not_connect",
     {{COMES_IN, "a", NULL}, {COMES_IN, "b", NULL}, {1, "c", NULL}},
     "-> new[a] ; by a | -> new[b] ; by b"},

    {"a_greater_version_is_a_guarded_replace", {{1, "a", "alpha"}, {COMES_IN, "a", "alpha"}}, "1 -> 1[a] ; by a"},
    {"an_equal_version_changes_nothing", {{1, "a", "alpha"}, {COMES_IN, "a", "beta", 1}}, ""},
    {"a_smaller_version_changes_nothing", {{1, "a", "alpha", 3}, {COMES_IN, "a", "beta", 2}}, ""},
    {"a_stale_update_beside_a_new_one_is_not_carried_out",
     {{1, "a", "alpha", 3}, {COMES_IN, "a", "beta", 2}, {COMES_IN, "b", "alpha", 2}},
     "1 -> 1[a b] ; by b"},
    {"of_two_updates_of_a_source_the_greater_version_stands",
     {{1, "a", "alpha"}, {COMES_IN, "a", "beta", 3}, {COMES_IN, "a", "alpha", 2}, {2, "b", "beta"}},
     "1+2 -> 1[a b] ; 2 to 1 ; by a"},
    {"a_source_joins_what_is_stored", {{1, "a", "alpha"}, {COMES_IN, "b", "alpha"}}, "1 -> 1[a b] ; by b"},
    {"a_source_that_loses_its_identity_stays_alone_where_it_is",
     {{1, "a", "alpha"}, {COMES_IN, "a", NULL}},
     "1 -> 1[a] ; by a"},

    {"two_that_turn_out_to_be_one_go_on_as_the_smaller_id",
     {{2, "a", "alpha"}, {1, "b", "beta"}, {COMES_IN, "a", "beta"}},
     "1+2 -> 1[a b] ; 2 to 1 ; by a"},
    {"a_new_source_may_merge_what_is_stored",
     {{3, "a", "alpha"}, {1, "b", NULL, 0, "s1"}, {2, "c", "beta"}, {COMES_IN, "d", "alpha", 0, "s1"}},
     "1+3 -> 1[a b d] ; 3 to 1 ; by d"},
    {"three_merge_at_once",
     {{3, "a", "alpha"}, {1, "b", "beta", 0, "s1"}, {2, "c", NULL, 0, "s2"},
      {COMES_IN, "a", "beta", 0, "s2"}},
     "1+2+3 -> 1[a b c] ; 2 to 1 ; 3 to 1 ; by a"},
    {"two_stored_that_should_be_one_are_merged_without_an_update",
     {{1, "a", "alpha"}, {2, "b", "alpha"}},
     "1+2 -> 1[a b] ; 2 to 1"},
    {"what_was_one_by_mistake_splits_and_the_smallest_source_keeps_the_id",
     {{1, "a", "alpha"}, {1, "b", "alpha"}, {1, "c", "alpha"}, {COMES_IN, "a", "beta"}},
     "1 -> 1[a] new[b c] ; by a"},
    {"a_source_that_leaves_may_be_new_while_the_rest_keeps_the_id",
     {{1, "a", "alpha"}, {1, "b", "alpha"}, {COMES_IN, "b", "beta"}},
     "1 -> 1[a] new[b] ; by b"},
    {"the_bridge_that_leaves_splits_both_sides",
     {{1, "a", "alpha"}, {1, "b", "alpha", 0, "s1"}, {1, "c", NULL, 0, "s1"}, {COMES_IN, "b", "beta"}},
     "1 -> 1[a] new[b] new[c] ; by b"},
    {"two_that_swap_identity_are_one_change",
     {{1, "a", "alpha"}, {2, "b", "beta"}, {COMES_IN, "a", "beta"}, {COMES_IN, "b", "alpha"}},
     "1+2 -> 1[a] 2[b] ; by a b"},
    {"two_that_swap_one_of_two_sources_keep_their_ids",
     {{1, "a", "alpha"}, {1, "b", "alpha"}, {2, "c", "beta"}, {2, "d", "beta"},
      {COMES_IN, "b", "beta"}, {COMES_IN, "d", "alpha"}},
     "1+2 -> 1[a d] 2[b c] ; by b d"},
    {"a_source_moves_from_one_to_another",
     {{1, "a", "alpha"}, {1, "b", "alpha"}, {2, "c", "beta"}, {COMES_IN, "b", "beta"}},
     "1+2 -> 1[a] 2[b c] ; by b"},
    {"a_source_takes_over_an_identity_that_another_gives_up",
     {{1, "a", "alpha"}, {2, "b", "beta"}, {COMES_IN, "a", "gamma"}, {COMES_IN, "b", "alpha"}},
     "1+2 -> 1[a] 2[b] ; by a b"},
    {"a_new_source_takes_over_an_identity_that_another_gives_up",
     {{1, "a", "alpha"}, {COMES_IN, "a", "beta"}, {COMES_IN, "b", "alpha"}},
     "1 -> 1[a] new[b] ; by a b"},
    {"a_source_that_moves_between_two_that_stay_leaves_others_alone",
     {{1, "a", "alpha"}, {1, "b", "alpha"}, {2, "c", "beta"}, {3, "d", "gamma"}, {COMES_IN, "b", "beta"}},
     "1+2 -> 1[a] 2[b c] ; by b"},

    {"a_source_that_is_gone_stays_as_a_tombstone",
     {{1, "a", "alpha"}, {1, "b", "alpha"}, {COMES_IN, "b", .gone = true}},
     "1 -> 1[a ~b] ; by b"},
    {"when_all_are_gone_the_tombstones_keep_the_id",
     {{1, "a", "alpha"}, {1, "b", "alpha", .gone = true}, {COMES_IN, "a", .gone = true}},
     "1 -> 1[~a ~b] ; by a"},
    {"nothing_can_be_gone_that_was_never_stored", {{COMES_IN, "a", .gone = true}}, ""},
    {"a_tombstone_of_a_smaller_version_changes_nothing",
     {{1, "a", "alpha", 3}, {COMES_IN, "a", .gone = true}},
     ""},
    {"a_tombstone_is_replaced_by_a_greater_one",
     {{1, "a", .gone = true}, {COMES_IN, "a", .gone = true}},
     "1 -> 1[~a] ; by a"},
    {"a_tombstone_comes_back_to_life_under_its_id",
     {{1, "a", .gone = true}, {COMES_IN, "a", "alpha"}},
     "1 -> 1[a] ; by a"},
    {"a_tombstone_does_not_come_back_by_a_smaller_version",
     {{1, "a", .gen = 3, .gone = true}, {COMES_IN, "a", "alpha", 2}},
     ""},
    {"a_tombstone_comes_back_into_another_host_and_leaves_the_others_behind",
     {{1, "a", .gone = true}, {1, "c", .gone = true}, {2, "b", "beta"}, {COMES_IN, "a", "beta"}},
     "1+2 -> 1[a b ~c] ; 2 to 1 ; by a"},
    {"gone_sources_go_with_the_id_when_hosts_merge",
     {{1, "a", "alpha"}, {1, "x", .gone = true}, {2, "b", "beta"}, {2, "y", .gone = true}, {COMES_IN, "b", "alpha"}},
     "1+2 -> 1[a b ~x ~y] ; 2 to 1 ; by b"},
    {"gone_sources_stay_with_the_id_when_a_host_splits",
     {{1, "a", "alpha"}, {1, "b", "alpha"}, {1, "x", .gone = true}, {COMES_IN, "a", "beta"}},
     "1 -> 1[a ~x] new[b] ; by a"},
    {"gone_sources_stay_behind_alone_when_the_last_living_one_moves_to_a_smaller_id",
     {{1, "a", "alpha"}, {2, "b", "beta"}, {2, "x", .gone = true}, {COMES_IN, "b", "alpha"}},
     "1+2 -> 1[a b ~x] ; 2 to 1 ; by b"},
    {"a_gone_source_gives_up_its_identity_to_a_new_one",
     {{1, "a", "alpha"}, {COMES_IN, "a", .gone = true}, {COMES_IN, "b", "alpha"}},
     "1 -> 1[~a] new[b] ; by a b"},
    {"a_gone_source_does_not_connect",
     {{1, "a", "alpha"}, {1, "b", "alpha", 0, "s1"}, {1, "c", NULL, 0, "s1"}, {COMES_IN, "b", .gone = true}},
     "1 -> 1[a ~b] new[c] ; by b"},
    {"two_links_of_one_item_part_when_one_is_gone",
     {{1, "a", "alpha", 0, NULL, "l1"}, {1, "a", "beta", 0, NULL, "l2"}, {COMES_IN, "a", .link = "l2", .gone = true}},
     "1 -> 1[a ~a] ; by a"},

    {"entities_that_no_update_concerns_are_left_alone",
     {{1, "a", "alpha"}, {2, "b", "beta"}, {3, "x", .gone = true}, {COMES_IN, "a", "alpha"}},
     "1 -> 1[a] ; by a"},
    {"two_changes_that_share_nothing_are_two",
     {{1, "a", "alpha"}, {2, "b", "beta"}, {COMES_IN, "a", "alpha"}, {COMES_IN, "b", "beta"}},
     "1 -> 1[a] ; by a | 2 -> 2[b] ; by b"},
    {"one_that_was_crowded_out_and_is_alone_now_gets_its_identity_back",
     {{1, "a", "alpha", .crowded = true}},
     "1 -> 1[a]"},
};

static size_t row_count(const struct plan_case *c)
{
    size_t count = 0;
    while (count < ROWS_MAX && c->rows[count].key)
        count++;
    return count;
}

/* In the order given, and in any other: of the entities, of the sources in them, of the updates. */
static void is_planned(void **state)
{
    const struct plan_case *c = *state;
    struct row rows[ROWS_MAX];
    uint64_t die = 1;
    memcpy(rows, c->rows, sizeof rows);
    for (size_t i = 0; i < SHUFFLES; i++) {
        arena_auto arena = {0};
        struct change *changes = NULL;
        struct scene s = scene_of(rows, row_count(c), &arena);
        size_t count = plan(&s, &arena, &changes);
        struct str text = plan_text(changes, count, &arena);
        assert_text(text.ptr, text.len, c->plan);
        die_shuffle(&die, rows, row_count(c), sizeof *rows);
    }
}

/* --- tuples --- */

struct tuple_case {
    const char *sentence;
    const char *host, *ip, *serial;
    const char *texts; /* of all that identifies it, without stream and key */
};
static const struct tuple_case tuple_cases[] = {
    {"complete_tuples_identify", "alpha", "203.0.113.7", "s1", "hostname_ip/alpha/203.0.113.7 serial/s1"},
    {"a_tuple_with_a_missing_value_is_none", "alpha", NULL, "s1", "serial/s1"},
    {"a_tuple_whose_first_value_is_missing_is_none", NULL, "203.0.113.7", NULL, ""},
    {"a_value_that_never_identifies_spoils_its_tuple", "localhost", "203.0.113.7", "s1", "serial/s1"},
    {"a_class_of_addresses_never_identifies", "alpha", "127.0.0.1", NULL, ""},
    {"each_rule_has_its_own_values_that_never_identify", "alpha", "203.0.113.7", "0", "hostname_ip/alpha/203.0.113.7"},
    {"no_values_are_no_tuples", NULL, NULL, NULL, ""},
};

static struct source identified(const char *host, const char *ip, const char *serial, struct arena *arena)
{
    struct value *fields = ARENA_ARRAY(arena, struct value, HOST_FIELDS);
    fields[HOSTNAME] = text_or_none(host);
    fields[IP] = text_or_none(ip);
    fields[SERIAL] = text_or_none(serial);
    return (struct source){.link = STR("l"), .stream = STR("s/a"), .key = STR("k"), .fields = fields};
}

static void identifies(void **state)
{
    const struct tuple_case *c = *state;
    arena_auto arena = {0};
    struct source s = identified(c->host, c->ip, c->serial, &arena);
    struct str names[MODEL_MAX_RULES + 1];
    struct tuple tuples[MODEL_MAX_RULES];
    size_t count = fold_identity(&hosts_model, &s, &arena, names);
    assert_int_equal(count, fold_tuples(&hosts_model, &s, tuples) + 1);
    struct str all = {0};
    for (size_t i = 0; i + 1 < count; i++)
        all = arena_format(&arena, STR_FMT "%s" STR_FMT, STR_ARG(all), i ? " " : "", STR_ARG(names[i]));
    char *text = arena_text(&arena, all);
    for (size_t i = 0; i < all.len; i++)
        text[i] = text[i] == '\x1f' ? '/' : text[i];
    assert_text(text, all.len, c->texts);
    assert_text(names[count - 1].ptr, names[count - 1].len, "item\x1fs/a\x1fk");
}

static void a_source_without_fields_has_no_tuples(void **state)
{
    (void)state;
    struct source s = {.link = STR("l"), .stream = STR("s/a"), .key = STR("k"), .gone = true};
    struct tuple tuples[MODEL_MAX_RULES];
    assert_int_equal(fold_tuples(&hosts_model, &s, tuples), 0);
}

struct eq_case {
    const char *sentence;
    const char *a[3], *b[3]; /* host, ip, serial */
    bool is_equal;
};
static const struct eq_case eq_cases[] = {
    {"equal_values_are_an_equal_tuple", {"alpha", "203.0.113.7"}, {"alpha", "203.0.113.7"}, true},
    {"the_last_value_counts", {"alpha", "203.0.113.7"}, {"alpha", "203.0.113.8"}, false},
    {"the_first_value_counts", {"alpha", "203.0.113.7"}, {"beta", "203.0.113.7"}, false},
    {"tuples_of_two_rules_differ", {NULL, NULL, "alpha"}, {"alpha", "203.0.113.7"}, false},
};

static void tuples_are_compared(void **state)
{
    const struct eq_case *c = *state;
    arena_auto arena = {0};
    struct source a = identified(c->a[0], c->a[1], c->a[2], &arena);
    struct source b = identified(c->b[0], c->b[1], c->b[2], &arena);
    struct tuple x[MODEL_MAX_RULES];
    struct tuple y[MODEL_MAX_RULES];
    assert_int_equal(fold_tuples(&hosts_model, &a, x), 1);
    assert_int_equal(fold_tuples(&hosts_model, &b, y), 1);
    assert_int_equal(tuple_eq(&x[0], &y[0], &hosts_model), c->is_equal);
    assert_int_equal(tuple_eq(&y[0], &x[0], &hosts_model), c->is_equal);
}

/* --- what a folded entity holds --- */

static void a_folded_entity_holds_merged_fields_and_distinct_tuples(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct row rows[] = {
        {1, "b", "alpha"}, {COMES_IN, "a", "alpha", 0, "s1"}, {COMES_IN, "c", "beta", 0, "s1"}};
    struct change *changes = NULL;
    struct scene s = scene_of(rows, 3, &arena);
    assert_int_equal(plan(&s, &arena, &changes), 1);
    const struct folded *f = &changes[0].now[0];
    assert_int_equal(f->created_at_ms, 1001);
    assert_int_equal(f->tuple_count, 3);
    for (size_t i = 0; i < f->tuple_count; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(tuple_eq(&f->tuples[i], &f->tuples[j], &hosts_model));
    assert_true(str_eq(value_str(f->fields[NOTE]), STR("a")));
    assert_int_equal(f->from[NOTE], 0);
    assert_true(str_eq(value_str(f->fields[SERIAL]), STR("s1")));
    assert_int_equal(changes[0].old[0]->rev.bytes[0], 1);
}

static void a_new_entity_has_neither_id_nor_time(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct row rows[] = {{COMES_IN, "a", "alpha"}};
    static const struct object_id none;
    struct change *changes = NULL;
    struct scene s = scene_of(rows, 1, &arena);
    assert_int_equal(plan(&s, &arena, &changes), 1);
    assert_memory_equal(&changes[0].now[0].id, &none, sizeof none);
    assert_int_equal(changes[0].now[0].created_at_ms, 0);
}

static void where_all_are_gone_there_are_no_fields_and_no_tuples(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct row rows[] = {{1, "a", "alpha"}, {COMES_IN, "a", .gone = true}};
    struct change *changes = NULL;
    struct scene s = scene_of(rows, 2, &arena);
    assert_int_equal(plan(&s, &arena, &changes), 1);
    assert_null(changes[0].now[0].fields);
    assert_int_equal(changes[0].now[0].tuple_count, 0);
    assert_int_equal(changes[0].now[0].created_at_ms, 1001);
}

static void gone_sources_have_no_say_in_the_fields(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct row rows[] = {
        {1, "a", "alpha", 0, "s1"}, {1, "b", "alpha"}, {COMES_IN, "a", .gone = true}};
    struct change *changes = NULL;
    struct scene s = scene_of(rows, 3, &arena);
    assert_int_equal(plan(&s, &arena, &changes), 1);
    assert_int_equal(changes[0].now[0].fields[SERIAL].kind, VALUE_NONE);
    assert_int_equal(changes[0].now[0].from[SERIAL], FROM_NONE);
    assert_true(str_eq(value_str(changes[0].now[0].fields[NOTE]), STR("b")));
    assert_int_equal(changes[0].now[0].tuple_count, 1);
}

/* --- crowds: more sources of one thing than an entity holds --- */

enum { CROWD = ENTITY_MAX_SOURCES + 2, CROWD_ROWS = CROWD + 2 };

/* k00, k01, …: so many sources of alpha, in entity 1 as far as they fit, the others crowded out in 101, 102, … */
static size_t crowd_rows(struct row *rows, size_t count, bool stored, struct arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        struct str key = arena_format(arena, "k%02zu", i);
        bool fits = i < ENTITY_MAX_SOURCES;
        int entity = fits ? 1 : 100 + (int)(i - ENTITY_MAX_SOURCES) + 1;
        rows[i] = (struct row){.in = stored ? entity : COMES_IN,
                               .key = key.ptr,
                               .host = "alpha",
                               .crowded = stored && !fits};
    }
    return count;
}

/* "k00 k01 … k63" without one of them. */
static struct str keys_text(size_t from, size_t to, size_t without, struct arena *arena)
{
    struct str all = {0};
    for (size_t i = from; i < to; i++)
        if (i != without)
            all = arena_format(arena, STR_FMT "%sk%02zu", STR_ARG(all), all.len ? " " : "", i);
    return all;
}

/* In every order of the rows the plan is the same text. */
static void assert_plan(struct row *rows, size_t count, struct str wanted)
{
    uint64_t die = 7;
    for (size_t i = 0; i < SHUFFLES; i++) {
        arena_auto arena = {0};
        struct change *changes = NULL;
        struct scene s = scene_of(rows, count, &arena);
        size_t change_count = plan(&s, &arena, &changes);
        struct str text = plan_text(changes, change_count, &arena);
        assert_text(text.ptr, text.len, wanted.ptr);
        die_shuffle(&die, rows, count, sizeof *rows);
    }
}

static void sixty_four_sources_are_one_entity(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[CROWD_ROWS];
    size_t count = crowd_rows(rows, ENTITY_MAX_SOURCES, false, &arena);
    struct str all = keys_text(0, ENTITY_MAX_SOURCES, SIZE_MAX, &arena);
    assert_plan(rows, count, arena_format(&arena, "-> new[" STR_FMT "] ; by " STR_FMT, STR_ARG(all), STR_ARG(all)));
}

static void of_more_the_smallest_stay_and_the_rest_stand_alone(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[CROWD_ROWS];
    size_t count = crowd_rows(rows, CROWD, false, &arena);
    struct str all = keys_text(0, ENTITY_MAX_SOURCES, SIZE_MAX, &arena);
    assert_plan(rows, count,
                arena_format(&arena, "-> new[" STR_FMT "] ; by " STR_FMT " | -> new[k64]! ; by k64 | -> new[k65]! ; by k65",
                             STR_ARG(all), STR_ARG(all)));
}

static void one_that_is_crowded_out_has_fields_but_no_tuples(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[CROWD_ROWS];
    struct change *changes = NULL;
    struct scene s = scene_of(rows, crowd_rows(rows, CROWD, false, &arena), &arena);
    size_t count = plan(&s, &arena, &changes);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++) {
        const struct folded *f = &changes[i].now[0];
        assert_true(str_eq(value_str(f->fields[HOSTNAME]), STR("alpha")));
        assert_int_equal(f->tuple_count, f->crowded_out ? 0 : 1);
    }
}

static void a_crowd_that_is_stored_is_settled(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[CROWD_ROWS];
    assert_plan(rows, crowd_rows(rows, CROWD, true, &arena), STR(""));
}

static void a_smaller_source_crowds_the_greatest_out(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[CROWD_ROWS];
    size_t count = crowd_rows(rows, CROWD, true, &arena);
    rows[count++] = (struct row){.in = COMES_IN, .key = "a", .host = "alpha"};
    assert_plan(rows, count,
                arena_format(&arena, "1 -> 1[a " STR_FMT "] new[k63]! ; by a",
                             STR_ARG(keys_text(0, ENTITY_MAX_SOURCES - 1, SIZE_MAX, &arena))));
}

static void a_greater_source_is_crowded_out_alone(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[CROWD_ROWS];
    size_t count = crowd_rows(rows, CROWD, true, &arena);
    rows[count++] = (struct row){.in = COMES_IN, .key = "z", .host = "alpha"};
    assert_plan(rows, count, STR("-> new[z]! ; by z"));
}

static void when_one_of_a_full_entity_is_gone_the_next_joins(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[CROWD_ROWS];
    size_t count = crowd_rows(rows, CROWD, true, &arena);
    rows[count++] = (struct row){.in = COMES_IN, .key = "k10", .gone = true};
    assert_plan(rows, count,
                arena_format(&arena, "1+101 -> 1[" STR_FMT " ~k10] ; 101 to 1 ; by k10",
                             STR_ARG(keys_text(0, ENTITY_MAX_SOURCES + 1, 10, &arena))));
}

static void when_one_of_a_full_entity_leaves_the_next_joins(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[CROWD_ROWS];
    size_t count = crowd_rows(rows, CROWD, true, &arena);
    rows[count++] = (struct row){.in = COMES_IN, .key = "k10", .host = "beta"};
    assert_plan(rows, count,
                arena_format(&arena, "1+101 -> 1[" STR_FMT "] 101[k10] ; by k10",
                             STR_ARG(keys_text(0, ENTITY_MAX_SOURCES + 1, 10, &arena))));
}

static void one_that_was_crowded_out_leaves_for_a_host_of_its_own(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[CROWD_ROWS];
    size_t count = crowd_rows(rows, CROWD, true, &arena);
    rows[count++] = (struct row){.in = COMES_IN, .key = "k65", .host = "beta"};
    assert_plan(rows, count, STR("102 -> 102[k65] ; by k65"));
}

static void one_that_is_crowded_out_and_gone_is_a_tombstone_alone(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[CROWD_ROWS];
    size_t count = crowd_rows(rows, CROWD, true, &arena);
    rows[count++] = (struct row){.in = COMES_IN, .key = "k65", .gone = true};
    assert_plan(rows, count, STR("102 -> 102[~k65] ; by k65"));
}

static void a_host_may_be_crowded_when_it_is_full_or_crowded_out(void **state)
{
    (void)state;
    assert_false(fold_may_be_crowded(&(struct entity){.count = ENTITY_MAX_SOURCES - 1}));
    assert_true(fold_may_be_crowded(&(struct entity){.count = ENTITY_MAX_SOURCES}));
    assert_true(fold_may_be_crowded(&(struct entity){.count = 1, .crowded_out = true}));
}

/* --- any history --- */

enum { KEYS = 7, ROUNDS = 12, HISTORIES = 300, KEPT_MAX = KEYS * ROUNDS };

/* What a store would hold after each plan. */
struct kept {
    struct entity entities[KEPT_MAX];
    size_t count;
    uint8_t last_id;
};

static void forget(struct kept *k, const struct entity *old)
{
    for (size_t i = 0; i < k->count; i++)
        if (memcmp(&k->entities[i].id, &old->id, sizeof old->id) == 0) {
            k->entities[i] = k->entities[--k->count];
            return;
        }
    fail_msg("a plan replaces what is not stored");
}

/* Two new entities of a plan get their ids in the order of their smallest sources, whatever order they are in. */
static int folded_cmp(const void *left, const void *right)
{
    const struct folded *a = left;
    const struct folded *b = right;
    return source_cmp(a->sources[0], b->sources[0]);
}

static void keep(struct kept *k, const struct change *changes, size_t count, struct arena *arena)
{
    struct folded *all = ARENA_ARRAY(arena, struct folded, KEPT_MAX);
    size_t used = 0;
    struct entity olds[KEPT_MAX];
    size_t old_count = 0;
    for (size_t c = 0; c < count; c++) {
        for (size_t i = 0; i < changes[c].old_count; i++)
            olds[old_count++] = *changes[c].old[i];
        for (size_t i = 0; i < changes[c].now_count; i++)
            all[used++] = changes[c].now[i];
    }
    for (size_t i = 0; i < old_count; i++)
        forget(k, &olds[i]);
    if (used > 1)
        qsort(all, used, sizeof *all, folded_cmp);
    for (size_t i = 0; i < used; i++) {
        struct entity e = {.id = all[i].id, .count = all[i].count, .crowded_out = all[i].crowded_out};
        if (!e.id.bytes[11])
            e.id.bytes[11] = ++k->last_id;
        e.sources = ARENA_ARRAY(arena, struct source, e.count);
        for (size_t j = 0; j < e.count; j++)
            e.sources[j] = *all[i].sources[j];
        k->entities[k->count++] = e;
    }
}

static struct row random_row(uint64_t *die, int gen)
{
    static const char *const keys[KEYS] = {"a", "b", "c", "d", "e", "f", "g"};
    static const char *const hosts[] = {NULL, "localhost", "alpha", "beta", "gamma"};
    static const char *const serials[] = {NULL, NULL, "0", "s1", "s2"};
    struct row r = {.in = COMES_IN, .key = keys[die_roll(die, KEYS)], .gen = gen};
    r.gone = die_roll(die, 4) == 0;
    r.host = hosts[die_roll(die, 5)];
    r.serial = serials[die_roll(die, 5)];
    return r;
}

static struct str kept_text(const struct kept *k, struct arena *arena)
{
    struct str *texts = ARENA_ARRAY(arena, struct str, k->count);
    for (size_t i = 0; i < k->count; i++) {
        const struct entity *e = &k->entities[i];
        struct str *keys = ARENA_ARRAY(arena, struct str, e->count);
        for (size_t j = 0; j < e->count; j++)
            keys[j] = arena_format(arena, "%s" STR_FMT ".%d", e->sources[j].gone ? "~" : "", STR_ARG(e->sources[j].key),
                                   (int)e->sources[j].version.gen);
        texts[i] = arena_format(arena, STR_FMT "[" STR_FMT "]", STR_ARG(id_text(&e->id, arena)),
                                STR_ARG(join_sorted(keys, e->count, " ", arena)));
    }
    return join_sorted(texts, k->count, " ", arena);
}

static bool are_one(const struct source *a, const struct source *b)
{
    struct tuple x[MODEL_MAX_RULES];
    struct tuple y[MODEL_MAX_RULES];
    size_t x_count = fold_tuples(&hosts_model, a, x);
    size_t y_count = fold_tuples(&hosts_model, b, y);
    for (size_t i = 0; i < x_count; i++)
        for (size_t j = 0; j < y_count; j++)
            if (tuple_eq(&x[i], &y[j], &hosts_model))
                return true;
    return false;
}

/* Living sources that share an identity stand in one entity, and each entity is connected: found by plain repetition. */
static void assert_grouped(const struct kept *k)
{
    for (size_t e = 0; e < k->count; e++) {
        const struct entity *one = &k->entities[e];
        size_t alive = 0;
        bool reached[KEYS] = {false};
        size_t reached_count = 0;
        for (size_t i = 0; i < one->count; i++) {
            for (size_t f = e + 1; f < k->count; f++)
                for (size_t j = 0; j < k->entities[f].count; j++)
                    assert_false(are_one(&one->sources[i], &k->entities[f].sources[j]));
            alive += !one->sources[i].gone;
        }
        for (size_t round = 0; round < one->count; round++)
            for (size_t i = 0; i < one->count; i++) {
                bool joins = !reached_count;
                for (size_t j = 0; j < one->count; j++)
                    joins |= reached[j] && are_one(&one->sources[i], &one->sources[j]);
                if (!one->sources[i].gone && !reached[i] && joins) {
                    reached[i] = true;
                    reached_count++;
                }
            }
        assert_int_equal(reached_count, alive);
    }
}

/* The same updates in the same rounds, everything else in any order. */
static struct str play(uint64_t history, uint64_t shuffle, struct arena *arena)
{
    struct kept k = {0};
    uint64_t die = history;
    for (int round = 1; round <= ROUNDS; round++) {
        struct source updates[KEYS];
        size_t count = 1 + die_roll(&die, 4);
        for (size_t i = 0; i < count; i++) {
            struct row r = random_row(&die, round - (int)die_roll(&die, 2));
            updates[i] = source_of(&r, arena);
            updates[i].version.ordinal = (int32_t)i;
        }
        if (shuffle) {
            die_shuffle(&shuffle, updates, count, sizeof *updates);
            die_shuffle(&shuffle, k.entities, k.count, sizeof *k.entities);
            for (size_t e = 0; e < k.count; e++)
                die_shuffle(&shuffle, k.entities[e].sources, k.entities[e].count, sizeof *k.entities[e].sources);
        }
        struct source *given = ARENA_ARRAY(arena, struct source, count);
        memcpy(given, updates, count * sizeof *given);
        struct change *changes = NULL;
        size_t change_count = fold_plan(&hosts_model, k.entities, k.count, given, count, arena, &changes);
        keep(&k, changes, change_count, arena);
        assert_grouped(&k);
        change_count = fold_plan(&hosts_model, k.entities, k.count, given, count, arena, &changes);
        assert_int_equal(change_count, 0);
    }
    return kept_text(&k, arena);
}

static void no_order_of_entities_and_updates_makes_a_difference(void **state)
{
    (void)state;
    for (uint64_t history = 1; history <= HISTORIES; history++) {
        arena_auto arena = {0};
        struct str straight = play(history * 0x9e3779b97f4a7c15U, 0, &arena);
        for (uint64_t shuffle = 1; shuffle <= 3; shuffle++) {
            struct str other = play(history * 0x9e3779b97f4a7c15U, history * 3 + shuffle, &arena);
            assert_text(other.ptr, other.len, straight.ptr);
        }
    }
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD(&all, identifies, tuple_cases);
    CASES_ADD_ONE(&all, a_source_without_fields_has_no_tuples);
    CASES_ADD(&all, tuples_are_compared, eq_cases);
    CASES_ADD(&all, is_planned, plan_cases);
    CASES_ADD_ONE(&all, a_folded_entity_holds_merged_fields_and_distinct_tuples);
    CASES_ADD_ONE(&all, a_new_entity_has_neither_id_nor_time);
    CASES_ADD_ONE(&all, where_all_are_gone_there_are_no_fields_and_no_tuples);
    CASES_ADD_ONE(&all, gone_sources_have_no_say_in_the_fields);
    CASES_ADD_ONE(&all, sixty_four_sources_are_one_entity);
    CASES_ADD_ONE(&all, of_more_the_smallest_stay_and_the_rest_stand_alone);
    CASES_ADD_ONE(&all, one_that_is_crowded_out_has_fields_but_no_tuples);
    CASES_ADD_ONE(&all, a_crowd_that_is_stored_is_settled);
    CASES_ADD_ONE(&all, a_smaller_source_crowds_the_greatest_out);
    CASES_ADD_ONE(&all, a_greater_source_is_crowded_out_alone);
    CASES_ADD_ONE(&all, when_one_of_a_full_entity_is_gone_the_next_joins);
    CASES_ADD_ONE(&all, when_one_of_a_full_entity_leaves_the_next_joins);
    CASES_ADD_ONE(&all, one_that_was_crowded_out_leaves_for_a_host_of_its_own);
    CASES_ADD_ONE(&all, one_that_is_crowded_out_and_gone_is_a_tombstone_alone);
    CASES_ADD_ONE(&all, a_host_may_be_crowded_when_it_is_full_or_crowded_out);
    CASES_ADD_ONE(&all, no_order_of_entities_and_updates_makes_a_difference);
    return cases_run("fold", &all);
}
