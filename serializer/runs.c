/* SPDX-License-Identifier: MIT */
#include "serializer/runs.h"

#include "serializer/apply.h"

enum step {
    /* for each run */
    RUN_CHECK, /* are all its pages marked? */
    RUN_LINK, /* read the link before the marks: then a write that another one overtook is refused */
    RUN_MARKS,
    RUN_WRITE,
    RUN_NEWS,
    /* for each link */
    LINK_READ,
    LINK_NEWS,
    SWEEP_LISTED,
    SWEEP_BEFORE,
    SWEEP_SCAN,
    SWEEP_APPLY,
    SWEEP_WRITE,
    SWEEP_DROP,
};

struct item {
    const struct stream *stream;
    struct str link;
    int64_t run;      /* 0: only the link */
    struct str trace; /* of the page that led here */
};

struct runs {
    const struct store *store;
    struct arena *arena;
    struct item *items;
    size_t count, room;
    struct item *links;
    size_t link_count, link_room;
    size_t at; /* the item under way, then the link */
    bool at_links;
    enum step step;

    struct link_state was, is;
    struct link_news news;
    struct key_set listed;
    struct apply apply;
    int64_t gone, whole, doubtful;
};

struct runs *runs_new(const struct store *store, struct arena *arena)
{
    struct runs *r = ARENA_NEW(arena, struct runs);
    *r = (struct runs){.store = store, .arena = arena};
    return r;
}

void runs_add(struct runs *r, const struct stream *stream, struct str link, int64_t run,
              struct str trace)
{
    bool is_known = false;
    for (size_t i = 0; i < r->link_count && !is_known; i++)
        is_known = str_eq(r->links[i].link, link);
    if (!is_known)
        *ARENA_PUSH(r->arena, r->links, r->link_count, r->link_room) =
            (struct item){stream, link, 0, trace};
    if (!run)
        return;
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i].run == run && str_eq(r->items[i].link, link))
            return;
    *ARENA_PUSH(r->arena, r->items, r->count, r->room) =
        (struct item){stream, link, run, trace};
}

/* Out of runs, the links follow. */
static void settle(struct runs *r)
{
    if (!r->at_links && r->at == r->count) {
        r->at_links = true;
        r->at = 0;
        r->step = LINK_READ;
    }
}

static bool next_item(struct runs *r)
{
    r->at++;
    r->step = r->at_links ? LINK_READ : RUN_CHECK;
    settle(r);
    return true;
}

bool runs_is_done(const struct runs *r)
{
    return r->at_links ? r->at == r->link_count : r->count == 0 && r->link_count == 0;
}

static const struct item *item_now(const struct runs *r)
{
    return r->at_links ? &r->links[r->at] : &r->items[r->at];
}

static bool shifts(const struct runs *r)
{
    return pages_shift(&item_now(r)->stream->pages);
}

static bool read_link(struct runs *r, enum step next, struct err *err)
{
    if (!r->store->links_read(r->store->self, &item_now(r)->link, 1, r->arena, &r->was, err))
        return false;
    r->is = r->was;
    r->step = next;
    return true;
}

static bool check_run(struct runs *r, struct err *err)
{
    bool is_marked;
    if (!r->store->run_is_marked(r->store->self, item_now(r)->link, item_now(r)->run,
                                 &is_marked, err))
        return false;
    if (!is_marked)
        return next_item(r);
    r->step = RUN_LINK;
    return true;
}

static void make_news(struct runs *r, const struct whole *whole, enum run_state state,
                      const struct mark *marks, size_t count)
{
    r->news = (struct link_news){.link = item_now(r)->link,
                                 .stream = item_now(r)->stream->name,
                                 .gen = whole->gen,
                                 .kind = state == RUN_DOUBTFUL ? NEWS_AGAIN : NEWS_DONE,
                                 .pages = (int64_t)count};
    r->news.outcome = state == RUN_DOUBTFUL  ? STR("doubtful")
                      : state == RUN_REJECTS ? STR(OUTCOME_REJECTS)
                                             : STR("ok");
    int64_t rejects = 0;
    for (size_t i = 0; i < count; i++) {
        r->news.records += (int64_t)marks[i].key_count;
        rejects += marks[i].rejects;
    }
    if (state == RUN_REJECTS)
        r->news.error = arena_format(
            r->arena, "%lld records were set aside: see muster.rejects", (long long)rejects);
    if (state == RUN_DOUBTFUL)
        r->news.error = STR("the listing changed while it was read: reading it again");
}

static bool judge_run(struct runs *r, struct err *err)
{
    const struct item *item = item_now(r);
    struct mark *marks;
    size_t count;
    if (!r->store->run_marks(r->store->self, item->link, item->run, r->arena, &marks, &count,
                             err))
        return false;
    struct whole whole;
    enum run_state state = fence_run_state(marks, count, r->arena, &whole);
    if (state == RUN_OPEN)
        return next_item(r);
    make_news(r, &whole, state, marks, count);
    r->doubtful += state == RUN_DOUBTFUL;
    bool is_new =
        state == RUN_WHOLE && !item->stream->incremental && fence_complete(&r->is, &whole);
    r->whole += is_new;
    r->step = is_new ? RUN_WRITE : RUN_NEWS;
    return true;
}

static bool write_link(struct runs *r, enum step next, enum step again, struct err *err)
{
    bool written;
    if (!r->store->link_write(r->store->self, &r->was, &r->is, &written, err))
        return false;
    r->step = written ? next : again;
    return true;
}

