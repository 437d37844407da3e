/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One reading of the provider and model files, with all that stands in it: what was read lives
 * as long as this does. A stage that reads anew keeps the older reading until nothing uses it
 * any more; which of them that is, the stage knows. Reads files; logs what became of a reload.
 */
#include "common/conf.h"
#include "common/provider.h"
#include "common/serve.h"

struct files {
    struct arena arena;
    struct providers providers;
    struct files *older; /* those before, that something may still use */
};

/* NULL with exit code 66 or 78, as providers_load(). */
struct files *files_load(const struct common_settings *s, bool allow_unset, struct err *err);
/* Also all that are older. Takes NULL. */
void files_free(struct files *f);

/* A reload has ended: say so in the log and in the check of /readyz. */
void files_tell(const struct files *f, struct serve *serve);
/* The same of one that failed: the files before go on to count. Clears the error. */
void files_tell_failure(struct serve *serve, struct err *err);
