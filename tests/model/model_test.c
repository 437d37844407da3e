/* SPDX-License-Identifier: MIT */
/*
 * Random schedules of the real batch over a database in memory: overlapping runs, crashes,
 * writers that were thought dead, redelivery, merges, splits, swaps, resumes, rejects that are
 * retried, before and after the files are mended, an incremental stream. After each, the living
 * sources must be those that the world lists, with its values, and grouped as their identities
 * say; who read only the notes of the writes must know just these entities; one more quiet round must write nothing; and
 * the same pages read into an empty database, in another order, must give the same.
 *
 *   model_test [--schedules N] [--first SEED] [--without RULE]
 *
 * --without takes one of the rules out (versions, clean, late, gone, doubt, notes) and stops at the
 * first wrong end, which has to come.
 */
#include "tests/model/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS_MAX = 12, STEPS = 500, BATCH_MAX = 4, REST_MAX = 100000 };

static struct str without;

/* The rules, as the linker hands them to us (-Wl,--wrap): each can be taken out. */
int __real_version_cmp(const struct version *a, const struct version *b);
int __wrap_version_cmp(const struct version *a, const struct version *b);
int __wrap_version_cmp(const struct version *a, const struct version *b)
{
    return str_eq(without, STR("versions")) ? 1 : __real_version_cmp(a, b);
}

bool __real_fence_may_skip(const struct link_state *link, const struct mark *page,
                           const struct mark *own);
bool __wrap_fence_may_skip(const struct link_state *link, const struct mark *page,
                           const struct mark *own);
bool __wrap_fence_may_skip(const struct link_state *link, const struct mark *page,
                           const struct mark *own)
{
    if (str_eq(without, STR("clean")))
        return link->complete.gen > 0 && own->gen == 0;
    return __real_fence_may_skip(link, page, own);
}

bool __real_fence_is_late(const struct whole *line, const struct mark *page,
                          const struct mark *own);
bool __wrap_fence_is_late(const struct whole *line, const struct mark *page,
                          const struct mark *own);
bool __wrap_fence_is_late(const struct whole *line, const struct mark *page,
                          const struct mark *own)
{
    return !str_eq(without, STR("late")) && __real_fence_is_late(line, page, own);
}

bool __real_fence_must_sweep(const struct link_state *link, bool shifts);
bool __wrap_fence_must_sweep(const struct link_state *link, bool shifts);
bool __wrap_fence_must_sweep(const struct link_state *link, bool shifts)
{
    return !str_eq(without, STR("gone")) && __real_fence_must_sweep(link, shifts);
}

enum run_state __real_fence_run_state(const struct mark *marks, size_t count,
                                      struct arena *arena, struct whole *out);
enum run_state __wrap_fence_run_state(const struct mark *marks, size_t count,
                                      struct arena *arena, struct whole *out);
enum run_state __wrap_fence_run_state(const struct mark *marks, size_t count,
                                      struct arena *arena, struct whole *out)
{
    enum run_state state = __real_fence_run_state(marks, count, arena, out);
    return state == RUN_DOUBTFUL && str_eq(without, STR("doubt")) ? RUN_WHOLE : state;
}

/* Without it no change of a field is noted. */
bool __real_value_is_same(const struct type *t, struct value a, struct value b);
bool __wrap_value_is_same(const struct type *t, struct value a, struct value b);
bool __wrap_value_is_same(const struct type *t, struct value a, struct value b)
{
    return str_eq(without, STR("notes")) || __real_value_is_same(t, a, b);
}

/*
 * A serializer with one partition; a zombie goes on with its batch though another owns the
 * partition now.
 */
struct worker {
    bool is_there, is_zombie;
    size_t partition;
    size_t from, to;
    struct arena arena;
    struct batch *batch;
};

struct play {
    struct world *world;
    struct memory_store db;
    struct store store;
    struct worker workers[WORKERS_MAX];
    size_t committed[PARTITIONS];
    struct batch_counts counts;
};

static void drop(struct worker *w)
{
    arena_done(&w->arena);
    *w = (struct worker){0};
}

static struct worker *owner_of(struct play *p, size_t partition)
{
    for (size_t i = 0; i < WORKERS_MAX; i++)
        if (p->workers[i].is_there && !p->workers[i].is_zombie &&
            p->workers[i].partition == partition)
            return &p->workers[i];
    return NULL;
}

