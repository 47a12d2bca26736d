/* SPDX-License-Identifier: Apache-2.0 */
/* stage_format.c - line_format, label_format, drop and keep. */
#include "config.h"

#include "core/engine/pipeline.h"
#include "core/lang/matcher.h"
#include "core/lang/template.h"

/* --- templates ---------------------------------------------------------- */

/* What templates see of the labels; false: no memory. */
static bool
data_of(struct pipe_run *r, struct tmpl_data *ret)
{
    struct tmpl_label *l =
        (struct tmpl_label *)pipe_alloc(r, (r->labels.n + 2) * sizeof *l);
    size_t n = 0;
    if (l == NULL)
        return false;
    for (uint32_t i = 0; i < r->labels.n; i++) {
        const struct pipe_label *from = &r->labels.p[i];
        if (!from->gone)
            l[n++] = (struct tmpl_label){from->name, from->value};
    }
    if (r->error.n > 0) {
        l[n++] = (struct tmpl_label){SLICE("__error__"), r->error};
        l[n++] = (struct tmpl_label){SLICE("__error_details__"), r->details};
    }
    *ret = (struct tmpl_data){
        .labels = l, .label_count = n, .now = r->time, .line = r->line};
    return true;
}

static bool
expand(struct pipe_run *r, const struct tmpl *t, const struct tmpl_data *data,
       struct slice *ret)
{
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    struct err err = ERR_INIT;
    int e = tmpl_expand(t, data, &b, &err);
    if (e < 0) {
        r->nomem |= e == -ENOMEM;
        pipe_fail(r, "TemplateFormatErr", "%s", err.message);
        return false;
    }
    char *p = pipe_alloc(r, b.n);
    if (p == NULL)
        return false;
    if (b.n > 0)
        memcpy(p, b.p, b.n);
    *ret = slice_new(p, b.n);
    return true;
}

void
stage_line_format(struct pipe_run *r, const struct pipe_stage *st)
{
    struct tmpl_data data;
    if (data_of(r, &data))
        (void)expand(r, st->tmpl, &data, &r->line);
}

/* All templates see the labels as they were before. */
void
stage_label_format(struct pipe_run *r, const struct pipe_stage *st)
{
    struct tmpl_data data;
    if (!data_of(r, &data))
        return;
    for (uint32_t i = 0; i < st->item_count; i++) {
        const struct pipe_item *item = &st->items[i];
        struct slice text;
        if (item->is_template) {
            if (expand(r, item->tmpl, &data, &text))
                pipe_set(r, item->name, text);
            continue;
        }
        const struct pipe_label *from = pipe_get(r, item->source);
        if (from == NULL)
            continue;
        uint32_t index = (uint32_t)(from - r->labels.p);
        pipe_set(r, item->name, from->value);
        r->labels.p[index].gone = true;
    }
}

/* --- drop and keep ------------------------------------------------------ */

static bool
item_holds(struct pipe_run *r, const struct pipe_item *item, struct slice value)
{
    enum match m =
        item->matcher == NULL ? MATCH : matcher_match(item->matcher, value);
    if (m == UNKNOWN)
        pipe_undecided(r, "LabelFilterErr");
    return m == MATCH;
}

void
stage_drop(struct pipe_run *r, const struct pipe_stage *st)
{
    for (uint32_t i = 0; i < st->item_count; i++) {
        const struct pipe_item *item = &st->items[i];
        if (slice_eq_str(item->name, "__error__")) {
            if (item_holds(r, item, r->error))
                r->error = (struct slice){0};
            continue;
        }
        const struct pipe_label *l = pipe_get(r, item->name);
        if (l != NULL && item_holds(r, item, l->value))
            r->labels.p[l - r->labels.p].gone = true;
    }
}

void
stage_keep(struct pipe_run *r, const struct pipe_stage *st)
{
    for (uint32_t i = 0; i < r->labels.n; i++) {
        struct pipe_label *l = &r->labels.p[i];
        bool kept = false;
        for (uint32_t k = 0; k < st->item_count && !kept && !l->gone; k++)
            kept = slice_eq(st->items[k].name, l->name) &&
                   item_holds(r, &st->items[k], l->value);
        l->gone |= !kept;
    }
}
