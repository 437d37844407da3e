/* SPDX-License-Identifier: MIT */
#include "common/process.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/version.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BUILD_INFO, CHECK_READY, LOG_LINES, CPU, RESIDENT, OPEN_FDS, STARTED, METER_COUNT };

/* The names of process_… are those of Prometheus' own client libraries. */
const struct metric process_meters[METER_COUNT] = {
    [BUILD_INFO] = {.name = "muster_build_info",
                    .kind = METRIC_GAUGE,
                    .labels = {"version", "commit"},
                    .help = "1; the labels say what runs."},
    [CHECK_READY] = {.name = "muster_check_ready",
                     .kind = METRIC_GAUGE,
                     .labels = {"check"},
                     .help = "1 when this check of /readyz does not wait, else 0: the stage "
                             "can do nothing until it is 1 again."},
    [LOG_LINES] = {.name = "muster_log_lines_total",
                   .kind = METRIC_COUNTER,
                   .labels = {"level"},
                   .help =
                       "Lines of the log of this level, with those that were only counted."},
    [CPU] = {.name = "process_cpu_seconds_total",
             .kind = METRIC_COUNTER,
             .help = "Time on a processor, in user and system mode."},
    [RESIDENT] = {.name = "process_resident_memory_bytes",
                  .kind = METRIC_GAUGE,
                  .help = "Resident memory."},
    [OPEN_FDS] = {.name = "process_open_fds",
                  .kind = METRIC_GAUGE,
                  .help = "Open file descriptors."},
    [STARTED] = {.name = "process_start_time_seconds",
                 .kind = METRIC_GAUGE,
                 .help = "When the process started, in seconds since 1970."},
};
const size_t process_meter_count = METER_COUNT;

static double resident_bytes(void)
{
    char text[128] = ""; /* proc(5): pages, of all memory and of what is resident */
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    char *after_size = text;
    if (fgets(text, sizeof text, file))
        (void)strtoull(text, &after_size, 10);
    (void)fclose(file);
    return (double)strtoull(after_size, NULL, 10) * (double)sysconf(_SC_PAGESIZE);
}

static double open_fds(void)
{
    double count = -3; /* itself, "." and ".." */
    DIR *d = opendir("/proc/self/fd");
    if (!d)
        return 0;
    while (readdir(d))
        count++;
    (void)closedir(d);
    return count;
}

static double cpu_seconds(void)
{
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Taken the first time, which is when serving opens. */
static double start_seconds(void)
{
    static int64_t started_ms;
    if (!started_ms)
        started_ms = clock_unix_ms();
    return (double)started_ms / 1000;
}

void process_measure(struct metrics *m, const struct health *h)
{
    metrics_set(m, BUILD_INFO, LABELS(str_of(version_number()), str_of(version_commit())), 1);
    for (enum check_name i = 0; i < CHECK_COUNT; i++)
        if (h->checks[i].state != CHECK_ABSENT)
            metrics_set(m, CHECK_READY, LABELS(str_of(health_check_name(i))),
                        h->checks[i].state != CHECK_WAITS);
    for (enum log_level i = LOG_WARN_LEVEL; i <= LOG_ERROR_LEVEL; i++)
        metrics_set(m, LOG_LINES, LABELS(str_of(log_level_name(i))), (double)log_count(i));
    metrics_set(m, CPU, NO_LABELS, cpu_seconds());
    metrics_set(m, RESIDENT, NO_LABELS, resident_bytes());
    metrics_set(m, OPEN_FDS, NO_LABELS, open_fds());
    metrics_set(m, STARTED, NO_LABELS, start_seconds());
}