/* Whoever owns the partition takes the next messages, if there are any. */
static struct worker *take(struct play *p, size_t partition)
{
    struct worker *w = owner_of(p, partition);
    size_t end = p->world->log_count[partition];
    if (w || p->committed[partition] == end)
        return w;
    for (size_t i = 0; i < WORKERS_MAX && !w; i++)
        if (!p->workers[i].is_there)
            w = &p->workers[i];
    if (!w)
        return NULL;
    size_t count = 1 + roll_below(&p->world->dice, BATCH_MAX);
    size_t left = end - p->committed[partition];
    *w = (struct worker){
        .is_there = true, .partition = partition, .from = p->committed[partition]};
    w->to = w->from + (count < left ? count : left);
    struct page *pages = ARENA_ARRAY(&w->arena, struct page, w->to - w->from);
    for (size_t i = w->from; i < w->to; i++)
        pages[i - w->from] = world_page(&p->world->log[partition][i], p->world->map,
                                        (int32_t)partition, (int64_t)i);
    w->batch = batch_new(&p->store, world_decode, pages, w->to - w->from, &w->arena);
    return w;
}

static void step(struct play *p, struct worker *w)
{
    struct err err = {0};
    if (!batch_step(w->batch, &err) && err.kind != ERR_RETRY) {
        (void)fprintf(stderr, "model: %s: %s\n", batch_next_step(w->batch), err.text);
        exit(70);
    }
    if (!batch_is_done(w->batch))
        return;
    const struct batch_counts *c = batch_counted(w->batch);
    p->counts.moves += c->moves;
    p->counts.collisions += c->collisions;
    p->counts.doubtful_runs += c->doubtful_runs;
    p->counts.late_pages += c->late_pages;
    p->counts.identical_records += c->identical_records;
    p->counts.gone += c->gone;
    if (!w->is_zombie)
        p->committed[w->partition] = w->to;
    drop(w);
}

static void work(struct play *p)
{
    size_t i = roll_below(&p->world->dice, WORKERS_MAX + PARTITIONS);
    struct worker *w = i < WORKERS_MAX ? &p->workers[i] : take(p, i - WORKERS_MAX);
    if (w && w->is_there)
        step(p, w);
}

/* A serializer dies, or is thought dead and goes on. */
static void lose_worker(struct play *p)
{
    struct worker *w = &p->workers[roll_below(&p->world->dice, WORKERS_MAX)];
    size_t zombies = 0;
    for (size_t i = 0; i < WORKERS_MAX; i++)
        zombies += p->workers[i].is_there && p->workers[i].is_zombie;
    if (!w->is_there)
        return;
    if (roll_below(&p->world->dice, 2) && zombies < WORKERS_MAX - PARTITIONS)
        w->is_zombie = true;
    else
        drop(w);
}

/*
 * The files are mended: serializers with the old ones end. One that everybody thinks dead may not
 * have noticed.
 */
static void mend(struct play *p)
{
    p->world->map = 2;
    for (size_t i = 0; i < WORKERS_MAX; i++)
        if (p->workers[i].is_there && !p->workers[i].is_zombie)
            drop(&p->workers[i]);
}

static bool work_off(struct play *p)
{
    for (int turn = 0; turn < REST_MAX; turn++) {
        bool is_idle = true;
        for (size_t i = 0; i < WORKERS_MAX; i++)
            is_idle &= !p->workers[i].is_there;
        for (size_t i = 0; i < PARTITIONS; i++)
            is_idle &= p->committed[i] == p->world->log_count[i];
        if (is_idle)
            return true;
        work(p);
    }
    return false;
}

/*
 * Mostly a link that has come to its end, as the producer would; sometimes one whose lease has
 * lapsed.
 */
static void claim(struct play *p)
{
    size_t link = roll_below(&p->world->dice, WORLD_LINKS);
    const struct memory_link *l = memory_link(&p->db, world_link(link));
    if (!l || l->state.closed == l->state.gen || roll_below(&p->world->dice, 4) == 0)
        world_claim(p->world, link, &p->db);
}

static void chaos(struct play *p)
{
    struct world *w = p->world;
    int mended_at = (int)roll_below(&w->dice, STEPS * 2); /* or never */
    for (int i = 0; i < STEPS; i++) {
        uint64_t what = roll_below(&w->dice, 100);
        struct walk *walk = &w->walks[roll_below(&w->dice, 8)];
        if (i == mended_at)
            mend(p);
        if (what < 3)
            world_change(w);
        else if (what < 9)
            claim(p);
        else if (what < 24 && walk->is_open)
            world_fetch(w, walk);
        else if (what < 25 && walk->is_open)
            world_fetch_twice(w, walk);
        else if (what < 26)
            walk->is_open = walk->is_open && roll_below(&w->dice, 4) > 0;
        else if (what < 28)
            lose_worker(p);
        else if (what < 30)
            world_retry(w);
        else
            work(p);
    }
}

static void fetch_all(struct world *w)
{
    for (size_t i = 0; i < WALKS_MAX; i++)
        while (w->walks[i].is_open)
            world_fetch(w, &w->walks[i]);
}

