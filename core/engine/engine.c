/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/engine.h"

#include "core/base/check.h"
#include "core/base/codec.h"
#include "core/engine/engine_priv.h"
#include "core/engine/kind.h"
#include "core/engine/restore.h"
#include "core/engine/trial.h"
#include "core/record/tick.h"

#define KEYS_DEFAULT 100000u
#define ALERTS_DEFAULT 10000u
#define ARENA_MAX ((size_t)2 << 30)
#define TEXT_BYTES_MAX ((size_t)1 << 30)

/* --- the engine's own rows ---------------------------------------------- */

static const char *const text_keys[TEXT_COUNT] = {
    [TEXT_SCHEMA] = "schema", [TEXT_RULES] = "rules", [TEXT_STATS] = "stats"};

/* The counters that only grow, in the order of the row. */
static void
stats_fields(struct engine_stats *s, uint64_t *ret[9])
{
    uint64_t *const all[9] = {
        &s->records,     &s->events,      &s->samples,
        &s->late,        &s->future,      &s->slots,
        &s->evaluations, &s->transitions, &s->unreadable_fields};
    memcpy(ret, all, sizeof all);
}

static int
text_put(void *owner, uint32_t index, struct buf *key, struct buf *value)
{
    struct engine *e = owner;
    (void)buf_append_str(key, text_keys[index]);
    if (index != TEXT_STATS)
        return buf_append_slice(value, buf_slice(&e->texts[index]));
    uint64_t *f[9];
    (void)buf_put_zigzag(value, e->marks.now);
    stats_fields(&e->stats, f);
    for (size_t i = 0; i < ARRAY_SIZE(f); i++)
        (void)buf_put_varint(value, *f[i]);
    return buf_error(value);
}

static const struct rowset_ops text_ops = {text_put, NULL};

static int
stats_restore(struct engine *e, struct slice value)
{
    struct reader r = reader_new(value);
    uint64_t *f[9];
    e->marks.now = reader_zigzag(&r);
    stats_fields(&e->stats, f);
    for (size_t i = 0; i < ARRAY_SIZE(f); i++)
        *f[i] = reader_varint(&r);
    return reader_done(&r) ? 0 : -EBADMSG;
}

/* --- life --------------------------------------------------------------- */

struct engine *
engine_new(const struct engine_options *o)
{
    struct engine *e = mem_new(struct engine);
    if (e == NULL)
        return NULL;
    e->o = *o;
    if (e->o.max_keys_per_rule == 0)
        e->o.max_keys_per_rule = KEYS_DEFAULT;
    if (e->o.max_alerts_per_rule == 0)
        e->o.max_alerts_per_rule = ALERTS_DEFAULT;
    arena_init(&e->arena, 64 << 10, ARENA_MAX);
    pipe_run_init(&e->pipe);
    buf_init(&e->pipe_key, PIPE_MEMORY_MAX);
    for (unsigned i = 0; i < ARRAY_SIZE(e->texts); i++)
        buf_init(&e->texts[i], TEXT_BYTES_MAX);
    rows_init(&e->rows);
    rowset_init(&e->text_rows, &e->rows, NODE_TEXTS, &text_ops, e);
    watermarks_init(&e->marks, &e->rows);
    e->marks.leaps = o->trial != NULL;
    e->labels = labels_new();
    keysets_init(&e->keysets, e->labels);
    if (e->labels != NULL)
        e->series = seriesdb_new(&e->rows, e->labels, &e->keysets,
                                 (uint32_t)e->o.max_keys_per_rule);
    if (e->series == NULL) {
        engine_free(e);
        return NULL;
    }
    return e;
}

void
engine_free(struct engine *e)
{
    if (e == NULL)
        return;
    rows_close(&e->rows);
    plan_free(e->plan);
    seriesdb_free(e->series);
    watermarks_fini(&e->marks);
    rowset_fini(&e->text_rows);
    rows_fini(&e->rows);
    keysets_fini(&e->keysets);
    labels_free(e->labels);
    schema_free(e->schema);
    restore_free(e->restore);
    vec_free(&e->metric_of);
    vec_free(&e->touches);
    for (unsigned i = 0; i < ARRAY_SIZE(e->texts); i++)
        buf_fini(&e->texts[i]);
    arena_fini(&e->arena);
    pipe_run_fini(&e->pipe);
    buf_fini(&e->pipe_key);
    mem_free(e);
}

void
engine_settle(struct engine *e)
{
    labels_drain(e->labels);
    arena_reset(&e->arena);
}

