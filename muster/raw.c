/* SPDX-License-Identifier: MIT */
/*
 * `muster raw MODEL …`: what the providers sent, byte for byte. The body of each page goes to stdout, what is to be said about it to
 * stderr, so that the output can be kept and piped.
 */
#include "common/clock.h"
#include "muster/find.h"
#include "muster/kept.h"
#include "muster/payload.h"
#include "muster/report.h"
#include "serializer/map.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

static const size_t text_max_bytes = (size_t)512 << 20; /* 64 MiB, each byte escaped */

struct raw {
    struct muster *m;
    const struct entity *entity;
    size_t missing; /* pages that retention has removed */
};

/* A source and, when it is kept, its page. */
struct raw_page {
    const struct source *source;
    size_t number; /* as muster explain counts: from 1 */
    bool is_kept;
    struct kafka_message message;
    struct page_head head;
    bool has_head;
};

/* --- the record on its page --- */

/* The place that its version names; or, when the file has changed since, the one with its key. */
static const struct source *find_record(const struct decoded *d, const struct source *s)
{
    const struct source *found = NULL;
    for (size_t i = 0; i < d->count; i++) {
        const struct source *r = &d->records[i];
        if (str_eq(r->key, s->key) && (!found || r->version.ordinal == s->version.ordinal))
            found = r;
    }
    return found;
}

static bool no_record(const struct source *s, struct err *err)
{
    return err_set(
        err, ERR_REJECT,
        "by the provider files as they are now, no record of the page has the key " STR_FMT,
        STR_ARG(s->key));
}

static bool find_in_page(const struct raw *r, const struct raw_page *p, struct arena *arena,
                         struct str *out, struct err *err)
{
    const struct stream *stream = providers_stream(&r->m->providers, p->source->stream);
    struct decoded decoded;
    struct pick *picks;
    size_t count;
    if (!stream)
        return err_set(err, ERR_REJECT, "no provider file here knows the stream " STR_FMT,
                       STR_ARG(p->source->stream));
    json_auto *doc = json_parse(p->message.value, err);
    if (!doc || !select_run(stream->records, json_root(doc), arena, &picks, &count, err) ||
        !map_page(stream, &p->head, p->message.value, p->source->page, arena, &decoded, err))
        return false;
    const struct source *found = find_record(&decoded, p->source);
    if (!found || (size_t)found->version.ordinal >= count)
        return no_record(p->source, err);
    *out = pick_text(&picks[found->version.ordinal], text_max_bytes, arena);
    return true;
}

/* Exit code 65 when the page has no such record. */
static bool read_record(const struct raw *r, const struct raw_page *p, struct arena *arena,
                        struct str *out, struct err *err)
{
    struct err why = {0};
    return find_in_page(r, p, arena, out, &why) ||
           err_stop(err, EX_DATAERR, "source %zu: %s", p->number, why.text);
}

/* --- as text --- */

static void print_head(const struct raw_page *p)
{
    arena_auto arena = {0};
    const struct source *s = p->source;
    char when[25];
    (void)fflush(stdout);
    (void)fprintf(stderr, "[%zu] " STR_FMT " " STR_FMT "%s\n", p->number, STR_ARG(s->stream),
                  STR_ARG(s->key), s->gone ? ", gone: the last page that listed it" : "");
    (void)fprintf(stderr, "    " STR_FMT " partition %d offset %lld", STR_ARG(s->page.topic),
                  (int)s->page.partition, (long long)s->page.offset);
    if (!p->is_kept) {
        (void)fprintf(stderr, ": retention has removed it\n");
        return;
    }
    (void)fprintf(stderr, ", %zu bytes", p->message.value.len);
    if (p->has_head) {
        clock_iso(p->head.time_ms, when);
        struct str url = payload_harmless(p->head.url, &arena);
        (void)fprintf(stderr, ", fetched %s, status %d\n    " STR_FMT, when, p->head.status,
                      STR_ARG(url));
    }
    (void)fprintf(stderr, "\n");
}

/* A terminal's prompt belongs on a line of its own; a file gets what came and nothing else. */
static void print_bytes(struct str bytes)
{
    (void)fwrite(bytes.ptr, 1, bytes.len, stdout);
    if (isatty(STDOUT_FILENO) == 1 && bytes.len && bytes.ptr[bytes.len - 1] != '\n')
        (void)putchar('\n');
}

/* One page may have listed several sources; its body is printed once. */
static size_t printed_before(const struct raw *r, const struct raw_page *p)
{
    const struct coords *own = &p->source->page;
    for (size_t i = 0; i + 1 < p->number && !r->m->settings.source; i++) {
        const struct coords *other = &r->entity->sources[i].page;
        if (other->partition == own->partition && other->offset == own->offset &&
            str_eq(other->topic, own->topic))
            return i + 1;
    }
    return 0;
}

