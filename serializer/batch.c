/* SPDX-License-Identifier: MIT */
#include "serializer/batch.h"

#include "common/index.h"
#include "serializer/apply.h"
#include "serializer/judge.h"
#include "serializer/runs.h"

/* The story in batch.h, in order. */
enum step {
    READ_LINKS,
    RAISE_LINKS,
    READ_MARKS,
    DECODE,
    LOOK,
    APPLY,
    WRITE_ISSUES,
    READ_AGAIN,
    TAKE_BACK,
    APPLY_AGAIN,
    WRITE_MARKS,
    END_RUNS,
    TELL_LINKS,
    DONE,
};

static const char *const step_names[] = {
    [READ_LINKS] = "read links",          [RAISE_LINKS] = "raise links",
    [READ_MARKS] = "read marks",          [DECODE] = "decode pages",
    [LOOK] = "look at sources",           [APPLY] = "write entities",
    [WRITE_ISSUES] = "write issues",      [READ_AGAIN] = "read links again",
    [TAKE_BACK] = "look at late sources", [APPLY_AGAIN] = "take back late sources",
    [WRITE_MARKS] = "write marks",        [END_RUNS] = "end runs",
    [TELL_LINKS] = "close links",         [DONE] = "done",
};

/* A link of this batch. */
struct link {
    struct link_state state;
    const struct stream *stream;
    const struct page_head *head; /* of one of its pages, the one with the greatest gen */
    struct key_set listed;        /* by the line's run; read when first needed */
    struct whole listed_line;
};

struct batch {
    const struct store *store;
    batch_decode *decode;
    struct page *pages;
    size_t count;
    struct arena *arena;
    enum step step;
    size_t at; /* the page or link that a step goes on with */

    struct link *links;
    size_t link_count;
    struct apply *applies; /* one for each model in the batch */
    size_t apply_count;
    struct runs *runs;
    struct batch_counts counts;
};

static struct whole line_of(const struct batch *b, const struct page *p)
{
    const struct link *link = &b->links[p->link];
    return fence_line(&link->state, pages_shift(&link->stream->pages));
}

static void list_models(struct batch *b)
{
    b->applies = ARENA_ARRAY(b->arena, struct apply, b->count);
    for (size_t i = 0; i < b->count; i++) {
        const struct model *m = b->pages[i].stream->model;
        size_t known = 0;
        while (known < b->apply_count && b->applies[known].model != m)
            known++;
        if (known == b->apply_count)
            b->applies[b->apply_count++] =
                (struct apply){.store = b->store, .arena = b->arena, .model = m};
    }
}

static void list_links(struct batch *b)
{
    struct index by_id;
    index_init(&by_id, b->arena, b->count);
    b->links = ARENA_ARRAY(b->arena, struct link, b->count);
    for (size_t i = 0; i < b->count; i++) {
        struct page *p = &b->pages[i];
        p->link = (size_t)index_put(&by_id, p->head.link, (int64_t)b->link_count);
        struct link *link = &b->links[p->link];
        if (p->link == b->link_count) {
            b->link_count++;
            *link = (struct link){.stream = p->stream, .head = &p->head};
            link->state.id = p->head.link;
        }
        if (p->head.gen > link->head->gen)
            link->head = &p->head;
    }
}

static bool read_link_states(struct batch *b, struct err *err)
{
    struct str *ids = ARENA_ARRAY(b->arena, struct str, b->link_count);
    struct link_state *states = ARENA_ARRAY(b->arena, struct link_state, b->link_count);
    for (size_t i = 0; i < b->link_count; i++)
        ids[i] = b->links[i].state.id;
    if (!b->store->links_read(b->store->self, ids, b->link_count, b->arena, states, err))
        return false;
    for (size_t i = 0; i < b->link_count; i++)
        b->links[i].state = states[i];
    return true;
}

static bool read_links(struct batch *b, struct err *err)
{
    if (!read_link_states(b, err))
        return false;
    b->at = 0;
    b->step = RAISE_LINKS;
    return true;
}

