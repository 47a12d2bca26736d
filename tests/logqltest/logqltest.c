/* SPDX-License-Identifier: Apache-2.0 */
/* logqltest.c - runs scripts of Loki's test language against the engine.
 *
 *     logqltest FILE…         "N passed, N failed" at the end; status 1 if any
 *
 * Each query becomes the one rule of an engine of its own, in LogQL's reading
 * (engine_options.logql): one stream whose labels are those of the script and
 * the words of the query. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <tocsin/plugin.h>

#include "core/base/check.h"
#include "core/base/regex.h"
#include "core/base/str.h"
#include "core/engine/engine_priv.h"
#include "core/lang/query.h"
#include "tests/logqltest/script.h"

#define PAYLOAD_MAX (64u << 20)
#define T0 ((usec_t)1767225600 * USEC_PER_SEC)
#define STEPS_MAX 1000u
#define FIELDS_MAX 250u

/* A query being run. */
struct run {
    struct script *sc;
    const struct eval_command *c;
    usec_t base; /* the script's beginning, so that 'from' is a slot */
    struct schema_field fields[FIELDS_MAX];
    uint32_t n_fields;
    struct engine *e;
    uint64_t pos;
    char problem[2048];
};

struct totals {
    unsigned passed, failed;
};

PRINTF_LIKE(2, 3)
static bool
wrong(struct run *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(r->problem, sizeof r->problem, fmt, ap);
    va_end(ap);
    return false;
}

/* --- the stream --------------------------------------------------------- */

static void
declare(struct run *r, struct slice name)
{
    for (uint32_t i = 0; i < r->n_fields; i++) {
        if (slice_eq(r->fields[i].name, name))
            return;
    }
    if (r->n_fields < FIELDS_MAX && name.n > 0)
        r->fields[r->n_fields++] = (struct schema_field){
            name, TOCSIN_FIELD_STRING, TOCSIN_FIELD_LABEL};
}

static bool
is_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') ||
           (str_lower(c) >= 'a' && str_lower(c) <= 'z');
}

static struct schema *
make_schema(struct run *r)
{
    struct slice q = r->c->query;
    for (uint32_t i = 0; i < r->sc->logs.n; i++) {
        const struct log_line *l = &r->sc->logs.p[i];
        for (uint32_t k = 0; k < l->n_labels; k++)
            declare(r, l->labels[k].name);
    }
    for (size_t i = 0; i < q.n; i++) {
        size_t n = 0;
        while (i + n < q.n && is_word(q.p[i + n]))
            n++;
        if (n > 0 && !(q.p[i] >= '0' && q.p[i] <= '9'))
            declare(r, slice_new(q.p + i, n));
        i += n;
    }
    struct schema_stream stream = {SLICE("logs"), 0, r->n_fields, r->fields};
    static const uint16_t ids[] = {0};
    struct schema_input input = {.name = SLICE("loki"),
                                 .lateness_us = 0,
                                 .active = true,
                                 .n_streams = 1,
                                 .streams = ids};
    struct err err = ERR_INIT;
    AUTO(schema_builder) *b = schema_builder_new(NULL);
    CHECK(b != NULL && schema_add_stream(b, &stream, &err) == 0);
    CHECK(schema_add_input(b, &input, &err) == 0);
    struct schema *s = schema_build(b, USEC_PER_MINUTE);
    CHECK(s != NULL);
    return s;
}

/* --- frames ------------------------------------------------------------- */

static void
feed(struct run *r, unsigned type, struct slice payload)
{
    void *copy = mem_alloc(payload.n + 8); /* where 8 divides */
    CHECK(copy != NULL);
    if (payload.n > 0)
        memcpy(copy, payload.p, payload.n);
    struct frame f = {.pos = r->pos,
                      .next = r->pos + 8,
                      .time = r->base,
                      .type = (uint16_t)type,
                      .payload = {copy, payload.n}};
    r->pos = f.next;
    CHECK(engine_feed(r->e, &f) == 0);
    mem_free(copy);
}

static void
add_log(struct chunk_builder *b, const struct schema_stream *s,
        const struct log_line *l, usec_t base)
{
    struct chunk_value values[LABELS_OF_LINE];
    unsigned n = 0;
    int64_t at = chunk_add_raw(b, l->line);
    CHECK(at >= 0);
    for (uint32_t i = 0; i < l->n_labels; i++) {
        int id = schema_stream_field(s, l->labels[i].name);
        if (l->labels[i].value.n == 0)
            continue;
        int64_t text = chunk_add_text(b, l->labels[i].value);
        CHECK(id >= 0 && text >= 0);
        values[n].offset = (uint32_t)text;
        values[n++].length_id =
            (uint32_t)l->labels[i].value.n << 8 | (uint32_t)id;
    }
    struct chunk_record rec = {.time_us = base + l->t,
                               .offset = (uint32_t)at,
                               .length = (uint32_t)l->line.n,
                               .kind = RECORD_EVENT};
    CHECK(chunk_add_record(b, &rec, values, n) == 0);
}

