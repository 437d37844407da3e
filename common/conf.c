/* SPDX-License-Identifier: MIT */
/*
 * Each setting is first only a text with a rank and a place it came from; the highest rank wins, and only then it is
 * parsed: so a bad value is reported once, with its place, and one that is overridden hurts nobody.
 */
#include "common/conf.h"

#include "common/places.h"
#include "common/yaml.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { VERSION_MAX_BYTES = 4096 };

enum rank { RANK_FALLBACK, RANK_FILE, RANK_FILE_SECTION, RANK_ENVIRONMENT, RANK_FLAG };

struct given {
    enum rank rank;
    struct str text;
    struct str from; /* "--window", "MUSTER_WINDOW", "muster.yaml:3:1" */
};

struct load {
    const struct conf_program *program;
    struct arena *arena;
    struct given *given; /* one per setting */
    struct str config;   /* path of the settings file */
    struct str *words;
    size_t word_count, max_words;
    bool answered;
};

static void give(struct load *l, size_t index, enum rank rank, struct str text, struct str from)
{
    if (rank >= l->given[index].rank)
        l->given[index] = (struct given){rank, text, from};
}

/* A setting's name in another spelling: "page-size" is "page_size" in a file and MUSTER_PAGE_SIZE in the environment. */
static struct str respell(struct arena *arena, const char *prefix, struct str name, bool upper)
{
    struct str out = arena_format(arena, "%s" STR_FMT, prefix, STR_ARG(name));
    char *text = (char *)(uintptr_t)out.ptr;
    for (size_t i = strlen(prefix); i < out.len; i++) {
        if (!isalnum((unsigned char)text[i]))
            text[i] = '_';
        else if (upper)
            text[i] = (char)toupper((unsigned char)text[i]);
    }
    return out;
}

/* All names that may stand in one place, for the search and for the nearest one; `config` follows the table's. */
static struct str *names_of(struct load *l, bool in_file, size_t *out_count)
{
    size_t count = l->program->setting_count;
    struct str *names = ARENA_ARRAY(l->arena, struct str, count + 3);
    for (size_t i = 0; i < count; i++) {
        struct str name = str_of(l->program->settings[i].name);
        names[i] = in_file ? respell(l->arena, "", name, false) : name;
    }
    if (!in_file) {
        names[count++] = STR("config");
        names[count++] = STR("help");
        names[count++] = STR("version");
    }
    *out_count = count;
    return names;
}

static size_t index_of(const struct str *names, size_t count, struct str name)
{
    size_t i = 0;
    while (i < count && !str_eq(names[i], name))
        i++;
    return i;
}

static bool unknown_flag(struct str flag, const struct str *names, size_t count,
                         struct err *err)
{
    struct str nearest = str_nearest(flag, names, count);
    if (nearest.len)
        return err_stop(err, EX_USAGE,
                        "--" STR_FMT ": there is no such flag; did you mean --" STR_FMT "?",
                        STR_ARG(flag), STR_ARG(nearest));
    return err_stop(err, EX_USAGE, "--" STR_FMT ": there is no such flag; --help lists them",
                    STR_ARG(flag));
}

static void print_version(const struct conf_program *program)
{
    buf_auto text;
    buf_init(&text, VERSION_MAX_BYTES);
    if (version_render(program->name, program->libraries, &text))
        (void)fwrite(text.ptr, 1, text.len, stdout);
}

/* --help and --version answer even when the rest of the line is wrong. */
static bool answer(struct load *l, struct str flag)
{
    if (str_eq(flag, STR("help")))
        conf_help(l->program, l->arena);
    else if (str_eq(flag, STR("version")))
        print_version(l->program);
    else
        return false;
    l->answered = true;
    return true;
}

/* One flag with its value, which may be the next word; *i moves over what was used. */
static bool read_flag(struct load *l, int argc, char **argv, int *i, struct err *err)
{
    size_t name_count;
    struct str *names = names_of(l, false, &name_count);
    struct str rest = str_of(argv[*i] + 2);
    bool has_value = str_has(rest, STR("="));
    struct str flag = str_cut(&rest, '=');
    if (answer(l, flag))
        return true;

    size_t index = index_of(names, name_count, flag);
    if (index == name_count)
        return unknown_flag(flag, names, name_count, err);
    bool is_config = index >= l->program->setting_count;
    if (!has_value && !is_config && l->program->settings[index].type == CONF_BOOL) {
        rest = STR("yes");
    } else if (!has_value) {
        if (*i + 1 >= argc)
            return err_stop(err, EX_USAGE, "--" STR_FMT ": a value must follow", STR_ARG(flag));
        rest = str_of(argv[++*i]);
    }
    if (is_config)
        l->config = rest;
    else
        give(l, index, RANK_FLAG, rest, arena_format(l->arena, "--" STR_FMT, STR_ARG(flag)));
    return true;
}

