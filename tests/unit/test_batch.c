/* SPDX-License-Identifier: MIT */
/*
 * The batch over a database in memory. A page's body is its records:
 * "a@alpha=red b#s1=blue" are the records a (hostname alpha, note red) and b
 * (serial s1, note blue); "!" is a record that is a reject, "*" a record with
 * an issue; what ends in + is listed only by map 2 and what ends in - only by
 * map 1; the body "?" cannot be decoded. "!a=red" and "?a=red" are right for
 * map 2, and what "!" and "?" are for map 1. The database is shown as "[a=red
 * b=blue] [~c]": two entities, one of two sources, one of a gone one.
 */
#include "cases.h"
#include "sources.h"

#include "serializer/batch.h"

#include "tests/model/memory_store.h"

#include <stdlib.h>

static const struct stream by_cursor = {
    .name = {"p/cursor", 8}, .model = &hosts_model, .pages = {.by = PAGES_CURSOR}};
static const struct stream by_offset = {
    .name = {"p/offset", 8}, .model = &hosts_model, .pages = {.by = PAGES_OFFSET}};
static const struct stream incremental = {.name = {"p/news", 6},
                                          .model = &hosts_model,
                                          .pages = {.by = PAGES_CURSOR},
                                          .incremental = true};

/* Of another model, which looks the same. */
static const struct model things_model = {.name = {"thing", 5},
                                          .collection = {"things", 6},
                                          .fields = hosts_fields,
                                          .field_count = HOST_FIELDS};
static const struct stream of_things = {
    .name = {"p/things", 8}, .model = &things_model, .pages = {.by = PAGES_CURSOR}};

/* A link's first letter says which. */
static const struct stream *stream_of(const char *link)
{
    switch (*link) {
    case 'c':
        return &by_cursor;
    case 'o':
        return &by_offset;
    case 't':
        return &of_things;
    default:
        return &incremental;
    }
}

/* --- pages --- */

static const char marks_of_parts[] = "@#=+-";

static struct str part_after(struct str item, char mark)
{
    struct str rest = item;
    if (!item.len || !memchr(item.ptr, mark, item.len))
        return (struct str){0};
    (void)str_cut(&rest, mark);
    size_t len = 0;
    while (len < rest.len && !memchr(marks_of_parts, rest.ptr[len], sizeof marks_of_parts - 1))
        len++;
    return (struct str){rest.ptr, len};
}

static struct str key_of(struct str item)
{
    size_t len = 0;
    while (len < item.len && !memchr(marks_of_parts, item.ptr[len], sizeof marks_of_parts - 1))
        len++;
    return (struct str){item.ptr, len};
}

static struct value text_or_nothing(struct str text)
{
    return text.len ? value_text(text) : (struct value){0};
}

static struct source record_of(const struct page *page, struct str item, size_t ordinal,
                               struct arena *arena)
{
    struct value *fields = ARENA_ARRAY(arena, struct value, HOST_FIELDS);
    struct str host = part_after(item, '@');
    fields[HOSTNAME] = text_or_nothing(host);
    fields[IP] = text_or_nothing(host.len ? STR("203.0.113.7") : host);
    fields[SERIAL] = text_or_nothing(part_after(item, '#'));
    fields[NOTE] = text_or_nothing(part_after(item, '='));
    struct source s = {.link = page->head.link,
                       .stream = page->head.stream,
                       .key = key_of(item),
                       .version = {.ordinal = (int32_t)ordinal},
                       .page = page->coords,
                       .fields = fields};
    source_hash(&hosts_model, &s);
    return s;
}

static bool is_listed(struct str item, int32_t map)
{
    char last = item.ptr[item.len - 1];
    return last == '+' ? map >= 2 : last != '-' || map < 2;
}

/* Without the mark that says: not by map 1. */
static struct str mended(struct str text, char mark, int32_t map)
{
    bool is_mended = map >= 2 && text.len > 1 && text.ptr[0] == mark;
    return is_mended ? (struct str){text.ptr + 1, text.len - 1} : text;
}

static bool decode(struct page *page, struct arena *arena, struct err *err)
{
    struct decoded *d = &page->decoded;
    if (str_eq(page->body, STR("??")))
        return err_set(err, ERR_FATAL, "out of reach");
    struct str rest = mended(page->body, '?', page->map);
    *d = (struct decoded){.records = ARENA_ARRAY(arena, struct source, rest.len)};
    if (rest.len && rest.ptr[0] == '?')
        return err_set(err, ERR_REJECT, "no JSON");
    for (size_t ordinal = 0; rest.len; ordinal++) {
        struct str item = mended(str_cut(&rest, ' '), '!', page->map);
        if (item.ptr[0] == '!') {
            d->first_reject = d->rejects++
                                  ? d->first_reject
                                  : arena_format(arena, "record %zu: no key", ordinal + 1);
        } else if (is_listed(item, page->map)) {
            d->records[d->count++] = record_of(page, item, ordinal, arena);
            d->issue_count += memchr(item.ptr, '*', item.len) != NULL;
        }
    }
    return true;
}

/* A page as it was published: one row of a story. */
struct said {
    const char *link;
    int64_t gen, run, prev, page;
    bool final;
    const char *body;
    int32_t map; /* 0 means 1 */
    enum outcome outcome;
};

static struct page page_of(const struct said *s)
{
    struct page p = {
        .stream = stream_of(s->link), .map = s->map ? s->map : 1, .body = str_of(s->body)};
    p.coords = (struct coords){.topic = STR("pages"), .offset = s->gen};
    p.head = (struct page_head){.link = str_of(s->link),
                                .stream = p.stream->name,
                                .params = STR("{}"),
                                .gen = s->gen,
                                .run = s->run,
                                .prev = s->prev,
                                .page = s->page,
                                .final = s->final,
                                .outcome = s->outcome,
                                .status = 200};
    uint64_t answer = key_hash(p.body);
    memcpy(p.head.sha256, &answer, sizeof answer);
    return p;
}

/* --- the store, watched --- */

/* Fails at one call: before it is done, or after, so that only the answer is
 * lost. */
struct watch {
    struct store inner;
    struct arena arena;
    int64_t calls, fail_at; /* 0 = never */
    bool is_after;          /* the call was done */
    bool has_failed;
    size_t scans; /* calls of sources_of_link */
    size_t issue_writes;
    struct link_news last; /* news */
    struct str news;       /* all of them: "progress 1 ok, done 1 ok" */
};

static bool watch_fails(struct watch *w, bool is_after, struct err *err)
{
    w->calls += !is_after;
    if (w->calls != w->fail_at || is_after != w->is_after || w->has_failed)
        return false;
    w->has_failed = true;
    return !err_set(err, ERR_RETRY, "away at call %lld", (long long)w->calls);
}

#define WATCH(call)         \
    struct watch *w = self; \
    return !watch_fails(w, false, err) && w->inner.call && !watch_fails(w, true, err)

static bool watch_links_read(void *self, const struct str *ids, size_t count,
                             struct arena *arena, struct link_state *out, struct err *err)
{
    WATCH(links_read(w->inner.self, ids, count, arena, out, err));
}

static bool watch_link_raise(void *self, struct str stream, struct str link, struct str params,
                             int64_t gen, struct err *err)
{
    WATCH(link_raise(w->inner.self, stream, link, params, gen, err));
}

static bool watch_marks_read(void *self, struct mark *in_out, size_t count, struct arena *arena,
                             struct err *err)
{
    WATCH(marks_read(w->inner.self, in_out, count, arena, err));
}

static bool watch_marks_write(void *self, const struct mark *marks, size_t count,
                              struct err *err)
{
    WATCH(marks_write(w->inner.self, marks, count, err));
}

static bool watch_run_is_marked(void *self, struct str link, int64_t run, bool *out_yes,
                                struct err *err)
{
    WATCH(run_is_marked(w->inner.self, link, run, out_yes, err));
}

static bool watch_run_marks(void *self, struct str link, int64_t run, struct arena *arena,
                            struct mark **out, size_t *out_count, struct err *err)
{
    WATCH(run_marks(w->inner.self, link, run, arena, out, out_count, err));
}

static bool watch_marks_drop(void *self, struct str link, int64_t run, struct err *err)
{
    WATCH(marks_drop(w->inner.self, link, run, err));
}

