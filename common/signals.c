/* SPDX-License-Identifier: MIT */
#include "common/signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

static int open_one(const sigset_t *set, struct err *err)
{
    int fd = sigprocmask(SIG_BLOCK, set, NULL) == 0
                 ? signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC)
                 : -1;
    if (fd < 0)
        (void)err_stop(err, EX_OSERR, "signalfd: %s", strerror(errno));
    return fd;
}

int signals_open(struct err *err)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    return open_one(&set, err);
}

int signals_open_reload(struct err *err)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    return open_one(&set, err);
}

void signals_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

bool signals_came(int fd)
{
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof info) == (ssize_t)sizeof info;
}
