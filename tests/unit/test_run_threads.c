/* SPDX-License-Identifier: Apache-2.0 */
/* test_run_threads.c - inputs, ticker, engine and exporters on their threads
 * over one journal, with plugins that live in this program: for a thread
 * sanitizer, and for what must come out.  And the ticker by itself. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>

#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/engine/engine.h"
#include "core/engine/ruleset.h"
#include "core/host/exporter.h"
#include "core/host/input.h"
#include "core/record/chunk.h"
#include "core/record/tick.h"
#include "core/run/checkpoint.h"
#include "core/run/loop.h"
#include "core/run/ticker.h"
#include "tests/lib/fakes.h"
#include "tests/lib/unit.h"

#undef fail /* Check's */

#define KIB ((size_t)1024)
#define SOON (clock_boot_us() + 20 * USEC_PER_SEC)
#define INPUTS 2
#define EXPORTERS 2
#define LINES 3000u

static void
silent(void *ctx, enum log_level level, struct slice line)
{
    (void)ctx;
    (void)level;
    (void)line;
}

struct parts {
    struct fake_dir dir;
    char checkpoints[96], cursors[96];
    struct schema *schema;
    struct journal *journal;
    struct checkpoint *checkpoint;
    struct loop *loop;
    struct ticker *ticker;
    struct input *inputs[INPUTS];
    struct fake_source *sources[INPUTS];
    struct exporter *exporters[EXPORTERS];
    struct fake_exporter *plugins[EXPORTERS];
    bool ready;
};

static void
on_synced(void *arg, uint64_t pos)
{
    struct parts *p = arg;
    for (int i = 0; i < INPUTS; i++)
        input_synced(p->inputs[i], pos);
}

static void
append(struct journal *j, unsigned type, struct slice payload)
{
    uint64_t pos;
    ck_assert_int_eq(
        journal_append(j, type, 0, clock_wall_us(), &payload, 1, &pos), 0);
}

static void
append_rules(struct parts *p, unsigned threshold)
{
    char text[400];
    snprintf(text, sizeof text,
             "groups: [{name: g, interval: 1s, rules: [\n"
             "{alert: Some, expr: 'sum by (first) (count_over_time(line[2s])) "
             "> %u'},\n"
             "{alert: Many, expr: 'sum(count_over_time(line[1s])) > 5', "
             "for: 1s}]}]\n",
             threshold);
    struct ruleset_file file = {SLICE("r.yaml"), slice_from_str(text)};
    struct ruleset rs = {.engine_version = ENGINE_VERSION,
                         .evaluation_interval_us = USEC_PER_SEC,
                         .n_files = 1,
                         .files = &file};
    AUTO_FINI(buf) b = BUF_INIT(64 * KIB);
    ck_assert_int_eq(ruleset_encode(&rs, &b), 0);
    append(p->journal, FRAME_RULES, buf_slice(&b));
}

static void
make_input(struct parts *p, int i)
{
    struct err err = ERR_INIT;
    static const char *const names[] = {"a", "b"};
    struct instance *decoder = fake_decoder_instance();
    p->sources[i] = fake_source_new();
    struct input_options o = {
        .name = names[i],
        .id = (uint16_t)i,
        .schema = p->schema,
        .journal = p->journal,
        .source = fake_source_instance(p->sources[i]),
        .decoders = &decoder,
        .n_decoders = 1,
        .max_record_bytes = 64 * KIB,
    };
    ck_assert_int_eq(input_new(&o, &p->inputs[i], &err), 0);
}

static void
make_exporter(struct parts *p, int i)
{
    struct err err = ERR_INIT;
    static const char *const names[] = {"x", "y"};
    p->plugins[i] = fake_exporter_new();
    struct exporter_options o = {
        .name = names[i],
        .plugin = fake_exporter_instance(p->plugins[i]),
        .journal = p->journal,
        .io = fake_io(),
        .cursor_dir = p->cursors,
        .kinds = i == 0 ? EXPORT_EVENTS : EXPORT_ALERTS,
    };
    ck_assert_int_eq(exporter_new(&o, &p->exporters[i], &err), 0);
    ck_assert_int_eq(exporter_start(p->exporters[i], &err), 0);
}

/* Two inputs with the same decoder. */
static struct schema *
make_schema(void)
{
    struct instance *d = fake_decoder_instance();
    struct schema *one = fake_schema(&d, 1, 0);
    struct schema_builder *b = schema_builder_new(one);
    struct err err = ERR_INIT;
    const uint16_t streams[] = {0};
    struct schema_input in = {.name = SLICE("in"),
                              .active = true,
                              .n_streams = 1,
                              .streams = streams};
    ck_assert_int_eq(schema_add_input(b, &in, &err), 0);
    in.name = SLICE("b");
    ck_assert_int_eq(schema_add_input(b, &in, &err), 1);
    struct schema *s = schema_build(b, USEC_PER_MINUTE);
    ck_assert_ptr_nonnull(s);
    schema_builder_free(b);
    schema_free(one);
    instance_free(d);
    return s;
}

