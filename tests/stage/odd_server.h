/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A small HTTP server on a thread of its own that lists things, two a page, and misbehaves on the way. What it does is said by
 * the first part of the path: `/NAME?skip=0`. It listens on 127.0.0.1.
 */
#include "common/str.h"

enum { ODD_FOR_EVER = 1000000 };

enum odd_manner {
    ODD_ANSWER, /* status, headers and body as they stand */
    ODD_CUT,    /* half of the body, then the connection is closed */
    ODD_STALL,  /* nothing at all, for ten seconds */
    ODD_SLOW,   /* after half a second, what it would say anyway */
};

/* The first `times` requests for a name are answered like this; after them comes an ordinary listing. */
struct oddity {
    const char *name;
    int times;
    enum odd_manner manner;
    int status;
    const char *headers; /* lines that end with \r\n */
    const char *body;
};

struct odd_server;

/* `oddities` ends with a NULL name and must live as long as the server. */
struct odd_server *odd_server_open(const struct oddity *oddities, int records);
void odd_server_close(struct odd_server *s);
int odd_server_port(const struct odd_server *s);
/* How often a name was asked for. */
int odd_server_hits(struct odd_server *s, const char *name);
