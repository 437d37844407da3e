/* SPDX-License-Identifier: MIT */
#pragma once
/* Sources of a small model of hosts, and dice, for the tests of the serializer's pure modules. Texts are views of what is given. */
#include "serializer/entity.h"

enum { HOSTNAME, IP, SERIAL, NOTE, HOST_FIELDS };

static const struct value hosts_never_names[] = {
    {.kind = VALUE_TEXT, .count = 9, .text = "localhost"}};
static const struct value hosts_never_serials[] = {
    {.kind = VALUE_TEXT, .count = 1, .text = "0"}};
static const struct field hosts_fields[HOST_FIELDS] = {
    [HOSTNAME] = {.name = {"hostname", 8},
                  .type = {.kind = TYPE_HOSTNAME},
                  .never = {.values = hosts_never_names, .count = 1}},
    [IP] = {.name = {"ip", 2}, .type = {.kind = TYPE_IP}, .never = {.loopback = true}},
    [SERIAL] = {.name = {"serial", 6},
                .type = {.kind = TYPE_STRING},
                .never = {.values = hosts_never_serials, .count = 1}},
    [NOTE] = {.name = {"note", 4}, .type = {.kind = TYPE_STRING}},
};

enum { BY_HOSTNAME_IP, BY_SERIAL, HOST_RULES };

static const struct rule hosts_rules[HOST_RULES] = {
    [BY_HOSTNAME_IP] = {.name = {"hostname_ip", 11},
                        .fields = {HOSTNAME, IP},
                        .keys = {{"hostname", 8}, {"ip", 2}},
                        .count = 2},
    [BY_SERIAL] = {.name = {"serial", 6},
                   .fields = {SERIAL},
                   .keys = {{"serial", 6}},
                   .count = 1},
};
static const struct model hosts_model = {.name = {"host", 4},
                                         .collection = {"hosts", 5},
                                         .fields = hosts_fields,
                                         .field_count = HOST_FIELDS,
                                         .rules = hosts_rules,
                                         .rule_count = HOST_RULES};

static inline struct value text_or_none(const char *text)
{
    return text ? value_text(str_of(text)) : (struct value){0};
}

/* xorshift64*: chance that a seed repeats. A die starts at any number but 0. */
static inline uint64_t die_roll(uint64_t *die, uint64_t below)
{
    *die ^= *die << 13;
    *die ^= *die >> 7;
    *die ^= *die << 17;
    return (*die * 0x2545f4914f6cdd1dU >> 16) % below;
}

/* Any order of any array. */
static inline void die_shuffle(uint64_t *die, void *items, size_t count, size_t bytes_each)
{
    char *at = items;
    for (size_t i = count; i > 1; i--) {
        char *last = at + (i - 1) * bytes_each;
        char *other = at + die_roll(die, i) * bytes_each;
        for (size_t b = 0; b < bytes_each; b++) {
            char kept = last[b];
            last[b] = other[b];
            other[b] = kept;
        }
    }
}
