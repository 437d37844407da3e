/* SPDX-License-Identifier: MIT */
/*
 * The command `muster`: set up, look, and put right. The table names the commands; each opens only the servers that it needs, does one
 * thing, and exits with a code of sysexits.h.
 */
#include "muster/complete.h"
#include "muster/usage.h"

#include "fetcher/settings.h"

#include <stdio.h>
#include <sysexits.h>

static bool muster_open(struct muster *m, int argc, char **argv, struct err *err);
static int muster_close(struct muster *m, bool ok, const struct err *err);

int main(int argc, char **argv)
{
    struct muster m = {0};
    struct err err = {0};

    bool ok =
        muster_open(&m, argc, argv, &err) /* settings, files, servers; false after --help */
        && m.command->run(&m, &err);      /* the answer, on stdout */
    return muster_close(&m, ok, &err);    /* the error, if any, on stderr */
}

/* --- the table --- */

static const struct command commands[] = {
    {"init",
     "make or update collections, indexes, topics, lanes, maps and links; safe to repeat",
     "usage: muster init\n\n"
     "Makes what the stages need and says what it made; what is there already is kept. Run it once\n"
     "at the start, and again after every change of a file: that gives changed streams a new map,\n"
     "and the stages, told by SIGHUP or started again, read all pages by it.\n\n"
     "  muster init\n"
     "  muster init --lanes 64 --page-partitions 24 --retention 90d\n",
     NEEDS_FILES | NEEDS_MONGO | NEEDS_KAFKA, 0, 0, init_run},
    {"check", "read all files and say what is wrong with them, or what is in them",
     "usage: muster check\n\n"
     "Needs no server. Errors name file, line and column and exit with 78; a setting without a value is a\n"
     "warning that names the variable to set.\n\n"
     "  muster check\n"
     "  muster check --schemas ./schemas --providers qualys\n",
     0, 0, 0, check_run},
    {"links", "list the links, add one, bring them in line with the files, or make them due",
     "usage: muster links list [STREAM] [--due]\n"
     "       muster links add STREAM [NAME=VALUE]... [--every TIME]\n"
     "       muster links sync\n"
     "       muster links due STREAM|LINK|--all\n\n"
     "A link is one thing to fetch again and again: a stream, and parameters when it has some.\n\n"
     "  muster links list qualys/hosts\n"
     "  muster links add catalog/files format=csv id=7 --every 1d\n"
     "  muster links due qualys/hosts       fetch now what would be fetched later\n"
     "  muster links sync                   after a change of the files (muster init does it too)\n",
     NEEDS_FILES | NEEDS_MONGO, 0, WORDS_MAX, links_run},
    {"status",
     "links by state, what waits in the topics and for whom, counts, last errors, what to do",
     "usage: muster status [--watch] [--every TIME]\n\n"
     "Links by provider: due, running (claimed, and their lease not over), waiting for their next time; failing are\n"
     "those whose last end was no success. Topics: messages kept, messages that wait for the stage that reads them, how many of it\n"
     "run. Errors of several links are one line. --watch looks every two seconds and shows rates, those since the\n"
     "look before; Ctrl-C ends it.\n\n"
     "  muster status\n"
     "  muster status --watch --every 5s\n"
     "  muster status --json | jq .links\n"
     "  muster status --watch --json | jq -c '.topics[] | [.topic, .waiting, .done_per_s]'\n",
     NEEDS_FILES | NEEDS_MONGO | NEEDS_KAFKA, 0, 0, status_run},
    {"show", "entities by their fields: filtered, sorted, as a table or for other programs",
     "usage: muster show MODEL [CONDITION]... [--columns A,B] [--sort A,-B] [--limit N] [--as FORM]\n\n"
     "All conditions must hold. Values are of the model's types, in any spelling that a provider may use:\n"
     "  os.name=Ubuntu*        is, or of a list: has; * stands for anything, \\* for a star\n"
     "  os.name~ubuntu         holds that text, without case\n"
     "  tags!=prod             is not, of a list: no item is; also where there is nothing\n"
     "  serial= serial!=       has none; has one\n"
     "  'memory_mb>=8192'      <, <=, >, >= of numbers and times; quoted, as the shell has other uses for < and >\n"
     "  'last_seen_at>-7d'     a time, or a time ago: within the last seven days\n"
     "  external_ip=10.0.0.0/8 in that network\n"
     "  software.name=openssl software.version=3.*          parts of one item\n"
     "  sources.provider=qualys sources.provider!=crowdstrike   known to one and not to the other\n\n"
     "Columns are such names too; `os` is all that begin with os. Every entity also has _id, sources, created_at\n"
     "and changed_at. A table shows what fits, by the first 200 entities, and cuts long cells; the other forms have\n"
     "all that is stored, one entity at a time, so that millions go through. CSV is as RFC 4180 says; texts stand\n"
     "there as they are, also those that a spreadsheet takes for a formula.\n\n"
     "  muster show host tags=prod --sort -last_seen_at --limit 20\n"
     "  muster show host os.name~windows --columns hostname,os,software.name --as csv\n"
     "  muster show host --as ndjson | jq -r '.\"os.name\"' | sort | uniq -c\n"
     "  muster show host --gone                 what no provider lists any more, and ids merged into others\n",
     NEEDS_FILES | NEEDS_MONGO, 1, WORDS_MAX, show_run},
    {"explain",
     "one entity: every field, its source, what others said, and why its sources are one",
     "usage: muster explain MODEL ID|KEY|VALUE\n"
     "       muster explain MODEL STREAM KEY\n\n"
     "Finds the entity by its id, by the key that a provider knows it by, or by a value that identifies it\n"
     "(for hosts: a name, an address, an instance id). Then tells, for each field, which source won and what\n"
     "the others said; which values the sources share, so that they are one; and where the raw pages are.\n\n"
     "  muster explain host 305003660\n"
     "  muster explain host qualys/hosts 305003660\n"
     "  muster explain host web-1.example.com --json\n",
     NEEDS_FILES | NEEDS_MONGO, 2, 3, explain_run},
    {"raw", "the raw pages behind one entity, as the providers sent them",
     "usage: muster raw MODEL ID|KEY|VALUE [--source N] [--record]\n"
     "       muster raw MODEL STREAM KEY\n\n"
     "Finds the entity as muster explain does, and prints the page of each of its sources: a line about it on\n"
     "stderr, and the body, byte for byte, on stdout. --record prints only the source's own record, laid out.\n"
     "Exits with 66 when retention has removed one of the pages.\n\n"
     "  muster raw host 305003660\n"
     "  muster raw host web-1.example.com --source 2 > page.json\n"
     "  muster raw host web-1.example.com --record\n",
     NEEDS_FILES | NEEDS_MONGO | NEEDS_KAFKA, 2, 3, raw_run},
    {"rejects", "what was set aside, and why: list, show, retry, export",
     "usage: muster rejects [list] [--stream STREAM] [--reason TEXT] [--since TIME] [--limit N] [--all]\n"
     "       muster rejects show ID [--full]\n"
     "       muster rejects retry ID... [--dry-run]\n"
     "       muster rejects retry [--stream STREAM] [--reason TEXT] [--since TIME] [--all] [--dry-run]\n"
     "       muster rejects export [ID...] [--stream STREAM] [--reason TEXT] [--into FOLDER]\n\n"
     "A reject is a message that could not be read, kept whole. The list tells first what kinds there are, then each\n"
     "with its standing:\n\n"
     "  open      a retry can help: its file has been mended, or is known now\n"
     "  waits     for a mended file; mend it, run muster init, start the stages again\n"
     "  sent      retried, and not read yet\n"
     "  aside     retried --max-retries times in vain; only by its id\n"
     "  answer    the provider's answer was itself a failure; the link is asked again by itself\n"
     "  lost      its message is not kept whole any more\n"
     "  read, late, replaced    over: read since, not needed any more, or in a later reject (--all)\n\n"
     "  muster rejects\n"
     "  muster rejects show 0:41\n"
     "  muster rejects retry --all --dry-run\n"
     "  muster rejects retry --reason 'no key'\n"
     "  muster rejects export --stream qualys/hosts --into cases\n",
     NEEDS_FILES | NEEDS_MONGO | NEEDS_KAFKA, 0, WORDS_MAX, rejects_run},
    {"digest", "one SHA-256 over all entities of a model",
     "usage: muster digest MODEL\n\n"
     "Two databases with the same digest hold the same things: the same sources joined in the same way, with the same\n"
     "fields. Ids, times of writing and volatile fields are left out.\n\n"
     "  muster digest host\n",
     NEEDS_FILES | NEEDS_MONGO, 1, 1, digest_run},
    {"replay", "make entities of kept pages again, in the same database or in another one",
     "usage: muster replay [PROVIDER|STREAM]... [--into DATABASE]\n"
     "                     [--since TIME] [--from PARTITION:OFFSET,...] [--limit N]\n\n"
     "Reads the kept pages again, all of them or from a time or an offset on, and makes entities of them by the\n"
     "files as they are, with the code of the serializer. Ends with the pages that were there when it began. It may\n"
     "be stopped and begun again at any time, and run beside the stages. Rejects are counted and listed, and stay\n"
     "where they are.\n\n"
     "Into the same database it is what a mended file needs to take effect at once; older pages change nothing:\n"
     "  muster init                        the changed streams get a new map; tell the stages by SIGHUP\n"
     "  muster replay qualys               what the last runs said, by the mended file\n"
     "  muster replay --since 36h          only what was fetched since then\n"
     "  muster replay --from 3:1200,5:0    only these partitions, from these offsets on\n\n"
     "Into another database, which it makes ready first, nobody sees anything before you switch; the live one is\n"
     "only read. At the end it shows what is otherwise there (muster diff shows it again). The files may be changed\n"
     "ones that muster init has not seen. To switch:\n"
     "  1. muster replay --into next       takes its time; the stages go on. Read the difference\n"
     "  2. stop the producers and the serializers; the fetchers may go on\n"
     "  3. muster replay --into next       short: goes on from where the first one ended, and takes over the links' gens\n"
     "  4. start them with MUSTER_DATABASE=next and the files of step 1, and give the fetchers those files too; the\n"
     "     serializers go on from where step 3 ended\n"
     "  5. drop the old database when nobody asks for it any more. Until then the way back is the same way\n",
     NEEDS_FILES | NEEDS_MONGO | NEEDS_KAFKA, 0, WORDS_MAX, replay_run},
    {"refold", "identity and merging once more from what is stored, by a changed model file",
     "usage: muster refold MODEL\n\n"
     "After a change of a model's identity rules, of its merge rules or of the values that never identify. Computes\n"
     "every entity again from its stored sources, without the raw pages, and writes what differs: entities are merged,\n"
     "split and merged anew in their fields. What muster replay into an empty database would give. Safe beside\n"
     "serializers of the new files; when it is stopped, the same command goes on.\n\n"
     "  muster init                        with the changed files: the indexes of new rules\n"
     "  muster refold host\n\n"
     "A rule that identifies by other fields than before needs a name of its own. What a source says is not made\n"
     "again: after a change of a field's type, of a new field or of a provider file, run muster replay. Sources that\n"
     "were made by such older files are counted and named.\n",
     NEEDS_FILES | NEEDS_MONGO, 1, 1, refold_run},
    {"diff", "what is otherwise in another database: entities, and fields with who said them",
     "usage: muster diff MODEL|all DATABASE [--limit N]\n\n"
     "Compares the entities of this database with those of another one on the same server, as muster replay --into\n"
     "made it. They are matched by their sources: created, gone, merged, split, changed, and for changed ones which\n"
     "fields, and which streams say otherwise now. --limit: examples of each, 3 otherwise; --json gives all.\n\n"
     "  muster diff host next\n"
     "  muster diff host next --json | jq '.fields'\n",
     NEEDS_FILES | NEEDS_MONGO, 2, 2, diff_run},
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static const struct conf_setting setting_rows[] = {
    COMMON_SETTINGS(struct muster_settings, common),
    {"json", CONF_BOOL, offsetof(struct muster_settings, json), NULL, "answer in JSON", NULL},
    {"watch", CONF_BOOL, offsetof(struct muster_settings, watch), NULL,
     "status: look again and again", NULL},
    {"due", CONF_BOOL, offsetof(struct muster_settings, due), NULL,
     "links list: only those that are due", NULL},
    {"all", CONF_BOOL, offsetof(struct muster_settings, all), NULL,
     "links due: every link; rejects list, export: also what is over; rejects retry: all that are open",
     NULL},
    {"every", CONF_DURATION, offsetof(struct muster_settings, every_ms), NULL,
     "links add: how often to fetch it, else as the stream says; status --watch: how often to look, else 2s",
     NULL},
    {"columns", CONF_TEXT, offsetof(struct muster_settings, columns), NULL,
     "show: fields with commas, in this order", NULL},
    {"sort", CONF_TEXT, offsetof(struct muster_settings, sort), NULL,
     "show: fields with commas, -FIELD from the greatest down; by id otherwise", NULL},
    {"limit", CONF_INT, offsetof(struct muster_settings, limit), NULL,
     "show: at most so many, all otherwise; rejects list: one by one, 20 otherwise; replay, diff: how many examples, 3 otherwise",
     NULL},
    {"as", CONF_CHOICE, offsetof(struct muster_settings, as), "table", "show: the form",
     "table|json|ndjson|csv|tsv"},
    {"gone", CONF_BOOL, offsetof(struct muster_settings, gone), NULL,
     "show: what is gone instead", NULL},
    {"lanes", CONF_INT, offsetof(struct muster_settings, lanes), "32",
     "init: partitions of the tasks topic, one an account", NULL},
    {"page-partitions", CONF_INT, offsetof(struct muster_settings, page_partitions), "12",
     "init: partitions of the pages topic, and so the most serializers at once", NULL},
    {"retention", CONF_DURATION, offsetof(struct muster_settings, retention_ms), NULL,
     "init: how long pages are kept; for ever otherwise", NULL},
    {"changes-retention", CONF_DURATION, offsetof(struct muster_settings, changes_retention_ms),
     "7d", "init: how long changes are kept", NULL},
    {"replication", CONF_INT, offsetof(struct muster_settings, replication), NULL,
     "init: copies of each topic; the broker's default otherwise", NULL},
    {"changes", CONF_BOOL, offsetof(struct muster_settings, changes), NULL,
     "replay, refold: note in each entity what changed, as serializers with this setting do",
     NULL},
    {"from", CONF_TEXT, offsetof(struct muster_settings, from), NULL,
     "replay: only these partitions, PARTITION:OFFSET with commas", NULL},
    {"lease", CONF_DURATION, offsetof(struct muster_settings, lease_ms), "5m",
     "init: the producers' lease; tasks are kept for three of it", NULL},
    {"stream", CONF_TEXT, offsetof(struct muster_settings, stream), NULL,
     "rejects: only of this stream", NULL},
    {"reason", CONF_TEXT, offsetof(struct muster_settings, reason), NULL,
     "rejects: only those whose reason holds this text", NULL},
    {"since", CONF_TEXT, offsetof(struct muster_settings, since), NULL,
     "rejects, replay: only from this time on (2024-05-01T06:00:00Z), or of this last while (36h)",
     NULL},
    {"dry-run", CONF_BOOL, offsetof(struct muster_settings, dry_run), NULL,
     "rejects retry: only say what would be retried", NULL},
    {"max-retries", CONF_INT, offsetof(struct muster_settings, max_retries), "3",
     "rejects: after so many in vain a reject is set aside", NULL},
    {"full", CONF_BOOL, offsetof(struct muster_settings, full), NULL,
     "rejects show: the whole payload", NULL},
    {"into", CONF_TEXT, offsetof(struct muster_settings, into), NULL,
     "rejects export: a folder for the payloads, else JSON lines on stdout; replay: a database, else the live one",
     NULL},
    {"source", CONF_INT, offsetof(struct muster_settings, source), NULL,
     "raw: only the source that muster explain numbers so", NULL},
    {"record", CONF_BOOL, offsetof(struct muster_settings, record), NULL,
     "raw: only the source's own record", NULL},
};

/* --- opening --- */

static const struct command *find_command(struct str name, struct err *err)
{
    struct str names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        names[i] = str_of(commands[i].name);
        if (str_eq(names[i], name))
            return &commands[i];
    }
    struct str nearest = str_nearest(name, names, COMMAND_COUNT);
    if (nearest.len)
        err_stop(err, EX_USAGE,
                 STR_FMT ": there is no such command; did you mean muster " STR_FMT "?",
                 STR_ARG(name), STR_ARG(nearest));
    else
        err_stop(err, EX_USAGE, STR_FMT ": there is no such command; muster --help lists them",
                 STR_ARG(name));
    return NULL;
}

