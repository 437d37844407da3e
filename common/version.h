/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What runs: our version, the commit it was built from where that is known, and the libraries
 * as they are at run time. `--version` of each program prints it, /version of a stage serves it,
 * and both say the same.
 */
#include "common/str.h"

/* A library that only some programs have; a list ends with {NULL, NULL}. */
struct version_library {
    const char *name;
    const char *(*version)(void);
};

const char *version_number(void); /* "0.1.0" */
const char *version_commit(void); /* empty when it is not known */
/* Lines for a person. `more` may be NULL. */
must_check bool version_render(const char *program, const struct version_library *more,
                               struct buf *out);
/* {"program": …, "version": …, "commit": …, "libraries": {NAME: VERSION}} */
must_check bool version_render_json(const char *program, const struct version_library *more,
                                    struct buf *out);
