/* SPDX-License-Identifier: MIT */
/* `muster show MODEL`: entities that are asked for, in the form that is asked for. One batch of entities is in memory, however many there are. */
#include "muster/filter.h"
#include "muster/form.h"
#include "muster/muster.h"
#include "muster/report.h"
#include "muster/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    READ_MS = 3600 * 1000,
    BATCH = 1000, /* entities that MongoDB sends at once */
    WRITE_BYTES = 64 << 10,
    TEXT_MAX_BYTES = 256 << 20,
    SCREEN_ELSE = 120
};

struct order {
    struct path path;
    bool descends;
};

struct show {
    struct muster *muster;
    const struct model *model;
    enum form form;
    struct filters filters;
    struct paths columns;
    struct order *orders;
    size_t order_count, order_room;
    int64_t limit; /* 0 = all */
    struct table table;
    struct buf out;
    int64_t shown;
    bool has_more;  /* than the limit */
    bool is_closed; /* nobody reads any more */
};

/* --- what is asked for --- */

static bool read_form(struct show *s, struct err *err)
{
    const struct muster_settings *given = &s->muster->settings;
    s->form = (enum form)given->as;
    if (given->json && s->form != FORM_TABLE && s->form != FORM_JSON)
        return err_stop(err, EX_USAGE, "--json is --as json: only one form can be had");
    if (given->json)
        s->form = FORM_JSON;
    return true;
}

/* A field of several values would have no place among others. */
static bool add_order(struct show *s, struct str name, struct err *err)
{
    struct order order = {.descends = str_has_prefix(name, STR("-"))};
    name.ptr += order.descends;
    name.len -= order.descends;
    if (!path_parse(s->model, name, &s->muster->arena, &order.path, err))
        return err_wrap(err, "--sort");
    if (path_is_list(&order.path))
        return err_stop(err, EX_USAGE, "--sort: " STR_FMT " may have several values",
                        STR_ARG(name));
    *ARENA_PUSH(&s->muster->arena, s->orders, s->order_count, s->order_room) = order;
    return true;
}

static bool read_orders(struct show *s, struct err *err)
{
    struct str rest = s->muster->settings.sort;
    while (rest.len)
        if (!add_order(s, str_trim(str_cut(&rest, ',')), err))
            return false;
    return true;
}

/* Lists need room: a table has them when they are asked for. */
static struct paths table_columns(const struct show *s)
{
    struct paths all = paths_all(s->model, s->filters.gone, &s->muster->arena);
    struct paths single = {.list = all.list};
    for (size_t i = 0; i < all.count; i++)
        if (s->filters.gone || (all.list[i].root == PATH_FIELD && !path_is_list(&all.list[i])))
            single.list[single.count++] = all.list[i];
    return single;
}

static bool read_columns(struct show *s, struct err *err)
{
    struct muster *m = s->muster;
    if (m->settings.columns.len)
        return paths_parse(s->model, m->settings.columns, &m->arena, &s->columns, err) ||
               err_wrap(err, "--columns");
    s->columns = s->form == FORM_TABLE ? table_columns(s)
                                       : paths_all(s->model, s->filters.gone, &m->arena);
    return true;
}

static bool read_question(struct show *s, struct err *err)
{
    struct muster *m = s->muster;
    int64_t now_ms = 0;
    s->model = muster_model(m, err);
    s->limit = m->settings.limit;
    return s->model && muster_server_time(m, &now_ms, err) &&
           filters_parse(s->model, &m->providers, m->words + 1, m->word_count - 1,
                         m->settings.gone, now_ms, &m->arena, &s->filters, err) &&
           read_form(s, err) && read_columns(s, err) && read_orders(s, err);
}

/* --- asking --- */

static void put_root(bson_t *projection, const struct path *p, bool *used, struct arena *arena)
{
    if (p->root == PATH_FIELD && !used[p->field])
        BSON_APPEND_INT32(projection, arena_text(arena, p->root_name), 1);
    if (p->root == PATH_FIELD)
        used[p->field] = true;
}

/* What is shown, and what filters_pass() looks at; raw versions and what each source said stay where they are. */
static void put_projection(const struct show *s, bson_t *opts)
{
    bson_t projection;
    struct arena *arena = &s->muster->arena;
    bool *used = ARENA_ARRAY(arena, bool, s->model->field_count + 1);
    BSON_APPEND_DOCUMENT_BEGIN(opts, "projection", &projection);
    for (size_t i = 0; i < s->columns.count; i++)
        put_root(&projection, &s->columns.list[i], used, arena);
    for (size_t i = 0; i < s->filters.count; i++)
        if (s->filters.list[i].test == FILTER_NETWORK)
            put_root(&projection, &s->filters.list[i].path, used, arena);
    BCON_APPEND(&projection, "merged_into", BCON_INT32(1), "created_at", BCON_INT32(1),
                "changed_at", BCON_INT32(1), "sources.stream", BCON_INT32(1), "sources.key",
                BCON_INT32(1), "sources.gone", BCON_INT32(1));
    bson_append_document_end(opts, &projection);
}

