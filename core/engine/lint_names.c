/* SPDX-License-Identifier: Apache-2.0 */
/* lint_names.c - names of metrics, streams and alerts that nothing makes. */
#include "config.h"

#include "core/base/arena.h"
#include "core/base/hash.h"
#include "core/base/str.h"
#include "core/base/table.h"
#include "core/engine/lint.h"
#include "core/engine/rulefile.h"
#include "core/engine/ruleset.h"
#include "core/lang/query.h"
#include "core/record/schema.h"

/* A mistake of two letters in a long name, of one in a short name. */
#define LONG_NAME 12u
#define SHORT_NAME 6u

struct known {
    VEC(const char *) list;
    struct table table;
};

struct lint_names {
    struct arena arena;
    struct known made, alerts; /* metrics and streams; names of alerts */
};

/* Made by every collector and every scrape. */
static const char *const always[] = {
    "ALERTS",
    "ALERTS_FOR_STATE",
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
};

struct known_ctx {
    const struct known *k;
    struct slice name;
};

static bool
known_eq(const void *ctx, uint32_t index)
{
    const struct known_ctx *c = ctx;
    return slice_eq_str(c->name, c->k->list.p[index]);
}

static bool
is_known(const struct known *k, struct slice name)
{
    struct known_ctx ctx = {k, name};
    return table_find(&k->table, hash_slice(name), known_eq, &ctx) !=
           TABLE_NONE;
}

static int
know(struct lint_names *n, struct known *k, struct slice name)
{
    if (name.n == 0 || is_known(k, name))
        return 0;
    const char *copy = arena_strndup(&n->arena, name.p, name.n);
    if (copy == NULL || vec_push(&k->list, copy) < 0)
        return -ENOMEM;
    return table_insert(&k->table, hash_slice(name), k->list.n - 1);
}

static int
know_all(struct lint_names *n, const struct schema *s,
         const struct rulebook *book)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(always); i++)
        r = know(n, &n->made, slice_from_str(always[i]));
    for (uint32_t i = 0; r == 0 && i < s->n_streams; i++)
        r = know(n, &n->made, s->streams[i].name);
    for (uint32_t i = 0; r == 0 && i < s->n_metrics; i++)
        r = know(n, &n->made, s->metrics[i].name);
    for (uint32_t i = 0; r == 0 && i < book->rules.n; i++) {
        const struct rule_def *d = &book->rules.p[i];
        r = know(n, d->is_alert ? &n->alerts : &n->made, d->name);
    }
    return r;
}

struct lint_names *
lint_names_new(const struct schema *schema, const struct rulebook *book)
{
    struct lint_names *n = mem_new(struct lint_names);
    if (n == NULL)
        return NULL;
    arena_init(&n->arena, 16 << 10, 64 << 20);
    table_init(&n->made.table, UINT32_MAX / 2);
    table_init(&n->alerts.table, UINT32_MAX / 2);
    if (know_all(n, schema, book) < 0) {
        lint_names_free(n);
        return NULL;
    }
    return n;
}

void
lint_names_free(struct lint_names *n)
{
    if (n == NULL)
        return;
    vec_free(&n->made.list);
    vec_free(&n->alerts.list);
    table_fini(&n->made.table);
    table_fini(&n->alerts.table);
    arena_fini(&n->arena);
    mem_free(n);
}

/* Without digits, and a duration at the end: "job:errors:rate5m" and "…rate1h"
 * are two names, not one and its misspelling. */
static bool
next_letter(struct slice s, size_t *i, char *ret)
{
    while (*i < s.n && s.p[*i] >= '0' && s.p[*i] <= '9') {
        bool number_ends =
            *i + 1 == s.n || s.p[*i + 1] < '0' || s.p[*i + 1] > '9';
        ++*i;
        if (number_ends && *i + 1 == s.n && strchr("smhdwy", s.p[*i]) != NULL)
            ++*i;
    }
    if (*i == s.n)
        return false;
    *ret = s.p[(*i)++];
    return true;
}

static bool
same_but_numbers(struct slice a, struct slice b)
{
    size_t i = 0, k = 0;
    for (;;) {
        char x = 0, y = 0;
        bool more = next_letter(a, &i, &x);
        if (more != next_letter(b, &k, &y) || x != y)
            return false;
        if (!more)
            return true;
    }
}

static const char *
near_name(const struct known *k, struct slice name)
{
    size_t limit = name.n >= LONG_NAME ? 2 : name.n >= SHORT_NAME ? 1 : 0;
    const char *near = str_nearest_within(name, k->list.p, k->list.n, limit);
    return near == NULL || same_but_numbers(name, slice_from_str(near)) ? NULL
                                                                        : near;
}

/* ALERTS{alertname="…"} */
static void
lint_alertname(const struct linting *li, const struct expr *e)
{
    const struct selector *sel = e->sel;
    if (!slice_eq_str(sel->name, "ALERTS") &&
        !slice_eq_str(sel->name, "ALERTS_FOR_STATE"))
        return;
    for (uint32_t i = 0; i < sel->matcher_count; i++) {
        const struct matcher *m = &sel->matchers[i];
        if (!slice_eq_str(m->name, "alertname") || m->op != MATCHER_EQ ||
            m->value.n == 0 || is_known(&li->names->alerts, m->value))
            continue;
        const char *near = near_name(&li->names->alerts, m->value);
        if (near == NULL && (li->partial & RULESET_OTHER_RULES))
            continue;
        lint_warn(li, m->span, "no rule here makes an alert \"%.*s\"",
                  SLICE_FMT(m->value));
        if (near != NULL)
            errlist_hint(li->errs, "did you mean \"%s\"?", near);
    }
}

void
lint_name(const struct linting *li, const struct expr *e)
{
    const struct selector *sel = e->sel;
    struct slice name = sel->name;
    lint_alertname(li, e);
    if (sel->binding == BOUND_STREAM || name.n == 0 ||
        is_known(&li->names->made, name))
        return;
    bool recorded = memchr(name.p, ':', name.n) != NULL;
    unsigned others = recorded ? RULESET_OTHER_RULES : RULESET_OTHER_METRICS;
    const char *near = near_name(&li->names->made, name);
    if (near == NULL && (li->partial & others))
        return;
    lint_warn(li, e->span, "nothing here makes a metric or stream \"%.*s\"",
              SLICE_FMT(name));
    if (near != NULL)
        errlist_hint(li->errs, "did you mean \"%s\"?", near);
}
