/* SPDX-License-Identifier: MIT */
#include "fetcher/http.h"

#include "common/clock.h"
#include "fetcher/guard.h"

#include <curl/curl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    CONNECT_MS = 10000,
    SLOW_BYTES = 100,
    HOPS_MAX = 3,
    FDS_MAX = 8,
    BODY_KEPT_BYTES = 256 * 1024,
    URL_MAX_BYTES = 64 * 1024,
    ADDRESS_MAX = 64
};

struct http {
    CURLM *multi;
    struct http_limits limits;
    struct http_transfer *idle;    /* those that can be used again */
    struct http_transfer *running; /* and those that are under way or with the caller */
};

struct http_transfer {
    struct http *http;
    struct http_transfer *next, **link; /* in idle or running */
    CURL *easy;
    bool is_under_way;
    struct curl_slist *headers;
    struct buf body;
    struct buf url; /* the last hop's */
    bool plain_http;
    struct str private_hosts;
    void *ticket;
    int64_t started_ms;
    int hops;
    bool is_too_big;
    char refused_address[ADDRESS_MAX];
    char curl_text[CURL_ERROR_SIZE];
    char problem[CURL_ERROR_SIZE + 256];
};

/* Each transfer is a socket, and the usual limit of 1,024 files is for programs that use select(). */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

struct http *http_open(const struct http_limits *limits, struct err *err)
{
    struct http *h = calloc(1, sizeof *h);
    if (!h)
        abort();
    h->limits = *limits;
    raise_file_limit();
    h->multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
    if (!h->multi) {
        free(h);
        (void)err_stop(err, EX_SOFTWARE, "libcurl cannot be started");
        return NULL;
    }
    (void)curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    (void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)limits->transfers);
    return h;
}

static void unlink_transfer(struct http_transfer *t)
{
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
}

static void link_transfer(struct http_transfer *t, struct http_transfer **list)
{
    t->next = *list;
    t->link = list;
    if (t->next)
        t->next->link = &t->next;
    *list = t;
}

static void free_transfer(struct http_transfer *t)
{
    unlink_transfer(t);
    curl_easy_cleanup(t->easy);
    buf_done(&t->body);
    buf_done(&t->url);
    free(t);
}

void http_close(struct http *h)
{
    if (!h)
        return;
    while (h->running)
        http_release(h->running);
    while (h->idle)
        free_transfer(h->idle);
    (void)curl_multi_cleanup(h->multi);
    free(h);
    curl_global_cleanup();
}

static bool is_allowed(struct http_transfer *t, const char *address)
{
    return guard_allows(buf_text(&t->url), t->private_hosts, address);
}

/* curl calls this with the resolved address, so that a name cannot change its mind between a check and the connection. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct http_transfer *t = context;
    char address[ADDRESS_MAX];
    if (purpose != CURLSOCKTYPE_IPCXN ||
        getnameinfo(&a->addr, a->addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST) !=
            0)
        return CURL_SOCKET_BAD;
    address[strcspn(address, "%")] = '\0'; /* the interface of a link-local address */
    if (!is_allowed(t, address)) {
        memcpy(t->refused_address, address, sizeof address);
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* The same for a connection that is used again, as another provider may have opened it. */
static int check_connection(void *context, char *address, char *local, int port, int local_port)
{
    struct http_transfer *t = context;
    (void)local;
    (void)port;
    (void)local_port;
    if (is_allowed(t, address))
        return CURL_PREREQFUNC_OK;
    (void)snprintf(t->refused_address, sizeof t->refused_address, "%s", address);
    return CURL_PREREQFUNC_ABORT;
}

static size_t add_body(char *bytes, size_t one, size_t count, void *context)
{
    struct http_transfer *t = context;
    (void)one;
    t->is_too_big = !buf_add(&t->body, (struct str){bytes, count});
    return t->is_too_big ? 0 : count;
}

/* What is the same for every request. */
static void set_always(struct http_transfer *t)
{
    const struct http_limits *l = &t->http->limits;
    (void)curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    (void)curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)l->transfer_ms);
    (void)curl_easy_setopt(t->easy, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
    (void)curl_easy_setopt(t->easy, CURLOPT_LOW_SPEED_TIME, (long)((l->stall_ms + 999) / 1000));
    (void)curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    (void)curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
    (void)curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, check_connection);
    (void)curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
    (void)curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(t->easy, CURLOPT_ACCEPT_ENCODING, "");
    (void)curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "muster");
    (void)curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, add_body);
    (void)curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    (void)curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->curl_text);
    (void)curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
}

