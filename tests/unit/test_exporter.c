/* SPDX-License-Identifier: Apache-2.0 */
/* test_exporter.c - an exporter whose plugin answers as told, its cursor, and
 * what a frame looks like to it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/host/batch.h"
#include "core/host/cursor.h"
#include "core/host/exporter.h"
#include "core/record/chunk.h"
#include "core/record/transition.h"
#include "tests/lib/fakes.h"
#include "tests/lib/faultio.h"
#include "tests/lib/unit.h"

#undef fail /* Check's */

#define KIB ((size_t)1024)
#define SOON (clock_boot_us() + 20 * USEC_PER_SEC)

struct fixture {
    struct fake_dir dir;
    char cursors[128];
    struct journal *journal;
    struct schema *schema;
    struct fake_exporter *plugin;
    struct exporter *exporter;
};

static struct fixture fx;

static void
silent(void *ctx, enum log_level level, struct slice line)
{
    (void)ctx;
    (void)level;
    (void)line;
}

static void
append_schema(void)
{
    AUTO_FINI(buf) b = BUF_INIT(64 * KIB);
    ck_assert_int_eq(schema_encode(fx.schema, &b), 0);
    struct slice part = buf_slice(&b);
    uint64_t pos;
    ck_assert_int_eq(
        journal_append(fx.journal, FRAME_SCHEMA, 0, 0, &part, 1, &pos), 0);
}

static void
open_journal(usec_t sync_us)
{
    struct err err = ERR_INIT;
    struct journal_options o = {
        .dir = fx.dir.path,
        .io = fake_io(),
        .max_size_bytes = 1024 * KIB,
        .segment_size_bytes = 64 * KIB,
        .sync_us = sync_us,
        .unsynced_max_bytes = 256 * KIB,
    };
    ck_assert_int_eq(journal_open(&o, &fx.journal, &err), 0);
}

static int
exporter_make(bool block)
{
    struct err err = ERR_INIT;
    struct exporter_options o = {
        .name = "out",
        .plugin = fake_exporter_instance(fx.plugin),
        .journal = fx.journal,
        .io = fake_io(),
        .cursor_dir = fx.cursors,
        .kinds = EXPORT_EVENTS | EXPORT_ALERTS,
        .block = block,
    };
    int r = exporter_new(&o, &fx.exporter, &err);
    return r < 0 ? r : exporter_start(fx.exporter, &err);
}

static void
begin_with(usec_t sync_us)
{
    fx = (struct fixture){0};
    log_set_sink(silent, NULL);
    fake_io_fail = 0;
    fake_dir_make(&fx.dir);
    snprintf(fx.cursors, sizeof fx.cursors, "%s/cursors", fx.dir.path);
    struct instance *decoder = fake_decoder_instance();
    fx.schema = fake_schema(&decoder, 1, 0);
    instance_free(decoder);
    fx.plugin = fake_exporter_new();
    open_journal(sync_us);
    append_schema();
}

static void
begin(void)
{
    begin_with(0);
    ck_assert_int_eq(exporter_make(false), 0);
}

static void
stop(usec_t deadline)
{
    exporter_stop(fx.exporter, deadline);
    exporter_free(fx.exporter);
    fx.exporter = NULL;
}

static void
end(void)
{
    if (fx.exporter != NULL)
        stop(SOON);
    journal_close(fx.journal);
    fake_exporter_free(fx.plugin);
    schema_free(fx.schema);
    fake_dir_remove(&fx.dir);
    log_set_sink(NULL, NULL);
}

