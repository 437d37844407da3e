/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The commands' usage texts are also a grammar, from which --help and the completion of shells follow:
 *
 *     usage: muster links list [STREAM] [--due]
 *            muster links due STREAM|LINK|--all
 *                             [--json]
 *
 * A word in small letters stands as it is, one in capitals for a name, `|` parts alternatives, `...` repeats, brackets
 * hold what can be left out; flags count for nothing here, as they can stand anywhere. A long line goes on in the
 * next with more of them. Pure; never blocks.
 */
#include "muster/muster.h"

/* The usage text of `muster --help`: all commands, a line each. */
struct str usage_general(const struct command *commands, size_t count, struct arena *arena);

/*
 * Is a setting with this help text listed for a command? "links list, init: …; show: …" is for these three alone, one
 * that names no command for all.
 * Without a command (NULL) only those are that are for all.
 */
bool usage_lists(const struct command *commands, size_t count, const char *command,
                 const char *help);

/*
 * What can follow `words` (which stand behind the command's name), as the usage text spells it: "list", "STREAM". Each
 * once; returns how many.
 */
size_t usage_next(const char *usage, const struct str *words, size_t word_count,
                  struct str *out, size_t max);
/* Is it the name of something ("STREAM"), and not a word as it is? */
bool usage_is_name(struct str word);
