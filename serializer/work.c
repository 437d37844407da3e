/* SPDX-License-Identifier: MIT */
#include "serializer/work.h"

#include "common/maps.h"

void work_list_streams(struct work *w, const struct providers *providers, struct arena *arena)
{
    size_t room = 0;
    for (size_t i = 0; i < providers->count; i++)
        for (size_t j = 0; j < providers->list[i]->stream_count; j++)
            ARENA_PUSH(arena, w->streams, w->stream_count, room)->stream =
                &providers->list[i]->streams[j];
}

bool work_read_maps(struct work *w, struct mongo *mongo, struct err *err)
{
    arena_auto scratch = {0};
    for (size_t i = 0; i < w->stream_count; i++)
        if (!maps_read(mongo, w->streams[i].stream, &scratch, &w->streams[i].map, err))
            return false;
    return true;
}

bool work_sort(struct work *w, struct err *err)
{
    return intake_sort(&w->intake, w->topic, w->streams, w->stream_count, err);
}

/* After a failed attempt: wait, or give up on anything but ERR_RETRY. */
static bool try_again(struct work *w, const char *step, int *attempt, struct err *err)
{
    struct err why = *err;
    if (err->kind != ERR_RETRY)
        return false;
    err_clear(err);
    return w->caller.wait(w->caller.self, step, &why, ++*attempt, err);
}

static bool go_on(struct work *w, int *attempts, struct err *err)
{
    bool ok = !*attempts || !w->caller.go_on || w->caller.go_on(w->caller.self, *attempts, err);
    *attempts = 0;
    return ok;
}

static void count(struct batch_counts *all, const struct batch_counts *c)
{
    all->pages += c->pages;
    all->late_pages += c->late_pages;
    all->identical_pages += c->identical_pages;
    all->rejected_pages += c->rejected_pages;
    all->records += c->records;
    all->identical_records += c->identical_records;
    all->issues += c->issues;
    all->entities += c->entities;
    all->moves += c->moves;
    all->collisions += c->collisions;
    all->gone += c->gone;
    all->whole_runs += c->whole_runs;
    all->doubtful_runs += c->doubtful_runs;
}

static bool decode(struct page *page, struct arena *arena, struct err *err)
{
    return map_page(page->stream, &page->head, page->body, page->coords, arena, &page->decoded,
                    err);
}

bool work_write(struct work *w, struct err *err)
{
    struct intake *in = &w->intake;
    struct batch *b = batch_new(w->store, decode, in->pages, in->page_count, &in->arena);
    int attempts = 0;
    while (!batch_is_done(b)) {
        const char *step = batch_next_step(b);
        if (batch_step(b, err)) {
            if (!go_on(w, &attempts, err))
                return false;
        } else if (!try_again(w, step, &attempts, err)) {
            return err->kind == ERR_NONE ? false : err_wrap(err, "%s", step);
        }
    }
    count(&w->counts, batch_counted(b));
    intake_collect_rejects(in);
    return true;
}

bool work_reject(struct work *w, struct err *err)
{
    int attempts = 0;
    for (size_t i = 0; i < w->intake.reject_count;)
        if (w->caller.reject(w->caller.self, &w->intake.rejects[i], err))
            i++;
        else if (!try_again(w, "send rejects", &attempts, err))
            return false;
    return go_on(w, &attempts, err);
}
