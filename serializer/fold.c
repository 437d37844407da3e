/* SPDX-License-Identifier: MIT */
#include "serializer/fold.h"

#include "common/index.h"
#include "serializer/merge.h"

#include <stdlib.h>
#include <string.h>

size_t fold_tuples(const struct model *m, const struct source *s, struct tuple *out)
{
    size_t used = 0;
    for (size_t r = 0; r < m->rule_count && s->fields; r++) {
        const struct rule *rule = &m->rules[r];
        struct tuple t = {.rule = r};
        size_t i = 0;
        for (; i < rule->count; i++) {
            t.values[i] = s->fields[rule->fields[i]];
            if (t.values[i].kind == VALUE_NONE ||
                field_is_never(&m->fields[rule->fields[i]], t.values[i]))
                break;
        }
        if (i == rule->count)
            out[used++] = t;
    }
    return used;
}

bool tuple_eq(const struct tuple *a, const struct tuple *b, const struct model *m)
{
    if (a->rule != b->rule)
        return false;
    for (size_t i = 0; i < m->rules[a->rule].count; i++)
        if (value_cmp(a->values[i], b->values[i]) != 0)
            return false;
    return true;
}

/* What "\x1f%zu:" prints: there are several for each record, and printf is slow. */
static struct str length_text(size_t length, struct arena *arena)
{
    enum { ROOM = 24 };
    char *text = arena_take(arena, ROOM);
    size_t at = ROOM;
    text[--at] = ':';
    do {
        text[--at] = (char)('0' + length % 10);
        length /= 10;
    } while (length);
    text[--at] = '\x1f';
    return (struct str){text + at, ROOM - at};
}

/* Each value behind its length, so that no two tuples have one text, whatever bytes they hold. */
static struct str tuple_text(const struct model *m, const struct tuple *t, struct arena *arena)
{
    const struct rule *rule = &m->rules[t->rule];
    struct str parts[1 + 2 * RULE_MAX_FIELDS] = {rule->name};
    size_t count = 1;
    for (size_t i = 0; i < rule->count; i++) {
        struct value v = t->values[i];
        struct str bytes = value_str(v);
        if (v.kind != VALUE_TEXT)
            bytes = arena_format(
                arena, "%lld", v.kind == VALUE_BOOL ? (long long)v.flag : (long long)v.number);
        parts[count++] = length_text(bytes.len, arena);
        parts[count++] = bytes;
    }
    return arena_join(arena, parts, count);
}

/* Neither a link nor a stream has a control character in its name. */
static struct str source_text(struct str first, const struct source *s, struct arena *arena)
{
    const struct str parts[] = {first, STR("\x1f"), s->key};
    return arena_join(arena, parts, sizeof parts / sizeof *parts);
}

size_t fold_identity(const struct model *m, const struct source *s, struct arena *arena,
                     struct str *out)
{
    struct tuple tuples[MODEL_MAX_RULES];
    size_t count = fold_tuples(m, s, tuples);
    for (size_t t = 0; t < count; t++)
        out[t] = tuple_text(m, &tuples[t], arena);
    const struct str item[] = {STR("item\x1f"), s->stream};
    out[count] = source_text(arena_join(arena, item, 2), s, arena);
    return count + 1;
}

bool fold_may_be_crowded(const struct entity *e)
{
    size_t living = 0;
    for (size_t i = 0; i < e->count; i++)
        living += !e->sources[i].gone;
    return e->crowded_out || living >= ENTITY_MAX_SOURCES;
}

enum { NOBODY = -1, GONE_MAX = ENTITY_MAX_SOURCES };

/* A source in the working set: as it will be, and where it is stored now. */
struct slot {
    struct source *source;
    int64_t owner; /* index of the entity that holds it, or NOBODY */
    bool is_updated;
    size_t parent;    /* of the union-find by identity */
    size_t component; /* meaningful when alive */
};

struct component {
    size_t first, count; /* in plan.order */
    bool crowded_out;
    size_t region;
    int64_t goes_on; /* the entity whose id it keeps, or NOBODY */
};

struct plan {
    const struct model *model;
    struct arena *arena;
    struct entity *entities;
    size_t entity_count;
    struct slot *slots;
    size_t slot_count;
    size_t *order; /* alive slots, component by component, each in the order of sources */
    struct component *components;
    size_t component_count;
    size_t *parents; /* union-find of regions: entities first, then components */
};