static bool watch_entities_read(void *self, const struct model *m, const struct want *want,
                                struct arena *arena, struct entity **out, size_t *out_count,
                                struct err *err)
{
    WATCH(entities_read(w->inner.self, m, want, arena, out, out_count, err));
}

static bool watch_sources_of_link(void *self, const struct model *m, struct str link,
                                  int64_t gen, struct arena *arena, struct source **out,
                                  size_t *out_count, struct err *err)
{
    ((struct watch *)self)->scans++;
    WATCH(sources_of_link(w->inner.self, m, link, gen, arena, out, out_count, err));
}

static bool watch_entities_write(void *self, const struct model *m,
                                 const struct change *changes, size_t count, enum written *out,
                                 struct err *err)
{
    WATCH(entities_write(w->inner.self, m, changes, count, out, err));
}

static bool watch_issues_write(void *self, const struct stream *stream, struct str link,
                               const struct decoded *decoded, struct err *err)
{
    ((struct watch *)self)->issue_writes++;
    WATCH(issues_write(w->inner.self, stream, link, decoded, err));
}

static bool watch_link_write(void *self, const struct link_state *was,
                             const struct link_state *is, bool *out_written, struct err *err)
{
    WATCH(link_write(w->inner.self, was, is, out_written, err));
}

static bool watch_link_news(void *self, const struct link_news *news, struct err *err)
{
    static const char *const kinds[] = {[NEWS_PROGRESS] = "progress",
                                        [NEWS_DONE] = "done",
                                        [NEWS_AGAIN] = "again",
                                        [NEWS_FAILED] = "failed",
                                        [NEWS_DEFERRED] = "deferred"};
    struct watch *watch = self;
    watch->last = *news;
    watch->last.outcome = arena_copy(&watch->arena, news->outcome);
    watch->last.error = arena_copy(&watch->arena, news->error);
    watch->news = arena_format(&watch->arena, STR_FMT "%s%s %lld " STR_FMT,
                               STR_ARG(watch->news), watch->news.len ? ", " : "",
                               kinds[news->kind], (long long)news->gen, STR_ARG(news->outcome));
    WATCH(link_news(w->inner.self, news, err));
}

static const struct store watch_store = {.links_read = watch_links_read,
                                         .link_raise = watch_link_raise,
                                         .marks_read = watch_marks_read,
                                         .marks_write = watch_marks_write,
                                         .run_is_marked = watch_run_is_marked,
                                         .run_marks = watch_run_marks,
                                         .marks_drop = watch_marks_drop,
                                         .entities_read = watch_entities_read,
                                         .sources_of_link = watch_sources_of_link,
                                         .entities_write = watch_entities_write,
                                         .issues_write = watch_issues_write,
                                         .link_write = watch_link_write,
                                         .link_news = watch_link_news};

/* --- playing --- */

struct play {
    struct memory_store db;
    struct watch watch;
    struct store store;
    struct arena arena;         /* of pages and texts */
    struct batch_counts counts; /* of the newest batch */
    uint64_t dice;
    bool crashes; /* a failure drops the batch, and its pages come again */
};

#define play_auto __attribute__((cleanup(play_close))) struct play

static void play_open(struct play *p)
{
    *p = (struct play){.dice = 1};
    memory_open(&p->db, &hosts_model, &p->dice);
    p->watch.inner = memory_store(&p->db);
    p->store = watch_store;
    p->store.self = &p->watch;
}

static void play_close(struct play *p)
{
    memory_close(&p->db);
    arena_done(&p->watch.arena);
    arena_done(&p->arena);
}

static struct page *pages_of(struct play *p, const struct said *said, size_t count)
{
    struct page *pages = ARENA_ARRAY(&p->arena, struct page, count);
    for (size_t i = 0; i < count; i++)
        pages[i] = page_of(&said[i]);
    return pages;
}

/* Until the batch is done, or comes to this step; a failed step is repeated.
 * False when it shall crash. */
static bool go_on(struct play *p, struct batch *b, const char *until)
{
    for (int i = 0; i < 1000 && !batch_is_done(b) && strcmp(batch_next_step(b), until) != 0;
         i++) {
        struct err err = {0};
        if (batch_step(b, &err))
            continue;
        assert_int_equal(err.kind, ERR_RETRY);
        if (p->crashes)
            return false;
    }
    p->counts = *batch_counted(b);
    return true;
}

/* One batch of these pages, to its end. They are as the batch left them. */
static struct page *take(struct play *p, const struct said *said, size_t count)
{
    for (int i = 0; i < 10; i++) {
        struct page *pages = pages_of(p, said, count);
        struct batch *b = batch_new(&p->store, decode, pages, count, &p->arena);
        if (go_on(p, b, "done")) {
            assert_true(batch_is_done(b));
            return pages;
        }
    }
    fail_msg("a batch crashed too often");
    return NULL;
}

enum { PAGES_MAX = 8 };

/* A run of a link in one batch: "a=1 b=1|c=1" are its two pages. */
static size_t run_of(struct play *p, const char *link, int64_t gen, int64_t prev,
                     const char *bodies, struct said *out)
{
    struct str rest = str_of(bodies);
    size_t count = 0;
    do {
        const char *body = arena_text(&p->arena, str_cut(&rest, '|'));
        out[count] = (struct said){link,          gen,  gen, prev,      (int64_t)count,
                                   rest.len == 0, body, 0,   OUTCOME_OK};
        count++;
    } while (rest.len);
    return count;
}

static struct page *list(struct play *p, const char *link, int64_t gen, int64_t prev,
                         const char *bodies)
{
    struct said said[PAGES_MAX];
    return take(p, said, run_of(p, link, gen, prev, bodies, said));
}

/* --- looking --- */

static int text_cmp(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static struct str join(struct str *texts, size_t count, struct arena *arena)
{
    struct str all = {0};
    if (count > 1)
        qsort(texts, count, sizeof *texts, text_cmp);
    for (size_t i = 0; i < count; i++)
        all = arena_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(all), i ? " " : "",
                           STR_ARG(texts[i]));
    return all;
}

static struct str source_shown(const struct source *s, bool with_version, struct arena *arena)
{
    struct str version =
        with_version
            ? arena_format(arena, ":%lld.%d.%lld.%d", (long long)s->version.gen, s->version.map,
                           (long long)s->version.page, s->version.ordinal)
            : (struct str){0};
    if (s->gone)
        return arena_format(arena, "~" STR_FMT STR_FMT, STR_ARG(s->key), STR_ARG(version));
    return arena_format(arena, STR_FMT "=" STR_FMT STR_FMT, STR_ARG(s->key),
                        STR_ARG(value_str(s->fields[NOTE])), STR_ARG(version));
}

static struct str db_shown(struct play *p, bool with_versions)
{
    struct str *texts = ARENA_ARRAY(&p->arena, struct str, p->db.entity_count);
    for (size_t e = 0; e < p->db.entity_count; e++) {
        const struct entity *entity = &p->db.entities[e];
        struct str *sources = ARENA_ARRAY(&p->arena, struct str, entity->count);
        for (size_t i = 0; i < entity->count; i++)
            sources[i] = source_shown(&entity->sources[i], with_versions, &p->arena);
        texts[e] = arena_format(&p->arena, "[" STR_FMT "]%s",
                                STR_ARG(join(sources, entity->count, &p->arena)),
                                entity->crowded_out ? "!" : "");
    }
    return join(texts, p->db.entity_count, &p->arena);
}

static void assert_db(struct play *p, const char *wanted)
{
    struct str text = db_shown(p, false);
    assert_text(text.ptr, text.len, wanted);
}

static const struct link_state *link_of(struct play *p, const char *id)
{
    const struct memory_link *link = memory_link(&p->db, str_of(id));
    assert_non_null(link);
    return &link->state;
}

static const struct source *source_named(struct play *p, const char *key)
{
    for (size_t e = 0; e < p->db.entity_count; e++)
        for (size_t i = 0; i < p->db.entities[e].count; i++)
            if (str_eq(p->db.entities[e].sources[i].key, str_of(key)))
                return &p->db.entities[e].sources[i];
    fail_msg("nothing is stored of %s", key);
    return NULL;
}

static void assert_news(struct play *p, const char *wanted)
{
    assert_text(p->watch.news.ptr, p->watch.news.len, wanted);
}

/* --- a listing from run to run --- */