/* --- rules and schema --------------------------------------------------- */

/* The plan of the rules' text with this schema. */
static int
compile_rules(struct engine *e, const struct schema *schema, struct plan **ret)
{
    AUTO_FINI(arena) a;
    AUTO_FINI(errlist) errs;
    struct ruleset rs;
    arena_init(&a, 4 << 10, TEXT_BYTES_MAX);
    errlist_init(&errs);
    int r = ruleset_decode(buf_slice(&e->texts[TEXT_RULES]), &a, &rs);
    if (r < 0)
        return r;
    rs.logql = e->o.logql;
    struct rulebook *book = rulebook_parse(&rs, schema, &errs);
    if (book == NULL)
        return -ENOMEM;
    if (e->o.trial != NULL && trial_apply(e->o.trial, book) < 0) {
        rulebook_free(book);
        return -ENOMEM;
    }
    return plan_new(e, book, schema, e->plan, ret);
}

int
engine_compile(struct engine *e, struct schema *schema)
{
    struct plan *plan = NULL;
    seriesdb_reset_views(e->series);
    int r = ingest_schema(e, schema);
    if (r == 0 && e->texts[TEXT_RULES].n > 0)
        r = compile_rules(e, schema, &plan);
    if (r < 0) {
        if (schema != e->schema)
            schema_free(schema);
        return r;
    }
    plan_free(e->plan);
    e->plan = plan;
    if (schema != e->schema)
        schema_free(e->schema);
    e->schema = schema;
    return 0;
}

static int
text_set(struct engine *e, unsigned which, struct slice payload)
{
    rowset_touch(&e->text_rows, which);
    buf_reset(&e->texts[which]);
    return buf_append_slice(&e->texts[which], payload);
}

/* Compiles anew and lets new rules start. */
static int
replan(struct engine *e, struct schema *schema)
{
    int r = engine_compile(e, schema);
    if (r == 0)
        r = seriesdb_settle(e->series);
    if (r < 0 || e->plan == NULL)
        return r;
    slots_start(e);
    slots_planned(e);
    return 0;
}

static int
feed_schema(struct engine *e, const struct frame *f)
{
    struct schema *s = NULL;
    if (slice_eq(f->payload, buf_slice(&e->texts[TEXT_SCHEMA])))
        return 0;
    int r = schema_decode(f->payload, &s);
    if (r < 0)
        return r;
    if (text_set(e, TEXT_SCHEMA, f->payload) < 0) {
        schema_free(s);
        return -ENOMEM;
    }
    return replan(e, s);
}

static int
feed_rules(struct engine *e, const struct frame *f)
{
    AUTO_FINI(arena) a;
    struct ruleset rs;
    arena_init(&a, 4 << 10, TEXT_BYTES_MAX);
    if (slice_eq(f->payload, buf_slice(&e->texts[TEXT_RULES])))
        return 0;
    int r = ruleset_decode(f->payload, &a, &rs);
    if (r < 0)
        return r;
    if (text_set(e, TEXT_RULES, f->payload) < 0)
        return -ENOMEM;
    return e->schema == NULL ? 0 : replan(e, e->schema);
}

/* --- frames ------------------------------------------------------------- */

static int
feed_tick(struct engine *e, const struct frame *f)
{
    if (e->schema == NULL)
        return -EBADMSG;
    struct tick_partition p;
    size_t cursor = 0;
    int r;
    while ((r = tick_next(f->payload, &cursor, &p)) > 0) {
        if (p.input >= e->schema->n_inputs)
            return -EBADMSG;
        r = watermarks_tick(&e->marks, &p);
        if (r < 0)
            return r;
    }
    return r;
}

static int
feed_frame(struct engine *e, const struct frame *f)
{
    if (f->type == FRAME_TICK && (f->flags & TICK_REBASE)) {
        if (slots_rebase(e, f->time) < 0)
            return -ENOMEM;
    } else if (!f->repeated) { /* else of a time that may be re-based since */
        watermarks_time(&e->marks, f->time);
    }
    switch (f->type) {
    case FRAME_SCHEMA:
        return feed_schema(e, f);
    case FRAME_RULES:
        return feed_rules(e, f);
    case FRAME_CHUNK:
        return ingest_chunk(e, f);
    default:
        return feed_tick(e, f);
    }
}

static bool
frame_is_ours(const struct frame *f)
{
    return f->type == FRAME_SCHEMA || f->type == FRAME_RULES ||
           f->type == FRAME_CHUNK || f->type == FRAME_TICK;
}

