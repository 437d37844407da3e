/* SPDX-License-Identifier: MIT */
#include "muster/diff.h"

#include <stdlib.h>
#include <string.h>

/* An entity of either side; those of the first come first. */
struct node {
    struct object_id id;
    struct digest_part part;
    struct str name; /* empty for one of the second that equals one of the first */
    uint32_t parent; /* of the union-find */
};

/* Open addressing; node counts from 1, and 0 is a free place. */
struct place {
    uint64_t source;
    uint32_t node;
};

enum { PIECE = 4096 };

struct piece {
    struct node *nodes; /* PIECE of them */
};

struct diff {
    const struct model *model;
    struct arena *arena;
    struct arena scratch; /* of one entity */
    struct piece
        *pieces; /* an array of all nodes would leave its smaller selves in the arena */
    size_t piece_count, piece_room;
    size_t count;
    size_t was_count;
    struct place *places; /* the first's sources */
    size_t place_count, place_room;
};

const char *diff_kind_name(enum diff_kind kind)
{
    static const char *const names[DIFF_KINDS] = {
        [DIFF_CREATED] = "created", [DIFF_GONE] = "gone",           [DIFF_MERGED] = "merged",
        [DIFF_SPLIT] = "split",     [DIFF_REGROUPED] = "regrouped", [DIFF_CHANGED] = "changed"};
    return names[kind];
}

struct diff *diff_new(const struct model *m, struct arena *arena)
{
    struct diff *d = ARENA_NEW(arena, struct diff);
    *d = (struct diff){.model = m, .arena = arena};
    return d;
}

/* --- the first's sources --- */

static uint64_t source_number(const struct source *s, struct arena *arena)
{
    const struct str parts[] = {s->stream, STR("\x1f"), s->key};
    return key_hash(arena_join(arena, parts, sizeof parts / sizeof *parts));
}

static struct place *find_place(const struct diff *d, uint64_t source)
{
    size_t mask = d->place_room - 1;
    size_t at = (size_t)(source ^ source >> 32) & mask;
    while (d->places[at].node && d->places[at].source != source)
        at = (at + 1) & mask;
    return &d->places[at];
}

static void make_room(struct diff *d)
{
    const struct place *old = d->places;
    size_t old_room = d->place_room;
    if (d->place_count * 3 < old_room * 2)
        return;
    d->place_room = old_room ? old_room * 2 : 1024;
    d->places = ARENA_ARRAY(d->arena, struct place, d->place_room);
    for (size_t i = 0; i < old_room; i++)
        if (old[i].node)
            *find_place(d, old[i].source) = old[i];
}

/* --- nodes --- */

static struct node *node_at(const struct diff *d, size_t i)
{
    return &d->pieces[i / PIECE].nodes[i % PIECE];
}

static uint32_t find_root(const struct diff *d, uint32_t i)
{
    while (node_at(d, i)->parent != i)
        i = node_at(d, i)->parent = node_at(d, node_at(d, i)->parent)->parent;
    return i;
}

static void join(const struct diff *d, uint32_t a, uint32_t b)
{
    uint32_t x = find_root(d, a), y = find_root(d, b);
    if (x < y)
        node_at(d, y)->parent = x;
    else
        node_at(d, x)->parent = y;
}

/* The smallest living source. */
static struct str name_of(const struct document *e, struct arena *arena)
{
    const struct source *least = NULL;
    for (size_t i = 0; i < e->entity.count; i++) {
        const struct source *s = &e->entity.sources[i];
        if (!s->gone && (!least || source_cmp(s, least) < 0))
            least = s;
    }
    return least ? arena_format(arena, STR_FMT " " STR_FMT, STR_ARG(least->stream),
                                STR_ARG(least->key))
                 : (struct str){0};
}

/* NULL when the entity has no part in the digest, and so none in a difference. */
static struct node *add_node(struct diff *d, const struct document *e)
{
    struct digest_part part;
    arena_reset(&d->scratch);
    if (!digest_entity(d->model, e, &d->scratch, &part))
        return NULL;
    if (d->count % PIECE == 0)
        ARENA_PUSH(d->arena, d->pieces, d->piece_count, d->piece_room)->nodes =
            ARENA_ARRAY(d->arena, struct node, PIECE);
    struct node *n = node_at(d, d->count);
    *n = (struct node){.id = e->entity.id, .part = part, .parent = (uint32_t)d->count++};
    return n;
}

