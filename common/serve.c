/* SPDX-License-Identifier: MIT */
#include "common/serve.h"

#include "common/clock.h"

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 16,
    CONNECTION_BYTES = 8 * 1024, /* of a request's head */
    SILENCE_S = 10,
    ANSWER_MAX_BYTES = 4 << 20,
    TURNS_MAX = 64, /* of the library at once, so that no flood of questions holds the stage */
    FDS_MAX = 8,
    TURN_MS = 1000
};

static const char text_type[] = "text/plain; charset=utf-8";

/* --- the answers --- */

struct answer {
    unsigned status;
    const char *type;
    struct buf text;
};

typedef bool render(struct serve *s, struct MHD_Connection *c, struct answer *a);

static bool livez(struct serve *s, struct MHD_Connection *c, struct answer *a)
{
    (void)s;
    (void)c;
    return buf_add(&a->text, STR("ok\n"));
}

static bool readyz(struct serve *s, struct MHD_Connection *c, struct answer *a)
{
    bool is_ready = health_is_ready(&s->health);
    bool is_verbose = MHD_lookup_connection_value_n(c, MHD_GET_ARGUMENT_KIND, "verbose", 7,
                                                    NULL, NULL) == MHD_YES;
    if (!is_ready)
        a->status = MHD_HTTP_SERVICE_UNAVAILABLE;
    return ((is_ready && !is_verbose) || health_render(&s->health, &a->text)) &&
           buf_add(&a->text, is_ready ? STR("ready\n") : STR("not ready\n"));
}

static bool metrics(struct serve *s, struct MHD_Connection *c, struct answer *a)
{
    (void)c;
    a->type = "text/plain; version=0.0.4; charset=utf-8";
    process_measure(&s->process, &s->health);
    return metrics_render(&s->process, &a->text) &&
           (!s->about.metrics || metrics_render(s->about.metrics, &a->text));
}

static bool version(struct serve *s, struct MHD_Connection *c, struct answer *a)
{
    (void)c;
    a->type = "application/json";
    return version_render_json(s->about.program, s->about.libraries, &a->text);
}

static const struct page {
    const char *path;
    render *render;
    bool is_fresh; /* wants everything up to date */
} pages[] = {
    {"/livez", livez, false},
    {"/readyz", readyz, true},
    {"/metrics", metrics, true},
    {"/version", version, false},
};
enum { PAGE_COUNT = sizeof pages / sizeof *pages };

static bool no_page(struct answer *a)
{
    a->status = MHD_HTTP_NOT_FOUND;
    return buf_add(&a->text, STR("there are /livez, /readyz?verbose, /metrics and /version\n"));
}

static void make_answer(struct serve *s, struct MHD_Connection *c, const char *path,
                        struct answer *a)
{
    size_t i = 0;
    while (i < PAGE_COUNT && strcmp(pages[i].path, path) != 0)
        i++;
    if (i < PAGE_COUNT && pages[i].is_fresh && s->about.refresh)
        s->about.refresh(s->about.context);
    if (i < PAGE_COUNT ? pages[i].render(s, c, a) : no_page(a))
        return;
    buf_reset(&a->text);
    a->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
    a->type = text_type;
}

static enum MHD_Result send_answer(struct MHD_Connection *c, const struct answer *a)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        a->text.len, a->text.len ? a->text.ptr : (void *)(uintptr_t)"", MHD_RESPMEM_MUST_COPY);
    if (!r)
        return MHD_NO;
    enum MHD_Result result = MHD_add_response_header(r, "Content-Type", a->type);
    if (a->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        result = MHD_add_response_header(r, "Allow", "GET, HEAD");
    if (result == MHD_YES)
        result = MHD_queue_response(c, a->status, r);
    MHD_destroy_response(r);
    return result;
}

