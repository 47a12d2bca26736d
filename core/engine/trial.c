/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/trial.h"

#include "core/engine/catalog.h"
#include "core/engine/engine_priv.h"
#include "core/engine/support.h"
#include "core/lang/query.h"

/* Between the slots of a question: it has one.  A multiple of most ranges, as
 * windows like it. */
#define NEVER_US (3650000 * USEC_PER_DAY)

static void
answer_error(const struct trial *t, const struct rule_def *def,
             const char *message)
{
    struct trial_result r = {
        .rule = def, .slot = def->origin_us, .error = message};
    t->told(t->arg, &r);
}

static int
add_question(const struct trial *t, struct rulebook *book, uint32_t i)
{
    struct rule_def def = {.expr = t->questions[i].expr,
                           .interval_us = NEVER_US,
                           .origin_us = t->questions[i].time_us,
                           .question = i + 1};
    struct query_options o = {.catalog = catalog_lang(book->catalog),
                              .support = engine_support()};
    struct err err = ERR_INIT;
    struct query *q = NULL;
    int r = query_parse(def.expr, &o, &q, &err);
    if (r < 0) {
        if (r != -ENOMEM)
            answer_error(t, &def, err.message);
        return r == -ENOMEM ? r : 0;
    }
    if (vec_push(&book->queries, q) < 0) {
        query_free(q);
        return -ENOMEM;
    }
    if (q->root->type != LANG_VECTOR && q->root->type != LANG_SCALAR) {
        answer_error(t, &def, "rule result is not a vector or scalar");
        return 0;
    }
    def.query = q;
    def.ok = q != NULL;
    return vec_push(&book->rules, def);
}

int
trial_apply(const struct trial *t, struct rulebook *book)
{
    for (uint32_t i = 0; i < book->rules.n; i++) {
        book->rules.p[i].interval_us = t->interval_us;
        book->rules.p[i].origin_us = t->origin_us % t->interval_us;
    }
    for (uint32_t i = 0; i < t->n_questions; i++) {
        if (add_question(t, book, i) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* Copies of a vector's labels, in the engine's arena. */
static int
samples_of(struct engine *e, const struct vector *v,
           const struct trial_sample **ret)
{
    struct trial_sample *s =
        arena_new_array(&e->arena, struct trial_sample, v->n + 1);
    if (s == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < v->n; i++) {
        const struct lset *l = v->labels[i];
        struct label *to = arena_new_array(&e->arena, struct label, l->n + 1);
        if (to == NULL)
            return -ENOMEM;
        for (uint32_t k = 0; k < l->n; k++)
            to[k] = (struct label){labels_str(e->labels, l->l[k].name),
                                   labels_str(e->labels, l->l[k].value)};
        s[i] = (struct trial_sample){to, l->n, v->values[i]};
    }
    *ret = s;
    return 0;
}

int
trial_tell(const struct rule *r, usec_t slot, const struct vector *v)
{
    struct engine *e = r->state->e;
    const struct trial *t = e->o.trial;
    struct trial_result result = {
        .rule = r->def, .slot = slot, .error = r->state->error};
    if (v != NULL)
        result.n = v->n;
    if (v != NULL && r->def->question > 0 &&
        samples_of(e, v, &result.samples) < 0)
        return -ENOMEM;
    t->told(t->arg, &result);
    return 0;
}