/* A chunk with an event for each letter; '!' is a dead letter. */
static uint64_t
append(const char *letters)
{
    struct chunk_builder *b = chunk_builder_new(64 * KIB);
    struct slice parts[CHUNK_PARTS];
    struct chunk_position next = {.offset = 1};
    uint64_t pos;
    chunk_begin(b, 0, SLICE("p"), 5);
    int64_t base = chunk_add_raw(b, slice_from_str(letters));
    ck_assert_int_eq(base, 0);
    for (uint32_t i = 0; letters[i] != '\0'; i++) {
        struct chunk_value v[2] = {{i, 1u << 8}, {i, 1u << 8 | 1}};
        struct chunk_record r = {
            .time_us = 10 + i, .offset = i, .length = 1, .kind = RECORD_EVENT};
        ck_assert_int_eq(letters[i] == '!'
                             ? chunk_add_dead(b, i, 1, SLICE("why"))
                             : chunk_add_record(b, &r, v, 2),
                         0);
    }
    int n = chunk_end(b, &next, parts);
    ck_assert_int_eq(journal_append(fx.journal, FRAME_CHUNK, 0, clock_wall_us(),
                                    parts, (size_t)n, &pos),
                     0);
    chunk_builder_free(b);
    return pos;
}

static void
sync_all(void)
{
    ck_assert_int_eq(
        journal_sync(fx.journal, journal_end(fx.journal), USEC_MAX), 0);
}

static struct exporter_stats
stats(void)
{
    struct exporter_stats s;
    exporter_get_stats(fx.exporter, &s);
    return s;
}

static uint64_t
stored(void)
{
    int dir = open(fx.cursors, O_RDONLY | O_DIRECTORY);
    uint64_t pos = cursor_load(&io_posix, dir, "out");
    close(dir);
    return pos;
}

START_TEST(events_are_delivered_in_order_and_the_cursor_follows)
{
    begin();
    append("ab!c");
    uint64_t last = append("d");
    UNTIL(stats().delivered == 4);
    ck_assert_str_eq(fake_exporter_got(fx.plugin), "a b c d ");
    UNTIL(stats().cursor > last);
    stop(SOON);
    ck_assert_uint_eq(stored(), journal_synced(fx.journal));
    ck_assert_int_eq(exporter_make(false), 0); /* nothing comes again */
    append("e");
    UNTIL(strcmp(fake_exporter_got(fx.plugin), "a b c d e ") == 0);
    end();
}
END_TEST

START_TEST(what_is_not_synced_is_not_delivered)
{
    begin_with(60 * USEC_PER_SEC);
    ck_assert_int_eq(exporter_make(false), 0);
    uint64_t pos = append("a");
    UNTIL(journal_end(fx.journal) > pos);
    stop(SOON);
    ck_assert_uint_eq(fake_exporter_calls(fx.plugin), 0);
    ck_assert_uint_le(stored(), pos);
    ck_assert_int_eq(exporter_make(false), 0);
    sync_all();
    UNTIL(strcmp(fake_exporter_got(fx.plugin), "a ") == 0);
    end();
}
END_TEST

START_TEST(what_is_to_be_tried_again_is_and_no_sooner_than_asked)
{
    begin();
    fake_exporter_answer(fx.plugin, TOCSIN_RETRY, 300 * USEC_PER_MSEC, 0);
    append("ab");
    UNTIL(stats().delivered == 2);
    ck_assert_str_eq(fake_exporter_got(fx.plugin), "a b ");
    ck_assert_int_ge(fake_exporter_pause(fx.plugin), 300 * USEC_PER_MSEC);
    ck_assert_uint_eq(stats().retries, 1);
    fake_exporter_answer(fx.plugin, TOCSIN_ERROR, 0, 0);
    fake_exporter_answer(fx.plugin, TOCSIN_ERROR, 0, 0);
    append("c");
    UNTIL(stats().delivered == 3);
    ck_assert_uint_eq(stats().retries, 3);
    ck_assert_str_eq(fake_exporter_got(fx.plugin), "a b c ");
    end();
}
END_TEST

