/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/tap.h"

#include "core/base/arena.h"
#include "core/engine/engine_priv.h"
#include "core/engine/keys.h"
#include "core/engine/kind.h"
#include "core/engine/staged.h"
#include "core/lang/matcher.h"
#include "core/lang/query.h"

/* One selector of a rule, on streams. */
struct tap {
    struct rule *rule;
    const struct selector *sel;
    const struct pipe_stage *first; /* that runs on each record, or NULL */
    uint32_t mask;
    uint8_t *ids; /* stream × name of the key → field */
};

/* One selector of a rule on one metric. */
struct sample_tap {
    struct rule *rule;
    const struct selector *sel;
    uint32_t mask;
    uint8_t *labels; /* of its matchers: which label of the metric, or none */
    uint8_t *ids;    /* of the key's names */
};

struct taps {
    struct arena arena;
    const struct schema *schema;
    struct router *router;
    struct metric_taps {
        VEC(struct sample_tap) list;
    } * metrics;
};

/* --- building ----------------------------------------------------------- */

static struct keyset *
keys_of(const struct rule *r)
{
    return r->state->kind->keyed.ks;
}

static int
add_stream(struct taps *t, struct rule *r, const struct selector *sel,
           uint32_t mask)
{
    uint32_t n = r->def->n_by;
    struct tap *tap = arena_new(&t->arena, struct tap);
    uint8_t *ids = arena_alloc(&t->arena, (size_t)t->schema->n_streams * n + 1);
    if (tap == NULL || ids == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < t->schema->n_streams; i++) {
        for (uint32_t k = 0; k < n; k++) {
            int id = schema_stream_field(&t->schema->streams[i], r->def->by[k]);
            ids[i * n + k] = id < 0 ? KEY_ABSENT : (uint8_t)id;
        }
    }
    *tap = (struct tap){r, sel, pipeline_start(sel, false), mask, ids};
    return router_add(t->router, sel, tap->first, tap);
}

static uint8_t
label_id(const struct schema_metric *m, struct slice name)
{
    int id = schema_metric_label(m, name);
    return id < 0 ? KEY_ABSENT : (uint8_t)id;
}

static int
add_metric(struct taps *t, struct rule *r, const struct selector *sel,
           uint32_t mask, uint32_t metric)
{
    const struct schema_metric *m = &t->schema->metrics[metric];
    struct sample_tap tap = {.rule = r, .sel = sel, .mask = mask};
    tap.labels = arena_alloc(&t->arena, sel->matcher_count + 1);
    tap.ids = arena_alloc(&t->arena, r->def->n_by + 1);
    if (tap.labels == NULL || tap.ids == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < sel->matcher_count; i++)
        tap.labels[i] = label_id(m, sel->matchers[i].name);
    for (uint32_t i = 0; i < r->def->n_by; i++)
        tap.ids[i] = label_id(m, r->def->by[i]);
    return vec_push(&t->metrics[metric].list, tap);
}

