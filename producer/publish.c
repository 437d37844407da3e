/* SPDX-License-Identifier: MIT */
#include "producer/publish.h"

enum { TASK_MAX_BYTES = 256 << 10 };

void publish_delivered(void *context, void *ticket, const struct err *failure)
{
    struct publish *p = context;
    struct claimed *link = ticket;
    size_t index = (size_t)(link - p->batch);
    if (!failure) {
        p->open--;
        return;
    }
    p->last = *failure;
    link->is_sent = false;
    if (index < p->next)
        p->next = index;
}

void publish_begin(struct publish *p, struct claimed *batch, size_t count)
{
    *p = (struct publish){.kafka = p->kafka, .batch = batch, .count = count, .open = count};
}

bool publish_is_done(const struct publish *p)
{
    return p->open == 0;
}

static bool send_task(struct publish *p, struct claimed *link, struct buf *text,
                      struct err *err)
{
    buf_reset(text);
    return task_encode(&link->task, text, err) &&
           kafka_send(p->kafka, "tasks", link->partition, link->task.link, buf_str(text), NULL,
                      0, link, err);
}

/* Until the queue is full; the rest goes when acknowledgements have made room. */
static bool send_all(struct publish *p, struct err *err)
{
    buf_auto text;
    buf_init(&text, TASK_MAX_BYTES);
    for (; p->next < p->count; p->next++) {
        struct claimed *link = &p->batch[p->next];
        struct err failure = {0};
        if (link->is_sent)
            continue;
        link->is_sent = send_task(p, link, &text, &failure);
        if (link->is_sent)
            continue;
        if (failure.kind == ERR_RETRY && kafka_producer_pending(p->kafka) > 0)
            return true;
        if (failure.kind == ERR_REJECT) {
            link->is_sent = true;
            p->open--;
        }
        *err = failure;
        return err_wrap(err, "publish the task of " STR_FMT, STR_ARG(link->task.link));
    }
    return true;
}

static void give_up_unsent(struct publish *p)
{
    for (; p->next < p->count; p->next++) {
        if (p->batch[p->next].is_sent)
            continue;
        p->batch[p->next].is_sent = true;
        p->open--;
    }
}

bool publish_tasks(struct publish *p, bool is_expired, struct err *err)
{
    p->last.kind = ERR_NONE;
    if (is_expired)
        give_up_unsent(p);
    bool ok = send_all(p, err);
    kafka_producer_poll(p->kafka, 0);
    if (!ok || p->last.kind == ERR_NONE)
        return ok;
    *err = p->last;
    return err_wrap(err, "publish tasks");
}
