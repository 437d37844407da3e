/* SPDX-License-Identifier: MIT */
/*
 * libyaml's events, made into a tree. Aliases are refused: with them a small file can stand for a tree of any size, and
 * the files of providers and models do without. Tags are refused because only the reader knows what a scalar means.
 */
#include "common/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include <yaml.h>

enum { YAML_MAX_BYTES = 1024 * 1024, YAML_MAX_DEPTH = 32 };

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the one just read */
    const char *file;
    struct str content;
    struct arena *arena;
    struct err *err;
};

static void reader_done(struct reader *r)
{
    yaml_event_delete(&r->event);
    yaml_parser_delete(&r->parser);
}

/* A place without content, to hang a complaint on. */
static struct yaml place(const struct reader *r, yaml_mark_t mark)
{
    return (struct yaml){.kind = YAML_SCALAR,
                         .file = r->file,
                         .line = (unsigned)mark.line + 1,
                         .column = (unsigned)mark.column + 1};
}

static bool complain(struct reader *r, const char *what)
{
    struct yaml at = place(r, r->event.start_mark);
    return yaml_error(&at, r->err, "%s", what);
}

/* Of an encoding fault libyaml only knows the byte. */
static yaml_mark_t mark_of_byte(struct str content, size_t offset)
{
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < offset && i < content.len; i++) {
        bool is_newline = content.ptr[i] == '\n';
        mark.line += is_newline;
        mark.column = is_newline ? 0 : mark.column + 1;
    }
    return mark;
}

static bool syntax_error(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    bool in_reader = p->error == YAML_READER_ERROR;
    yaml_mark_t mark =
        in_reader ? mark_of_byte(r->content, p->problem_offset) : p->problem_mark;
    struct yaml at = place(r, mark);
    if (p->error == YAML_MEMORY_ERROR)
        abort();
    if (!in_reader && mark.index < r->content.len && r->content.ptr[mark.index] == '\t')
        return yaml_error(&at, r->err, "a tab cannot stand here; indent with spaces");
    if (p->context && !in_reader)
        return yaml_error(&at, r->err, "%s %s (line %zu)", p->problem, p->context,
                          p->context_mark.line + 1);
    return yaml_error(&at, r->err, "%s", p->problem ? p->problem : "this is no YAML");
}

static bool next_event(struct reader *r)
{
    yaml_event_delete(&r->event);
    return yaml_parser_parse(&r->parser, &r->event) || syntax_error(r);
}

static bool read_node(struct reader *r, unsigned depth, struct yaml *out);

static bool read_list(struct reader *r, unsigned depth, struct yaml *out)
{
    size_t room = 0;
    while (next_event(r)) {
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return true;
        if (!read_node(r, depth, ARENA_PUSH(r->arena, out->items, out->count, room)))
            return false;
    }
    return false;
}

static bool check_key(struct reader *r, const struct yaml *map, const struct yaml *key)
{
    if (key->kind != YAML_SCALAR)
        return yaml_error(key, r->err, "a key must be a word, not a list or a map");
    for (const struct yaml *other = map->keys; other < key; other++)
        if (str_eq(other->text, key->text))
            return yaml_error(key, r->err,
                              "the key \"" STR_FMT "\" stands twice, first in line %u",
                              STR_ARG(key->text), other->line);
    return true;
}

static bool read_map(struct reader *r, unsigned depth, struct yaml *out)
{
    size_t key_room = 0, key_count = 0, value_room = 0;
    while (next_event(r)) {
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return true;
        struct yaml *key = ARENA_PUSH(r->arena, out->keys, key_count, key_room);
        if (!read_node(r, depth, key) || !check_key(r, out, key) || !next_event(r) ||
            !read_node(r, depth, ARENA_PUSH(r->arena, out->items, out->count, value_room)))
            return false;
    }
    return false;
}

