/* SPDX-License-Identifier: MIT */
/* What the table of settings tells people, with --help, and shells, with --complete. */
#include "common/conf.h"
#include "common/places.h"

#include <stdio.h>
#include <string.h>

/* --- for people --- */

static const char *const type_words[] = {
    [CONF_TEXT] = "TEXT",     [CONF_PATH] = "PATH",  [CONF_INT] = "NUMBER",
    [CONF_DURATION] = "TIME", [CONF_BYTES] = "SIZE", [CONF_BOOL] = "",
    [CONF_CHOICE] = "WORD",
};

struct str conf_fallback(const struct conf_setting *setting, struct arena *arena)
{
    struct str text = str_of(setting->fallback), mark = STR(SHARE_FOLDER);
    if (!str_has_prefix(text, mark))
        return text;
    return arena_format(arena, STR_FMT "%s", STR_ARG(places_share(arena)), text.ptr + mark.len);
}

static bool is_listed(const struct conf_program *program, const struct conf_setting *setting)
{
    return !program->lists || program->lists(program->command, setting);
}

static void print_setting(const char *name, const char *takes, const char *help,
                          struct str fallback)
{
    int used = printf("  --%s %s", name, takes);
    (void)printf("%*s%s", used < 34 ? 34 - used : 1, "", help);
    if (fallback.len)
        (void)printf(" (" STR_FMT ")", STR_ARG(fallback));
    (void)printf("\n");
}

void conf_help(const struct conf_program *program, struct arena *arena)
{
    (void)printf("%s: %s\n\n", program->name, program->about);
    if (program->usage)
        (void)printf("%s", program->usage);
    else
        (void)printf("usage: %s [--SETTING VALUE]...\n", program->name);
    (void)printf("\nsettings:\n");
    for (size_t i = 0; i < program->setting_count; i++) {
        const struct conf_setting *s = &program->settings[i];
        if (is_listed(program, s))
            print_setting(s->name, s->choices ? s->choices : type_words[s->type], s->help,
                          conf_fallback(s, arena));
    }
    print_setting("config", "PATH", "settings file, `window: 512` a line",
                  places_config(arena));
    (void)printf(
        "  --help, --version\n\n"
        "Each setting is also a variable of the environment and a key of the settings file: --log-level\n"
        "is MUSTER_LOG_LEVEL is log_level. The flag wins over the variable, the variable over the file.\n"
        "TIME is 250ms, 30s, 5m, 1h or 7d; SIZE is 512, 64KiB, 40MiB or 2GiB.\n");
}

/* --- for shells --- */

static const struct conf_setting *setting_of(const struct conf_program *program,
                                             struct str name)
{
    for (size_t i = 0; i < program->setting_count; i++)
        if (str_eq(str_of(program->settings[i].name), name))
            return &program->settings[i];
    return NULL;
}

/* The name in "--name", or empty when the word is none that a value must follow. */
static struct str flag_before_value(const struct conf_program *program, struct str word)
{
    if (!str_has_prefix(word, STR("--")))
        return (struct str){0};
    struct str name = {word.ptr + 2, word.len - 2};
    const struct conf_setting *s = setting_of(program, name);
    bool takes_value = s ? s->type != CONF_BOOL : str_eq(name, STR("config"));
    return takes_value ? name : (struct str){0};
}

bool conf_completes(int argc, char **argv)
{
    return argc > 1 && strcmp(argv[1], "--complete") == 0;
}

struct conf_cursor conf_cursor_of(const struct conf_program *program, int argc, char **argv)
{
    struct conf_cursor c = {.begun = argc > 2 ? str_of(argv[argc - 1]) : STR("")};
    if (argc > 3)
        c.flag = flag_before_value(program, str_of(argv[argc - 2]));
    if (c.flag.len || !str_has_prefix(c.begun, STR("-")))
        return c;
    struct str value = c.begun;
    struct str flag = str_cut(&value, '=');
    c.is_flag = flag.len == c.begun.len;
    if (!c.is_flag) {
        c.begun = value;
        c.flag = (struct str){flag.ptr + 2, flag.len > 2 ? flag.len - 2 : 0};
    }
    return c;
}

void conf_offer(const struct conf_cursor *cursor, struct str word, struct str about)
{
    if (str_has_prefix(word, cursor->begun))
        (void)printf(STR_FMT "\t" STR_FMT "\n", STR_ARG(word), STR_ARG(about));
}

static void offer_flag(const struct conf_cursor *cursor, const char *name, const char *about)
{
    char flag[64];
    (void)snprintf(flag, sizeof flag, "--%s", name);
    conf_offer(cursor, str_of(flag), str_of(about));
}

static void offer_choices(const struct conf_cursor *cursor, const char *choices)
{
    struct str rest = str_of(choices);
    while (rest.len)
        conf_offer(cursor, str_cut(&rest, '|'), (struct str){0});
}

void conf_complete(const struct conf_program *program, const struct conf_cursor *cursor)
{
    if (cursor->flag.len) {
        const struct conf_setting *s = setting_of(program, cursor->flag);
        if (s ? s->type == CONF_PATH : str_eq(cursor->flag, STR("config")))
            (void)printf("<file>\n");
        else if (s && s->type == CONF_BOOL)
            offer_choices(cursor, "yes|no");
        else if (s)
            offer_choices(cursor, s->choices);
        return;
    }
    if (cursor->begun.len && !cursor->is_flag)
        return;
    for (size_t i = 0; i < program->setting_count; i++) {
        const struct conf_setting *s = &program->settings[i];
        if (is_listed(program, s))
            offer_flag(cursor, s->name, s->help);
    }
    offer_flag(cursor, "config", "settings file");
    offer_flag(cursor, "help", "what it does, with examples, and its settings");
    offer_flag(cursor, "version", "its version");
}
