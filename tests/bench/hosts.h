/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Made-up hosts for the bench, as CrowdStrike lists them: about 640 bytes of JSON each, the same ones on every run. Host
 * number n has a name, an address and an instance of its own, so that n records are n entities. Keys are scattered, as
 * those of real hosts are. Pure.
 */
#include "common/str.h"

/* Appends one record. `seen` goes where only a volatile field reads it. */
must_check bool host_write(uint64_t number, const char *seen, struct buf *out);