/* A rebuilt database does not know its links yet; and no gen may ever be given out twice. */
static bool raise_links(struct batch *b, struct err *err)
{
    for (; b->at < b->link_count; b->at++) {
        struct link *link = &b->links[b->at];
        if (link->state.exists && link->state.gen >= link->head->gen)
            continue;
        if (!b->store->link_raise(b->store->self, link->head->stream, link->head->link,
                                  link->head->params, link->head->gen, err))
            return false;
        link->state.exists = true;
        link->state.gen = link->head->gen;
    }
    b->step = READ_MARKS;
    return true;
}

static void judge(const struct batch *b, struct page *p)
{
    struct whole line = line_of(b, p);
    judge_page(p, &b->links[p->link].state, &line);
}

static void judge_pages(struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct page *p = &b->pages[i];
        judge(b, p);
        b->counts.pages++;
        b->counts.late_pages += p->verdict == PAGE_LATE;
        if (p->verdict == PAGE_NEWS && p->body.len) {
            p->rejected = true;
            p->reason = p->head.error;
        }
        if (p->verdict != PAGE_IDENTICAL)
            continue;
        b->counts.identical_pages++;
        b->counts.identical_records += (int64_t)p->before.key_count;
    }
}

/* Of each page, what stands for it in this run and in the whole run before. */
static bool read_marks(struct batch *b, struct err *err)
{
    struct mark *marks = ARENA_ARRAY(b->arena, struct mark, b->count * 2);
    for (size_t i = 0; i < b->count; i++) {
        struct page *p = &b->pages[i];
        p->mark = judge_mark(p);
        marks[i * 2] =
            (struct mark){.link = p->head.link, .run = p->head.run, .page = p->head.page};
        marks[i * 2 + 1] = marks[i * 2];
        marks[i * 2 + 1].run = b->links[p->link].state.complete.run;
    }
    if (!b->store->marks_read(b->store->self, marks, b->count * 2, b->arena, err))
        return false;
    for (size_t i = 0; i < b->count; i++) {
        b->pages[i].own = marks[i * 2];
        b->pages[i].before = marks[i * 2 + 1];
    }
    judge_look_back(b->pages, b->count, b->arena);
    judge_pages(b);
    b->at = 0;
    b->step = DECODE;
    return true;
}

static void count_records(struct batch *b, const struct page *p)
{
    if (p->verdict != PAGE_APPLY)
        return;
    b->counts.records += (int64_t)p->decoded.count;
    b->counts.issues += (int64_t)p->decoded.issue_count;
}

/* A late page was set aside when it was not late. */
static void give_up(struct batch *b, struct page *p, const struct err *err)
{
    p->rejected = p->verdict == PAGE_APPLY;
    p->verdict = p->rejected ? PAGE_BAD : PAGE_SEEN;
    p->reason = arena_copy(b->arena, str_of(err->text));
    b->counts.rejected_pages += p->rejected;
    struct page *twin = judge_next_twin(p, b->pages, b->count);
    if (twin)
        judge(b, twin);
}

static bool decode_pages(struct batch *b, struct err *err)
{
    for (; b->at < b->count; b->at++) {
        struct page *p = &b->pages[b->at];
        if (p->verdict != PAGE_APPLY && p->verdict != PAGE_LATE)
            continue;
        if (b->decode(p, b->arena, err)) {
            judge_records(p, b->arena);
            count_records(b, p);
        } else if (err->kind == ERR_REJECT) {
            give_up(b, p, err);
            err_clear(err);
        } else {
            return false;
        }
    }
    b->at = 0;
    b->step = LOOK;
    return true;
}

/* Stored sources by link and key. */
struct stored {
    struct index by_source;
    struct source **sources;
    size_t count;
};

static struct str source_id(const struct source *s, struct arena *arena)
{
    const struct str parts[] = {s->link, STR("\x1f"), s->key};
    return arena_join(arena, parts, sizeof parts / sizeof *parts);
}

