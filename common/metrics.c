/* SPDX-License-Identifier: MIT */
#include "common/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct metric_series {
    struct metric_series *next;
    struct str values[METRIC_LABELS_MAX]; /* copies, behind the struct */
    double value;                         /* of a histogram: the sum */
    double total;                         /* of a histogram: all observations */
    double buckets[METRIC_BOUNDS_MAX];    /* each without those below it */
};

static size_t label_count(const struct metric *t)
{
    size_t count = 0;
    while (count < METRIC_LABELS_MAX && t->labels[count])
        count++;
    return count;
}

static size_t bound_count(const struct metric *t)
{
    size_t count = 0;
    while (count < METRIC_BOUNDS_MAX && t->bounds[count] > 0)
        count++;
    return count;
}

static struct metric_series *new_series(const struct metric *t, const struct labels *l)
{
    size_t bytes = sizeof(struct metric_series), labels = label_count(t);
    for (size_t i = 0; i < labels; i++)
        bytes += l->values[i].len;
    struct metric_series *s = calloc(1, bytes);
    if (!s)
        abort();
    char *texts = (char *)(s + 1);
    for (size_t i = 0; i < labels; i++) {
        if (l->values[i].len)
            memcpy(texts, l->values[i].ptr, l->values[i].len);
        s->values[i] = (struct str){texts, l->values[i].len};
        texts += l->values[i].len;
    }
    return s;
}

static bool is_of(const struct metric_series *s, const struct metric *t, const struct labels *l)
{
    for (size_t i = 0; i < label_count(t); i++)
        if (!str_eq(s->values[i], l->values[i]))
            return false;
    return true;
}

/* Where its pointer stands, or where it would be put; *out_count is how many there are before. */
static struct metric_series **find(struct metrics *m, size_t index, const struct labels *l,
                                   size_t *out_count)
{
    struct metric_series **at = &m->series[index];
    *out_count = 0;
    for (; *at && !is_of(*at, &m->table[index], l); at = &(*at)->next)
        ++*out_count;
    return at;
}

/* Series stand in the order in which they came. */
static struct metric_series *series_of(struct metrics *m, size_t index, const struct labels *l)
{
    static const struct labels other = {{{"other", 5}, {"other", 5}}};
    size_t count;
    struct metric_series **at = find(m, index, l, &count);
    if (!*at && count >= METRIC_SERIES_MAX) {
        l = &other;
        at = find(m, index, l, &count);
    }
    if (!*at)
        *at = new_series(&m->table[index], l);
    return *at;
}

void metrics_open(struct metrics *m, const struct metric *table, size_t count)
{
    *m = (struct metrics){
        table, count, (struct metric_series **)calloc(count, sizeof(struct metric_series *))};
    if (!m->series)
        abort();
    for (size_t i = 0; i < count; i++)
        if (label_count(&table[i]) == 0)
            metrics_add(m, i, NO_LABELS, 0);
}

void metrics_close(struct metrics *m)
{
    for (size_t i = 0; i < m->count; i++) {
        struct metric_series *next;
        for (struct metric_series *s = m->series[i]; s; s = next) {
            next = s->next;
            free(s);
        }
    }
    free((void *)m->series);
    *m = (struct metrics){0};
}

void metrics_add(struct metrics *m, size_t index, struct labels l, double n)
{
    series_of(m, index, &l)->value += n;
}

void metrics_set(struct metrics *m, size_t index, struct labels l, double value)
{
    series_of(m, index, &l)->value = value;
}

void metrics_observe(struct metrics *m, size_t index, struct labels l, double value)
{
    struct metric_series *s = series_of(m, index, &l);
    const struct metric *t = &m->table[index];
    size_t bounds = bound_count(t), i = 0;
    while (i < bounds && value > t->bounds[i])
        i++;
    if (i < bounds)
        s->buckets[i]++;
    s->total++;
    s->value += value;
}

