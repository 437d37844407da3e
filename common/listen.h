/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The setting `listen`: where a stage can be asked how it does. "HOST:PORT", or a range of ports
 * "HOST:PORT-PORT", of which the first free one is taken, so that several processes on one
 * machine need no setting; port 0 is any free one; "none" is nowhere. An IPv6 address stands in
 * brackets: "[::1]:9310".
 */
#include "common/str.h"

struct listen {
    char host[256];
    uint16_t first, last;
    bool is_none;
};

/* Pure. Fails with exit code 78. */
must_check bool listen_parse(struct str text, struct listen *out, struct err *err);

enum { LISTEN_ADDRESS_MAX = 300 };

/*
 * A listening socket, non-blocking, and its address with the port that it got; -1 with exit code
 * 69 when every port is taken, or 78 when the host is none of this machine.
 */
int listen_open(const struct listen *where, char out_address[static LISTEN_ADDRESS_MAX],
                struct err *err);