static void
open_state(struct parts *p)
{
    struct err err = ERR_INIT;
    struct checkpoint_options co = {
        .dir = p->checkpoints,
        .io = fake_io(),
        .interval_us = 20 * USEC_PER_MSEC,
        .interval_bytes = 4 * KIB,
    };
    struct journal_options jo = {
        .dir = p->dir.path,
        .io = fake_io(),
        .max_size_bytes = 16 * 1024 * KIB,
        .segment_size_bytes = 256 * KIB,
        .sync_us = 5 * USEC_PER_MSEC,
        .unsynced_max_bytes = 256 * KIB,
        .hold = true,
    };
    ck_assert_int_eq(journal_open(&jo, &p->journal, &err), 0);
    ck_assert_int_eq(checkpoint_open(&co, &p->checkpoint, &err), 0);
}

static void
start(struct parts *p)
{
    struct err err = ERR_INIT;
    open_state(p);
    for (int i = 0; i < INPUTS; i++)
        make_input(p, i);
    journal_on_synced(p->journal, on_synced, p);
    AUTO_FINI(buf) b = BUF_INIT(64 * KIB);
    ck_assert_int_eq(schema_encode(p->schema, &b), 0);
    append(p->journal, FRAME_SCHEMA, buf_slice(&b));
    append_rules(p, 3);
    struct loop_options lo = {.journal = p->journal,
                              .checkpoint = p->checkpoint};
    ck_assert_int_eq(loop_start(&lo, &p->loop, &err), 0);
    for (int i = 0; i < EXPORTERS; i++)
        make_exporter(p, i);
    journal_let_go(p->journal);
    for (int i = 0; i < INPUTS; i++)
        ck_assert_int_eq(input_start(p->inputs[i], &err), 0);
    p->ticker = ticker_new(p->journal, p->inputs, INPUTS);
    ck_assert_ptr_nonnull(p->ticker);
    ck_assert_int_eq(ticker_start(p->ticker, &err), 0);
}

static void
stop(struct parts *p)
{
    for (int i = 0; i < INPUTS; i++)
        input_stop(p->inputs[i], SOON);
    ticker_stop(p->ticker);
    loop_stop(p->loop, SOON);
    ck_assert_int_eq(journal_sync(p->journal, journal_end(p->journal), SOON),
                     0);
    for (int i = 0; i < EXPORTERS; i++)
        exporter_stop(p->exporters[i], SOON);
}

static void
release(struct parts *p)
{
    ticker_free(p->ticker);
    for (int i = 0; i < EXPORTERS; i++)
        exporter_free(p->exporters[i]);
    loop_free(p->loop);
    checkpoint_close(p->checkpoint);
    journal_close(p->journal);
    for (int i = 0; i < INPUTS; i++) {
        input_free(p->inputs[i]);
        fake_source_free(p->sources[i]);
    }
    for (int i = 0; i < EXPORTERS; i++)
        fake_exporter_free(p->plugins[i]);
}

static void
count_alerts(void *arg, struct engine *e)
{
    struct engine_stats s;
    engine_get_stats(e, &s);
    *(uint64_t *)arg = s.records;
}

/* ---- what the journal says in the end */

struct digest {
    uint64_t hash;
    unsigned n;
};

static void
digest_add(struct digest *d, const struct transition *t)
{
    AUTO_FINI(buf) b = BUF_INIT(1024 * KIB);
    ck_assert_int_eq(transition_encode(t, &b), 0);
    d->hash = hash_mix(d->hash, hash_slice(buf_slice(&b)));
    d->n++;
}

static void
emit(void *arg, const struct transition *t)
{
    digest_add(arg, t);
}

