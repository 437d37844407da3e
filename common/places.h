/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Where a program's own files are. An installed program finds them from where it lies itself, so that the folder it is
 * started in changes nothing and an installation can be moved; one that was only built takes those of the clone it is
 * started in. The texts live in `arena`. Never blocks.
 */
#include "common/arena.h"

/* The installed share folder (`/usr/share/muster`), or "." for a program that is not installed. */
struct str places_share(struct arena *arena);
/* The settings file that an installed program reads unless told another (`/etc/muster/muster.yaml`), or empty when there is none. */
struct str places_config(struct arena *arena);
/* The same, of a program that lies in `folder`. */
struct str places_share_of(struct str folder, struct arena *arena);