static void
feed_logs(struct run *r, const struct schema *s)
{
    AUTO(chunk_builder) *b = chunk_builder_new(PAYLOAD_MAX);
    struct chunk_position next = {0};
    struct slice parts[CHUNK_PARTS];
    AUTO_FINI(buf) out = BUF_INIT(PAYLOAD_MAX);
    CHECK(b != NULL);
    chunk_begin(b, 0, SLICE("0"), r->base + 365 * 24 * USEC_PER_HOUR);
    for (uint32_t i = 0; i < r->sc->logs.n; i++)
        add_log(b, &s->streams[0], &r->sc->logs.p[i], r->base);
    int n = chunk_end(b, &next, parts);
    for (int i = 0; i < n; i++)
        (void)buf_append_slice(&out, parts[i]);
    CHECK(buf_error(&out) == 0);
    feed(r, FRAME_CHUNK, buf_slice(&out));
}

/* The group's file with the query as its only rule. */
static void
make_rules(const struct run *r, struct buf *out)
{
    (void)buf_printf(out,
                     "groups: [{name: g, interval: %lldms, rules: "
                     "[{record: result, expr: ",
                     (long long)(r->c->step / USEC_PER_MSEC));
    (void)buf_append_json_string(out, r->c->query);
    CHECK(buf_append_str(out, "}]}]\n") == 0);
}

/* False with the reason if the query is none. */
static bool
start(struct run *r, struct schema *s)
{
    AUTO_FINI(buf) yaml = BUF_INIT(PAYLOAD_MAX);
    AUTO_FINI(buf) out = BUF_INIT(PAYLOAD_MAX);
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    make_rules(r, &yaml);
    struct ruleset_file file = {SLICE("rules.yaml"), buf_slice(&yaml)};
    struct ruleset rs = {.engine_version = ENGINE_VERSION,
                         .evaluation_interval_us = r->c->step,
                         .n_files = 1,
                         .files = &file,
                         .logql = true};
    AUTO(rulebook) *book = rulebook_parse(&rs, s, &errs);
    CHECK(book != NULL);
    for (size_t i = 0; i < errs.n; i++) {
        if (errs.diags[i].severity == SEVERITY_ERROR)
            return wrong(r, "%s", errs.diags[i].message);
    }
    struct engine_options o = {.logql = true};
    r->e = engine_new(&o);
    CHECK(r->e != NULL && schema_encode(s, &out) == 0);
    feed(r, FRAME_SCHEMA, buf_slice(&out));
    buf_reset(&out);
    CHECK(ruleset_encode(&rs, &out) == 0);
    feed(r, FRAME_RULES, buf_slice(&out));
    CHECK(r->e->plan != NULL && r->e->plan->rules.n == 1);
    feed_logs(r, s);
    return true;
}

/* --- results ------------------------------------------------------------ */

static bool
same(double a, double b)
{
    if (isnan(a) || isnan(b) || isinf(a) || isinf(b))
        return (isnan(a) && isnan(b)) || a == b;
    return fabs(a - b) <= 1e-9 * fmax(1, fmax(fabs(a), fabs(b)));
}

static bool
is_series(const struct run *r, const struct lset *l, const struct expected *x)
{
    const struct labels *ls = r->e->labels;
    uint32_t n = 0;
    for (uint32_t i = 0; i < x->n_labels; i++) {
        /* A label without a value is none, as in Prometheus: a script that
         * tells the two apart fails. */
        if (!slice_eq(lset_get(ls, l, x->labels[i].name), x->labels[i].value))
            return false;
        n += x->labels[i].value.n > 0;
    }
    return n == l->n;
}