static bool read_line(struct load *l, int argc, char **argv, struct err *err)
{
    bool only_words = false;
    for (int i = 1; i < argc && !l->answered; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (!only_words && strcmp(argv[i], "-h") == 0) {
            (void)answer(l, STR("help"));
        } else if (!only_words && strncmp(argv[i], "--", 2) == 0) {
            if (!read_flag(l, argc, argv, &i, err))
                return false;
        } else if (l->word_count == l->max_words) {
            return err_stop(err, EX_USAGE,
                            "\"%s\": a word too many; --help shows what can stand here",
                            argv[i]);
        } else {
            l->words[l->word_count++] = str_of(argv[i]);
        }
    }
    return true;
}

static void read_environment(struct load *l)
{
    for (size_t i = 0; i < l->program->setting_count; i++) {
        struct str name =
            respell(l->arena, "MUSTER_", str_of(l->program->settings[i].name), true);
        struct str value = str_of(getenv(name.ptr));
        if (value.len) /* compose files pass on what is unset as empty */
            give(l, i, RANK_ENVIRONMENT, value, name);
    }
    if (!l->config.len)
        l->config = str_of(getenv("MUSTER_CONFIG"));
    if (!l->config.len)
        l->config = places_config(l->arena);
}

static const struct str sections[] = {
    {"fetcher", 7}, {"producer", 8}, {"serializer", 10}, {"announcer", 9}, {"muster", 6}};
enum { SECTION_COUNT = sizeof sections / sizeof sections[0] };

static bool read_map(struct load *l, const struct yaml *map, enum rank rank, struct err *err)
{
    size_t count;
    struct str *names = names_of(l, true, &count);
    for (size_t i = 0; i < map->count; i++) {
        const struct yaml *key = &map->keys[i], *value = &map->items[i];
        if (rank == RANK_FILE && index_of(sections, SECTION_COUNT, key->text) < SECTION_COUNT)
            continue;
        size_t index = index_of(names, count, key->text);
        struct str nearest = str_nearest(key->text, names, count);
        if (index == count && nearest.len)
            return yaml_error(key, err, "%.*s: there is no such setting; did you mean %.*s?",
                              STR_ARG(key->text), STR_ARG(nearest));
        if (index == count)
            return yaml_error(key, err, STR_FMT ": there is no such setting; --help lists them",
                              STR_ARG(key->text));
        if (value->kind != YAML_SCALAR)
            return yaml_error(value, err, STR_FMT ": one value is expected",
                              STR_ARG(key->text));
        give(l, index, rank, value->text,
             arena_format(l->arena, "%s:%u:%u: " STR_FMT, value->file, value->line,
                          value->column, STR_ARG(key->text)));
    }
    return true;
}

static bool read_file(struct load *l, struct err *err)
{
    if (!l->config.len)
        return true;
    struct yaml root;
    if (!yaml_load(arena_text(l->arena, l->config), l->arena, &root, err))
        return false;
    if (root.kind != YAML_MAP)
        return yaml_error(&root, err, "lines of `key: value` are expected");
    if (!read_map(l, &root, RANK_FILE, err))
        return false;
    const char *dash = strchr(l->program->name, '-');
    const struct yaml *section = yaml_get(&root, str_of(dash ? dash + 1 : l->program->name));
    if (!section)
        return true;
    if (section->kind != YAML_MAP)
        return yaml_error(section, err, "the settings of one program are expected");
    return read_map(l, section, RANK_FILE_SECTION, err);
}

static bool parse_bool(struct str s, bool *out)
{
    static const struct str words[] = {{"no", 2},  {"false", 5}, {"0", 1},
                                       {"yes", 3}, {"true", 4},  {"1", 1}};
    size_t index = index_of(words, 6, s);
    if (index < 6)
        *out = index >= 3;
    return index < 6;
}

static bool parse_choice(struct str s, const char *choices, int *out)
{
    struct str rest = str_of(choices);
    for (int i = 0; rest.len; i++) {
        if (str_eq(str_cut(&rest, '|'), s)) {
            *out = i;
            return true;
        }
    }
    return false;
}

