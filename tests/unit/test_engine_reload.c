/* SPDX-License-Identifier: Apache-2.0 */
/* Reloads: a rule whose text did not change goes on as if there had been none,
 * whatever else moved in the files.
 *
 * One engine gets the same records as another, and in between rule files in
 * which rules come, go, change and move.  Of the rules that never change, both
 * must tell the same, to the second and the value.
 *
 *     TOCSIN_RELOADS=1000 TOCSIN_RULES=1000 tests/unit/test_engine_reload.t
 *
 * does by hand what CI does in small, and tells how long the reloads took. */
#include "config.h"

#include <stdlib.h>
#include <time.h>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "tests/lib/engine_random.h"
#include "tests/lib/unit.h"

#define TEXT_MAX (64u << 20)
#define STEP_S 5.0
#define IN_GROUP 8u

/* A rule that changes. */
struct changing {
    bool there;
    uint32_t threshold, wait_s, words;
};

struct world {
    struct rnd r;
    uint32_t devices;
    uint32_t n_rules; /* that never change; and as many that do */
    uint32_t *order;  /* numbers of rules, the kept ones first */
    struct changing *changing;
    uint32_t file_name, group_label, words;
    struct feed *reloaded, *still;
};

static uint32_t
from_env(const char *name, uint32_t usual)
{
    const char *s = getenv(name);
    return s == NULL ? usual : (uint32_t)strtoul(s, NULL, 10);
}

/* ---- rules */

/* What rule number i asks: every kind of leaf, shared windows among them. */
static void
put_expr(struct buf *b, uint32_t i, uint32_t d, uint32_t threshold, bool kept)
{
    char k = kept ? 'u' : 'm';
    switch (i % 7) {
    case 0: /* on arrival */
        (void)buf_printf(b,
                         "sum by (hub) (count_over_time(hub_logs{category="
                         "\"C\", device_id=\"d%u\"}[1m])) > %u",
                         d, threshold);
        break;
    case 1:
        (void)buf_printf(b,
                         "sum by (hub, device_id) (count_over_time(hub_logs{"
                         "device_id=\"d%u\"} |~ \"C|D\" [%um])) > %u",
                         d, 1 + i % 3, threshold);
        break;
    case 2:
        if (i % 35 == 2) { /* a view of every series */
            (void)buf_printf(b, "avg(queue_length{device_id!=\"d%u\"}) > 2%u",
                             d, threshold);
            break;
        }
        (void)buf_printf(b, "queue_length{device_id=\"d%u\"} > %u", d,
                         40 + threshold);
        break;
    case 3:
        (void)buf_printf(b,
                         "rate(messages_total{device_id=\"d%u\"}[2m]) > 0.%u",
                         d, threshold);
        break;
    case 4:
        (void)buf_printf(b, "%c:queue:max%u > %u", k, i, 20 + threshold);
        break;
    case 5:
        (void)buf_printf(b, "iothub_device_connected{device_id=\"d%u\"} == 0",
                         d);
        break;
    default: /* two rules of one name, one expression and two waits */
        (void)buf_printf(b,
                         "sum by (hub) (rate(hub_logs{device_id=\"d%u\"}[2m]))"
                         " > 0.0%u",
                         d, threshold);
    }
}

static void
put_alert(struct world *w, struct buf *b, uint32_t i, const struct changing *c,
          bool kept)
{
    bool swap = kept && w->file_name % 2;
    uint32_t d = i % w->devices;
    char k = kept ? 'U' : 'M';
    uint32_t times = i % 7 == 6 ? 2 : 1;
    if (i % 7 == 4) {
        (void)buf_printf(b,
                         "  - record: %c:queue:max%u\n    expr: 'max by (hub) "
                         "(queue_length{device_id=~\"d%u|d%u\"})'\n",
                         kept ? 'u' : 'm', i, d, (d + 1) % w->devices);
    }
    for (uint32_t n = 0; n < times; n++) {
        uint32_t wait = c->wait_s + (times > 1 && (n == 1) != swap ? 60 : 0);
        (void)buf_printf(b, "  - alert: %c%u\n    expr: '", k, i);
        put_expr(b, i, d, c->threshold, kept);
        (void)buf_printf(b, "'\n    for: %us\n    annotations: {words: w%u}\n",
                         wait, c->words);
        if (i % 5 == 0)
            (void)buf_printf(b, "    keep_firing_for: %us\n", 20 + i % 30);
    }
}

static void
put_rule(struct world *w, struct buf *b, uint32_t number)
{
    if (number >= w->n_rules) {
        uint32_t i = number - w->n_rules;
        if (w->changing[i].there)
            put_alert(w, b, i, &w->changing[i], false);
        return;
    }
    struct changing c = {true, 1 + number % 3, number % 4 * 20, w->words};
    put_alert(w, b, number, &c, true);
}