static void read_scalar(struct reader *r, struct yaml *out)
{
    const char *bytes = (const char *)r->event.data.scalar.value;
    out->kind = YAML_SCALAR;
    out->quoted = r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    out->text = arena_copy(r->arena, (struct str){bytes, r->event.data.scalar.length});
}

static bool has_tag(const yaml_event_t *e)
{
    return (e->type == YAML_SCALAR_EVENT && e->data.scalar.tag) ||
           (e->type == YAML_SEQUENCE_START_EVENT && e->data.sequence_start.tag) ||
           (e->type == YAML_MAPPING_START_EVENT && e->data.mapping_start.tag);
}

/* The node that begins with the event just read. */
static bool read_node(struct reader *r, unsigned depth, struct yaml *out)
{
    *out = place(r, r->event.start_mark);
    if (depth == YAML_MAX_DEPTH)
        return complain(r, "nested too deep");
    if (has_tag(&r->event))
        return complain(r, "tags (!…) are not supported");
    if (r->event.type == YAML_SCALAR_EVENT) {
        read_scalar(r, out);
        return true;
    }
    if (r->event.type == YAML_SEQUENCE_START_EVENT) {
        out->kind = YAML_LIST;
        return read_list(r, depth + 1, out);
    }
    if (r->event.type == YAML_MAPPING_START_EVENT) {
        out->kind = YAML_MAP;
        return read_map(r, depth + 1, out);
    }
    if (r->event.type == YAML_ALIAS_EVENT)
        return complain(r, "aliases (*…) are not supported");
    return complain(r, "there is nothing here");
}

static bool skip_events(struct reader *r, unsigned count)
{
    bool ok = true;
    while (ok && count--)
        ok = next_event(r);
    return ok;
}

static bool read_document(struct reader *r, struct yaml *out)
{
    if (!skip_events(r, 2)) /* the stream begins, a document begins */
        return false;
    if (r->event.type == YAML_STREAM_END_EVENT) { /* comments alone, say */
        out->kind = YAML_MAP;
        return true;
    }
    if (!next_event(r) || !read_node(r, 0, out) || !skip_events(r, 2))
        return false;
    if (r->event.type != YAML_STREAM_END_EVENT)
        return complain(r, "a second document begins here; one file is one document");
    return true;
}

bool yaml_parse(const char *file, struct str content, struct arena *arena,
                struct yaml *out_root, struct err *err)
{
    __attribute__((cleanup(reader_done))) struct reader r = {
        .file = arena_text(arena, str_of(file)),
        .content = content,
        .arena = arena,
        .err = err};
    struct yaml root = {.file = r.file, .line = 1, .column = 1};
    if (content.len > YAML_MAX_BYTES)
        return yaml_error(&root, err, "the file is larger than 1 MiB");
    if (!yaml_parser_initialize(&r.parser))
        abort();
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    const char *text = content.len ? content.ptr : ""; /* libyaml takes no NULL */
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, content.len);
    if (!read_document(&r, &root))
        return false;
    *out_root = root;
    return true;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

/* Reads one byte more than is allowed, so that yaml_parse() sees when there is too much. */
static bool read_file(const char *file, struct buf *content, struct err *err)
{
    char piece[16 * 1024];
    ssize_t got = 0;
    __attribute__((cleanup(close_fd))) int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_stop(err, EX_NOINPUT, "%s: %s", file, strerror(errno));
    while (content->len <= YAML_MAX_BYTES && (got = read(fd, piece, sizeof piece)) > 0)
        if (!buf_add(content, (struct str){piece, (size_t)got}))
            break;
    return got >= 0 || err_stop(err, EX_NOINPUT, "%s: %s", file, strerror(errno));
}

bool yaml_load(const char *file, struct arena *arena, struct yaml *out_root, struct err *err)
{
    buf_auto content;
    buf_init(&content, 2 * (size_t)YAML_MAX_BYTES);
    return read_file(file, &content, err) &&
           yaml_parse(file, buf_str(&content), arena, out_root, err);
}

const char *yaml_library_version(void)
{
    return yaml_get_version_string();
}
