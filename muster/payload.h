/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Bytes that came from outside, on their way to a person or a program: a body or a message's value may be anything. Pure.
 */
#include "common/json.h"

/* Bytes that a terminal would take for commands, or that are no UTF-8, become \xNN. Lives in the arena. */
struct str payload_harmless(struct str bytes, struct arena *arena);
/* The same, and JSON is laid out on lines, indented by two, each value spelled as it came. */
struct str payload_shown(struct str bytes, struct arena *arena);
/* At most so many bytes of it, in whole characters. */
struct str payload_cut(struct str text, size_t max_bytes);
/* A member of the object under construction: NAME as text, or NAME_base64 when it is no UTF-8. */
void member_payload(struct json_out *o, const char *name, struct str bytes);
