/* SPDX-License-Identifier: MIT */
#include "common/envelope.h"

#include "common/clock.h"
#include "common/json.h"

enum { PAGES_A_BLOCK = 64 };

static void put_text(struct json_out *o, struct str key, struct str value)
{
    json_key(o, key);
    json_put_str(o, value);
}

static void put_int(struct json_out *o, struct str key, int64_t number)
{
    json_key(o, key);
    json_put_int(o, number);
}

bool task_encode(const struct task *t, struct buf *out, struct err *err)
{
    struct json_out o = {.buf = out};
    json_open(&o, '{');
    put_text(&o, STR("stream"), t->stream);
    put_text(&o, STR("link"), t->link);
    put_int(&o, STR("gen"), t->gen);
    put_int(&o, STR("run"), t->run);
    put_int(&o, STR("prev"), t->prev);
    put_int(&o, STR("page"), t->page);
    put_text(&o, STR("cursor"), t->cursor);
    put_int(&o, STR("seen"), t->seen);
    put_int(&o, STR("map"), t->map);
    if (t->due_ms)
        put_int(&o, STR("due"), t->due_ms);
    if (t->trace.len)
        put_text(&o, STR("traceparent"), t->trace);
    json_key(&o, STR("params"));
    bool fits = buf_add(out, t->params.len ? t->params : STR("{}")); /* is JSON already */
    json_close(&o, '}');
    if (!fits || o.failed)
        return err_set(err, ERR_REJECT, "the task of link " STR_FMT " is over %zu bytes",
                       STR_ARG(t->link), out->max_bytes);
    return true;
}

static bool read_text(struct json object, const char *key, struct arena *arena, struct str *out,
                      struct err *err)
{
    struct json j = json_member(object, str_of(key));
    if (json_kind_of(j) != JSON_TEXT)
        return err_set(err, ERR_REJECT, "%s: a text is expected, this is %s", key,
                       json_kind_name(json_kind_of(j)));
    *out = arena_copy(arena, json_str(j));
    return true;
}

static bool read_int(struct json object, const char *key, int64_t max, int64_t *out,
                     struct err *err)
{
    struct json j = json_member(object, str_of(key));
    if (json_kind_of(j) != JSON_INT || json_int(j) < 0 || json_int(j) > max)
        return err_set(err, ERR_REJECT, "%s: a number from 0 to %lld is expected", key,
                       (long long)max);
    *out = json_int(j);
    return true;
}

static bool read_params(struct json object, size_t text_bytes, struct arena *arena,
                        struct str *out, struct err *err)
{
    struct json j = json_member(object, STR("params"));
    if (json_kind_of(j) != JSON_OBJECT)
        return err_set(err, ERR_REJECT, "params: an object is expected");
    *out = json_text(j, text_bytes, arena); /* it is part of the text, so it is never cut */
    return true;
}

/* What older tasks lack, and what nothing depends on: whatever else stands there is as if it did not. */
static void read_younger(struct json root, struct arena *arena, struct task *out)
{
    int64_t due_ms = json_int(json_member(root, STR("due")));
    out->due_ms = due_ms > 0 ? due_ms : 0;
    out->trace = arena_copy(arena, json_str(json_member(root, STR("traceparent"))));
}

bool task_decode(struct str text, struct arena *arena, struct task *out, struct err *err)
{
    json_auto *doc = json_parse(text, err);
    struct task t = {0};
    int64_t map = 0;
    if (!doc)
        return err_wrap(err, "task");
    struct json root = json_root(doc);
    bool ok = read_text(root, "stream", arena, &t.stream, err) &&
              read_text(root, "link", arena, &t.link, err) &&
              read_int(root, "gen", INT64_MAX, &t.gen, err) &&
              read_int(root, "run", INT64_MAX, &t.run, err) &&
              read_int(root, "prev", INT64_MAX, &t.prev, err) &&
              read_int(root, "page", INT64_MAX, &t.page, err) &&
              read_text(root, "cursor", arena, &t.cursor, err) &&
              read_int(root, "seen", INT64_MAX, &t.seen, err) &&
              read_int(root, "map", INT32_MAX, &map, err) &&
              read_params(root, text.len * 2, arena, &t.params, err);
    if (!ok)
        return err_wrap(err, "task");
    read_younger(root, arena, &t);
    t.map = (int32_t)map;
    *out = t;
    return true;
}

static const char *const outcome_names[] = {"ok", "deferred", "failed"};
enum { OUTCOME_COUNT = sizeof outcome_names / sizeof outcome_names[0] };

const char *outcome_name(enum outcome o)
{
    return outcome_names[o];
}

