/* SPDX-License-Identifier: MIT */
#pragma once
/* Bytes as lower-case hexadecimal text, and back. Pure. */
#include "common/arena.h"

struct str hex_text(const uint8_t *bytes, size_t count, struct arena *arena);
/* False when text is not exactly 2 * count digits of either case; out is then undefined. */
bool hex_bytes(struct str text, uint8_t *out, size_t count);
