/* SPDX-License-Identifier: Apache-2.0 */
/* emit.c - an alert as a transition: its labels, annotations, evidence. */
#include "config.h"

#include "core/base/buf.h"
#include "core/engine/engine_priv.h"
#include "core/engine/expand.h"
#include "core/engine/kind.h"
#include "core/lang/query.h"

#define TEXT_BYTES_MAX ((size_t)1 << 20)

/* --- labels ------------------------------------------------------------- */

/* Sets one of the rule's labels; consumes 'l'. */
static struct lset *
set_label(struct rule *r, struct lset *l, uint32_t i,
          const struct expand_data *d)
{
    struct engine *e = r->state->e;
    const struct rule_text *t = &r->def->labels[i];
    AUTO_FINI(buf) b = BUF_INIT(TEXT_BYTES_MAX);
    struct slice text = t->text;
    struct lset *made = NULL;
    if (t->tmpl == NULL || d->sample == NULL) {
        made = lset_set(e->labels, l, r->label_names[i], text);
    } else if (expand_text(e, t, d, &b) == 0) {
        made = lset_set(e->labels, l, r->label_names[i], buf_slice(&b));
    }
    lset_unref(e->labels, l);
    return made;
}

static struct lset *
set_named(struct engine *e, struct lset *l, struct slice name,
          struct slice value)
{
    struct lset *made = lset_set_named(e->labels, l, name, value);
    lset_unref(e->labels, l);
    return made;
}

struct lset *
alert_labels(struct rule *r, struct lset *sample, double value, usec_t time)
{
    struct engine *e = r->state->e;
    struct expand_data d = {sample, value, time};
    struct lset *l = lset_drop(e->labels, sample, NULL, 0, true);
    for (uint32_t i = 0; l != NULL && i < r->def->n_labels; i++)
        l = set_label(r, l, i, &d);
    if (l != NULL)
        l = set_named(e, l, SLICE("alertname"), r->def->name);
    return lset_pool(e->labels, l);
}

struct lset *
alert_overflow_labels(struct rule *r)
{
    struct engine *e = r->state->e;
    struct expand_data d = {0};
    struct lset *l = lset_empty(e->labels);
    for (uint32_t i = 0; l != NULL && i < r->def->n_labels; i++) {
        if (r->def->labels[i].tmpl == NULL)
            l = set_label(r, l, i, &d);
    }
    if (l != NULL)
        l = set_named(e, l, SLICE("alertname"), r->def->name);
    if (l != NULL)
        l = set_named(e, l, SLICE("overflow"), SLICE("true"));
    return lset_pool(e->labels, l);
}

/* --- transitions -------------------------------------------------------- */

static int
describe_labels(struct engine *e, const struct lset *l, struct transition *t)
{
    struct label *out = arena_new_array(&e->arena, struct label, l->n + 1);
    if (out == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < l->n; i++)
        out[i] = (struct label){labels_str(e->labels, l->l[i].name),
                                labels_str(e->labels, l->l[i].value)};
    t->labels = out;
    t->n_labels = l->n;
    return 0;
}

/* Puts an annotation that says what the alert stands for among the others;
 * 'list' has room for it. */
static int
say_overflow(struct rule *r, const struct alert *a, struct label *list,
             uint32_t *n)
{
    struct label one = {.name = SLICE("overflow")};
    uint32_t at = *n;
    if (kind_text(r->state->e, &one.value,
                  "stands for %.0f results past the rule's bound",
                  a->value) < 0)
        return -ENOMEM;
    while (at > 0 && slice_cmp(list[at - 1].name, one.name) > 0)
        at--;
    if (at > 0 && slice_eq(list[at - 1].name, one.name))
        return 0; /* the rule says it itself */
    memmove(&list[at + 1], &list[at], (*n - at) * sizeof *list);
    list[at] = one;
    ++*n;
    return 0;
}

static int
describe_annotations(struct rule *r, const struct alert *a, usec_t time,
                     struct transition *t)
{
    struct engine *e = r->state->e;
    const struct rule_def *d = r->def;
    struct lset *sample = a->overflow ? a->labels : a->sample;
    struct expand_data data = {sample, a->value, time};
    struct label *out =
        arena_new_array(&e->arena, struct label, d->n_annotations + 1);
    if (out == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < d->n_annotations; i++) {
        AUTO_FINI(buf) b = BUF_INIT(TEXT_BYTES_MAX);
        const struct rule_text *text = &d->annotations[i];
        out[i] = (struct label){text->name, text->text};
        if (text->tmpl == NULL)
            continue;
        if (expand_text(e, text, &data, &b) < 0 ||
            arena_slice_dup(&e->arena, buf_slice(&b), &out[i].value) < 0)
            return -ENOMEM;
    }
    t->annotations = out;
    t->n_annotations = d->n_annotations;
    return a->overflow ? say_overflow(r, a, out, &t->n_annotations) : 0;
}

int
alert_describe(struct rule *r, const struct alert *a, uint8_t state,
               usec_t time, struct transition *ret)
{
    struct engine *e = r->state->e;
    bool ended = state == ALERT_RESOLVED;
    struct transition t = {
        .cause = {e->pos, e->ordinal},
        .state = state,
        .on_arrival = a->on_arrival && state == ALERT_FIRING,
        .overflow = a->overflow,
        .group = r->def->group,
        .rule = r->def->name,
        .time_us = time,
        .known_us = e->marks.now,
        .active_us = a->active,
        .fired_us = a->fired,
        .resolved_us = ended ? time : USEC_NONE,
        .value = a->value,
        .episode = a->episode,
        .fingerprint = a->labels->hash,
        .expr = r->def->expr,
    };
    if (describe_labels(e, a->labels, &t) < 0 ||
        describe_annotations(r, a, time, &t) < 0)
        return -ENOMEM;
    *ret = t;
    return 0;
}

int
engine_emit(struct engine *e, struct rule *r, const struct alert *a,
            uint8_t state, usec_t time)
{
    struct transition t;
    struct slice evidence[KIND_EVIDENCE_MAX];
    if (alert_describe(r, a, state, time, &t) < 0 ||
        alert_evidence(r, a, &t, evidence) < 0)
        return -ENOMEM;
    e->ordinal++;
    e->stats.transitions++;
    if (e->o.emit != NULL)
        e->o.emit(e->o.arg, &t);
    return 0;
}
