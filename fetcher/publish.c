/* SPDX-License-Identifier: MIT */
#include "fetcher/publish.h"

enum { TASK_MAX_BYTES = 256 * 1024 };

static bool send_page(const struct publish *p, struct stretch *s, struct arena *arena,
                      struct err *err)
{
    struct header headers[HEADERS_MAX];
    struct page_head head = stretch_page(s);
    size_t count = page_encode(&head, arena, headers);
    int32_t partition = page_partition(head.link, head.page, p->page_partitions);
    return kafka_send(p->kafka, "pages", partition, page_key(&head, arena), s->found.body,
                      headers, count, s, err);
}

static bool send_rest(const struct publish *p, struct stretch *s, struct err *err)
{
    struct task rest = stretch_rest(s);
    buf_auto text;
    buf_init(&text, TASK_MAX_BYTES);
    return task_encode(&rest, &text, err) &&
           kafka_send(p->kafka, "tasks", s->partition, s->key, buf_str(&text), NULL, 0, s, err);
}

/* The headers are named as Kafka Connect names them, so that the tools people have can read them. */
static bool send_reject(const struct publish *p, struct stretch *s, struct arena *arena,
                        struct err *err)
{
    const struct header headers[] = {
        {"__connect.errors.topic", arena_format(arena, STR_FMT ".tasks", STR_ARG(p->topics))},
        {"__connect.errors.partition", arena_format(arena, "%d", (int)s->partition)},
        {"__connect.errors.offset", arena_format(arena, "%lld", (long long)s->offset)},
        {"__connect.errors.stage", STR("fetcher")},
        {"__connect.errors.exception.message", buf_str(&s->complaint)},
    };
    return kafka_send(p->kafka, "rejects", -1, s->key, s->value, headers,
                      sizeof headers / sizeof *headers, s, err);
}

bool publish_step(const struct publish *p, struct stretch *s, struct arena *arena,
                  struct err *err)
{
    bool sent = s->step == STEP_PAGE   ? send_page(p, s, arena, err)
                : s->step == STEP_REST ? send_rest(p, s, err)
                                       : send_reject(p, s, arena, err);
    s->unacknowledged += sent;
    return sent;
}