void diff_was(struct diff *d, const struct document *entity)
{
    struct node *n = add_node(d, entity);
    if (!n)
        return;
    n->name = name_of(entity, d->arena);
    d->was_count = d->count;
    for (size_t i = 0; i < entity->entity.count; i++) {
        const struct source *s = &entity->entity.sources[i];
        if (s->gone)
            continue;
        make_room(d);
        uint64_t number = source_number(s, &d->scratch);
        struct place *place = find_place(d, number);
        d->place_count += place->node == 0;
        *place = (struct place){number, (uint32_t)d->count};
    }
}

void diff_is(struct diff *d, const struct document *entity)
{
    const struct node *added = add_node(d, entity);
    bool is_equal = false;
    if (!added)
        return;
    uint32_t self = (uint32_t)d->count - 1;
    for (size_t i = 0; i < entity->entity.count; i++) {
        const struct source *s = &entity->entity.sources[i];
        if (s->gone || !d->place_room)
            continue;
        uint32_t before = find_place(d, source_number(s, &d->scratch))->node;
        if (!before)
            continue;
        join(d, before - 1, self);
        is_equal |= memcmp(&node_at(d, before - 1)->part, &node_at(d, self)->part,
                           sizeof(struct digest_part)) == 0;
    }
    if (!is_equal)
        node_at(d, self)->name = name_of(entity, d->arena);
}

/* --- groups --- */

struct seat {
    uint32_t root, node;
};

static int seat_cmp(const void *left, const void *right, void *context)
{
    const struct diff *d = context;
    const struct seat *a = left, *b = right;
    if (a->root != b->root)
        return a->root < b->root ? -1 : 1;
    return str_cmp(node_at(d, a->node)->name, node_at(d, b->node)->name);
}

static enum diff_kind kind_of(size_t was, size_t is)
{
    if (was == 0)
        return DIFF_CREATED;
    if (is == 0)
        return DIFF_GONE;
    if (was > 1)
        return is > 1 ? DIFF_REGROUPED : DIFF_MERGED;
    return is > 1 ? DIFF_SPLIT : DIFF_CHANGED;
}

static bool is_equal(const struct diff *d, const struct seat *seats, size_t count)
{
    return count == 2 &&
           memcmp(&node_at(d, seats[0].node)->part, &node_at(d, seats[1].node)->part,
                  sizeof(struct digest_part)) == 0;
}

static struct diff_group make_group(const struct diff *d, const struct seat *seats,
                                    size_t count)
{
    struct object_id *was = ARENA_ARRAY(d->arena, struct object_id, count);
    struct object_id *is = ARENA_ARRAY(d->arena, struct object_id, count);
    struct diff_group g = {.was = was, .is = is};
    for (size_t i = 0; i < count; i++) {
        const struct node *n = node_at(d, seats[i].node);
        if (n->name.len && (!g.name.len || str_cmp(n->name, g.name) < 0))
            g.name = n->name;
        if (seats[i].node < d->was_count)
            was[g.was_count++] = n->id;
        else
            is[g.is_count++] = n->id;
    }
    g.kind = kind_of(g.was_count, g.is_count);
    return g;
}

static int group_cmp(const void *left, const void *right)
{
    return str_cmp(((const struct diff_group *)left)->name,
                   ((const struct diff_group *)right)->name);
}

size_t diff_groups(struct diff *d, struct diff_group **out, struct diff_counts *out_counts)
{
    struct seat *seats = ARENA_ARRAY(d->arena, struct seat, d->count);
    struct diff_group *groups = NULL;
    size_t count = 0, room = 0;
    *out_counts = (struct diff_counts){.was = d->was_count, .is = d->count - d->was_count};
    for (uint32_t i = 0; i < d->count; i++)
        seats[i] = (struct seat){find_root(d, i), i};
    if (d->count)
        qsort_r(seats, d->count, sizeof *seats, seat_cmp, d);
    for (size_t i = 0, end; i < d->count; i = end) {
        for (end = i + 1; end < d->count && seats[end].root == seats[i].root;)
            end++;
        if (is_equal(d, &seats[i], end - i)) {
            out_counts->equal++;
            continue;
        }
        struct diff_group *g = ARENA_PUSH(d->arena, groups, count, room);
        *g = make_group(d, &seats[i], end - i);
        out_counts->groups[g->kind]++;
    }
    if (count)
        qsort(groups, count, sizeof *groups, group_cmp);
    arena_done(&d->scratch);
    *out = groups;
    return count;
}

