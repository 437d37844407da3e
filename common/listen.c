/* SPDX-License-Identifier: MIT */
#include "common/listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum { WAITING_MAX = 16, PORT_MAX = 65535 };

static bool malformed(struct str text, struct err *err)
{
    return err_stop(err, EX_CONFIG,
                    "listen: \"" STR_FMT
                    "\": expected is HOST:PORT, HOST:PORT-PORT or none; an IPv6 address stands "
                    "in brackets",
                    STR_ARG(text));
}

static bool read_port(struct str text, uint16_t *out)
{
    int64_t number = 0;
    if (!str_to_int(text, &number) || number < 0 || number > PORT_MAX)
        return false;
    *out = (uint16_t)number;
    return true;
}

static bool read_ports(struct str text, struct listen *out)
{
    bool is_range = str_has(text, STR("-"));
    struct str first = str_cut(&text, '-');
    if (!read_port(first, &out->first))
        return false;
    out->last = out->first;
    return !is_range ||
           (read_port(text, &out->last) && out->first > 0 && out->last >= out->first);
}

bool listen_parse(struct str text, struct listen *out, struct err *err)
{
    struct listen l = {.is_none = str_eq(text, STR("none"))};
    struct str host = text, ports = {0};
    while (host.len && host.ptr[host.len - 1] != ':')
        host.len--;
    ports = (struct str){text.ptr + host.len, text.len - host.len};
    host.len -= host.len > 0;
    bool in_brackets = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (in_brackets)
        host = (struct str){host.ptr + 1, host.len - 2};
    bool is_good = host.len > 0 && host.len < sizeof l.host &&
                   (in_brackets || !str_has(host, STR(":"))) && read_ports(ports, &l);
    if (!is_good && !l.is_none)
        return malformed(text, err);
    if (is_good)
        (void)snprintf(l.host, sizeof l.host, STR_FMT, STR_ARG(host));
    *out = l;
    return true;
}

/* 0, or the errno of what failed; *out_fd is then untouched. */
static int open_one(const struct addrinfo *a, int *out_fd)
{
    const int one = 1;
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    /* A port whose last connections still fade away is free; two listeners it does not allow. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, WAITING_MAX) != 0) {
        int code = errno;
        (void)close(fd);
        return code;
    }
    *out_fd = fd;
    return 0;
}

static int try_port(const char *host, unsigned port, int *out_fd, struct err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char service[8];
    (void)snprintf(service, sizeof service, "%u", port);
    int problem = getaddrinfo(host, service, &hints, &found);
    if (problem) {
        (void)err_stop(err, EX_CONFIG, "listen: %s: %s", host, gai_strerror(problem));
        return -1;
    }
    int code = open_one(found, out_fd);
    freeaddrinfo(found);
    return code;
}

static void tell_address(int fd, const char *host, char out[static LISTEN_ADDRESS_MAX])
{
    struct sockaddr_storage own = {0};
    socklen_t own_bytes = sizeof own;
    char port[8] = "0";
    if (getsockname(fd, (struct sockaddr *)&own, &own_bytes) == 0)
        (void)getnameinfo((struct sockaddr *)&own, own_bytes, NULL, 0, port, sizeof port,
                          NI_NUMERICSERV);
    bool is_ipv6 = strchr(host, ':') != NULL;
    (void)snprintf(out, LISTEN_ADDRESS_MAX, "%s%s%s:%s", is_ipv6 ? "[" : "", host,
                   is_ipv6 ? "]" : "", port);
}

static void not_opened(const struct listen *where, int code, struct err *err)
{
    char ports[16];
    (void)snprintf(ports, sizeof ports, where->last > where->first ? "%u-%u" : "%u",
                   (unsigned)where->first, (unsigned)where->last);
    if (code == EADDRINUSE)
        (void)err_stop(err, EX_UNAVAILABLE,
                       "listen: %s:%s is taken: name another port or a wider range "
                       "(--listen HOST:PORT-PORT), or none",
                       where->host, ports);
    else
        (void)err_stop(err, EX_CONFIG, "listen: %s:%s: %s", where->host, ports, strerror(code));
}

int listen_open(const struct listen *where, char out_address[static LISTEN_ADDRESS_MAX],
                struct err *err)
{
    int fd = -1, code = EADDRINUSE;
    for (unsigned port = where->first; port <= where->last && code == EADDRINUSE; port++)
        code = try_port(where->host, port, &fd, err);
    if (code > 0)
        not_opened(where, code, err);
    if (fd >= 0)
        tell_address(fd, where->host, out_address);
    return fd;
}
