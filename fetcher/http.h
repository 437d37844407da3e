/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * HTTP transfers, many at once, on one thread. With guard.c the only file that knows libcurl. What it promises, whatever a provider's file or
 * answer says: https only, unless the request allows plain http; the address that a name resolves to is looked at when the socket is
 * opened, and private ones are refused unless the request names them; redirects are followed at most three times and only
 * within one origin; nothing comes from the environment (proxy, netrc, cookies); a body that decodes to more than its limit ends the
 * transfer; so does a slow one. Only http_wait() blocks, for the time it is given.
 */
#include "common/str.h"

struct http;

struct http_limits {
    int64_t transfer_ms; /* one whole transfer, 0 = no limit */
    int64_t stall_ms;    /* slower than 100 bytes a second for this long */
    int64_t body_bytes;  /* decoded */
    int64_t transfers;   /* expected at once: so many connections are kept */
};

/* Copied by http_start(), but for private_hosts, which must live as long as the transfer. */
struct http_request {
    bool is_post;
    const char *url;
    const char *const
        *headers;    /* "Name: value", ends with NULL; line breaks are the caller's to refuse */
    struct str body; /* of a POST */
    bool plain_http;
    struct str private_hosts; /* names or addresses, with commas, that may be private */
};

enum http_end {
    HTTP_ANSWERED, /* there is a status and a body, whatever they say */
    HTTP_LOST,     /* no answer, or half of one: may work later */
    HTTP_REFUSED,  /* we do not ask, follow or read on: the same again would end the same */
};

struct http_answer {
    enum http_end end;
    int status;             /* HTTP_ANSWERED */
    struct str type;        /* content-type */
    struct str retry_after; /* the header, as it is */
    struct str body;        /* content-encoding removed */
    int64_t took_ms;
    struct str problem; /* HTTP_LOST and HTTP_REFUSED: what happened, for a person */
};

struct http_transfer;

struct http *http_open(const struct http_limits *limits, struct err *err);
void http_close(struct http *h);
/* NULL when the request cannot even be made (ERR_REJECT). */
struct http_transfer *http_start(struct http *h, const struct http_request *request,
                                 void *ticket, struct err *err);
/* Wait until a transfer moves, one of the descriptors (negative ones are passed over) can be read, or the time is over; then move the transfers on. */
void http_wait(struct http *h, const int *fds, size_t fd_count, int timeout_ms);
/* A transfer that has ended, or NULL. It belongs to the caller, and the answer lives, until http_release(). */
struct http_transfer *http_next(struct http *h, void **out_ticket, struct http_answer *out);
/* Also ends a transfer that is under way. Takes NULL. */
void http_release(struct http_transfer *t);

const char *http_library_version(void);
