/* SPDX-License-Identifier: MIT */
#include "tests/unit/cases.h"

#include "muster/usage.h"

static const struct command commands[] = {
    {"init", "set up", "usage: muster init\n\nMakes muster links add STREAM.\n", 0, 0, 0, NULL},
    {"links", "what is fetched",
     "usage: muster links list [STREAM] [--due]\n"
     "       muster links add STREAM [NAME=VALUE]... [--every TIME] [KIND]\n"
     "       muster links due STREAM|LINK|--all\n"
     "       muster links move --into DATABASE STREAM\n\n"
     "  muster links sleep\n",
     0, 0, 0, NULL},
    {"show", "look", "usage: muster show MODEL [first|last]\n       muster show MODEL\n", 0, 0,
     0, NULL},
    {"replay", "again",
     "usage: muster replay [--since TIME | --from PARTITION:OFFSET,...] [PROVIDER|STREAM]...\n"
     "                     [--into DATABASE] [--limit N]\n"
     "       muster replay MODEL|all\n\n"
     "Reads.\n",
     0, 0, 0, NULL},
};
enum { COUNT = sizeof commands / sizeof *commands };

/* --- what can follow --- */

struct next_case {
    const char *sentence;
    size_t command;
    const char *words, *follows; /* with spaces */
};

static const struct next_case next_cases[] = {
    {"the first words of all lines", 1, "", "list add due move"},
    {"a name that can be left out", 1, "list", "STREAM"},
    {"a flag is no place", 1, "list qualys/hosts", ""},
    {"only the line of the words before", 1, "due", "STREAM LINK"},
    {"what repeats goes on", 1, "add a/b x=1 y=2", "NAME=VALUE"},
    {"a flag's value is no place", 1, "move", "STREAM"},
    {"another word leads nowhere", 1, "sleep", ""},
    {"a command without words", 0, "", ""},
    {"an alternative of two lines is told once", 2, "", "MODEL"},
    {"flags that exclude each other are no place", 3, "", "PROVIDER STREAM MODEL all"},
    {"a line that goes on with flags has no more places", 3, "a b c", "PROVIDER STREAM"},
    {"words as they are, in brackets", 2, "host", "first last"},
};

static void what_follows(void **state)
{
    const struct next_case *c = *state;
    struct str words[8], out[8];
    size_t count = 0;
    char got[128] = "";
    struct str rest = str_of(c->words);
    while (rest.len)
        words[count++] = str_cut(&rest, ' ');
    count = usage_next(commands[c->command].usage, words, count, out, 8);
    for (size_t i = 0; i < count; i++)
        (void)snprintf(got + strlen(got), sizeof got - strlen(got), "%s" STR_FMT, i ? " " : "",
                       STR_ARG(out[i]));
    assert_string_equal(got, c->follows);
}

/* --- which settings are listed --- */

struct list_case {
    const char *sentence;
    const char *command, *help;
    bool listed;
};

static const struct list_case list_cases[] = {
    {"a command's own", "links", "links list: only the due", true},
    {"another's", "init", "links list: only the due", false},
    {"one of two", "show", "links, show: with care", true},
    {"none of two", "init", "links, show: with care", false},
    {"a later part's", "show", "links add: how often; show --watch: how often", true},
    {"in no part", "init", "links add: how often; show --watch: how often", false},
    {"a part that names nobody, behind one that does", "init", "links: a; or: b", false},
    {"a colon behind no command", "init", "Kafka: HOST:PORT", true},
    {"no colon at all", "init", "answer in JSON", true},
    {"of no command: for all", NULL, "answer in JSON", true},
    {"of no command: not for one", NULL, "init: copies", false},
};

static void a_setting(void **state)
{
    const struct list_case *c = *state;
    assert_int_equal(usage_lists(commands, COUNT, c->command, c->help), c->listed);
}

/* --- words --- */

static void names_are_in_capitals(void **state)
{
    (void)state;
    assert_true(usage_is_name(STR("STREAM")) && usage_is_name(STR("NAME=VALUE")));
    assert_false(usage_is_name(STR("list")) || usage_is_name(STR("List")) ||
                 usage_is_name(STR("--all")) || usage_is_name(STR("")));
}

static void the_general_help_lists_every_command(void **state)
{
    (void)state;
    arena_auto arena = {0};
    struct str text = usage_general(commands, COUNT, &arena);
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(str_has(text, str_of(commands[i].name)));
        assert_true(str_has(text, str_of(commands[i].about)));
    }
}

int main(void)
{
    struct cases all = {0};
    CASES_ADD(&all, what_follows, next_cases);
    CASES_ADD(&all, a_setting, list_cases);
    CASES_ADD_ONE(&all, names_are_in_capitals);
    CASES_ADD_ONE(&all, the_general_help_lists_every_command);
    return cases_run("usage", &all);
}
