/* SPDX-License-Identifier: MIT */
/*
 * A case is what is stored, what comes in and the plan, each as one text. "1[a@alpha ~c] 2[b]!" is stored: the entity 1 with the source a, whose
 * hostname is alpha, and the gone source c; and 2, which is crowded out. "b@alpha.3" comes in: the source b at gen 3. The plan
 * "1+2 -> 1[a b ~c] new[d] ; 2 to 1 ; by b" replaces 1 and 2 by 1 and a new one, sends the readers of 2 to 1, and carries out the update of b. Changes,
 * and entities in them, stand in the order of their texts.
 */
#include "cases.h"
#include "sources.h"

#include "serializer/fold.h"
#include "serializer/merge.h"

#include <stdlib.h>

enum { ROWS_MAX = 80, SHUFFLES = 100 };

/* Where a row's source stands: the number of its entity, or: */
enum { COMES_IN = 0 };

/* [~]KEY, then what there is of @HOSTNAME #SERIAL ^LINK :STREAM .GEN */
struct row {
    int in;
    bool is_crowded; /* its entity is */
    bool gone;
    struct str key, host, serial, link, stream;
    int64_t gen; /* unless it is said: 1 when stored, 2 when it comes in */
};

static const char part_marks[] = "@#^:.";

static struct str *part_of(struct row *r, char mark, struct str *number)
{
    switch (mark) {
    case '@':
        return &r->host;
    case '#':
        return &r->serial;
    case '^':
        return &r->link;
    case ':':
        return &r->stream;
    default:
        return number;
    }
}

static struct row read_row(struct str text, int in)
{
    struct row r = {
        .in = in, .link = STR("l"), .stream = STR("s/a"), .gen = in == COMES_IN ? 2 : 1};
    struct str number = {0};
    struct str *part = &r.key;
    if (str_has_prefix(text, STR("~"))) {
        r.gone = true;
        (void)str_cut(&text, '~');
    }
    part->ptr = text.ptr;
    for (size_t i = 0; i < text.len; i++)
        if (memchr(part_marks, text.ptr[i], sizeof part_marks - 1)) {
            part = part_of(&r, text.ptr[i], &number);
            *part = (struct str){text.ptr + i + 1, 0};
        } else {
            part->len++;
        }
    assert_true(number.len == 0 || str_to_int(number, &r.gen));
    return r;
}

/* "a@alpha b", the sources of one place. */
static size_t read_rows(struct str text, int in, bool is_crowded, struct row *out)
{
    size_t count = 0;
    while (text.len) {
        out[count] = read_row(str_cut(&text, ' '), in);
        out[count++].is_crowded = is_crowded;
    }
    return count;
}

/* "1[a b] 2[c]!" */
static size_t read_stored(struct str text, struct row *out)
{
    size_t count = 0;
    while (text.len) {
        int64_t in = 0;
        assert_true(str_to_int(str_trim(str_cut(&text, '[')), &in));
        struct str sources = str_cut(&text, ']');
        bool is_crowded = str_has_prefix(text, STR("!"));
        count += read_rows(sources, (int)in, is_crowded, out + count);
        (void)str_cut(&text, ' ');
    }
    return count;
}

static struct value text_or_nothing(struct str text)
{
    return text.len ? value_text(text) : (struct value){0};
}

static struct source source_of(const struct row *r, struct arena *arena)
{
    struct value *fields = ARENA_ARRAY(arena, struct value, HOST_FIELDS);
    fields[HOSTNAME] = text_or_nothing(r->host);
    fields[IP] = text_or_nothing(r->host.len ? STR("203.0.113.7") : r->host);
    fields[SERIAL] = text_or_nothing(r->serial);
    fields[NOTE] = value_text(r->key);
    return (struct source){.link = r->link,
                           .stream = r->stream,
                           .key = r->key,
                           .version = {.gen = r->gen},
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

static struct entity *entity_of(struct scene *s, const struct row *r, size_t rows,
                                struct arena *arena)
{
    for (size_t e = 0; e < s->entity_count; e++)
        if (s->entities[e].id.bytes[11] == r->in)
            return &s->entities[e];
    struct entity *e = &s->entities[s->entity_count++];
    *e = (struct entity){.id = {.bytes = {[11] = (uint8_t)r->in}},
                         .rev = {.bytes = {1}},
                         .created_at_ms = 1000 + r->in,
                         .sources = ARENA_ARRAY(arena, struct source, rows),
                         .crowded_out = r->is_crowded};
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
    return fold_plan(&hosts_model, s->entities, s->entity_count, s->updates, s->update_count,
                     arena, out);
}

/* --- a plan as text --- */

static int text_cmp(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The texts in their order, with what stands between them. */
static struct str join_sorted(struct str *texts, size_t count, const char *between,
                              struct arena *arena)
{
    struct str all = {0};
    if (count > 1)
        qsort(texts, count, sizeof *texts, text_cmp);
    for (size_t i = 0; i < count; i++)
        all = arena_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(all), i ? between : "",
                           STR_ARG(texts[i]));
    return all;
}

static int number_of(const struct object_id *id)
{
    return id->bytes[10] << 8 | id->bytes[11];
}

static struct str id_text(const struct object_id *id, struct arena *arena)
{
    return number_of(id) ? arena_format(arena, "%d", number_of(id)) : STR("new");
}

/* Living sources as they stand; gone ones follow in any order. */
static struct str sources_text(const struct folded *f, struct arena *arena)
{
    struct str all = {0};
    struct str gone[ROWS_MAX];
    size_t gone_count = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (f->sources[i]->gone) {
            gone[gone_count++] = arena_format(arena, "~" STR_FMT, STR_ARG(f->sources[i]->key));
            continue;
        }
        assert_int_equal(gone_count, 0);
        all = arena_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(all), all.len ? " " : "",
                           STR_ARG(f->sources[i]->key));
    }
    struct str tail = join_sorted(gone, gone_count, " ", arena);
    return arena_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(all),
                        all.len && tail.len ? " " : "", STR_ARG(tail));
}