static const struct source *stored_one(const struct stored *stored, const struct source *s,
                                       struct arena *arena)
{
    int64_t at = stored->count ? index_get(&stored->by_source, source_id(s, arena)) : -1;
    return at < 0 ? NULL : stored->sources[at];
}

/* Whose stored sources a step wants to see: of pages that may skip, or of late ones. */
static bool wants_look(const struct page *p, bool again)
{
    if (again)
        return p->verdict == PAGE_APPLY && p->became_late;
    return p->verdict == PAGE_LATE || (p->verdict == PAGE_APPLY && p->may_skip);
}

static struct want records_wanted(const struct batch *b, const struct model *m, bool again)
{
    size_t total = 0;
    for (size_t i = 0; i < b->count; i++)
        total += b->pages[i].decoded.count;
    struct source *sources = ARENA_ARRAY(b->arena, struct source, total);
    size_t used = 0;
    for (size_t i = 0; i < b->count; i++) {
        const struct page *p = &b->pages[i];
        for (size_t j = 0;
             p->stream->model == m && wants_look(p, again) && j < p->decoded.count; j++)
            sources[used++] = p->decoded.records[j];
    }
    return (struct want){.sources = sources, .source_count = used};
}

/* What is stored now of those records, without fields. */
static bool look_at(const struct batch *b, const struct model *m, bool again,
                    struct stored *out, struct err *err)
{
    struct want want = records_wanted(b, m, again);
    struct entity *entities = NULL;
    size_t count = 0;
    if (want.source_count &&
        !b->store->entities_read(b->store->self, m, &want, b->arena, &entities, &count, err))
        return false;
    size_t total = 0;
    for (size_t e = 0; e < count; e++)
        total += entities[e].count;
    *out = (struct stored){.sources = ARENA_ARRAY(b->arena, struct source *, total)};
    index_init(&out->by_source, b->arena, total);
    for (size_t e = 0; e < count; e++)
        for (size_t i = 0; i < entities[e].count; i++) {
            struct source *s = &entities[e].sources[i];
            out->sources[out->count] = s;
            index_put(&out->by_source, source_id(s, b->arena), (int64_t)out->count++);
        }
    return true;
}

/*
 * What the line's run listed. The link may move on meanwhile; then its old marks are gone and
 * ERR_RETRY sends us to the new line.
 */
static bool read_listed(struct batch *b, struct link *link, struct err *err)
{
    struct whole line = fence_line(&link->state, pages_shift(&link->stream->pages));
    if (link->listed_line.gen == line.gen && link->listed_line.map == line.map)
        return true;
    if (!runs_listed(b->store, link->state.id, &line, b->arena, &link->listed, err)) {
        struct err stale = {0};
        if (err->kind == ERR_RETRY)
            (void)!read_link_states(
                b, &stale); /* the next try sees the new line, or is a retry again */
        return false;
    }
    link->listed_line = line;
    return true;
}

/*
 * Sources that a late page's records left behind, and that the line's run did not list, are
 * gone.
 */
static bool take_back(struct batch *b, const struct page *p, const struct stored *stored,
                      struct apply *apply, int64_t *in_out_gone, struct err *err)
{
    struct link *link = &b->links[p->link];
    for (size_t i = 0; i < p->decoded.count; i++) {
        const struct source *s = stored_one(stored, &p->decoded.records[i], b->arena);
        if (!s || s->gone || s->version.gen > line_of(b, p).gen)
            continue;
        if (!read_listed(b, link, err))
            return false;
        if (!fence_is_gone(&link->listed_line, &link->listed, s))
            continue;
        struct source stone = fence_tombstone(&link->listed_line, s);
        stone.trace = p->head.trace;
        apply_add(apply, &stone);
        ++*in_out_gone;
    }
    return true;
}