static bool print_text(const struct raw *r, const struct raw_page *p, struct err *err)
{
    arena_auto arena = {0};
    struct str record;
    print_head(p);
    if (!p->is_kept)
        return true;
    if (r->m->settings.record) {
        if (!read_record(r, p, &arena, &record, err))
            return false;
        struct str shown = payload_shown(record, &arena);
        (void)printf(STR_FMT "\n", STR_ARG(shown));
        return true;
    }
    size_t before = printed_before(r, p);
    if (before)
        (void)fprintf(stderr, "    the same page as that of [%zu]\n", before);
    else
        print_bytes(p->message.value);
    return true;
}

/* --- as JSON --- */

static bool put_body(const struct raw *r, const struct raw_page *p, struct json_out *o,
                     struct err *err)
{
    arena_auto arena = {0};
    struct str record;
    if (!r->m->settings.record) {
        member_payload(o, "body", p->message.value);
        return true;
    }
    if (!read_record(r, p, &arena, &record, err))
        return false;
    json_key(o, STR("record"));
    json_put_json(o, record);
    return true;
}

/* One object a line. */
static bool print_object(const struct raw *r, const struct raw_page *p, struct err *err)
{
    const struct source *s = p->source;
    buf_auto text;
    buf_init(&text, text_max_bytes);
    struct json_out o = {.buf = &text};
    json_open(&o, '{');
    member_int(&o, "source", (int64_t)p->number);
    member_str(&o, "stream", s->stream);
    member_str(&o, "key", s->key);
    member_str(&o, "link", s->link);
    json_key(&o, STR("gone"));
    json_put_bool(&o, s->gone);
    member_str(&o, "topic", s->page.topic);
    member_int(&o, "partition", s->page.partition);
    member_int(&o, "offset", s->page.offset);
    json_key(&o, STR("kept"));
    json_put_bool(&o, p->is_kept);
    if (p->has_head) {
        member_str(&o, "url", p->head.url);
        member_int(&o, "status", p->head.status);
        member_time(&o, "fetched_at", p->head.time_ms);
    }
    if (p->is_kept && !put_body(r, p, &o, err))
        return false;
    json_close(&o, '}');
    print_json(&text);
    return true;
}

/* --- the command --- */

static bool print_source(struct raw *r, size_t at, struct err *err)
{
    struct raw_page p = {.source = &r->entity->sources[at], .number = at + 1};
    struct err ignored = {0};
    p.is_kept = kept_read(r->m, &p.source->page, &p.message, err);
    if (!p.is_kept && err->kind != ERR_REJECT)
        return false;
    err_clear(err);
    r->missing += !p.is_kept;
    p.has_head =
        p.is_kept && page_decode(p.message.headers, p.message.header_count, &p.head, &ignored);
    bool ok = r->m->settings.json ? print_object(r, &p, err) : print_text(r, &p, err);
    kafka_message_free(&p.message);
    return ok;
}

static bool find_one(struct muster *m, const struct model *model, struct found *out,
                     struct err *err)
{
    struct str word = m->words[m->word_count - 1];
    if (!find_entities(m, model, out, err))
        return false;
    if (out->count == 0)
        return err_stop(err, EX_NOINPUT,
                        "no " STR_FMT " has the id, key or identifying value " STR_FMT,
                        STR_ARG(model->name), STR_ARG(word));
    return out->count == 1 ||
           err_stop(err, EX_USAGE,
                    "%zu answer to that; ask for one by its id: muster explain " STR_FMT
                    " " STR_FMT " lists them",
                    out->count, STR_ARG(model->name), STR_ARG(word));
}

bool raw_run(struct muster *m, struct err *err)
{
    const struct model *model = muster_model(m, err);
    struct found found;
    if (!model || !find_one(m, model, &found, err))
        return false;
    struct raw r = {.m = m, .entity = &found.list[0].entity};
    size_t wanted = (size_t)m->settings.source;
    if (wanted > r.entity->count)
        return err_stop(err, EX_USAGE, "source: it has %zu; see muster explain",
                        r.entity->count);
    for (size_t i = 0; i < r.entity->count; i++)
        if ((!wanted || wanted == i + 1) && !print_source(&r, i, err))
            return false;
    return !r.missing || err_stop(err, EX_NOINPUT, "%zu of the pages %s no longer kept",
                                  r.missing, r.missing == 1 ? "is" : "are");
}
