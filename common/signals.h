/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Signals as descriptors: blocked before any library starts a thread, so that no thread ever
 * takes them, and read where the program waits anyway. One that comes early waits to be read.
 */
#include "common/err.h"

/*
 * A descriptor that becomes readable when one came; -1 on failure (exit code 71). First things
 * in main().
 */
int signals_open(struct err *err);        /* SIGTERM and SIGINT: stop */
int signals_open_reload(struct err *err); /* SIGHUP: read the files anew */
void signals_close(int fd);               /* takes -1 */
/* Did one come since the last question? */
bool signals_came(int fd);