/* Records that are not identical go to be written, and only they stay in the page. */
static void add_records(struct batch *b, struct page *p, const struct stored *stored,
                        struct apply *apply)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->decoded.count; i++) {
        struct source *record = &p->decoded.records[i];
        if (p->may_skip &&
            fence_is_identical(&p->before, stored_one(stored, record, b->arena), record)) {
            b->counts.identical_records++;
            continue;
        }
        apply_add(apply, record);
        p->decoded.records[kept++] = *record;
    }
    p->decoded.count = kept;
}

/* One model a step. `again`: after the writes, only for what became late. */
static bool look(struct batch *b, bool again, enum step next, struct err *err)
{
    if (b->at == b->apply_count) {
        b->at = 0;
        b->step = next;
        return true;
    }
    struct apply *apply = &b->applies[b->at];
    struct stored stored;
    int64_t gone = 0; /* counted when the step is through: a retry begins it again */
    if (!look_at(b, apply->model, again, &stored, err))
        return false;
    for (size_t i = 0; i < b->count; i++) {
        struct page *p = &b->pages[i];
        if (p->stream->model != apply->model)
            continue;
        bool is_late =
            again ? p->became_late && p->verdict == PAGE_APPLY : p->verdict == PAGE_LATE;
        if (is_late && !take_back(b, p, &stored, apply, &gone, err))
            return false;
        if (!again && p->verdict == PAGE_APPLY)
            add_records(b, p, &stored, apply);
    }
    b->counts.gone += gone;
    b->at++;
    return true;
}

static bool apply_all(struct batch *b, enum step next, struct err *err)
{
    for (size_t i = 0; i < b->apply_count; i++)
        if (!apply_is_done(&b->applies[i]))
            return apply_step(&b->applies[i], err);
    b->at = 0;
    b->step = next;
    return true;
}

static bool write_issues(struct batch *b, struct err *err)
{
    for (; b->at < b->count; b->at++) {
        struct page *p = &b->pages[b->at];
        if (p->verdict != PAGE_APPLY || !p->decoded.count)
            continue;
        if (!b->store->issues_write(b->store->self, p->stream, p->head.link, &p->decoded, err))
            return false;
    }
    b->step = READ_AGAIN;
    return true;
}

/* The lines may have moved on while we wrote. */
static bool read_again(struct batch *b, struct err *err)
{
    struct mark *own = ARENA_ARRAY(b->arena, struct mark, b->count);
    for (size_t i = 0; i < b->count; i++)
        own[i] = (struct mark){.link = b->pages[i].mark.link,
                               .run = b->pages[i].mark.run,
                               .page = b->pages[i].mark.page};
    if (!read_link_states(b, err) ||
        !b->store->marks_read(b->store->self, own, b->count, b->arena, err))
        return false;
    for (size_t i = 0; i < b->count; i++) {
        struct page *p = &b->pages[i];
        struct whole line = line_of(b, p);
        bool wrote = p->verdict == PAGE_APPLY || p->verdict == PAGE_IDENTICAL;
        p->became_late = wrote && fence_is_late(&line, &p->mark, &own[i]);
    }
    b->at = 0;
    b->step = TAKE_BACK;
    return true;
}

static bool write_marks(struct batch *b, struct err *err)
{
    struct mark *marks = ARENA_ARRAY(b->arena, struct mark, b->count);
    size_t used = 0;
    for (size_t i = 0; i < b->count; i++) {
        const struct page *p = &b->pages[i];
        if ((p->verdict != PAGE_APPLY && p->verdict != PAGE_IDENTICAL) || p->became_late)
            continue;
        marks[used++] = p->mark;
    }
    if (used && !b->store->marks_write(b->store->self, marks, used, err))
        return false;
    b->step = END_RUNS;
    return true;
}

static void open_runs(struct batch *b)
{
    b->runs = runs_new(b->store, b->arena);
    for (size_t i = 0; i < b->count; i++) {
        const struct page *p = &b->pages[i];
        const struct link *link = &b->links[p->link];
        bool is_marked = (p->verdict == PAGE_APPLY || p->verdict == PAGE_IDENTICAL ||
                          p->verdict == PAGE_SEEN) &&
                         !p->became_late;
        runs_add(b->runs, link->stream, link->state.id, is_marked ? p->head.run : 0,
                 p->head.trace);
    }
}