static struct http_transfer *idle_transfer(struct http *h)
{
    struct http_transfer *t = h->idle;
    if (t) {
        unlink_transfer(t);
    } else {
        t = calloc(1, sizeof *t);
        if (!t || !(t->easy = curl_easy_init()))
            abort();
        t->http = h;
        buf_init(&t->body, (size_t)h->limits.body_bytes);
        buf_init(&t->url, URL_MAX_BYTES);
        set_always(t);
    }
    link_transfer(t, &h->running);
    return t;
}

static void add_header(struct http_transfer *t, const char *line)
{
    struct curl_slist *longer = curl_slist_append(t->headers, line);
    if (!longer)
        abort();
    t->headers = longer;
}

static void set_request(struct http_transfer *t, const struct http_request *r)
{
    for (const char *const *line = r->headers; line && *line; line++)
        add_header(t, *line);
    if (r->is_post) {
        add_header(t, "Expect:"); /* no extra round trip before a big body */
        (void)curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
        (void)curl_easy_setopt(t->easy, CURLOPT_COPYPOSTFIELDS, r->body.len ? r->body.ptr : "");
    } else {
        (void)curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L);
    }
    (void)curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    (void)curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR,
                           t->plain_http ? "https,http" : "https");
}

/* From here to the next hop or the end. curl's own text of a redirect goes with its next URL, so it is copied first. */
static bool send_to(struct http_transfer *t, const char *url)
{
    buf_reset(&t->body);
    buf_reset(&t->url);
    t->is_under_way = buf_add(&t->url, str_of(url)) &&
                      curl_easy_setopt(t->easy, CURLOPT_URL, buf_text(&t->url)) == CURLE_OK &&
                      curl_multi_add_handle(t->http->multi, t->easy) == CURLM_OK;
    return t->is_under_way;
}

struct http_transfer *http_start(struct http *h, const struct http_request *request,
                                 void *ticket, struct err *err)
{
    struct http_transfer *t = idle_transfer(h);
    t->ticket = ticket;
    t->plain_http = request->plain_http;
    t->private_hosts = request->private_hosts;
    t->started_ms = clock_ms();
    set_request(t, request);
    if (send_to(t, request->url))
        return t;
    http_release(t);
    (void)err_set(err, ERR_REJECT, "the request cannot be made");
    return NULL;
}

void http_wait(struct http *h, const int *fds, size_t fd_count, int timeout_ms)
{
    struct curl_waitfd waits[FDS_MAX] = {0};
    unsigned count = 0;
    for (size_t i = 0; i < fd_count && count < FDS_MAX; i++)
        if (fds[i] >= 0)
            waits[count++] = (struct curl_waitfd){.fd = fds[i], .events = CURL_WAIT_POLLIN};
    int running;
    (void)curl_multi_poll(h->multi, waits, count, timeout_ms, NULL);
    (void)curl_multi_perform(h->multi, &running);
}