/* The rules [from, to) of the order, in groups. */
static void
put_file(struct world *w, struct buf *b, uint32_t from, uint32_t to)
{
    (void)buf_append_str(b, "groups:\n");
    for (uint32_t i = from; i < to; i++) {
        bool kept = w->order[i] < w->n_rules;
        bool was = i > from && w->order[i - 1] < w->n_rules;
        if ((i - from) % IN_GROUP == 0 || kept != was) {
            (void)buf_printf(b, "- name: g%u\n  interval: 15s\n", i);
            if (!kept)
                (void)buf_printf(b, "  labels: {team: t%u}\n", w->group_label);
            (void)buf_append_str(b, "  rules:\n");
        }
        put_rule(w, b, w->order[i]);
    }
}

static void
put_rules(struct world *w, struct feed *f, double t, uint32_t n)
{
    struct buf a = BUF_INIT(TEXT_MAX), b = BUF_INIT(TEXT_MAX);
    char name[32];
    (void)snprintf(name, sizeof name, "rules-%u.yaml", w->file_name);
    put_file(w, &a, 0, n / 3);
    put_file(w, &b, n / 3, n);
    struct ruleset_file files[] = {
        {slice_from_str(name), buf_slice(&a)},
        {SLICE("b.yaml"), buf_slice(&b)},
    };
    feed_rule_files(f, t, files, 2);
    buf_fini(&a);
    buf_fini(&b);
}

/* ---- what reloads change */

static void
shuffle(struct world *w)
{
    for (uint32_t i = 2 * w->n_rules - 1; i > 0; i--) {
        uint32_t k = rnd_below(&w->r, i + 1), n = w->order[i];
        w->order[i] = w->order[k];
        w->order[k] = n;
    }
}

static void
change(struct world *w)
{
    struct changing *c = &w->changing[rnd_below(&w->r, w->n_rules)];
    switch (rnd_below(&w->r, 9)) {
    case 0: /* nothing */
        break;
    case 1:
        shuffle(w);
        break;
    case 2:
        w->file_name++;
        break;
    case 3:
        c->words++;
        break;
    case 4:
        w->words++; /* the kept ones' annotations are no part of their state */
        break;
    case 5:
        c->threshold = 1 + rnd_below(&w->r, 4);
        break;
    case 6:
        c->wait_s = rnd_below(&w->r, 5) * 15;
        break;
    case 7:
        c->there = !c->there;
        break;
    default:
        w->group_label++;
    }
}

/* ---- what comes in */

static void
put_records(struct world *w, double t)
{
    struct feed *both[] = {w->reloaded, w->still};
    uint64_t seed = rnd_next(&w->r);
    for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
        struct feed *f = both[i];
        struct rnd r = {seed};
        char text[160];
        feed_chunk(f, t, "hub/0");
        for (unsigned k = 0; k < 30; k++) {
            uint32_t d = rnd_below(&r, w->devices);
            double at = t - rnd_between(&r, 0, 12);
            (void)snprintf(text, sizeof text,
                           "hub=h%u category=%s operation=o device_id=d%u",
                           d % 3, rnd_chance(&r, 0.6) ? "C" : "E", d);
            feed_event(f, at, "hub_logs", text);
            (void)snprintf(text, sizeof text, "hub=h%u device_id=d%u", d % 3,
                           d);
            feed_sample(f, at, "iothub_device_connected", text,
                        rnd_chance(&r, 0.7), 0);
        }
        feed_end(f);
        feed_chunk(f, t, "edge/0");
        for (unsigned d = 0; d < w->devices; d++) {
            (void)snprintf(text, sizeof text, "hub=h%u device_id=d%u", d % 3,
                           d);
            feed_sample(f, t, "queue_length", text,
                        rnd_chance(&r, 0.5) ? 60 : 0, 0);
            feed_sample(f, t, "messages_total", text,
                        (double)(uint64_t)(t * (0.1 + d % 7 * 0.05)) +
                            rnd_below(&r, 20),
                        0);
        }
        feed_end(f);
        feed_tick(f, t, "hub/0 reading edge/0 reading dps/0 caught_up");
    }
}

/* ---- comparing */