static int
add_selector(struct taps *t, struct rule *r, const struct selector *sel,
             uint32_t mask)
{
    if (sel->binding == BOUND_STREAM)
        return add_stream(t, r, sel, mask);
    for (uint32_t i = 0; i < t->schema->n_metrics; i++) {
        if (matchers_take_name(sel->matchers, sel->matcher_count,
                               t->schema->metrics[i].name) &&
            add_metric(t, r, sel, mask, i) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int
add_rule(struct taps *t, struct rule *r)
{
    const struct rule_query *q;
    struct rule_query room;
    for (uint32_t i = 0; (q = rule_def_query(r->def, i, &room)) != NULL; i++) {
        const struct selector *sel = expr_unparen(q->query->root)->sel;
        if (q->query != r->def->hold.query &&
            add_selector(t, r, sel, 1u << i) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int
taps_build(struct taps *t, struct plan *p)
{
    t->schema = p->schema;
    t->router = router_new(p->schema);
    t->metrics = mem_new_array(struct metric_taps, p->schema->n_metrics + 1);
    if (t->router == NULL || t->metrics == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < p->rules.n; i++) {
        if (p->rules.p[i].def->kind != RULE_EXPR &&
            add_rule(t, &p->rules.p[i]) < 0)
            return -ENOMEM;
    }
    return router_finish(t->router);
}

int
taps_new(struct plan *p, struct taps **ret)
{
    bool any = false;
    for (uint32_t i = 0; i < p->rules.n; i++)
        any |= p->rules.p[i].def->kind != RULE_EXPR;
    if (!any)
        return 0;
    struct taps *t = mem_new(struct taps);
    if (t == NULL)
        return -ENOMEM;
    arena_init(&t->arena, 4 << 10, (size_t)256 << 20);
    if (taps_build(t, p) < 0) {
        taps_free(t);
        return -ENOMEM;
    }
    *ret = t;
    return 0;
}

void
taps_free(struct taps *t)
{
    if (t == NULL)
        return;
    for (uint32_t i = 0; t->metrics != NULL && i < t->schema->n_metrics; i++)
        vec_free(&t->metrics[i].list);
    mem_free(t->metrics);
    router_free(t->router);
    arena_fini(&t->arena);
    mem_free(t);
}

/* --- records ------------------------------------------------------------ */

bool
taps_read_stream(const struct taps *t, uint16_t stream)
{
    return t != NULL && router_reads(t->router, stream);
}

bool
taps_read_metric(const struct taps *t, uint16_t metric)
{
    return t != NULL && t->metrics[metric].list.n > 0;
}

/* Selectors of a rule follow one another. */
static int
hit(struct engine *e, struct rule *r, const uint8_t *ids, uint32_t mask)
{
    struct touch *last =
        e->touches.n > 0 ? &e->touches.p[e->touches.n - 1] : NULL;
    if (last != NULL && last->rec == e->cur.rec && last->rule == r) {
        last->mask |= mask;
        return 0;
    }
    struct keyset *ks = keys_of(r);
    struct touch x = {.rec = e->cur.rec, .rule = r, .mask = mask, .ks = ks};
    x.prepared = keyset_prepare(ks, e->cur.serial, ids, e->cur.fields);
    return x.prepared == KEY_NONE ? -ENOMEM : vec_push(&e->touches, x);
}

static int
hit_stream(void *arg, void *sink)
{
    struct engine *e = arg;
    const struct tap *tap = sink;
    if (tap->first != NULL) {
        int pass = staged_filter(e, tap->rule, tap->first);
        if (pass <= 0)
            return pass;
    }
    const uint8_t *ids =
        tap->ids + (size_t)e->cur.rec->name * tap->rule->def->n_by;
    return hit(e, tap->rule, ids, tap->mask);
}

int
taps_event(struct engine *e, struct taps *t, const struct route_record *rr)
{
    const struct tap *tap;
    e->cur.raw = rr->raw;
    int x =
        router_match(t->router, rr, hit_stream, e, &e->stats.unreadable_fields);
    for (uint32_t i = 0; (tap = router_undecided(t->router, i)) != NULL; i++) {
        rule_state_touch(tap->rule->state);
        tap->rule->state->undecided++;
    }
    return x;
}

int
taps_take(struct engine *e, const struct touch *x)
{
    struct rule_state *s = x->rule->state;
    uint32_t key = keyset_use(x->ks, x->prepared);
    if (key == KEY_NONE)
        return -ENOMEM;
    int r = s->kind->ops->record(s->kind, key, e->cur.time, x->mask);
    keyset_tidy(x->ks, key);
    if (r <= 0)
        return r;
    rule_state_touch(s);
    s->late += r == KIND_LATE;
    s->refused += r == KIND_REFUSED;
    e->stats.late += r == KIND_LATE && !e->cur.counted_late;
    e->cur.counted_late |= r == KIND_LATE;
    return 0;
}

static bool
matches(const struct engine *e, const struct sample_tap *tap)
{
    for (uint32_t i = 0; i < tap->sel->matcher_count; i++) {
        const struct matcher *m = &tap->sel->matchers[i];
        if (slice_eq_str(m->name, "__name__"))
            continue;
        struct slice v = tap->labels[i] == KEY_ABSENT
                             ? SLICE("")
                             : e->cur.fields[tap->labels[i]];
        if (matcher_match(m, v) != MATCH)
            return false;
    }
    return true;
}

int
taps_sample(struct engine *e, struct taps *t, const struct chunk_record *rec)
{
    struct metric_taps *mt = &t->metrics[rec->name];
    if (value_is_stale(rec->value))
        return 0; /* that a series ends is no sign of life */
    for (uint32_t i = 0; i < mt->list.n; i++) {
        const struct sample_tap *tap = &mt->list.p[i];
        if (matches(e, tap) && hit(e, tap->rule, tap->ids, tap->mask) < 0)
            return -ENOMEM;
    }
    return 0;
}
