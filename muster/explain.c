/* SPDX-License-Identifier: MIT */
/* `muster explain MODEL …`, for the analyst who asks why two hosts became one. */
#include "muster/explain.h"

#include "common/clock.h"
#include "common/hex.h"
#include "muster/show.h"

#include <stdio.h>
#include <sysexits.h>

enum { VALUE_MAX_BYTES = 100 };

static struct str id_text(const struct object_id *id, struct arena *arena)
{
    return hex_text(id->bytes, sizeof id->bytes, arena);
}

static void print_time(const char *what, int64_t unix_ms)
{
    char iso[25];
    clock_iso(unix_ms, iso);
    (void)printf("%s%s", what, iso);
}

static void print_numbers(const size_t *places, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)printf("[%zu]", places[i] + 1);
}

/* --- the parts, in the order of the page --- */

static void print_head(const struct model *m, const struct found *found, struct arena *arena)
{
    const struct document *s = &found->list[0];
    size_t living = 0;
    for (size_t i = 0; i < s->entity.count; i++)
        living += !s->entity.sources[i].gone;
    for (size_t i = 0; i < found->redirect_count; i++) {
        struct str from = id_text(&found->redirects[i], arena);
        struct str to = id_text(
            i + 1 < found->redirect_count ? &found->redirects[i + 1] : &s->entity.id, arena);
        (void)printf(STR_FMT " was merged into " STR_FMT "\n", STR_ARG(from), STR_ARG(to));
    }
    struct str id = id_text(&s->entity.id, arena);
    (void)printf(STR_FMT " " STR_FMT ", from %zu sources%s\n", STR_ARG(m->name), STR_ARG(id),
                 s->entity.count, living ? "" : ", all of them gone");
    print_time("first stored ", s->entity.created_at_ms);
    print_time(", last changed ", s->changed_at_ms);
    (void)printf("\n");
}

static void print_field(const struct model *m, const struct document *s,
                        const struct field_account *f, struct arena *arena)
{
    const struct field *field = &m->fields[f->field];
    struct str value = show_value(&field->type, f->value, VALUE_MAX_BYTES, arena);
    (void)printf("  %-22.*s " STR_FMT "  ", STR_ARG(field->name), STR_ARG(value));
    print_numbers(f->winners, f->winner_count);
    (void)printf("%s\n", field->is_volatile ? " volatile" : "");
    for (size_t i = 0; i < f->other_count; i++) {
        struct value said = s->entity.sources[f->others[i]].fields[f->field];
        struct str other = show_value(&field->type, said, VALUE_MAX_BYTES, arena);
        (void)printf("  %-22s   [%zu] says " STR_FMT "\n", "", f->others[i] + 1,
                     STR_ARG(other));
    }
}

static void print_tie(const struct model *m, const struct tie *tie, const struct document *s,
                      struct arena *arena)
{
    const struct source *first = &s->entity.sources[tie->sources[0]];
    if (tie->rule)
        (void)printf("  rule " STR_FMT ": ", STR_ARG(tie->rule->name));
    else
        (void)printf("  the same item, listed by several links: " STR_FMT " " STR_FMT,
                     STR_ARG(first->stream), STR_ARG(first->key));
    for (size_t i = 0; tie->rule && i < tie->rule->count; i++) {
        const struct field *field = &m->fields[tie->rule->fields[i]];
        struct str value =
            show_value(&field->type, tie->tuple.values[i], VALUE_MAX_BYTES, arena);
        (void)printf("%s" STR_FMT " = " STR_FMT, i ? ", " : "", STR_ARG(field->name),
                     STR_ARG(value));
    }
    (void)printf(tie->count > 1 ? "  shared by " : "  only in ");
    print_numbers(tie->sources, tie->count);
    (void)printf("\n");
}