static bool lists_setting(const char *command, const struct conf_setting *setting)
{
    return usage_lists(commands, COMMAND_COUNT, command, setting->help);
}

/* The word that must be a command: the first one, unless a flag stands before it. */
static const char *command_word(int argc, char **argv)
{
    if (conf_completes(argc, argv))
        return argc > 3 ? argv[2] : "";
    return argc > 1 ? argv[1] : "";
}

/* The settings are the same for all commands, so that all can read one file; *out_answered after --help. */
static bool load_settings(struct muster *m, int argc, char **argv, bool *out_answered,
                          struct err *err)
{
    const char *word = command_word(argc, argv);
    struct conf_program program = {
        .name = "muster",
        .about = "collects records from many providers into one clean, deduplicated set",
        .settings = setting_rows,
        .setting_count = sizeof setting_rows / sizeof *setting_rows,
        .libraries = settings_libraries,
        .lists = lists_setting,
    };
    if (*word && *word != '-') {
        m->command = find_command(str_of(word), err);
        if (!m->command)
            return false;
        program.command = m->command->name;
        program.about = m->command->about;
        program.usage = m->command->usage;
    } else {
        program.usage = usage_general(commands, COMMAND_COUNT, &m->arena).ptr;
    }
    if (conf_completes(argc, argv)) {
        complete(m, &program, commands, COMMAND_COUNT, argc, argv);
        *out_answered = true;
        return true;
    }
    int skipped = m->command ? 1 : 0;
    argv[skipped] = argv[0];
    return conf_load(&program, &m->settings, argc - skipped, argv + skipped, &m->arena,
                     m->words, WORDS_MAX, &m->word_count, out_answered, err);
}