static const char *const expectations[] = {
    [CONF_TEXT] = "a text",
    [CONF_PATH] = "a path",
    [CONF_INT] = "a whole number",
    [CONF_DURATION] = "a time like 250ms, 30s, 5m, 1h or 7d",
    [CONF_BYTES] = "a size like 512, 64KiB or 40MiB",
    [CONF_BOOL] = "yes or no",
    [CONF_CHOICE] = "a word of a list",
};

static bool parse_value(const struct conf_setting *s, struct str text, void *values)
{
    void *place = (char *)values + s->offset;
    switch (s->type) {
    case CONF_TEXT:
    case CONF_PATH:
        *(struct str *)place = text;
        return true;
    case CONF_INT:
        return str_to_int(text, place) && *(int64_t *)place >= 0;
    case CONF_DURATION:
        return conf_parse_duration(text, place);
    case CONF_BYTES:
        return conf_parse_bytes(text, place);
    case CONF_BOOL:
        return parse_bool(text, place);
    case CONF_CHOICE:
        return parse_choice(text, s->choices, place);
    }
    return false;
}

static bool store_values(const struct load *l, void *values, struct err *err)
{
    for (size_t i = 0; i < l->program->setting_count; i++) {
        const struct conf_setting *s = &l->program->settings[i];
        const struct given *g = &l->given[i];
        if ((g->rank == RANK_FALLBACK && !s->fallback) || parse_value(s, g->text, values))
            continue;
        const char *expected = s->choices ? s->choices : expectations[s->type];
        return err_stop(err, g->rank == RANK_FLAG ? EX_USAGE : EX_CONFIG,
                        STR_FMT ": \"" STR_FMT "\": expected is %s", STR_ARG(g->from),
                        STR_ARG(g->text), expected);
    }
    return true;
}

bool conf_load(const struct conf_program *program, void *values, int argc, char **argv,
               struct arena *arena, struct str *out_words, size_t max_words,
               size_t *out_word_count, bool *out_answered, struct err *err)
{
    struct load l = {
        .program = program, .arena = arena, .words = out_words, .max_words = max_words};
    l.given = ARENA_ARRAY(arena, struct given, program->setting_count);
    for (size_t i = 0; i < program->setting_count; i++)
        l.given[i] = (struct given){RANK_FALLBACK, conf_fallback(&program->settings[i], arena),
                                    STR("default")};

    if (conf_completes(argc, argv)) {
        struct conf_cursor cursor = conf_cursor_of(program, argc, argv);
        conf_complete(program, &cursor);
        l.answered = true;
    } else if (!read_line(&l, argc, argv, err)) {
        return false;
    }
    if (!l.answered) {
        read_environment(&l);
        if (!read_file(&l, err) || !store_values(&l, values, err))
            return false;
    }
    *out_word_count = l.word_count;
    *out_answered = l.answered;
    return true;
}

enum { SECRET_MAX_BYTES = 64 * 1024 };

static void close_file(FILE **file)
{
    if (*file)
        (void)fclose(*file);
}

static bool read_secret(const char *path, struct arena *arena, struct str *out, struct err *err)
{
    __attribute__((cleanup(close_file))) FILE *file = fopen(path, "re");
    if (!file)
        return err_stop(err, EX_NOINPUT, "%s: %s", path, strerror(errno));
    char *text = arena_take(arena, SECRET_MAX_BYTES + 1);
    size_t len = fread(text, 1, SECRET_MAX_BYTES + 1, file);
    if (ferror(file) || len > SECRET_MAX_BYTES)
        return err_stop(err, EX_CONFIG, "%s: it cannot be read, or is over 64 KiB", path);
    if (len && text[len - 1] == '\n')
        len--;
    *out = arena_copy(arena, (struct str){text, len});
    return true;
}

bool conf_provider_setting(struct str provider, struct str name, struct arena *arena,
                           struct str *out_value, bool *out_found, struct err *err)
{
    struct str both =
        arena_format(arena, STR_FMT "_" STR_FMT, STR_ARG(provider), STR_ARG(name));
    struct str variable = respell(arena, "MUSTER_", both, true);
    struct str value = str_of(getenv(variable.ptr));
    struct str file_variable = arena_format(arena, STR_FMT "_FILE", STR_ARG(variable));
    const char *path = value.len ? NULL : getenv(file_variable.ptr);
    if (path && *path) {
        if (!read_secret(path, arena, &value, err))
            return err_wrap(err, "%s", file_variable.ptr);
    }
    *out_found = value.len || (path && *path);
    if (*out_found)
        *out_value = arena_copy(arena, value);
    return true;
}