/*
 * Everything under way ends, then each link is read until its line is a run of the calm world.
 */
static bool calm_down(struct play *p)
{
    struct world *w = p->world;
    w->is_calm = true;
    for (size_t i = 0; i < WALKS_MAX; i++)
        if (roll_below(&w->dice, 2))
            w->walks[i].is_open = false;
    fetch_all(w);
    int64_t calm_gen[WORLD_LINKS];
    for (size_t l = 0; l < WORLD_LINKS; l++) {
        const struct memory_link *link = memory_link(&p->db, world_link(l));
        calm_gen[l] = link ? link->state.gen : 0;
    }
    for (int round = 0; round < 10; round++) {
        bool is_calm = true;
        for (size_t l = 0; l < WORLD_LINKS; l++) {
            const struct memory_link *link = memory_link(&p->db, world_link(l));
            struct whole line =
                link ? fence_line(&link->state, pages_shift(&world_stream(l)->pages))
                     : (struct whole){0};
            if (world_is_incremental(l) ? round > 0 : line.run > calm_gen[l])
                continue;
            is_calm = false;
            world_claim(w, l, &p->db);
        }
        if (is_calm)
            return true;
        if (roll_below(&w->dice, 2))
            lose_worker(p);
        for (int i = 0; i < 20; i++)
            work(p);
        fetch_all(w);
        if (!work_off(p))
            return false;
    }
    return false;
}

/* What should be stored: the sources that the world lists, each with its newest record. */
static size_t expect(const struct world *w, struct arena *arena, struct source *out)
{
    size_t count = 0;
    for (size_t l = 0; l < WORLD_LINKS; l++)
        for (uint32_t k = 0; k < WORLD_KEYS; k++) {
            struct message m = {.stream = world_stream(l), .count = 1};
            m.head.link = world_link(l);
            m.head.stream = m.stream->name;
            m.items[0] = w->items[l][k];
            m.keys[0] = k;
            if (!world_is_incremental(l)) {
                if (w->items[l][k].is_there)
                    out[count++] = world_record(&m, 0, arena);
                continue;
            }
            /*
             * An incremental stream never takes anything back: the last thing said of a key
             * stands.
             */
            const struct message *last = NULL;
            struct version best = {0};
            size_t at = 0;
            for (size_t p = 0; p < PARTITIONS; p++)
                for (size_t i = 0; i < w->log_count[p]; i++)
                    for (size_t j = 0; j < w->log[p][i].count; j++) {
                        const struct message *said = &w->log[p][i];
                        struct version v = {
                            .gen = said->head.gen,
                            .map = 1, /* of all: a greater one changes nothing here */
                            .page = said->head.page,
                            .ordinal = (int32_t)j};
                        for (size_t b = 0; b < 8; b++)
                            v.answer = v.answer << 8 | said->head.sha256[b];
                        if (!str_eq(said->head.link, world_link(l)) || said->keys[j] != k ||
                            said->head.outcome != OUTCOME_OK)
                            continue;
                        if (!last || __real_version_cmp(&v, &best) > 0) {
                            last = said;
                            best = v;
                            at = j;
                        }
                    }
            if (last)
                out[count++] = world_record(last, at, arena);
        }
    return count;
}

static bool are_one(const struct source *a, const struct source *b)
{
    struct tuple x[MODEL_MAX_RULES];
    struct tuple y[MODEL_MAX_RULES];
    if (str_eq(a->stream, b->stream) && str_eq(a->key, b->key))
        return true;
    return fold_tuples(&world_model, a, x) && fold_tuples(&world_model, b, y) &&
           tuple_eq(&x[0], &y[0], &world_model);
}

/* Groups by plain repetition: no part of the code under test. */
static void group(const struct source *sources, size_t count, size_t *groups)
{
    for (size_t i = 0; i < count; i++)
        groups[i] = i;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < count; j++)
                if (groups[j] > groups[i] && are_one(&sources[i], &sources[j])) {
                    groups[j] = groups[i];
                    changed = true;
                } else if (groups[i] > groups[j] && are_one(&sources[i], &sources[j])) {
                    groups[i] = groups[j];
                    changed = true;
                }
    }
}

