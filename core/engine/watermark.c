/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/watermark.h"

#include "core/base/check.h"
#include "core/base/codec.h"
#include "core/base/hash.h"

/* --- rows --------------------------------------------------------------- */

static int
part_put(void *owner, uint32_t index, struct buf *key, struct buf *value)
{
    struct watermarks *w = owner;
    const struct partition *p = &w->parts.p[index];
    (void)buf_put_u16(key, p->input);
    (void)buf_append(key, p->name, p->n);
    (void)buf_put_u8(value, p->state);
    (void)buf_put_u8(value, p->frozen);
    (void)buf_put_zigzag(value, p->watermark);
    (void)buf_put_zigzag(value, p->newest);
    (void)buf_put_zigzag(value, p->since);
    (void)buf_put_zigzag(value, p->seen);
    (void)buf_put_zigzag(value, p->brought);
    for (uint32_t i = 0; i < p->n_gaps; i++) {
        (void)buf_put_zigzag(value, p->gaps[i].lo);
        (void)buf_put_zigzag(value, p->gaps[i].hi);
    }
    return buf_error(value);
}

static int
input_put(void *owner, uint32_t index, struct buf *key, struct buf *value)
{
    struct watermarks *w = owner;
    (void)buf_put_u16(key, (uint16_t)index);
    return buf_put_zigzag(value, w->inputs.p[index].newest);
}

static const struct rowset_ops part_ops = {part_put, NULL};
static const struct rowset_ops input_ops = {input_put, NULL};

void
watermarks_init(struct watermarks *w, struct rows *rows)
{
    *w = (struct watermarks){.now = USEC_NONE};
    table_init(&w->table, UINT32_MAX / 2);
    rowset_init(&w->part_rows, rows, NODE_PARTITIONS, &part_ops, w);
    rowset_init(&w->input_rows, rows, NODE_INPUTS, &input_ops, w);
}

void
watermarks_fini(struct watermarks *w)
{
    rowset_fini(&w->part_rows);
    rowset_fini(&w->input_rows);
    for (uint32_t i = 0; i < w->parts.n; i++)
        mem_free(w->parts.p[i].name);
    vec_free(&w->parts);
    vec_free(&w->free);
    vec_free(&w->inputs);
    table_fini(&w->table);
}

static int
inputs_reach(struct watermarks *w, uint32_t n)
{
    while (w->inputs.n < n) {
        struct input_clock c = {USEC_NONE, USEC_NONE, USEC_NONE, 0, false};
        if (vec_push(&w->inputs, c) < 0)
            return -ENOMEM;
    }
    return 0;
}

int
watermarks_schema(struct watermarks *w, const struct schema *s)
{
    w->schema = s;
    return inputs_reach(w, s->n_inputs);
}

/* --- partitions --------------------------------------------------------- */

struct part_ctx {
    const struct watermarks *w;
    uint16_t input;
    struct slice name;
};

static bool
part_eq(const void *ctx, uint32_t index)
{
    const struct part_ctx *c = ctx;
    const struct partition *p = &c->w->parts.p[index];
    return p->input == c->input && slice_eq(slice_new(p->name, p->n), c->name);
}

static int64_t
part_of(struct watermarks *w, uint16_t input, struct slice name, bool make)
{
    struct part_ctx ctx = {w, input, name};
    uint64_t hash = hash_mix(input, hash_slice(name));
    uint32_t i = table_find(&w->table, hash, part_eq, &ctx);
    if (i != TABLE_NONE)
        return i;
    if (!make)
        return -ENOENT;
    struct partition p = {.name = mem_strndup(name.n > 0 ? name.p : "", name.n),
                          .n = (uint32_t)name.n,
                          .input = input,
                          .state = PARTITION_READING,
                          .watermark = USEC_NONE,
                          .newest = USEC_NONE,
                          .since = USEC_NONE,
                          .seen = w->now,
                          .brought = w->now};
    bool reuse = w->free.n > 0;
    i = reuse ? w->free.p[w->free.n - 1] : w->parts.n;
    if (p.name == NULL || vec_reserve(&w->parts, 1) < 0 ||
        inputs_reach(w, input + 1u) < 0 ||
        table_insert(&w->table, hash, i) < 0) {
        mem_free(p.name);
        return -ENOMEM;
    }
    if (reuse)
        w->free.n--;
    else
        w->parts.n++;
    w->parts.p[i] = p;
    return i;
}