static bool check_words(const struct muster *m, struct err *err)
{
    if (!m->command)
        return err_stop(err, EX_USAGE, "a command is missing; muster --help lists them");
    if (m->word_count < m->command->words_min || m->word_count > m->command->words_max)
        return err_stop(err, EX_USAGE, "too %s words; see muster %s --help",
                        m->word_count < m->command->words_min ? "few" : "many",
                        m->command->name);
    return true;
}

static bool open_servers(struct muster *m, struct err *err)
{
    const struct common_settings *c = &m->settings.common;
    const struct mongo_settings mongo = {.uri = c->mongo,
                                         .database = c->database,
                                         .client = STR("muster"),
                                         .socket_timeout_ms = LOOK_MS + 5000};
    m->kafka = (struct kafka_settings){
        .brokers = c->kafka, .topics = c->topics, .client = STR("muster")};
    if ((m->command->needs & NEEDS_MONGO) &&
        (!mongo_open(&mongo, &m->mongo, err) || !mongo_wait_ready(&m->mongo, c->wait_ms, err)))
        return false;
    return !(m->command->needs & NEEDS_KAFKA) || kafka_wait_ready(&m->kafka, c->wait_ms, err);
}

static bool muster_open(struct muster *m, int argc, char **argv, struct err *err)
{
    bool answered = false;
    if (!load_settings(m, argc, argv, &answered, err) || answered || !check_words(m, err))
        return false;
    const struct common_settings *c = &m->settings.common;
    const char *folder = arena_text(&m->arena, c->schemas);
    if ((m->command->needs & NEEDS_FILES) &&
        !providers_load(folder, c->providers, true, &m->arena, &m->providers, err))
        return false;
    return open_servers(m, err);
}

