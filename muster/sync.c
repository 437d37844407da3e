/* SPDX-License-Identifier: MIT */
#include "muster/sync.h"

#include "muster/link_store.h"

/* A parameter that the file fixes: its text, with the names of settings left as they are written. */
static struct str fixed_text(const struct template *t, struct arena *arena)
{
    struct str text = {0};
    for (size_t i = 0; i < t->count; i++)
        text = arena_format(arena,
                            t->parts[i].is_name ? STR_FMT "${" STR_FMT "}" : STR_FMT STR_FMT,
                            STR_ARG(text), STR_ARG(t->parts[i].text));
    return text;
}

static bool put_stream(struct muster *m, const struct stream *s, struct report *report,
                       struct err *err)
{
    struct link_param *params = ARENA_ARRAY(&m->arena, struct link_param, s->param_count);
    for (size_t i = 0; i < s->param_count; i++)
        params[i] =
            (struct link_param){s->params[i].name, fixed_text(&s->params[i].value, &m->arena)};
    struct new_link link = {.stream = s->name,
                            .params = params,
                            .param_count = s->param_count,
                            .every_ms = s->every_ms};
    link.id = link_id(s->name, params, s->param_count, &m->arena);

    enum link_put put = LINK_KEPT;
    if (!link_put(&m->mongo, &link, &put, err))
        return false;
    if (put != LINK_KEPT)
        report_line(report, "link " STR_FMT ": %s, every %lld s", STR_ARG(link.id),
                    put == LINK_ADDED ? "added" : "changed", (long long)s->every_ms / 1000);
    return true;
}

/* {stream: {$in or $nin: all streams of the files}, gone: …}; of those providers only that were asked for. */
static void known_streams(const struct muster *m, const char *operator, bool gone,
                          bson_t *filter)
{
    bson_t part, list;
    buf_auto pattern = {0};
    size_t count = 0;
    buf_init(&pattern, 64 << 10);
    BSON_APPEND_BOOL(filter, "gone", gone);
    BSON_APPEND_DOCUMENT_BEGIN(filter, "stream", &part);
    bson_append_array_begin(&part, operator, - 1, &list);
    for (size_t i = 0; i < m->providers.count; i++) {
        const struct provider *p = m->providers.list[i];
        (void)!buf_addf(&pattern, "%s" STR_FMT, i ? "|" : "^(", STR_ARG(p->name));
        for (size_t k = 0; k < p->stream_count; k++)
            doc_push_str(&list, count++, p->streams[k].name);
    }
    bson_append_array_end(&part, &list);
    (void)!buf_add(&pattern, STR(")/"));
    if (m->settings.common.providers.len)
        BSON_APPEND_REGEX(&part, "$regex", buf_text(&pattern), "");
    bson_append_document_end(filter, &part);
}

bool links_sync(struct muster *m, struct report *report, struct err *err)
{
    bson_auto left = BSON_INITIALIZER;
    bson_auto back = BSON_INITIALIZER;
    int64_t gone = 0, returned = 0;

    known_streams(m, "$nin", false, &left);
    known_streams(m, "$in", true, &back);
    if (!links_set_gone(&m->mongo, &back, false, &returned, err) ||
        !links_set_gone(&m->mongo, &left, true, &gone, err))
        return false;
    for (size_t i = 0; i < m->providers.count; i++)
        for (size_t k = 0; k < m->providers.list[i]->stream_count; k++)
            if (!put_stream(m, &m->providers.list[i]->streams[k], report, err))
                return false;
    if (gone)
        report_line(report,
                    "links: %lld marked gone, as their streams are no longer in the files",
                    (long long)gone);
    if (returned)
        report_line(report, "links: %lld came back with their streams", (long long)returned);
    return true;
}