/* The transitions in the journal, and those that its frames lead to. */
static void
compare(const struct parts *p, unsigned *ret_n, unsigned *ret_records)
{
    struct journal *j = p->journal;
    struct digest live = {0}, again = {0};
    struct engine_options eo = {.emit = emit, .arg = &again};
    struct engine *e = engine_new(&eo);
    struct journal_reader *r;
    struct arena arena;
    struct frame f;
    arena_init(&arena, 16 * KIB, 1024 * KIB);
    ck_assert_int_eq(journal_reader_new(j, 0, READ_APPENDED, &r), 0);
    while (journal_read(r, USEC_MIN, &f) == 1) {
        struct transition t;
        ck_assert_int_eq(engine_feed(e, &f), 0);
        if (f.type != FRAME_ALERT)
            continue;
        arena_reset(&arena);
        ck_assert_int_eq(transition_decode(f.payload, &arena, &t), 0);
        digest_add(&live, &t);
    }
    ck_assert_uint_eq(live.n, again.n);
    ck_assert_uint_eq(live.hash, again.hash);
    struct engine_stats s;
    engine_get_stats(e, &s);
    *ret_n = live.n;
    *ret_records = (unsigned)s.records;
    journal_reader_free(r);
    arena_fini(&arena);
    engine_free(e);
}

static void
feed_lines(struct parts *p, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        char text[32];
        snprintf(text, sizeof text, "%c%u", 'a' + (int)(i % 5), i);
        fake_source_give(p->sources[i % 2], i % 3 ? "p" : "q", text, i + 1,
                         TOCSIN_CHUNK_MESSAGE);
        if (i % 40 == 0)
            fake_source_say(p->sources[i % 2], TOCSIN_CAUGHT_UP, NULL);
        if (i % 500 == 499)
            fake_source_say(p->sources[i % 2], TOCSIN_ERROR, NULL);
        if (i % 700 == 0)
            append_rules(p, 2 + i % 3);
        if (i % 300 == 0) {
            uint64_t records;
            ck_assert_int_eq(loop_call(p->loop, count_alerts, &records), 0);
        }
        if (i % 100 == 0)
            (void)poll(NULL, 0, 10);
    }
}

START_TEST(all_threads_together_give_what_one_gives)
{
    struct parts p = {0};
    log_set_sink(silent, NULL);
    fake_dir_make(&p.dir);
    snprintf(p.checkpoints, sizeof p.checkpoints, "%s/c", p.dir.path);
    snprintf(p.cursors, sizeof p.cursors, "%s/x", p.dir.path);
    p.schema = make_schema();
    unsigned n, records, delivered = 0;
    for (unsigned life = 0; life < 2; life++) {
        start(&p);
        fake_exporter_answer(p.plugins[0], TOCSIN_RETRY, 0, 0);
        fake_exporter_answer(p.plugins[0], TOCSIN_TOO_LARGE, 0, 0);
        feed_lines(&p, life * LINES / 2, (life + 1) * LINES / 2);
        UNTIL(fake_source_is_read(p.sources[0]) &&
              fake_source_is_read(p.sources[1]));
        stop(&p);
        compare(&p, &n, &records);
        ck_assert_uint_eq(records, (life + 1) * LINES / 2);
        ck_assert_uint_ge(n, 5); /* each letter, on arrival */
        struct exporter_stats s;
        exporter_get_stats(p.exporters[0], &s);
        delivered += (unsigned)(s.delivered + s.rejected);
        struct loop_stats ls;
        loop_get_stats(p.loop, &ls);
        ck_assert(!ls.failed);
        ck_assert_uint_eq(ls.position, journal_end(p.journal));
        release(&p);
    }
    ck_assert_uint_eq(delivered, LINES);
    schema_free(p.schema);
    fake_dir_remove(&p.dir);
}
END_TEST

/* ---- the ticker */

static const char *
ticks(struct journal *j, uint64_t *from)
{
    static struct buf b;
    struct journal_reader *r;
    struct frame f;
    buf_fini(&b);
    b = BUF_INIT(64 * KIB);
    ck_assert_int_eq(journal_reader_new(j, *from, READ_APPENDED, &r), 0);
    while (journal_read(r, USEC_MIN, &f) == 1) {
        struct tick_partition p;
        size_t cursor = 0;
        if (f.type != FRAME_TICK)
            continue;
        (void)buf_printf(&b, "%lld%s", (long long)f.time,
                         f.flags & TICK_REBASE ? " rebase" : "");
        while (tick_next(f.payload, &cursor, &p) > 0)
            (void)buf_printf(&b, " %u%.*s=%u", p.input, SLICE_FMT(p.name),
                             p.state);
        (void)buf_append_str(&b, "; ");
    }
    *from = journal_end(j);
    journal_reader_free(r);
    return buf_str(&b);
}

