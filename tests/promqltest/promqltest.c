/* SPDX-License-Identifier: Apache-2.0 */
/* promqltest FILE… - runs Prometheus' own test language over the engine:
 * "load" puts samples into a store that keeps everything, "eval" asks; what an
 * instant gives is asked once more as the middle of a range.  What fails is
 * printed with its place, as are statements that need native histograms or
 * start timestamps, which are skipped; the last line counts.
 *
 * Source of the language:
 * https://github.com/prometheus/prometheus/blob/main/promql/promqltest/README.md
 */
#include "config.h"

#include "tests/promqltest/promqltest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/check.h"

#define FILE_BYTES_MAX ((size_t)64 << 20)
#define SERIES_MAX 10000000u

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
    r->absent.n = 0;
}

static void
note_absent(struct runner *r, const struct test_series *s, const char *why)
{
    struct absent a = {s->metric, s->labels, s->n_labels, why};
    CHECK(vec_push(&r->absent, a) == 0);
}

/* load_with_nhcb makes a histogram of buckets, under their name. */
static void
note_made(struct runner *r, const struct test_series *s)
{
    static const char *const ends[] = {"_bucket", "_sum", "_count"};
    struct label *l = arena_new_array(&r->arena, struct label, s->n_labels + 1);
    struct test_series made = {.labels = l};
    CHECK(l != NULL);
    for (uint32_t i = 0; i < s->n_labels; i++) {
        if (!slice_eq_str(s->labels[i].name, "le"))
            l[made.n_labels++] = s->labels[i];
    }
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        if (!slice_ends_with(s->metric, slice_from_str(ends[i])))
            continue;
        made.metric = slice_new(s->metric.p, s->metric.n - strlen(ends[i]));
        note_absent(r, &made, NATIVE);
        return;
    }
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
load(struct runner *r, struct slice mode, struct slice line)
{
    usec_t step = read_duration(r, word(&line));
    VEC(struct loaded) all = {0};
    struct slice s;
    bool starts = false; /* the line before said them */
    while (next_line(r, &s) && s.n > 0) {
        struct loaded k;
        if (memmem(s.p, s.n, "@st ", 4) != NULL) {
            starts = true;
            continue;
        }
        bool native = read_series(r, s, &k.s) == 0;
        if (!native && has_prefix(mode, "load_with_nhcb"))
            note_made(r, &k.s);
        if (native || starts) {
            note_absent(r, &k.s, native ? NATIVE : STARTS);
            vec_free(&k.s.runs);
            starts = false;
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

static void
eval(struct runner *r, struct slice mode, struct slice line)
{
    struct statement st;
    AUTO_FINI(buf) why = BUF_INIT(TEXT_MAX);
    read_eval(r, mode, line, &st);
    const char *missing = needs(r, &st);
    if (missing != NULL) {
        r->skipped++;
        printf("%s:%u: not supported: %s\n", r->file, st.line, missing);
    } else {
        ask(r, &st, &why);
        r->failed += why.n > 0;
        r->passed += why.n == 0;
    }
    if (why.n > 0)
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
        if (has_prefix(command, "eval"))
            eval(r, command, rest);
        else if (has_prefix(command, "load"))
            load(r, command, rest);
        else if (has_prefix(command, "clear"))
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
    vec_free(&r.absent);
    if (r.skipped > 0)
        printf("%llu passed, %llu failed, %llu skipped\n",
               (unsigned long long)r.passed, (unsigned long long)r.failed,
               (unsigned long long)r.skipped);
    else
        printf("%llu passed, %llu failed\n", (unsigned long long)r.passed,
               (unsigned long long)r.failed);
    return r.failed > 0;
}