/* First called with the request's head, then for each part of a body, at last with none left. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *c, const char *path,
                                  const char *method, const char *protocol, const char *body,
                                  size_t *body_bytes, void **seen)
{
    static char was_here;
    (void)protocol;
    (void)body;
    if (!*seen || *body_bytes) {
        *seen = &was_here;
        *body_bytes = 0;
        return MHD_YES;
    }
    struct answer a = {.status = MHD_HTTP_OK, .type = text_type};
    buf_init(&a.text, ANSWER_MAX_BYTES);
    if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
        make_answer(context, c, path, &a);
    else
        a.status = MHD_HTTP_METHOD_NOT_ALLOWED;
    enum MHD_Result result = send_answer(c, &a);
    buf_done(&a.text);
    return result;
}

/* --- opening --- */

/* Its messages are about clients that went away: nobody has to know. */
static struct MHD_Daemon *start_daemon(struct serve *s, int fd)
{
    return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, s,
                            MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
                            (unsigned)SILENCE_S, MHD_OPTION_END);
}

bool serve_open(struct serve *s, struct str where, const struct serve_about *about,
                struct err *err)
{
    struct listen l;
    *s = (struct serve){.about = *about, .address = "none"};
    serve_waits(s, CHECK_STAGE, STR("it is starting"));
    metrics_open(&s->process, process_meters, process_meter_count);
    process_measure(&s->process, &s->health);
    if (!listen_parse(where, &l, err))
        return false;
    if (l.is_none)
        return true;
    int fd = listen_open(&l, s->address, err);
    if (fd < 0)
        return false;
    s->daemon = start_daemon(s, fd);
    return s->daemon || err_stop(err, EX_SOFTWARE, "listen: libmicrohttpd cannot be started");
}

void serve_close(struct serve *s)
{
    if (s->daemon)
        MHD_stop_daemon(s->daemon); /* closes the socket, too */
    s->daemon = NULL;
    metrics_close(&s->process);
}

/* --- checks --- */

void serve_ok(struct serve *s, enum check_name name)
{
    health_say(&s->health, name, CHECK_OK, (struct str){0}, clock_unix_ms());
}

void serve_waits(struct serve *s, enum check_name name, struct str text)
{
    health_say(&s->health, name, CHECK_WAITS, text, clock_unix_ms());
}

void serve_warns(struct serve *s, enum check_name name, struct str text)
{
    health_say(&s->health, name, CHECK_WARNS, text, clock_unix_ms());
}

/* --- answering --- */

int serve_fd(const struct serve *s)
{
    const union MHD_DaemonInfo *info =
        s->daemon ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    return info ? info->epoll_fd : -1;
}

/* The library reads its descriptors edge-triggered and keeps a list of what it has not finished. */
static bool has_more(const struct serve *s)
{
    struct pollfd own = {.fd = serve_fd(s), .events = POLLIN};
    MHD_UNSIGNED_LONG_LONG left_ms = 1;
    return poll(&own, 1, 0) > 0 ||
           (MHD_get_timeout(s->daemon, &left_ms) == MHD_YES && left_ms == 0);
}

void serve_answer(struct serve *s)
{
    if (!s->daemon)
        return;
    int turns = 0;
    do
        (void)MHD_run(s->daemon);
    while (++turns < TURNS_MAX && has_more(s));
}

int serve_poll(struct serve *s, const struct pollfd *fds, size_t count, int64_t timeout_ms)
{
    struct pollfd all[FDS_MAX + 1] = {{.fd = serve_fd(s), .events = POLLIN}};
    int64_t end_ms = clock_ms() + timeout_ms;
    int ready = 0, others = 0;
    count = count < FDS_MAX ? count : FDS_MAX;
    memcpy(all + 1, fds, count * sizeof *fds);
    do {
        int64_t left_ms = end_ms - clock_ms();
        left_ms = left_ms < 0 ? 0 : left_ms < TURN_MS ? left_ms : TURN_MS;
        ready = poll(all, (nfds_t)count + 1, (int)left_ms);
        others = ready - (ready > 0 && all[0].revents != 0);
        serve_answer(s);
    } while (ready >= 0 && others == 0 && clock_ms() < end_ms);
    return others;
}

const char *serve_library_version(void)
{
    return MHD_get_version();
}