/* Where to go on after a redirect; NULL when it is none, or is refused, which `problem` then says. */
static const char *next_hop(struct http_transfer *t, long status)
{
    char *target = NULL;
    if (status < 300 || status > 399 ||
        curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &target) != CURLE_OK || !target)
        return NULL;
    if (t->hops == HOPS_MAX) {
        (void)snprintf(t->problem, sizeof t->problem, "it redirects more than %d times",
                       HOPS_MAX);
        return NULL;
    }
    if (!guard_is_same_origin(buf_text(&t->url), target)) {
        char host[GUARD_HOST_MAX];
        (void)snprintf(t->problem, sizeof t->problem,
                       "it redirects to another origin (%s), which is not followed",
                       guard_host(target, host));
        return NULL;
    }
    return target;
}

static bool follow(struct http_transfer *t, long status)
{
    const char *target = next_hop(t, status);
    if (!target)
        return false;
    t->hops++;
    if (status == 303) /* See Other: with GET (RFC 9110, 15.4.4) */
        (void)curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L);
    return send_to(t, target);
}

static bool is_hopeless(CURLcode code)
{
    return code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
           code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_TOO_MANY_REDIRECTS;
}

static struct http_answer without_answer(struct http_transfer *t, CURLcode code)
{
    struct http_answer a = {.end = is_hopeless(code) ? HTTP_REFUSED : HTTP_LOST};
    const char *what = t->curl_text[0] ? t->curl_text : curl_easy_strerror(code);
    if (t->problem[0]) {
        a.end = HTTP_REFUSED; /* a redirect */
    } else if (t->is_too_big) {
        a.end = HTTP_REFUSED;
        (void)snprintf(t->problem, sizeof t->problem,
                       "the body is over %lld bytes (--max-page)",
                       (long long)t->http->limits.body_bytes);
    } else if (t->refused_address[0]) {
        a.end = HTTP_REFUSED;
        (void)snprintf(
            t->problem, sizeof t->problem,
            "%s is a private address; the provider's setting private_hosts can allow it",
            t->refused_address);
    } else {
        (void)snprintf(t->problem, sizeof t->problem, "%s", what);
    }
    a.problem = str_of(t->problem);
    return a;
}

static struct http_answer with_answer(struct http_transfer *t, long status)
{
    struct http_answer a = {
        .end = HTTP_ANSWERED, .status = (int)status, .body = buf_str(&t->body)};
    struct curl_header *retry_after;
    char *type = NULL;
    (void)curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
    a.type = str_of(type);
    if (curl_easy_header(t->easy, "Retry-After", 0, CURLH_HEADER, -1, &retry_after) ==
        CURLHE_OK)
        a.retry_after = str_of(retry_after->value);
    return a;
}

/* True when the transfer is over, and not only one hop of it. */
static bool finish(struct http_transfer *t, CURLcode code, struct http_answer *out)
{
    long status = 0;
    t->is_under_way = false;
    (void)curl_multi_remove_handle(t->http->multi, t->easy);
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK && follow(t, status))
        return false;
    *out =
        code == CURLE_OK && !t->problem[0] ? with_answer(t, status) : without_answer(t, code);
    out->took_ms = clock_ms() - t->started_ms;
    return true;
}

struct http_transfer *http_next(struct http *h, void **out_ticket, struct http_answer *out)
{
    struct CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(h->multi, &left))) {
        struct http_transfer *t = NULL;
        CURLcode code = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        if (finish(t, code, out)) {
            *out_ticket = t->ticket;
            return t;
        }
    }
    return NULL;
}

void http_release(struct http_transfer *t)
{
    if (!t)
        return;
    if (t->is_under_way)
        (void)curl_multi_remove_handle(t->http->multi, t->easy);
    unlink_transfer(t);
    (void)curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(t->headers);
    buf_reset(&t->url);
    if (t->body.room > BODY_KEPT_BYTES)
        buf_done(&t->body);
    buf_reset(&t->body);
    *t = (struct http_transfer){
        .http = t->http, .easy = t->easy, .url = t->url, .body = t->body};
    link_transfer(t, &t->http->idle);
}

const char *http_library_version(void)
{
    return curl_version_info(CURLVERSION_NOW)->version;
}
