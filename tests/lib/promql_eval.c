/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/lib/promql_eval.h"

#include <math.h>

#include <tocsin/plugin.h>

#include "core/base/check.h"
#include "core/base/str.h"
#include "core/engine/engine_priv.h"
#include "core/engine/notes.h"
#include "core/lang/query.h"

#define TEXT_MAX ((size_t)1 << 20)
#define LABELS_MAX 16u
#define METRICS_MAX 64u

struct promql {
    char *series;
    struct buf out;
    struct engine *e;
    uint64_t serial;
};

struct line {
    struct query *q; /* its labels, as matchers */
    struct slice values;
};

static void
ignore(void *arg, const struct transition *t)
{
}

struct promql *
promql_new(const char *series)
{
    struct promql *p = mem_new(struct promql);
    CHECK(p != NULL);
    p->series = mem_strndup(series, strlen(series));
    buf_init(&p->out, TEXT_MAX);
    CHECK(p->series != NULL);
    return p;
}

void
promql_free(struct promql *p)
{
    engine_free(p->e);
    buf_fini(&p->out);
    mem_free(p->series);
    mem_free(p);
}

/* The next line that says something; false at the end. */
static bool
next_line(struct slice *text, struct line *ret)
{
    while (text->n > 0) {
        const char *nl = memchr(text->p, '\n', text->n);
        size_t n = nl == NULL ? text->n : (size_t)(nl - text->p);
        struct slice line = slice_new(text->p, n);
        *text = slice_skip(*text, MIN(n + 1, text->n));
        const char *end = memchr(line.p, '}', line.n);
        if (end == NULL)
            continue;
        size_t head = (size_t)(end - line.p) + 1;
        CHECK(query_parse_selector(slice_new(line.p, head), NULL, &ret->q,
                                   NULL) == 0);
        ret->values = slice_skip(line, head);
        return true;
    }
    return false;
}

/* --- an engine for one expression --------------------------------------- */

static struct schema *
schema_of(const struct promql *p)
{
    struct slice text = slice_from_str(p->series);
    struct schema_builder *b = schema_builder_new(NULL);
    uint16_t ids[METRICS_MAX];
    uint32_t n = 0;
    struct line l;
    CHECK(b != NULL);
    while (next_line(&text, &l)) {
        struct schema_metric m = {.name = l.q->root->sel->name,
                                  .type = TOCSIN_GAUGE};
        int id = schema_add_metric(b, &m, NULL);
        CHECK(id >= 0 && n < METRICS_MAX);
        if (id == (int)n) /* new */
            ids[n++] = (uint16_t)id;
        query_free(l.q);
    }
    struct schema_input in = {
        .name = SLICE("test"), .active = true, .n_metrics = n, .metrics = ids};
    CHECK(schema_add_input(b, &in, NULL) == 0);
    struct schema *s = schema_build(b, USEC_PER_MINUTE);
    schema_builder_free(b);
    CHECK(s != NULL);
    return s;
}

static void
feed(struct engine *e, uint16_t type, struct slice payload)
{
    struct frame f = {.pos = e->position == 0 ? 8 : e->position,
                      .type = type,
                      .payload = payload};
    f.next = f.pos + 64;
    CHECK(engine_feed(e, &f) == 0);
}

/* Does the expression parse?  If not, the first error is in the output. */
static bool
compile(struct promql *p, const char *expr)
{
    AUTO_FINI(buf) yaml = BUF_INIT(TEXT_MAX), b = BUF_INIT(TEXT_MAX);
    AUTO_FINI(errlist) errs;
    AUTO(schema) *s = schema_of(p);
    errlist_init(&errs);
    (void)buf_append_str(&yaml, "groups:\n- name: g\n  interval: 1m\n"
                                "  rules:\n  - alert: A\n    expr: ");
    (void)buf_append_json_string(&yaml, slice_from_str(expr));
    struct ruleset_file file = {SLICE("rules"), buf_slice(&yaml)};
    struct ruleset rs = {.engine_version = ENGINE_VERSION,
                         .evaluation_interval_us = USEC_PER_MINUTE,
                         .n_files = 1,
                         .files = &file};
    int r = ruleset_check(&rs, s, &errs, NULL, NULL);
    for (size_t i = 0; i < errs.n && r < 0; i++) {
        if (errs.diags[i].severity == SEVERITY_ERROR) {
            (void)buf_printf(&p->out, "error: %s\n", errs.diags[i].message);
            return false;
        }
    }
    CHECK(r == 0 && schema_encode(s, &b) == 0);
    feed(p->e, FRAME_SCHEMA, buf_slice(&b));
    buf_reset(&b);
    CHECK(ruleset_encode(&rs, &b) == 0);
    feed(p->e, FRAME_RULES, buf_slice(&b));
    CHECK(p->e->plan->rules.n == 1);
    return true;
}

