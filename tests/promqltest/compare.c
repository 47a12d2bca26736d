/* SPDX-License-Identifier: Apache-2.0 */
/* compare.c - does an evaluation give what a statement expects? */
#include "config.h"

#include "tests/promqltest/promqltest.h"

#include <math.h>

#include "core/base/regex.h"

static const char *const annotation_names[] = {"warn", "info"};

/* --- comparing ----------------------------------------------------------- */

static bool
almost(double want, double got)
{
    if (value_is_stale(want) || value_is_stale(got))
        return value_is_stale(want) && value_is_stale(got);
    if (want == got || (isnan(want) && isnan(got)))
        return true;
    double least = 0x1p-1022, d = fabs(want - got);
    double sum = fabs(want) + fabs(got);
    if (want == 0 || got == 0 || sum < least)
        return d < 1e-6 * least;
    return d / fmin(sum, 0x1.fffffffffffffp1023) < 1e-6;
}

static bool
text_matches(const struct expected_text *t, const char *got)
{
    struct regex *re = NULL;
    if (t->how == TEXT_ANY)
        return true;
    if (t->how == TEXT_EXACT)
        return slice_eq_str(t->text, got);
    if (regex_new(t->text, REGEX_SEARCH, &re, NULL) < 0)
        return false;
    bool yes = regex_match(re, slice_from_str(got)) == MATCH;
    regex_free(re);
    return yes;
}

bool
texts_match(const struct expected_texts *ts, const char *got)
{
    for (uint32_t i = 0; i < ts->n; i++) {
        if (text_matches(&ts->v[i], got))
            return true;
    }
    return ts->n == 0;
}

bool
check_annotations(const struct statement *st, const struct query_result *q,
                  enum annotation kind, struct buf *why)
{
    const struct expected_texts *ts = &st->annotations[kind];
    uint32_t n = 0;
    for (uint32_t i = 0; i < q->n_notes; i++) {
        const struct query_note *note = &q->notes[i];
        if (note->is_info != (kind == INFO))
            continue;
        n++;
        if (st->no[kind] || (ts->n > 0 && !texts_match(ts, note->text)))
            (void)buf_printf(why, "unexpected %s: %s\n", annotation_names[kind],
                             note->text);
    }
    if (st->some[kind] && n == 0)
        (void)buf_printf(why, "no %s\n", annotation_names[kind]);
    for (uint32_t k = 0; k < ts->n; k++) {
        bool found = false;
        for (uint32_t i = 0; i < q->n_notes; i++)
            found |= q->notes[i].is_info == (kind == INFO) &&
                     text_matches(&ts->v[k], q->notes[i].text);
        if (!found)
            (void)buf_printf(why, "no %s: %.*s\n", annotation_names[kind],
                             SLICE_FMT(ts->v[k].text));
    }
    return why->n == 0;
}

static void
print_series_labels(struct buf *b, const struct query_series *s)
{
    (void)buf_putc(b, '{');
    for (uint32_t i = 0; i < s->n_labels; i++)
        (void)buf_printf(b, "%s%.*s=\"%.*s\"", i > 0 ? ", " : "",
                         SLICE_FMT(s->labels[i].name),
                         SLICE_FMT(s->labels[i].value));
    (void)buf_putc(b, '}');
}

static bool
same_labels(const struct test_series *want, const struct query_series *got)
{
    uint32_t k = 0, n = want->n_labels + (want->metric.n > 0);
    if (got->n_labels != n)
        return false;
    for (uint32_t i = 0; i < got->n_labels; i++) {
        const struct label *l = &got->labels[i];
        if (slice_eq_str(l->name, "__name__")) {
            if (!slice_eq(l->value, want->metric))
                return false;
            continue;
        }
        if (k == want->n_labels || !slice_eq(l->name, want->labels[k].name) ||
            !slice_eq(l->value, want->labels[k].value))
            return false;
        k++;
    }
    return true;
}

/* The points that are wanted are those that came. */
static void
check_points(struct test_series *want, const struct query_series *got,
             usec_t start, usec_t step, struct buf *why)
{
    uint32_t k = 0;
    enum run_kind kind;
    double v;
    want->run = 0; /* from its beginning, once more */
    want->index = 0;
    for (int64_t i = 0; series_next(want, &kind, &v); i++) {
        if (kind == RUN_MISSING)
            continue;
        int64_t ms = (start + i * step) / 1000;
        if (kind == RUN_STALE)
            v = value_stale();
        if (k == got->n_samples || (step > 0 && got->samples[k].ms != ms) ||
            !almost(v, got->samples[k].v)) {
            print_series_labels(why, got);
            (void)buf_printf(why, " at %lld ms: expected %.17g, got ",
                             (long long)ms, v);
            if (k < got->n_samples)
                (void)buf_printf(why, "%.17g at %lld ms\n", got->samples[k].v,
                                 (long long)got->samples[k].ms);
            else
                (void)buf_append_str(why, "nothing\n");
            return;
        }
        k++;
    }
    if (k < got->n_samples) {
        print_series_labels(why, got);
        (void)buf_printf(why, " has %u points more: %.17g at %lld ms\n",
                         got->n_samples - k, got->samples[k].v,
                         (long long)got->samples[k].ms);
    }
}

void
check_series(struct statement *st, const struct query_result *q,
             struct buf *why)
{
    usec_t start = st->has_matrix ? st->matrix_start : st->start;
    usec_t step = st->has_matrix ? st->matrix_step : st->step;
    if (q->n_series != st->series.n)
        (void)buf_printf(why, "expected %u series, got %u\n", st->series.n,
                         q->n_series);
    for (uint32_t i = 0; i < q->n_series; i++) {
        uint32_t k = 0;
        while (k < st->series.n &&
               !same_labels(&st->series.p[k], &q->series[i]))
            k++;
        if (k == st->series.n || (st->ordered && k != i)) {
            (void)buf_append_str(why, k == i ? "unexpected " : "not here: ");
            print_series_labels(why, &q->series[i]);
            (void)buf_printf(
                why, " %.17g\n",
                q->series[i].n_samples > 0 ? q->series[i].samples[0].v : NAN);
            continue;
        }
        check_points(&st->series.p[k], &q->series[i], start, step, why);
    }
}

void
check_value(struct statement *st, const struct query_result *q, struct buf *why)
{
    if (st->has_string) {
        if (q->type != LANG_STRING || !slice_eq(q->string, st->string))
            (void)buf_printf(why, "expected a string \"%.*s\"\n",
                             SLICE_FMT(st->string));
    } else if (st->has_scalar && !st->is_range) {
        if (q->type != LANG_SCALAR || !almost(st->scalar, q->scalar))
            (void)buf_printf(why, "expected %.17g, got %.17g\n", st->scalar,
                             q->scalar);
    } else {
        check_series(st, q, why);
    }
}