static void
part_forget(struct watermarks *w, uint32_t i)
{
    struct partition *p = &w->parts.p[i];
    rowset_drop(&w->part_rows, i);
    CHECK(table_remove(&w->table,
                       hash_mix(p->input, hash_slice(slice_new(p->name, p->n))),
                       i));
    if (p->state == PARTITION_ENDED)
        w->n_ended--;
    mem_free(p->name);
    *p = (struct partition){0};
    if (vec_push(&w->free, i) < 0)
        w->part_rows.rows->failed = -ENOMEM;
}

static usec_t
lateness_of(const struct watermarks *w, uint16_t input)
{
    return input < w->schema->n_inputs ? w->schema->inputs[input].lateness_us
                                       : 0;
}

/* The smallest of the partitions that go on; where all have ended, what the
 * newest of them brought. */
static void
input_update(struct watermarks *w, uint16_t input)
{
    struct input_clock *c = &w->inputs.p[input];
    usec_t least = USEC_MAX, since = USEC_MAX, ended = USEC_NONE;
    c->partitions = 0;
    c->frozen = false;
    for (uint32_t i = 0; i < w->parts.n; i++) {
        const struct partition *p = &w->parts.p[i];
        if (p->name == NULL || p->input != input)
            continue;
        c->partitions++;
        c->frozen |= p->frozen;
        if (p->state == PARTITION_ENDED)
            ended = MAX(ended, p->watermark);
        else
            least = MIN(least, p->watermark);
        if (p->since != USEC_NONE)
            since = MIN(since, p->since);
    }
    usec_t wm = least == USEC_MAX ? ended : least;
    if (wm != c->watermark)
        w->moved = true;
    c->watermark = wm;
    c->since = since == USEC_MAX ? USEC_NONE : since;
}

/* The end of a backlog that is older than this says nothing of the time since
 * then, which nobody observed. */
#define BACKLOG_AGE USEC_PER_HOUR

/* Raises a partition's watermark to 'to' at most. */
static void
part_raise(struct watermarks *w, uint32_t i, usec_t to)
{
    struct partition *p = &w->parts.p[i];
    to = MIN(to, w->now - lateness_of(w, p->input));
    if (to <= p->watermark)
        return;
    p->watermark = to;
    if (p->since == USEC_NONE)
        p->since = to;
}

static void
part_advance(struct watermarks *w, uint32_t i)
{
    struct partition *p = &w->parts.p[i];
    usec_t late = lateness_of(w, p->input);
    if (p->frozen)
        return;
    if (p->state == PARTITION_ENDED && p->newest != USEC_NONE)
        part_raise(w, i, p->newest); /* nothing is late any more */
    else if (p->newest != USEC_NONE)
        part_raise(w, i, p->newest - late);
}

/* It is heard of again: what lies between was seen by nobody. */
static void
part_open_gap(struct watermarks *w, struct partition *p)
{
    if (p->watermark == USEC_NONE || w->now <= p->watermark)
        return;
    if (p->n_gaps > 0 && p->gaps[p->n_gaps - 1].lo == p->watermark) {
        p->gaps[p->n_gaps - 1].hi = w->now;
        return;
    }
    if (p->n_gaps == WATERMARK_GAPS_MAX) {
        p->gaps[0].hi = p->gaps[1].hi;
        memmove(&p->gaps[1], &p->gaps[2], (p->n_gaps - 2) * sizeof *p->gaps);
        p->n_gaps--;
    }
    p->gaps[p->n_gaps++] = (struct gap){p->watermark, w->now};
}

static void
part_heard(struct watermarks *w, struct partition *p)
{
    if (p->frozen || (!w->leaps && w->now - p->seen > WATERMARK_UNSEEN))
        part_open_gap(w, p);
    p->frozen = false;
    p->seen = w->now;
}

static bool
part_silent(const struct watermarks *w, const struct partition *p)
{
    usec_t every = p->input < w->schema->n_inputs
                       ? w->schema->inputs[p->input].expect_every_us
                       : 0;
    return every > 0 && w->now - p->brought > every;
}

