/* SPDX-License-Identifier: Apache-2.0 */
/* promqltest FILE… - runs Prometheus' own test language over the engine:
 * "load" puts samples into a store that keeps everything, "eval" asks.
 * What fails is printed with its place; the last line counts.  Statements
 * that need native histograms are skipped.
 *
 * Source of the language:
 * https://github.com/prometheus/prometheus/blob/main/promql/promqltest/README.md
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/duration.h"
#include "core/base/regex.h"
#include "core/base/str.h"
#include "core/engine/engine_priv.h"
#include "core/engine/query.h"
#include "core/run/ruletest_priv.h"

#define FILE_BYTES_MAX ((size_t)64 << 20)
#define SERIES_MAX 10000000u
#define EXPECTS_MAX 64u
#define NATIVES_MAX 256u
#define TEXT_MAX ((size_t)16 << 20)

enum annotation { WARN, INFO, ANNOTATIONS };
static const char *const annotation_names[] = {"warn", "info"};

/* "expect warn regex: …" */
struct expected_text {
    enum { TEXT_ANY, TEXT_EXACT, TEXT_REGEX } how;
    struct slice text;
};

struct expected_texts {
    struct expected_text v[EXPECTS_MAX];
    uint32_t n;
};

struct statement {
    uint32_t line;
    struct slice expr;
    bool is_range;
    usec_t start, end, step;
    bool fails, ordered, no[ANNOTATIONS], some[ANNOTATIONS];
    bool native; /* expects a native histogram */
    struct expected_texts fail, annotations[ANNOTATIONS];
    bool has_matrix; /* expect range vector */
    usec_t matrix_start, matrix_step;
    bool has_string;
    struct slice string;
    bool has_scalar;
    double scalar;
    VEC(struct test_series) series;
};

struct runner {
    const char *file;
    struct slice rest; /* of the file */
    uint32_t line;     /* of the one that was read */
    struct engine *e;
    struct arena arena; /* of a file */
    struct slice natives[NATIVES_MAX];
    uint32_t n_natives;
    uint64_t passed, failed, skipped;
    bool quiet;
};

/* --- lines --------------------------------------------------------------- */

static struct slice
trim(struct slice s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = slice_skip(s, 1);
    while (s.n > 0 && strchr(" \t\r", s.p[s.n - 1]) != NULL)
        s.n--;
    return s;
}

/* False at the end of the file.  A comment is an empty line. */
static bool
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

static void
bad_file(const struct runner *r, const char *what, struct slice text)
{
    fprintf(stderr, "%s:%u: %s: %.*s\n", r->file, r->line, what,
            SLICE_FMT(text));
    exit(2);
}

/* Takes the next word off. */
static struct slice
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

static bool
take_word(struct slice *s, const char *want)
{
    struct slice rest = *s;
    if (!slice_eq_str(word(&rest), want))
        return false;
    *s = rest;
    return true;
}

/* "5m", "-5m", "300". */
static usec_t
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
static int
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

/* The labels with the name among them. */
static struct lset *
series_lset(struct runner *r, const struct test_series *s)
{
    struct label *l = arena_new_array(&r->arena, struct label, s->n_labels + 1);
    CHECK(l != NULL);
    if (s->n_labels > 0)
        memcpy(l, s->labels, s->n_labels * sizeof *l);
    l[s->n_labels] = (struct label){SLICE("__name__"), s->metric};
    struct lset *set = lset_new(r->e->labels, l, s->n_labels + 1);
    CHECK(set != NULL);
    return set;
}

/* --- the store ----------------------------------------------------------- */

static void
ignore(void *arg, const struct transition *t)
{
}

static void
clear(struct runner *r)
{
    struct engine_options o = {.emit = ignore, .max_keys_per_rule = SERIES_MAX};
    engine_free(r->e);
    r->e = engine_new(&o);
    /* A view of everything, read by nobody: everything is kept. */
    CHECK(r->e != NULL &&
          seriesdb_add_view(r->e->series, SLICE(""), NULL, 0) == 0);
    r->n_natives = 0;
}

static void
note_native(struct runner *r, struct slice metric)
{
    if (r->n_natives < NATIVES_MAX)
        r->natives[r->n_natives++] = metric;
}

static void
load_series(struct runner *r, struct test_series *s, struct lset *l,
            usec_t step)
{
    enum run_kind kind;
    double v;
    for (int64_t ms = 0; series_next(s, &kind, &v); ms += step / 1000) {
        if (kind == RUN_STALE)
            v = value_stale();
        if (kind != RUN_MISSING)
            CHECK(seriesdb_record(r->e->series, 1, l, (struct sample){ms, v}) ==
                  SERIES_KEPT);
    }
}

struct loaded {
    struct test_series s;
    struct lset *l;
};

