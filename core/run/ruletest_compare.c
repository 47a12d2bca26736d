/* SPDX-License-Identifier: Apache-2.0 */
/* ruletest_compare.c - what came beside what was expected, as a diff. */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "core/base/duration.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/run/ruletest_priv.h"

#define TEXT_MAX ((size_t)16 << 20)

/* --- texts --------------------------------------------------------------- */

int
test_fail(struct test_run *r, unsigned line, const char *diff, const char *fmt,
          ...)
{
    struct arena *a = &r->report->arena;
    va_list ap;
    va_start(ap, fmt);
    struct ruletest_failure f = {.line = line,
                                 .what = arena_vprintf(a, fmt, ap),
                                 .diff = arena_strdup(a, diff)};
    va_end(ap);
    if (f.what == NULL || f.diff == NULL)
        return -ENOMEM;
    return vec_push(&r->result->failures, f);
}

void
print_labels(struct buf *b, struct slice name, const struct label *l,
             uint32_t n)
{
    (void)buf_append_slice(b, name);
    (void)buf_putc(b, '{');
    for (uint32_t i = 0; i < n; i++) {
        (void)buf_printf(b, "%s%.*s=", i > 0 ? ", " : "", SLICE_FMT(l[i].name));
        (void)buf_append_json_string(b, l[i].value);
    }
    (void)buf_putc(b, '}');
}

/* Lines to compare: each is a text, and all that decides. */
struct lines {
    struct arena *arena;
    VEC(const char *) list;
};

static int
line_add(struct lines *l, struct buf *b)
{
    const char *text =
        buf_error(b) < 0 ? NULL : arena_strndup(l->arena, b->p, b->n);
    return text == NULL ? -ENOMEM : vec_push(&l->list, text);
}

static int
line_cmp(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
lines_sort(struct lines *l)
{
    if (l->list.n > 1)
        qsort(l->list.p, l->list.n, sizeof *l->list.p, line_cmp);
}

/* "- " what did not come, "+ " what was not expected, "  " what is right;
 * false where all is right. */
static bool
lines_diff(struct lines *exp, struct lines *got, struct buf *b)
{
    bool differ = false;
    uint32_t i = 0, k = 0;
    lines_sort(exp);
    lines_sort(got);
    while (i < exp->list.n || k < got->list.n) {
        int c = i == exp->list.n   ? 1
                : k == got->list.n ? -1
                                   : strcmp(exp->list.p[i], got->list.p[k]);
        const char *text = c <= 0 ? exp->list.p[i] : got->list.p[k];
        (void)buf_printf(b, "%s%s\n", c < 0 ? "- " : c > 0 ? "+ " : "  ", text);
        differ |= c != 0;
        i += c <= 0;
        k += c >= 0;
    }
    if (exp->list.n == 0)
        (void)buf_printf(b, "  (nothing was expected)\n");
    if (got->list.n == 0)
        (void)buf_printf(b, "  (nothing came)\n");
    return differ;
}

/* --- alerts -------------------------------------------------------------- */

static int
alert_line(struct lines *l, uint8_t state, const struct label *labels,
           uint32_t n, const struct label *annotations, uint32_t m)
{
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    (void)buf_printf(&b, "%s ", alert_state_name(state));
    print_labels(&b, SLICE(""), labels, n);
    if (m > 0) {
        (void)buf_putc(&b, ' ');
        print_labels(&b, SLICE("annotations"), annotations, m);
    }
    return line_add(l, &b);
}

struct collecting {
    const struct alert_check *check;
    struct lines *got;
};

/* Empty texts are as good as none, as Prometheus' labels have it. */
static uint32_t
not_empty(const struct label *l, uint32_t n, struct label *ret)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (l[i].value.n > 0)
            ret[k++] = l[i];
    }
    return k;
}

static int
collect(void *arg, const struct transition *t)
{
    struct collecting *c = arg;
    bool wanted =
        t->state == ALERT_FIRING || (t->state == ALERT_PENDING &&
                                     (c->check->none || c->check->has_pending));
    if (!wanted || !slice_eq(t->rule, c->check->alertname))
        return 0;
    struct label *a =
        arena_new_array(c->got->arena, struct label, t->n_annotations + 1);
    if (a == NULL)
        return -ENOMEM;
    uint32_t n = not_empty(t->annotations, t->n_annotations, a);
    return alert_line(c->got, t->state, t->labels, t->n_labels, a, n);
}

static int
compare_active(struct test_run *r, struct alert_check *c, struct arena *a,
               struct buf *diff, bool *ret_differ)
{
    struct lines exp = {.arena = a}, got = {.arena = a};
    struct collecting ctx = {c, &got};
    int e = 0;
    for (uint32_t i = 0; e == 0 && i < c->n_alerts; i++) {
        const struct exp_alert *x = &c->alerts[i];
        e = alert_line(&exp, x->state, x->labels, x->n_labels, x->annotations,
                       x->n_annotations);
    }
    if (e == 0)
        e = engine_alerts(r->engine, collect, &ctx);
    if (e == 0)
        *ret_differ = lines_diff(&exp, &got, diff);
    vec_free(&exp.list);
    vec_free(&got.list);
    return e;
}

static bool
same_labels(const struct exp_alert *x, const struct test_episode *e)
{
    bool same = x->n_labels == e->n_labels;
    for (uint32_t i = 0; same && i < x->n_labels; i++)
        same = slice_eq(x->labels[i].name, e->labels[i].name) &&
               slice_eq(x->labels[i].value, e->labels[i].value);
    return same;
}