static void
part_set_state(struct watermarks *w, struct partition *p, uint8_t state)
{
    w->n_ended += (state == PARTITION_ENDED) - (p->state == PARTITION_ENDED);
    p->state = state;
}

int
watermarks_tick(struct watermarks *w, const struct tick_partition *t)
{
    bool gone = t->state == PARTITION_GONE;
    int64_t i = part_of(w, t->input, t->name, !gone);
    if (i < 0)
        return i == -ENOENT ? 0 : (int)i;
    if (gone) {
        part_forget(w, (uint32_t)i);
        input_update(w, t->input);
        return 0;
    }
    rowset_touch(&w->part_rows, (uint32_t)i);
    struct partition *p = &w->parts.p[i];
    if (t->state == PARTITION_DOWN ||
        (t->state == PARTITION_CAUGHT_UP && part_silent(w, p))) {
        part_set_state(w, p, t->state);
        p->frozen = true;
        p->seen = w->now;
    } else {
        part_heard(w, p);
        if (t->state == PARTITION_CAUGHT_UP && p->state == PARTITION_READING &&
            p->watermark != USEC_NONE &&
            w->now - lateness_of(w, t->input) - p->watermark > BACKLOG_AGE)
            part_open_gap(w, p);
        part_set_state(w, p, t->state);
        if (t->state == PARTITION_CAUGHT_UP)
            part_raise(w, (uint32_t)i, w->now - lateness_of(w, t->input));
        part_advance(w, (uint32_t)i);
    }
    input_update(w, t->input);
    return 0;
}

void
watermarks_time(struct watermarks *w, usec_t now)
{
    w->now = MAX(w->now, now);
    if (w->n_ended == 0)
        return;
    for (uint32_t i = 0; i < w->parts.n; i++) {
        struct partition *p = &w->parts.p[i];
        if (p->name == NULL || p->state != PARTITION_ENDED)
            continue;
        rowset_touch(&w->part_rows, i);
        p->seen = w->now;
        part_advance(w, i);
        input_update(w, p->input);
    }
}

void
watermarks_rebase(struct watermarks *w, usec_t now)
{
    w->now = now;
    for (uint32_t i = 0; i < w->parts.n; i++) {
        struct partition *p = &w->parts.p[i];
        if (p->name == NULL)
            continue;
        usec_t most = now - lateness_of(w, p->input);
        rowset_touch(&w->part_rows, i);
        p->seen = MIN(p->seen, now);
        p->brought = MIN(p->brought, now);
        p->watermark = MIN(p->watermark, most);
        p->newest = MIN(p->newest, now + w->schema->max_future_us);
        if (p->since != USEC_NONE)
            p->since = MIN(p->since, p->watermark);
        p->n_gaps = 0;
        input_update(w, p->input);
    }
    for (uint32_t i = 0; i < w->inputs.n; i++) {
        struct input_clock *c = &w->inputs.p[i];
        if (c->newest != USEC_NONE) {
            rowset_touch(&w->input_rows, i);
            c->newest = MIN(c->newest, now + w->schema->max_future_us);
        }
    }
}

int64_t
watermarks_chunk(struct watermarks *w, uint16_t input, struct slice name)
{
    int64_t i = part_of(w, input, name, true);
    if (i < 0)
        return i;
    rowset_touch(&w->part_rows, (uint32_t)i);
    struct partition *p = &w->parts.p[i];
    part_heard(w, p);
    p->brought = w->now;
    if (p->state == PARTITION_DOWN || p->state == PARTITION_ENDED)
        part_set_state(w, p, PARTITION_READING);
    return i;
}

void
watermarks_close_gaps(struct partition *p, usec_t t)
{
    for (uint32_t i = 0; i < p->n_gaps; i++) {
        if (t <= p->gaps[i].lo || t > p->gaps[i].hi)
            continue;
        p->n_gaps--;
        memmove(&p->gaps[i], &p->gaps[i + 1],
                (p->n_gaps - i) * sizeof *p->gaps);
        i--;
    }
}