static void a_first_run_stores_what_it_lists_and_closes_the_link(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red b=green|c=blue");
    assert_db(&p, "[a=red] [b=green] [c=blue]");
    assert_int_equal(link_of(&p, "c1")->complete.gen, 1);
    assert_int_equal(link_of(&p, "c1")->complete.pages, 2);
    assert_int_equal(link_of(&p, "c1")->swept.gen, 1);
    assert_int_equal(link_of(&p, "c1")->closed, 1);
    assert_news(&p, "done 1 ok, progress 1 ok");
    assert_int_equal(p.counts.pages, 2);
    assert_int_equal(p.counts.records, 3);
    assert_int_equal(p.counts.entities, 3);
    assert_int_equal(p.counts.whole_runs, 1);
    assert_int_equal(p.counts.gone, 0);
}

static void the_news_of_a_whole_run_say_how_much_it_listed(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red b=green|c=blue");
    const struct link_news *last = &memory_link(&p.db, STR("c1"))->last;
    assert_int_equal(last->kind, NEWS_DONE);
    assert_int_equal(last->pages, 2);
    assert_int_equal(last->records, 3);
    assert_true(str_eq(last->stream, STR("p/cursor")));
    assert_int_equal(last->error.len, 0);
}

static void a_record_is_stored_with_its_version_and_its_page(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 3, 0, "a=red|b=green c=blue");
    const struct source *c = source_named(&p, "c");
    assert_int_equal(c->version.gen, 3);
    assert_int_equal(c->version.map, 1);
    assert_int_equal(c->version.page, 1);
    assert_int_equal(c->version.ordinal, 1);
    uint64_t answer = __builtin_bswap64(key_hash(STR("b=green c=blue")));
    assert_int_equal(c->version.answer, answer);
    assert_true(str_eq(c->page.topic, STR("pages")));
    assert_int_equal(c->page.offset, 3);
}

static void an_identical_second_run_writes_nothing(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red b=green|c=blue");
    uint64_t writes = p.db.writes;
    size_t scans = p.watch.scans;
    list(&p, "c1", 2, 1, "a=red b=green|c=blue");
    assert_int_equal(p.db.writes, writes);
    assert_int_equal(p.watch.scans, scans);
    assert_int_equal(p.counts.identical_pages, 2);
    assert_int_equal(p.counts.identical_records, 3);
    assert_int_equal(p.counts.records, 0);
    assert_int_equal(link_of(&p, "c1")->complete.gen, 2);
    assert_int_equal(link_of(&p, "c1")->swept.gen, 2);
    assert_int_equal(link_of(&p, "c1")->closed, 2);
}

static void a_run_that_does_not_follow_a_whole_one_skips_nothing(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red b=green");
    list(&p, "c1", 2, 0, "a=red b=green");
    assert_int_equal(p.counts.identical_records, 0);
    assert_int_equal(p.counts.entities, 2);
    assert_int_equal(source_named(&p, "a")->version.gen, 2);
}

static void only_a_changed_record_is_written(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red b=green|c=blue");
    list(&p, "c1", 2, 1, "a=red b=white|c=blue");
    assert_db(&p, "[a=red] [b=white] [c=blue]");
    assert_int_equal(p.counts.entities, 1);
    assert_int_equal(p.counts.identical_pages, 1);
    assert_int_equal(p.counts.identical_records, 2);
    assert_int_equal(source_named(&p, "a")->version.gen, 1);
    assert_int_equal(source_named(&p, "b")->version.gen, 2);
}

static void a_record_that_moved_to_another_page_is_written_again(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red b=green|c=blue");
    list(&p, "c1", 2, 1, "a=red|b=green c=blue");
    assert_db(&p, "[a=red] [b=green] [c=blue]");
    assert_int_equal(p.counts.entities, 1);
    assert_int_equal(source_named(&p, "b")->version.gen, 2);
    assert_int_equal(source_named(&p, "c")->version.gen, 1);
}

static void a_new_record_among_identical_ones_is_written(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red");
    list(&p, "c1", 2, 1, "a=red|b=green");
    assert_db(&p, "[a=red] [b=green]");
    assert_int_equal(p.counts.entities, 1);
}

static void the_last_of_two_records_with_one_key_on_a_page_stands(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red b=green a=blue");
    assert_db(&p, "[a=blue] [b=green]");
    assert_int_equal(p.counts.records, 2);
    assert_int_equal(link_of(&p, "c1")->complete.twice, false);
}

static void what_a_cursor_no_longer_lists_is_gone_after_one_run(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red b=green|c=blue");
    list(&p, "c1", 2, 1, "a=red|c=blue");
    assert_db(&p, "[a=red] [c=blue] [~b]");
    assert_int_equal(p.counts.gone, 1);
    assert_true(p.watch.scans > 0);
    list(&p, "c1", 3, 2, "a=red|c=blue");
    assert_int_equal(p.counts.gone, 0);
}

static void what_an_offset_no_longer_lists_is_gone_after_two_runs(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "o1", 1, 0, "a=red b=green|c=blue");
    list(&p, "o1", 2, 1, "a=red|c=blue");
    assert_db(&p, "[a=red] [b=green] [c=blue]");
    list(&p, "o1", 3, 2, "a=red|c=blue");
    assert_db(&p, "[a=red] [c=blue] [~b]");
}

static void what_an_offset_missed_once_stays(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "o1", 1, 0, "a=red b=green|c=blue");
    list(&p, "o1", 2, 1, "a=red|c=blue");
    list(&p, "o1", 3, 2, "a=red|b=green c=blue");
    list(&p, "o1", 4, 3, "a=red|b=green c=blue");
    assert_db(&p, "[a=red] [b=green] [c=blue]");
}

static void what_was_gone_comes_back(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red b=green");
    list(&p, "c1", 2, 1, "a=red");
    list(&p, "c1", 3, 2, "a=red b=green");
    assert_db(&p, "[a=red] [b=green]");
}

static void a_listing_that_is_empty_now_makes_everything_gone(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red|b=green");
    list(&p, "c1", 2, 1, "");
    assert_db(&p, "[~a] [~b]");
    assert_int_equal(link_of(&p, "c1")->complete.gen, 2);
}

static void what_one_link_no_longer_lists_lives_on_by_another(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red b=green");
    list(&p, "c2", 1, 0, "a=blue");
    assert_db(&p, "[a=blue a=red] [b=green]");
    list(&p, "c1", 2, 1, "b=green");
    assert_db(&p, "[a=blue ~a] [b=green]");
}

static void a_run_with_a_page_missing_ends_nothing(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red|b=green");
    const struct said second = {"c1", 2, 2, 1, 1, true, "c=blue", 0, OUTCOME_OK};
    take(&p, &second, 1);
    assert_db(&p, "[a=red] [b=green] [c=blue]");
    assert_int_equal(link_of(&p, "c1")->complete.gen, 1);
    assert_int_equal(link_of(&p, "c1")->gen, 2);
    assert_int_equal(link_of(&p, "c1")->closed, 1);
    assert_news(&p, "done 1 ok, progress 1 ok, progress 2 ok");
}

static void pages_in_batches_of_their_own_and_in_any_order_end_the_same(void **state)
{
    (void)state;
    static const size_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
        play_auto p;
        play_open(&p);
        list(&p, "c1", 1, 0, "a@alpha=red|b=green|d=blue");
        struct said said[PAGES_MAX];
        assert_int_equal(run_of(&p, "c1", 2, 1, "a@alpha=red|c@alpha=white|d=black", said), 3);
        for (size_t i = 0; i < 3; i++)
            take(&p, &said[orders[o][i]], 1);
        assert_db(&p, "[a=red c=white] [d=black] [~b]");
        assert_int_equal(link_of(&p, "c1")->complete.gen, 2);
        assert_int_equal(link_of(&p, "c1")->closed, 2);
    }
}

static void a_run_goes_on_in_a_later_gen(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    const struct said first = {"c1", 1, 1, 0, 0, false, "a=red", 0, OUTCOME_OK};
    const struct said second = {"c1", 2, 1, 0, 1, true, "b=green", 0, OUTCOME_OK};
    take(&p, &first, 1);
    take(&p, &second, 1);
    assert_int_equal(link_of(&p, "c1")->complete.run, 1);
    assert_int_equal(link_of(&p, "c1")->complete.gen, 2);
    list(&p, "c1", 3, 2, "a=red|b=green");
    assert_int_equal(p.counts.identical_pages, 2);
}

/* --- doubt --- */