static size_t find_root(size_t *parents, size_t i)
{
    while (parents[i] != i)
        i = parents[i] = parents[parents[i]];
    return i;
}

/*
 * The smaller index becomes the root, so that the outcome does not depend on the order of
 * joins.
 */
static void join(size_t *parents, size_t a, size_t b)
{
    size_t x = find_root(parents, a);
    size_t y = find_root(parents, b);
    if (x < y)
        parents[y] = x;
    else
        parents[x] = y;
}

static void add_stored(struct plan *p, struct index *by_source)
{
    for (size_t e = 0; e < p->entity_count; e++)
        for (size_t i = 0; i < p->entities[e].count; i++) {
            struct source *s = &p->entities[e].sources[i];
            int64_t known =
                index_put(by_source, source_text(s->link, s, p->arena), (int64_t)p->slot_count);
            if (known == (int64_t)p->slot_count)
                p->slots[p->slot_count++] = (struct slot){.source = s, .owner = (int64_t)e};
        }
}

static void add_updates(struct plan *p, struct index *by_source, struct source *updates,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct source *s = &updates[i];
        int64_t at = index_get(by_source, source_text(s->link, s, p->arena));
        if (at < 0) {
            if (s->gone)
                continue; /* nothing is stored that could be gone */
            index_put(by_source, source_text(s->link, s, p->arena), (int64_t)p->slot_count);
            p->slots[p->slot_count++] =
                (struct slot){.source = s, .owner = NOBODY, .is_updated = true};
        } else if (version_cmp(&s->version, &p->slots[at].source->version) > 0) {
            p->slots[at].source = s;
            p->slots[at].is_updated = true;
        }
    }
}

/* Nothing new is said of them, but they count as if it were. */
static void add_again(struct plan *p, const struct index *by_source,
                      const struct source *stored, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t at = index_get(by_source, source_text(stored[i].link, &stored[i], p->arena));
        if (at >= 0)
            p->slots[at].is_updated = true;
    }
}

/* Connect living slots that share any of it. */
static void connect(struct plan *p)
{
    size_t *parents = ARENA_ARRAY(p->arena, size_t, p->slot_count);
    struct index by_identity;
    index_init(&by_identity, p->arena, p->slot_count * 2);
    for (size_t i = 0; i < p->slot_count; i++)
        parents[i] = i;
    for (size_t i = 0; i < p->slot_count; i++) {
        const struct source *s = p->slots[i].source;
        if (s->gone)
            continue;
        struct str identity[MODEL_MAX_RULES + 1];
        size_t count = fold_identity(p->model, s, p->arena, identity);
        for (size_t t = 0; t < count; t++)
            join(parents, i, (size_t)index_put(&by_identity, identity[t], (int64_t)i));
    }
    for (size_t i = 0; i < p->slot_count; i++)
        p->slots[i].parent = find_root(parents, i);
}

static int slot_cmp(const void *left, const void *right, void *context)
{
    const struct slot *slots = ((const struct plan *)context)->slots;
    const struct slot *a = &slots[*(const size_t *)left];
    const struct slot *b = &slots[*(const size_t *)right];
    if (a->parent != b->parent)
        return a->parent < b->parent ? -1 : 1;
    return source_cmp(a->source, b->source);
}

static void add_component(struct plan *p, size_t first, size_t count, bool crowded_out)
{
    struct component *c = &p->components[p->component_count++];
    *c = (struct component){
        .first = first, .count = count, .crowded_out = crowded_out, .goes_on = NOBODY};
    for (size_t i = first; i < first + count; i++)
        p->slots[p->order[i]].component = p->component_count - 1;
}

static void find_components(struct plan *p)
{
    size_t alive = 0;
    p->order = ARENA_ARRAY(p->arena, size_t, p->slot_count);
    p->components = ARENA_ARRAY(p->arena, struct component, p->slot_count);
    for (size_t i = 0; i < p->slot_count; i++)
        if (!p->slots[i].source->gone)
            p->order[alive++] = i;
    if (alive > 1)
        qsort_r(p->order, alive, sizeof *p->order, slot_cmp, p);
    for (size_t i = 0, end; i < alive; i = end) {
        for (end = i + 1;
             end < alive && p->slots[p->order[end]].parent == p->slots[p->order[i]].parent;)
            end++;
        size_t kept = end - i < ENTITY_MAX_SOURCES ? end - i : ENTITY_MAX_SOURCES;
        add_component(p, i, kept, false);
        for (size_t j = i + kept; j < end; j++)
            add_component(p, j, 1, true);
    }
}

