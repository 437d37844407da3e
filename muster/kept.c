/* SPDX-License-Identifier: MIT */
#include "muster/kept.h"

#include <sysexits.h>

const char *kept_topic(struct muster *m, struct str topic)
{
    struct str prefix = arena_format(&m->arena, STR_FMT ".", STR_ARG(m->kafka.topics));
    if (!str_has_prefix(topic, prefix))
        return NULL;
    return arena_text(&m->arena, (struct str){topic.ptr + prefix.len, topic.len - prefix.len});
}

bool kept_read(struct muster *m, const struct coords *at, struct kafka_message *out,
               struct err *err)
{
    const char *topic = kept_topic(m, at->topic);
    if (!topic)
        return err_stop(err, EX_CONFIG,
                        STR_FMT
                        " is not a topic of this installation, whose topics begin with " STR_FMT
                        ".: see --topics",
                        STR_ARG(at->topic), STR_ARG(m->kafka.topics));
    return kafka_read_one(&m->kafka, topic, at->partition, at->offset, out, err);
}