int
engine_feed(struct engine *e, const struct frame *f)
{
    if (e->rows.failed < 0)
        return e->rows.failed;
    if (f->pos < e->position)
        return 0;
    e->position = f->next;
    if (!frame_is_ours(f))
        return 0;
    rowset_touch(&e->text_rows, TEXT_STATS);
    e->pos = f->pos;
    e->ordinal = 0;
    int r = feed_frame(e, f);
    bool unreadable = r == -EBADMSG;
    if (r == 0 || unreadable)
        r = slots_run(e);
    engine_settle(e);
    if (r == 0)
        r = e->rows.failed;
    return r < 0 ? r : unreadable ? -EBADMSG : 0;
}

int
engine_flush(struct engine *e, usec_t journal_time)
{
    e->pos = e->position;
    e->ordinal = 0;
    rowset_touch(&e->text_rows, TEXT_STATS);
    watermarks_time(&e->marks, journal_time);
    int r = slots_flush(e, journal_time);
    engine_settle(e);
    return r < 0 ? r : e->rows.failed;
}

uint64_t
engine_position(const struct engine *e)
{
    return e->position;
}

/* --- checkpoints -------------------------------------------------------- */

uint64_t
engine_checkpoint_begin(struct engine *e, bool full)
{
    rows_begin(&e->rows, full);
    return e->position;
}

int
engine_checkpoint_step(struct engine *e, size_t max_rows,
                       int (*fn)(void *arg, const struct engine_row *row),
                       void *arg)
{
    return rows_step(&e->rows, max_rows, fn, arg);
}

int
engine_restore_row(struct engine *e, const struct engine_row *row)
{
    CHECK(e->position == 0 && e->plan == NULL);
    if (e->restore == NULL)
        e->restore = restore_new();
    return e->restore == NULL ? -ENOMEM : restore_put(e->restore, row);
}

static bool
is_of_text(const struct engine_row *row)
{
    return row->node == NODE_TEXTS || row->node == NODE_PARTITIONS ||
           row->node == NODE_INPUTS;
}

static int
restore_marks(void *arg, const struct engine_row *row)
{
    struct engine *e = arg;
    if (row->node != NODE_PARTITIONS && row->node != NODE_INPUTS)
        return 0;
    return watermarks_restore(&e->marks, row);
}

static int
restore_metric(void *arg, const struct engine_row *row)
{
    struct engine *e = arg;
    return row->node == NODE_METRICS ? seriesdb_restore(e->series, row) : 0;
}

static int
restore_window(struct engine *e, const struct engine_row *row)
{
    struct sink *s = e->plan == NULL ? NULL : plan_sink(e->plan, row->node);
    if (s == NULL)
        return 0;
    int r = s->window != NULL ? window_restore(s->window, row)
                              : values_restore(s->values, row);
    return r == -ENOMEM ? -ENOMEM : 1;
}

static int
restore_window_head(void *arg, const struct engine_row *row)
{
    int r =
        is_of_text(row) || row->node == NODE_SERIES || row->node == NODE_METRICS
            ? 0
            : restore_window(arg, row);
    return MIN(r, 0);
}

static int
restore_rule(struct engine *e, const struct engine_row *row)
{
    struct plan *p = e->plan;
    char first = row->key.n > 0 ? row->key.p[0] : '\0';
    if (p != NULL && (first == 'k' || first == 'h')) {
        struct rule *kind = plan_kind(p, row->node);
        if (kind != NULL) {
            struct kind *k = kind->state->kind;
            int r = k->ops->restore(k, row);
            return r < 0 ? r : 1;
        }
    }
    struct rule *rule = p == NULL ? NULL : plan_rule(p, row->node);
    if (rule == NULL)
        return 0;
    int r = rule_state_restore(rule->state, row);
    return r < 0 ? r : 1;
}

/* All that hangs on the plan. */
static int
restore_rest(void *arg, const struct engine_row *row)
{
    struct engine *e = arg;
    if (is_of_text(row) || row->node == NODE_METRICS)
        return 0;
    int r = row->node == NODE_SERIES ? seriesdb_restore(e->series, row)
                                     : restore_rule(e, row);
    if (r == 0 && row->node != NODE_SERIES && row->key.p[0] != 'w')
        r = restore_window(e, row);
    if (r == 0 && row->key.p[0] != 'w')
        rows_orphan(&e->rows, row->node, row->key);
    return MIN(r, 0);
}

