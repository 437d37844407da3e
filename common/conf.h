/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A program's settings: one table says name, type, default and help of each, and where its value goes. The order is
 * --flag, MUSTER_… of the environment, the settings file (YAML; --config, MUSTER_CONFIG, or places_config()), the default. `--page-size` is
 * MUSTER_PAGE_SIZE is `page_size:`. --help prints the table. An unknown flag or key is an error that names the nearest
 * right one. Values are checked when they are read, and an error says where the bad value came from.
 *
 * All programs can share one file: what stands under `fetcher:`, `producer:`, `serializer:` or `muster:` is for that program
 * alone and wins over the same key outside.
 */
#include "common/arena.h"
#include "common/version.h"

enum conf_type {
    CONF_TEXT,     /* struct str */
    CONF_PATH,     /* struct str: a file or folder, which shells complete */
    CONF_INT,      /* int64_t, not negative */
    CONF_DURATION, /* int64_t milliseconds: "250ms", "30s", "5m", "1h", "7d" */
    CONF_BYTES,    /* int64_t: "512", "64KiB", "40MiB" */
    CONF_BOOL,     /* bool: a flag alone, or yes/no/true/false/1/0 */
    CONF_CHOICE,   /* int: index of the word in `choices` */
};

/* At the beginning of a fallback: the folder of the program's own files (places.h). */
#define SHARE_FOLDER "${share}"

struct conf_setting {
    const char *name; /* with dashes: "group-id" */
    enum conf_type type;
    size_t offset;        /* of the value in the program's struct */
    const char *fallback; /* as text; NULL = empty, 0 or false; may begin with SHARE_FOLDER */
    const char *help;
    const char *choices; /* CONF_CHOICE: "text|json" */
};

struct conf_program {
    const char *name;  /* "muster-fetcher" */
    const char *about; /* one line for --help */
    const char *
        usage; /* lines that follow it, ending with a newline; NULL when it takes settings and no words */
    const struct conf_setting *settings;
    size_t setting_count;
    const struct version_library *libraries; /* beside those of all programs; may be NULL */
    /* Of a program with commands: does --help of the one on the line list the setting? NULL = all are listed. */
    bool (*lists)(const char *command, const struct conf_setting *setting);
    const char *command;
};

/* What every program is told. It stands in the program's struct, and COMMON_SETTINGS in its table. */
struct common_settings {
    struct str kafka, topics, mongo, database, schemas, providers;
    struct str listen; /* stages only */
    int64_t wait_ms;
    int log_format; /* 0 = text, 1 = json */
    int log_level;  /* enum log_level */
};

#define COMMON_SETTINGS(program, member)                                 \
    {"kafka",                                                            \
     CONF_TEXT,                                                          \
     offsetof(program, member.kafka),                                    \
     "127.0.0.1:9092",                                                   \
     "Kafka: HOST:PORT, several with commas",                            \
     NULL},                                                              \
        {"topics",                                                       \
         CONF_TEXT,                                                      \
         offsetof(program, member.topics),                               \
         "muster",                                                       \
         "what the topics' names begin with: muster gives muster.tasks", \
         NULL},                                                          \
        {"mongo",                                                        \
         CONF_TEXT,                                                      \
         offsetof(program, member.mongo),                                \
         "mongodb://127.0.0.1:27017/?replicaSet=rs0",                    \
         "MongoDB, a replica set (the fetcher needs none)",              \
         NULL},                                                          \
        {"database",                                                     \
         CONF_TEXT,                                                      \
         offsetof(program, member.database),                             \
         "muster",                                                       \
         "database in MongoDB",                                          \
         NULL},                                                          \
        {"schemas",                                                      \
         CONF_PATH,                                                      \
         offsetof(program, member.schemas),                              \
         SHARE_FOLDER "/schemas",                                        \
         "folder with models/ and providers/",                           \
         NULL},                                                          \
        {"providers",                                                    \
         CONF_TEXT,                                                      \
         offsetof(program, member.providers),                            \
         NULL,                                                           \
         "only these providers, with commas; empty means all",           \
         NULL},                                                          \
        {"wait",                                                         \
         CONF_DURATION,                                                  \
         offsetof(program, member.wait_ms),                              \
         "60s",                                                          \
         "how long to wait at the start for a server that is away",      \
         NULL},                                                          \
        {"log-format",                                                   \
         CONF_CHOICE,                                                    \
         offsetof(program, member.log_format),                           \
         "text",                                                         \
         "form of the log on stderr",                                    \
         "text|json"},                                                   \
        {"log-level",                                                    \
         CONF_CHOICE,                                                    \
         offsetof(program, member.log_level),                            \
         "info",                                                         \
         "least level that is logged",                                   \
         "debug|info|warn|error"}

/* The same for a stage, which can be watched. `ports`: its own range, so that one machine runs
 * several of each without a setting. */
#define STAGE_SETTINGS(program, member, ports)                                             \
    COMMON_SETTINGS(program, member),                                                      \
    {                                                                                      \
        "listen", CONF_TEXT, offsetof(program, member.listen), "127.0.0.1:" ports,         \
            "where it serves /livez, /readyz, /metrics and /version; none = nowhere", NULL \
    }

/*
 * Fill *values from all places. Words that are no flags become *out_words (views into argv). Texts live in `arena`. After
 * --help, --version or --complete it has printed and sets *out_answered; the caller then exits with 0. Fails with exit
 * code 64 for the command line, and 78 for the environment and the file.
 */
must_check bool conf_load(const struct conf_program *program, void *values, int argc,
                          char **argv, struct arena *arena, struct str *out_words,
                          size_t max_words, size_t *out_word_count, bool *out_answered,
                          struct err *err);

/* What --help prints. */
void conf_help(const struct conf_program *program, struct arena *arena);
/* A setting's default as text, with SHARE_FOLDER put in; empty when it has none. */
struct str conf_fallback(const struct conf_setting *setting, struct arena *arena);

/*
 * What shells ask with each Tab: `PROGRAM --complete WORD...` has the line up to the cursor, and prints what can stand for
 * the last WORD, which may be empty: a word a line, a tab, and what it is. "<file>" means any file. A flag's value is the
 * value alone, also after `--flag=`.
 */
struct conf_cursor {
    struct str begun; /* what is there of the last word, or of the value in it */
    bool is_flag;     /* it is a flag whose name is not complete */
    struct str
        flag; /* "schemas": it is the value of this flag; empty = it is a word of its own */
};

bool conf_completes(int argc, char **argv);
struct conf_cursor conf_cursor_of(const struct conf_program *program, int argc, char **argv);
/* Print what the settings know: flags, and values that are choices, truths or files. */
void conf_complete(const struct conf_program *program, const struct conf_cursor *cursor);
/* One answer, when it begins with what is there. */
void conf_offer(const struct conf_cursor *cursor, struct str word, struct str about);

/*
 * A provider's setting NAME from the environment, MUSTER_PROVIDER_NAME, or from the file that MUSTER_PROVIDER_NAME_FILE names
 * (one trailing newline is cut). *out_found is false when neither is set. Fails when the file cannot be read.
 */
must_check bool conf_provider_setting(struct str provider, struct str name, struct arena *arena,
                                      struct str *out_value, bool *out_found, struct err *err);

must_check bool conf_parse_duration(struct str s, int64_t *out_ms);
must_check bool conf_parse_bytes(struct str s, int64_t *out_bytes);