static int
line_cmp(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* The lines of kept rules, sorted: in one slot they come in the order of the
 * files. */
static void
kept_lines(struct buf *log, struct buf *ret)
{
    struct slice *lines = calloc(log->n / 8 + 1, sizeof *lines);
    size_t n = 0;
    for (const char *p = buf_str(log); *p != '\0';) {
        size_t len = strcspn(p, "\n") + 1;
        struct slice line = slice_new(p, len);
        if (memmem(p, len, " U", 2) != NULL)
            lines[n++] = line;
        p += len;
    }
    qsort(lines, n, sizeof *lines, line_cmp);
    for (size_t i = 0; i < n; i++)
        (void)buf_append_slice(ret, lines[i]);
    free(lines);
}

static void
expect_same(struct buf *got_log, struct buf *want_log)
{
    struct buf got = BUF_INIT(TEXT_MAX), want = BUF_INIT(TEXT_MAX);
    kept_lines(got_log, &got);
    kept_lines(want_log, &want);
    ck_assert_msg(want.n > 1000, "too little happened:\n%s", buf_str(&want));
    size_t same = 0, line = 0;
    const char *g = buf_str(&got), *x = buf_str(&want);
    for (; g[same] != '\0' && g[same] == x[same]; same++)
        line = g[same] == '\n' ? same + 1 : line;
    ck_assert_msg(strcmp(g, x) == 0, "with reloads:\n%.300s\nwithout:\n%.300s",
                  g + line, x + line);
    buf_fini(&got);
    buf_fini(&want);
}

/* ---- the test */

/* Of this thread: other work on the machine does not count. */
static double
cpu_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static struct engine *
restart(struct engine *e, struct buf *log)
{
    struct feed_store *s = feed_store_new();
    uint64_t pos = engine_checkpoint_begin(e, true);
    while (engine_checkpoint_step(e, 1000, feed_store_put, s) > 0)
        continue;
    engine_free(e);
    e = feed_store_restore(s, pos, log, NULL);
    feed_store_free(s);
    return e;
}

struct pauses {
    double worst, sum;
    uint32_t n;
};

/* Feeds all; the engine is restored from its rows now and then. */
static void
run(struct world *w, const struct feed *f, struct buf *log, bool restarts,
    struct pauses *ret)
{
    struct engine *e = feed_engine(log, NULL);
    *ret = (struct pauses){0};
    for (uint32_t i = 0; i < feed_count(f); i++) {
        bool rules = feed_frame(f, i)->type == FRAME_RULES;
        double before = rules ? cpu_ms() : 0;
        feed_run(f, e, i, i + 1);
        if (!rules)
            continue;
        double took = cpu_ms() - before;
        ret->worst = MAX(ret->worst, took);
        ret->sum += took;
        ret->n++;
        if (restarts && rnd_chance(&w->r, 0.1))
            e = restart(e, log);
    }
    engine_free(e);
}

static void
world_init(struct world *w, uint64_t seed)
{
    uint32_t n_rules = from_env("TOCSIN_RULES", 140) / 2;
    *w = (struct world){.r = {seed},
                        .devices = from_env("TOCSIN_DEVICES", 40),
                        .n_rules = n_rules};
    w->order = calloc(2 * n_rules, sizeof *w->order);
    w->changing = calloc(n_rules, sizeof *w->changing);
    w->reloaded = feed_new();
    w->still = feed_new();
    feed_schema(w->reloaded, 10, 2);
    feed_schema(w->still, 10, 2);
    for (uint32_t i = 0; i < 2 * n_rules; i++)
        w->order[i] = i;
    for (uint32_t i = 0; i < n_rules; i++)
        w->changing[i] =
            (struct changing){i % 4 != 0, 1 + i % 4, i % 5 * 15, 0};
    put_rules(w, w->still, 0, n_rules);
    put_rules(w, w->reloaded, 0, 2 * n_rules);
}

static void
world_fini(struct world *w)
{
    free(w->order);
    free(w->changing);
    feed_free(w->reloaded);
    feed_free(w->still);
}

START_TEST(rules_that_did_not_change_go_on)
{
    struct world w;
    uint32_t n = from_env("TOCSIN_RELOADS", 60);
    struct buf got = BUF_INIT(TEXT_MAX), want = BUF_INIT(TEXT_MAX);
    struct pauses reloads, none;
    world_init(&w, (uint64_t)_i);
    for (uint32_t i = 0; i < n; i++) {
        put_records(&w, (i + 1) * STEP_S);
        change(&w);
        put_rules(&w, w.reloaded, (i + 1) * STEP_S + 1, 2 * w.n_rules);
    }
    run(&w, w.still, &want, false, &none);
    run(&w, w.reloaded, &got, true, &reloads);
    if (getenv("TOCSIN_RELOADS") != NULL)
        (void)fprintf(stderr,
                      "%u reloads of about %u rules: CPU worst %.1f ms, mean "
                      "%.1f ms\n",
                      reloads.n, 2 * w.n_rules, reloads.worst,
                      reloads.sum / reloads.n);
    expect_same(&got, &want);
    buf_fini(&got);
    buf_fini(&want);
    world_fini(&w);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("engine_reload");
    TCase *tc = tcase_create("reload");
    tcase_set_timeout(tc, 600);
    tcase_add_loop_test(tc, rules_that_did_not_change_go_on, 0, 4);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(suite(), NULL);
}
