/* SPDX-License-Identifier: MIT */
/*
 * bare_fetch URL COUNT CONNECTIONS: what libcurl alone does. Gets URL0, URL1, … COUNT times through one multi handle, with
 * CONNECTIONS transfers at once on connections that stay open, each body into a buffer. Prints how many, and in how many
 * seconds.
 */
#include "common/clock.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX_BYTES = 1 << 20, URL_MAX_BYTES = 256, WAIT_MS = 1000 };

struct transfer {
    CURL *easy;
    char *body;
    size_t used;
    char url[URL_MAX_BYTES];
};

struct loop {
    CURLM *multi;
    const char *url;
    long next, count, done;
};

static size_t add_body(char *bytes, size_t one, size_t count, void *context)
{
    struct transfer *t = context;
    (void)one;
    if (count > BODY_MAX_BYTES - t->used)
        return 0;
    memcpy(t->body + t->used, bytes, count);
    t->used += count;
    return count;
}

static struct transfer *transfer_new(void)
{
    struct transfer *t = calloc(1, sizeof *t);
    if (!t || !(t->body = malloc(BODY_MAX_BYTES)) || !(t->easy = curl_easy_init()))
        abort();
    (void)curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, add_body);
    (void)curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    (void)curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    return t;
}

static void start(struct loop *l, struct transfer *t)
{
    if (l->next == l->count)
        return;
    (void)snprintf(t->url, sizeof t->url, "%s%ld", l->url, l->next++);
    t->used = 0;
    (void)curl_easy_setopt(t->easy, CURLOPT_URL, t->url);
    (void)curl_multi_add_handle(l->multi, t->easy);
}

static void finish(struct loop *l, const CURLMsg *message)
{
    struct transfer *t;
    long status = 0;
    (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
    (void)curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
    if (message->data.result || status != 200 || !t->used)
        abort();
    (void)curl_multi_remove_handle(l->multi, t->easy);
    l->done++;
    start(l, t);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return fputs("usage: bare_fetch URL COUNT CONNECTIONS\n", stderr), EXIT_FAILURE;
    long connections = strtol(argv[3], NULL, 10);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    struct loop l = {
        .multi = curl_multi_init(), .url = argv[1], .count = strtol(argv[2], NULL, 10)};
    (void)curl_multi_setopt(l.multi, CURLMOPT_MAXCONNECTS, connections);
    int64_t began_ms = clock_ms();
    for (long i = 0; i < connections; i++)
        start(&l, transfer_new());
    while (l.done < l.count) {
        CURLMsg *message;
        int running, left;
        (void)curl_multi_perform(l.multi, &running);
        while ((message = curl_multi_info_read(l.multi, &left)))
            finish(&l, message);
        if (l.done < l.count)
            (void)curl_multi_poll(l.multi, NULL, 0, WAIT_MS, NULL);
    }
    (void)printf("%ld %.3f\n", l.done, (double)(clock_ms() - began_ms) / 1000);
    return EXIT_SUCCESS; /* the end of the process gives everything back */
}
