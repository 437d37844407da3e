/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/conf.h"
#include "common/places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

struct values {
    struct common_settings common;
    struct str name;
    int64_t window, drain_ms, max_page;
    bool json;
};

static const struct conf_setting settings[] = {
    COMMON_SETTINGS(struct values, common),
    {"name", CONF_TEXT, offsetof(struct values, name), NULL, "a name", NULL},
    {"window", CONF_INT, offsetof(struct values, window), "256", "a number", NULL},
    {"drain", CONF_DURATION, offsetof(struct values, drain_ms), "10s", "a time", NULL},
    {"max-page", CONF_BYTES, offsetof(struct values, max_page), "64MiB", "a size", NULL},
    {"json", CONF_BOOL, offsetof(struct values, json), NULL, "a flag", NULL},
};

static const struct conf_program program = {
    .name = "muster-fetcher",
    .about = "for tests",
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
};

enum { WORDS_MAX = 4 };

struct loaded {
    struct values values;
    struct str words[WORDS_MAX];
    size_t word_count;
    bool answered;
    struct arena arena;
};

/* `line` is split at spaces. */
static bool load(const char *line, struct loaded *out, struct err *err)
{
    char copy[512], *argv[32];
    int argc = 0;
    *out = (struct loaded){0};
    (void)snprintf(copy, sizeof copy, "muster-fetcher %s", line);
    for (char *rest = NULL, *word = strtok_r(copy, " ", &rest); word;
         word = strtok_r(NULL, " ", &rest))
        argv[argc++] = arena_text(&out->arena, str_of(word));
    return conf_load(&program, &out->values, argc, argv, &out->arena, out->words, WORDS_MAX,
                     &out->word_count, &out->answered, err);
}

static char config_path[] = "/tmp/muster-test-conf-XXXXXX";

static void write_config(const char *content)
{
    FILE *file = fopen(config_path, "w");
    if (!file || fputs(content, file) < 0 || fclose(file) != 0)
        abort();
}

static int set_up(void **state)
{
    (void)state;
    int fd = mkstemp(config_path);
    return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(config_path);
}

/* What the places said, and what window became of it. 0 = an error is expected. */
struct order {
    const char *sentence;
    const char *line, *variable, *file;
    int64_t window;
};

static const struct order orders[] = {
    {"nothing said is the default", "", NULL, NULL, 256},
    {"the file wins over the default", "", NULL, "window: 2\n", 2},
    {"the environment wins over the file", "", "3", "window: 2\n", 3},
    {"the flag wins over the environment", "--window 4", "3", "window: 2\n", 4},
    {"a flag may hold its value", "--window=5", NULL, NULL, 5},
    {"the last flag counts", "--window 4 --window 5", NULL, NULL, 5},
    {"an empty variable is not set", "", "", "window: 2\n", 2},
    {"the program's own section wins in the file", "", NULL,
     "fetcher: {window: 7}\nwindow: 2\n", 7},
    {"another program's section says nothing to us", "", NULL,
     "producer: {window: 7, burst: 1}\n", 256},
    {"a file of comments alone says nothing", "", NULL, "# window: 2\n", 256},
    {"an empty file says nothing", "", NULL, "", 256},
    {"a bad value that is overridden hurts nobody", "--window 4", "many", NULL, 4},
};

static void test_flag_environment_file_default(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct loaded l;
        struct err err = {0};
        char line[256];
        write_config(orders[i].file ? orders[i].file : "{}\n");
        if (orders[i].variable)
            assert_int_equal(setenv("MUSTER_WINDOW", orders[i].variable, 1), 0);
        (void)snprintf(line, sizeof line, "%s --config %s", orders[i].line, config_path);
        bool ok = load(line, &l, &err);
        if (!ok || l.values.window != orders[i].window)
            fail_msg("%s: %lld %s", orders[i].sentence, (long long)l.values.window, err.text);
        arena_done(&l.arena);
        assert_int_equal(unsetenv("MUSTER_WINDOW"), 0);
    }
}

struct mistake {
    const char *sentence;
    const char *line, *file;
    int exit_code;
    const char *says;
};

static const struct mistake mistakes[] = {
    {"an unknown flag names the nearest", "--widow 3", NULL, EX_USAGE, "--window?"},
    {"a flag near nothing points to the help", "--zzzzzz", NULL, EX_USAGE, "--help"},
    {"a flag without its value", "--window", NULL, EX_USAGE, "a value must follow"},
    {"a number that is none", "--window many", NULL, EX_USAGE,
     "--window: \"many\": expected is a whole number"},
    {"a number below 0", "--window -3", NULL, EX_USAGE, "--window"},
    {"a time without unit", "--drain 10", NULL, EX_USAGE,
     "--drain: \"10\": expected is a time like"},
    {"a size with a wrong unit", "--max-page 3MB", NULL, EX_USAGE, "--max-page"},
    {"a word that is no choice", "--log-level loud", NULL, EX_USAGE, "debug|info|warn|error"},
    {"a truth that is none", "--json=maybe", NULL, EX_USAGE, "yes or no"},
    {"a word too many", "a b c d e", NULL, EX_USAGE, "\"e\""},
    {"a bad value in the file names its line", "", "topics: a\nwindow: x\n", EX_CONFIG,
     ":2:9: window: \"x\""},
    {"an unknown key names line and nearest", "", "topics: a\nwidow: 1\n", EX_CONFIG,
     "did you mean window?"},
    {"a key's name with a dash is not its name", "", "max-page: 1\n", EX_CONFIG, "max_page"},
    {"a list is no value", "", "window: [1]\n", EX_CONFIG, "one value"},
    {"a section is a map", "", "fetcher: 3\n", EX_CONFIG, "settings of one program"},
    {"an unknown key in our section", "", "fetcher: {widow: 1}\n", EX_CONFIG, "window"},
    {"a file that is no map", "", "- 1\n", EX_CONFIG, "key: value"},
    {"a file that is not there", "--config /nowhere/at/all", NULL, EX_NOINPUT,
     "/nowhere/at/all"},
};