static void a_clean_run_that_lists_a_key_on_two_pages_is_read_again(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red b=green|c=blue");
    list(&p, "c1", 2, 1, "a=red b=green|b=green");
    assert_int_equal(p.counts.doubtful_runs, 1);
    assert_int_equal(p.counts.whole_runs, 0);
    assert_int_equal(link_of(&p, "c1")->complete.gen, 1);
    assert_int_equal(link_of(&p, "c1")->closed, 2);
    assert_int_equal(memory_link(&p.db, STR("c1"))->last.kind, NEWS_AGAIN);
    assert_news(&p, "done 1 ok, progress 1 ok, again 2 doubtful, progress 2 ok");
    assert_db(&p, "[a=red] [b=green] [c=blue]");
}

static void a_run_that_skips_nothing_settles_the_doubt(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red b=green|c=blue");
    list(&p, "c1", 2, 1, "a=red b=green|b=green");
    list(&p, "c1", 3, 1, "a=red b=green|b=white");
    assert_int_equal(link_of(&p, "c1")->complete.gen, 3);
    assert_true(link_of(&p, "c1")->complete.twice);
    assert_db(&p, "[a=red] [b=white] [~c]");
    list(&p, "c1", 4, 3, "a=red b=green");
    assert_int_equal(p.counts.identical_records, 0);
    assert_db(&p, "[a=red] [b=green] [~c]");
}

/* --- rejects and bad pages --- */

static void a_page_with_rejects_is_set_aside_and_its_records_go_through(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red b=green|c=blue");
    struct page *pages = list(&p, "c1", 2, 1, "a=white ! !|c=black");
    assert_true(pages[0].rejected);
    assert_true(str_eq(pages[0].reason, STR("record 2: no key")));
    assert_false(pages[1].rejected);
    assert_db(&p, "[a=white] [b=green] [c=black]");
}

static void a_run_with_rejects_finds_nothing_gone_and_is_not_followed(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red b=green|c=blue");
    list(&p, "c1", 2, 1, "a=red ! !|c=blue !");
    assert_int_equal(link_of(&p, "c1")->complete.gen, 1);
    assert_int_equal(link_of(&p, "c1")->closed, 2);
    const struct link_news *last = &memory_link(&p.db, STR("c1"))->last;
    assert_int_equal(last->kind, NEWS_DONE);
    assert_true(
        str_eq(p.watch.news, STR("done 1 ok, progress 1 ok, done 2 rejects, progress 2 ok")));
    list(&p, "c1", 3, 2, "a=red|c=blue");
    assert_int_equal(p.counts.identical_records, 0);
    assert_db(&p, "[a=red] [c=blue] [~b]");
}

static void the_news_of_a_run_with_rejects_count_them(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red ! !|c=blue !");
    const struct link_news *last = &memory_link(&p.db, STR("c1"))->last;
    assert_text(last->error.ptr, last->error.len,
                "3 records were set aside: see muster.rejects");
}

static void a_page_of_equal_bytes_after_one_with_rejects_is_decoded_again(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red !");
    struct page *pages = list(&p, "c1", 2, 1, "a=red !");
    assert_true(pages[0].rejected);
    assert_int_equal(p.counts.identical_pages, 0);
}

static void a_bad_page_is_set_aside_and_fails_its_gen(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red b=green|c=blue");
    struct page *pages = list(&p, "c1", 2, 1, "a=white|?");
    assert_false(pages[0].rejected);
    assert_true(pages[1].rejected);
    assert_true(str_eq(pages[1].reason, STR("no JSON")));
    assert_int_equal(p.counts.rejected_pages, 1);
    assert_news(&p, "done 1 ok, progress 1 ok, progress 2 ok, failed 2 rejected");
    assert_true(str_eq(p.watch.last.error, STR("no JSON")));
    assert_int_equal(link_of(&p, "c1")->complete.gen, 1);
    assert_int_equal(link_of(&p, "c1")->closed, 2);
    assert_db(&p, "[a=white] [b=green] [c=blue]");
}

static const struct link_news *last_news(struct play *p, const char *link)
{
    return &memory_link(&p->db, str_of(link))->last;
}

static void
rejects_that_a_greater_map_reads_make_their_run_whole_and_close_it_anew(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red b=green|c=blue");
    struct said said[PAGES_MAX];
    size_t count = run_of(&p, "c1", 2, 1, "a=red !d=white|c=blue", said);
    take(&p, said, count);
    assert_true(str_eq(last_news(&p, "c1")->outcome, STR("rejects")));
    take(&p, said, 1);
    assert_true(str_eq(last_news(&p, "c1")->outcome, STR("rejects")));
    said[0].map = 2;
    struct page *pages = take(&p, said, 1);
    assert_false(pages[0].rejected);
    assert_int_equal(link_of(&p, "c1")->complete.gen, 2);
    assert_true(str_eq(last_news(&p, "c1")->outcome, STR("ok")));
    assert_false(memory_link(&p.db, STR("c1"))->wants_again);
    assert_db(&p, "[a=red] [c=blue] [d=white] [~b]");
}

static void
a_bad_page_that_a_greater_map_reads_makes_its_run_whole_and_closes_it_anew(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    struct said said[PAGES_MAX];
    size_t count = run_of(&p, "c1", 1, 0, "a=red|?b=blue", said);
    take(&p, said, count);
    assert_int_equal(last_news(&p, "c1")->kind, NEWS_FAILED);
    said[1].map = 2;
    take(&p, said + 1, 1);
    assert_int_equal(link_of(&p, "c1")->complete.gen, 1);
    assert_int_equal(last_news(&p, "c1")->kind, NEWS_DONE);
    assert_db(&p, "[a=red] [b=blue]");
}

static void a_reject_read_after_the_link_was_claimed_again_closes_nothing(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    struct said said[PAGES_MAX];
    run_of(&p, "c1", 1, 0, "?a=red", said);
    take(&p, said, 1);
    const struct said newer = {"c1", 2, 2, 0, 0, false, "b=blue", 2, OUTCOME_OK};
    take(&p, &newer, 1);
    said[0].map = 2;
    take(&p, said, 1);
    assert_int_equal(link_of(&p, "c1")->complete.gen, 1);
    assert_int_equal(link_of(&p, "c1")->closed, 1);
    assert_int_equal(last_news(&p, "c1")->kind, NEWS_FAILED);
    assert_db(&p, "[a=red] [b=blue]");
}

static void a_reject_of_before_a_whole_run_is_late_and_does_no_harm(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    struct said said[PAGES_MAX];
    run_of(&p, "c1", 1, 0, "?a=red b=green", said);
    take(&p, said, 1);
    list(&p, "c1", 2, 0, "a=white");
    said[0].map = 2;
    struct page *pages = take(&p, said, 1);
    assert_int_equal(p.counts.late_pages, 1);
    assert_false(pages[0].rejected);
    assert_db(&p, "[a=white]");
}

static void a_bad_page_costs_only_its_own_link(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    const struct said said[] = {{"c1", 1, 1, 0, 0, true, "?", 0, OUTCOME_OK},
                                {"c2", 1, 1, 0, 0, true, "a=red", 0, OUTCOME_OK}};
    take(&p, said, 2);
    assert_db(&p, "[a=red]");
    assert_int_equal(link_of(&p, "c1")->complete.gen, 0);
    assert_int_equal(link_of(&p, "c2")->complete.gen, 1);
}

static void a_late_page_that_is_bad_is_not_set_aside_twice(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 2, 0, "a=red");
    struct page *pages = list(&p, "c1", 1, 0, "?");
    assert_false(pages[0].rejected);
    assert_int_equal(link_of(&p, "c1")->closed, 2);
    assert_int_equal(p.counts.rejected_pages, 0);
}

static void a_good_answer_after_a_bad_one_counts_in_one_batch_as_in_two(void **state)
{
    (void)state;
    const struct said said[] = {{"c1", 1, 1, 0, 0, true, "?", 0, OUTCOME_OK},
                                {"c1", 1, 1, 0, 0, true, "a=red", 0, OUTCOME_OK}};
    play_auto together;
    play_auto apart;
    play_open(&together);
    play_open(&apart);
    take(&together, said, 2);
    take(&apart, &said[0], 1);
    take(&apart, &said[1], 1);
    assert_int_equal(link_of(&together, "c1")->complete.gen,
                     link_of(&apart, "c1")->complete.gen);
    struct str wanted = db_shown(&apart, true);
    struct str text = db_shown(&together, true);
    assert_text(text.ptr, text.len, arena_text(&apart.arena, wanted));
}