START_TEST(what_is_too_large_comes_in_halves)
{
    begin();
    fake_exporter_answer(fx.plugin, TOCSIN_TOO_LARGE, 0, 0); /* abcde */
    fake_exporter_answer(fx.plugin, TOCSIN_TOO_LARGE, 0, 0); /* ab */
    fake_exporter_answer(fx.plugin, TOCSIN_DELIVERED, 0, 0); /* a */
    fake_exporter_answer(fx.plugin, TOCSIN_TOO_LARGE, 0, 0); /* b: refused */
    fake_exporter_answer(fx.plugin, TOCSIN_RETRY, 0, 0);     /* cde */
    append("abcde");
    append("f");
    UNTIL(stats().delivered == 5);
    ck_assert_str_eq(fake_exporter_got(fx.plugin), "a c d e f ");
    ck_assert_uint_eq(stats().rejected, 1);
    end();
}
END_TEST

START_TEST(what_is_refused_is_counted_and_costs_its_neighbours_nothing)
{
    begin();
    fake_exporter_answer(fx.plugin, TOCSIN_REJECTED, 0, 2); /* b of abc */
    append("abc");
    append("d");
    UNTIL(stats().delivered == 3);
    ck_assert_str_eq(fake_exporter_got(fx.plugin), "a c d ");
    ck_assert_uint_eq(stats().rejected, 1);
    fake_exporter_answer(fx.plugin, TOCSIN_REJECTED, 0, 0); /* all of it */
    append("ef");
    append("g");
    UNTIL(stats().delivered == 4);
    ck_assert_uint_eq(stats().rejected, 3);
    ck_assert_str_eq(fake_exporter_got(fx.plugin), "a c d g ");
    end();
}
END_TEST

START_TEST(a_stop_delivers_what_is_there)
{
    begin();
    fake_exporter_answer(fx.plugin, TOCSIN_RETRY, 50 * USEC_PER_MSEC, 0);
    for (int i = 0; i < 50; i++)
        append("ab");
    sync_all();
    stop(SOON);
    ck_assert_uint_eq(strlen(fake_exporter_got(fx.plugin)), 200);
    ck_assert_uint_eq(stored(), journal_end(fx.journal));
    end();
}
END_TEST

START_TEST(a_stop_does_not_wait_for_who_takes_nothing)
{
    begin();
    append("a");
    UNTIL(stats().delivered == 1);
    fake_exporter_block(fx.plugin, true);
    uint64_t pos = append("b");
    UNTIL(stats().retries > 0);
    ck_assert_int_gt(stats().lag_us, 0);
    usec_t before = clock_boot_us();
    stop(before + 200 * USEC_PER_MSEC);
    ck_assert_int_lt(clock_boot_us() - before, 5 * USEC_PER_SEC);
    ck_assert_uint_le(stored(), pos); /* never ahead */
    fake_exporter_block(fx.plugin, false);
    ck_assert_int_eq(exporter_make(false), 0);
    UNTIL(strcmp(fake_exporter_got(fx.plugin), "a b ") == 0);
    end();
}
END_TEST

