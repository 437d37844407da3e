/* SPDX-License-Identifier: MIT */
#include "common/select_scan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool scan_fail(struct scan *s, size_t at, const char *format, ...)
{
    char what[512];
    size_t column = 1;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    for (size_t i = 0; i < at; i++)
        column += ((unsigned char)s->text.ptr[i] & 0xC0) != 0x80;
    return err_set(s->err, ERR_REJECT, "column %zu: %s", column, what);
}

/* Characters. NUL stands for the end; a NUL in the text is nothing that the grammar knows. */

char scan_peek(const struct scan *s, size_t ahead)
{
    return s->at + ahead < s->text.len ? s->text.ptr[s->at + ahead] : '\0';
}

void scan_space(struct scan *s)
{
    while (scan_peek(s, 0) == ' ' || scan_peek(s, 0) == '\n' || scan_peek(s, 0) == '\t' ||
           scan_peek(s, 0) == '\r')
        s->at++;
}

bool scan_take(struct scan *s, const char *mark)
{
    scan_space(s);
    struct str rest = {s->text.ptr + s->at, s->text.len - s->at};
    if (!str_has_prefix(rest, str_of(mark)))
        return false;
    s->at += strlen(mark);
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool scan_is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

struct str scan_word(struct scan *s)
{
    struct str word = {s->text.ptr + s->at, 0};
    while (scan_is_word_start(scan_peek(s, 0)) || (word.len && is_digit(scan_peek(s, 0)))) {
        s->at++;
        word.len++;
    }
    return word;
}

/* What jq knows and we do not. */

bool scan_refuse_word(struct scan *s, size_t at, struct str word)
{
    const struct str keywords[] = {
        STR("if"),    STR("then"),  STR("elif"),   STR("else"),    STR("end"),     STR("as"),
        STR("def"),   STR("and"),   STR("or"),     STR("reduce"),  STR("foreach"), STR("try"),
        STR("catch"), STR("label"), STR("import"), STR("include"), STR("__loc__")};
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (str_eq(word, keywords[i]))
            return scan_fail(s, at, "jq's \"" STR_FMT "\" is not supported yet", STR_ARG(word));
    if (scan_peek(s, 0) == '(')
        return scan_fail(s, at, "jq's function \"" STR_FMT "()\" is not supported yet",
                         STR_ARG(word));
    return scan_fail(s, at,
                     "jq's function \"" STR_FMT
                     "\" is not supported yet; a member is \"." STR_FMT "\"",
                     STR_ARG(word), STR_ARG(word));
}

bool scan_refuse(struct scan *s)
{
    static const struct {
        const char *mark, *what;
    } limits[] = {
        {"..", "jq's \"..\" (all values within) is not supported yet"},
        {"?//", "jq's \"?//\" is not supported yet; write \"? //\""},
        {"[", "jq's lists made with [...] are not supported yet"},
        {"$", "jq's variables ($name) are not supported yet"},
        {"@", "jq's formats (@name) are not supported yet"},
        {"#", "jq's comments are not supported yet"},
        {"==", "jq's comparisons are not supported yet"},
        {"!=", "jq's comparisons are not supported yet"},
        {"<", "jq's comparisons are not supported yet"},
        {">", "jq's comparisons are not supported yet"},
        {"//=", "jq's assignments are not supported yet"},
        {"|=", "jq's assignments are not supported yet"},
        {"=", "jq's assignments are not supported yet"},
        {"-", "jq's arithmetic is not supported yet; a name with a dash is written .\"a-b\""},
        {"+", "jq's arithmetic is not supported yet"},
        {"*", "jq's arithmetic is not supported yet"},
        {"/", "jq's arithmetic is not supported yet; the alternative operator is \"//\""},
        {"%", "jq's arithmetic is not supported yet"},
    };
    scan_space(s);
    struct str rest = {s->text.ptr + s->at, s->text.len - s->at};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (str_has_prefix(rest, str_of(limits[i].mark)))
            return scan_fail(s, s->at, "%s", limits[i].what);
    if (rest.len == 0)
        return scan_fail(s, s->at, "the program ends too early");
    size_t at = s->at;
    if (scan_is_word_start(scan_peek(s, 0)))
        return scan_refuse_word(s, at, scan_word(s));
    return scan_fail(s, at, "unexpected \"%.*s\"", (int)(rest.len < 10 ? rest.len : 10),
                     rest.ptr);
}

/* Literals. JSON's own reader knows how strings and numbers are written. */

static bool parse_json(struct scan *s, size_t start, struct pick *out)
{
    struct err fault = {0};
    struct str text = {s->text.ptr + start, s->at - start};
    json_auto *doc = json_parse(text, &fault);
    if (!doc)
        return scan_fail(s, start, "\"" STR_FMT "\": %s", STR_ARG(text), fault.text);
    struct json value = json_root(doc);
    *out = (struct pick){.kind = PICK_LITERAL, .literal = json_kind_of(value)};
    if (out->literal == JSON_TEXT)
        out->text = arena_copy(s->arena, json_str(value));
    else if (out->literal == JSON_INT)
        out->number = json_int(value);
    else
        out->real = json_real(value);
    return out->literal != JSON_REAL || isfinite(out->real) ||
           scan_fail(s, start, "the number is too big");
}

/* At a quote. */
bool scan_string(struct scan *s, struct pick *out)
{
    size_t start = s->at++;
    for (; scan_peek(s, 0) != '"'; s->at++) {
        if (s->at >= s->text.len)
            return scan_fail(s, start, "a string without its closing quote");
        if (scan_peek(s, 0) == '\\' && scan_peek(s, 1) == '(')
            return scan_fail(s, s->at, "jq's interpolation \\(…) is not supported yet");
        s->at += scan_peek(s, 0) == '\\';
    }
    s->at++;
    return parse_json(s, start, out);
}

/* At a digit, or at a minus before one. */
bool scan_number(struct scan *s, struct pick *out)
{
    size_t start = s->at++;
    for (;; s->at++) {
        char c = scan_peek(s, 0), before = s->text.ptr[s->at - 1];
        bool is_exponents_sign = (c == '+' || c == '-') && (before == 'e' || before == 'E');
        if (!is_digit(c) && c != '.' && c != 'e' && c != 'E' && !is_exponents_sign)
            return parse_json(s, start, out);
    }
}

bool scan_at_number(const struct scan *s)
{
    return is_digit(scan_peek(s, 0)) || (scan_peek(s, 0) == '-' && is_digit(scan_peek(s, 1)));
}
