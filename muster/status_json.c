/* SPDX-License-Identifier: MIT */
#include "muster/report.h"
#include "muster/status.h"

static void put_provider(struct json_out *o, const struct provider_row *p)
{
    json_open(o, '{');
    member_str(o, "provider", p->provider);
    for (size_t k = 0; k < LINK_PHASES; k++)
        member_int(o, link_phase_name((enum link_phase)k), p->states[k]);
    member_int(o, "failing", p->failing);
    if (p->states[LINK_DUE])
        member_time(o, "oldest_due_at", p->oldest_ms);
    json_close(o, '}');
}

static void put_rate(struct json_out *o, const char *key, int64_t tenths, struct arena *arena)
{
    json_key(o, str_of(key));
    json_put_json(o, arena_format(arena, "%lld.%lld", (long long)(tenths / 10),
                                  (long long)(tenths % 10)));
}

static void put_topic(struct json_out *o, const struct topic_row *t, bool has_rates,
                      struct arena *arena)
{
    json_open(o, '{');
    member_str(o, "topic", str_of(t->topic));
    member_int(o, "messages", t->messages);
    if (t->stage) {
        member_str(o, "group", t->group);
        member_int(o, "members", t->members);
        member_int(o, "waiting", t->waiting);
    }
    if (has_rates)
        put_rate(o, "in_per_s", t->in_tenths, arena);
    if (has_rates && t->stage)
        put_rate(o, "done_per_s", t->done_tenths, arena);
    json_close(o, '}');
}

static void put_model(struct json_out *o, const struct model_row *row)
{
    json_open(o, '{');
    member_str(o, "collection", row->collection);
    member_int(o, "alive", row->entities);
    member_int(o, "gone", row->gone);
    member_int(o, "redirects", row->redirects);
    json_close(o, '}');
}

static void put_failure(struct json_out *o, const struct failure_row *f)
{
    json_open(o, '{');
    member_str(o, "stream", f->stream);
    member_str(o, "link", f->link);
    member_int(o, "links", f->links);
    member_int(o, "times", f->times);
    member_time(o, "at", f->at_ms);
    member_str(o, "error", f->error);
    json_close(o, '}');
}

static void put_reject(struct json_out *o, const struct reject_row *r)
{
    json_open(o, '{');
    member_int(o, "offset", r->offset);
    member_time(o, "at", r->at_ms);
    member_str(o, "stage", r->stage);
    member_str(o, "from", r->from);
    member_str(o, "reason", r->reason);
    json_close(o, '}');
}

static void open_list(struct json_out *o, const char *key)
{
    json_key(o, str_of(key));
    json_open(o, '[');
}

void status_json(const struct status *s, struct arena *arena, struct buf *out)
{
    struct json_out o = {.buf = out};
    struct str *advice = NULL;
    size_t advice_count = status_advise(s, arena, &advice);
    json_open(&o, '{');
    member_time(&o, "at", s->now_ms);
    open_list(&o, "links");
    for (size_t i = 0; i < s->provider_count; i++)
        put_provider(&o, &s->providers[i]);
    json_close(&o, ']');
    open_list(&o, "topics");
    for (size_t i = 0; i < status_topics(s); i++)
        put_topic(&o, &s->topics[i], s->has_rates, arena);
    json_close(&o, ']');
    open_list(&o, "entities");
    for (size_t i = 0; i < s->model_count; i++)
        put_model(&o, &s->models[i]);
    json_close(&o, ']');
    member_int(&o, "issues", s->issues);
    open_list(&o, "errors");
    for (size_t i = 0; i < s->failure_count; i++)
        put_failure(&o, &s->failures[i]);
    json_close(&o, ']');
    open_list(&o, "rejects");
    for (size_t i = 0; i < s->reject_count; i++)
        put_reject(&o, &s->rejects[i]);
    json_close(&o, ']');
    open_list(&o, "advice");
    for (size_t i = 0; i < advice_count; i++)
        json_put_str(&o, advice[i]);
    json_close(&o, ']');
    json_close(&o, '}');
}