static void test_mistakes_name_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct loaded l;
        struct err err = {0};
        char line[256];
        write_config(mistakes[i].file ? mistakes[i].file : "{}\n");
        (void)snprintf(line, sizeof line, "--config %s %s", config_path, mistakes[i].line);
        bool ok = load(line, &l, &err);
        if (ok || err.exit_code != mistakes[i].exit_code || !strstr(err.text, mistakes[i].says))
            fail_msg("%s: %d %d %s", mistakes[i].sentence, ok, err.exit_code, err.text);
        arena_done(&l.arena);
    }
}

static void test_a_bad_variable_is_named(void **state)
{
    struct loaded l;
    struct err err = {0};
    (void)state;
    assert_int_equal(setenv("MUSTER_MAX_PAGE", "big", 1), 0);
    assert_false(load("", &l, &err));
    assert_int_equal(unsetenv("MUSTER_MAX_PAGE"), 0);
    assert_int_equal(err.exit_code, EX_CONFIG);
    assert_non_null(strstr(err.text, "MUSTER_MAX_PAGE: \"big\""));
    arena_done(&l.arena);
}

static void test_every_type_is_read(void **state)
{
    struct loaded l;
    struct err err = {0};
    (void)state;
    assert_true(
        load("links --name=x=y --json --drain 5m add -- --window --max-page", &l, &err));
    assert_true(str_eq(l.values.name, STR("x=y")));
    assert_true(l.values.json);
    assert_int_equal(l.values.drain_ms, 300000);
    assert_int_equal(l.values.max_page, 64 << 20);
    assert_int_equal(l.values.common.log_level, 1);
    assert_true(str_eq(l.values.common.kafka, STR("127.0.0.1:9092")));
    assert_int_equal(l.word_count, 4);
    assert_true(str_eq(l.words[1], STR("add")));
    assert_true(str_eq(l.words[2], STR("--window")));
    assert_false(l.answered);
    arena_done(&l.arena);
}

struct measure {
    const char *sentence, *text;
    int64_t value; /* -1 = refused */
};

static const struct measure durations[] = {
    {"milliseconds", "250ms", 250},
    {"seconds", "30s", 30000},
    {"minutes", "5m", 300000},
    {"hours", "1h", 3600000},
    {"days", "7d", 604800000},
    {"zero needs no unit", "0", 0},
    {"a bare number has no unit", "5", -1},
    {"a space is refused", "5 s", -1},
    {"no number", "s", -1},
    {"a fraction is refused", "1.5s", -1},
    {"below zero is refused", "-1s", -1},
    {"nothing is refused", "", -1},
    {"too long is refused", "9223372036854775807d", -1},
};

static const struct measure sizes[] = {
    {"bytes", "512", 512},
    {"bytes with unit", "512B", 512},
    {"kibibytes", "64KiB", 65536},
    {"mebibytes", "40MiB", 41943040},
    {"gibibytes", "2GiB", 2147483648},
    {"kilobytes are refused", "64KB", -1},
    {"a time is refused", "64s", -1},
    {"too big is refused", "9223372036854775807KiB", -1},
};

static void check_measures(const struct measure *m, size_t count,
                           bool (*parse)(struct str, int64_t *))
{
    for (size_t i = 0; i < count; i++) {
        int64_t got = -1;
        bool ok = parse(str_of(m[i].text), &got);
        if (ok != (m[i].value >= 0) || (ok && got != m[i].value))
            fail_msg("%s: \"%s\" gave %d, %lld", m[i].sentence, m[i].text, ok, (long long)got);
    }
}

static void test_times_and_sizes_have_units(void **state)
{
    (void)state;
    check_measures(durations, sizeof durations / sizeof *durations, conf_parse_duration);
    check_measures(sizes, sizeof sizes / sizeof *sizes, conf_parse_bytes);
}

