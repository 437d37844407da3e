/* SPDX-License-Identifier: MIT */
#include "muster/diff_tally.h"

#include "muster/show.h"

enum { VALUE_SHOWN_BYTES = 60 };

struct diff_tally diff_tally_new(const struct model *m, size_t limit, struct arena *arena)
{
    return (struct diff_tally){.model = m,
                               .arena = arena,
                               .limit = limit,
                               .fields =
                                   ARENA_ARRAY(arena, struct field_tally, m->field_count)};
}

static void count_stream(struct diff_tally *t, struct field_tally *f, struct str stream)
{
    for (size_t i = 0; i < f->stream_count; i++)
        if (str_eq(f->streams[i].stream, stream)) {
            f->streams[i].count++;
            return;
        }
    *ARENA_PUSH(t->arena, f->streams, f->stream_count, f->stream_room) =
        (struct stream_tally){arena_copy(t->arena, stream), 1};
}

static struct str shown(const struct diff_tally *t, size_t field, struct value v)
{
    return v.kind == VALUE_NONE
               ? STR("nothing")
               : show_value(&t->model->fields[field].type, v, VALUE_SHOWN_BYTES, t->arena);
}

void diff_tally_add(struct diff_tally *t, struct str name, const struct entity_diff *d)
{
    for (size_t i = 0; i < d->field_count; i++) {
        const struct field_diff *diff = &d->fields[i];
        struct field_tally *f = &t->fields[diff->field];
        f->count++;
        for (size_t s = 0; s < diff->stream_count; s++)
            count_stream(t, f, diff->streams[s]);
        if (!diff->stream_count)
            count_stream(t, f, (struct str){0});
        if (f->example_count >= t->limit)
            continue;
        struct str was = shown(t, diff->field, diff->was);
        struct str is = shown(t, diff->field, diff->is);
        *ARENA_PUSH(t->arena, f->examples, f->example_count, f->example_room) =
            arena_format(t->arena, STR_FMT ": " STR_FMT " -> " STR_FMT, STR_ARG(name),
                         STR_ARG(was), STR_ARG(is));
    }
    for (size_t i = 0; i < d->source_count; i++) {
        t->came += d->sources[i].came;
        t->left += !d->sources[i].came;
    }
}