START_TEST(a_clock_that_steps_back_is_told)
{
    struct parts p = {0};
    uint64_t from = 0;
    log_set_sink(silent, NULL);
    fake_dir_make(&p.dir);
    snprintf(p.checkpoints, sizeof p.checkpoints, "%s/c", p.dir.path);
    open_state(&p);
    const usec_t s = USEC_PER_SEC;
    struct ticker *t = ticker_new(p.journal, NULL, 0);
    usec_t boot = clock_boot_us();
    ck_assert_int_eq(ticker_tick(t, 100 * s, boot), 0);
    ck_assert_int_eq(ticker_tick(t, 101 * s, boot + s), 0);
    /* a little is no step; neither is forward, nor a long sleep */
    ck_assert_int_eq(ticker_tick(t, 102 * s - 50000, boot + 2 * s), 0);
    ck_assert_int_eq(ticker_tick(t, 900 * s, boot + 3 * s), 0);
    ck_assert_int_eq(ticker_tick(t, 1900 * s, boot + 1003 * s), 0);
    ck_assert_str_eq(ticks(p.journal, &from),
                     "100000000; 101000000; 101950000; 900000000; "
                     "1900000000; ");
    ck_assert_int_eq(ticker_tick(t, 1000 * s, boot + 1004 * s), 0);
    ck_assert_int_eq(ticker_tick(t, 1001 * s, boot + 1005 * s), 0);
    ck_assert_str_eq(ticks(p.journal, &from),
                     "1000000000 rebase; 1001000000; ");
    ticker_free(t);
    /* Between two runs: the journal is ahead of the clock. */
    t = ticker_new(p.journal, NULL, 0);
    boot = clock_boot_us();
    ck_assert_int_eq(ticker_tick(t, 500 * s, boot), 0);
    ck_assert_int_eq(ticker_tick(t, 501 * s, boot + s), 0);
    ck_assert_str_eq(ticks(p.journal, &from), "500000000 rebase; 501000000; ");
    ticker_free(t);
    checkpoint_close(p.checkpoint);
    journal_close(p.journal);
    fake_dir_remove(&p.dir);
}
END_TEST

START_TEST(who_is_gone_is_told_until_a_tick_has_it)
{
    struct parts p = {0};
    struct err err = ERR_INIT;
    uint64_t from = 0;
    log_set_sink(silent, NULL);
    fake_dir_make(&p.dir);
    snprintf(p.checkpoints, sizeof p.checkpoints, "%s/c", p.dir.path);
    p.schema = make_schema();
    open_state(&p);
    make_input(&p, 0);
    make_input(&p, 1);
    ck_assert_int_eq(input_start(p.inputs[0], &err), 0);
    fake_source_say(p.sources[0], TOCSIN_CAUGHT_UP, "p");
    fake_source_say(p.sources[0], TOCSIN_CAUGHT_UP, "q");
    UNTIL(fake_source_is_read(p.sources[0]));
    input_stop(p.inputs[0], SOON);
    struct ticker *t = ticker_new(p.journal, p.inputs, INPUTS);
    usec_t wall = 100 * USEC_PER_SEC, boot = clock_boot_us();
    journal_stop(p.journal);
    /* Memory is full and appenders would wait: ticks fail. */
    static char big[100 * 1024];
    struct slice part = {big, sizeof big};
    uint64_t pos;
    fake_io_fail = EIO;
    int r = 0;
    for (int i = 0; i < 100 && r == 0; i++)
        r = journal_append(p.journal, FRAME_MARK, 0, 0, &part, 1, &pos);
    if (r < 0) {
        part.n = 1;
        while (journal_append(p.journal, FRAME_MARK, 0, 0, &part, 1, &pos) == 0)
            continue;
        ck_assert_int_lt(ticker_tick(t, wall, boot), 0);
    }
    fake_io_fail = 0;
    (void)journal_sync(p.journal, journal_end(p.journal), SOON);
    UNTIL(journal_sync(p.journal, journal_end(p.journal), SOON) == 0);
    ck_assert_int_eq(ticker_tick(t, wall, boot), 0);
    const char *told = ticks(p.journal, &from);
    ck_assert_ptr_nonnull(strstr(told, " 0=4")); /* "" is gone */
    ck_assert_ptr_nonnull(strstr(told, " 0p=1"));
    ck_assert_int_eq(ticker_tick(t, wall + 1, boot + 1), 0);
    ck_assert_ptr_null(strstr(ticks(p.journal, &from), "=4"));
    ticker_free(t);
    checkpoint_close(p.checkpoint);
    journal_close(p.journal);
    for (int i = 0; i < INPUTS; i++) {
        input_free(p.inputs[i]);
        fake_source_free(p.sources[i]);
    }
    schema_free(p.schema);
    fake_dir_remove(&p.dir);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("run_threads");
    TCase *t = tcase_create("all");
    tcase_add_test(t, all_threads_together_give_what_one_gives);
    tcase_add_test(t, a_clock_that_steps_back_is_told);
    tcase_add_test(t, who_is_gone_is_told_until_a_tick_has_it);
    suite_add_tcase(s, t);
    return unit_main(s, NULL);
}