/* --- fields --- */

/* As it counts in the digest: without what is volatile in it. */
static bool is_same_value(const struct model *m, size_t field, struct value a, struct value b,
                          struct arena *arena)
{
    struct value *fields = ARENA_ARRAY(arena, struct value, m->field_count);
    struct source x = {.fields = fields}, y = {.fields = fields};
    fields[field] = a;
    source_hash(m, &x);
    fields[field] = b;
    source_hash(m, &y);
    return memcmp(x.hash, y.hash, HASH_BYTES) == 0;
}

static struct value value_of(const struct source *s, size_t field)
{
    return s && s->fields && !s->gone ? s->fields[field] : (struct value){0};
}

/* The living source of this stream, key and link, or else of the stream and key. */
static const struct source *find_source(const struct document *e, const struct source *like)
{
    const struct source *found = NULL;
    for (size_t i = 0; i < e->entity.count; i++) {
        const struct source *s = &e->entity.sources[i];
        if (s->gone || !str_eq(s->key, like->key) || !str_eq(s->stream, like->stream))
            continue;
        if (!found || str_eq(s->link, like->link))
            found = s;
    }
    return found;
}

static void add_stream(struct field_diff *f, struct str stream, size_t room)
{
    size_t at = 0;
    while (at < f->stream_count && str_cmp(f->streams[at], stream) < 0)
        at++;
    if (f->stream_count == room || (at < f->stream_count && str_eq(f->streams[at], stream)))
        return;
    memmove(&f->streams[at + 1], &f->streams[at], (f->stream_count - at) * sizeof *f->streams);
    f->streams[at] = stream;
    f->stream_count++;
}

/* Streams whose sources in `one` say otherwise in `other`. */
static void add_streams(const struct model *m, struct field_diff *f, const struct document *one,
                        const struct document *other, size_t room, struct arena *arena)
{
    for (size_t i = 0; i < one->entity.count; i++) {
        const struct source *s = &one->entity.sources[i];
        if (!s->gone && !is_same_value(m, f->field, value_of(s, f->field),
                                       value_of(find_source(other, s), f->field), arena))
            add_stream(f, s->stream, room);
    }
}

static void add_sources(struct entity_diff *d, const struct document *one,
                        const struct document *other, bool came)
{
    for (size_t i = 0; i < one->entity.count; i++) {
        const struct source *s = &one->entity.sources[i];
        if (!s->gone && !find_source(other, s))
            d->sources[d->source_count++] = (struct source_diff){s, came};
    }
}

static int source_diff_cmp(const void *a, const void *b)
{
    return source_cmp(((const struct source_diff *)a)->source,
                      ((const struct source_diff *)b)->source);
}

struct entity_diff diff_entity(const struct model *m, const struct document *was,
                               const struct document *is, struct arena *arena)
{
    size_t room = was->entity.count + is->entity.count;
    struct entity_diff d = {.fields = ARENA_ARRAY(arena, struct field_diff, m->field_count),
                            .sources = ARENA_ARRAY(arena, struct source_diff, room)};
    for (size_t i = 0; i < m->field_count; i++) {
        if (is_same_value(m, i, was->fields[i], is->fields[i], arena))
            continue;
        struct field_diff *f = &d.fields[d.field_count++];
        *f = (struct field_diff){.field = i,
                                 .was = was->fields[i],
                                 .is = is->fields[i],
                                 .streams = ARENA_ARRAY(arena, struct str, room)};
        add_streams(m, f, was, is, room, arena);
        add_streams(m, f, is, was, room, arena);
    }
    add_sources(&d, was, is, false);
    add_sources(&d, is, was, true);
    if (d.source_count > 1)
        qsort(d.sources, d.source_count, sizeof *d.sources, source_diff_cmp);
    return d;
}