static bool tell_run(struct runs *r, struct err *err)
{
    if (!r->store->link_news(r->store->self, &r->news, err))
        return false;
    return next_item(r);
}

static bool look_after_link(struct runs *r, struct err *err)
{
    if (!read_link(r, LINK_NEWS, err))
        return false;
    if (!r->is.exists)
        return next_item(r);
    return true;
}

/* A writer that crashed between completing the run and closing the link left this to us. */
static bool tell_link(struct runs *r, struct err *err)
{
    if (r->is.complete.gen == r->is.gen && r->is.closed < r->is.gen) {
        struct link_news news = {.link = item_now(r)->link,
                                 .stream = item_now(r)->stream->name,
                                 .gen = r->is.gen,
                                 .kind = NEWS_DONE,
                                 .outcome = STR("ok")};
        if (!r->store->link_news(r->store->self, &news, err))
            return false;
    }
    if (!fence_must_sweep(&r->is, shifts(r)))
        return next_item(r);
    r->step = SWEEP_LISTED;
    return true;
}

bool runs_listed(const struct store *store, struct str link, const struct whole *line,
                 struct arena *arena, struct key_set *out, struct err *err)
{
    struct mark *marks;
    size_t count;
    struct whole found = {0};
    if (!store->run_marks(store->self, link, line->run, arena, &marks, &count, err))
        return false;
    if (fence_run_state(marks, count, arena, &found) == RUN_OPEN)
        return err_set(err, ERR_RETRY, "the marks of run %lld of " STR_FMT " have moved on",
                       (long long)line->run, STR_ARG(link));
    *out = fence_keys(marks, count, arena);
    return true;
}

static bool read_listed(struct runs *r, struct err *err)
{
    struct whole line = fence_line(&r->is, shifts(r));
    r->step = LINK_READ; /* where a retry begins */
    if (!runs_listed(r->store, r->is.id, &line, r->arena, &r->listed, err))
        return false;
    bool follows = r->is.swept.gen > 0 && r->is.swept.gen == line.run - 1;
    r->step = follows && !r->listed.has_strays ? SWEEP_BEFORE : SWEEP_SCAN;
    return true;
}

/*
 * Directly after the run that was swept before, and everything in that one listed again:
 * nothing can be gone.
 */
static bool compare_with_before(struct runs *r, struct err *err)
{
    struct key_set before;
    struct err moved = {0};
    bool is_known = runs_listed(r->store, r->is.id, &r->is.swept, r->arena, &before, &moved);
    if (!is_known && moved.kind != ERR_RETRY) {
        *err = moved;
        return false;
    }
    if (is_known && key_set_covers(&r->listed, &before)) {
        r->is.swept = fence_line(&r->is, shifts(r));
        r->step = SWEEP_WRITE;
    } else {
        r->step = SWEEP_SCAN;
    }
    return true;
}

static bool scan(struct runs *r, struct err *err)
{
    struct whole line = fence_line(&r->is, shifts(r));
    struct source *sources;
    size_t count;
    const struct model *model = item_now(r)->stream->model;
    if (!r->store->sources_of_link(r->store->self, model, r->is.id, line.gen, r->arena,
                                   &sources, &count, err))
        return false;
    r->apply = (struct apply){.store = r->store, .arena = r->arena, .model = model};
    for (size_t i = 0; i < count; i++) {
        if (!fence_is_gone(&line, &r->listed, &sources[i]))
            continue;
        struct source stone = fence_tombstone(&line, &sources[i]);
        stone.trace = item_now(r)->trace;
        apply_add(&r->apply, &stone);
        r->gone++;
    }
    r->step = SWEEP_APPLY;
    return true;
}

static bool apply_gone(struct runs *r, struct err *err)
{
    if (!apply_is_done(&r->apply))
        return apply_step(&r->apply, err);
    r->is.swept = fence_line(&r->is, shifts(r));
    r->step = SWEEP_WRITE;
    return true;
}

static bool drop_marks(struct runs *r, struct err *err)
{
    if (!r->store->marks_drop(r->store->self, r->is.id, r->is.swept.run, err))
        return false;
    return next_item(r);
}

bool runs_step(struct runs *r, struct err *err)
{
    settle(r);
    switch (r->step) {
    case RUN_CHECK:
        return check_run(r, err);
    case RUN_LINK:
        return read_link(r, RUN_MARKS, err);
    case RUN_MARKS:
        return judge_run(r, err);
    case RUN_WRITE:
        return write_link(r, RUN_NEWS, RUN_LINK, err);
    case RUN_NEWS:
        return tell_run(r, err);
    case LINK_READ:
        return look_after_link(r, err);
    case LINK_NEWS:
        return tell_link(r, err);
    case SWEEP_LISTED:
        return read_listed(r, err);
    case SWEEP_BEFORE:
        return compare_with_before(r, err);
    case SWEEP_SCAN:
        return scan(r, err);
    case SWEEP_APPLY:
        return apply_gone(r, err);
    case SWEEP_WRITE:
        return write_link(r, SWEEP_DROP, LINK_READ, err);
    case SWEEP_DROP:
        return drop_marks(r, err);
    }
    return true;
}

int64_t runs_gone_count(const struct runs *r)
{
    return r->gone;
}

int64_t runs_whole_count(const struct runs *r)
{
    return r->whole;
}

int64_t runs_doubtful_count(const struct runs *r)
{
    return r->doubtful;
}
