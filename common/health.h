/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a stage can say of its own readiness: a few named checks, each with its state and since
 * when it has it. A stage is ready when none of its checks waits; one that warns is for a person
 * and not for a load balancer. Time is an argument. Pure.
 */
#include "common/str.h"

enum check_name {
    CHECK_STAGE, /* starting, working, draining */
    CHECK_KAFKA,
    CHECK_MONGO,
    CHECK_FILES, /* warns while a reload has failed, so that the files before it count */
    CHECK_COUNT
};

enum check_state { CHECK_ABSENT, CHECK_OK, CHECK_WARNS, CHECK_WAITS };

struct check {
    enum check_state state;
    int64_t since_ms; /* unix ms; a new text alone does not move it */
    char text[512];   /* what it waits for, or warns of; cut when longer */
};

/* Starts as {0}: a stage has the checks that it has said something of. */
struct health {
    struct check checks[CHECK_COUNT];
};

void health_say(struct health *h, enum check_name name, enum check_state state, struct str text,
                int64_t unix_ms);
/* At least one check is there, and none waits. */
bool health_is_ready(const struct health *h);
/* A line a check: `kafka ok`, `mongo waits since 2026-01-02T03:04:05.678Z: no primary`. */
const char *health_check_name(enum check_name name);
must_check bool health_render(const struct health *h, struct buf *out);