/* Ids come last, so that two entities never change places. */
static void put_order(const struct show *s, bson_t *opts)
{
    bson_t sort;
    bool has_id = false;
    BSON_APPEND_DOCUMENT_BEGIN(opts, "sort", &sort);
    for (size_t i = 0; i < s->order_count && !has_id; i++) {
        const struct order *o = &s->orders[i];
        has_id = o->path.root == PATH_ID;
        BSON_APPEND_INT32(&sort, arena_text(&s->muster->arena, o->path.name),
                          o->descends ? -1 : 1);
    }
    if (!has_id)
        BSON_APPEND_INT32(&sort, "_id", 1);
    bson_append_document_end(opts, &sort);
}

static mongoc_cursor_t *ask(struct show *s)
{
    struct muster *m = s->muster;
    bson_auto query = BSON_INITIALIZER;
    bson_auto opts = BSON_INITIALIZER;
    filters_query(&s->filters, &m->arena, &query);
    BCON_APPEND(&opts, "maxTimeMS", BCON_INT32(READ_MS), "allowDiskUse", BCON_BOOL(true),
                "batchSize", BCON_INT32(BATCH));
    put_projection(s, &opts);
    put_order(s, &opts);
    if (s->limit && !filters_need_look(&s->filters))
        BSON_APPEND_INT64(&opts, "limit", s->limit + 1); /* to know whether there are more */
    collection_auto *from =
        mongo_collection(&m->mongo, arena_text(&m->arena, s->model->collection));
    return mongoc_collection_find_with_opts(from, &query, &opts, NULL);
}

/* --- answering --- */

static bool write_out(struct show *s, struct err *err)
{
    if (!print_all(&s->out, &s->is_closed, err))
        return false;
    buf_reset(&s->out);
    return true;
}

static bool show_entity(struct show *s, const struct document *entity, struct arena *scratch,
                        struct err *err)
{
    struct value *cells = ARENA_ARRAY(scratch, struct value, s->columns.count);
    for (size_t i = 0; i < s->columns.count; i++)
        cells[i] = path_value(&s->columns.list[i], entity, scratch);
    if (s->form == FORM_TABLE)
        table_row(&s->table, cells, scratch, &s->out);
    else
        form_row(s->form, &s->columns, cells, s->shown == 0, scratch, &s->out);
    s->shown++;
    return s->out.len < WRITE_BYTES || write_out(s, err);
}

static bool show_all(struct show *s, mongoc_cursor_t *cursor, struct err *err)
{
    arena_auto scratch = {0};
    const bson_t *doc = NULL, *reply = NULL;
    bson_error_t error = {0};
    while (!s->has_more && !s->is_closed && mongoc_cursor_next(cursor, &doc)) {
        struct document entity;
        arena_reset(&scratch);
        document_read(doc, s->model, &scratch, &entity);
        if (!filters_pass(&s->filters, &entity, &scratch))
            continue;
        s->has_more = s->limit && s->shown == s->limit;
        if (!s->has_more && !show_entity(s, &entity, &scratch, err))
            return false;
    }
    return !mongoc_cursor_error_document(cursor, &error, &reply) ||
           mongo_error("read entities", &error, reply, err);
}

static size_t screen_width(void)
{
    struct winsize screen = {0};
    int64_t columns = 0;
    const char *given = getenv("COLUMNS");
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &screen) == 0 && screen.ws_col)
        return screen.ws_col;
    return given && str_to_int(str_of(given), &columns) && columns > 0 ? (size_t)columns : 0;
}

static void begin(struct show *s)
{
    bool may_choose = s->muster->settings.columns.len == 0 && !s->filters.gone;
    size_t screen = screen_width();
    buf_init(&s->out, TEXT_MAX_BYTES);
    if (s->form == FORM_TABLE)
        table_init(&s->table, s->columns, screen || !may_choose ? screen : SCREEN_ELSE,
                   may_choose);
    else
        form_begin(s->form, &s->columns, &s->out);
}

static bool end(struct show *s, struct err *err)
{
    if (s->form != FORM_TABLE) {
        form_end(s->form, &s->out);
        return write_out(s, err);
    }
    table_end(&s->table, &s->out);
    if (!buf_addf(&s->out, STR_FMT ": %lld%s\n", STR_ARG(s->model->collection),
                  (long long)s->shown, s->has_more ? ", and there are more" : ""))
        abort();
    return write_out(s, err);
}

bool show_run(struct muster *m, struct err *err)
{
    struct show s = {.muster = m};
    if (!read_question(&s, err))
        return false;
    begin(&s);
    cursor_auto *cursor = ask(&s);
    bool ok = show_all(&s, cursor, err) && (s.is_closed || end(&s, err));
    table_done(&s.table);
    buf_done(&s.out);
    return ok;
}