static void print_gap(const struct gap *gap, struct arena *arena)
{
    struct str value = show_value(&gap->field->type, gap->value, VALUE_MAX_BYTES, arena);
    (void)printf("  [%zu] has nothing for rule " STR_FMT ": ", gap->source + 1,
                 STR_ARG(gap->rule->name));
    if (gap->value.kind == VALUE_NONE)
        (void)printf("no " STR_FMT "\n", STR_ARG(gap->field->name));
    else
        (void)printf(STR_FMT " %.*s never identifies\n", STR_ARG(gap->field->name),
                     STR_ARG(value));
}

static void print_ties(const struct model *m, const struct document *s, const struct account *a,
                       struct arena *arena)
{
    (void)printf("\nwhat makes them one\n");
    if (s->entity.crowded_out)
        (void)printf("  it stands alone: too many sources share its identity for one entity\n");
    if (a->tie_count == 0 || a->ties[0].count < 2)
        (void)printf("  nothing is shared%s\n",
                     s->entity.count > 1 ? " now" : ", it has one source");
    for (size_t i = 0; i < a->tie_count; i++)
        print_tie(m, &a->ties[i], s, arena);
    for (size_t i = 0; i < a->gap_count; i++)
        print_gap(&a->gaps[i], arena);
}

static void print_source(const struct source *s, size_t place)
{
    (void)printf("  [%zu] " STR_FMT " " STR_FMT "%s\n", place + 1, STR_ARG(s->stream),
                 STR_ARG(s->key), s->gone ? ", gone: its provider no longer lists it" : "");
    (void)printf("      link " STR_FMT ", gen %lld, page %lld, record %d, map %d",
                 STR_ARG(s->link), (long long)s->version.gen, (long long)s->version.page,
                 (int)s->version.ordinal, (int)s->version.map);
    if (s->has_as_of)
        print_time(", as of ", s->as_of_ms);
    (void)printf("\n");
    if (s->page.topic.len)
        (void)printf("      raw page: " STR_FMT " partition %d offset %lld\n",
                     STR_ARG(s->page.topic), (int)s->page.partition, (long long)s->page.offset);
}

void explain_print(const struct model *m, const struct found *found, const struct account *a,
                   struct arena *arena)
{
    const struct document *s = &found->list[0];
    print_head(m, found, arena);
    (void)printf("\nfields, and the sources they are from\n");
    for (size_t i = 0; i < a->field_count; i++)
        print_field(m, s, &a->fields[i], arena);
    print_ties(m, s, a, arena);
    (void)printf("\nsources\n");
    for (size_t i = 0; i < s->entity.count; i++)
        print_source(&s->entity.sources[i], i);
}

/* --- the command --- */

/* Several answer to that value: a line each, so that one can be asked for. */
static void print_choice(const struct model *m, const struct found *found, struct arena *arena)
{
    (void)printf("%s%zu answer to that; ask for one by its id:\n",
                 found->count == FOUND_MAX ? "at least " : "", found->count);
    for (size_t i = 0; i < found->count; i++) {
        const struct entity *e = &found->list[i].entity;
        struct str id = id_text(&e->id, arena);
        (void)printf("  muster explain " STR_FMT " " STR_FMT, STR_ARG(m->name), STR_ARG(id));
        if (e->count)
            (void)printf("   (" STR_FMT " " STR_FMT ")", STR_ARG(e->sources[0].stream),
                         STR_ARG(e->sources[0].key));
        (void)printf("\n");
    }
}

bool explain_run(struct muster *m, struct err *err)
{
    const struct model *model = muster_model(m, err);
    struct found found;
    if (!model || !find_entities(m, model, &found, err))
        return false;
    if (found.count == 0)
        return err_stop(err, EX_NOINPUT,
                        "no " STR_FMT " has the id, key or identifying value " STR_FMT,
                        STR_ARG(model->name), STR_ARG(m->words[m->word_count - 1]));
    if (found.count > 1 && !m->settings.json) {
        print_choice(model, &found, &m->arena);
        return true;
    }
    struct account account = account_make(model, &found.list[0], &m->arena);
    if (m->settings.json)
        explain_print_json(model, &found, &account, &m->arena);
    else
        explain_print(model, &found, &account, &m->arena);
    return true;
}
