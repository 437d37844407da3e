/* SPDX-License-Identifier: MIT */
#include "muster/usage.h"

#include <ctype.h>
#include <string.h>

enum { NAME_COLUMNS = 10 };

static const struct command *find(const struct command *commands, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(str_of(commands[i].name), name))
            return &commands[i];
    return NULL;
}

/* --- help --- */

struct str usage_general(const struct command *commands, size_t count, struct arena *arena)
{
    struct str text =
        STR("usage: muster COMMAND [WORD]... [--SETTING VALUE]...\n\ncommands:\n");
    for (size_t i = 0; i < count; i++)
        text = arena_format(arena, STR_FMT "  %-*s %s\n", STR_ARG(text), NAME_COLUMNS,
                            commands[i].name, commands[i].about);
    return arena_format(arena,
                        STR_FMT "\nmuster COMMAND --help tells more of one, with examples.\n",
                        STR_ARG(text));
}

/* One part of a help text, "links list, show: …": does it name commands, and this one? */
static bool names_commands(const struct command *commands, size_t count, const char *command,
                           struct str part, bool *in_out_names_this)
{
    bool names = false;
    if (!str_has(part, STR(": ")))
        return false;
    struct str head = str_cut(&part, ':');
    while (head.len) {
        struct str words = str_trim(str_cut(&head, ','));
        const struct command *named = find(commands, count, str_cut(&words, ' '));
        names = names || named;
        if (named && command && strcmp(named->name, command) == 0)
            *in_out_names_this = true;
    }
    return names;
}

bool usage_lists(const struct command *commands, size_t count, const char *command,
                 const char *help)
{
    struct str rest = str_of(help);
    bool is_for_some = false, is_for_this = false;
    while (rest.len)
        if (names_commands(commands, count, command, str_cut(&rest, ';'), &is_for_this))
            is_for_some = true;
    return !is_for_some || is_for_this;
}

/* --- the grammar --- */

bool usage_is_name(struct str word)
{
    for (size_t i = 0; i < word.len; i++)
        if (islower((unsigned char)word.ptr[i]))
            return false;
    return word.len && isupper((unsigned char)word.ptr[0]);
}

static bool has_suffix(struct str s, struct str suffix)
{
    return s.len >= suffix.len &&
           memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0;
}

/* Behind a flag: its value, `--into DATABASE`, or what else stands in its brackets, `[--every TIME]`. */
static void skip_value(struct str *line, bool is_in_brackets)
{
    struct str rest = *line;
    if (!is_in_brackets && usage_is_name(str_cut(&rest, ' ')))
        (void)str_cut(line, ' ');
    while (is_in_brackets && line->len && !str_has(str_cut(line, ' '), STR("]")))
        ;
}

/*
 * The next place for a word: its alternatives ("list|add"), without brackets and dots. Flags are passed over. Empty at the
 * line's end.
 */
static struct str next_place(struct str *line, bool *out_repeats)
{
    while (line->len) {
        struct str token = str_cut(line, ' ');
        bool opens = str_has_prefix(token, STR("["));
        if (opens)
            token = (struct str){token.ptr + 1, token.len - 1};
        *out_repeats = has_suffix(token, STR("..."));
        if (*out_repeats)
            token.len -= 3;
        bool closes = has_suffix(token, STR("]"));
        if (closes)
            token.len--;
        if (token.len && !str_has_prefix(token, STR("--")))
            return token;
        if (token.len && !closes)
            skip_value(line, opens);
    }
    return (struct str){0};
}

static bool takes(struct str place, struct str word)
{
    while (place.len) {
        struct str alternative = str_cut(&place, '|');
        if (usage_is_name(alternative) || str_eq(alternative, word))
            return true;
    }
    return false;
}

/* What the line has at the place behind `words`, or empty when it has none or is for other words. */
static struct str place_after(struct str line, const struct str *words, size_t word_count)
{
    bool repeats = false;
    struct str place = next_place(&line, &repeats);
    for (size_t i = 0; i < word_count && place.len; i++) {
        if (!takes(place, words[i]))
            return (struct str){0};
        if (!repeats)
            place = next_place(&line, &repeats);
    }
    return place;
}

static bool is_among(struct str word, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(list[i], word))
            return true;
    return false;
}

size_t usage_next(const char *usage, const struct str *words, size_t word_count,
                  struct str *out, size_t max)
{
    struct str text = str_of(usage);
    size_t count = 0;
    while (text.len) {
        struct str line = str_trim(str_cut(&text, '\n'));
        if (!line.len) /* the end of the synopsis */
            break;
        if (str_has_prefix(line, STR("usage:")))
            line = str_trim((struct str){line.ptr + 6, line.len - 6});
        if (!str_eq(str_cut(&line, ' '), STR("muster")))
            continue; /* more flags of the line before */
        (void)str_cut(&line, ' ');
        struct str place = place_after(line, words, word_count);
        while (place.len) {
            struct str alternative = str_cut(&place, '|');
            if (alternative.len && !str_has_prefix(alternative, STR("--")) && count < max &&
                !is_among(alternative, out, count))
                out[count++] = alternative;
        }
    }
    return count;
}