/* Without printf(), of which a page would need a dozen. */
static struct str number(struct arena *arena, int64_t n)
{
    char digits[20];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    return arena_copy(arena, (struct str){digits + start, sizeof digits - start});
}

static struct str iso(struct arena *arena, int64_t unix_ms)
{
    char text[25];
    clock_iso(unix_ms, text);
    return arena_copy(arena, str_of(text));
}

static struct str hex(struct arena *arena, const uint8_t bytes[static 32])
{
    char text[64];
    for (size_t i = 0; i < 64; i++)
        text[i] = "0123456789abcdef"[(bytes[i / 2] >> (i % 2 ? 0 : 4)) & 15];
    return arena_copy(arena, (struct str){text, sizeof text});
}

struct writer {
    struct header *headers;
    size_t count;
};

static void add(struct writer *w, const char *name, struct str value)
{
    w->headers[w->count++] = (struct header){name, value};
}

static void add_if_any(struct writer *w, const char *name, struct str value)
{
    if (value.len)
        add(w, name, value);
}

static void add_cloud_event(struct writer *w, const struct page_head *p, struct arena *arena)
{
    struct str rest = p->stream;
    struct str provider = str_cut(&rest, '/');
    add(w, "ce_specversion", STR("1.0"));
    add(w, "ce_id",
        arena_format(arena, STR_FMT ":%lld:%lld", STR_ARG(p->link), (long long)p->gen,
                     (long long)p->page));
    add(w, "ce_source", arena_format(arena, "/muster/" STR_FMT, STR_ARG(provider)));
    add(w, "ce_type", STR("muster.page"));
    add(w, "ce_time", iso(arena, p->time_ms));
    add_if_any(w, "content-type", p->type);
    add_if_any(w, "traceparent", p->trace);
}

size_t page_encode(const struct page_head *p, struct arena *arena, struct header *headers)
{
    struct writer w = {headers, 0};
    add_cloud_event(&w, p, arena);
    add(&w, "muster-stream", p->stream);
    add(&w, "muster-link", p->link);
    add(&w, "muster-params", p->params.len ? p->params : STR("{}"));
    add(&w, "muster-gen", number(arena, p->gen));
    add(&w, "muster-run", number(arena, p->run));
    add(&w, "muster-prev", number(arena, p->prev));
    add(&w, "muster-page", number(arena, p->page));
    add(&w, "muster-final", p->final ? STR("true") : STR("false"));
    add(&w, "muster-map", number(arena, p->map));
    add(&w, "muster-outcome", str_of(outcome_name(p->outcome)));
    add(&w, "muster-status", number(arena, p->status));
    add(&w, "muster-url", p->url);
    add(&w, "muster-took-ms", number(arena, p->took_ms));
    add(&w, "muster-sha256", hex(arena, p->sha256));
    if (p->due_ms)
        add(&w, "muster-due", iso(arena, p->due_ms));
    add_if_any(&w, "muster-error", p->error);
    if (p->outcome == OUTCOME_DEFERRED) {
        add_if_any(&w, "muster-cursor", p->cursor);
        add(&w, "muster-seen", number(arena, p->seen));
        add(&w, "muster-retry-at", iso(arena, p->retry_at_ms));
    }
    return w.count;
}

struct reader {
    const struct header *headers;
    size_t count;
    struct err *err;
};

/* Where a name stands twice the last one counts, as in Kafka's own lastHeader(). */
static struct str get(const struct reader *r, const char *name)
{
    struct str found = {0};
    for (size_t i = 0; i < r->count; i++)
        if (str_eq(str_of(r->headers[i].name), str_of(name)))
            found = r->headers[i].value;
    return found;
}

static bool get_text(const struct reader *r, const char *name, struct str *out)
{
    *out = get(r, name);
    return out->len || err_set(r->err, ERR_REJECT, "header %s is missing", name);
}

static bool get_int(const struct reader *r, const char *name, int64_t max, int64_t *out)
{
    struct str text;
    if (!get_text(r, name, &text))
        return false;
    return (str_to_int(text, out) && *out >= 0 && *out <= max) ||
           err_set(r->err, ERR_REJECT, "header %s: \"" STR_FMT "\" is no number from 0 to %lld",
                   name, STR_ARG(text), (long long)max);
}

static bool get_time(const struct reader *r, const char *name, int64_t *out)
{
    struct str text;
    if (!get_text(r, name, &text))
        return false;
    return clock_parse_iso(text, out) ||
           err_set(r->err, ERR_REJECT, "header %s: \"" STR_FMT "\" is no time", name,
                   STR_ARG(text));
}

