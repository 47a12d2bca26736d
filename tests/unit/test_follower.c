/* SPDX-License-Identifier: Apache-2.0 */
/* test_follower.c - the engine over a small journal: what it concludes is
 * appended, however full that is. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/log.h"
#include "core/journal/journal.h"
#include "core/run/checkpoint.h"
#include "core/run/follower.h"
#include "tests/lib/engine_feed.h"
#include "tests/lib/faultio.h"
#include "tests/lib/unit.h"

#undef fail /* Check's */

#define KIB ((size_t)1024)
#define MAX_SIZE (64 * KIB)
#define SEGMENT (16 * KIB)
#define NEVER_US (1000 * USEC_PER_HOUR)
#define ROUNDS 12
#define STEPS_MAX 200000u /* of one frame; more is a hang */

struct world {
    struct feed *script;
    struct faultio *journal_disk, *checkpoint_disk;
    struct journal *journal;
    struct checkpoint *checkpoint;
    struct follower *follower;
    uint64_t over; /* frames fed with more than max_size in the journal */
};

static void
silent(void *ctx, enum log_level level, struct slice line)
{
    (void)ctx;
    (void)level;
    (void)line;
}

static void
add_rules(struct feed *f, unsigned rules)
{
    struct buf b = BUF_INIT(64 * KIB);
    ck_assert_int_eq(
        buf_append_str(&b, "groups:\n- name: g\n  interval: 15s\n  rules:\n"),
        0);
    for (unsigned i = 0; i < rules; i++)
        ck_assert_int_eq(
            buf_printf(&b,
                       "  - alert: Disconnect%u\n    expr: 'sum by (hub, "
                       "device_id) (count_over_time(hub_logs[1m])) > 0'\n",
                       i),
            0);
    feed_rules(f, 1, buf_str(&b));
    buf_fini(&b);
}

/* Each round, one chunk brings an alert per rule and device on arrival, and a
 * later tick ends them. */
static struct feed *
bursts(unsigned rules, unsigned devices)
{
    struct feed *f = feed_new();
    feed_schema(f, 0, 0);
    add_rules(f, rules);
    for (unsigned round = 0; round < ROUNDS; round++) {
        double at = 100 + 120 * round;
        feed_chunk(f, at, "hub/0");
        for (unsigned i = 0; i < devices; i++) {
            char text[64];
            snprintf(text, sizeof text, "hub=eu device_id=device-%u", i);
            feed_event(f, at, "hub_logs", text);
        }
        feed_end(f);
        for (unsigned s = 5; s <= 120; s += 5)
            feed_tick(f, at + s, "hub/0 caught_up");
    }
    return f;
}

static void
count(void *arg, const struct transition *t)
{
    unsigned *n = arg;
    (void)t;
    ++*n;
}

/* What an engine without a journal concludes. */
static unsigned
expected(const struct feed *f)
{
    unsigned n = 0;
    struct engine_options o = {.emit = count, .arg = &n};
    struct engine *e = engine_new(&o);
    for (uint32_t i = 0; i < feed_count(f); i++)
        ck_assert_int_eq(engine_feed(e, feed_frame(f, i)), 0);
    engine_free(e);
    return n;
}

static void
begin(struct world *w, unsigned rules, unsigned devices)
{
    struct err err = ERR_INIT;
    log_set_sink(silent, NULL);
    *w = (struct world){.script = bursts(rules, devices),
                        .journal_disk = faultio_new(1, 0),
                        .checkpoint_disk = faultio_new(2, 0)};
    struct checkpoint_options co = {
        .dir = "c",
        .io = faultio_io(w->checkpoint_disk),
        .interval_us = NEVER_US,
        .interval_bytes = MAX_SIZE / 2,
        .inline_writer = true,
    };
    ck_assert_int_eq(checkpoint_open(&co, &w->checkpoint, &err), 0);
    struct journal_options jo = {
        .dir = "j",
        .io = faultio_io(w->journal_disk),
        .max_size_bytes = MAX_SIZE,
        .segment_size_bytes = SEGMENT,
        .sync_us = USEC_PER_SEC,
        .unsynced_max_bytes = 64 * KIB,
        .inline_writer = true,
    };
    ck_assert_int_eq(journal_open(&jo, &w->journal, &err), 0);
    struct loop_options lo = {.journal = w->journal,
                              .checkpoint = w->checkpoint};
    ck_assert_int_eq(follower_new(&lo, &w->follower, &err), 0);
}

