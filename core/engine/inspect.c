/* SPDX-License-Identifier: Apache-2.0 */
/* inspect.c - rules and how they do, for the API. */
#include "config.h"

#include "core/engine/engine_priv.h"

static const struct label *
texts_of(struct arena *a, const struct rule_text *t, uint32_t n)
{
    struct label *l = arena_new_array(a, struct label, n + 1);
    for (uint32_t i = 0; l != NULL && i < n; i++)
        l[i] = (struct label){t[i].name, t[i].text};
    return l;
}

static int
rule_tell(struct rule *r, int (*fn)(void *, const struct engine_rule *),
          void *arg)
{
    struct arena *a = &r->state->e->arena;
    const struct rule_def *d = r->def;
    const struct rule_state *s = r->state;
    struct engine_rule info = {
        .file = d->file,
        .group = d->group,
        .name = d->name,
        .expr = d->expr,
        .line = d->line,
        .is_alert = d->is_alert,
        .interval_us = d->interval_us,
        .for_us = d->for_us,
        .keep_us = d->keep_us,
        .limit = d->limit,
        .evaluations = s->evaluations,
        .n_labels = d->n_labels,
        .n_annotations = d->n_annotations,
        .labels = texts_of(a, d->labels, d->n_labels),
        .annotations = texts_of(a, d->annotations, d->n_annotations),
        .last_slot_us = s->last_slot,
        .error = slice_from_str(s->error),
        .rule = r,
    };
    if (info.labels == NULL || info.annotations == NULL)
        return -ENOMEM;
    return fn(arg, &info);
}

int
engine_rules(struct engine *e, int (*fn)(void *, const struct engine_rule *),
             void *arg)
{
    int r = 0;
    for (uint32_t i = 0; r == 0 && e->plan != NULL && i < e->plan->rules.n;
         i++) {
        r = rule_tell(&e->plan->rules.p[i], fn, arg);
        engine_settle(e);
    }
    return r;
}

int
engine_rule_alerts(const struct engine_rule *r,
                   int (*fn)(void *, const struct transition *), void *arg)
{
    return alerts_tell(r->rule, fn, arg);
}