static void test_secrets_come_from_the_environment_or_a_file(void **state)
{
    struct err err = {0};
    arena_auto arena = {0};
    struct str value = {0};
    bool found = true;
    (void)state;
    assert_true(
        conf_provider_setting(STR("my-crm"), STR("token"), &arena, &value, &found, &err));
    assert_false(found);

    write_config("s3cret\n\n");
    assert_int_equal(setenv("MUSTER_MY_CRM_TOKEN_FILE", config_path, 1), 0);
    assert_true(
        conf_provider_setting(STR("my-crm"), STR("token"), &arena, &value, &found, &err));
    assert_true(
        found &&
        str_eq(value, STR("s3cret\n"))); /* one newline is the file's, not the secret's */

    assert_int_equal(setenv("MUSTER_MY_CRM_TOKEN", "direct", 1), 0);
    assert_true(
        conf_provider_setting(STR("my-crm"), STR("token"), &arena, &value, &found, &err));
    assert_true(found && str_eq(value, STR("direct")));

    assert_int_equal(unsetenv("MUSTER_MY_CRM_TOKEN"), 0);
    assert_int_equal(setenv("MUSTER_MY_CRM_TOKEN_FILE", "/nowhere/at/all", 1), 0);
    assert_false(
        conf_provider_setting(STR("my-crm"), STR("token"), &arena, &value, &found, &err));
    assert_non_null(strstr(err.text, "MUSTER_MY_CRM_TOKEN_FILE"));
    assert_int_equal(unsetenv("MUSTER_MY_CRM_TOKEN_FILE"), 0);
}

/* What the last word of a line is to the shell that asks. */
struct cursor {
    const char *sentence;
    const char *before, *last;
    bool is_flag;
    const char *flag, *begun;
};

static const struct cursor cursors[] = {
    {"a word of its own", NULL, "qu", false, "", "qu"},
    {"nothing yet", NULL, "", false, "", ""},
    {"a flag whose name is begun", NULL, "--win", true, "", "--win"},
    {"a dash", NULL, "-", true, "", "-"},
    {"a flag's value", "--window", "3", false, "window", "3"},
    {"a flag's value that is not begun", "--window", "", false, "window", ""},
    {"a flag's value that begins like a flag", "--window", "-3", false, "window", "-3"},
    {"a flag's value in the same word", NULL, "--window=3", false, "window", "3"},
    {"the path of the settings file", "--config", "/et", false, "config", "/et"},
    {"after a flag that takes no value", "--json", "qu", false, "", "qu"},
    {"after a flag with its value", "--window=3", "qu", false, "", "qu"},
    {"after a flag that is none", "--bogus", "qu", false, "", "qu"},
};

static void test_shells_ask_for_the_last_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cursors / sizeof *cursors; i++) {
        const struct cursor *want = &cursors[i];
        char words[4][32] = {"muster-fetcher", "--complete"};
        char *argv[4] = {words[0], words[1], words[2], words[3]};
        int argc = 2;
        if (want->before)
            (void)snprintf(words[argc++], sizeof words[0], "%s", want->before);
        (void)snprintf(words[argc++], sizeof words[0], "%s", want->last);
        assert_true(conf_completes(argc, argv));
        struct conf_cursor c = conf_cursor_of(&program, argc, argv);
        if (c.is_flag != want->is_flag || !str_eq(c.flag, str_of(want->flag)) ||
            !str_eq(c.begun, str_of(want->begun)))
            fail_msg("%s: %d, \"" STR_FMT "\", \"" STR_FMT "\"", want->sentence, c.is_flag,
                     STR_ARG(c.flag), STR_ARG(c.begun));
    }
}

static void
test_an_installed_program_has_its_files_beside_it_and_another_in_the_clone(void **state)
{
    (void)state;
    arena_auto arena = {0};
    char root[] = "/tmp/muster-test-places-XXXXXX", path[256];
    static const char *const folders[] = {"bin", "share", "share/muster",
                                          "share/muster/schemas"};
    assert_non_null(mkdtemp(root));
    struct str bin = arena_format(&arena, "%s/bin", root);
    assert_true(str_eq(places_share(&arena), STR("."))); /* as this test is not installed */
    assert_true(str_eq(places_share_of(bin, &arena), STR(".")));
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", root, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    struct str share = places_share_of(bin, &arena);
    assert_true(str_eq(share, arena_format(&arena, "%s/share/muster", root)));
    for (size_t i = 4; i > 0; i--) {
        (void)snprintf(path, sizeof path, "%s/%s", root, folders[i - 1]);
        assert_int_equal(rmdir(path), 0);
    }
    assert_int_equal(rmdir(root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shells_ask_for_the_last_word),
        cmocka_unit_test(
            test_an_installed_program_has_its_files_beside_it_and_another_in_the_clone),
        cmocka_unit_test(test_flag_environment_file_default),
        cmocka_unit_test(test_mistakes_name_their_place),
        cmocka_unit_test(test_a_bad_variable_is_named),
        cmocka_unit_test(test_every_type_is_read),
        cmocka_unit_test(test_times_and_sizes_have_units),
        cmocka_unit_test(test_secrets_come_from_the_environment_or_a_file),
    };
    for (const char *const *name = (const char *const[]){"MUSTER_KAFKA", "MUSTER_CONFIG", NULL};
         *name; name++)
        (void)unsetenv(*name);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