static bool get_flag(const struct reader *r, const char *name, bool *out)
{
    struct str text = get(r, name);
    *out = str_eq(text, STR("true"));
    return *out || str_eq(text, STR("false")) ||
           err_set(r->err, ERR_REJECT, "header %s must be true or false", name);
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool get_hash(const struct reader *r, const char *name, uint8_t out[static 32])
{
    struct str text = get(r, name);
    bool ok = text.len == 64;
    for (size_t i = 0; i < 32 && ok; i++) {
        int high = nibble(text.ptr[2 * i]), low = nibble(text.ptr[2 * i + 1]);
        ok = high >= 0 && low >= 0;
        out[i] = (uint8_t)(high * 16 + low);
    }
    return ok || err_set(r->err, ERR_REJECT, "header %s must be 64 hexadecimal digits", name);
}

static bool get_outcome(const struct reader *r, enum outcome *out)
{
    struct str text = get(r, "muster-outcome");
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        if (str_eq(text, str_of(outcome_names[i]))) {
            *out = (enum outcome)i;
            return true;
        }
    }
    return err_set(r->err, ERR_REJECT, "header muster-outcome: \"" STR_FMT "\" is none",
                   STR_ARG(text));
}

static bool get_answer(const struct reader *r, struct page_head *p)
{
    int64_t status = 0;
    if (!get_outcome(r, &p->outcome) || !get_int(r, "muster-status", 999, &status) ||
        !get_hash(r, "muster-sha256", p->sha256) || !get_time(r, "ce_time", &p->time_ms) ||
        !get_int(r, "muster-took-ms", INT64_MAX, &p->took_ms))
        return false;
    p->status = (int)status;
    p->url = get(r, "muster-url");
    p->type = get(r, "content-type");
    p->trace = get(r, "traceparent");
    p->error = get(r, "muster-error");
    p->cursor = get(r, "muster-cursor");
    if (!clock_parse_iso(get(r, "muster-due"), &p->due_ms)) /* older pages have none */
        p->due_ms = 0;
    return p->outcome != OUTCOME_DEFERRED || (get_int(r, "muster-seen", INT64_MAX, &p->seen) &&
                                              get_time(r, "muster-retry-at", &p->retry_at_ms));
}

bool page_decode(const struct header *headers, size_t count, struct page_head *out,
                 struct err *err)
{
    struct reader r = {headers, count, err};
    struct page_head p = {0};
    int64_t map = 0;
    bool ok = get_text(&r, "muster-stream", &p.stream) &&
              get_text(&r, "muster-link", &p.link) &&
              get_text(&r, "muster-params", &p.params) &&
              get_int(&r, "muster-gen", INT64_MAX, &p.gen) &&
              get_int(&r, "muster-run", INT64_MAX, &p.run) &&
              get_int(&r, "muster-prev", INT64_MAX, &p.prev) &&
              get_int(&r, "muster-page", INT64_MAX, &p.page) &&
              get_flag(&r, "muster-final", &p.final) &&
              get_int(&r, "muster-map", INT32_MAX, &map) && get_answer(&r, &p);
    if (!ok)
        return err_wrap(err, "page");
    p.map = (int32_t)map;
    *out = p;
    return true;
}

/* FNV-1a, 64 bits. Any change of it would put the pages of a running listing elsewhere. */
static uint64_t hash(uint64_t state, const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        state = (state ^ bytes[i]) * 0x100000001b3;
    return state;
}

/*
 * MurmurHash3's last step. The low bits of FNV-1a know the low bits of their bytes only: without it the blocks of a listing that
 * is not very long are all in odd partitions, or all in even ones, and half of the serializers have nothing to do.
 */
static uint64_t mixed(uint64_t state)
{
    state = (state ^ (state >> 33)) * 0xff51afd7ed558ccd;
    state = (state ^ (state >> 33)) * 0xc4ceb9fe1a85ec53;
    return state ^ (state >> 33);
}

int32_t page_partition(struct str link, int64_t page, int32_t partitions)
{
    uint64_t block = (uint64_t)(page / PAGES_A_BLOCK);
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(block >> (8 * i));
    uint64_t state = hash(0xcbf29ce484222325, (const unsigned char *)link.ptr, link.len);
    state = mixed(hash(state, bytes, sizeof bytes));
    return (int32_t)(state % (uint64_t)partitions);
}

struct str page_key(const struct page_head *p, struct arena *arena)
{
    return arena_format(arena, STR_FMT "#%lld", STR_ARG(p->link),
                        (long long)(p->page / PAGES_A_BLOCK));
}
