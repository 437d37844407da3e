/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * W3C Trace Context, as far as we pass it on: `traceparent`, "00-TRACE-SPAN-FLAGS". The claim of a
 * link begins a trace; each stretch of a fetcher is a span of it, and so is what the serializer
 * makes of a page. It is never sent to a provider. Chance is an argument. Pure.
 */
#include "common/str.h"

enum { TRACE_BYTES = 56 }; /* with the NUL at its end */

/* Random bytes for ids. */
struct trace_dice {
    uint8_t trace[16], span[8];
};

/* A trace of our own. */
void trace_begin(const struct trace_dice *dice, char out[static TRACE_BYTES]);
/*
 * A span of the trace that `parent` names, or, where that is none (an old message, or somebody
 * else's), a trace of our own.
 */
void trace_continue(struct str parent, const struct trace_dice *dice,
                    char out[static TRACE_BYTES]);
