/* SPDX-License-Identifier: MIT */
#include "muster/account.h"

#include "serializer/merge.h"

#include <stdlib.h>

/* The living sources, and where each stands in the entity. */
struct living {
    struct source **sources;
    size_t *places;
    size_t count;
};

static struct living find_living(const struct document *s, struct arena *arena)
{
    struct living l = {ARENA_ARRAY(arena, struct source *, s->entity.count),
                       ARENA_ARRAY(arena, size_t, s->entity.count), 0};
    for (size_t i = 0; i < s->entity.count; i++) {
        if (s->entity.sources[i].gone || !s->entity.sources[i].fields)
            continue;
        l.places[l.count] = i;
        l.sources[l.count++] = &s->entity.sources[i];
    }
    return l;
}

/* --- fields --- */

/* Has the list of `whole` something of what `part` says? */
static bool shares_items(struct value whole, struct value part)
{
    if (whole.kind != VALUE_LIST || part.kind != VALUE_LIST)
        return false;
    for (uint32_t i = 0; i < part.count; i++)
        for (uint32_t k = 0; k < whole.count; k++)
            if (value_cmp(part.items[i], whole.items[k]) == 0)
                return true;
    return false;
}

static bool has_won(int32_t from, size_t index, struct value merged, struct value said)
{
    if (from == FROM_SEVERAL)
        return shares_items(merged, said);
    return from == (int32_t)index || value_cmp(merged, said) == 0;
}

static struct field_account account_field(size_t field, struct value merged, int32_t from,
                                          const struct living *l, struct arena *arena)
{
    struct field_account a = {.field = field, .value = merged};
    a.winners = ARENA_ARRAY(arena, size_t, l->count);
    a.others = ARENA_ARRAY(arena, size_t, l->count);
    for (size_t i = 0; i < l->count; i++) {
        struct value said = l->sources[i]->fields[field];
        if (said.kind == VALUE_NONE)
            continue;
        if (has_won(from, i, merged, said))
            a.winners[a.winner_count++] = l->places[i];
        else
            a.others[a.other_count++] = l->places[i];
    }
    return a;
}

static void account_fields(const struct model *m, const struct document *s,
                           const struct living *l, struct arena *arena, struct account *out)
{
    struct value *merged = ARENA_ARRAY(arena, struct value, m->field_count);
    int32_t *from = ARENA_ARRAY(arena, int32_t, m->field_count);
    merge_fields(m, l->sources, l->count, arena, merged, from);
    out->fields = ARENA_ARRAY(arena, struct field_account, m->field_count);
    for (size_t i = 0; i < m->field_count; i++)
        if (s->fields[i].kind != VALUE_NONE)
            out->fields[out->field_count++] = account_field(i, s->fields[i], from[i], l, arena);
}

/* --- ties --- */

static bool tie_is(const struct tie *tie, const struct tuple *tuple, const struct model *m)
{
    return tie->rule == &m->rules[tuple->rule] && tuple_eq(&tie->tuple, tuple, m);
}

static struct tie *new_tie(struct account *a, const struct rule *rule, size_t sources,
                           struct arena *arena)
{
    struct tie *tie = ARENA_PUSH(arena, a->ties, a->tie_count, a->tie_room);
    tie->rule = rule;
    tie->sources = ARENA_ARRAY(arena, size_t, sources);
    return tie;
}

static void add_tuple(const struct model *m, const struct tuple *tuple, size_t place,
                      size_t sources, struct arena *arena, struct account *a)
{
    size_t i = 0;
    while (i < a->tie_count && !tie_is(&a->ties[i], tuple, m))
        i++;
    struct tie *tie =
        i < a->tie_count ? &a->ties[i] : new_tie(a, &m->rules[tuple->rule], sources, arena);
    tie->tuple = *tuple;
    tie->sources[tie->count++] = place;
}

/* Sources are in the order of stream and key, so that those with the same ones stand side by side. */
static void tie_stream_and_key(const struct living *l, struct arena *arena, struct account *a)
{
    for (size_t i = 0; i + 1 < l->count; i++) {
        struct tie *tie = NULL;
        for (size_t k = i + 1; k < l->count; k++) {
            if (!str_eq(l->sources[i]->stream, l->sources[k]->stream) ||
                !str_eq(l->sources[i]->key, l->sources[k]->key))
                break;
            if (!tie) {
                tie = new_tie(a, NULL, l->count, arena);
                tie->sources[tie->count++] = l->places[i];
            }
            tie->sources[tie->count++] = l->places[k];
        }
        i += tie ? tie->count - 1 : 0;
    }
}

static void find_gaps(const struct model *m, const struct source *s, size_t place,
                      const bool *has_rule, struct arena *arena, struct account *a)
{
    for (size_t r = 0; r < m->rule_count; r++) {
        const struct rule *rule = &m->rules[r];
        for (size_t i = 0; i < rule->count && !has_rule[r]; i++) {
            const struct field *field = &m->fields[rule->fields[i]];
            struct value value = s->fields[rule->fields[i]];
            if (value.kind != VALUE_NONE && !field_is_never(field, value))
                continue;
            *ARENA_PUSH(arena, a->gaps, a->gap_count, a->gap_room) =
                (struct gap){place, rule, field, value};
            break;
        }
    }
}

static int by_count(const void *a, const void *b)
{
    const struct tie *x = a, *y = b;
    return (x->count < y->count) - (x->count > y->count);
}

struct account account_make(const struct model *m, const struct document *s,
                            struct arena *arena)
{
    struct account a = {0};
    struct living l = find_living(s, arena);
    account_fields(m, s, &l, arena, &a);
    tie_stream_and_key(&l, arena, &a);
    for (size_t i = 0; i < l.count; i++) {
        struct tuple tuples[MODEL_MAX_RULES];
        bool has_rule[MODEL_MAX_RULES] = {0};
        size_t count = fold_tuples(m, l.sources[i], tuples);
        for (size_t k = 0; k < count; k++) {
            has_rule[tuples[k].rule] = true;
            add_tuple(m, &tuples[k], l.places[i], l.count, arena, &a);
        }
        find_gaps(m, l.sources[i], l.places[i], has_rule, arena, &a);
    }
    if (a.tie_count)
        qsort(a.ties, a.tie_count, sizeof *a.ties, by_count);
    return a;
}
