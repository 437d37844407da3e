/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The command line: `muster COMMAND …`. One file a command; main.c has the table of them, and opens for each what it needs.
 */
#include "common/conf.h"
#include "common/kafka.h"
#include "common/mongo.h"
#include "common/provider.h"

enum {
    WORDS_MAX = 32,
    LOOK_MS = 60000 /* a command may look through everything: maxTimeMS of such a query */
};

struct muster_settings {
    struct common_settings common;
    int64_t every_ms;         /* links add, status --watch */
    struct str columns, sort; /* show */
    int64_t limit;            /* show, rejects, replay, diff; 0 = as the command thinks fit */
    int64_t lanes, page_partitions,
        replication;                /* init; replication 0 = the broker's default */
    int64_t retention_ms, lease_ms; /* init; retention 0 = for ever */
    int64_t changes_retention_ms;
    struct str stream, reason; /* rejects: which; empty = any */
    struct str since;          /* rejects, replay: see replay_since() */
    int64_t max_retries;       /* rejects */
    struct str into;           /* rejects export: a folder; replay: a database */
    struct str from;           /* replay */
    int64_t source;            /* raw: counted from 1; 0 = all */
    /* what is small stands together */
    bool json;
    bool due, all; /* links */
    bool watch;    /* status */
    int as;        /* enum form */
    bool gone;
    bool dry_run, full; /* rejects retry; show */
    bool changes;       /* replay, refold */
    bool record;        /* raw */
};

enum needs { NEEDS_FILES = 1, NEEDS_MONGO = 2, NEEDS_KAFKA = 4 };

struct muster {
    const struct command *command;
    struct muster_settings settings;
    struct arena arena;
    struct str words[WORDS_MAX]; /* what follows the command */
    size_t word_count;
    struct providers providers;
    struct kafka_settings kafka;
    struct mongo mongo;
};

typedef bool command_run(struct muster *m, struct err *err);

struct command {
    const char *name;
    const char *about;
    const char *usage; /* lines with examples */
    unsigned needs;
    size_t words_min, words_max;
    command_run *run;
};

command_run init_run, check_run, links_run, status_run, show_run, explain_run, raw_run,
    rejects_run, digest_run, replay_run, refold_run, diff_run;

/* The time of the database's server. */
must_check bool muster_server_time(struct muster *m, int64_t *out_unix_ms, struct err *err);
/* The model that the first word names, else exit code 64 with the nearest right one. */
const struct model *muster_model(const struct muster *m, struct err *err);
