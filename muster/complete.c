/* SPDX-License-Identifier: MIT */
#include "muster/complete.h"

#include "muster/usage.h"

#include <string.h>

enum { PLACES_MAX = 32 };

/* --- names in the files --- */

static void offer_models(const struct conf_cursor *c, const struct providers *p)
{
    for (size_t i = 0; i < p->model_count; i++)
        conf_offer(c, p->models[i]->name, STR("model"));
}

static void offer_streams(const struct conf_cursor *c, const struct providers *p)
{
    for (size_t i = 0; i < p->count; i++)
        for (size_t k = 0; k < p->list[i]->stream_count; k++)
            conf_offer(c, p->list[i]->streams[k].name, p->list[i]->streams[k].model->name);
}

/* One, or the last of several with commas: the shell gets those before it again. */
static void offer_providers(const struct conf_cursor *c, const struct providers *p,
                            struct arena *arena)
{
    const char *comma = c->begun.len ? memrchr(c->begun.ptr, ',', c->begun.len) : NULL;
    struct str before = {c->begun.ptr, comma ? (size_t)(comma + 1 - c->begun.ptr) : 0};
    for (size_t i = 0; i < p->count; i++)
        conf_offer(
            c, arena_format(arena, STR_FMT STR_FMT, STR_ARG(before), STR_ARG(p->list[i]->name)),
            p->list[i]->about);
}

static void offer_names(struct muster *m, const struct conf_cursor *c, struct str kind)
{
    if (str_eq(kind, STR("MODEL")))
        offer_models(c, &m->providers);
    else if (str_eq(kind, STR("STREAM")))
        offer_streams(c, &m->providers);
    else if (str_eq(kind, STR("PROVIDER")))
        offer_providers(c, &m->providers, &m->arena);
    else if (str_eq(kind, STR("FILE")))
        conf_offer(&(struct conf_cursor){0}, STR("<file>"), (struct str){0});
}

/* --- the line --- */

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 ||
            strcmp(argv[i], "--version") == 0)
            return true;
    return false;
}

/* The words and settings before the cursor, and the files that they name. */
static bool load_line(struct muster *m, const struct conf_program *program,
                      const struct conf_cursor *c, int argc, char **argv)
{
    struct err ignored = {0};
    bool answered = false;
    bool is_value_alone = c->flag.len && argv[argc - 1] == c->begun.ptr;
    int last = argc - 1 - (is_value_alone ? 1 : 0), skipped = m->command ? 2 : 1;
    if (last <= skipped)
        last = skipped + 1;
    argv[skipped] = argv[0];
    const struct common_settings *common = &m->settings.common;
    return conf_load(program, &m->settings, last - skipped, argv + skipped, &m->arena, m->words,
                     WORDS_MAX, &m->word_count, &answered, &ignored) &&
           providers_load(arena_text(&m->arena, common->schemas), (struct str){0}, true,
                          &m->arena, &m->providers, &ignored);
}

static void offer_place(struct muster *m, const struct conf_cursor *c, struct str place)
{
    if (usage_is_name(place))
        offer_names(m, c, place);
    else
        conf_offer(c, place, (struct str){0});
}

static void offer_words(struct muster *m, const struct conf_cursor *c)
{
    struct str places[PLACES_MAX];
    size_t count = usage_next(m->command->usage, m->words, m->word_count, places, PLACES_MAX);
    for (size_t i = 0; i < count; i++)
        offer_place(m, c, places[i]);
}

void complete(struct muster *m, const struct conf_program *program,
              const struct command *commands, size_t count, int argc, char **argv)
{
    struct conf_cursor c = conf_cursor_of(program, argc, argv);
    if (asks_for_help(argc, argv))
        return;
    bool is_provider = str_eq(c.flag, STR("providers")),
         is_stream = str_eq(c.flag, STR("stream"));
    if (is_provider || is_stream) {
        if (load_line(m, program, &c, argc, argv))
            offer_place(m, &c, is_stream ? STR("STREAM") : STR("PROVIDER"));
    } else if (c.is_flag || c.flag.len) {
        conf_complete(program, &c);
    } else if (m->command) {
        if (load_line(m, program, &c, argc, argv))
            offer_words(m, &c);
    } else {
        for (size_t i = 0; i < count; i++)
            conf_offer(&c, str_of(commands[i].name), str_of(commands[i].about));
    }
}