/* --- pages without records --- */

static void a_deferred_page_tells_where_to_go_on(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    const struct said said = {"c1", 1, 1, 0, 2, false, "", 0, OUTCOME_DEFERRED};
    struct page *page = pages_of(&p, &said, 1);
    page->head.status = 429;
    page->head.error = STR("slow down");
    page->head.cursor = STR("next");
    page->head.seen = 40;
    page->head.retry_at_ms = 99000;
    struct batch *b = batch_new(&p.store, decode, page, 1, &p.arena);
    assert_true(go_on(&p, b, "done"));
    const struct link_news *news = &p.watch.last;
    assert_news(&p, "deferred 1 deferred");
    assert_true(str_eq(news->link, STR("c1")));
    assert_true(str_eq(news->stream, STR("p/cursor")));
    assert_true(str_eq(news->params, STR("{}")));
    assert_int_equal(news->status, 429);
    assert_true(str_eq(news->error, STR("slow down")));
    assert_int_equal(news->page, 2);
    assert_true(str_eq(news->cursor, STR("next")));
    assert_int_equal(news->seen, 40);
    assert_int_equal(news->retry_at_ms, 99000);
    assert_false(page->rejected);
    assert_db(&p, "");
}

static void a_failed_page_fails_its_gen(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    const struct said said = {"c1", 1, 1, 0, 2, false, "", 0, OUTCOME_FAILED};
    struct page *page = pages_of(&p, &said, 1);
    page->head.status = 500;
    page->head.error = STR("500: sorry");
    struct batch *b = batch_new(&p.store, decode, page, 1, &p.arena);
    assert_true(go_on(&p, b, "done"));
    assert_news(&p, "failed 1 failed");
    assert_int_equal(p.watch.last.status, 500);
    assert_true(str_eq(p.watch.last.error, STR("500: sorry")));
    assert_false(page->rejected);
    assert_int_equal(link_of(&p, "c1")->closed, 1);
}

static void a_failed_page_with_a_body_is_set_aside(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    const struct said said = {"c1", 1, 1, 0, 2, true, "a=red", 0, OUTCOME_FAILED};
    struct page *page = pages_of(&p, &said, 1);
    page->head.error = STR("cut off");
    struct batch *b = batch_new(&p.store, decode, page, 1, &p.arena);
    assert_true(go_on(&p, b, "done"));
    assert_true(page->rejected);
    assert_true(str_eq(page->reason, STR("cut off")));
    assert_db(&p, "");
    assert_int_equal(link_of(&p, "c1")->complete.gen, 0);
}

static void a_failed_page_is_no_page_of_the_run(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    const struct said said[] = {{"c1", 1, 1, 0, 0, true, "", 0, OUTCOME_FAILED},
                                {"c1", 1, 1, 0, 0, true, "a=red", 0, OUTCOME_OK}};
    take(&p, said, 2);
    assert_db(&p, "[a=red]");
    assert_int_equal(link_of(&p, "c1")->complete.gen, 1);
}

/* --- a page counts once, and what is late is late --- */

static void a_page_that_comes_again_is_seen(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red|b=green");
    uint64_t writes = p.db.writes;
    list(&p, "c1", 1, 0, "a=red|b=green");
    assert_int_equal(p.db.writes, writes);
    assert_int_equal(p.counts.records, 0);
    assert_int_equal(p.counts.late_pages, 0);
}

static void the_first_answer_of_a_page_stands(void **state)
{
    (void)state;
    const struct said said[] = {{"c1", 1, 1, 0, 0, false, "a=red", 0, OUTCOME_OK},
                                {"c1", 1, 1, 0, 0, false, "a=blue b=blue", 0, OUTCOME_OK}};
    play_auto together;
    play_auto apart;
    play_open(&together);
    play_open(&apart);
    take(&together, said, 2);
    take(&apart, &said[0], 1);
    take(&apart, &said[1], 1);
    assert_db(&together, "[a=red]");
    assert_db(&apart, "[a=red]");
}

static void a_page_below_the_line_writes_nothing(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 2, 0, "a=red");
    uint64_t writes = p.db.writes;
    list(&p, "c1", 1, 0, "a=blue b=blue");
    assert_db(&p, "[a=red]");
    assert_int_equal(p.db.writes, writes);
    assert_int_equal(p.counts.late_pages, 1);
    assert_int_equal(link_of(&p, "c1")->complete.gen, 2);
    assert_int_equal(link_of(&p, "c1")->before.gen, 0);
}

static bool is_marked(const struct play *p, int64_t run)
{
    for (size_t i = 0; i < p->db.mark_count; i++)
        if (p->db.marks[i].run == run)
            return true;
    return false;
}

/* Begins a batch of one page and stops before its writes. */
static struct batch *begin(struct play *p, const struct said *said)
{
    struct batch *b = batch_new(&p->store, decode, pages_of(p, said, 1), 1, &p->arena);
    assert_true(go_on(p, b, "write entities"));
    return b;
}

static void what_became_late_while_it_was_written_is_taken_back(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    const struct said old = {"c1", 1, 1, 0, 0, true, "a=old x=old", 0, OUTCOME_OK};
    struct batch *slow = begin(&p, &old);
    list(&p, "c1", 2, 0, "a=new");
    assert_db(&p, "[a=new]");
    assert_true(go_on(&p, slow, "read links again"));
    assert_db(&p, "[a=new] [x=old]");
    assert_true(go_on(&p, slow, "done"));
    assert_db(&p, "[a=new] [~x]");
    assert_int_equal(p.counts.gone, 1);
    assert_false(is_marked(&p, 1));
    assert_int_equal(link_of(&p, "c1")->complete.gen, 2);
    assert_int_equal(link_of(&p, "c1")->before.gen, 0);
}

static void a_late_page_takes_back_what_a_writer_left_that_crashed(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    const struct said old = {"c1", 1, 1, 0, 0, true, "a=old x=old", 0, OUTCOME_OK};
    struct batch *slow = begin(&p, &old);
    list(&p, "c1", 2, 0, "a=new");
    assert_true(go_on(&p, slow, "read links again"));
    assert_db(&p, "[a=new] [x=old]");
    take(&p, &old, 1);
    assert_db(&p, "[a=new] [~x]");
    assert_int_equal(p.counts.late_pages, 1);
    assert_int_equal(p.counts.gone, 1);
    take(&p, &old, 1);
    assert_int_equal(p.counts.gone, 0);
}

static void a_late_page_leaves_alone_what_a_later_gen_says(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 2, 0, "a=new");
    const struct said later = {"c1", 3, 3, 2, 0, false, "x=newer", 0, OUTCOME_OK};
    const struct said old = {"c1", 1, 1, 0, 0, true, "x=old", 0, OUTCOME_OK};
    take(&p, &later, 1);
    take(&p, &old, 1);
    assert_db(&p, "[a=new] [x=newer]");
}

static void the_line_of_an_offset_is_a_run_behind(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "o1", 1, 0, "a=1");
    list(&p, "o1", 3, 0, "a=3");
    list(&p, "o1", 2, 0, "a=2 b=2");
    assert_int_equal(p.counts.late_pages, 0);
    assert_int_equal(link_of(&p, "o1")->before.gen, 2);
    assert_db(&p, "[a=3] [b=2]");
    list(&p, "o1", 4, 3, "a=3");
    assert_db(&p, "[a=3] [~b]");
}

static void two_writers_of_one_thing_collide_and_agree(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    const struct said one = {"c1", 1, 1, 0, 0, true, "a@alpha=1", 0, OUTCOME_OK};
    struct batch *slow = begin(&p, &one);
    struct err err = {0};
    assert_true(batch_step(slow, &err)); /* it has looked, and found nothing */
    list(&p, "c2", 1, 0, "b@alpha=2");
    assert_true(go_on(&p, slow, "done"));
    assert_int_equal(p.counts.collisions, 1);
    assert_int_equal(p.counts.entities, 1);
    assert_db(&p, "[a=1 b=2]");
}

