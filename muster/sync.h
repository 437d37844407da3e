/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Bring the links in line with the files: the link of every stream is there and has its interval; links of streams that the files
 * no longer have are marked gone, and come back with their stream. Safe to repeat.
 */
#include "muster/muster.h"
#include "muster/report.h"

must_check bool links_sync(struct muster *m, struct report *report, struct err *err);