static void
load(struct runner *r, struct slice line)
{
    usec_t step = read_duration(r, word(&line));
    VEC(struct loaded) all = {0};
    struct slice s;
    while (next_line(r, &s) && s.n > 0) {
        struct loaded k;
        if (memmem(s.p, s.n, "@st", 3) != NULL)
            bad_file(r, "start timestamps are not supported", s);
        if (read_series(r, s, &k.s) == 0) {
            note_native(r, k.s.metric);
            continue;
        }
        k.l = series_lset(r, &k.s);
        CHECK(vec_push(&all, k) == 0);
    }
    for (uint32_t i = 0; i < all.n; i++) {
        bool again = false; /* the last of equal ones counts */
        for (uint32_t k = i + 1; k < all.n; k++)
            again |= all.p[k].l == all.p[i].l;
        if (!again)
            load_series(r, &all.p[i].s, all.p[i].l, step);
    }
    for (uint32_t i = 0; i < all.n; i++) {
        lset_unref(r->e->labels, all.p[i].l);
        vec_free(&all.p[i].s.runs);
    }
    vec_free(&all);
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
static void
read_eval(struct runner *r, struct slice mode, struct slice s,
          struct statement *st)
{
    *st = (struct statement){.line = r->line};
    st->fails = slice_eq_str(mode, "eval_fail");
    st->ordered = slice_eq_str(mode, "eval_ordered");
    st->some[WARN] = slice_eq_str(mode, "eval_warn");
    st->some[INFO] = slice_eq_str(mode, "eval_info");
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

static bool
texts_match(const struct expected_texts *ts, const char *got)
{
    for (uint32_t i = 0; i < ts->n; i++) {
        if (text_matches(&ts->v[i], got))
            return true;
    }
    return ts->n == 0;
}

static bool
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

static void
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

static void
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

/* --- running ------------------------------------------------------------- */

static bool
needs_natives(const struct runner *r, const struct statement *st)
{
    if (st->native)
        return true;
    for (uint32_t i = 0; i < r->n_natives; i++) {
        if (memmem(st->expr.p, st->expr.n, r->natives[i].p, r->natives[i].n) !=
            NULL)
            return true;
    }
    return false;
}

static void
ask(struct runner *r, struct statement *st, struct buf *why)
{
    struct err err = ERR_INIT;
    struct query_result q;
    struct engine_query eq = {.expr = st->expr,
                              .when = {st->start, st->end, st->step}};
    int x = engine_query(r->e, &eq, &q, &err);
    if (x < 0) {
        if (!st->fails)
            (void)buf_printf(why, "error: %s\n", err.message);
        else if (!texts_match(&st->fail, err.message))
            (void)buf_printf(why, "the error is: %s\n", err.message);
        return;
    }
    if (st->fails)
        (void)buf_append_str(why, "it did not fail\n");
    else if (check_annotations(st, &q, WARN, why) &&
             check_annotations(st, &q, INFO, why))
        check_value(st, &q, why);
    query_result_fini(&q);
}

static void
eval(struct runner *r, struct slice mode, struct slice line)
{
    struct statement st;
    AUTO_FINI(buf) why = BUF_INIT(TEXT_MAX);
    read_eval(r, mode, line, &st);
    if (needs_natives(r, &st)) {
        r->skipped++;
    } else {
        ask(r, &st, &why);
        r->failed += why.n > 0;
        r->passed += why.n == 0;
    }
    if (why.n > 0 && !r->quiet)
        printf("%s:%u: %.*s\n%s", r->file, st.line, SLICE_FMT(st.expr),
               buf_str(&why));
    for (uint32_t i = 0; i < st.series.n; i++)
        vec_free(&st.series.p[i].runs);
    vec_free(&st.series);
}

static struct slice
read_file(struct runner *r)
{
    FILE *f = fopen(r->file, "rb");
    struct buf b = BUF_INIT(FILE_BYTES_MAX);
    char piece[65536];
    size_t n;
    if (f == NULL) {
        fprintf(stderr, "%s: %s\n", r->file, strerror(errno));
        exit(2);
    }
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        CHECK(buf_append(&b, piece, n) == 0);
    fclose(f);
    struct slice text;
    CHECK(arena_slice_dup(&r->arena, buf_slice(&b), &text) == 0);
    buf_fini(&b);
    return text;
}

static void
run_file(struct runner *r)
{
    struct slice line;
    r->line = 0;
    r->rest = read_file(r);
    clear(r);
    while (next_line(r, &line)) {
        struct slice rest = line, command = word(&rest);
        if (command.n == 0)
            continue;
        if (slice_starts_with(command, SLICE("eval")))
            eval(r, command, rest);
        else if (slice_starts_with(command, SLICE("load")))
            load(r, rest);
        else if (slice_eq_str(command, "clear"))
            clear(r);
        else
            bad_file(r, "unknown command", line);
    }
}

int
main(int argc, char **argv)
{
    struct runner r = {.file = NULL};
    for (int i = 1; i < argc; i++) {
        r.file = argv[i];
        arena_init(&r.arena, 64 << 10, (size_t)4 << 30);
        run_file(&r);
        arena_fini(&r.arena);
    }
    engine_free(r.e);
    if (r.skipped > 0)
        printf("%llu passed, %llu failed, %llu skipped\n",
               (unsigned long long)r.passed, (unsigned long long)r.failed,
               (unsigned long long)r.skipped);
    else
        printf("%llu passed, %llu failed\n", (unsigned long long)r.passed,
               (unsigned long long)r.failed);
    return r.failed > 0;
}