static void
end(struct world *w)
{
    follower_free(w->follower);
    checkpoint_close(w->checkpoint);
    journal_close(w->journal);
    faultio_free(w->journal_disk);
    faultio_free(w->checkpoint_disk);
    feed_free(w->script);
}

static uint64_t
journal_bytes(struct world *w)
{
    struct journal_stats s;
    journal_get_stats(w->journal, &s);
    return s.bytes;
}

static void
follow(struct world *w)
{
    bool over = journal_bytes(w) > MAX_SIZE;
    uint64_t pos = follower_pos(w->follower);
    int r = follower_step(w->follower, USEC_MIN);
    ck_assert_int_ge(r, 0);
    if (over && r > 0) { /* all had gone that could, but for a segment's end */
        ck_assert_uint_le(pos - journal_begin(w->journal), SEGMENT);
        w->over++;
    }
    (void)follower_checkpoint(w->follower);
    (void)journal_sync(w->journal, journal_end(w->journal), USEC_MAX);
}

static void
follow_to_the_end(struct world *w)
{
    for (unsigned i = 0; i < STEPS_MAX; i++) {
        if (follower_pos(w->follower) == journal_end(w->journal))
            return;
        follow(w);
    }
    ck_abort_msg("it hangs");
}

static int
append(struct world *w, uint32_t i)
{
    const struct frame *f = feed_frame(w->script, i);
    uint64_t pos;
    return journal_append(w->journal, f->type, f->flags, f->time, &f->payload,
                          1, &pos);
}

/* ---- */

/* Alerts: of one frame less than the reserve (an eighth), several times the
 * reserve, more than max_size. */
static const struct {
    unsigned rules, devices;
} sizes[] = {{1, 10}, {1, 100}, {4, 100}};

START_TEST(alerts_fill_the_reserve_and_it_goes_on)
{
    struct world w;
    begin(&w, sizes[_i].rules, sizes[_i].devices);
    unsigned want = expected(w.script);
    ck_assert_uint_eq(want, 2 * ROUNDS * sizes[_i].rules * sizes[_i].devices);
    for (uint32_t i = 0; i < feed_count(w.script); i++) {
        ck_assert_int_eq(append(&w, i), 0);
        follow_to_the_end(&w);
        ck_assert_uint_le(journal_bytes(&w), MAX_SIZE);
    }
    struct loop_stats s;
    follower_get_stats(w.follower, &s);
    ck_assert(!s.failed);
    ck_assert_uint_eq(s.appended, want);
    ck_assert_uint_gt(journal_begin(w.journal), 8); /* it did fill up */
    end(&w);
}
END_TEST

/* As many chunks as the journal takes are there before the first is evaluated:
 * what that leaves behind goes before more is added. */
START_TEST(a_backlog_makes_no_more_than_it_must)
{
    struct world w;
    begin(&w, 1, 60);
    unsigned want = expected(w.script);
    uint32_t i = 0;
    while (i < feed_count(w.script)) {
        int r = append(&w, i);
        if (r == 0) {
            i++;
            continue;
        }
        ck_assert_int_eq(r, -ENOSPC);
        for (unsigned n = 0; append(&w, i) != 0; n++) {
            ck_assert_uint_lt(n, STEPS_MAX);
            follow(&w);
        }
        i++;
    }
    follow_to_the_end(&w);
    struct loop_stats s;
    follower_get_stats(w.follower, &s);
    ck_assert_uint_eq(s.appended, want);
    ck_assert_uint_gt(w.over, 0); /* else the test is void */
    end(&w);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("follower");
    TCase *t = tcase_create("full");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, alerts_fill_the_reserve_and_it_goes_on, 0,
                        ARRAY_SIZE(sizes));
    tcase_add_test(t, a_backlog_makes_no_more_than_it_must);
    suite_add_tcase(s, t);
    return unit_main(s, NULL);
}