static const char *compare(const struct memory_store *db, const struct source *expected,
                           const size_t *groups, size_t count)
{
    size_t alive = 0;
    size_t entity_of[WORLD_LINKS * WORLD_KEYS];
    bool found[WORLD_LINKS * WORLD_KEYS] = {false};
    for (size_t e = 0; e < db->entity_count; e++)
        for (size_t i = 0; i < db->entities[e].count; i++) {
            const struct source *s = &db->entities[e].sources[i];
            alive += !s->gone;
            for (size_t x = 0; x < count && !s->gone; x++)
                if (source_is_same(s, &expected[x])) {
                    if (memcmp(s->hash, expected[x].hash, HASH_BYTES) != 0)
                        return "a source has an old value";
                    found[x] = true;
                    entity_of[x] = e;
                }
        }
    for (size_t x = 0; x < count; x++)
        if (!found[x])
            return "a source is missing";
    if (alive != count)
        return "a source that is gone lives on";
    for (size_t x = 0; x < count; x++)
        for (size_t y = 0; y < count; y++)
            if ((groups[x] == groups[y]) != (entity_of[x] == entity_of[y]))
                return groups[x] == groups[y] ? "one thing is two entities"
                                              : "two things are one entity";
    return NULL;
}

static void play_open(struct play *p, struct world *w)
{
    *p = (struct play){.world = w};
    memory_open(&p->db, &world_model, &w->dice);
    p->store = memory_store(&p->db);
    p->db.fail_one_in = 50;
}

static void play_close(struct play *p)
{
    for (size_t i = 0; i < WORKERS_MAX; i++)
        drop(&p->workers[i]);
    memory_close(&p->db);
}

static const char *check(struct play *p)
{
    arena_auto arena = {0};
    struct source expected[WORLD_LINKS * WORLD_KEYS];
    size_t groups[WORLD_LINKS * WORLD_KEYS];
    size_t count = expect(p->world, &arena, expected);
    group(expected, count, groups);
    const char *fault = compare(&p->db, expected, groups, count);
    return fault ? fault : memory_hearsay_fault(&p->db);
}

/* Nothing has changed: each full listing is read once more, and no entity is written. */
static const char *quiet_round(struct play *p)
{
    p->db.fail_one_in = 0;
    for (size_t l = 0; l < WORLD_LINKS; l++)
        if (!world_is_incremental(l))
            world_claim(p->world, l, &p->db);
    uint64_t writes = p->db.writes;
    uint64_t events = p->db.hearsay.events;
    fetch_all(p->world);
    if (!work_off(p))
        return "a link never came to rest";
    if (p->db.hearsay.events != events)
        return "an identical answer was told";
    return p->db.writes != writes ? "an identical answer wrote an entity" : NULL;
}

static const char *rebuild(struct world *w)
{
    struct play p;
    play_open(&p, w);
    for (int i = 0; i < STEPS; i++) {
        if (roll_below(&w->dice, 30) == 0)
            lose_worker(&p);
        work(&p);
    }
    const char *fault = work_off(&p) ? check(&p) : "a batch never came to rest";
    play_close(&p);
    return fault;
}

static const char *schedule(uint64_t seed, struct batch_counts *totals)
{
    struct world w;
    struct play p;
    world_open(&w, seed);
    play_open(&p, &w);
    chaos(&p);
    const char *fault = calm_down(&p) ? check(&p) : "a link never came to rest";
    if (!fault)
        fault = quiet_round(&p);
    if (!fault && (fault = rebuild(&w)) != NULL)
        (void)fprintf(stderr, "model: in the rebuilt database:\n");
    totals->moves += p.counts.moves;
    totals->collisions += p.counts.collisions;
    totals->doubtful_runs += p.counts.doubtful_runs;
    totals->late_pages += p.counts.late_pages;
    totals->identical_records += p.counts.identical_records;
    totals->gone += p.counts.gone;
    play_close(&p);
    world_close(&w);
    return fault;
}

int main(int argc, char **argv)
{
    uint64_t schedules = 20000;
    uint64_t first = 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        int64_t number = 0;
        if (strcmp(argv[i], "--without") == 0)
            without = str_of(argv[i + 1]);
        else if (str_to_int(str_of(argv[i + 1]), &number) &&
                 strcmp(argv[i], "--schedules") == 0)
            schedules = (uint64_t)number;
        else if (strcmp(argv[i], "--first") == 0)
            first = (uint64_t)number;
        else
            return 64;
    }
    uint64_t wrong = 0;
    struct batch_counts t = {0};
    for (uint64_t seed = first; seed < first + schedules && !(wrong && without.len); seed++) {
        const char *fault = schedule(seed, &t);
        if (fault && wrong++ < 5)
            (void)fprintf(stderr, "model: seed %llu: %s\n", (unsigned long long)seed, fault);
    }
    printf(
        "model: %llu schedules, %llu wrong ends (%lld moves, %lld collisions, %lld late pages, %lld doubtful runs, "
        "%lld gone, %lld identical records)\n",
        (unsigned long long)schedules, (unsigned long long)wrong, (long long)t.moves,
        (long long)t.collisions, (long long)t.late_pages, (long long)t.doubtful_runs,
        (long long)t.gone, (long long)t.identical_records);
    return wrong ? 1 : 0;
}
