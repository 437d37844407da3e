/* SPDX-License-Identifier: MIT */
/* `muster rejects show` for eyes, `muster rejects export` for programs and test cases. */
#include "common/clock.h"
#include "muster/payload.h"
#include "muster/rejects.h"
#include "muster/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { SHOWN_BYTES = 4000 };
static const size_t line_max_bytes = (size_t)512 << 20; /* 64 MiB, each byte escaped */

/* --- which --- */

/* The words behind the verb are ids: only those are taken. */
static bool take_words(struct muster *m, struct rejects *r, struct err *err)
{
    for (size_t i = 0; m->word_count > 1 && i < r->count; i++)
        r->take[i] = false;
    for (size_t i = 1; i < m->word_count; i++) {
        struct reject_id id;
        if (!reject_id_parse(m->words[i], &id))
            return err_stop(err, EX_USAGE,
                            STR_FMT ": an id as muster rejects list shows it is expected, 0:41",
                            STR_ARG(m->words[i]));
        int64_t at = rejects_find(r, id);
        if (at < 0)
            return err_stop(err, EX_NOINPUT,
                            "there is no reject " STR_FMT
                            ", or it repeats another one; muster rejects list --all shows all",
                            STR_ARG(m->words[i]));
        r->take[at] = true;
    }
    return true;
}

void rejects_put_message(struct json_out *o, const struct reject *r)
{
    json_key(o, STR("headers"));
    json_open(o, '{');
    for (size_t i = 0; i < r->header_count; i++)
        member_str(o, r->headers[i].name, r->headers[i].value);
    json_close(o, '}');
    member_payload(o, "key", r->key);
    member_payload(o, "value", r->value);
}

struct showing {
    struct muster *m;
    const struct rejects *rejects;
    const char *folder;
    size_t count;
};

static bool print_object(const struct showing *s, size_t at, const struct reject *r)
{
    buf_auto text;
    buf_init(&text, line_max_bytes);
    struct json_out o = {.buf = &text};
    json_open(&o, '{');
    rejects_put(&o, s->rejects, at);
    rejects_put_message(&o, r);
    json_close(&o, '}');
    print_json(&text);
    return true;
}

/* --- show --- */

static void print_line(const char *name, struct str value, struct arena *arena)
{
    struct str shown = payload_shown(value, arena);
    (void)printf("  %-22s " STR_FMT "\n", name, STR_ARG(shown));
}

static void print_head(const struct showing *s, size_t at, struct arena *arena)
{
    const struct kept_reject *k = &s->rejects->list[at];
    const struct standing *standing = &s->rejects->standings[at];
    char when[25];
    clock_iso(k->at_ms, when);
    struct str id = reject_id_text(k->id, arena);
    (void)printf("reject " STR_FMT ", %s: " STR_FMT "\n", STR_ARG(id),
                 standing_name(standing->kind), STR_ARG(standing->why));
    print_line("reason", k->what.reason, arena);
    print_line("set aside",
               arena_format(arena, "by the " STR_FMT ", %s", STR_ARG(k->what.stage), when),
               arena);
    print_line("message",
               arena_format(arena, STR_FMT " partition %d offset %lld", STR_ARG(k->what.topic),
                            (int)k->what.partition, (long long)k->what.offset),
               arena);
    if (k->kind == REJECT_OF_PAGE)
        print_line("page",
                   arena_format(arena, STR_FMT ", gen %lld, run %lld, page %lld",
                                STR_ARG(k->link), (long long)k->gen, (long long)k->mark.run,
                                (long long)k->mark.page),
                   arena);
    if (k->retries)
        print_line("retried",
                   arena_format(arena, "%lld times, before as reject " STR_FMT,
                                (long long)k->retries, STR_ARG(reject_id_text(k->of, arena))),
                   arena);
}

