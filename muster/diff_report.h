/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Compares a model in two databases and says on stdout what is otherwise. Reads all entities of both, and those that differ
 * once more; what changes meanwhile may be told as it was or as it is.
 */
#include "muster/muster.h"

struct diff_side {
    struct mongo *mongo;
    struct str database;
};

/* As text with at most `limit` examples each, or, with --json, one object with every difference. */
must_check bool diff_report(struct muster *m, const struct model *model,
                            const struct diff_side *was, const struct diff_side *is,
                            size_t limit, struct err *err);
/* How many examples the command line asks for. */
size_t diff_limit(const struct muster *m);
