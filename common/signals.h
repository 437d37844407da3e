/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * SIGTERM and SIGINT as a descriptor: blocked before any library starts a thread, so that no
 * thread ever takes them, and read where the program waits anyway.
 */
#include "common/err.h"

/*
 * A descriptor that becomes readable when one came; -1 on failure (exit code 71). First thing
 * in main().
 */
int signals_open(struct err *err);
/* Did one come since the last question? */
bool signals_came(int fd);
