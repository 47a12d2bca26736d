/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/tally.h"

#include <stdlib.h>

#include <tocsin/plugin.h>

#include "core/base/buf.h"
#include "core/engine/engine_priv.h"
#include "core/engine/pipeline.h"
#include "core/engine/staged.h"
#include "core/lang/query.h"

/* --- names -------------------------------------------------------------- */

static int
slice_order(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;
    return slice_cmp(*x, *y);
}

void
names_add(struct names *ns, struct slice name)
{
    for (uint32_t i = 0; i < ns->n; i++) {
        if (slice_eq(ns->p[i], name))
            return;
    }
    if (ns->n < NAMES_MAX)
        ns->p[ns->n++] = name;
}

void
names_sort(struct names *ns)
{
    qsort(ns->p, ns->n, sizeof *ns->p, slice_order);
}

static void
names_remove(struct names *ns, struct slice name)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < ns->n; i++) {
        if (!slice_eq(ns->p[i], name))
            ns->p[kept++] = ns->p[i];
    }
    ns->n = kept;
}

static void
names_print(const struct names *ns, struct buf *b)
{
    (void)buf_putc(b, '(');
    for (uint32_t i = 0; i < ns->n; i++)
        (void)buf_append_json_string(b, ns->p[i]);
    (void)buf_putc(b, ')');
}

static void
names_of(struct names *ns, const struct slice *list, uint32_t n)
{
    ns->n = 0;
    for (uint32_t i = 0; i < n; i++)
        names_add(ns, list[i]);
    names_sort(ns);
}

/* --- keys --------------------------------------------------------------- */

bool
selects_stream(const struct selector *sel, const struct schema_stream *st)
{
    return sel->name.n == 0 || slice_eq(sel->name, st->name);
}

/* What the events of a selector are told apart by: all labels and the fields
 * that enclosing clauses name; or, for a sum over them, only what the sum
 * groups by. */
static void
key_names(const struct lowering *l, const struct selector *sel,
          const struct grouping *only, struct names *ret)
{
    const struct schema *s = l->plan->schema;
    ret->n = 0;
    for (uint32_t i = 0; i < s->n_streams; i++) {
        const struct schema_stream *st = &s->streams[i];
        if (!selects_stream(sel, st))
            continue;
        for (uint32_t k = 0; only == NULL && k < st->n_fields; k++) {
            if (st->fields[k].flags & TOCSIN_FIELD_LABEL)
                names_add(ret, st->fields[k].name);
        }
        const struct slice *want = only ? only->labels : l->fields;
        uint32_t n = only ? only->count : l->n_fields;
        for (uint32_t k = 0; k < n; k++) {
            if (schema_stream_field(st, want[k]) >= 0)
                names_add(ret, want[k]);
        }
    }
    names_sort(ret);
}

/* Are there other labels behind the pipeline than before it? */
static bool
changes_labels(const struct selector *sel)
{
    for (const struct pipe_stage *st = sel->pipeline; st; st = st->next) {
        switch (st->kind) {
        case STAGE_JSON:
        case STAGE_LOGFMT:
        case STAGE_REGEXP:
        case STAGE_PATTERN:
        case STAGE_UNPACK:
        case STAGE_LABEL_FORMAT:
        case STAGE_DROP:
        case STAGE_KEEP:
            return true;
        default:
            break;
        }
    }
    return false;
}

void
tally_of(const struct lowering *l, const struct expr *call,
         const struct selector *sel, const struct grouping *only,
         struct tally *ret)
{
    const enum func_id func = call->call.func->id;
    const struct grouping *g = &call->call.grouping;
    bool changes = changes_labels(sel);
    *ret = (struct tally){
        .first = pipeline_start(sel, l->plan->e->o.logql),
        .mode = (int)values_mode_of(func),
    };
    if (func == FUNC_BYTES_OVER_TIME || func == FUNC_BYTES_RATE)
        ret->measure = MEASURE_BYTES;
    else if (sel->unwrap != NULL && func != FUNC_ABSENT_OVER_TIME)
        ret->measure = MEASURE_UNWRAP;
    if (func == FUNC_ABSENT_OVER_TIME && changes)
        return; /* whatever they are: is there one? */
    if (g->kind == GROUP_NONE && only != NULL && changes) {
        names_of(&ret->names, only->labels, only->count);
    } else if (g->kind == GROUP_BY) {
        names_of(&ret->names, g->labels, g->count);
    } else if (changes || g->kind == GROUP_WITHOUT) {
        ret->open = true;
        names_of(&ret->names, l->fields, l->n_fields);
        names_of(&ret->except, g->labels, g->count);
        if (sel->unwrap != NULL)
            names_add(&ret->except, sel->unwrap->name);
    } else {
        key_names(l, sel, only, &ret->names);
        if (sel->unwrap != NULL && only == NULL)
            names_remove(&ret->names, sel->unwrap->name);
    }
}

void
tally_print(const struct tally *sh, struct buf *b)
{
    names_print(&sh->names, b);
    if (sh->open) {
        (void)buf_append_str(b, "open");
        names_print(&sh->except, b);
    }
    if (sh->measure != MEASURE_COUNT)
        (void)buf_printf(b, " measure %d mode %d", (int)sh->measure, sh->mode);
}

const struct expr *
tally_joined(const struct expr *e)
{
    const struct expr *c = expr_unparen(e->agg.arg);
    if (c->kind != EXPR_CALL || e->agg.grouping.kind == GROUP_WITHOUT ||
        c->call.grouping.kind != GROUP_NONE)
        return NULL;
    bool joins;
    switch (c->call.func->id) {
    case FUNC_COUNT_OVER_TIME:
    case FUNC_RATE:
    case FUNC_BYTES_OVER_TIME:
    case FUNC_BYTES_RATE:
    case FUNC_SUM_OVER_TIME:
        joins = e->agg.op == AGG_SUM;
        break;
    case FUNC_MIN_OVER_TIME:
        joins = e->agg.op == AGG_MIN;
        break;
    case FUNC_MAX_OVER_TIME:
        joins = e->agg.op == AGG_MAX;
        break;
    default:
        return NULL;
    }
    const struct expr *m = expr_unparen(c->call.args[0]);
    return joins && m->kind == EXPR_SELECTOR && m->sel->binding == BOUND_STREAM
               ? c
               : NULL;
}