static struct str now_text(const struct change *c, struct arena *arena)
{
    struct str *texts = ARENA_ARRAY(arena, struct str, c->now_count);
    for (size_t i = 0; i < c->now_count; i++)
        texts[i] = arena_format(
            arena, STR_FMT "[" STR_FMT "]%s", STR_ARG(id_text(&c->now[i].id, arena)),
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
            texts[used++] = arena_format(arena, " ; " STR_FMT " to " STR_FMT,
                                         STR_ARG(id_text(&c->old[i]->id, arena)),
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
        texts[i] = arena_format(arena, STR_FMT "%s-> " STR_FMT STR_FMT STR_FMT, STR_ARG(old),
                                old.len ? " " : "", STR_ARG(now_text(&changes[i], arena)),
                                STR_ARG(heirs_text(&changes[i], arena)),
                                STR_ARG(updates_text(&changes[i], arena)));
    }
    return join_sorted(texts, count, " | ", arena);
}

/* --- plans --- */

struct plan_case {
    const char *sentence;
    const char *stored, *comes_in, *plan;
};

static const struct plan_case plan_cases[] = {
    {"nothing_stored_and_nothing_new_is_no_change", "", "", ""},
    {"a_new_source_is_an_insert", "", "a@alpha", "-> new[a] ; by a"},
    {"new_sources_without_identity_stand_alone", "", "a b",
     "-> new[a] ; by a | -> new[b] ; by b"},
    {"new_sources_of_one_host_are_one_insert", "", "b@alpha a@alpha", "-> new[a b] ; by a b"},
    {"new_sources_of_two_hosts_are_two_inserts", "", "a@alpha b@beta",
     "-> new[a] ; by a | -> new[b] ; by b"},
    {"one_tuple_of_several_connects", "", "a@alpha#s1 b@beta#s1", "-> new[a b] ; by a b"},
    {"sources_connect_through_others", "", "a@alpha c@beta#s1 b@alpha#s1",
     "-> new[a b c] ; by a b c"},
    {"two_links_that_list_one_item_of_a_stream_are_one", "", "a@alpha^l1 a@beta^l2",
     "-> new[a a] ; by a a"},
    {"one_key_in_two_streams_is_two_things", "", "a^l1:s/a a^l2:s/b",
     "-> new[a] ; by a | -> new[a] ; by a"},
    {"a_serial_that_looks_like_a_hostname_does_not_connect", "", "a@alpha b#alpha",
     "-> new[a] ; by a | -> new[b] ; by b"},
    {"values_that_never_identify_do_not_connect", "", "a@localhost#0 b@localhost#0",
     "-> new[a] ; by a | -> new[b] ; by b"},
    {"missing_values_do_not_connect_to_what_is_stored", "1[c]", "a", "-> new[a] ; by a"},

    {"a_greater_version_is_a_guarded_replace", "1[a@alpha]", "a@alpha", "1 -> 1[a] ; by a"},
    {"an_equal_version_changes_nothing", "1[a@alpha]", "a@beta.1", ""},
    {"a_smaller_version_changes_nothing", "1[a@alpha.3]", "a@beta.2", ""},
    {"a_stale_update_beside_a_new_one_is_not_carried_out", "1[a@alpha.3]", "a@beta.2 b@alpha.2",
     "1 -> 1[a b] ; by b"},
    {"of_two_updates_of_a_source_the_greater_version_stands", "1[a@alpha] 2[b@beta]",
     "a@beta.3 a@alpha.2", "1+2 -> 1[a b] ; 2 to 1 ; by a"},
    {"of_two_updates_of_a_new_source_the_greater_version_stands", "2[b@beta]",
     "a@beta.3 a@alpha.2", "2 -> 2[a b] ; by a"},
    {"a_source_joins_what_is_stored", "1[a@alpha]", "b@alpha", "1 -> 1[a b] ; by b"},
    {"a_source_that_loses_its_identity_stays_where_it_is", "1[a@alpha]", "a",
     "1 -> 1[a] ; by a"},

    {"two_that_turn_out_to_be_one_go_on_as_the_smaller_id", "2[a@alpha] 1[b@beta]", "a@beta",
     "1+2 -> 1[a b] ; 2 to 1 ; by a"},
    {"a_new_source_may_merge_what_is_stored", "3[a@alpha] 1[b#s1] 2[c@beta]", "d@alpha#s1",
     "1+3 -> 1[a b d] ; 3 to 1 ; by d"},
    {"three_merge_at_once", "3[a@alpha] 1[b@beta#s1] 2[c#s2]", "a@beta#s2",
     "1+2+3 -> 1[a b c] ; 2 to 1 ; 3 to 1 ; by a"},
    {"two_stored_that_should_be_one_are_merged_without_an_update", "1[a@alpha] 2[b@alpha]", "",
     "1+2 -> 1[a b] ; 2 to 1"},
    {"what_was_one_by_mistake_splits_and_the_smallest_source_keeps_the_id",
     "1[a@alpha b@alpha c@alpha]", "a@beta", "1 -> 1[a] new[b c] ; by a"},
    {"a_source_that_leaves_is_new_when_it_is_not_the_smallest", "1[a@alpha b@alpha]", "b@beta",
     "1 -> 1[a] new[b] ; by b"},
    {"a_bridge_that_leaves_parts_both_sides", "1[a@alpha b@alpha#s1 c#s1]", "b@beta",
     "1 -> 1[a] new[b] new[c] ; by b"},
    {"two_that_swap_identity_are_one_change", "1[a@alpha] 2[b@beta]", "a@beta b@alpha",
     "1+2 -> 1[a] 2[b] ; by a b"},
    {"two_that_swap_one_of_two_sources_keep_their_ids", "1[a@alpha b@alpha] 2[c@beta d@beta]",
     "b@beta d@alpha", "1+2 -> 1[a d] 2[b c] ; by b d"},
    {"three_that_change_places_in_a_ring_are_one_change", "1[a@alpha] 2[b@beta] 3[c@gamma]",
     "a@beta b@gamma c@alpha", "1+2+3 -> 1[a] 2[b] 3[c] ; by a b c"},
    {"a_source_moves_from_one_to_another", "1[a@alpha b@alpha] 2[c@beta] 3[d@gamma]", "b@beta",
     "1+2 -> 1[a] 2[b c] ; by b"},
    {"a_stored_source_takes_over_an_identity_that_another_gives_up", "1[a@alpha] 2[b@beta]",
     "a@gamma b@alpha", "1+2 -> 1[a] 2[b] ; by a b"},
    {"a_new_source_takes_over_an_identity_that_another_gives_up", "1[a@alpha]",
     "a@beta b@alpha", "1 -> 1[a] new[b] ; by a b"},
    {"an_id_that_is_taken_is_not_taken_twice", "1[a@alpha b@alpha] 2[c@beta]",
     "a@gamma c@alpha", "1+2 -> 1[a] 2[b c] ; by a c"},
    {"the_smaller_id_goes_to_the_smaller_source_even_when_it_comes_from_elsewhere",
     "2[a@alpha b@alpha] 1[c@beta d@beta]", "a@beta", "1+2 -> 1[a c d] 2[b] ; by a"},
    {"an_entity_that_falls_apart_is_inherited_by_the_smallest",
     "3[x@alpha y@alpha ~z] 1[a@gamma] 2[b@delta]", "x@gamma y@delta",
     "1+2+3 -> 1[a x ~z] 2[b y] ; 3 to 1 ; by x y"},

    {"a_source_that_is_gone_stays_as_a_tombstone", "1[a@alpha b@alpha]", "~b",
     "1 -> 1[a ~b] ; by b"},
    {"when_all_are_gone_the_tombstones_keep_the_id", "1[a@alpha ~b]", "~a",
     "1 -> 1[~a ~b] ; by a"},
    {"nothing_can_be_gone_that_was_never_stored", "", "~a", ""},
    {"a_tombstone_of_a_smaller_version_changes_nothing", "1[a@alpha.3]", "~a", ""},
    {"a_tombstone_is_replaced_by_a_greater_one", "1[~a]", "~a", "1 -> 1[~a] ; by a"},
    {"a_tombstone_comes_back_to_life_under_its_id", "1[~a]", "a@alpha", "1 -> 1[a] ; by a"},
    {"a_tombstone_does_not_come_back_by_a_smaller_version", "1[~a.3]", "a@alpha.2", ""},
    {"a_tombstone_that_comes_back_elsewhere_takes_the_others_along", "1[~a ~c] 2[b@beta]",
     "a@beta", "1+2 -> 1[a b ~c] ; 2 to 1 ; by a"},
    {"gone_sources_go_along_when_hosts_merge", "1[a@alpha ~x] 2[b@beta ~y]", "b@alpha",
     "1+2 -> 1[a b ~x ~y] ; 2 to 1 ; by b"},
    {"gone_sources_stay_with_the_id_when_a_host_splits", "1[a@alpha b@alpha ~x]", "a@beta",
     "1 -> 1[a ~x] new[b] ; by a"},
    {"gone_sources_follow_the_last_living_one_where_it_goes", "1[a@alpha] 2[b@beta ~x]",
     "b@alpha", "1+2 -> 1[a b ~x] ; 2 to 1 ; by b"},
    {"a_gone_source_gives_its_identity_to_a_new_one", "1[a@alpha]", "~a b@alpha",
     "1 -> 1[~a] new[b] ; by a b"},
    {"a_gone_source_gives_its_identity_to_a_stored_one", "1[a@alpha] 2[b@beta]", "~a b@alpha",
     "1+2 -> 1[~a] 2[b] ; by a b"},
    {"a_gone_source_does_not_connect", "1[a@alpha b@alpha#s1 c#s1]", "~b",
     "1 -> 1[a ~b] new[c] ; by b"},
    {"two_links_of_one_item_part_when_one_is_gone", "1[a@alpha^l1 a@beta^l2]", "~a^l2",
     "1 -> 1[a ~a] ; by a"},

    {"entities_that_no_update_concerns_are_left_alone", "1[a@alpha] 2[b@beta] 3[~x]", "a@alpha",
     "1 -> 1[a] ; by a"},
    {"two_changes_that_share_nothing_are_two", "1[a@alpha] 2[b@beta]", "a@alpha b@beta",
     "1 -> 1[a] ; by a | 2 -> 2[b] ; by b"},
    {"one_that_was_crowded_out_and_is_alone_gets_its_identity_back", "1[a@alpha]!", "",
     "1 -> 1[a]"},
};

static size_t rows_of(const struct plan_case *c, struct row *out)
{
    size_t count = read_stored(str_of(c->stored), out);
    return count + read_rows(str_of(c->comes_in), COMES_IN, false, out + count);
}

/* In every order of the rows (of the entities, of the sources in them, of the updates) the plan is the same text. */
static void assert_plan(struct row *rows, size_t count, const char *wanted)
{
    uint64_t die = 7;
    for (size_t i = 0; i < SHUFFLES; i++) {
        arena_auto arena = {0};
        struct change *changes = NULL;
        struct scene s = scene_of(rows, count, &arena);
        size_t change_count = plan(&s, &arena, &changes);
        struct str text = plan_text(changes, change_count, &arena);
        assert_text(text.ptr, text.len, wanted);
        die_shuffle(&die, rows, count, sizeof *rows);
    }
}

static void is_planned(void **state)
{
    const struct plan_case *c = *state;
    struct row rows[ROWS_MAX];
    assert_plan(rows, rows_of(c, rows), c->plan);
}

/* --- tuples --- */

/* --- the same sources by new rules: "comes in" names those that are folded again --- */

static const struct plan_case again_cases[] = {
    {"folded_again_what_is_settled_is_made_once_more", "1[a@alpha] 2[b]", "a",
     "1 -> 1[a] ; by a"},
    {"folded_again_what_is_not_named_is_left_alone", "1[a@alpha] 2[b]", "", ""},
    {"folded_again_what_is_not_stored_any_more_is_nothing", "1[a@alpha]", "x@alpha", ""},
    {"folded_again_what_is_stored_counts_and_not_what_is_given", "1[a@alpha.3] 2[b@beta]",
     "a@beta.4", "1 -> 1[a] ; by a"},
    {"folded_again_what_no_rule_joins_any_more_parts", "1[a@alpha b@beta]", "a b",
     "1 -> 1[a] new[b] ; by a b"},
    {"folded_again_what_a_rule_joins_now_is_merged", "1[a@alpha] 2[b@alpha]", "b",
     "1+2 -> 1[a b] ; 2 to 1 ; by b"},
    {"folded_again_gone_sources_stay", "1[a@alpha ~c]", "a", "1 -> 1[a ~c] ; by a"},
};

static void is_folded_again(void **state)
{
    const struct plan_case *c = *state;
    arena_auto arena = {0};
    struct row rows[ROWS_MAX];
    size_t count = read_stored(str_of(c->stored), rows);
    count += read_rows(str_of(c->comes_in), COMES_IN, false, rows + count);
    struct scene s = scene_of(rows, count, &arena);
    struct change *changes;
    size_t change_count = fold_again(&hosts_model, s.entities, s.entity_count, s.updates,
                                     s.update_count, &arena, &changes);
    struct str text = plan_text(changes, change_count, &arena);
    assert_text(text.ptr, text.len, c->plan);
}

struct tuple_case {
    const char *sentence;
    const char *host, *ip, *serial;
    const char *texts; /* of all that identifies it, without stream and key */
};
static const struct tuple_case tuple_cases[] = {
    {"complete_tuples_identify", "alpha", "203.0.113.7", "s1",
     "hostname_ip/5:alpha/11:203.0.113.7 serial/2:s1"},
    {"a_tuple_with_a_missing_value_is_none", "alpha", NULL, "s1", "serial/2:s1"},
    {"a_tuple_whose_first_value_is_missing_is_none", NULL, "203.0.113.7", NULL, ""},
    {"a_value_that_never_identifies_spoils_its_tuple", "localhost", "203.0.113.7", "s1",
     "serial/2:s1"},
    {"a_class_of_addresses_never_identifies", "alpha", "127.0.0.1", NULL, ""},
    {"each_rule_has_its_own_values_that_never_identify", "alpha", "203.0.113.7", "0",
     "hostname_ip/5:alpha/11:203.0.113.7"},
    {"no_values_are_no_tuples", NULL, NULL, NULL, ""},
};

static struct source identified(const char *host, const char *ip, const char *serial,
                                struct arena *arena)
{
    struct value *fields = ARENA_ARRAY(arena, struct value, HOST_FIELDS);
    fields[HOSTNAME] = text_or_none(host);
    fields[IP] = text_or_none(ip);
    fields[SERIAL] = text_or_none(serial);
    return (struct source){
        .link = STR("l"), .stream = STR("s/a"), .key = STR("k"), .fields = fields};
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
        all = arena_format(&arena, STR_FMT "%s" STR_FMT, STR_ARG(all), i ? " " : "",
                           STR_ARG(names[i]));
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
    {"equal_values_are_an_equal_tuple",
     {"alpha", "203.0.113.7"},
     {"alpha", "203.0.113.7"},
     true},
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

/* Two sources, each with such texts; those that differ in any byte stand alone. */
struct apart_case {
    const char *sentence;
    struct str a[3], b[3]; /* host, ip, serial */
};
static const struct apart_case apart_cases[] = {
    {"texts_that_differ_after_nul_do_not_connect", {[2] = {"x\0a", 3}}, {[2] = {"x\0b", 3}}},
    {"texts_that_run_into_each_other_do_not_connect",
     {{"x\x1fy", 3}, {"z", 1}},
     {{"x", 1}, {"y\x1fz", 3}}},
};

static void stand_apart(void **state)
{
    const struct apart_case *c = *state;
    arena_auto arena = {0};
    struct source *updates = ARENA_ARRAY(&arena, struct source, 2);
    const struct str *texts[] = {c->a, c->b};
    for (size_t i = 0; i < 2; i++) {
        struct value *fields = ARENA_ARRAY(&arena, struct value, HOST_FIELDS);
        fields[HOSTNAME] = text_or_nothing(texts[i][0]);
        fields[IP] = text_or_nothing(texts[i][1]);
        fields[SERIAL] = text_or_nothing(texts[i][2]);
        struct row r = read_row(i ? STR("b") : STR("a"), COMES_IN);
        updates[i] = source_of(&r, &arena);
        updates[i].fields = fields;
    }
    struct change *changes = NULL;
    assert_int_equal(fold_plan(&hosts_model, NULL, 0, updates, 2, &arena, &changes), 2);
}

/* A rule of a number and a flag. */
static const struct field slot_fields[] = {{.name = {"slot", 4}, .type = {.kind = TYPE_INT}},
                                           {.name = {"left", 4}, .type = {.kind = TYPE_BOOL}}};
static const struct rule slot_rules[] = {{.name = {"place", 5}, .fields = {0, 1}, .count = 2}};
static const struct model slots_model = {
    .fields = slot_fields, .field_count = 2, .rules = slot_rules, .rule_count = 1};

struct slot_case {
    const char *sentence;
    int64_t a_slot, b_slot;
    bool a_left, b_left;
    size_t changes;
};
static const struct slot_case slot_cases[] = {
    {"equal_numbers_and_flags_connect", -7, -7, true, true, 1},
    {"another_number_does_not", 7, -7, true, true, 2},
    {"another_flag_does_not", 7, 7, true, false, 2},
    {"a_number_of_32_bits_more_does_not", 7, 7 + (INT64_C(1) << 32), true, true, 2},
};

static void are_placed(void **state)
{
    const struct slot_case *c = *state;
    arena_auto arena = {0};
    const struct value a[] = {value_int(c->a_slot), value_bool(c->a_left)};
    const struct value b[] = {value_int(c->b_slot), value_bool(c->b_left)};
    struct source updates[] = {
        {.link = STR("l"), .stream = STR("s/a"), .key = STR("a"), .fields = a},
        {.link = STR("l"), .stream = STR("s/a"), .key = STR("b"), .fields = b}};
    struct change *changes = NULL;
    assert_int_equal(fold_plan(&slots_model, NULL, 0, updates, 2, &arena, &changes),
                     c->changes);
}

/* --- what a folded entity holds --- */

/* The one change of a plan, whose one entity is looked at. */
static const struct change *only_change(const char *stored, const char *comes_in,
                                        struct arena *arena)
{
    struct plan_case c = {.stored = stored, .comes_in = comes_in};
    struct row rows[ROWS_MAX];
    struct change *changes = NULL;
    struct scene s = scene_of(rows, rows_of(&c, rows), arena);
    assert_int_equal(plan(&s, arena, &changes), 1);
    assert_int_equal(changes[0].now_count, 1);
    return changes;
}

static void a_folded_entity_holds_merged_fields_and_distinct_tuples(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct change *change = only_change("1[b@alpha]", "a@alpha#s1 c@beta#s1", &arena);
    const struct folded *f = &change->now[0];
    assert_int_equal(f->created_at_ms, 1001);
    assert_int_equal(f->tuple_count, 3);
    for (size_t i = 0; i < f->tuple_count; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(tuple_eq(&f->tuples[i], &f->tuples[j], &hosts_model));
    assert_true(str_eq(value_str(f->fields[NOTE]), STR("a")));
    assert_int_equal(f->from[NOTE], 0);
    assert_true(str_eq(value_str(f->fields[SERIAL]), STR("s1")));
    assert_int_equal(change->old[0]->rev.bytes[0], 1);
}

static void the_entity_that_goes_on_keeps_its_own_time_of_making(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct change *change = only_change("2[a@alpha] 1[b@beta]", "a@beta", &arena);
    assert_int_equal(change->now[0].created_at_ms, 1001);
}

static void a_new_entity_has_neither_id_nor_time(void **state)
{
    (void)state;
    arena_auto arena = {0};
    static const struct object_id none;
    const struct change *change = only_change("", "a@alpha", &arena);
    assert_memory_equal(&change->now[0].id, &none, sizeof none);
    assert_int_equal(change->now[0].created_at_ms, 0);
}

static void where_all_are_gone_there_are_no_fields_and_no_tuples(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct change *change = only_change("1[a@alpha]", "~a", &arena);
    assert_null(change->now[0].fields);
    assert_int_equal(change->now[0].tuple_count, 0);
    assert_int_equal(change->now[0].created_at_ms, 1001);
}

static void gone_sources_have_no_say_in_the_fields(void **state)
{
    (void)state;
    arena_auto arena = {0};
    const struct change *change = only_change("1[a@alpha#s1 b@alpha]", "~a", &arena);
    const struct folded *f = &change->now[0];
    assert_int_equal(f->fields[SERIAL].kind, VALUE_NONE);
    assert_int_equal(f->from[SERIAL], FROM_NONE);
    assert_true(str_eq(value_str(f->fields[NOTE]), STR("b")));
    assert_int_equal(f->tuple_count, 1);
}

/* --- crowds: more sources of one thing than an entity holds --- */

enum { CROWD = ENTITY_MAX_SOURCES + 2 };

/* k00, k01, …: so many sources of alpha, in entity 1 as far as they fit, the others crowded out in 101, 102, … */
static size_t crowd_rows(struct row *rows, size_t count, bool is_stored, struct arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        bool fits = i < ENTITY_MAX_SOURCES;
        int entity = fits ? 1 : 101 + (int)i - ENTITY_MAX_SOURCES;
        rows[i] =
            read_row(arena_format(arena, "k%02zu@alpha", i), is_stored ? entity : COMES_IN);
        rows[i].is_crowded = is_stored && !fits;
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

static void sixty_four_sources_are_one_entity(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[ROWS_MAX];
    size_t count = crowd_rows(rows, ENTITY_MAX_SOURCES, false, &arena);
    struct str all = keys_text(0, ENTITY_MAX_SOURCES, SIZE_MAX, &arena);
    struct str wanted =
        arena_format(&arena, "-> new[" STR_FMT "] ; by " STR_FMT, STR_ARG(all), STR_ARG(all));
    assert_plan(rows, count, wanted.ptr);
}

static void of_more_the_smallest_stay_and_the_rest_stand_alone(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[ROWS_MAX];
    size_t count = crowd_rows(rows, CROWD, false, &arena);
    struct str all = keys_text(0, ENTITY_MAX_SOURCES, SIZE_MAX, &arena);
    struct str wanted = arena_format(&arena,
                                     "-> new[" STR_FMT "] ; by " STR_FMT
                                     " | -> new[k64]! ; by k64 | -> new[k65]! ; by k65",
                                     STR_ARG(all), STR_ARG(all));
    assert_plan(rows, count, wanted.ptr);
}

static void one_that_is_crowded_out_has_fields_but_no_tuples(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[ROWS_MAX];
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
    struct row rows[ROWS_MAX];
    assert_plan(rows, crowd_rows(rows, CROWD, true, &arena), "");
}

static void a_smaller_source_crowds_the_greatest_out(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[ROWS_MAX];
    size_t count = crowd_rows(rows, CROWD, true, &arena);
    count += read_rows(STR("a@alpha"), COMES_IN, false, rows + count);
    struct str wanted =
        arena_format(&arena, "1 -> 1[a " STR_FMT "] new[k63]! ; by a",
                     STR_ARG(keys_text(0, ENTITY_MAX_SOURCES - 1, SIZE_MAX, &arena)));
    assert_plan(rows, count, wanted.ptr);
}

static void a_greater_source_is_crowded_out_alone(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[ROWS_MAX];
    size_t count = crowd_rows(rows, CROWD, true, &arena);
    count += read_rows(STR("z@alpha"), COMES_IN, false, rows + count);
    assert_plan(rows, count, "-> new[z]! ; by z");
}

static void when_one_of_a_full_entity_is_gone_the_next_joins(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[ROWS_MAX];
    size_t count = crowd_rows(rows, CROWD, true, &arena);
    count += read_rows(STR("~k10"), COMES_IN, false, rows + count);
    struct str wanted = arena_format(&arena, "1+101 -> 1[" STR_FMT " ~k10] ; 101 to 1 ; by k10",
                                     STR_ARG(keys_text(0, ENTITY_MAX_SOURCES + 1, 10, &arena)));
    assert_plan(rows, count, wanted.ptr);
}

static void when_one_of_a_full_entity_leaves_the_next_joins(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[ROWS_MAX];
    size_t count = crowd_rows(rows, CROWD, true, &arena);
    count += read_rows(STR("k10@beta"), COMES_IN, false, rows + count);
    struct str wanted =
        arena_format(&arena, "1+101 -> 1[" STR_FMT "] new[k10] ; 101 to 1 ; by k10",
                     STR_ARG(keys_text(0, ENTITY_MAX_SOURCES + 1, 10, &arena)));
    assert_plan(rows, count, wanted.ptr);
}

static void one_that_was_crowded_out_leaves_for_a_host_of_its_own(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[ROWS_MAX];
    size_t count = crowd_rows(rows, CROWD, true, &arena);
    count += read_rows(STR("k65@beta"), COMES_IN, false, rows + count);
    assert_plan(rows, count, "102 -> 102[k65] ; by k65");
}

static void one_that_is_crowded_out_and_gone_is_a_tombstone_alone(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct row rows[ROWS_MAX];
    size_t count = crowd_rows(rows, CROWD, true, &arena);
    count += read_rows(STR("~k65"), COMES_IN, false, rows + count);
    assert_plan(rows, count, "102 -> 102[~k65] ; by k65");
}

static void a_host_may_be_crowded_when_it_is_full_or_crowded_out(void **state)
{
    (void)state;
    struct source sources[ENTITY_MAX_SOURCES + 1] = {0};
    struct entity e = {.sources = sources, .count = ENTITY_MAX_SOURCES - 1};
    assert_false(fold_may_be_crowded(&e));
    e.count = ENTITY_MAX_SOURCES;
    assert_true(fold_may_be_crowded(&e));
    sources[0].gone = true; /* takes no living one's place */
    assert_false(fold_may_be_crowded(&e));
    e = (struct entity){.sources = sources, .count = 1, .crowded_out = true};
    assert_true(fold_may_be_crowded(&e));
}

/* --- any history --- */

enum { KEYS = 7, ROUNDS = 12, HISTORIES = 300 };

/* What a store would hold after each plan. */
struct kept {
    struct entity *entities;
    size_t count, room;
    int64_t last_id;
};

static void forget(struct kept *k, const struct object_id *id)
{
    for (size_t i = 0; i < k->count; i++)
        if (memcmp(&k->entities[i].id, id, sizeof *id) == 0) {
            k->entities[i] = k->entities[--k->count];
            return;
        }
    fail_msg("a plan replaces what is not stored");
}

static void keep_one(struct kept *k, const struct folded *f, struct arena *arena)
{
    struct entity e = {.id = f->id, .count = f->count, .crowded_out = f->crowded_out};
    if (!number_of(&e.id)) {
        k->last_id++;
        e.id = (struct object_id){
            .bytes = {[10] = (uint8_t)(k->last_id >> 8), [11] = (uint8_t)k->last_id}};
    }
    e.sources = ARENA_ARRAY(arena, struct source, e.count);
    for (size_t i = 0; i < e.count; i++)
        e.sources[i] = *f->sources[i];
    *ARENA_PUSH(arena, k->entities, k->count, k->room) = e;
}

/* New entities of a plan get their ids in the order of their smallest sources, whatever order they are in. */
static int folded_cmp(const void *left, const void *right)
{
    const struct folded *a = left;
    const struct folded *b = right;
    return source_cmp(a->sources[0], b->sources[0]);
}

static void keep(struct kept *k, const struct change *changes, size_t count,
                 struct arena *arena)
{
    struct object_id *olds = NULL;
    struct folded *nows = NULL;
    size_t old_count = 0;
    size_t old_room = 0;
    size_t now_count = 0;
    size_t now_room = 0;
    for (size_t c = 0; c < count; c++) {
        for (size_t i = 0; i < changes[c].old_count; i++)
            *ARENA_PUSH(arena, olds, old_count, old_room) = changes[c].old[i]->id;
        for (size_t i = 0; i < changes[c].now_count; i++)
            *ARENA_PUSH(arena, nows, now_count, now_room) = changes[c].now[i];
    }
    for (size_t i = 0; i < old_count; i++)
        forget(k, &olds[i]);
    if (now_count > 1)
        qsort(nows, now_count, sizeof *nows, folded_cmp);
    for (size_t i = 0; i < now_count; i++)
        keep_one(k, &nows[i], arena);
}

static bool is_kept(const struct kept *k, struct str key)
{
    for (size_t e = 0; e < k->count; e++)
        for (size_t i = 0; i < k->entities[e].count; i++)
            if (str_eq(k->entities[e].sources[i].key, key))
                return true;
    return false;
}

/* Plan, keep, and plan once more: then nothing is left to do. */
static void take_in(struct kept *k, struct source *updates, size_t count, struct arena *arena)
{
    struct change *changes = NULL;
    size_t change_count =
        fold_plan(&hosts_model, k->entities, k->count, updates, count, arena, &changes);
    keep(k, changes, change_count, arena);
    assert_int_equal(
        fold_plan(&hosts_model, k->entities, k->count, updates, count, arena, &changes), 0);
}

/* Only what is stored is ever told to be gone. */
static struct row random_row(uint64_t *die, int64_t gen, const struct kept *k)
{
    static const char *const keys[KEYS] = {"a", "b", "c", "d", "e", "f", "g"};
    static const char *const hosts[] = {"", "localhost", "alpha", "beta", "gamma"};
    static const char *const serials[] = {"", "", "0", "s1", "s2"};
    struct row r = read_row(str_of(keys[die_roll(die, KEYS)]), COMES_IN);
    r.gen = gen;
    r.gone = die_roll(die, 4) == 0 && is_kept(k, r.key);
    r.host = str_of(hosts[die_roll(die, 5)]);
    r.serial = str_of(serials[die_roll(die, 5)]);
    return r;
}

static struct str kept_text(const struct kept *k, struct arena *arena)
{
    struct str *texts = ARENA_ARRAY(arena, struct str, k->count);
    for (size_t i = 0; i < k->count; i++) {
        const struct entity *e = &k->entities[i];
        struct str *keys = ARENA_ARRAY(arena, struct str, e->count);
        for (size_t j = 0; j < e->count; j++)
            keys[j] = arena_format(arena, "%s" STR_FMT ".%d", e->sources[j].gone ? "~" : "",
                                   STR_ARG(e->sources[j].key), (int)e->sources[j].version.gen);
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

/* Do living sources that share an identity all stand in this one entity? */
static void assert_apart(const struct kept *k, size_t entity)
{
    const struct entity *one = &k->entities[entity];
    for (size_t f = entity + 1; f < k->count; f++)
        for (size_t i = 0; i < one->count; i++)
            for (size_t j = 0; j < k->entities[f].count; j++)
                assert_false(are_one(&one->sources[i], &k->entities[f].sources[j]));
}

/* Are all its living sources connected? Found by plain repetition. */
static void assert_connected(const struct entity *e)
{
    bool is_reached[KEYS] = {false};
    size_t reached = 0;
    size_t alive = 0;
    for (size_t i = 0; i < e->count; i++)
        alive += !e->sources[i].gone;
    for (size_t round = 0; round < e->count; round++)
        for (size_t i = 0; i < e->count; i++) {
            bool joins = reached == 0;
            for (size_t j = 0; j < e->count; j++)
                joins |= is_reached[j] && are_one(&e->sources[i], &e->sources[j]);
            if (e->sources[i].gone || is_reached[i] || !joins)
                continue;
            is_reached[i] = true;
            reached++;
        }
    assert_int_equal(reached, alive);
}

/* The same updates in the same rounds, everything else in any order. */
static struct str play(uint64_t history, uint64_t shuffle, struct arena *arena)
{
    struct kept k = {0};
    uint64_t die = history;
    for (int64_t round = 1; round <= ROUNDS; round++) {
        size_t count = 1 + die_roll(&die, 4);
        struct source *updates = ARENA_ARRAY(arena, struct source, count);
        for (size_t i = 0; i < count; i++) {
            struct row r = random_row(&die, round - (int64_t)die_roll(&die, 2), &k);
            updates[i] = source_of(&r, arena);
            updates[i].version.ordinal = (int32_t)i;
        }
        if (shuffle) {
            die_shuffle(&shuffle, updates, count, sizeof *updates);
            die_shuffle(&shuffle, k.entities, k.count, sizeof *k.entities);
            for (size_t e = 0; e < k.count; e++)
                die_shuffle(&shuffle, k.entities[e].sources, k.entities[e].count,
                            sizeof *k.entities[e].sources);
        }
        take_in(&k, updates, count, arena);
        for (size_t e = 0; e < k.count; e++) {
            assert_apart(&k, e);
            assert_connected(&k.entities[e]);
        }
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
            struct str other =
                play(history * 0x9e3779b97f4a7c15U, history * 3 + shuffle, &arena);
            assert_text(other.ptr, other.len, straight.ptr);
        }
    }
}

static bool is_of(const struct source *s, struct str host)
{
    return !s->gone && str_eq(value_str(s->fields[HOSTNAME]), host);
}

/* What should stand of a crowd: the smallest living ones of the host together, each of the others alone and crowded out. */
static void assert_crowd(const struct kept *k, struct str host, struct arena *arena)
{
    struct str *keys = ARENA_ARRAY(arena, struct str, k->count * ENTITY_MAX_SOURCES);
    size_t alive = 0;
    for (size_t e = 0; e < k->count; e++)
        for (size_t i = 0; i < k->entities[e].count; i++)
            if (is_of(&k->entities[e].sources[i], host))
                keys[alive++] = k->entities[e].sources[i].key;
    (void)join_sorted(keys, alive, " ", arena);
    for (size_t e = 0; e < k->count; e++)
        for (size_t i = 0; i < k->entities[e].count; i++) {
            const struct source *s = &k->entities[e].sources[i];
            if (!is_of(s, host))
                continue;
            bool fits =
                alive <= ENTITY_MAX_SOURCES || str_cmp(s->key, keys[ENTITY_MAX_SOURCES]) < 0;
            assert_int_equal(k->entities[e].crowded_out, !fits);
            assert_true(fits ? str_eq(s->key, keys[i]) : i == 0);
        }
}

enum { CROWD_KEYS = ENTITY_MAX_SOURCES + 30, CROWD_ROUNDS = 60, CROWD_UPDATES = 25 };

static void a_crowd_that_comes_and_goes_is_the_smallest_and_the_others(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct kept k = {0};
    uint64_t die = 11;
    for (int64_t round = 1; round <= CROWD_ROUNDS; round++) {
        struct source *updates = ARENA_ARRAY(&arena, struct source, CROWD_UPDATES);
        for (size_t i = 0; i < CROWD_UPDATES; i++) {
            struct row r = read_row(
                arena_format(&arena, "k%02zu", (size_t)die_roll(&die, CROWD_KEYS)), COMES_IN);
            r.host = die_roll(&die, 8) ? STR("alpha") : STR("beta");
            r.gone = die_roll(&die, 6) == 0 && is_kept(&k, r.key);
            r.gen = round;
            updates[i] = source_of(&r, &arena);
            updates[i].version.ordinal = (int32_t)i;
        }
        take_in(&k, updates, CROWD_UPDATES, &arena);
        assert_crowd(&k, STR("alpha"), &arena);
        assert_crowd(&k, STR("beta"), &arena);
        die_shuffle(&die, k.entities, k.count, sizeof *k.entities);
    }
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD(&all, identifies, tuple_cases);
    CASES_ADD_ONE(&all, a_source_without_fields_has_no_tuples);
    CASES_ADD(&all, tuples_are_compared, eq_cases);
    CASES_ADD(&all, stand_apart, apart_cases);
    CASES_ADD(&all, are_placed, slot_cases);
    CASES_ADD(&all, is_planned, plan_cases);
    CASES_ADD(&all, is_folded_again, again_cases);
    CASES_ADD_ONE(&all, a_folded_entity_holds_merged_fields_and_distinct_tuples);
    CASES_ADD_ONE(&all, the_entity_that_goes_on_keeps_its_own_time_of_making);
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
    CASES_ADD_ONE(&all, a_crowd_that_comes_and_goes_is_the_smallest_and_the_others);
    return cases_run("fold", &all);
}
