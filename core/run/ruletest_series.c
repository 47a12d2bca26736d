/* SPDX-License-Identifier: Apache-2.0 */
/* ruletest_series.c - promtool's notation of series: a name with labels, and
 * values like "1+1x10 _x3 stale 5". */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/duration.h"
#include "core/base/str.h"
#include "core/lang/query.h"
#include "core/run/ruletest_priv.h"

struct cursor {
    struct slice text;
    size_t at;
    const char *why;
};

static char
peek(const struct cursor *c)
{
    return c->at < c->text.n ? c->text.p[c->at] : '\0';
}

static int
wrong(struct cursor *c, const char *why)
{
    c->why = why;
    return -EINVAL;
}

static bool
is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

static bool
is_letter(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

/* Bytes of "12.5e-3" at the cursor. */
static size_t
number_bytes(const struct cursor *c)
{
    struct slice s = slice_skip(c->text, c->at);
    size_t n = 0;
    while (n < s.n && (is_digit(s.p[n]) || s.p[n] == '.'))
        n++;
    if (n == 0 || n == s.n || (s.p[n] != 'e' && s.p[n] != 'E'))
        return n;
    size_t e = n + 1;
    if (e < s.n && (s.p[e] == '+' || s.p[e] == '-'))
        e++;
    if (e == s.n || !is_digit(s.p[e]))
        return n;
    while (e < s.n && is_digit(s.p[e]))
        e++;
    return e;
}

/* A number without a sign: digits, Inf, NaN, or a duration in seconds. */
static int
read_number(struct cursor *c, double *ret)
{
    struct slice s = slice_skip(c->text, c->at);
    size_t n = 0;
    if (is_letter(peek(c))) {
        while (n < s.n && is_letter(s.p[n]) && s.p[n] != 'x')
            n++;
        s.n = n;
        if (str_parse_double(s, STR_INF_NAN, ret) < 0)
            return wrong(c, "expected a number, \"stale\" or \"_\"");
        c->at += n;
        return 0;
    }
    n = number_bytes(c);
    size_t units = duration_scan(s);
    usec_t span;
    if (units > n && duration_parse(slice_new(s.p, units), &span, NULL) == 0) {
        *ret = (double)span / USEC_PER_SEC;
        c->at += units;
        return 0;
    }
    if (n == 0 || str_parse_double(slice_new(s.p, n), 0, ret) < 0)
        return wrong(c, "expected a number, \"stale\" or \"_\"");
    c->at += n;
    return 0;
}

static int
read_signed(struct cursor *c, double *ret)
{
    char sign = peek(c);
    if (sign == '+' || sign == '-')
        c->at++;
    int r = read_number(c, ret);
    if (r == 0 && sign == '-')
        *ret = -*ret;
    return r;
}

/* "x10", if it is there: *ret is how often. */
static int
read_times(struct cursor *c, bool *ret_there, uint64_t *ret)
{
    *ret_there = peek(c) == 'x';
    if (!*ret_there)
        return 0;
    size_t start = ++c->at;
    while (is_digit(peek(c)))
        c->at++;
    struct slice digits = slice_new(c->text.p + start, c->at - start);
    if (str_parse_u64(digits, ret) < 0 || *ret > UINT32_MAX)
        return wrong(c, "expected how often after \"x\"");
    return 0;
}

static int
read_value(struct cursor *c, struct value_run *ret)
{
    struct value_run run = {.kind = RUN_VALUE, .count = 1};
    struct slice rest = slice_skip(c->text, c->at);
    bool repeated;
    uint64_t times = 0;
    if (slice_starts_with(rest, SLICE("stale"))) {
        run.kind = RUN_STALE;
        c->at += 5;
    } else if (read_signed(c, &run.start) < 0) {
        return -EINVAL;
    }
    bool sloped = peek(c) == '+' || peek(c) == '-';
    if (sloped && read_signed(c, &run.delta) < 0)
        return -EINVAL;
    if (read_times(c, &repeated, &times) < 0)
        return -EINVAL;
    if (sloped && !repeated)
        return wrong(c, "expected \"x\" with how often the step is made");
    run.count = repeated ? times + 1 : 1;
    *ret = run;
    return 0;
}

static int
read_item(struct cursor *c, struct value_run *ret)
{
    if (slice_starts_with(slice_skip(c->text, c->at), SLICE("{{")))
        return wrong(c, "native histograms are not supported");
    if (peek(c) != '_')
        return read_value(c, ret);
    bool repeated;
    uint64_t times = 1;
    c->at++;
    if (read_times(c, &repeated, &times) < 0)
        return -EINVAL;
    *ret = (struct value_run){.kind = RUN_MISSING, .count = times};
    return 0;
}

static bool
is_blank(char ch)
{
    return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r';
}

int
series_values(struct slice text, struct test_series *s, size_t *ret_at,
              const char **ret_why)
{
    struct cursor c = {.text = text};
    for (;;) {
        struct value_run run;
        while (is_blank(peek(&c)))
            c.at++;
        if (c.at == text.n)
            return 0;
        int r = read_item(&c, &run);
        if (r == 0 && c.at < text.n && !is_blank(peek(&c)))
            r = wrong(&c, "expected a blank between two values");
        if (r < 0) {
            *ret_at = c.at;
            *ret_why = c.why;
            return r;
        }
        if (run.count > 0 && vec_push(&s->runs, run) < 0)
            return -ENOMEM;
    }
}

bool
series_next(struct test_series *s, enum run_kind *ret_kind, double *ret_value)
{
    if (s->run == s->runs.n)
        return false;
    const struct value_run *run = &s->runs.p[s->run];
    /* Summed up, as promtool does: the last digit shows it. */
    s->value = s->index == 0 ? run->start : s->value + run->delta;
    *ret_kind = run->kind;
    *ret_value = s->value;
    if (++s->index == run->count) {
        s->run++;
        s->index = 0;
    }
    return true;
}

static int
label_cmp(const void *a, const void *b)
{
    const struct label *x = a, *y = b;
    return slice_cmp(x->name, y->name);
}

static bool
is_plain(const struct selector *s)
{
    for (uint32_t i = 0; i < s->matcher_count; i++) {
        if (s->matchers[i].op != MATCHER_EQ)
            return false;
    }
    return s->pipeline == NULL && s->mod.at == AT_NONE &&
           !s->mod.offset.present;
}

int
series_name(struct slice text, struct arena *a, struct slice *ret_metric,
            const struct label **ret_labels, uint32_t *ret_n, struct err *err)
{
    AUTO(query) *q = NULL;
    int r = query_parse_selector(text, NULL, &q, err);
    if (r < 0)
        return r;
    const struct selector *s = expr_unparen(q->root)->sel;
    if (!is_plain(s))
        return err_set(err, -EINVAL,
                       "a series is a name with labels: up{job=\"x\"}");
    struct label *l = arena_new_array(a, struct label, s->matcher_count + 1);
    if (l == NULL || arena_slice_dup(a, s->name, ret_metric) < 0)
        return -ENOMEM;
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->matcher_count; i++) {
        const struct matcher *m = &s->matchers[i];
        if (slice_eq_str(m->name, "__name__")) {
            if (arena_slice_dup(a, m->value, ret_metric) < 0)
                return -ENOMEM;
            continue;
        }
        if (m->value.n == 0)
            continue; /* an empty label is no label */
        if (arena_slice_dup(a, m->name, &l[n].name) < 0 ||
            arena_slice_dup(a, m->value, &l[n].value) < 0)
            return -ENOMEM;
        n++;
    }
    qsort(l, n, sizeof *l, label_cmp);
    *ret_labels = l;
    *ret_n = n;
    return 0;
}