/* A person reads this, so the error is a sentence and no line of a log. */
static int muster_close(struct muster *m, bool ok, const struct err *err)
{
    bool failed = !ok && err->kind != ERR_NONE;
    if (failed)
        (void)fprintf(stderr, "muster: %s\n", err->text);
    mongo_close(&m->mongo);
    arena_done(&m->arena);
    if (!failed)
        return EX_OK;
    return err->kind == ERR_FATAL ? err->exit_code : EX_UNAVAILABLE;
}

/* --- what commands share --- */

bool muster_server_time(struct muster *m, int64_t *out_unix_ms, struct err *err)
{
    bson_auto command = BSON_INITIALIZER;
    bson_t reply;
    BSON_APPEND_INT32(&command, "hello", 1);
    if (!mongo_command(&m->mongo, &command, &reply, "ask for the time", err))
        return false;
    bool ok = doc_time(&reply, "localTime", out_unix_ms);
    bson_destroy(&reply);
    return ok || err_set(err, ERR_FATAL, "MongoDB does not say what time it is");
}

const struct model *muster_model(const struct muster *m, struct err *err)
{
    const struct model *model = providers_model(&m->providers, m->words[0]);
    struct str names[PROVIDER_MAX_FILES];
    size_t count = 0;
    if (model)
        return model;
    for (; count < m->providers.model_count && count < PROVIDER_MAX_FILES; count++)
        names[count] = m->providers.models[count]->name;
    struct str nearest = str_nearest(m->words[0], names, count);
    err_stop(err, EX_USAGE, STR_FMT ": there is no such model%s" STR_FMT "%s",
             STR_ARG(m->words[0]), nearest.len ? "; did you mean " : "", STR_ARG(nearest),
             nearest.len ? "?" : "");
    return NULL;
}