static void
load_line(struct engine *e, const struct line *l, uint64_t rule)
{
    const struct selector *sel = l->q->root->sel;
    struct label labels[LABELS_MAX];
    uint32_t n = 0;
    for (; n < sel->matcher_count && n < LABELS_MAX; n++)
        labels[n] =
            (struct label){sel->matchers[n].name, sel->matchers[n].value};
    struct lset *ls = lset_new(e->labels, labels, n);
    CHECK(ls != NULL);
    struct slice rest = l->values;
    for (int64_t ms = 0; rest.n > 0; rest = slice_skip(rest, 1)) {
        size_t k = 0;
        while (k < rest.n && rest.p[k] != ' ')
            k++;
        struct slice word = slice_new(rest.p, k);
        rest = slice_skip(rest, k);
        double v = NAN;
        if (k > 0 && str_parse_double(word, STR_INF_NAN, &v) == 0)
            CHECK(seriesdb_record(e->series, rule, ls,
                                  (struct sample){ms, v}) >= 0);
        ms += k > 0 ? 60000 : 0;
        if (rest.n == 0)
            break;
    }
    lset_unref(e->labels, ls);
}

static void
load(struct promql *p)
{
    struct slice text = slice_from_str(p->series);
    struct line l;
    for (uint64_t rule = 1; next_line(&text, &l); rule++) {
        load_line(p->e, &l, rule);
        query_free(l.q);
    }
}

/* --- results ------------------------------------------------------------ */

static void
print_number(struct buf *b, double v)
{
    char text[STR_DOUBLE_MAX];
    size_t n = str_format_double(v, STR_DOUBLE_G, text);
    (void)buf_append(b, text, n);
    (void)buf_putc(b, '\n');
}

static void
print_value(struct promql *p, const struct value *v)
{
    if (v->type == LANG_SCALAR)
        print_number(&p->out, v->scalar);
    for (uint32_t i = 0; v->type == LANG_VECTOR && i < v->vec.n; i++) {
        (void)lset_print(p->e->labels, v->vec.labels[i], &p->out);
        (void)buf_putc(&p->out, ' ');
        print_number(&p->out, v->vec.values[i]);
    }
}

static void
evaluate(struct promql *p, double minute, const char *expr)
{
    AUTO_FINI(arena) a;
    struct err err = ERR_INIT;
    struct notes notes;
    const struct value *v;
    arena_init(&a, 4096, TEXT_MAX);
    notes_init(&notes, &a);
    struct rule *r = &p->e->plan->rules.p[0];
    usec_t t = (usec_t)llround(minute * USEC_PER_MINUTE);
    uint32_t steps = EVAL_STEPS_MAX;
    struct eval ev = {.e = p->e,
                      .rule = r,
                      .t = t,
                      .serial = ++p->serial,
                      .err = &err,
                      .notes = &notes,
                      .bounds = {t, t, 0},
                      .steps = &steps,
                      .lookback_us = LOOKBACK_US,
                      .step_default_us = USEC_PER_MINUTE};
    int e = eval_root(&ev, r->root, &v);
    CHECK(e != -ENOMEM);
    if (e < 0)
        (void)buf_printf(&p->out, "error: %s\n", err.message);
    else
        print_value(p, v);
    for (uint32_t i = 0; i < notes.n; i++) {
        (void)note_print(&notes.p[i], slice_from_str(expr), &p->out);
        (void)buf_putc(&p->out, '\n');
    }
    engine_settle(p->e);
}

const char *
promql_eval(struct promql *p, double minute, const char *expr)
{
    struct engine_options o = {.emit = ignore};
    engine_free(p->e);
    p->e = engine_new(&o);
    CHECK(p->e != NULL);
    buf_reset(&p->out);
    if (compile(p, expr)) {
        load(p);
        evaluate(p, minute, expr);
        /* Once more, with what nodes keep from one evaluation to the next. */
        buf_reset(&p->out);
        evaluate(p, minute, expr);
    }
    return buf_str(&p->out);
}
