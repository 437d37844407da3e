/* SPDX-License-Identifier: MIT */
#include "serializer/merge.h"

#include <stdlib.h>

/* One source's value of one field, with what decides whether it wins. */
struct claim {
    struct value value;
    const struct source *source;
    int32_t index;
    bool is_never; /* loses to any value that may identify */
    size_t trust;  /* MERGE_FIRST: place of its provider in the list; 0 otherwise */
};

/* <0 when a wins: better value, more trusted, newer by its own clock, smaller key. */
static int claim_cmp(const void *left, const void *right)
{
    const struct claim *a = left;
    const struct claim *b = right;
    if (a->is_never != b->is_never)
        return a->is_never - b->is_never;
    if (a->trust != b->trust)
        return a->trust < b->trust ? -1 : 1;
    if (a->source->has_as_of != b->source->has_as_of)
        return b->source->has_as_of - a->source->has_as_of;
    if (a->source->as_of_ms != b->source->as_of_ms)
        return a->source->as_of_ms > b->source->as_of_ms ? -1 : 1;
    return source_cmp(a->source, b->source);
}

static size_t trust_of(const struct merge *merge, struct str stream)
{
    if (merge->kind != MERGE_FIRST)
        return 0;
    struct str provider = str_cut(&stream, '/');
    size_t place = 0;
    while (place < merge->provider_count && !str_eq(merge->providers[place], provider))
        place++;
    return place;
}

/* The claims of all sources that have a value, best first. */
static size_t collect(const struct field *f, size_t field, struct source *const *sources,
                      size_t count, struct claim *claims)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        struct value value = sources[i]->fields[field];
        if (value.kind == VALUE_NONE)
            continue;
        claims[used++] = (struct claim){.value = value,
                                        .source = sources[i],
                                        .index = (int32_t)i,
                                        .is_never = field_is_never(f, value),
                                        .trust = trust_of(&f->merge, sources[i]->stream)};
    }
    if (used > 1)
        qsort(claims, used, sizeof *claims, claim_cmp);
    return used;
}

/* The smallest or greatest value; of equal ones the better claim. */
static const struct claim *extreme(const struct claim *claims, size_t count, int sign)
{
    const struct claim *best = &claims[0];
    for (size_t i = 1; i < count; i++)
        if (value_cmp(claims[i].value, best->value) * sign > 0)
            best = &claims[i];
    return best;
}

/* An item of a list under union, and the rank of the source that has it. */
struct item {
    struct value value;
    size_t rank;
};

/*
 * Are two items the same thing? By the merge rule's members where it names some, else by the
 * whole value.
 */
static int same_thing_cmp(const struct merge *merge, struct value a, struct value b)
{
    if (!merge->key_count)
        return value_cmp(a, b);
    for (size_t i = 0; i < merge->key_count; i++) {
        int order = value_cmp(a.items[merge->key[i]], b.items[merge->key[i]]);
        if (order)
            return order;
    }
    return 0;
}

static int item_cmp(const void *left, const void *right, void *context)
{
    const struct item *a = left;
    const struct item *b = right;
    int order = same_thing_cmp(context, a->value, b->value);
    if (order)
        return order;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return value_cmp(a->value, b->value);
}

static struct value unite(const struct merge *merge, const struct claim *claims, size_t count,
                          struct arena *arena)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += claims[i].value.count;
    struct item *items = ARENA_ARRAY(arena, struct item, total);
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < claims[i].value.count; j++)
            items[used++] = (struct item){claims[i].value.items[j], i};
    qsort_r(items, total, sizeof *items, item_cmp, (void *)(uintptr_t)merge);

    struct value *list = ARENA_ARRAY(arena, struct value, total);
    used = 0;
    for (size_t i = 0; i < total; i++)
        if (!used || same_thing_cmp(merge, list[used - 1], items[i].value) != 0)
            list[used++] = items[i].value;
    return value_list(list, used);
}

static void merge_field(const struct field *f, const struct claim *claims, size_t count,
                        struct arena *arena, struct value *out_value, int32_t *out_from)
{
    const struct claim *best = &claims[0];
    switch (f->merge.kind) {
    case MERGE_NEWEST:
    case MERGE_FIRST:
        break;
    case MERGE_MIN:
        best = extreme(claims, count, -1);
        break;
    case MERGE_MAX:
        best = extreme(claims, count, 1);
        break;
    case MERGE_UNION:
        *out_value = count == 1 && !f->merge.key_count ? best->value
                                                       : unite(&f->merge, claims, count, arena);
        *out_from = count == 1 ? best->index : FROM_SEVERAL;
        return;
    }
    *out_value = best->value;
    *out_from = best->index;
}

void merge_fields(const struct model *m, struct source *const *sources, size_t count,
                  struct arena *arena, struct value *out_fields, int32_t *out_from)
{
    struct claim *claims = ARENA_ARRAY(arena, struct claim, count);
    for (size_t f = 0; f < m->field_count; f++) {
        out_fields[f] = (struct value){0};
        out_from[f] = FROM_NONE;
        size_t used = collect(&m->fields[f], f, sources, count, claims);
        if (used)
            merge_field(&m->fields[f], claims, used, arena, &out_fields[f], &out_from[f]);
    }
}