static void print_payload(const struct showing *s, const struct reject *r, struct str id,
                          struct arena *arena)
{
    bool lays_out = isatty(STDOUT_FILENO) == 1;
    struct str whole =
        lays_out ? payload_shown(r->value, arena) : payload_harmless(r->value, arena);
    struct str shown = s->m->settings.full ? whole : payload_cut(whole, SHOWN_BYTES);
    (void)printf("payload, %zu bytes\n", r->value.len);
    (void)fwrite(shown.ptr, 1, shown.len, stdout);
    (void)printf("\n");
    if (shown.len < whole.len)
        (void)printf("… cut here: --full shows all of it, muster rejects export " STR_FMT
                     " gives it byte for byte\n",
                     STR_ARG(id));
}

static bool show_one(void *context, size_t at, const struct reject *r, struct err *err)
{
    struct showing *s = context;
    arena_auto arena = {0};
    (void)err;
    if (s->m->settings.json)
        return print_object(s, at, r);
    print_head(s, at, &arena);
    (void)printf("headers\n");
    print_line("key", r->key, &arena);
    for (size_t i = 0; i < r->header_count; i++)
        print_line(r->headers[i].name, r->headers[i].value, &arena);
    print_payload(s, r, reject_id_text(s->rejects->list[at].id, &arena), &arena);
    return true;
}

bool rejects_show(struct muster *m, struct err *err)
{
    struct rejects r;
    struct showing s = {.m = m, .rejects = &r};
    return rejects_look(m, &r, err) && take_words(m, &r, err) &&
           rejects_each(m, &r, show_one, &s, err);
}

/* --- export --- */

static bool write_file(const char *path, struct str bytes, struct err *err)
{
    FILE *file = fopen(path, "wb");
    bool ok = file && fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len;
    ok = file && fclose(file) == 0 && ok;
    return ok || err_stop(err, EX_CANTCREAT, "%s: %s", path, strerror(errno));
}

/* 0-41.body is the payload as it came, 0-41.json says what it is. */
static bool write_files(struct showing *s, size_t at, const struct reject *r, struct err *err)
{
    arena_auto arena = {0};
    buf_auto text;
    const struct reject_id id = s->rejects->list[at].id;
    const char *path =
        arena_format(&arena, "%s/%d-%lld.", s->folder, (int)id.partition, (long long)id.offset)
            .ptr;
    struct reject head = *r;
    head.value = (struct str){0};
    buf_init(&text, line_max_bytes);
    struct json_out o = {.buf = &text};
    json_open(&o, '{');
    rejects_put(&o, s->rejects, at);
    rejects_put_message(&o, &head);
    json_close(&o, '}');
    s->count++;
    return write_file(arena_format(&arena, "%sbody", path).ptr, r->value, err) &&
           write_file(arena_format(&arena, "%sjson", path).ptr,
                      payload_shown(buf_str(&text), &arena), err);
}

static bool export_one(void *context, size_t at, const struct reject *r, struct err *err)
{
    struct showing *s = context;
    return s->folder ? write_files(s, at, r, err) : print_object(s, at, r);
}

static bool make_folder(const char *path, struct err *err)
{
    return mkdir(path, 0755) == 0 || errno == EEXIST ||
           err_stop(err, EX_CANTCREAT, "%s: %s", path, strerror(errno));
}

bool rejects_export(struct muster *m, struct err *err)
{
    struct rejects r;
    struct str into = m->settings.into;
    struct showing s = {
        .m = m, .rejects = &r, .folder = into.len ? arena_text(&m->arena, into) : NULL};
    if (!rejects_look(m, &r, err) || !take_words(m, &r, err))
        return false;
    for (size_t i = 0; i < r.count && m->word_count == 1; i++)
        r.take[i] &= m->settings.all || !standing_is_over(r.standings[i].kind);
    if ((s.folder && !make_folder(s.folder, err)) || !rejects_each(m, &r, export_one, &s, err))
        return false;
    if (s.folder)
        (void)printf(
            "%zu rejects written into %s: ID.body is the payload, ID.json what it is\n",
            s.count, s.folder);
    return true;
}
