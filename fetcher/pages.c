/* SPDX-License-Identifier: MIT */
#include "fetcher/pages.h"

int64_t pages_offset(const struct pages *p, int64_t page)
{
    return page * p->size;
}

int64_t pages_number(const struct pages *p, int64_t page)
{
    return p->first + page;
}

bool pages_need_body(const struct pages *p)
{
    return p->by == PAGES_CURSOR || p->end_when.no_records || p->end_when.short_page ||
           p->end_when.total;
}

bool pages_is_end(const struct pages *p, int status, struct str body)
{
    return p->by != PAGES_NONE && p->end_when.status && p->end_when.status == status &&
           str_has(body, p->end_when.body_has);
}

static bool read_total(const struct select *select, struct json body, struct arena *arena,
                       int64_t *out, struct err *err)
{
    struct pick *picks;
    size_t count;
    if (!select_run(select, body, arena, &picks, &count, err))
        return err_wrap(err, "end_when.total");
    if (count != 1 || pick_kind_of(&picks[0]) != JSON_INT)
        return err_set(err, ERR_REJECT, "end_when.total: " STR_FMT " gives no whole number",
                       STR_ARG(select_text(select)));
    *out = pick_int(&picks[0]);
    return true;
}

enum { CURSOR_MAX_BYTES = 16 * 1024 };

/* Missing, null and empty mean that there is no next page. */
static bool read_cursor(const struct select *select, struct json body, struct arena *arena,
                        struct str *out, struct err *err)
{
    struct pick *picks;
    size_t count;
    if (!select_run(select, body, arena, &picks, &count, err))
        return err_wrap(err, "pages.cursor");
    enum json_kind kind = count ? pick_kind_of(&picks[0]) : JSON_NONE;
    struct str text = {0};
    if (kind == JSON_TEXT)
        text = pick_str(&picks[0]);
    else if (kind == JSON_INT || kind == JSON_REAL)
        text = pick_text(&picks[0], CURSOR_MAX_BYTES, arena);
    else if (kind != JSON_NONE && kind != JSON_NULL)
        return err_set(err, ERR_REJECT, "pages.cursor: " STR_FMT " gives %s",
                       STR_ARG(select_text(select)), json_kind_name(kind));
    if (text.len > CURSOR_MAX_BYTES)
        return err_set(err, ERR_REJECT,
                       "pages.cursor: a cursor of %zu bytes is over the limit of %d", text.len,
                       CURSOR_MAX_BYTES);
    *out = arena_copy(arena, text);
    return true;
}

bool pages_read(const struct stream *s, struct str body, struct arena *arena,
                struct page_facts *out, struct err *err)
{
    json_auto *doc = json_parse(body, err);
    struct page_facts facts = {.total = -1};
    struct pick *picks;
    size_t count;
    if (!doc)
        return false;
    struct json root = json_root(doc);
    if (!select_run(s->records, root, arena, &picks, &count, err))
        return err_wrap(err, "records");
    facts.records = (int64_t)count;
    if (s->pages.end_when.total &&
        !read_total(s->pages.end_when.total, root, arena, &facts.total, err))
        return false;
    if (s->pages.by == PAGES_CURSOR &&
        !read_cursor(s->pages.cursor, root, arena, &facts.cursor, err))
        return false;
    *out = facts;
    return true;
}

static bool has_ended(const struct pages *p, const struct page_facts *facts, int64_t seen)
{
    if (p->by == PAGES_NONE)
        return true;
    if (!facts)
        return false;
    return (p->end_when.no_records && facts->records == 0) ||
           (p->end_when.short_page && facts->records < p->size) ||
           (facts->total >= 0 && seen >= facts->total) ||
           (p->by == PAGES_CURSOR && facts->cursor.len == 0);
}

bool pages_next(const struct pages *p, const struct page_facts *facts,
                const struct position *at, struct position *out_next, bool *out_final,
                struct err *err)
{
    struct position next = {.page = at->page + 1,
                            .seen = at->seen + (facts ? facts->records : 0)};
    *out_final = has_ended(p, facts, next.seen);
    if (*out_final)
        return true;
    if (facts)
        next.cursor = facts->cursor;
    if (p->by == PAGES_CURSOR && str_eq(next.cursor, at->cursor))
        return err_set(err, ERR_REJECT,
                       "the listing runs in a circle: the next cursor is the one just used");
    if (next.page >= p->max_pages)
        return err_set(err, ERR_REJECT,
                       "the listing has not ended after %lld pages (pages: max)",
                       (long long)p->max_pages);
    *out_next = next;
    return true;
}
