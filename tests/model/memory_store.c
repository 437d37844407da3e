/* SPDX-License-Identifier: MIT */
#include "tests/model/memory_store.h"

#include "serializer/note.h"

#include <assert.h>
#include <string.h>

uint64_t roll(uint64_t *dice)
{
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    return *dice * 0x2545f4914f6cdd1dU >> 16;
}

uint64_t roll_below(uint64_t *dice, uint64_t below)
{
    return roll(dice) % below;
}

static bool fails(struct memory_store *m, struct err *err)
{
    if (!m->fail_one_in || roll_below(m->dice, m->fail_one_in))
        return false;
    err_set(err, ERR_RETRY, "the store is away for a moment");
    return true;
}

struct memory_link *memory_link(struct memory_store *m, struct str id)
{
    for (size_t i = 0; i < m->link_count; i++)
        if (str_eq(m->links[i].state.id, id))
            return &m->links[i];
    return NULL;
}

static bool links_read(void *self, const struct str *ids, size_t count, struct arena *arena,
                       struct link_state *out, struct err *err)
{
    struct memory_store *m = self;
    (void)arena;
    if (fails(m, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct memory_link *link = memory_link(m, ids[i]);
        out[i] = link ? link->state : (struct link_state){.id = ids[i]};
    }
    return true;
}

static bool link_raise(void *self, struct str stream, struct str link, struct str params,
                       int64_t gen, struct err *err)
{
    struct memory_store *m = self;
    (void)stream;
    (void)params;
    if (fails(m, err))
        return false;
    struct memory_link *l = memory_link(m, link);
    if (!l) {
        assert(m->link_count < MEMORY_MAX_LINKS);
        l = &m->links[m->link_count++];
        *l = (struct memory_link){.state = {.id = arena_copy(&m->arena, link), .exists = true}};
    }
    if (l->state.gen < gen)
        l->state.gen = gen;
    return true;
}

static struct mark *find_mark(struct memory_store *m, const struct mark *key)
{
    for (size_t i = 0; i < m->mark_count; i++) {
        struct mark *mark = &m->marks[i];
        if (mark->run == key->run && mark->page == key->page && str_eq(mark->link, key->link))
            return mark;
    }
    return NULL;
}

static struct mark copy_mark(const struct mark *mark, struct arena *arena)
{
    struct mark copy = *mark;
    uint64_t *keys = ARENA_ARRAY(arena, uint64_t, mark->key_count);
    if (mark->key_count)
        memcpy(keys, mark->keys, mark->key_count * sizeof *keys);
    copy.keys = keys;
    copy.link = arena_copy(arena, mark->link);
    return copy;
}

static bool marks_read(void *self, struct mark *in_out, size_t count, struct arena *arena,
                       struct err *err)
{
    struct memory_store *m = self;
    if (fails(m, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct mark *found = find_mark(m, &in_out[i]);
        if (found)
            in_out[i] = copy_mark(found, arena);
    }
    return true;
}

static void write_mark(struct memory_store *m, const struct mark *mark)
{
    struct mark *stored = find_mark(m, mark);
    if (!stored) {
        assert(m->mark_count < MEMORY_MAX_MARKS);
        m->marks[m->mark_count++] = copy_mark(mark, &m->arena);
    } else if (stored->answer == mark->answer && stored->map < mark->map) {
        *stored = copy_mark(mark, &m->arena);
    }
}

static bool marks_write(void *self, const struct mark *marks, size_t count, struct err *err)
{
    struct memory_store *m = self;
    if (fails(m, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        write_mark(m, &marks[i]);
        if (fails(m, err))
            return false; /* some are written */
    }
    return true;
}

static bool run_marks(void *self, struct str link, int64_t run, struct arena *arena,
                      struct mark **out, size_t *out_count, struct err *err)
{
    struct memory_store *m = self;
    if (fails(m, err))
        return false;
    *out = ARENA_ARRAY(arena, struct mark, m->mark_count);
    *out_count = 0;
    for (size_t i = 0; i < m->mark_count; i++)
        if (m->marks[i].run == run && str_eq(m->marks[i].link, link))
            (*out)[(*out_count)++] = copy_mark(&m->marks[i], arena);
    return true;
}

static bool run_is_marked(void *self, struct str link, int64_t run, bool *out_yes,
                          struct err *err)
{
    struct memory_store *m = self;
    if (fails(m, err))
        return false;
    int64_t final = -1;
    int64_t pages = 0;
    for (size_t i = 0; i < m->mark_count; i++)
        if (m->marks[i].run == run && str_eq(m->marks[i].link, link)) {
            pages++;
            if (m->marks[i].final && (final < 0 || m->marks[i].page < final))
                final = m->marks[i].page;
        }
    *out_yes = final >= 0 && pages > final;
    return true;
}

static bool marks_drop(void *self, struct str link, int64_t run, struct err *err)
{
    struct memory_store *m = self;
    if (fails(m, err))
        return false;
    size_t kept = 0;
    for (size_t i = 0; i < m->mark_count; i++)
        if (m->marks[i].run >= run || !str_eq(m->marks[i].link, link))
            m->marks[kept++] = m->marks[i];
    m->mark_count = kept;
    return true;
}

/* The values themselves are constants of the test. */
static const struct value *copy_fields(const struct model *model, const struct value *fields,
                                       struct arena *arena)
{
    if (!fields)
        return NULL;
    struct value *copy = ARENA_ARRAY(arena, struct value, model->field_count);
    memcpy(copy, fields, model->field_count * sizeof *copy);
    return copy;
}

static struct source copy_source(const struct model *model, const struct source *s, bool whole,
                                 struct arena *arena)
{
    struct source copy = *s;
    copy.link = arena_copy(arena, s->link);
    copy.stream = arena_copy(arena, s->stream);
    copy.key = arena_copy(arena, s->key);
    copy.fields = whole ? copy_fields(model, s->fields, arena) : NULL;
    return copy;
}

static struct entity copy_entity(const struct model *model, const struct entity *e, bool whole,
                                 struct arena *arena)
{
    struct entity copy = *e;
    copy.sources = ARENA_ARRAY(arena, struct source, e->count);
    for (size_t i = 0; i < e->count; i++)
        copy.sources[i] = copy_source(model, &e->sources[i], whole, arena);
    copy.fields = whole ? copy_fields(model, e->fields, arena) : NULL;
    return copy;
}

static bool share_tuple(const struct model *model, const struct source *a,
                        const struct source *b)
{
    struct tuple x[MODEL_MAX_RULES];
    struct tuple y[MODEL_MAX_RULES];
    size_t x_count = fold_tuples(model, a, x);
    size_t y_count = fold_tuples(model, b, y);
    for (size_t i = 0; i < x_count; i++)
        for (size_t j = 0; j < y_count; j++)
            if (tuple_eq(&x[i], &y[j], model))
                return true;
    return false;
}

static bool is_wanted(const struct model *model, const struct entity *e,
                      const struct want *want)
{
    for (size_t i = 0; i < e->count; i++)
        for (size_t j = 0; j < want->source_count; j++) {
            const struct source *a = &e->sources[i];
            const struct source *b = &want->sources[j];
            if (source_is_same(a, b))
                return true;
            if (want->by_identity &&
                ((str_eq(a->stream, b->stream) && str_eq(a->key, b->key)) ||
                 (!a->gone && share_tuple(model, a, b))))
                return true;
        }
    return false;
}

static bool entities_read(void *self, const struct model *model, const struct want *want,
                          struct arena *arena, struct entity **out, size_t *out_count,
                          struct err *err)
{
    struct memory_store *m = self;
    if (fails(m, err))
        return false;
    *out = ARENA_ARRAY(arena, struct entity, m->entity_count);
    *out_count = 0;
    for (size_t i = 0; i < m->entity_count; i++)
        if (is_wanted(model, &m->entities[i], want))
            (*out)[(*out_count)++] = copy_entity(model, &m->entities[i], want->whole, arena);
    return true;
}

static bool sources_of_link(void *self, const struct model *model, struct str link, int64_t gen,
                            struct arena *arena, struct source **out, size_t *out_count,
                            struct err *err)
{
    struct memory_store *m = self;
    if (fails(m, err))
        return false;
    size_t room = 0;
    *out = NULL;
    *out_count = 0;
    for (size_t i = 0; i < m->entity_count; i++)
        for (size_t j = 0; j < m->entities[i].count; j++) {
            const struct source *s = &m->entities[i].sources[j];
            if (!s->gone && s->version.gen <= gen && str_eq(s->link, link))
                *ARENA_PUSH(arena, *out, *out_count, room) =
                    copy_source(model, s, false, arena);
        }
    return true;
}

static struct object_id next_id(struct memory_store *m)
{
    struct object_id id = {0};
    uint64_t number = ++m->last_id;
    for (size_t i = 0; i < 8; i++)
        id.bytes[11 - i] = (uint8_t)(number >> (8 * i));
    return id;
}

static bool id_eq(const struct object_id *a, const struct object_id *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static struct entity *by_id(struct memory_store *m, const struct object_id *id)
{
    for (size_t i = 0; i < m->entity_count; i++)
        if (id_eq(&m->entities[i].id, id))
            return &m->entities[i];
    return NULL;
}

static bool is_replaced(const struct change *c, const struct object_id *id)
{
    for (size_t i = 0; i < c->old_count; i++)
        if (id_eq(&c->old[i]->id, id))
            return true;
    return false;
}

/*
 * What the unique indexes would say: does anything that stays hold a source or an identity of
 * `f`?
 */
static bool collides(const struct memory_store *m, const struct change *c,
                     const struct folded *f)
{
    for (size_t i = 0; i < m->entity_count; i++) {
        const struct entity *e = &m->entities[i];
        for (size_t j = 0; j < e->count && !is_replaced(c, &e->id); j++)
            for (size_t k = 0; k < f->count; k++) {
                const struct source *a = &e->sources[j];
                const struct source *b = f->sources[k];
                bool same_identity = !a->gone && !b->gone && !e->crowded_out &&
                                     !f->crowded_out &&
                                     (share_tuple(m->model, a, b) ||
                                      (str_eq(a->stream, b->stream) && str_eq(a->key, b->key)));
                if (source_is_same(a, b) || same_identity)
                    return true;
            }
    }
    return false;
}

/* --- what the notes tell --- */

static struct heard *heard_of(struct memory_store *m, const struct object_id *id)
{
    struct hearsay *t = &m->hearsay;
    for (size_t i = 0; i < t->count; i++)
        if (id_eq(&t->entities[i].id, id))
            return &t->entities[i];
    assert(t->count < sizeof t->entities / sizeof *t->entities);
    t->entities[t->count] = (struct heard){.id = *id};
    return &t->entities[t->count++];
}

/* Fields, then which items its living sources are. */
static struct str state_text(const struct model *model, const struct value *fields,
                             struct source *const *sources, size_t count, struct arena *arena)
{
    struct str text = {0};
    for (size_t i = 0; i < model->field_count; i++)
        text = arena_format(arena, STR_FMT "|" STR_FMT, STR_ARG(text),
                            STR_ARG(value_str(fields[i])));
    for (size_t i = 0; i < count; i++) {
        bool is_repeated = i && str_eq(sources[i]->stream, sources[i - 1]->stream) &&
                           str_eq(sources[i]->key, sources[i - 1]->key);
        if (!sources[i]->gone && !is_repeated)
            text = arena_format(arena, STR_FMT " " STR_FMT " " STR_FMT, STR_ARG(text),
                                STR_ARG(sources[i]->stream), STR_ARG(sources[i]->key));
    }
    return text;
}

/* Does the kind of event fit what was known, and what it is now? */
static const char *fault_of(enum note_kind kind, struct str was, struct str is)
{
    switch (kind) {
    case NOTE_CREATED:
        return was.len ? "what lived was created" : NULL;
    case NOTE_CHANGED:
    case NOTE_SPLIT:
        return !was.len                                  ? "what was not there changed"
               : str_eq(was, is) && kind == NOTE_CHANGED ? "a change changed nothing"
                                                         : NULL;
    case NOTE_GONE:
        return was.len ? NULL : "what was not there is gone";
    case NOTE_SAME:
        return str_eq(was, is) ? NULL : "a change was not told";
    case NOTE_MERGED:
        return NULL;
    case NOTE_NONE:
        break;
    }
    return "a note is missing";
}

static void tell(struct memory_store *m, const struct object_id *id, struct note note,
                 struct str is)
{
    struct heard *heard = heard_of(m, id);
    const char *fault = fault_of(note.kind, heard->state, is);
    if (fault && !m->hearsay.fault)
        m->hearsay.fault = fault;
    m->hearsay.events += note.kind != NOTE_SAME;
    heard->state = is;
}

static void tell_change(struct memory_store *m, const struct change *c,
                        const struct object_id *ids)
{
    for (size_t i = 0; i < c->old_count; i++)
        if (c->heir[i] != SIZE_MAX)
            tell(m, &c->old[i]->id, note_of_merged(c), (struct str){0});
    for (size_t i = 0; i < c->now_count; i++) {
        const struct folded *f = &c->now[i];
        struct str is = f->fields
                            ? state_text(m->model, f->fields, f->sources, f->count, &m->arena)
                            : (struct str){0};
        tell(m, &ids[i], note_of(m->model, c, ids, i, &m->arena), is);
    }
}

static enum written write_change(struct memory_store *m, const struct change *c)
{
    for (size_t i = 0; i < c->old_count; i++) {
        const struct entity *stored = by_id(m, &c->old[i]->id);
        if (!stored || !id_eq(&stored->rev, &c->old[i]->rev))
            return WRITTEN_COLLIDED;
    }
    for (size_t i = 0; i < c->now_count; i++)
        if (collides(m, c, &c->now[i]))
            return WRITTEN_COLLIDED;
    struct object_id *ids = ARENA_ARRAY(&m->arena, struct object_id, c->now_count);
    static const struct object_id none;
    for (size_t i = 0; i < c->now_count; i++)
        ids[i] = id_eq(&c->now[i].id, &none) ? next_id(m) : c->now[i].id;
    tell_change(m, c, ids);
    for (size_t i = 0; i < c->old_count; i++) {
        struct entity *left = by_id(m, &c->old[i]->id);
        *left = m->entities[m->entity_count - 1];
        m->entity_count--;
    }
    for (size_t i = 0; i < c->now_count; i++) {
        const struct folded *f = &c->now[i];
        struct entity e = {.id = ids[i],
                           .rev = next_id(m),
                           .count = f->count,
                           .crowded_out = f->crowded_out,
                           .fields = copy_fields(m->model, f->fields, &m->arena)};
        e.sources = ARENA_ARRAY(&m->arena, struct source, f->count);
        for (size_t j = 0; j < f->count; j++)
            e.sources[j] = copy_source(m->model, f->sources[j], true, &m->arena);
        assert(m->entity_count < MEMORY_MAX_ENTITIES);
        m->entities[m->entity_count++] = e;
        m->writes++;
    }
    return WRITTEN_YES;
}

static bool entities_write(void *self, const struct model *model, const struct change *changes,
                           size_t count, enum written *out, struct err *err)
{
    struct memory_store *m = self;
    (void)model;
    for (size_t i = 0; i < count; i++) {
        if (fails(m, err))
            return false; /* some are written */
        out[i] = write_change(m, &changes[i]);
    }
    return true;
}

static bool issues_write(void *self, const struct stream *stream, struct str link,
                         const struct decoded *decoded, struct err *err)
{
    (void)stream;
    (void)link;
    (void)decoded;
    return !fails(self, err);
}

static bool whole_eq(const struct whole *a, const struct whole *b)
{
    return a->run == b->run && a->gen == b->gen && a->map == b->map && a->twice == b->twice;
}

static bool link_write(void *self, const struct link_state *was, const struct link_state *is,
                       bool *out_written, struct err *err)
{
    struct memory_store *m = self;
    if (fails(m, err))
        return false;
    struct link_state *stored = &memory_link(m, was->id)->state;
    *out_written = whole_eq(&stored->complete, &was->complete) &&
                   whole_eq(&stored->before, &was->before) &&
                   whole_eq(&stored->swept, &was->swept);
    if (*out_written) {
        stored->complete = is->complete;
        stored->before = is->before;
        stored->swept = is->swept;
    }
    return true;
}

static bool link_news(void *self, const struct link_news *news, struct err *err)
{
    struct memory_store *m = self;
    if (fails(m, err))
        return false;
    struct memory_link *l = memory_link(m, news->link);
    bool had_rejects = str_eq(l->last.outcome, STR(OUTCOME_REJECTS)) ||
                       str_eq(l->last.outcome, STR(OUTCOME_REJECTED));
    bool is_mended = l->state.closed == news->gen && had_rejects && link_news_mends(news);
    if (news->kind == NEWS_PROGRESS || l->state.gen != news->gen ||
        (l->state.closed >= news->gen && !is_mended))
        return true;
    l->state.closed = news->gen;
    l->wants_again = news->kind != NEWS_DONE;
    l->last = *news;
    return true;
}

const char *memory_hearsay_fault(struct memory_store *m)
{
    arena_auto arena = {0};
    size_t alive = 0;
    for (size_t i = 0; i < m->hearsay.count; i++)
        alive += m->hearsay.entities[i].state.len > 0;
    for (size_t i = 0; i < m->entity_count; i++) {
        const struct entity *e = &m->entities[i];
        if (!e->fields)
            continue;
        struct source **sources = ARENA_ARRAY(&arena, struct source *, e->count);
        for (size_t k = 0; k < e->count; k++)
            sources[k] = &e->sources[k];
        alive--;
        if (!str_eq(heard_of(m, &e->id)->state,
                    state_text(m->model, e->fields, sources, e->count, &arena)))
            return "the notes tell another entity than is stored";
    }
    return m->hearsay.fault ? m->hearsay.fault
           : alive          ? "the notes tell of an entity that is no more"
                            : NULL;
}

struct store memory_store(struct memory_store *m)
{
    return (struct store){.self = m,
                          .links_read = links_read,
                          .link_raise = link_raise,
                          .marks_read = marks_read,
                          .marks_write = marks_write,
                          .run_is_marked = run_is_marked,
                          .run_marks = run_marks,
                          .marks_drop = marks_drop,
                          .entities_read = entities_read,
                          .sources_of_link = sources_of_link,
                          .entities_write = entities_write,
                          .issues_write = issues_write,
                          .link_write = link_write,
                          .link_news = link_news};
}

void memory_open(struct memory_store *m, const struct model *model, uint64_t *dice)
{
    *m = (struct memory_store){.model = model, .dice = dice};
}

void memory_close(struct memory_store *m)
{
    arena_done(&m->arena);
}