/* One writer stops at any step between its marks and its end; another one ends the next run. */
static void two_writers_that_end_runs_of_one_link_agree(void **state)
{
    (void)state;
    static const char *const links[] = {"c1", "o1"};
    bool is_done = false;
    for (size_t steps = 0; !is_done; steps++)
        for (size_t i = 0; i < 2; i++) {
            play_auto p;
            play_open(&p);
            list(&p, links[i], 1, 0, "a=1 b=1 c=1");
            const struct said slow_page = {links[i], 2,         2, 1,         0,
                                           true,     "a=2 b=2", 0, OUTCOME_OK};
            struct batch *slow = begin(&p, &slow_page);
            assert_true(go_on(&p, slow, "end runs"));
            for (size_t step = 0; step < steps && !batch_is_done(slow); step++) {
                struct err err = {0};
                assert_true(batch_step(slow, &err));
            }
            is_done = batch_is_done(slow);
            list(&p, links[i], 3, 0, "a=3");
            assert_true(go_on(&p, slow, "done"));
            assert_int_equal(link_of(&p, links[i])->complete.gen, 3);
            assert_int_equal(link_of(&p, links[i])->swept.gen, i == 0 ? 3 : 2);
            assert_int_equal(link_of(&p, links[i])->closed, 3);
            assert_db(&p, i == 0 ? "[a=3] [~b] [~c]" : "[a=3] [b=2] [~c]");
        }
}

/* A store that fails while the second of two links is taken back. */
static void what_is_taken_back_is_counted_once(void **state)
{
    (void)state;
    bool has_failed = true;
    for (int64_t at = 1; has_failed; at++) {
        play_auto p;
        play_open(&p);
        list(&p, "c1", 2, 0, "a=new");
        list(&p, "c2", 2, 0, "b=new");
        const struct said old[] = {{"c1", 1, 1, 0, 0, true, "x=old", 0, OUTCOME_OK},
                                   {"c2", 1, 1, 0, 0, true, "y=old", 0, OUTCOME_OK}};
        struct source left[2];
        for (size_t i = 0; i < 2; i++) {
            struct page *page = pages_of(&p, &old[i], 1);
            struct str item = page->body;
            left[i] = record_of(page, item, 0, &p.arena);
            left[i].version.gen = 1;
        }
        struct change *changes = NULL;
        enum written written[2];
        struct err err = {0};
        size_t count = fold_plan(&hosts_model, NULL, 0, left, 2, &p.arena, &changes);
        assert_true(
            p.watch.inner.entities_write(&p.db, &hosts_model, changes, count, written, &err));
        p.watch.calls = 0;
        p.watch.fail_at = at;
        take(&p, old, 2);
        has_failed = p.watch.has_failed;
        assert_db(&p, "[a=new] [b=new] [~x] [~y]");
        assert_int_equal(p.counts.gone, 2);
    }
}

/* --- a mended file --- */

/* The same bytes, by another map. */
static void list_by_map(struct play *p, int64_t gen, int64_t prev, const char *bodies,
                        int32_t map)
{
    struct said said[PAGES_MAX];
    size_t count = run_of(p, "c1", gen, prev, bodies, said);
    for (size_t i = 0; i < count; i++)
        said[i].map = map;
    take(p, said, count);
}

static void a_greater_map_makes_the_newest_run_again(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list_by_map(&p, 1, 0, "a=red x=1+ y=1-|b=green", 1);
    assert_db(&p, "[a=red] [b=green] [y=1]");
    list_by_map(&p, 1, 0, "a=red x=1+ y=1-|b=green", 2);
    assert_db(&p, "[a=red] [b=green] [x=1] [~y]");
    assert_int_equal(p.counts.late_pages, 0);
    assert_int_equal(link_of(&p, "c1")->complete.map, 2);
    assert_int_equal(source_named(&p, "a")->version.map, 2);
}

static void a_smaller_map_changes_nothing(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list_by_map(&p, 1, 0, "a=red x=1+ y=1-", 2);
    uint64_t writes = p.db.writes;
    list_by_map(&p, 1, 0, "a=red x=1+ y=1-", 1);
    assert_db(&p, "[a=red] [x=1]");
    assert_int_equal(p.db.writes, writes);
}

static void a_greater_map_is_never_identical(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list_by_map(&p, 1, 0, "a=red x=1+ y=1-", 1);
    list_by_map(&p, 2, 1, "a=red x=1+ y=1-", 2);
    assert_int_equal(p.counts.identical_records, 0);
    assert_db(&p, "[a=red] [x=1] [~y]");
}

/* --- incremental streams --- */

static void an_incremental_stream_takes_nothing_back_and_is_never_late(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "i1", 1, 0, "a=1 b=1");
    list(&p, "i1", 3, 0, "a=3");
    assert_db(&p, "[a=3] [b=1]");
    list(&p, "i1", 2, 0, "a=2 b=2 c=2");
    assert_db(&p, "[a=3] [b=2] [c=2]");
    assert_int_equal(p.counts.late_pages, 0);
    assert_int_equal(link_of(&p, "i1")->complete.gen, 0);
    assert_int_equal(link_of(&p, "i1")->closed, 3);
}

static void every_answer_of_an_incremental_page_counts(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    const struct said first = {"i1", 1, 1, 0, 0, false, "a=1", 0, OUTCOME_OK};
    const struct said second = {"i1", 1, 1, 0, 0, false, "b=1", 0, OUTCOME_OK};
    take(&p, &first, 1);
    take(&p, &second, 1);
    assert_db(&p, "[a=1] [b=1]");
}

/* --- entities --- */

static void sources_merge_part_and_swap_as_their_identities_say(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a@alpha=1 b@beta=1 c@alpha=1");
    assert_db(&p, "[a=1 c=1] [b=1]");
    list(&p, "c1", 2, 1, "a@beta=1 b@alpha=1 c@alpha=1");
    assert_db(&p, "[a=1] [b=1 c=1]");
    assert_int_equal(p.counts.moves, 1);
    list(&p, "c1", 3, 2, "a@gamma=1 b@gamma=1 c@gamma=1");
    assert_db(&p, "[a=1 b=1 c=1]");
    list(&p, "c1", 4, 3, "a@gamma=1 b=1 c@gamma=1");
    assert_db(&p, "[a=1 c=1] [b=1]");
}

static const char *crowd_of(struct play *p, size_t from, size_t to)
{
    struct str body = {0};
    for (size_t i = from; i < to; i++)
        body = arena_format(&p->arena, STR_FMT "%sk%02zu@alpha=1", STR_ARG(body),
                            body.len ? " " : "", i);
    return body.ptr;
}

static size_t crowded_out(const struct play *p)
{
    size_t count = 0;
    for (size_t e = 0; e < p->db.entity_count; e++)
        count += p->db.entities[e].crowded_out;
    return count;
}

static void one_that_was_crowded_out_joins_when_there_is_room(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, crowd_of(&p, 0, ENTITY_MAX_SOURCES + 3));
    assert_int_equal(p.db.entity_count, 4);
    assert_int_equal(crowded_out(&p), 3);
    list(&p, "c1", 2, 1, crowd_of(&p, 1, ENTITY_MAX_SOURCES + 3));
    assert_int_equal(p.db.entity_count, 3);
    assert_int_equal(crowded_out(&p), 2);
    list(&p, "c1", 3, 2, crowd_of(&p, 1, ENTITY_MAX_SOURCES));
    assert_int_equal(crowded_out(&p), 0);
    list(&p, "c1", 4, 3, crowd_of(&p, 0, ENTITY_MAX_SOURCES + 3));
    assert_int_equal(crowded_out(&p), 3);
}

/* --- links --- */

static void a_link_that_is_not_known_is_made_from_its_pages(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    const struct said said[] = {{"c1", 4, 4, 0, 0, false, "a=1", 0, OUTCOME_OK},
                                {"c1", 6, 6, 0, 0, false, "a=2", 0, OUTCOME_OK},
                                {"c1", 5, 5, 0, 0, false, "a=3", 0, OUTCOME_OK}};
    take(&p, said, 3);
    assert_int_equal(link_of(&p, "c1")->gen, 6);
    assert_db(&p, "[a=2]");
    assert_news(&p, "progress 6 ok");
}

