/* SPDX-License-Identifier: MIT */
#include "serializer/intake.h"

#include <string.h>
#include <sysexits.h>

bool intake_fill(struct intake *in, struct kafka_consumer *consumer,
                 const struct intake_limits *limits, struct err *err)
{
    bool taken = true;
    in->message_count = in->kept_count;
    in->kept_count = 0;
    while (taken && in->message_count < limits->pages && in->message_count < INTAKE_MAX &&
           in->bytes < limits->bytes) {
        struct kafka_message *m = &in->messages[in->message_count];
        if (!kafka_take(consumer, 0, m, &taken, err))
            return false;
        if (!taken)
            break;
        in->message_count++;
        in->bytes += (int64_t)m->value.len;
    }
    return true;
}

static void add_reject(struct intake *in, size_t message, int32_t map, struct str reason)
{
    *ARENA_PUSH(&in->arena, in->rejects, in->reject_count, in->reject_room) =
        (struct set_aside){&in->messages[message], map, reason};
}

static const struct known_stream *find_stream(const struct known_stream *streams, size_t count,
                                              struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(streams[i].stream->name, name))
            return &streams[i];
    return NULL;
}

static bool sort_one(struct intake *in, size_t index, struct str topic,
                     const struct known_stream *streams, size_t count, struct err *err)
{
    const struct kafka_message *m = &in->messages[index];
    struct page page = {.body = m->value, .coords = {topic, m->partition, m->offset}};
    if (!page_decode(m->headers, m->header_count, &page.head, err)) {
        add_reject(in, index, 0, arena_copy(&in->arena, str_of(err->text)));
        err_clear(err);
        return true;
    }
    const struct known_stream *known = find_stream(streams, count, page.head.stream);
    if (!known) {
        add_reject(in, index, 0,
                   arena_format(&in->arena, "no provider file here knows the stream " STR_FMT,
                                STR_ARG(page.head.stream)));
        return true;
    }
    if (page.head.map > known->map)
        return err_stop(
            err, EX_CONFIG,
            "a page of " STR_FMT
            " was fetched by map %d, and the files here are of map %d: start this with the "
            "files that muster init numbered",
            STR_ARG(page.head.stream), (int)page.head.map, (int)known->map);
    page.stream = known->stream;
    page.map = known->map;
    in->page_messages[in->page_count] = index;
    in->pages[in->page_count++] = page;
    return true;
}

bool intake_sort(struct intake *in, struct str pages_topic, const struct known_stream *streams,
                 size_t count, struct err *err)
{
    in->page_count = in->reject_count = in->reject_room = 0;
    in->rejects = NULL;
    in->pages = ARENA_ARRAY(&in->arena, struct page, in->message_count);
    in->page_messages = ARENA_ARRAY(&in->arena, size_t, in->message_count);
    for (size_t i = 0; i < in->message_count; i++)
        if (!sort_one(in, i, pages_topic, streams, count, err))
            return false;
    return true;
}

void intake_collect_rejects(struct intake *in)
{
    for (size_t i = 0; i < in->page_count; i++)
        if (in->pages[i].rejected)
            add_reject(in, in->page_messages[i], in->pages[i].map, in->pages[i].reason);
}

bool intake_keep(struct intake *in, const struct kafka_message *m)
{
    size_t at = in->message_count + in->kept_count;
    if (at == INTAKE_MAX)
        return false;
    in->messages[at] = *m;
    in->kept_count++;
    return true;
}

void intake_clear(struct intake *in)
{
    for (size_t i = 0; i < in->message_count; i++)
        kafka_message_free(&in->messages[i]);
    memmove(in->messages, in->messages + in->message_count,
            in->kept_count * sizeof *in->messages);
    in->message_count = 0;
    in->bytes = 0;
    in->page_count = 0;
    in->reject_count = 0;
    in->reject_room = 0;
    in->rejects = NULL;
    arena_reset(&in->arena);
}
