/* SPDX-License-Identifier: MIT */
#include "fetcher/publish.h"

#include "common/reject.h"

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

static bool send_reject(const struct publish *p, struct stretch *s, struct arena *arena,
                        struct err *err)
{
    const struct reject reject = {.stage = STR("fetcher"),
                                  .topic =
                                      arena_format(arena, STR_FMT ".tasks", STR_ARG(p->topics)),
                                  .partition = s->partition,
                                  .offset = s->offset,
                                  .key = s->key,
                                  .value = s->value,
                                  .headers = s->headers,
                                  .header_count = s->header_count,
                                  .reason = buf_str(&s->complaint)};
    return reject_send(p->kafka, &reject, s, arena, err);
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