static int
restore_texts(struct engine *e, struct schema **ret)
{
    struct slice v;
    int r = 0;
    for (unsigned i = 0; r == 0 && i < TEXT_COUNT; i++) {
        if (!restore_get(e->restore, NODE_TEXTS, slice_from_str(text_keys[i]),
                         &v))
            continue;
        rowset_restored(&e->text_rows, i);
        if (i == TEXT_STATS)
            r = stats_restore(e, v);
        else
            r = buf_append_slice(&e->texts[i], v);
    }
    if (r == 0 && e->texts[TEXT_SCHEMA].n > 0)
        r = schema_decode(buf_slice(&e->texts[TEXT_SCHEMA]), ret);
    return r;
}

static int
restore_all(struct engine *e)
{
    struct schema *schema = NULL;
    int r = restore_texts(e, &schema);
    if (r < 0 || schema == NULL)
        return r;
    r = engine_compile(e, schema);
    if (r == 0)
        r = restore_each(e->restore, '\0', restore_marks, e);
    if (r == 0)
        r = restore_each(e->restore, '\0', restore_metric, e);
    if (r == 0)
        r = restore_each(e->restore, 'w', restore_window_head, e);
    if (r == 0)
        r = restore_each(e->restore, '\0', restore_rest, e);
    if (r == 0)
        r = seriesdb_settle(e->series);
    if (r < 0)
        return r;
    watermarks_restored(&e->marks);
    if (e->plan != NULL)
        slots_planned(e);
    return 0;
}

int
engine_restore_end(struct engine *e, uint64_t position)
{
    int r = e->restore == NULL ? 0 : restore_all(e);
    restore_free(e->restore);
    e->restore = NULL;
    engine_settle(e);
    e->position = position;
    return r < 0 ? r : e->rows.failed;
}

/* --- looking inside ----------------------------------------------------- */

void
engine_get_stats(const struct engine *e, struct engine_stats *ret)
{
    struct engine_stats s = e->stats;
    s.rows = rows_count(&e->rows);
    s.series = seriesdb_count(e->series);
    s.bytes = seriesdb_bytes(e->series) + labels_bytes(e->labels) +
              e->arena.total_bytes + e->rows.queue.cap + e->rows.gone.cap;
    s.keys = 0;
    const struct plan *p = e->plan;
    s.rules = p == NULL ? 0 : p->rules.n;
    for (uint32_t i = 0; p != NULL && i < p->sinks.n; i++) {
        const struct sink *k = p->sinks.p[i];
        s.keys += k->window != NULL ? window_entries(k->window)
                                    : values_entries(k->values);
        s.bytes += k->window != NULL ? window_bytes(k->window)
                                     : values_bytes(k->values);
    }
    s.rules_unknown = s.rules_failing = 0;
    for (uint32_t i = 0; p != NULL && i < p->rules.n; i++) {
        const struct kind *k = p->rules.p[i].state->kind;
        s.keys += k == NULL ? 0 : keyed_count(&k->keyed);
        s.bytes += k == NULL ? 0 : k->ops->bytes(k);
        s.rules_unknown += rule_is_unknown(e, &p->rules.p[i]);
        s.rules_failing += p->rules.p[i].state->health == HEALTH_ERR;
    }
    *ret = s;
}

int
engine_watermarks(const struct engine *e,
                  int (*fn)(void *arg, const struct engine_watermark *w),
                  void *arg)
{
    for (uint32_t i = 0; i < e->marks.parts.n; i++) {
        const struct partition *p = &e->marks.parts.p[i];
        if (p->name == NULL || e->schema == NULL ||
            p->input >= e->schema->n_inputs)
            continue;
        struct engine_watermark w = {.input = e->schema->inputs[p->input].name,
                                     .partition = slice_new(p->name, p->n),
                                     .watermark_us = p->watermark,
                                     .newest_us = p->newest,
                                     .state =
                                         p->frozen ? PARTITION_DOWN : p->state};
        int r = fn(arg, &w);
        if (r != 0)
            return r;
    }
    return 0;
}

int
engine_alerts(const struct engine *e,
              int (*fn)(void *arg, const struct transition *t), void *arg)
{
    struct plan *p = e->plan;
    for (uint32_t i = 0; p != NULL && i < p->rules.n; i++) {
        int r = alerts_tell(&p->rules.p[i], fn, arg);
        if (r != 0)
            return r;
    }
    return 0;
}