void
watermarks_chunk_end(struct watermarks *w, uint32_t part, usec_t oldest,
                     usec_t newest)
{
    struct partition *p = &w->parts.p[part];
    struct input_clock *c = &w->inputs.p[p->input];
    if (newest != USEC_NONE) {
        p->newest = MAX(p->newest, newest);
        if (p->since == USEC_NONE)
            p->since = oldest;
        if (newest > c->newest) {
            rowset_touch(&w->input_rows, p->input);
            c->newest = newest;
        }
    }
    part_advance(w, part);
    input_update(w, p->input);
}

void
watermarks_flush(struct watermarks *w, usec_t to)
{
    for (uint32_t i = 0; i < w->parts.n; i++) {
        struct partition *p = &w->parts.p[i];
        if (p->name == NULL)
            continue;
        rowset_touch(&w->part_rows, i);
        p->watermark = MAX(p->watermark, to);
        if (p->since == USEC_NONE)
            p->since = p->watermark;
        input_update(w, p->input);
    }
}

usec_t
watermarks_gap(const struct watermarks *w, uint16_t input, usec_t slot)
{
    usec_t end = USEC_NONE;
    for (uint32_t i = 0; i < w->parts.n; i++) {
        const struct partition *p = &w->parts.p[i];
        if (p->name == NULL || p->input != input)
            continue;
        for (uint32_t k = 0; k < p->n_gaps; k++) {
            if (slot > p->gaps[k].lo && slot <= p->gaps[k].hi)
                end = MAX(end, p->gaps[k].hi);
        }
    }
    return end;
}

void
watermarks_forget(struct watermarks *w, usec_t before)
{
    for (uint32_t i = 0; i < w->parts.n; i++) {
        struct partition *p = &w->parts.p[i];
        if (p->name == NULL || p->n_gaps == 0 || p->gaps[0].hi >= before)
            continue;
        rowset_touch(&w->part_rows, i);
        uint32_t k = 0;
        while (k < p->n_gaps && p->gaps[k].hi < before)
            k++;
        memmove(p->gaps, p->gaps + k, (p->n_gaps - k) * sizeof *p->gaps);
        p->n_gaps -= k;
    }
}

/* --- restoring ---------------------------------------------------------- */

static int
part_restore(struct watermarks *w, const struct engine_row *row)
{
    if (row->key.n < 2)
        return -EBADMSG;
    uint16_t input = le_get_u16(row->key.p);
    struct reader r = reader_new(row->value);
    struct partition q = {.state = reader_u8(&r), .frozen = reader_u8(&r)};
    q.watermark = reader_zigzag(&r);
    q.newest = reader_zigzag(&r);
    q.since = reader_zigzag(&r);
    q.seen = reader_zigzag(&r);
    q.brought = reader_zigzag(&r);
    while (reader_ok(&r) && reader_left(&r) > 0 &&
           q.n_gaps < WATERMARK_GAPS_MAX) {
        q.gaps[q.n_gaps].lo = reader_zigzag(&r);
        q.gaps[q.n_gaps++].hi = reader_zigzag(&r);
    }
    if (!reader_done(&r))
        return -EBADMSG;
    int64_t i = part_of(w, input, slice_skip(row->key, 2), true);
    if (i < 0)
        return (int)i;
    struct partition *p = &w->parts.p[i];
    q.name = p->name;
    q.n = p->n;
    q.input = p->input;
    w->n_ended += q.state == PARTITION_ENDED;
    *p = q;
    rowset_restored(&w->part_rows, (uint32_t)i);
    return 0;
}

int
watermarks_restore(struct watermarks *w, const struct engine_row *row)
{
    if (row->node == NODE_PARTITIONS)
        return part_restore(w, row);
    struct reader r = reader_new(row->value);
    usec_t newest = reader_zigzag(&r);
    if (row->key.n != 2 || !reader_done(&r))
        return -EBADMSG;
    uint16_t input = le_get_u16(row->key.p);
    if (inputs_reach(w, input + 1u) < 0)
        return -ENOMEM;
    w->inputs.p[input].newest = newest;
    rowset_restored(&w->input_rows, input);
    return 0;
}

void
watermarks_restored(struct watermarks *w)
{
    for (uint32_t i = 0; i < w->inputs.n; i++)
        input_update(w, (uint16_t)i);
    w->moved = true;
}
