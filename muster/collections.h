/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The collections and indexes of a database: what layout.h says, made where it is missing.
 */
#include "muster/muster.h"
#include "muster/report.h"

/*
 * Safe to repeat. Exit code 78 when an identity rule has other fields than before and entities still carry the old ones under
 * its name: values of two kinds would share one unique index.
 */
must_check bool collections_make(struct muster *m, struct report *report, struct err *err);
