/* SPDX-License-Identifier: Apache-2.0 */
/* read.c - Prometheus' test language. */
#include "config.h"

#include "tests/promqltest/promqltest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/duration.h"
#include "core/base/str.h"

/* --- lines --------------------------------------------------------------- */

struct slice
trim(struct slice s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = slice_skip(s, 1);
    while (s.n > 0 && strchr(" \t\r", s.p[s.n - 1]) != NULL)
        s.n--;
    return s;
}

/* False at the end of the file.  A comment is an empty line. */
bool
next_line(struct runner *r, struct slice *ret)
{
    if (r->rest.n == 0)
        return false;
    const char *nl = memchr(r->rest.p, '\n', r->rest.n);
    size_t n = nl == NULL ? r->rest.n : (size_t)(nl - r->rest.p);
    *ret = trim(slice_new(r->rest.p, n));
    r->rest = slice_skip(r->rest, MIN(n + 1, r->rest.n));
    r->line++;
    if (ret->n > 0 && ret->p[0] == '#')
        ret->n = 0;
    return true;
}

void
bad_file(const struct runner *r, const char *what, struct slice text)
{
    fprintf(stderr, "%s:%u: %s: %.*s\n", r->file, r->line, what,
            SLICE_FMT(text));
    exit(2);
}

/* Takes the next word off. */
struct slice
word(struct slice *s)
{
    size_t n = 0;
    *s = trim(*s);
    while (n < s->n && s->p[n] != ' ' && s->p[n] != '\t')
        n++;
    struct slice w = slice_new(s->p, n);
    *s = trim(slice_skip(*s, n));
    return w;
}

bool
has_prefix(struct slice s, const char *want)
{
    struct slice w = slice_from_str(want);
    return s.n >= w.n && str_ieq(slice_new(s.p, w.n), w);
}

bool
take_word(struct slice *s, const char *want)
{
    struct slice rest = *s;
    if (!str_ieq(word(&rest), slice_from_str(want)))
        return false;
    *s = rest;
    return true;
}

/* "5m", "-5m", "300". */
usec_t
read_duration(const struct runner *r, struct slice w)
{
    usec_t us = 0;
    double s;
    bool minus = w.n > 0 && w.p[0] == '-';
    struct slice d = minus ? slice_skip(w, 1) : w;
    if (str_parse_double(d, 0, &s) == 0)
        us = (usec_t)llround(s * USEC_PER_SEC);
    else if (duration_parse(d, &us, NULL) < 0)
        bad_file(r, "no duration", w);
    return minus ? -us : us;
}

/* --- series -------------------------------------------------------------- */

/* Bytes of 'up{a="b"}'. */
static size_t
name_bytes(struct slice s)
{
    char quote = 0;
    bool braces = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (quote != 0) {
            if (c == '\\' && quote != '`')
                i++;
            else if (c == quote)
                quote = 0;
        } else if (c == '"' || c == '\'' || c == '`') {
            quote = c;
        } else if (c == '{') {
            braces = true;
        } else if (c == '}') {
            return i + 1;
        } else if (!braces && (c == ' ' || c == '\t')) {
            return i;
        }
    }
    return s.n;
}

static bool
has_native(struct slice s)
{
    return memmem(s.p, s.n, "{{", 2) != NULL;
}

/* 1; 0: it has native histograms. */
int
read_series(struct runner *r, struct slice s, struct test_series *ret)
{
    size_t n = name_bytes(s), at;
    const char *why = "";
    struct err err = ERR_INIT;
    struct slice name = slice_new(s.p, n), values = trim(slice_skip(s, n));
    *ret = (struct test_series){.labels = NULL};
    if (slice_eq_str(name, "{}"))
        ret->labels = arena_new_array(&r->arena, struct label, 1);
    else if (series_name(name, &r->arena, &ret->metric, &ret->labels,
                         &ret->n_labels, &err) < 0)
        bad_file(r, err.message, s);
    if (has_native(values))
        return 0;
    if (series_values(values, ret, &at, &why) < 0)
        bad_file(r, why, s);
    return 1;
}

/* --- statements ---------------------------------------------------------- */