/*
 * What must be written together: an entity and every component that takes one of its sources,
 * and an entity and the component that takes an identity which it still holds in its unique
 * index.
 */
static void find_regions(struct plan *p)
{
    size_t nodes = p->entity_count + p->component_count;
    p->parents = ARENA_ARRAY(p->arena, size_t, nodes);
    for (size_t i = 0; i < nodes; i++)
        p->parents[i] = i;
    struct index holders;
    index_init(&holders, p->arena, p->slot_count * 2);
    struct str identity[MODEL_MAX_RULES + 1];
    for (size_t e = 0; e < p->entity_count; e++)
        for (size_t i = 0; i < p->entities[e].count && !p->entities[e].crowded_out; i++) {
            const struct source *s = &p->entities[e].sources[i];
            size_t count = s->gone ? 0 : fold_identity(p->model, s, p->arena, identity);
            for (size_t t = 0; t < count; t++)
                index_put(&holders, identity[t], (int64_t)e);
        }
    for (size_t i = 0; i < p->slot_count; i++) {
        const struct slot *slot = &p->slots[i];
        if (slot->source->gone)
            continue;
        size_t node = p->entity_count + slot->component;
        if (slot->owner != NOBODY)
            join(p->parents, (size_t)slot->owner, node);
        size_t count = p->components[slot->component].crowded_out
                           ? 0
                           : fold_identity(p->model, slot->source, p->arena, identity);
        for (size_t t = 0; t < count; t++) {
            int64_t holder = index_get(&holders, identity[t]);
            if (holder >= 0)
                join(p->parents, (size_t)holder, node);
        }
    }
}