START_TEST(who_lags_past_the_bound_loses_its_oldest_counted)
{
    begin();
    fake_exporter_block(fx.plugin, true);
    append("a");
    UNTIL(stats().retries > 0);
    char many[401];
    memset(many, 'x', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    for (int i = 0; i < 60; i++) /* about 24 KiB each */
        append(many);
    append("z");
    UNTIL(journal_begin(fx.journal) > 64);
    fake_exporter_block(fx.plugin, false);
    UNTIL(strchr(fake_exporter_got(fx.plugin), 'z') != NULL);
    ck_assert_uint_gt(stats().lost_bytes, 0);
    end();
}
END_TEST

START_TEST(who_blocks_loses_nothing_and_fills_the_journal)
{
    begin_with(0);
    ck_assert_int_eq(exporter_make(true), 0);
    fake_exporter_block(fx.plugin, true);
    char many[401];
    memset(many, 'x', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    struct journal_stats js;
    unsigned n = 0;
    do {
        append(many);
        n++;
        journal_get_stats(fx.journal, &js);
    } while (!js.full && n < 100);
    ck_assert(js.full);
    ck_assert_uint_eq(journal_begin(fx.journal), 64);
    fake_exporter_block(fx.plugin, false);
    UNTIL(stats().delivered == 400ull * n);
    ck_assert_uint_eq(stats().lost_bytes, 0);
    UNTIL(journal_wait_room(fx.journal, USEC_MIN) == 0);
    end();
}
END_TEST

START_TEST(a_cursor_of_another_journal_skips_nothing_new)
{
    begin();
    for (int i = 0; i < 20; i++)
        append("abc");
    UNTIL(stats().delivered == 60);
    stop(SOON);
    uint64_t was = stored();
    journal_close(fx.journal);
    /* Somebody removed the journal, and left the cursor. */
    struct fake_dir other;
    fake_dir_make(&other);
    struct fake_dir first = fx.dir;
    fx.dir = other;
    open_journal(0);
    append_schema();
    ck_assert_uint_lt(journal_end(fx.journal), was);
    fake_exporter_free(fx.plugin);
    fx.plugin = fake_exporter_new();
    ck_assert_int_eq(exporter_make(false), 0);
    append("z");
    UNTIL(strcmp(fake_exporter_got(fx.plugin), "z ") == 0);
    end();
    fake_dir_remove(&first);
}
END_TEST

/* ---- cursors */

START_TEST(a_cursor_is_whole_or_as_before_whatever_fails)
{
    for (int power = 0; power < 2; power++) {
        for (uint64_t n = 1;; n++) {
            struct faultio *d = faultio_new(n, 0);
            const struct io *io = faultio_io(d);
            int dir =
                io->open(io->arg, AT_FDCWD, ".", O_RDONLY | O_DIRECTORY, 0);
            ck_assert_uint_eq(cursor_load(io, dir, "x"), 0);
            ck_assert_int_eq(cursor_store(io, dir, "x", 800), 0);
            ck_assert_int_eq(io->fsync(io->arg, dir), 0);
            faultio_fail(d, FAULTIO_ANY, n, EIO, false);
            int r = cursor_store(io, dir, "x", 1600);
            bool failed = faultio_failed(d) > 0;
            faultio_fail(d, FAULTIO_ANY, 0, 0, false);
            struct faultio *cut = power ? faultio_cut(d, n) : NULL;
            const struct io *io2 = power ? faultio_io(cut) : io;
            int dir2 =
                io2->open(io2->arg, AT_FDCWD, ".", O_RDONLY | O_DIRECTORY, 0);
            uint64_t pos = cursor_load(io2, dir2, "x");
            ck_assert(pos == 800 || pos == 1600);
            ck_assert(r == 0 || pos == 800 || failed);
            (void)io2->close(io2->arg, dir2);
            (void)io->close(io->arg, dir);
            if (cut != NULL)
                faultio_free(cut);
            faultio_free(d);
            if (!failed)
                break;
        }
    }
}
END_TEST

START_TEST(a_damaged_cursor_is_none)
{
    struct faultio *d = faultio_new(1, 0);
    const struct io *io = faultio_io(d);
    int dir = io->open(io->arg, AT_FDCWD, ".", O_RDONLY | O_DIRECTORY, 0);
    ck_assert_int_eq(cursor_store(io, dir, "x", 0x123456789abcdef0), 0);
    ck_assert_uint_eq(cursor_load(io, dir, "x"), 0x123456789abcdef0);
    char *p;
    size_t n;
    (void)faultio_file(d, 0, &p, &n);
    for (size_t bit = 0; bit < n * 8; bit++) {
        p[bit / 8] ^= (char)(1 << bit % 8);
        ck_assert_uint_eq(cursor_load(io, dir, "x"), 0);
        p[bit / 8] ^= (char)(1 << bit % 8);
    }
    faultio_resize(d, 0, n - 1);
    ck_assert_uint_eq(cursor_load(io, dir, "x"), 0);
    (void)io->close(io->arg, dir);
    faultio_free(d);
}
END_TEST

/* ---- batches */

static const char *
described(const struct tocsin_record *r, size_t n)
{
    static char text[4096];
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        at += (size_t)snprintf(
            text + at, sizeof text - at, "%u %.*s %.*s %.*s %.*s %lld %u/%u",
            r[i].kind, (int)r[i].name.n, r[i].name.p, (int)r[i].input.n,
            r[i].input.p, (int)r[i].key.n, r[i].key.p, (int)r[i].body.n,
            r[i].body.p, (long long)r[i].time_us, r[i].n_labels, r[i].n_pairs);
        for (uint32_t k = 0; k < r[i].n_pairs; k++)
            at += (size_t)snprintf(
                text + at, sizeof text - at, " %.*s=%.*s",
                (int)r[i].pairs[k].name.n, r[i].pairs[k].name.p,
                (int)r[i].pairs[k].value.n, r[i].pairs[k].value.p);
        at += (size_t)snprintf(text + at, sizeof text - at, "; ");
    }
    return text;
}

static struct slice
chunk_payload(struct buf *b, uint16_t input)
{
    struct chunk_builder *cb = chunk_builder_new(64 * KIB);
    struct slice parts[CHUNK_PARTS];
    struct chunk_position next = {.offset = 1};
    chunk_begin(cb, input, SLICE("p"), 5);
    ck_assert_int_eq(chunk_add_raw(cb, SLICE("xyz")), 0);
    struct chunk_value v[2] = {{0, 3u << 8}, {0, 1u << 8 | 1}};
    struct chunk_record r = {
        .time_us = 10, .offset = 0, .length = 3, .kind = RECORD_EVENT};
    ck_assert_int_eq(chunk_add_dead(cb, 0, 1, SLICE("why")), 0);
    ck_assert_int_eq(chunk_add_record(cb, &r, v, 2), 0);
    int n = chunk_end(cb, &next, parts);
    buf_reset(b);
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(buf_append_slice(b, parts[i]), 0);
    chunk_builder_free(cb);
    return buf_slice(b);
}

START_TEST(a_batch_has_what_is_selected_labels_first)
{
    struct arena a;
    struct buf b = BUF_INIT(64 * KIB);
    struct instance *decoder = fake_decoder_instance();
    struct schema *s = fake_schema(&decoder, 1, 0);
    struct slice in = SLICE("in"), other = SLICE("other");
    struct batch_select all = {EXPORT_EVENTS | EXPORT_ALERTS, NULL, 0};
    struct batch_select samples = {EXPORT_SAMPLES, NULL, 0};
    struct batch_select ours = {EXPORT_EVENTS, &in, 1};
    struct batch_select theirs = {EXPORT_EVENTS, &other, 1};
    struct tocsin_record *r;
    size_t n;
    arena_init(&a, 4096, 1024 * KIB);
    struct frame f = {.pos = 0xab8,
                      .next = 0xb00,
                      .type = FRAME_CHUNK,
                      .payload = chunk_payload(&b, 0)};
    ck_assert_int_eq(batch_from_frame(&f, s, &all, &a, &r, &n), 0);
    ck_assert_str_eq(described(r, n),
                     "1 line in ab8.1 xyz 10 1/2 first=x body=xyz; ");
    ck_assert_int_eq(r[0].received_us, 5);
    ck_assert_int_eq(batch_from_frame(&f, s, &ours, &a, &r, &n), 0);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(batch_from_frame(&f, s, &theirs, &a, &r, &n), 0);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(batch_from_frame(&f, s, &samples, &a, &r, &n), 0);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(batch_from_frame(&f, NULL, &all, &a, &r, &n), -EBADMSG);
    f.payload = chunk_payload(&b, 9); /* an input that the schema has not */
    ck_assert_int_eq(batch_from_frame(&f, s, &all, &a, &r, &n), -EBADMSG);
    for (size_t cut = 0; cut < f.payload.n; cut++) {
        struct frame g = f;
        g.payload.n = cut;
        ck_assert_int_lt(batch_from_frame(&g, s, &all, &a, &r, &n), 0);
    }
    f.type = FRAME_TICK;
    ck_assert_int_eq(batch_from_frame(&f, s, &all, &a, &r, &n), 0);
    ck_assert_uint_eq(n, 0);
    schema_free(s);
    instance_free(decoder);
    buf_fini(&b);
    arena_fini(&a);
}
END_TEST

START_TEST(an_alert_is_a_record_with_its_causes_key)
{
    struct arena a;
    struct buf b = BUF_INIT(64 * KIB);
    struct label labels[] = {{SLICE("alertname"), SLICE("A")},
                             {SLICE("hub"), SLICE("eu")}};
    struct transition t = {
        .cause = {0x120, 3},
        .state = ALERT_FIRING,
        .rule = SLICE("A"),
        .time_us = 77 * USEC_PER_SEC,
        .known_us = 78 * USEC_PER_SEC,
        .fired_us = 77 * USEC_PER_SEC,
        .resolved_us = USEC_NONE,
        .labels = labels,
        .n_labels = 2,
    };
    struct batch_select all = {EXPORT_ALERTS, NULL, 0};
    struct tocsin_record *r;
    size_t n;
    arena_init(&a, 4096, 1024 * KIB);
    ck_assert_int_eq(transition_encode(&t, &b), 0);
    struct frame f = {.pos = 8, .type = FRAME_ALERT, .payload = buf_slice(&b)};
    ck_assert_int_eq(batch_from_frame(&f, NULL, &all, &a, &r, &n), 0);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(r->kind, TOCSIN_RECORD_ALERT);
    ck_assert_int_eq(strncmp(r->key.p, "120.3", r->key.n), 0);
    ck_assert_uint_eq(r->key.n, 5);
    ck_assert_int_eq(r->body.p[0], '{');
    ck_assert_int_eq(r->body.p[r->body.n - 1], '}');
    ck_assert_uint_eq(r->n_labels, 2);
    ck_assert_uint_eq(r->n_pairs, 2);
    buf_fini(&b);
    arena_fini(&a);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("exporter");
    TCase *t = tcase_create("exporter");
    tcase_add_test(t, events_are_delivered_in_order_and_the_cursor_follows);
    tcase_add_test(t, what_is_not_synced_is_not_delivered);
    tcase_add_test(t, what_is_to_be_tried_again_is_and_no_sooner_than_asked);
    tcase_add_test(t, what_is_too_large_comes_in_halves);
    tcase_add_test(t,
                   what_is_refused_is_counted_and_costs_its_neighbours_nothing);
    tcase_add_test(t, a_stop_delivers_what_is_there);
    tcase_add_test(t, a_stop_does_not_wait_for_who_takes_nothing);
    tcase_add_test(t, who_lags_past_the_bound_loses_its_oldest_counted);
    tcase_add_test(t, who_blocks_loses_nothing_and_fills_the_journal);
    tcase_add_test(t, a_cursor_of_another_journal_skips_nothing_new);
    suite_add_tcase(s, t);
    t = tcase_create("cursor");
    tcase_add_test(t, a_cursor_is_whole_or_as_before_whatever_fails);
    tcase_add_test(t, a_damaged_cursor_is_none);
    suite_add_tcase(s, t);
    t = tcase_create("batch");
    tcase_add_test(t, a_batch_has_what_is_selected_labels_first);
    tcase_add_test(t, an_alert_is_a_record_with_its_causes_key);
    suite_add_tcase(s, t);
    return unit_main(s, NULL);
}
