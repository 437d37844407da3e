/* SPDX-License-Identifier: MIT */
/* How a stream is paged and how fast it may be asked. A listing that is cut silently is the worst fault, so each says how it ends. */
#include "common/provider_read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_MAX_RECORDS = 1000000, PAGES_DEFAULT_MAX = 100000, IN_FLIGHT_MAX = 1000 };

/* Pages. */

static bool parse_by(const struct provider_reader *r, const struct yaml *at, enum pages_by *out)
{
    const struct str words[] = {[PAGES_NONE] = STR("none"),
                                [PAGES_OFFSET] = STR("offset"),
                                [PAGES_NUMBER] = STR("number"),
                                [PAGES_CURSOR] = STR("cursor")};
    const struct str coming[] = {STR("link"), STR("url"), STR("next_url"), STR("header"),
                                 STR("range")};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_eq(at->text, words[i])) {
            *out = (enum pages_by)i;
            return true;
        }
    if (yaml_is_among(at->text, coming, COUNT_OF(coming)))
        return yaml_error(at, r->err, "pages by \"" STR_FMT "\" are not supported yet",
                          STR_ARG(at->text));
    return yaml_unknown(at, at->text, words, COUNT_OF(words), r->err,
                        "pages by \"" STR_FMT "\" are unknown", STR_ARG(at->text));
}

static bool check_keys(const struct provider_reader *r, const struct yaml *at, enum pages_by by)
{
    const struct str none[] = {STR("by")};
    const struct str offset[] = {STR("by"), STR("size"), STR("end_when"), STR("max")};
    const struct str number[] = {STR("by"), STR("size"), STR("first"), STR("end_when"),
                                 STR("max")};
    const struct str cursor[] = {STR("by"), STR("size"), STR("cursor"), STR("end_when"),
                                 STR("max")};
    switch (by) {
    case PAGES_NONE:
        return yaml_only(at, "pages by none", none, COUNT_OF(none), r->err);
    case PAGES_OFFSET:
        return yaml_only(at, "pages by offset", offset, COUNT_OF(offset), r->err);
    case PAGES_NUMBER:
        return yaml_only(at, "pages by number", number, COUNT_OF(number), r->err);
    case PAGES_CURSOR:
        return yaml_only(at, "pages by cursor", cursor, COUNT_OF(cursor), r->err);
    }
    return true;
}

static bool parse_size(struct provider_reader *r, const struct yaml *pages, struct pages *out)
{
    const struct yaml *at = yaml_get(pages, STR("size"));
    struct str text = {0};
    bool is_known = false;
    if (!at)
        return out->by != PAGES_OFFSET ||
               yaml_error(pages, r->err, "pages by offset need a \"size\"");
    out->has_size = true;
    if (!template_expand(r, at, &text, &is_known))
        return false;
    if (!is_known)
        return true;
    return (str_to_int(str_trim(text), &out->size) && out->size > 0 &&
            out->size <= SIZE_MAX_RECORDS) ||
           yaml_error(at, r->err,
                      "the size \"" STR_FMT "\" must be a whole number from 1 to %d",
                      STR_ARG(text), SIZE_MAX_RECORDS);
}

static bool parse_cursor(struct provider_reader *r, const struct yaml *pages, struct pages *out)
{
    const struct yaml *at = NULL;
    if (out->by != PAGES_CURSOR)
        return true;
    at = yaml_need(pages, "cursor", "pages by cursor", r->err);
    return at && (out->cursor = select_parse(r, at));
}

static bool parse_end_status(const struct provider_reader *r, const struct yaml *at,
                             struct end_when *out)
{
    int64_t status = 0;
    if (!yaml_whole(at, "status", 100, 599, &status, r->err) ||
        !yaml_text(at, "body_has", &out->body_has, r->err))
        return false;
    if (out->body_has.len && !status)
        return yaml_error(at, r->err, "\"body_has\" needs a \"status\" beside it");
    if (status >= 200 && status <= 299 && !out->body_has.len)
        return yaml_error(at, r->err,
                          "a \"status\" of success ends every listing at its first page; "
                          "add \"body_has\"");
    out->status = (int)status;
    return true;
}

static bool parse_end_records(struct provider_reader *r, const struct yaml *at,
                              const struct pages *pages, struct end_when *out)
{
    const struct yaml *records = yaml_get(at, STR("records"));
    const struct yaml *shorter = yaml_get(at, STR("short"));
    const struct yaml *total = yaml_get(at, STR("total"));
    if (records && !str_eq(records->text, STR("0")))
        return yaml_error(records, r->err, "\"records\" can only be 0: a page without records");
    out->no_records = records;
    if (!yaml_flag(at, "short", &out->short_page, r->err))
        return false;
    if (shorter && !out->short_page)
        return yaml_error(shorter, r->err,
                          "\"short\" can only be true: a page of less than size");
    if (shorter && !pages->has_size)
        return yaml_error(shorter, r->err, "\"short\" needs the \"size\" of pages");
    return !total || (out->total = select_parse(r, total));
}