/* What one step gave, and what it should be: expected series in 'seen'. */
static bool
check_step(struct run *r, const struct value *v, uint32_t step, bool *seen)
{
    const struct eval_command *c = r->c;
    AUTO_FINI(buf) b = BUF_INIT(1 << 20);
    uint32_t n = v->type == LANG_SCALAR ? 1 : v->vec.n;
    memset(seen, 0, c->series.n * sizeof *seen);
    for (uint32_t i = 0; i < n; i++) {
        struct lset *l = v->type == LANG_SCALAR
                             ? lset_pool(r->e->labels, lset_empty(r->e->labels))
                             : v->vec.labels[i];
        double got = v->type == LANG_SCALAR ? v->scalar : v->vec.values[i];
        uint32_t k = c->ordered ? i : 0;
        while (k < c->series.n && !c->ordered &&
               (seen[k] || !is_series(r, l, &c->series.p[k])))
            k++;
        CHECK(lset_print(r->e->labels, l, &b) == 0);
        if (k >= c->series.n || !is_series(r, l, &c->series.p[k]))
            return wrong(r, "step %u: unexpected %s %g", step, buf_str(&b),
                         got);
        const struct expected *x = &c->series.p[k];
        if (step >= x->n_values || x->absent[step])
            return wrong(r, "step %u: %s should have no value, has %.17g", step,
                         buf_str(&b), got);
        if (!same(got, x->values[step]))
            return wrong(r, "step %u: %s should be %.17g, is %.17g", step,
                         buf_str(&b), x->values[step], got);
        seen[k] = true;
        buf_reset(&b);
    }
    for (uint32_t k = 0; k < c->series.n; k++) {
        const struct expected *x = &c->series.p[k];
        if (!seen[k] && step < x->n_values && !x->absent[step])
            return wrong(r, "step %u: missing %.*s", step, SLICE_FMT(x->text));
    }
    return true;
}

static bool
check_scalar(struct run *r, const struct value *v)
{
    const struct eval_command *c = r->c;
    if (c->expect != EXPECT_SERIES || c->range)
        return true;
    for (uint32_t i = 0; i < c->series.n; i++) {
        if (c->series.p[i].is_scalar != (v->type == LANG_SCALAR))
            return wrong(r, "the result is %s", lang_type_name(v->type));
    }
    return true;
}

static bool
evaluate(struct run *r)
{
    const struct eval_command *c = r->c;
    bool *seen = mem_alloc(c->series.n + 1);
    bool ok = seen != NULL;
    uint32_t step = 0;
    struct rule *rule = &r->e->plan->rules.p[0];
    for (usec_t t = c->from; ok && t <= c->to; t += c->step, step++) {
        struct err err = ERR_INIT;
        const struct value *v;
        r->e->serial++;
        struct eval ev = eval_of_rule(r->e, rule, r->base + t, &err);
        int e = eval_root(&ev, rule->root, &v);
        ok = e < 0 ? wrong(r, "%s", err.message)
                   : check_scalar(r, v) && check_step(r, v, step, seen);
        engine_settle(r->e);
    }
    mem_free(seen);
    return ok;
}

/* --- scripts ------------------------------------------------------------ */

static bool
failed_as_expected(const struct run *r)
{
    struct slice got = slice_from_str(r->problem), want = r->c->fail_text;
    if (r->c->fail_regex) {
        struct regex *re = NULL;
        CHECK(regex_new(want, REGEX_SEARCH, &re, NULL) == 0);
        bool is = regex_match(re, got) == MATCH;
        regex_free(re);
        return is;
    }
    /* What Loki quotes twice. */
    char plain[512];
    size_t n = 0;
    for (size_t i = 0; i < want.n && n < sizeof plain; i++) {
        if (want.p[i] != '\\')
            plain[n++] = want.p[i];
    }
    struct slice text = slice_new(plain, n);
    return text.n == 0 || memmem(got.p, got.n, text.p, text.n) != NULL ||
           memmem(got.p, got.n, want.p, want.n) != NULL;
}

static void
run_eval(struct script *sc, struct eval_command *c, void *arg)
{
    struct totals *t = arg;
    struct run *r = mem_new(struct run);
    CHECK(r != NULL && c->step > 0 && (c->to - c->from) / c->step < STEPS_MAX);
    r->sc = sc;
    r->c = c;
    r->base = (T0 / c->step + 1) * c->step - c->from % c->step;
    r->pos = 8;
    AUTO(schema) *s = make_schema(r);
    bool ok = start(r, s) && evaluate(r);
    if (c->expect == EXPECT_FAIL) {
        if (ok)
            (void)wrong(r, "should fail");
        ok = !ok && failed_as_expected(r);
    }
    t->passed += ok;
    t->failed += !ok;
    if (!ok)
        printf("%s:%u: %.*s\n    %s\n", sc->file, c->line, SLICE_FMT(c->query),
               r->problem);
    engine_free(r->e);
    mem_free(r);
}

int
main(int argc, char **argv)
{
    struct totals all = {0};
    if (argc < 2) {
        fprintf(stderr, "usage: logqltest FILE...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        struct totals t = {0};
        (void)script_run(argv[i], run_eval, &t);
        if (argc > 2)
            printf("%s: %u passed, %u failed\n", argv[i], t.passed, t.failed);
        all.passed += t.passed;
        all.failed += t.failed;
    }
    printf("%u passed, %u failed\n", all.passed, all.failed);
    return all.failed > 0;
}
