/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * How `muster explain` says what it found: for people, as a page of text on stdout, and for machines, as one JSON object.
 */
#include "muster/account.h"
#include "muster/find.h"

void explain_print(const struct model *m, const struct found *found, const struct account *a,
                   struct arena *arena);
void explain_print_json(const struct model *m, const struct found *found,
                        const struct account *a, struct arena *arena);