static bool parse_end(struct provider_reader *r, const struct yaml *pages, struct pages *out)
{
    const struct str known[] = {STR("records"), STR("short"), STR("total"), STR("status"),
                                STR("body_has")};
    const struct yaml *at = yaml_get(pages, STR("end_when"));
    bool ends_by_itself = out->by == PAGES_CURSOR || out->by == PAGES_NONE;
    if (!at && ends_by_itself)
        return true;
    if (!at || at->count == 0)
        return yaml_error(at ? at : pages, r->err,
                          "\"end_when\" must say where the listing ends: records: 0, short: "
                          "true, total: SELECTION, or status: NUMBER with body_has: TEXT");
    return yaml_only(at, "end_when", known, COUNT_OF(known), r->err) &&
           parse_end_status(r, at, &out->end_when) &&
           parse_end_records(r, at, out, &out->end_when);
}

bool pages_parse(struct provider_reader *r, const struct yaml *stream, struct pages *out)
{
    const struct yaml *at = yaml_get(stream, STR("pages")), *by = NULL;
    *out = (struct pages){.first = 1, .max_pages = PAGES_DEFAULT_MAX};
    if (!at)
        return yaml_error(stream, r->err,
                          "\"pages\" is missing in a stream; write \"pages: none\" where one "
                          "answer holds all");
    if (at->kind == YAML_SCALAR && str_eq(at->text, STR("none")))
        return true;
    if (at->kind != YAML_MAP)
        return yaml_error(at, r->err,
                          "\"pages\" must be none, or a map that begins with \"by\"");
    by = yaml_need(at, "by", "pages", r->err);
    return by && parse_by(r, by, &out->by) && check_keys(r, at, out->by) &&
           parse_size(r, at, out) && parse_cursor(r, at, out) && parse_end(r, at, out) &&
           yaml_whole(at, "first", 0, 1, &out->first, r->err) &&
           yaml_whole(at, "max", 1, INT32_MAX, &out->max_pages, r->err);
}

bool pages_shift(const struct pages *p)
{
    return p->by == PAGES_OFFSET || p->by == PAGES_NUMBER;
}

/* Limits. */

static bool parse_number(struct str s, double *out)
{
    char text[32], *end = NULL;
    if (s.len == 0 || s.len >= sizeof text || s.ptr[0] < '0' || s.ptr[0] > '9')
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    *out = strtod(text, &end);
    return *end == '\0' && isfinite(*out) && *out > 0;
}

/* "5/s", "300/min", "1000/h", "2.5". */
static bool parse_rate(struct str s, double *out_per_second)
{
    const struct {
        struct str unit;
        double seconds;
    } units[] = {
        {STR(""), 1}, {STR("s"), 1}, {STR("min"), 60}, {STR("h"), 3600}, {STR("d"), 86400}};
    struct str unit = str_trim(s), number = str_cut(&unit, '/');
    double requests = 0;
    if (!parse_number(str_trim(number), &requests))
        return false;
    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (str_eq(str_trim(unit), units[i].unit)) {
            *out_per_second = requests / units[i].seconds;
            return true;
        }
    return false;
}

bool limits_parse(struct provider_reader *r, const struct yaml *stream, struct limits *out)
{
    const struct str known[] = {STR("rate"), STR("in_flight")};
    const struct yaml *at = yaml_get(stream, STR("limits")), *rate = NULL;
    int64_t in_flight = 1;
    struct str text = {0};
    bool is_known = false;
    out->in_flight = 1;
    if (!at)
        return true;
    if (!yaml_only(at, "limits", known, COUNT_OF(known), r->err) ||
        !yaml_whole(at, "in_flight", 1, IN_FLIGHT_MAX, &in_flight, r->err))
        return false;
    out->in_flight = (int)in_flight;
    rate = yaml_get(at, STR("rate"));
    if (!rate)
        return true;
    if (!template_expand(r, rate, &text, &is_known))
        return false;
    return !is_known || parse_rate(text, &out->per_second) ||
           yaml_error(rate, r->err,
                      "the rate \"" STR_FMT "\" must be like 5/s, 300/min, 1000/h or 50000/d",
                      STR_ARG(text));
}