static bool end_runs(struct batch *b, struct err *err)
{
    if (!b->runs)
        open_runs(b);
    if (!runs_is_done(b->runs))
        return runs_step(b->runs, err);
    b->counts.gone += runs_gone_count(b->runs);
    b->counts.whole_runs += runs_whole_count(b->runs);
    b->counts.doubtful_runs += runs_doubtful_count(b->runs);
    b->at = 0;
    b->step = TELL_LINKS;
    return true;
}

static struct link_news news_of(const struct page *p)
{
    struct link_news news = {.link = p->head.link,
                             .stream = p->head.stream,
                             .params = p->head.params,
                             .gen = p->head.gen,
                             .kind = NEWS_PROGRESS,
                             .status = p->head.status,
                             .error = p->head.error,
                             .outcome = str_of(outcome_name(p->head.outcome))};
    if (p->verdict == PAGE_BAD) {
        news.kind = NEWS_FAILED;
        news.outcome = STR(OUTCOME_REJECTED);
        news.error = p->reason;
    } else if (p->head.outcome == OUTCOME_FAILED) {
        news.kind = NEWS_FAILED;
    } else if (p->head.outcome == OUTCOME_DEFERRED) {
        news.kind = NEWS_DEFERRED;
        news.page = p->head.page;
        news.seen = p->head.seen;
        news.cursor = p->head.cursor;
        news.retry_at_ms = p->head.retry_at_ms;
    }
    return news;
}

/* Failures and waits by page; progress once for each link. */
static bool tell_links(struct batch *b, struct err *err)
{
    for (; b->at < b->count; b->at++) {
        const struct page *p = &b->pages[b->at];
        struct link_news news = news_of(p);
        bool is_last_of_link = b->links[p->link].head == &p->head;
        if (news.kind == NEWS_PROGRESS && !(is_last_of_link && p->verdict != PAGE_LATE))
            continue;
        if (!b->store->link_news(b->store->self, &news, err))
            return false;
    }
    for (size_t i = 0; i < b->apply_count; i++) {
        b->counts.entities += b->applies[i].written;
        b->counts.moves += b->applies[i].moves;
        b->counts.collisions += b->applies[i].collisions;
    }
    b->step = DONE;
    return true;
}

struct batch *batch_new(const struct store *store, batch_decode *decode, struct page *pages,
                        size_t count, struct arena *arena)
{
    struct batch *b = ARENA_NEW(arena, struct batch);
    *b = (struct batch){
        .store = store, .decode = decode, .pages = pages, .count = count, .arena = arena};
    list_links(b);
    list_models(b);
    b->step = count ? READ_LINKS : DONE;
    return b;
}

bool batch_step(struct batch *b, struct err *err)
{
    switch (b->step) {
    case READ_LINKS:
        return read_links(b, err);
    case RAISE_LINKS:
        return raise_links(b, err);
    case READ_MARKS:
        return read_marks(b, err);
    case DECODE:
        return decode_pages(b, err);
    case LOOK:
        return look(b, false, APPLY, err);
    case APPLY:
        return apply_all(b, WRITE_ISSUES, err);
    case WRITE_ISSUES:
        return write_issues(b, err);
    case READ_AGAIN:
        return read_again(b, err);
    case TAKE_BACK:
        return look(b, true, APPLY_AGAIN, err);
    case APPLY_AGAIN:
        return apply_all(b, WRITE_MARKS, err);
    case WRITE_MARKS:
        return write_marks(b, err);
    case END_RUNS:
        return end_runs(b, err);
    case TELL_LINKS:
        return tell_links(b, err);
    case DONE:
        break;
    }
    return true;
}

bool batch_is_done(const struct batch *b)
{
    return b->step == DONE;
}

const char *batch_next_step(const struct batch *b)
{
    return step_names[b->step];
}

const struct batch_counts *batch_counted(const struct batch *b)
{
    return &b->counts;
}
