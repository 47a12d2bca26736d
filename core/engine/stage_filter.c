/* SPDX-License-Identifier: Apache-2.0 */
/* stage_filter.c - filters of labels and lines behind a stage that changed
 * them, and unwrap. */
#include "config.h"

#include <math.h>

#include <tocsin/plugin.h>

#include "core/base/regex.h"
#include "core/engine/pipeline.h"
#include "core/lang/extract.h"
#include "core/lang/matcher.h"

#define LABEL_FILTER_ERR "LabelFilterErr"

static bool
too_many_steps(struct pipe_run *r)
{
    pipe_undecided(r, LABEL_FILTER_ERR);
    return true;
}

/* --- labels ------------------------------------------------------------- */

/* A text filter sees the error too. */
static struct slice
text_of(const struct pipe_run *r, struct slice name)
{
    if (slice_eq_str(name, "__error__"))
        return r->error;
    if (slice_eq_str(name, "__error_details__"))
        return r->details;
    const struct pipe_label *l = pipe_get(r, name);
    return l == NULL ? (struct slice){0} : l->value;
}

static bool
filter_text(struct pipe_run *r, const struct pipe_filter *f)
{
    enum match m = matcher_match(&f->matcher, text_of(r, f->matcher.name));
    return m == UNKNOWN ? too_many_steps(r) : m == MATCH;
}

static bool
compare_ns(enum compare_op op, int64_t v, int64_t limit)
{
    switch (op) {
    case CMP_EQ:
        return v == limit;
    case CMP_NE:
        return v != limit;
    case CMP_GT:
        return v > limit;
    case CMP_GE:
        return v >= limit;
    case CMP_LT:
        return v < limit;
    case CMP_LE:
        return v <= limit;
    }
    return false;
}

/* Seconds, so that "3600s" is as long as "1h". */
static int64_t
to_ns(double seconds)
{
    double ns = round(seconds * 1e9);
    return fabs(ns) >= 9223372036854775807.0 ? (ns > 0 ? INT64_MAX : INT64_MIN)
                                             : (int64_t)ns;
}

/* A value that can't be read is an error of the record, which passes. */
static bool
filter_value(struct pipe_run *r, const struct pipe_filter *f)
{
    const struct pipe_label *l = pipe_get(r, f->matcher.name);
    char why[CONVERT_WHY_MAX];
    double v = 0;
    int64_t ns = 0;
    int bad;
    if (l == NULL)
        return false;
    if (f->kind == FILTER_DURATION && l->type == TOCSIN_FIELD_DURATION_MS) {
        bad = convert_number(l->value, &v, why);
        ns = to_ns(v / 1000);
    } else if (f->kind == FILTER_DURATION) {
        bad = convert_duration_ns(l->value, &ns, why);
    } else if (f->kind == FILTER_BYTES) {
        bad = convert_bytes(l->value, &v, why);
    } else {
        bad = convert_number(l->value, &v, why);
    }
    if (bad < 0) {
        pipe_fail(r, LABEL_FILTER_ERR, "%s", why);
        return true;
    }
    return f->kind == FILTER_DURATION ? compare_ns(f->op, ns, to_ns(f->number))
                                      : filter_compare(f->op, v, f->number);
}

static bool
filter_ip(struct pipe_run *r, const struct pipe_filter *f)
{
    const struct pipe_label *l = pipe_get(r, f->matcher.name);
    if (r->error.n > 0)
        return true;
    return l != NULL && ip_range_find(&f->ip, l->value) == (f->op == CMP_EQ);
}

bool
stage_filter(struct pipe_run *r, const struct pipe_filter *f)
{
    bool left;
    switch (f->kind) {
    case FILTER_AND: /* both, for their errors */
        left = stage_filter(r, f->left);
        return stage_filter(r, f->right) && left;
    case FILTER_OR:
        return stage_filter(r, f->left) || stage_filter(r, f->right);
    case FILTER_STRING:
        return filter_text(r, f);
    case FILTER_IP:
        return filter_ip(r, f);
    default:
        return filter_value(r, f);
    }
}

/* --- lines -------------------------------------------------------------- */

static enum match
text_matches(const struct line_text *t, struct slice line)
{
    if (t->is_ip)
        return ip_range_find(&t->ip, line) ? MATCH : NO_MATCH;
    if (t->re != NULL)
        return regex_match(t->re, line);
    if (t->pattern != NULL)
        return pattern_test(t->pattern, line) ? MATCH : NO_MATCH;
    bool there =
        t->text.n == 0 ||
        (line.n > 0 && memmem(line.p, line.n, t->text.p, t->text.n) != NULL);
    return there ? MATCH : NO_MATCH;
}

bool
stage_line_filter(struct pipe_run *r, const struct pipe_stage *st)
{
    const struct line_filter *f = &st->line;
    bool negated = f->op == LINE_NOT_CONTAINS || f->op == LINE_NOT_RE ||
                   f->op == LINE_NOT_PATTERN;
    bool any = false;
    for (uint32_t i = 0; i < f->count && !any; i++) {
        enum match m = text_matches(&f->texts[i], r->line);
        if (m == UNKNOWN)
            return too_many_steps(r);
        any = m == MATCH;
    }
    return any != negated;
}

/* --- unwrap ------------------------------------------------------------- */

bool
stage_unwrap(struct pipe_run *r, const struct pipe_stage *st)
{
    const struct pipe_label *l = pipe_get(r, st->name);
    char why[CONVERT_WHY_MAX];
    int64_t ns;
    int bad;
    if (l == NULL || l->value.n == 0)
        return false;
    if (st->as == UNWRAP_DURATION && l->type == TOCSIN_FIELD_DURATION_MS) {
        bad = convert_number(l->value, &r->value, why);
        r->value /= 1000;
    } else if (st->as == UNWRAP_DURATION) {
        bad = convert_duration_ns(l->value, &ns, why);
        if (bad == 0)
            r->value = (double)ns / 1e9;
    } else if (st->as == UNWRAP_BYTES) {
        bad = convert_bytes(l->value, &r->value, why);
    } else {
        bad = convert_number(l->value, &r->value, why);
    }
    if (bad < 0)
        pipe_fail(r, "SampleExtractionErr", "%s", why);
    return true;
}