double metrics_value(const struct metrics *m, size_t index, struct labels l)
{
    const struct metric *t = &m->table[index];
    for (const struct metric_series *s = m->series[index]; s; s = s->next)
        if (is_of(s, t, &l))
            return t->kind == METRIC_HISTOGRAM ? s->total : s->value;
    return 0;
}

/* --- rendering --- */

static bool add_escaped(struct buf *out, struct str s, bool in_quotes)
{
    bool ok = true;
    for (size_t i = 0; i < s.len && ok; i++) {
        char c = s.ptr[i];
        if (c == '\n')
            ok = buf_add(out, STR("\\n"));
        else if (c == '\\' || (c == '"' && in_quotes))
            ok = buf_addf(out, "\\%c", c);
        else
            ok = buf_add(out, (struct str){s.ptr + i, 1});
    }
    return ok;
}

static bool add_pair(struct buf *out, bool *in_out_open, const char *name, struct str value)
{
    bool ok = buf_addf(out, "%s%s=\"", *in_out_open ? "," : "{", name) &&
              add_escaped(out, value, true) && buf_add(out, STR("\""));
    *in_out_open = true;
    return ok;
}

/* {a="…",le="…"}, or nothing when there are no labels. */
static bool add_labels(struct buf *out, const struct metric *t, const struct metric_series *s,
                       const char *bound)
{
    bool is_open = false, ok = true;
    for (size_t i = 0; i < label_count(t) && ok; i++)
        ok = add_pair(out, &is_open, t->labels[i], s->values[i]);
    if (bound)
        ok = ok && add_pair(out, &is_open, "le", str_of(bound));
    return ok && (!is_open || buf_add(out, STR("}")));
}

/* Whole numbers as such: they stay exact up to 2^53. */
static bool add_number(struct buf *out, double value)
{
    if (fabs(value) < 9007199254740992.0 && value == floor(value))
        return buf_addf(out, " %lld\n", (long long)value);
    return buf_addf(out, " %.12g\n", value);
}

static bool add_sample(struct buf *out, const struct metric *t, const struct metric_series *s,
                       const char *suffix, const char *bound, double value)
{
    return buf_addf(out, "%s%s", t->name, suffix) && add_labels(out, t, s, bound) &&
           add_number(out, value);
}

static bool add_histogram(struct buf *out, const struct metric *t,
                          const struct metric_series *s)
{
    double below = 0;
    bool ok = true;
    for (size_t i = 0; i < bound_count(t) && ok; i++) {
        buf_auto bound;
        buf_init(&bound, 32);
        below += s->buckets[i];
        ok = buf_addf(&bound, "%g", t->bounds[i]) &&
             add_sample(out, t, s, "_bucket", buf_text(&bound), below);
    }
    return ok && add_sample(out, t, s, "_bucket", "+Inf", s->total) &&
           add_sample(out, t, s, "_sum", NULL, s->value) &&
           add_sample(out, t, s, "_count", NULL, s->total);
}

static bool render_one(const struct metric *t, const struct metric_series *s, struct buf *out)
{
    static const char *const kinds[] = {[METRIC_COUNTER] = "counter",
                                        [METRIC_GAUGE] = "gauge",
                                        [METRIC_HISTOGRAM] = "histogram"};
    bool ok = buf_addf(out, "# HELP %s ", t->name) &&
              add_escaped(out, str_of(t->help), false) &&
              buf_addf(out, "\n# TYPE %s %s\n", t->name, kinds[t->kind]);
    for (; s && ok; s = s->next)
        ok = t->kind == METRIC_HISTOGRAM ? add_histogram(out, t, s)
                                         : add_sample(out, t, s, "", NULL, s->value);
    return ok;
}

bool metrics_render(const struct metrics *m, struct buf *out)
{
    for (size_t i = 0; i < m->count; i++)
        if (!render_one(&m->table[i], m->series[i], out))
            return false;
    return true;
}