/* Are the annotations of this episode asked for? */
static bool
asks_annotations(const struct alert_check *c, const struct test_episode *e)
{
    for (uint32_t i = 0; i < c->n_resolved; i++) {
        if (same_labels(&c->resolved[i], e))
            return c->resolved[i].has_annotations;
    }
    return true;
}

static int
compare_resolved(struct test_run *r, struct alert_check *c, struct arena *a,
                 struct buf *diff, bool *ret_differ)
{
    struct lines exp = {.arena = a}, got = {.arena = a};
    int e = 0;
    for (uint32_t i = 0; e == 0 && i < c->n_resolved; i++) {
        const struct exp_alert *x = &c->resolved[i];
        e = alert_line(&exp, ALERT_RESOLVED, x->labels, x->n_labels,
                       x->annotations, x->n_annotations);
    }
    for (uint32_t i = 0; e == 0 && i < r->episodes.n; i++) {
        const struct test_episode *x = &r->episodes.p[i];
        if (!x->resolved || !slice_eq_str(c->alertname, x->alertname))
            continue;
        e = alert_line(&got, ALERT_RESOLVED, x->labels, x->n_labels,
                       x->annotations,
                       asks_annotations(c, x) ? x->n_annotations : 0);
    }
    if (e == 0)
        *ret_differ = lines_diff(&exp, &got, diff);
    vec_free(&exp.list);
    vec_free(&got.list);
    return e;
}

int
check_alerts(struct test_run *r, struct alert_check *c)
{
    AUTO_FINI(arena) a;
    AUTO_FINI(buf) diff = BUF_INIT(TEXT_MAX);
    AUTO_FINI(buf) more = BUF_INIT(TEXT_MAX);
    bool differ = false, over = false;
    char at[DURATION_STR_MAX];
    arena_init(&a, 16 << 10, TEXT_MAX);
    (void)duration_format(c->time, at);
    int e = compare_active(r, c, &a, &diff, &differ);
    if (e == 0 && differ)
        e = test_fail(r, c->line, buf_str(&diff), "alert %.*s at %s",
                      SLICE_FMT(c->alertname), at);
    if (e == 0 && c->has_resolved)
        e = compare_resolved(r, c, &a, &more, &over);
    if (e == 0 && over)
        e = test_fail(r, c->line, buf_str(&more), "alert %.*s, resolved by %s",
                      SLICE_FMT(c->alertname), at);
    return e;
}

/* --- expressions --------------------------------------------------------- */

/* One step of a double apart, where the file asks for that. */
static bool
values_match(bool fuzzy, double a, double b)
{
    if (a == b || (isnan(a) && isnan(b)))
        return true;
    return fuzzy &&
           (nextafter(a, -INFINITY) == b || nextafter(a, INFINITY) == b);
}

static int
sample_line(struct lines *l, const struct label *labels, uint32_t n, double v)
{
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    char value[STR_DOUBLE_MAX];
    struct slice name = {0};
    (void)str_format_double(v, STR_DOUBLE_G, value);
    bool named = n > 0 && slice_eq_str(labels[0].name, "__name__");
    if (named)
        name = labels[0].value;
    if (named && n == 1)
        (void)buf_append_slice(&b, name);
    else
        print_labels(&b, name, named ? labels + 1 : labels, n - named);
    (void)buf_printf(&b, " %s", value);
    return line_add(l, &b);
}

static bool
labels_equal(const struct label *a, uint32_t n, const struct label *b,
             uint32_t m)
{
    for (uint32_t i = 0; n == m && i < n; i++) {
        if (!slice_eq(a[i].name, b[i].name) ||
            !slice_eq(a[i].value, b[i].value))
            return false;
    }
    return n == m;
}

/* What is near enough to an expected value is printed as that. */
static double
nearest_expected(bool fuzzy, const struct expr_check *c,
                 const struct trial_sample *s)
{
    for (uint32_t i = 0; i < c->n_samples; i++) {
        const struct exp_sample *x = &c->samples[i];
        if (labels_equal(x->labels, x->n_labels, s->labels, s->n_labels) &&
            values_match(fuzzy, x->value, s->value))
            return x->value;
    }
    return s->value;
}

int
check_answer(struct test_run *r, struct expr_check *c,
             const struct trial_result *t)
{
    AUTO_FINI(arena) a;
    AUTO_FINI(buf) diff = BUF_INIT(TEXT_MAX);
    char at[DURATION_STR_MAX];
    arena_init(&a, 16 << 10, TEXT_MAX);
    (void)duration_format(c->time, at);
    if (t->error != NULL)
        return test_fail(r, c->line, "", "expr %.*s at %s: %s",
                         SLICE_FMT(c->expr), at, t->error);
    struct lines exp = {.arena = &a}, got = {.arena = &a};
    int e = 0;
    for (uint32_t i = 0; e == 0 && i < c->n_samples; i++)
        e = sample_line(&exp, c->samples[i].labels, c->samples[i].n_labels,
                        c->samples[i].value);
    for (uint32_t i = 0; e == 0 && i < t->n; i++)
        e = sample_line(&got, t->samples[i].labels, t->samples[i].n_labels,
                        nearest_expected(r->file->fuzzy, c, &t->samples[i]));
    if (e == 0 && lines_diff(&exp, &got, &diff))
        e = test_fail(r, c->line, buf_str(&diff), "expr %.*s at %s",
                      SLICE_FMT(c->expr), at);
    vec_free(&exp.list);
    vec_free(&got.list);
    return e;
}