static void many_links_in_one_batch_end_each_for_itself(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    const struct said said[] = {{"c1", 1, 1, 0, 0, true, "a=1", 0, OUTCOME_OK},
                                {"o1", 7, 7, 0, 0, true, "a=2", 0, OUTCOME_OK},
                                {"c2", 3, 3, 0, 0, false, "b=3", 0, OUTCOME_OK},
                                {"i1", 2, 2, 0, 0, true, "c=4", 0, OUTCOME_OK}};
    take(&p, said, 4);
    assert_db(&p, "[a=1] [a=2] [b=3] [c=4]");
    assert_int_equal(link_of(&p, "c1")->complete.gen, 1);
    assert_int_equal(link_of(&p, "o1")->complete.gen, 7);
    assert_int_equal(link_of(&p, "c2")->complete.gen, 0);
    assert_int_equal(link_of(&p, "c2")->closed, 0);
    assert_int_equal(link_of(&p, "i1")->closed, 2);
}

static void a_batch_may_be_of_several_models(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    for (int64_t gen = 1; gen <= 2; gen++) {
        const struct said said[] = {
            {"c1", gen, gen, gen - 1, 0, true, gen == 1 ? "a=1 b=1" : "a=2", 0, OUTCOME_OK},
            {"t1", gen, gen, gen - 1, 0, true, gen == 1 ? "d=1 e=1" : "d=2", 0, OUTCOME_OK},
            {"c2", gen, gen, gen - 1, 0, true, "c=1", 0, OUTCOME_OK}};
        take(&p, said, 3);
    }
    assert_db(&p, "[a=2] [c=1] [d=2] [~b] [~e]");
    assert_int_equal(p.counts.entities, 2);
    assert_int_equal(p.counts.gone, 2);
}

enum { ROUND_PAGES = 6, ROUND_KEYS = 200 };

static void more_updates_than_one_round_takes_are_all_written(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    struct said said[ROUND_PAGES];
    for (size_t page = 0; page < ROUND_PAGES; page++) {
        struct str body = {0};
        for (size_t i = 0; i < ROUND_KEYS; i++)
            body = arena_format(&p.arena, STR_FMT "%sk%03zu=%zu", STR_ARG(body), i ? " " : "",
                                i, page);
        said[page] = (struct said){.link = "c1", .gen = 1, .run = 1, .page = (int64_t)page};
        said[page].final = page + 1 == ROUND_PAGES;
        said[page].body = body.ptr;
    }
    take(&p, said, ROUND_PAGES);
    assert_int_equal(p.counts.records, ROUND_PAGES * ROUND_KEYS);
    assert_int_equal(p.db.entity_count, ROUND_KEYS);
    for (size_t e = 0; e < p.db.entity_count; e++)
        assert_int_equal(p.db.entities[e].sources[0].version.page, ROUND_PAGES - 1);
}

static void what_a_crashed_writer_left_of_a_run_s_end_is_done_by_the_next(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=red b=green");
    struct said said[PAGES_MAX];
    size_t count = run_of(&p, "c1", 2, 1, "a=red", said);
    struct batch *b = batch_new(&p.store, decode, pages_of(&p, said, count), count, &p.arena);
    for (int i = 0; i < 100 && link_of(&p, "c1")->complete.gen != 2; i++) {
        struct err err = {0};
        assert_true(batch_step(b, &err));
    }
    assert_int_equal(link_of(&p, "c1")->closed, 1);
    assert_db(&p, "[a=red] [b=green]");
    const struct said other = {"c1", 1, 1, 0, 0, true, "a=red b=green", 0, OUTCOME_OK};
    take(&p, &other, 1);
    assert_int_equal(link_of(&p, "c1")->closed, 2);
    assert_db(&p, "[a=red] [~b]");
}

/* --- the batch itself --- */

static void a_batch_of_nothing_is_done(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    struct batch *b = batch_new(&p.store, decode, NULL, 0, &p.arena);
    assert_true(batch_is_done(b));
    assert_string_equal(batch_next_step(b), "done");
    assert_int_equal(p.watch.calls, 0);
}

static void an_error_that_no_retry_can_mend_stops_the_batch(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    const struct said said = {"c1", 1, 1, 0, 0, true, "??", 0, OUTCOME_OK};
    struct batch *b = batch_new(&p.store, decode, pages_of(&p, &said, 1), 1, &p.arena);
    assert_true(go_on(&p, b, "decode pages"));
    struct err err = {0};
    assert_false(batch_step(b, &err));
    assert_int_equal(err.kind, ERR_FATAL);
    assert_string_equal(batch_next_step(b), "decode pages");
}

static void issues_are_written_only_with_records_that_are(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    list(&p, "c1", 1, 0, "a=1* b=1|c=1");
    assert_int_equal(p.counts.issues, 1);
    assert_int_equal(p.watch.issue_writes, 2);
    list(&p, "c1", 2, 1, "a=1* b=1|c=2");
    assert_int_equal(p.watch.issue_writes, 3);
}

/* --- a store that fails --- */

/* A story of everything: each row a page, each number a batch. */
struct told {
    int batch;
    struct said said;
};
static const struct told story[] = {
    {1, {"c1", 1, 1, 0, 0, false, "a@alpha=1 b@beta=1", 1, OUTCOME_OK}},
    {1, {"c1", 1, 1, 0, 1, true, "c#s1=1 e=1", 1, OUTCOME_OK}},
    {1, {"c2", 1, 1, 0, 0, true, "a=1 f#s1=1", 1, OUTCOME_OK}},
    {1, {"o1", 1, 1, 0, 0, true, "g=1 h@beta=1", 1, OUTCOME_OK}},
    {2, {"c1", 2, 2, 1, 0, false, "a@alpha=1 b@beta=1", 1, OUTCOME_OK}},
    {2, {"c1", 2, 2, 1, 1, true, "c#s1=1 e=2", 1, OUTCOME_OK}},
    {2, {"o1", 2, 2, 1, 0, true, "g=1", 1, OUTCOME_OK}},
    {3, {"c1", 3, 3, 2, 0, false, "a@beta=1 b@alpha=1", 1, OUTCOME_OK}},
    {3, {"c1", 3, 3, 2, 1, true, "e=2", 1, OUTCOME_OK}},
    {3, {"o1", 3, 3, 2, 0, true, "g=1", 1, OUTCOME_OK}},
    {4, {"c1", 4, 4, 3, 0, false, "a@beta=1 b@alpha=1", 1, OUTCOME_OK}},
    {4, {"c1", 4, 4, 3, 1, true, "b@alpha=2 e=2", 1, OUTCOME_OK}},
    {4, {"i1", 1, 1, 0, 0, true, "x=1 y#s1=1", 1, OUTCOME_OK}},
    {5, {"c1", 5, 5, 3, 0, false, "a@beta=3 b@alpha=3", 1, OUTCOME_OK}},
    {5, {"c1", 5, 5, 3, 1, true, "b@gamma=4 e=2 z=1+", 1, OUTCOME_OK}},
    {5, {"c2", 2, 2, 1, 0, true, "a=2 !", 1, OUTCOME_OK}},
    {6, {"c1", 4, 4, 3, 0, false, "a@beta=1 q=1", 1, OUTCOME_OK}},
    {6, {"c1", 5, 5, 3, 0, false, "a@beta=3 b@alpha=3", 2, OUTCOME_OK}},
    {6, {"c1", 5, 5, 3, 1, true, "b@gamma=4 e=2 z=1+", 2, OUTCOME_OK}},
    {6, {"c2", 3, 3, 0, 0, false, "a=3", 1, OUTCOME_OK}},
    {6, {"c2", 3, 3, 0, 1, true, "?", 1, OUTCOME_OK}},
    {6, {"i1", 2, 2, 0, 0, false, "", 1, OUTCOME_DEFERRED}},
    {6, {"o1", 4, 4, 3, 0, false, "", 1, OUTCOME_FAILED}},
};
enum { STORY = sizeof story / sizeof *story };

static void tell(struct play *p)
{
    for (size_t i = 0, end; i < STORY; i = end) {
        struct said said[STORY];
        for (end = i; end < STORY && story[end].batch == story[i].batch; end++)
            said[end - i] = story[end].said;
        take(p, said, end - i);
    }
}

static struct str whole_shown(const struct whole *w, struct arena *arena)
{
    return arena_format(arena, "%lld.%lld.%d.%lld%s", (long long)w->run, (long long)w->gen,
                        w->map, (long long)w->pages, w->twice ? " twice" : "");
}

