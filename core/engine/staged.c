/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/staged.h"

#include <stdlib.h>

#include "core/base/codec.h"
#include "core/engine/engine_priv.h"
#include "core/engine/keys.h"
#include "core/engine/pipeline.h"

#define ERRORS_MAX 10000u /* that are told, with engine_options.logql */

/* --- keys --------------------------------------------------------------- */

static bool
is_among(const uint32_t *names, uint32_t n, const struct engine *e,
         struct slice name)
{
    for (uint32_t i = 0; i < n; i++) {
        if (slice_eq(labels_str(e->labels, names[i]), name))
            return true;
    }
    return false;
}

static int
label_order(const void *a, const void *b)
{
    const struct pipe_label *const *x = a, *const *y = b;
    return slice_cmp((*x)->name, (*y)->name);
}

/* All labels as one value: names and values, by name. */
static void
put_open(struct engine *e, const struct sink *s, struct buf *b)
{
    const struct pipe_run *r = &e->pipe;
    const struct pipe_label *list[PIPE_LABELS_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->labels.n; i++) {
        const struct pipe_label *l = &r->labels.p[i];
        if (l->gone || l->value.n == 0 ||
            is_among(s->except, s->n_except, e, l->name) ||
            (l->origin == PIPE_FIELD &&
             !is_among(s->fields, s->n_fields, e, l->name)))
            continue;
        list[n++] = l;
    }
    qsort(list, n, sizeof *list, label_order);
    AUTO_FINI(buf) all = BUF_INIT(PIPE_MEMORY_MAX);
    for (uint32_t i = 0; i < n; i++) {
        (void)buf_put_slice(&all, list[i]->name);
        (void)buf_put_slice(&all, list[i]->value);
    }
    (void)buf_put_slice(b, buf_slice(&all));
}

/* The key of the record as its pipeline left it; KEY_NONE: it is too long. */
static uint32_t
key_of_run(struct engine *e, const struct sink *s)
{
    struct buf *b = &e->pipe_key;
    buf_reset(b);
    if (s->open) {
        put_open(e, s, b);
    } else {
        const uint32_t *names;
        uint32_t n = keyset_names(s->ks, &names);
        for (uint32_t i = 0; i < n; i++) {
            const struct pipe_label *l =
                pipe_get(&e->pipe, labels_str(e->labels, names[i]));
            (void)buf_put_slice(b, l == NULL ? (struct slice){0} : l->value);
        }
    }
    return buf_error(b) < 0 ? KEY_NONE : keyset_of_bytes(s->ks, buf_slice(b));
}

/* --- errors ------------------------------------------------------------- */

static int
keep_error(struct engine *e, struct sink *s)
{
    const struct pipe_run *r = &e->pipe;
    AUTO_FINI(buf) b = BUF_INIT(64 << 10);
    if (s->errors.n == ERRORS_MAX)
        return 0;
    (void)buf_printf(&b, "pipeline error: '%.*s' for series: '{",
                     SLICE_FMT(r->error));
    for (uint32_t i = 0; i < r->labels.n; i++) {
        const struct pipe_label *l = &r->labels.p[i];
        if (l->gone)
            continue;
        (void)buf_printf(&b, "%.*s=", SLICE_FMT(l->name));
        (void)buf_append_json_string(&b, l->value);
        (void)buf_append_str(&b, ", ");
    }
    (void)buf_append_str(&b, "__error_details__=");
    (void)buf_append_json_string(&b, r->details);
    (void)buf_append_str(&b, "}'");
    char *text = mem_strndup(b.p, b.n);
    struct stage_error err = {e->cur.time, text};
    if (text == NULL || vec_push(&s->errors, err) < 0) {
        mem_free(text);
        return -ENOMEM;
    }
    return 0;
}

int
staged_check(struct eval *ev, const struct sink *s)
{
    usec_t end = ev->t - s->offset;
    for (uint32_t i = 0; i < s->errors.n; i++) {
        const struct stage_error *e = &s->errors.p[i];
        if (e->time > end - s->range && e->time <= end)
            return err_set(ev->err, -EINVAL, "%s", e->text);
    }
    return 0;
}

void
staged_fini(struct sink *s)
{
    for (uint32_t i = 0; i < s->errors.n; i++)
        mem_free(s->errors.p[i].text);
    vec_free(&s->errors);
}

/* A record that can't be read is left out of the rules that read it. */
static void
count_unreadable(const struct engine *e, struct rule_state *st)
{
    rule_state_touch(st);
    st->unreadable++;
    st->undecided += e->pipe.undecided;
}

static int
leave_out(struct engine *e, struct sink *s)
{
    e->stats.unreadable_fields++;
    for (uint32_t i = 0; i < s->readers.n; i++)
        count_unreadable(e, s->readers.p[i]->state);
    return 0;
}

static enum match
run_stages(struct engine *e, const struct pipe_stage *first)
{
    const struct current *cur = &e->cur;
    pipe_begin(&e->pipe, &e->plan->schema->streams[cur->rec->name], cur->fields,
               cur->raw, cur->rec->time_us);
    return pipe_stages(&e->pipe, first);
}

int
staged_filter(struct engine *e, struct rule *r, const struct pipe_stage *first)
{
    if (run_stages(e, first) != MATCH)
        return 0;
    if (e->pipe.nomem)
        return -ENOMEM;
    if (e->pipe.error.n == 0)
        return 1;
    e->stats.unreadable_fields++;
    count_unreadable(e, r->state);
    return 0;
}

/* --- a record ----------------------------------------------------------- */

static int
take_value(struct engine *e, struct sink *s, uint32_t key)
{
    double v =
        s->measure == MEASURE_BYTES ? (double)e->pipe.line.n : e->pipe.value;
    int64_t i = values_add(s->values, key, e->cur.time, v);
    if (i == WINDOW_NOMEM)
        return -ENOMEM;
    if (i < 0) {
        keyset_tidy(s->ks, key);
        if (i == WINDOW_FULL)
            ingest_refused(s);
        else
            ingest_late(e, s);
    } else if (e->cur.time <= s->evaluated) {
        ingest_late(e, s);
    }
    return 0;
}

int
staged_take(struct engine *e, struct sink *s)
{
    if (run_stages(e, s->first) != MATCH)
        return 0;
    if (e->pipe.nomem)
        return -ENOMEM;
    if (e->pipe.error.n > 0)
        return e->o.logql ? keep_error(e, s) : leave_out(e, s);
    uint32_t key = key_of_run(e, s);
    if (key == KEY_NONE)
        return leave_out(e, s);
    return s->values != NULL ? take_value(e, s, key) : ingest_count(e, s, key);
}