static void
read_text(struct runner *r, struct slice s, struct expected_texts *to)
{
    struct expected_text t = {.how = TEXT_ANY};
    if (slice_starts_with(s, SLICE("msg:")))
        t.how = TEXT_EXACT;
    else if (slice_starts_with(s, SLICE("regex:")))
        t.how = TEXT_REGEX;
    else if (s.n > 0)
        bad_file(r, "expected msg: or regex:", s);
    if (s.n > 0)
        t.text = trim(slice_skip(s, t.how == TEXT_EXACT ? 4 : 6));
    if (to->n < EXPECTS_MAX)
        to->v[to->n++] = t;
}

static void
read_expect(struct runner *r, struct slice s, struct statement *st)
{
    struct slice what = word(&s);
    if (slice_eq_str(what, "ordered")) {
        st->ordered = true;
    } else if (slice_eq_str(what, "fail")) {
        st->fails = true;
        read_text(r, s, &st->fail);
    } else if (slice_eq_str(what, "warn")) {
        read_text(r, s, &st->annotations[WARN]);
    } else if (slice_eq_str(what, "info")) {
        read_text(r, s, &st->annotations[INFO]);
    } else if (slice_eq_str(what, "no_warn")) {
        st->no[WARN] = true;
    } else if (slice_eq_str(what, "no_info")) {
        st->no[INFO] = true;
    } else if (slice_eq_str(what, "string")) {
        struct query *q = NULL;
        if (query_parse(s, NULL, &q, NULL) < 0 ||
            q->root->kind != EXPR_STRING ||
            arena_slice_dup(&r->arena, q->root->string, &st->string) < 0)
            bad_file(r, "no string", s);
        query_free(q);
        st->has_string = true;
    } else if (slice_eq_str(what, "range") && take_word(&s, "vector") &&
               take_word(&s, "from")) {
        st->has_matrix = true;
        st->matrix_start = read_duration(r, word(&s));
        (void)take_word(&s, "to");
        (void)word(&s);
        (void)take_word(&s, "step");
        st->matrix_step = read_duration(r, word(&s));
    } else {
        bad_file(r, "unknown expectation", what);
    }
}

static void
read_result(struct runner *r, struct slice s, struct statement *st)
{
    struct slice rest = s;
    struct test_series series;
    if (take_word(&rest, "expect")) {
        read_expect(r, rest, st);
    } else if (take_word(&rest, "expected_fail_message")) {
        st->fail.v[st->fail.n++] = (struct expected_text){TEXT_EXACT, rest};
    } else if (take_word(&rest, "expected_fail_regexp")) {
        st->fail.v[st->fail.n++] = (struct expected_text){TEXT_REGEX, rest};
    } else if (str_parse_double(s, STR_INF_NAN, &st->scalar) == 0) {
        st->has_scalar = true;
    } else if (slice_starts_with(s, SLICE("{{"))) {
        st->native = true;
    } else if (read_series(r, s, &series) == 0) {
        st->native = true;
    } else {
        CHECK(vec_push(&st->series, series) == 0);
    }
}

/* The rest of "eval_warn instant at 5m up". */
void
read_eval(struct runner *r, struct slice mode, struct slice s,
          struct statement *st)
{
    *st = (struct statement){.line = r->line};
    st->fails = has_prefix(mode, "eval_fail");
    st->ordered = has_prefix(mode, "eval_ordered");
    st->some[WARN] = has_prefix(mode, "eval_warn");
    st->some[INFO] = has_prefix(mode, "eval_info");
    if (take_word(&s, "instant")) {
        if (take_word(&s, "at"))
            st->start = st->end = read_duration(r, word(&s));
    } else if (take_word(&s, "range")) {
        st->is_range = true;
        (void)take_word(&s, "from");
        st->start = read_duration(r, word(&s));
        (void)take_word(&s, "to");
        st->end = read_duration(r, word(&s));
        (void)take_word(&s, "step");
        st->step = read_duration(r, word(&s));
    } else {
        bad_file(r, "neither instant nor range", s);
    }
    st->expr = s;
    struct slice line;
    while (next_line(r, &line) && line.n > 0)
        read_result(r, line, st);
}