/* Everything that must not depend on how the story went. */
static struct str end_shown(struct play *p)
{
    struct str *links = ARENA_ARRAY(&p->arena, struct str, p->db.link_count);
    for (size_t i = 0; i < p->db.link_count; i++) {
        const struct link_state *s = &p->db.links[i].state;
        const struct link_news *last = &p->db.links[i].last;
        links[i] = arena_format(&p->arena,
                                "\n" STR_FMT ": gen %lld, closed %lld by %d, line " STR_FMT
                                ", before " STR_FMT ", swept " STR_FMT,
                                STR_ARG(s->id), (long long)s->gen, (long long)s->closed,
                                (int)last->kind, STR_ARG(whole_shown(&s->complete, &p->arena)),
                                STR_ARG(whole_shown(&s->before, &p->arena)),
                                STR_ARG(whole_shown(&s->swept, &p->arena)));
    }
    return arena_format(&p->arena, STR_FMT STR_FMT, STR_ARG(db_shown(p, true)),
                        STR_ARG(join(links, p->db.link_count, &p->arena)));
}

static void the_story_ends_as_it_should(void **state)
{
    (void)state;
    play_auto p;
    play_open(&p);
    tell(&p);
    assert_db(&p, "[a=3 a=3 ~h] [b=4] [e=2] [f=1 y=1 ~c] [g=1] [x=1] [z=1]");
}

struct failure {
    const char *sentence;
    bool is_after, crashes;
};
static const struct failure failures[] = {
    {"a_call_that_fails_at_any_step_is_made_again", false, false},
    {"a_call_whose_answer_is_lost_at_any_step_is_made_again", true, false},
    {"a_crash_before_any_call_is_made_good", false, true},
    {"a_crash_after_any_call_is_made_good", true, true},
};

static void ends_the_same(void **state)
{
    const struct failure *f = *state;
    play_auto straight;
    play_open(&straight);
    tell(&straight);
    struct str wanted = end_shown(&straight);
    for (int64_t at = 1; at <= straight.watch.calls; at++) {
        play_auto p;
        play_open(&p);
        p.watch.fail_at = at;
        p.watch.is_after = f->is_after;
        p.crashes = f->crashes;
        tell(&p);
        assert_true(p.watch.has_failed);
        struct str end = end_shown(&p);
        if (!str_eq(end, wanted))
            fail_msg("failed at call %lld: " STR_FMT "\nwanted: " STR_FMT, (long long)at,
                     STR_ARG(end), STR_ARG(wanted));
    }
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD_ONE(&all, a_first_run_stores_what_it_lists_and_closes_the_link);
    CASES_ADD_ONE(&all, the_news_of_a_whole_run_say_how_much_it_listed);
    CASES_ADD_ONE(&all, a_record_is_stored_with_its_version_and_its_page);
    CASES_ADD_ONE(&all, an_identical_second_run_writes_nothing);
    CASES_ADD_ONE(&all, a_run_that_does_not_follow_a_whole_one_skips_nothing);
    CASES_ADD_ONE(&all, only_a_changed_record_is_written);
    CASES_ADD_ONE(&all, a_record_that_moved_to_another_page_is_written_again);
    CASES_ADD_ONE(&all, a_new_record_among_identical_ones_is_written);
    CASES_ADD_ONE(&all, the_last_of_two_records_with_one_key_on_a_page_stands);
    CASES_ADD_ONE(&all, what_a_cursor_no_longer_lists_is_gone_after_one_run);
    CASES_ADD_ONE(&all, what_an_offset_no_longer_lists_is_gone_after_two_runs);
    CASES_ADD_ONE(&all, what_an_offset_missed_once_stays);
    CASES_ADD_ONE(&all, what_was_gone_comes_back);
    CASES_ADD_ONE(&all, a_listing_that_is_empty_now_makes_everything_gone);
    CASES_ADD_ONE(&all, what_one_link_no_longer_lists_lives_on_by_another);
    CASES_ADD_ONE(&all, a_run_with_a_page_missing_ends_nothing);
    CASES_ADD_ONE(&all, pages_in_batches_of_their_own_and_in_any_order_end_the_same);
    CASES_ADD_ONE(&all, a_run_goes_on_in_a_later_gen);
    CASES_ADD_ONE(&all, a_clean_run_that_lists_a_key_on_two_pages_is_read_again);
    CASES_ADD_ONE(&all, a_run_that_skips_nothing_settles_the_doubt);
    CASES_ADD_ONE(&all, a_page_with_rejects_is_set_aside_and_its_records_go_through);
    CASES_ADD_ONE(&all, a_run_with_rejects_finds_nothing_gone_and_is_not_followed);
    CASES_ADD_ONE(&all, the_news_of_a_run_with_rejects_count_them);
    CASES_ADD_ONE(&all, a_page_of_equal_bytes_after_one_with_rejects_is_decoded_again);
    CASES_ADD_ONE(&all,
                  rejects_that_a_greater_map_reads_make_their_run_whole_and_close_it_anew);
    CASES_ADD_ONE(&all,
                  a_bad_page_that_a_greater_map_reads_makes_its_run_whole_and_closes_it_anew);
    CASES_ADD_ONE(&all, a_reject_read_after_the_link_was_claimed_again_closes_nothing);
    CASES_ADD_ONE(&all, a_reject_of_before_a_whole_run_is_late_and_does_no_harm);
    CASES_ADD_ONE(&all, a_bad_page_is_set_aside_and_fails_its_gen);
    CASES_ADD_ONE(&all, a_bad_page_costs_only_its_own_link);
    CASES_ADD_ONE(&all, a_late_page_that_is_bad_is_not_set_aside_twice);
    CASES_ADD_ONE(&all, a_good_answer_after_a_bad_one_counts_in_one_batch_as_in_two);
    CASES_ADD_ONE(&all, a_deferred_page_tells_where_to_go_on);
    CASES_ADD_ONE(&all, a_failed_page_fails_its_gen);
    CASES_ADD_ONE(&all, a_failed_page_with_a_body_is_set_aside);
    CASES_ADD_ONE(&all, a_failed_page_is_no_page_of_the_run);
    CASES_ADD_ONE(&all, a_page_that_comes_again_is_seen);
    CASES_ADD_ONE(&all, the_first_answer_of_a_page_stands);
    CASES_ADD_ONE(&all, a_page_below_the_line_writes_nothing);
    CASES_ADD_ONE(&all, what_became_late_while_it_was_written_is_taken_back);
    CASES_ADD_ONE(&all, a_late_page_takes_back_what_a_writer_left_that_crashed);
    CASES_ADD_ONE(&all, a_late_page_leaves_alone_what_a_later_gen_says);
    CASES_ADD_ONE(&all, the_line_of_an_offset_is_a_run_behind);
    CASES_ADD_ONE(&all, two_writers_of_one_thing_collide_and_agree);
    CASES_ADD_ONE(&all, two_writers_that_end_runs_of_one_link_agree);
    CASES_ADD_ONE(&all, what_is_taken_back_is_counted_once);
    CASES_ADD_ONE(&all, a_greater_map_makes_the_newest_run_again);
    CASES_ADD_ONE(&all, a_smaller_map_changes_nothing);
    CASES_ADD_ONE(&all, a_greater_map_is_never_identical);
    CASES_ADD_ONE(&all, an_incremental_stream_takes_nothing_back_and_is_never_late);
    CASES_ADD_ONE(&all, every_answer_of_an_incremental_page_counts);
    CASES_ADD_ONE(&all, sources_merge_part_and_swap_as_their_identities_say);
    CASES_ADD_ONE(&all, one_that_was_crowded_out_joins_when_there_is_room);
    CASES_ADD_ONE(&all, a_link_that_is_not_known_is_made_from_its_pages);
    CASES_ADD_ONE(&all, many_links_in_one_batch_end_each_for_itself);
    CASES_ADD_ONE(&all, a_batch_may_be_of_several_models);
    CASES_ADD_ONE(&all, more_updates_than_one_round_takes_are_all_written);
    CASES_ADD_ONE(&all, what_a_crashed_writer_left_of_a_run_s_end_is_done_by_the_next);
    CASES_ADD_ONE(&all, a_batch_of_nothing_is_done);
    CASES_ADD_ONE(&all, an_error_that_no_retry_can_mend_stops_the_batch);
    CASES_ADD_ONE(&all, issues_are_written_only_with_records_that_are);
    CASES_ADD_ONE(&all, the_story_ends_as_it_should);
    CASES_ADD(&all, ends_the_same, failures);
    return cases_run("batch", &all);
}