static int id_cmp(const struct object_id *a, const struct object_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

/*
 * Components in the order of their smallest source; each goes on from the smallest id among the
 * entities it takes sources from.
 */
static void give_ids(const struct plan *p, const size_t *components, size_t count, bool *taken)
{
    for (size_t c = 0; c < count; c++) {
        struct component *component = &p->components[components[c]];
        for (size_t i = component->first; i < component->first + component->count; i++) {
            int64_t owner = p->slots[p->order[i]].owner;
            if (owner == NOBODY || taken[owner])
                continue;
            if (component->goes_on == NOBODY ||
                id_cmp(&p->entities[owner].id, &p->entities[component->goes_on].id) < 0)
                component->goes_on = owner;
        }
        if (component->goes_on != NOBODY)
            taken[component->goes_on] = true;
    }
}

static void add_tuples(const struct plan *p, const struct source *s, struct folded *f)
{
    struct tuple own[MODEL_MAX_RULES];
    size_t count = fold_tuples(p->model, s, own);
    for (size_t t = 0; t < count; t++) {
        size_t known = 0;
        while (known < f->tuple_count && !tuple_eq(&f->tuples[known], &own[t], p->model))
            known++;
        if (known == f->tuple_count)
            f->tuples[f->tuple_count++] = own[t];
    }
}

/* The entity that a component becomes, without the gone sources that it will carry. */
static struct folded fold_component(const struct plan *p, const struct component *c,
                                    size_t room)
{
    struct folded f = {.sources = ARENA_ARRAY(p->arena, struct source *, room),
                       .crowded_out = c->crowded_out};
    f.tuples = ARENA_ARRAY(p->arena, struct tuple, c->count * p->model->rule_count);
    if (c->goes_on != NOBODY) {
        f.id = p->entities[c->goes_on].id;
        f.created_at_ms = p->entities[c->goes_on].created_at_ms;
    }
    for (size_t i = 0; i < c->count; i++) {
        f.sources[i] = p->slots[p->order[c->first + i]].source;
        if (!c->crowded_out)
            add_tuples(p, f.sources[i], &f);
    }
    f.count = c->count;
    struct value *fields = ARENA_ARRAY(p->arena, struct value, p->model->field_count);
    int32_t *from = ARENA_ARRAY(p->arena, int32_t, p->model->field_count);
    merge_fields(p->model, f.sources, f.count, p->arena, fields, from);
    f.fields = fields;
    f.from = from;
    return f;
}

/*
 * Which `now` inherits from an entity: the one that goes on from it, else the one with the
 * smallest of its living sources.
 */
static size_t heir_of(const struct plan *p, size_t entity, const size_t *components,
                      size_t count)
{
    for (size_t c = 0; c < count; c++)
        if (p->components[components[c]].goes_on == (int64_t)entity)
            return c;
    for (size_t c = 0; c < count; c++) {
        const struct component *component = &p->components[components[c]];
        for (size_t i = component->first; i < component->first + component->count; i++)
            if (p->slots[p->order[i]].owner == (int64_t)entity)
                return c;
    }
    return SIZE_MAX;
}

/*
 * What belongs to a region, as one sorted list: its entities, then its components, then its
 * updated or gone slots.
 */
struct member_of {
    size_t region;
    enum { IS_ENTITY, IS_COMPONENT, IS_SLOT } kind;
    size_t index;
};

static int member_of_cmp(const void *left, const void *right)
{
    const struct member_of *a = left;
    const struct member_of *b = right;
    if (a->region != b->region)
        return a->region < b->region ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

static size_t list_members(const struct plan *p, struct member_of **out)
{
    size_t nodes = p->entity_count + p->component_count;
    struct member_of *list = ARENA_ARRAY(p->arena, struct member_of, nodes + p->slot_count);
    size_t used = 0;
    for (size_t i = 0; i < nodes; i++) {
        bool is_entity = i < p->entity_count;
        list[used++] =
            (struct member_of){find_root(p->parents, i), is_entity ? IS_ENTITY : IS_COMPONENT,
                               is_entity ? i : i - p->entity_count};
    }
    for (size_t i = 0; i < p->slot_count; i++) {
        const struct slot *slot = &p->slots[i];
        if (!slot->is_updated && !slot->source->gone)
            continue;
        if (slot->source->gone && slot->owner == NOBODY)
            continue; /* said and taken back at once: nothing of it is stored */
        size_t node =
            slot->source->gone ? (size_t)slot->owner : p->entity_count + slot->component;
        list[used++] = (struct member_of){find_root(p->parents, node), IS_SLOT, i};
    }
    qsort(list, used, sizeof *list, member_of_cmp);
    *out = list;
    return used;
}

/* The part of the list that is one region. */
struct region {
    size_t *entities, *components, *slots;
    size_t entity_count, component_count, slot_count;
    bool is_updated;
};

static struct region read_region(const struct plan *p, const struct member_of *list,
                                 size_t count)
{
    struct region r = {0};
    r.entities = ARENA_ARRAY(p->arena, size_t, count);
    r.components = ARENA_ARRAY(p->arena, size_t, count);
    r.slots = ARENA_ARRAY(p->arena, size_t, count);
    for (size_t i = 0; i < count; i++)
        switch (list[i].kind) {
        case IS_ENTITY:
            r.entities[r.entity_count++] = list[i].index;
            break;
        case IS_COMPONENT:
            r.components[r.component_count++] = list[i].index;
            break;
        case IS_SLOT:
            r.slots[r.slot_count++] = list[i].index;
            r.is_updated |= p->slots[list[i].index].is_updated;
            break;
        }
    return r;
}

/* Is what is stored already what it should be? */
static bool is_settled(const struct plan *p, const struct region *r)
{
    if (r->is_updated || r->entity_count != 1 || r->component_count > 1)
        return false;
    return r->component_count == 0 || p->components[r->components[0]].crowded_out ==
                                          p->entities[r->entities[0]].crowded_out;
}

/*
 * At most GONE_MAX, the newest: a tombstone only saves work, as the fence keeps older writers out
 * without it, and an entity stays bounded.
 */
static void keep_gone(struct folded *f, struct source *gone)
{
    size_t oldest = SIZE_MAX;
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (!f->sources[i]->gone)
            continue;
        count++;
        if (oldest == SIZE_MAX ||
            version_cmp(&f->sources[i]->version, &f->sources[oldest]->version) < 0)
            oldest = i;
    }
    if (count < GONE_MAX)
        f->sources[f->count++] = gone;
    else if (version_cmp(&gone->version, &f->sources[oldest]->version) > 0)
        f->sources[oldest] = gone;
}

/*
 * Gone sources go where their entity's id goes, or else its living sources. An entity that has
 * only gone ones left keeps them, and its id.
 */
static void carry_gone(const struct plan *p, const struct region *r, size_t old,
                       struct change *change)
{
    size_t entity = r->entities[old];
    size_t heir = heir_of(p, entity, r->components, r->component_count);
    struct folded *f =
        heir == SIZE_MAX ? &change->now[change->now_count++] : &change->now[heir];
    if (heir == SIZE_MAX) {
        *f = (struct folded){.id = p->entities[entity].id,
                             .created_at_ms = p->entities[entity].created_at_ms};
        f->sources = ARENA_ARRAY(p->arena, struct source *, r->slot_count);
    }
    for (size_t i = 0; i < r->slot_count; i++) {
        const struct slot *slot = &p->slots[r->slots[i]];
        if (slot->owner == (int64_t)entity && slot->source->gone)
            keep_gone(f, slot->source);
    }
    change->heir[old] = id_cmp(&f->id, &p->entities[entity].id) == 0 ? SIZE_MAX : heir;
}

static int component_cmp(const void *left, const void *right, void *context)
{
    const struct plan *p = context;
    const struct component *a = &p->components[*(const size_t *)left];
    const struct component *b = &p->components[*(const size_t *)right];
    return source_cmp(p->slots[p->order[a->first]].source, p->slots[p->order[b->first]].source);
}

static struct change fold_region(struct plan *p, const struct region *r, bool *taken)
{
    struct change change = {
        .old = ARENA_ARRAY(p->arena, struct entity *, r->entity_count),
        .old_count = r->entity_count,
        .now = ARENA_ARRAY(p->arena, struct folded, r->component_count + r->entity_count),
        .now_count = r->component_count,
        .heir = ARENA_ARRAY(p->arena, size_t, r->entity_count),
        .updates = ARENA_ARRAY(p->arena, struct source *, r->slot_count)};
    if (r->component_count > 1)
        qsort_r(r->components, r->component_count, sizeof *r->components, component_cmp, p);
    give_ids(p, r->components, r->component_count, taken);
    for (size_t c = 0; c < r->component_count; c++) {
        const struct component *component = &p->components[r->components[c]];
        change.now[c] = fold_component(p, component, component->count + r->slot_count);
    }
    for (size_t e = 0; e < r->entity_count; e++) {
        change.old[e] = &p->entities[r->entities[e]];
        carry_gone(p, r, e, &change);
    }
    for (size_t i = 0; i < r->slot_count; i++)
        if (p->slots[r->slots[i]].is_updated)
            change.updates[change.update_count++] = p->slots[r->slots[i]].source;
    return change;
}

static size_t fold_regions(struct plan *p, struct change **out_changes)
{
    struct member_of *list;
    size_t count = list_members(p, &list);
    bool *taken = ARENA_ARRAY(p->arena, bool, p->entity_count);
    struct change *changes = NULL;
    size_t change_count = 0;
    size_t room = 0;
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && list[end].region == list[i].region;)
            end++;
        struct region r = read_region(p, &list[i], end - i);
        if (!is_settled(p, &r))
            *ARENA_PUSH(p->arena, changes, change_count, room) = fold_region(p, &r, taken);
    }
    *out_changes = changes;
    return change_count;
}

