/* SPDX-License-Identifier: MIT */
#include "tests/stage/odd_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NAMES_MAX = 64, CONNECTIONS_MAX = 256, REQUEST_MAX = 8192, PAGE_SIZE = 2 };

struct visit {
    char name[32];
    int hits;
};

struct odd_server {
    const struct oddity *oddities;
    int records;
    int listener, port;
    pthread_t thread;
    pthread_mutex_t lock; /* around what follows */
    struct visit visits[NAMES_MAX];
    pthread_t connections[CONNECTIONS_MAX];
    int sockets[CONNECTIONS_MAX];
    size_t connection_count;
};

struct connection {
    struct odd_server *server;
    int socket;
};

static int count_hit(struct odd_server *s, const char *name, int more)
{
    (void)pthread_mutex_lock(&s->lock);
    size_t i = 0;
    while (i < NAMES_MAX - 1 && s->visits[i].name[0] && strcmp(s->visits[i].name, name) != 0)
        i++;
    (void)snprintf(s->visits[i].name, sizeof s->visits[i].name, "%s", name);
    s->visits[i].hits += more;
    int hits = s->visits[i].hits;
    (void)pthread_mutex_unlock(&s->lock);
    return hits;
}

int odd_server_hits(struct odd_server *s, const char *name)
{
    return count_hit(s, name, 0);
}

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

static bool answer(int fd, int status, const char *headers, const char *body, size_t sent_bytes)
{
    char head[512];
    int len =
        snprintf(head, sizeof head, "HTTP/1.1 %d Some Words\r\nContent-Length: %zu\r\n%s\r\n",
                 status, strlen(body), headers);
    return send_all(fd, head, (size_t)len) && send_all(fd, body, sent_bytes);
}

/* An ordinary listing: as many things as the server has, then the odd end. */
static bool list(const struct odd_server *s, int fd, int skip)
{
    char body[512];
    size_t len = 0;
    if (skip >= s->records) {
        const char *end = "{\"error\":\"skip >number of hosts\"}";
        return answer(fd, 500, "Content-Type: application/json\r\n", end, strlen(end));
    }
    len += (size_t)snprintf(body, sizeof body, "{\"items\":[");
    for (int i = skip; i < skip + PAGE_SIZE && i < s->records; i++)
        len += (size_t)snprintf(body + len, sizeof body - len, "%s{\"id\":\"thing-%d\"}",
                                i > skip ? "," : "", i);
    len += (size_t)snprintf(body + len, sizeof body - len, "]");
    if (skip + PAGE_SIZE < s->records)
        len += (size_t)snprintf(body + len, sizeof body - len, ",\"next\":\"%d\"",
                                skip + PAGE_SIZE);
    len += (size_t)snprintf(body + len, sizeof body - len, "}");
    return answer(fd, 200, "Content-Type: application/json\r\n", body, len);
}

static bool misbehave(const struct odd_server *s, int fd, const struct oddity *o, int skip)
{
    switch (o->manner) {
    case ODD_ANSWER:
        return answer(fd, o->status, o->headers, o->body, strlen(o->body));
    case ODD_CUT:
        (void)answer(fd, o->status, o->headers, o->body, strlen(o->body) / 2);
        return false;
    case ODD_STALL:
        (void)usleep(10 * 1000 * 1000);
        return false;
    case ODD_SLOW:
        (void)usleep(500 * 1000);
        return list(s, fd, skip);
    }
    return false;
}

static bool serve(struct odd_server *s, int fd, const char *request)
{
    char name[32];
    int skip = 0;
    const char *path = strchr(request, '/');
    size_t len = path ? strcspn(path + 1, "?/ ") : 0;
    if (!path || len >= sizeof name)
        return false;
    memcpy(name, path + 1, len);
    name[len] = '\0';
    const char *query = strstr(path, "skip=");
    if (query)
        skip = (int)strtol(query + strlen("skip="), NULL, 10);
    int hits = count_hit(s, name, 1);
    for (const struct oddity *o = s->oddities; o->name; o++)
        if (strcmp(o->name, name) == 0 && hits <= o->times)
            return misbehave(s, fd, o, skip);
    return list(s, fd, skip);
}

static void *run_connection(void *context)
{
    struct connection *c = context;
    char request[REQUEST_MAX + 1];
    bool goes_on = true;
    while (goes_on) {
        size_t len = 0;
        request[0] = '\0';
        while (!strstr(request, "\r\n\r\n") && len < REQUEST_MAX) {
            ssize_t got = recv(c->socket, request + len, REQUEST_MAX - len, 0);
            if (got <= 0)
                break;
            len += (size_t)got;
            request[len] = '\0';
        }
        goes_on = strstr(request, "\r\n\r\n") && serve(c->server, c->socket, request);
    }
    (void)shutdown(c->socket, SHUT_RDWR);
    free(c);
    return NULL;
}

static void *run_server(void *context)
{
    struct odd_server *s = context;
    int fd;
    while (s->connection_count < CONNECTIONS_MAX &&
           (fd = accept(s->listener, NULL, NULL)) >= 0) {
        struct connection *c = malloc(sizeof *c);
        if (!c)
            abort();
        *c = (struct connection){s, fd};
        s->sockets[s->connection_count] = fd;
        if (pthread_create(&s->connections[s->connection_count], NULL, run_connection, c) != 0)
            abort();
        s->connection_count++;
    }
    return NULL;
}

struct odd_server *odd_server_open(const struct oddity *oddities, int records)
{
    struct odd_server *s = calloc(1, sizeof *s);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    if (!s)
        abort();
    s->oddities = oddities;
    s->records = records;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (pthread_mutex_init(&s->lock, NULL) != 0 ||
        bind(s->listener, (struct sockaddr *)&address, len) != 0 ||
        listen(s->listener, 64) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&address, &len) != 0 ||
        pthread_create(&s->thread, NULL, run_server, s) != 0)
        abort();
    s->port = ntohs(address.sin_port);
    return s;
}

int odd_server_port(const struct odd_server *s)
{
    return s->port;
}

void odd_server_close(struct odd_server *s)
{
    (void)shutdown(s->listener, SHUT_RDWR);
    (void)pthread_join(s->thread, NULL);
    for (size_t i = 0; i < s->connection_count; i++) {
        (void)shutdown(s->sockets[i], SHUT_RDWR);
        (void)pthread_join(s->connections[i], NULL);
        (void)close(s->sockets[i]);
    }
    (void)close(s->listener);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}
