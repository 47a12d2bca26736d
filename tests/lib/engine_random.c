/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/lib/engine_random.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/check.h"

uint64_t
rnd_next(struct rnd *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t
rnd_below(struct rnd *r, uint32_t n)
{
    return (uint32_t)(rnd_next(r) % n);
}

bool
rnd_chance(struct rnd *r, double p)
{
    return (double)(rnd_next(r) >> 11) / 0x1p53 < p;
}

double
rnd_between(struct rnd *r, double lo, double hi)
{
    return lo + (hi - lo) * (double)(rnd_next(r) >> 11) / 0x1p53;
}

/* C leaves the order of a call's arguments open, and gcc and clang differ: no
 * full expression below draws twice. */
#define PICK(r, ...)                                                           \
    ({                                                                         \
        static const char *const all_[] = {__VA_ARGS__};                       \
        all_[rnd_below((r), sizeof all_ / sizeof *all_)];                      \
    })

/* --- expressions -------------------------------------------------------- */

static const char *
event_selector(struct rnd *r)
{
    return PICK(r, "hub_logs", "hub_logs{category=\"C\"}",
                "hub_logs{category=\"C\", hub=\"eu\"}",
                "hub_logs{category!=\"C\"}", "hub_logs{level=~\"Err.*\"}",
                "hub_logs{hub=~\"eu|us\"} | result_type=\"401003\"",
                "hub_logs | duration_ms > 500",
                "hub_logs | duration_ms > 300ms or level=\"Error\"",
                "hub_logs |= \"d1\"", "hub_logs{device_id=\"d2\"} != \"X\"",
                "dps_events", "dps_events{status=\"failed\"}");
}

static const char *
metric_selector(struct rnd *r)
{
    return PICK(r, "queue_length", "queue_length{hub=\"eu\"}", "temperature",
                "temperature{device_id=~\"d[12]\"}", "iothub_device_connected",
                "messages_total", "messages_total{hub!=\"us\"}");
}

static const char *
range(struct rnd *r)
{
    return PICK(r, "30s", "1m", "45s", "2m", "20s");
}

/* An expression over events, by hub so that its parts can be joined. */
static void
event_expr(struct rnd *r, struct buf *b)
{
    const char *by =
        PICK(r, "(hub)", "(hub)", "(hub, device_id)", "(category, hub)", "()");
    bool dps = false;
    const char *sel = event_selector(r);
    dps = strncmp(sel, "dps", 3) == 0;
    if (dps)
        by = PICK(r, "(dps)", "(dps, device_id)", "(status)");
    const char *fn = PICK(r, "count_over_time", "count_over_time",
                          "count_over_time", "rate");
    const char *offset = PICK(r, "", "", "", " offset 15s", " offset 1m");
    const char *agg =
        PICK(r, "sum", "sum", "sum", "max", "min", "count", "avg", "stddev");
    if (rnd_chance(r, 0.1))
        (void)buf_printf(b, "%s(%s[%s]%s)", fn, sel, range(r), offset);
    else if (rnd_chance(r, 0.1))
        (void)buf_printf(b, "%s without (category, level) (%s(%s[%s]%s))", agg,
                         fn, sel, range(r), offset);
    else
        (void)buf_printf(b, "%s by %s (%s(%s[%s]%s))", agg, by, fn, sel,
                         range(r), offset);
}

static void
metric_expr(struct rnd *r, struct buf *b)
{
    const char *sel = metric_selector(r);
    const char *fn =
        PICK(r, "increase", "rate", "delta", "max_over_time", "min_over_time",
             "avg_over_time", "sum_over_time", "last_over_time",
             "count_over_time", "changes", "resets", "irate");
    switch (rnd_below(r, 6)) {
    case 0:
        (void)buf_append_str(b, sel);
        break;
    case 1:
        (void)buf_printf(b, "%s(%s[%s])", fn, sel, range(r));
        break;
    case 2:
        (void)buf_printf(
            b, "%s by (hub) (%s)",
            PICK(r, "sum", "avg", "max", "min", "count", "group", "stdvar"),
            sel);
        break;
    case 3:
        (void)buf_printf(b, "abs(%s offset 20s) %s 1", sel,
                         PICK(r, "+", "-", "*", "/", "%"));
        break;
    case 4:
        (void)buf_printf(b, "-%s", sel);
        break;
    default:
        (void)buf_printf(b, "time() - timestamp(%s)", sel);
        break;
    }
}

static void
compared(struct rnd *r, struct buf *b)
{
    bool events = rnd_chance(r, 0.65);
    if (events)
        event_expr(r, b);
    else
        metric_expr(r, b);
    const char *op = PICK(r, ">", ">", ">", ">=", ">=", "<", "==", "!=", "<=");
    (void)buf_printf(b, " %s %u", op, rnd_below(r, events ? 5 : 20));
}

/* What runs stages on each record, or keeps numbers. */
static void
staged(struct rnd *r, struct buf *b)
{
    const char *pipe = PICK(
        r, "hub_logs | unwrap duration_ms", "hub_logs | unwrap duration(size)",
        "hub_logs | unwrap duration_ms | level=\"Error\"",
        "hub_logs{category=\"C\"} | logfmt | unwrap duration_ms_extracted",
        "hub_logs | pattern \"hub=<h> <_>\" | h!=\"us\" | unwrap duration_ms");
    const char *lines = PICK(
        r, "hub_logs | logfmt", "hub_logs | logfmt | hub_extracted=\"eu\"",
        "hub_logs | logfmt | duration_ms_extracted > 500",
        "hub_logs | regexp \"level=(?P<l>[A-Z])\" | label_format k=l | drop l",
        "hub_logs | line_format \"{{.level}} x\" |= \"or x\"",
        "hub_logs | keep hub, device_id", "{hub=\"eu\"} |> \"hub=<_>\"");
    const char *span = range(r);
    const char *agg = PICK(r, "sum", "max", "min", "avg");
    const char *any = PICK(r, "sum_over_time", "max_over_time", "min_over_time",
                           "rate", "rate_counter");
    const char *grouped =
        PICK(r, "avg_over_time", "stddev_over_time", "stdvar_over_time",
             "first_over_time", "last_over_time");
    const char *counted =
        PICK(r, "count_over_time", "bytes_over_time", "bytes_rate", "rate");
    const char *by = PICK(r, "by", "without");
    const char *offset = PICK(r, "", " offset 15s");
    uint32_t q = rnd_below(r, 10);
    switch (rnd_below(r, 5)) {
    case 0:
        (void)buf_printf(b, "%s by (hub) (%s(%s[%s]))", agg, any, pipe, span);
        break;
    case 1:
        (void)buf_printf(b, "%s(%s[%s]) %s (hub)", grouped, pipe, span, by);
        break;
    case 2:
        (void)buf_printf(b, "quantile_over_time(0.%u, %s[%s]%s)", q, pipe, span,
                         offset);
        break;
    case 3:
        (void)buf_printf(b, "sum by (hub_extracted, k) (%s(%s[%s]))", counted,
                         lines, span);
        break;
    default:
        (void)buf_printf(b, "%s(%s[%s])", counted, lines, span);
        break;
    }
    (void)buf_printf(b, " > %u", rnd_below(r, 3));
}

static void
expression(struct rnd *r, struct buf *b, unsigned flags)
{
    if ((flags & RANDOM_STAGES) != 0 && rnd_chance(r, 0.5)) {
        staged(r, b);
        return;
    }
    const char *sel, *op;
    switch (rnd_below(r, 12)) {
    case 0:
        (void)buf_putc(b, '(');
        compared(r, b);
        (void)buf_printf(b, ") %s (",
                         PICK(r, "and", "or", "unless", "and on (hub)",
                              "or on (hub)", "unless on (hub)"));
        compared(r, b);
        (void)buf_putc(b, ')');
        break;
    case 1: {
        sel = event_selector(r);
        const char *by = strncmp(sel, "dps", 3) == 0 ? "dps" : "hub";
        (void)buf_printf(b,
                         "sum by (%s) (count_over_time(%s[1m])) / sum by (%s) "
                         "(count_over_time(%s[2m])) > 0.3",
                         by, sel, by, sel);
        break;
    }
    case 2:
        sel = rnd_chance(r, 0.5) ? event_selector(r) : metric_selector(r);
        (void)buf_printf(b, "absent_over_time(%s[%s])", sel, range(r));
        break;
    case 3:
        (void)buf_printf(b, "absent(%s)", metric_selector(r));
        break;
    case 4:
        op = PICK(r, "*", "+", "-");
        sel = PICK(r, "hub_logs", "hub_logs{category=\"C\"}");
        (void)buf_printf(b,
                         "queue_length %s on (hub) group_left sum by (hub) "
                         "(count_over_time(%s[%s])) > 3",
                         op, sel, range(r));
        break;
    case 5:
        (void)buf_printf(b, "%s > bool 3", metric_selector(r));
        break;
    case 6:
        op = PICK(r, ">", "<", ">=");
        (void)buf_printf(b, "rec:count %s %u", op, rnd_below(r, 6));
        break;
    default:
        compared(r, b);
        break;
    }
}

/* --- rule files --------------------------------------------------------- */

static void
missing(struct rnd *r, struct buf *b, unsigned flags)
{
    const char *sel = rnd_chance(r, 0.5)
                          ? PICK(r, "queue_length", "temperature",
                                 "messages_total{hub!=\"us\"}")
                          : PICK(r, "hub_logs", "hub_logs{category=\"C\"}",
                                 "hub_logs | duration_ms > 500");
    const char *by = PICK(r, "[hub]", "[device_id]", "[hub, device_id]", "[]");
    const char *after = PICK(r, "20s", "45s", "1m");
    if ((flags & RANDOM_STAGES) != 0 && rnd_chance(r, 0.5))
        sel = PICK(r, "hub_logs | logfmt | hub_extracted=\"eu\"",
                   "hub_logs | pattern \"<_> category=<c> <_>\" | c!=\"D\"",
                   "hub_logs | logfmt | duration_ms_extracted > 500");
    (void)buf_printf(b, "    missing: {select: '%s', by: %s, after: %s", sel,
                     by, after);
    if (rnd_chance(r, 0.4))
        (void)buf_printf(b, ", remember: %s", PICK(r, "90s", "2m", "5m"));
    (void)buf_append_str(b, "}\n");
}

/* The same with what retires keys: both have a device. */
static void
missing_until(struct rnd *r, struct buf *b)
{
    const char *sel = PICK(r, "queue_length", "hub_logs{category=\"C\"}");
    const char *after = PICK(r, "20s", "45s", "1m");
    const char *until =
        PICK(r, "dps_events{status=\"failed\"}", "hub_logs{category=\"D\"}");
    (void)buf_printf(b,
                     "    missing: {select: '%s', by: [device_id], after: %s, "
                     "until: '%s'}\n",
                     sel, after, until);
}

static void
sequence(struct rnd *r, struct buf *b)
{
    unsigned n = 1 + rnd_below(r, 3);
    (void)buf_printf(b, "    sequence: {by: %s, steps: [",
                     PICK(r, "[hub]", "[device_id]", "[hub, device_id]"));
    for (unsigned i = 0; i < n; i++) {
        const char *sel =
            PICK(r, "hub_logs{category=\"C\"}", "hub_logs{category=\"D\"}",
                 "hub_logs{level=\"Error\"}", "hub_logs",
                 "hub_logs{device_id=\"d2\"}");
        bool no = i > 0 && rnd_chance(r, 0.3);
        bool within = no || (i > 0 && rnd_chance(r, 0.6));
        (void)buf_printf(b, "%s{%s: '%s'", i == 0 ? "" : ", ",
                         no ? "no" : "select", sel);
        if (within)
            (void)buf_printf(b, ", within: %s", PICK(r, "5s", "20s", "30s"));
        (void)buf_append_str(b, "}");
    }
    unsigned times = 1 + rnd_below(r, 4);
    (void)buf_printf(b, "], times: %u, within: %s}\n", times,
                     PICK(r, "1m", "90s", "3m"));
}

static void
rule_body(struct rnd *r, struct buf *b, unsigned flags)
{
    double what = rnd_between(r, 0, 1);
    if (what < 0.12) {
        missing(r, b, flags);
    } else if (what < 0.2) {
        missing_until(r, b);
    } else if (what < 0.35) {
        sequence(r, b);
    } else {
        (void)buf_append_str(b, "    expr: '");
        expression(r, b, flags);
        (void)buf_append_str(b, "'\n");
        if (!rnd_chance(r, 0.15))
            return;
        (void)buf_append_str(b, "    keep_firing_while: '");
        expression(r, b, flags);
        (void)buf_append_str(b, "'\n");
    }
}

static void
rule(struct rnd *r, struct buf *b, unsigned index, unsigned flags)
{
    (void)buf_printf(b, "  - alert: R%u\n", index);
    rule_body(r, b, flags);
    if (rnd_chance(r, 0.4))
        (void)buf_printf(b, "    for: %s\n",
                         PICK(r, "10s", "30s", "1m", "15s"));
    if (rnd_chance(r, 0.2))
        (void)buf_printf(b, "    keep_firing_for: %s\n", PICK(r, "20s", "1m"));
    if (rnd_chance(r, 0.2))
        (void)buf_append_str(b, "    labels: {severity: page, hub: x}\n");
}

static void
rule_on_alerts(struct rnd *r, struct buf *b, unsigned index)
{
    const char *expr =
        PICK(r, "count by (alertname) (ALERTS)",
             "count by (hub) (ALERTS{alertstate=\"firing\"})",
             "time() - ALERTS_FOR_STATE{alertname=\"R0\"}",
             "count_over_time(ALERTS{alertname=~\"R1|R2\"}[1m])");
    (void)buf_printf(b, "  - alert: A%u\n    expr: '%s > %u'\n", index, expr,
                     rnd_below(r, 3));
}

static void
rule_file(struct rnd *r, struct buf *b, unsigned flags)
{
    unsigned n = 0, groups = 1 + rnd_below(r, 3);
    (void)buf_append_str(b, "groups:\n");
    for (unsigned g = 0; g < groups; g++) {
        (void)buf_printf(b, "- name: g%u\n  interval: %s\n", g,
                         PICK(r, "15s", "15s", "10s", "30s"));
        if (rnd_chance(r, 0.15))
            (void)buf_append_str(b, "  query_offset: 10s\n");
        if (rnd_chance(r, 0.15))
            (void)buf_append_str(b, "  limit: 2\n");
        (void)buf_append_str(b, "  rules:\n");
        if (g == 0 || rnd_chance(r, 0.2)) {
            const char *sel = PICK(r, "hub_logs", "hub_logs{category=\"C\"}");
            (void)buf_printf(b,
                             "  - record: rec:count\n    labels: {g: \"%u\"}\n"
                             "    expr: 'sum by (hub) (count_over_time(%s["
                             "%s]))'\n",
                             g, sel, range(r));
        }
        for (unsigned i = 0; i < 1 + rnd_below(r, 3); i++)
            rule(r, b, n++, flags);
        if (flags & RANDOM_ALERTS)
            rule_on_alerts(r, b, g);
    }
}

/* --- traces ------------------------------------------------------------- */

static const char *const parts[] = {"hub/0", "hub/1", "dps/0", "edge/a"};
#define PARTS 4u

struct trace {
    struct feed *f;
    struct rnd *r;
    double now, lateness;
    const char *states[PARTS];
    bool there[PARTS];
    struct buf rules;
};

static double
event_time(struct trace *t)
{
    struct rnd *r = t->r;
    double back = rnd_between(r, 0, 3);
    if (rnd_chance(r, 0.2))
        back = rnd_between(r, 0, t->lateness);
    if (rnd_chance(r, 0.05))
        back = rnd_between(r, 0, 4 * t->lateness + 60);
    if (rnd_chance(r, 0.01))
        back = -rnd_between(r, 0, 200); /* ahead; some too far */
    double at = t->now - back;
    /* Often exactly on a slot. */
    return rnd_chance(r, 0.2) ? (double)(long)(at / 5) * 5 : at;
}

static void
dps_event_text(struct rnd *r, char *text, size_t size)
{
    const char *dps = PICK(r, "p", "q");
    const char *status = PICK(r, "ok", "failed");
    (void)snprintf(text, size, "dps=%s status=%s device_id=%s", dps, status,
                   PICK(r, "d1", "d2", "d3"));
}

static void
hub_event_text(struct rnd *r, char *text, size_t size)
{
    const char *hub = PICK(r, "eu", "eu", "us");
    const char *category = PICK(r, "C", "C", "D");
    const char *level = PICK(r, "Error", "Information");
    const char *device = PICK(r, "d1", "d2", "d3");
    const char *duration =
        PICK(r, "", " duration_ms=400", " duration_ms=700", " duration_ms=X");
    (void)snprintf(text, size, "hub=%s category=%s level=%s device_id=%s%s%s",
                   hub, category, level, device, duration,
                   PICK(r, "", " result_type=401003"));
}

static void
add_event(struct trace *t, unsigned part)
{
    struct rnd *r = t->r;
    char text[256];
    unsigned twice = rnd_chance(r, 0.05) ? 2 : 1;
    double at = event_time(t);
    if (part == 2)
        dps_event_text(r, text, sizeof text);
    else
        hub_event_text(r, text, sizeof text);
    for (unsigned i = 0; i < twice; i++)
        feed_event(t->f, at, part == 2 ? "dps_events" : "hub_logs", text);
}

static void
add_sample(struct trace *t, unsigned part)
{
    struct rnd *r = t->r;
    char labels[64];
    double at = event_time(t);
    const char *hub = PICK(r, "eu", "us");
    (void)snprintf(labels, sizeof labels, "hub=%s device_id=%s", hub,
                   PICK(r, "d1", "d2"));
    if (part == 0) {
        feed_sample(t->f, at, "iothub_device_connected", labels,
                    rnd_below(r, 2), 0);
        return;
    }
    const char *m = PICK(r, "queue_length", "temperature", "messages_total");
    double v = rnd_below(r, 20);
    if (rnd_chance(r, 0.03)) {
        uint64_t bits = 0x7ff0000000000002;
        memcpy(&v, &bits, sizeof v);
    }
    feed_sample(t->f, at, m, labels, v, 0);
}

static void
add_chunk(struct trace *t)
{
    unsigned part = rnd_below(t->r, PARTS);
    if (!t->there[part])
        return;
    t->states[part] = "reading";
    feed_chunk(t->f, t->now, parts[part]);
    for (unsigned i = 0; i < 1 + rnd_below(t->r, 6); i++) {
        if (part == 3 || (part == 0 && rnd_chance(t->r, 0.2)))
            add_sample(t, part);
        else
            add_event(t, part);
    }
    feed_end(t->f);
}

static void
add_tick(struct trace *t, bool rebase)
{
    char text[256] = "";
    size_t n = 0;
    for (unsigned i = 0; i < PARTS; i++) {
        if (!t->there[i])
            continue;
        if (rnd_chance(t->r, 0.3))
            t->states[i] = PICK(t->r, "reading", "caught_up", "caught_up",
                                "caught_up", "caught_up", "down");
        n += (size_t)snprintf(text + n, sizeof text - n, "%s %s ", parts[i],
                              t->states[i]);
    }
    if (rebase)
        feed_rebase(t->f, t->now, text);
    else
        feed_tick(t->f, t->now, text);
}

static void
reload(struct trace *t, unsigned flags)
{
    if (rnd_chance(t->r, 0.5)) {
        /* One more group in front; the rest as it was. */
        char *old = mem_strdup(buf_str(&t->rules) + strlen("groups:\n"));
        CHECK(old != NULL);
        buf_reset(&t->rules);
        (void)buf_printf(&t->rules, "groups:\n- name: more%u\n  rules:\n",
                         rnd_below(t->r, 1000000));
        rule(t->r, &t->rules, 90, flags);
        (void)buf_append_str(&t->rules, old);
        mem_free(old);
    } else {
        buf_reset(&t->rules);
        rule_file(t->r, &t->rules, flags);
    }
    feed_rules(t->f, t->now, buf_str(&t->rules));
}

static void
step(struct trace *t, unsigned flags)
{
    struct rnd *r = t->r;
    t->now += rnd_between(r, 0.1, 4);
    if (rnd_chance(r, 0.01))
        t->now += rnd_between(r, 0, 200); /* nobody looked */
    double what = rnd_between(r, 0, 1);
    if (what < 0.55)
        add_chunk(t);
    else if (what < 0.97)
        add_tick(t, false);
    else if (what < 0.98 && (flags & RANDOM_RELOAD))
        reload(t, flags);
    else if (what < 0.985 && (flags & RANDOM_REBASE)) {
        t->now -= rnd_between(r, 1, 60);
        add_tick(t, true);
    } else if (what < 0.99) {
        unsigned i = rnd_below(r, PARTS);
        t->there[i] = !t->there[i];
        t->states[i] = "reading";
        if (!t->there[i]) {
            char gone[32];
            (void)snprintf(gone, sizeof gone, "%s gone", parts[i]);
            feed_tick(t->f, t->now, gone);
        }
    }
}

struct feed *
feed_random(uint64_t seed, unsigned frames, unsigned flags)
{
    struct rnd r = {seed};
    struct trace t = {
        .f = feed_new(), .r = &r, .now = 5, .rules = BUF_INIT(1 << 20)};
    t.lateness = rnd_chance(&r, 0.3) ? 0 : rnd_between(&r, 1, 30);
    for (unsigned i = 0; i < PARTS; i++) {
        t.states[i] = "caught_up";
        t.there[i] = rnd_chance(&r, 0.9);
    }
    if (rnd_chance(&r, 0.2))
        feed_expect_every(t.f, 40);
    feed_schema(t.f, t.lateness, rnd_chance(&r, 0.5) ? 0 : 5);
    rule_file(&r, &t.rules, flags);
    feed_rules(t.f, t.now, buf_str(&t.rules));
    while (feed_count(t.f) < frames)
        step(&t, flags);
    buf_fini(&t.rules);
    return t.f;
}