/* What is to be changed once all slots are known. */
static size_t plan(struct plan *p, struct change **out_changes)
{
    connect(p);
    find_components(p);
    find_regions(p);
    return fold_regions(p, out_changes);
}

static struct plan plan_stored(const struct model *m, struct entity *entities,
                               size_t entity_count, size_t more, struct arena *arena,
                               struct index *out_by_source)
{
    struct plan p = {
        .model = m, .arena = arena, .entities = entities, .entity_count = entity_count};
    size_t stored = 0;
    for (size_t e = 0; e < entity_count; e++)
        stored += entities[e].count;
    p.slots = ARENA_ARRAY(arena, struct slot, stored + more);
    index_init(out_by_source, arena, stored + more);
    add_stored(&p, out_by_source);
    return p;
}

size_t fold_plan(const struct model *m, struct entity *entities, size_t entity_count,
                 struct source *updates, size_t update_count, struct arena *arena,
                 struct change **out_changes)
{
    struct index by_source;
    struct plan p = plan_stored(m, entities, entity_count, update_count, arena, &by_source);
    add_updates(&p, &by_source, updates, update_count);
    return plan(&p, out_changes);
}

size_t fold_again(const struct model *m, struct entity *entities, size_t entity_count,
                  struct source *stored, size_t stored_count, struct arena *arena,
                  struct change **out_changes)
{
    struct index by_source;
    struct plan p = plan_stored(m, entities, entity_count, 0, arena, &by_source);
    add_again(&p, &by_source, stored, stored_count);
    return plan(&p, out_changes);
}
