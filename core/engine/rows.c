/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/rows.h"

#include "core/base/check.h"
#include "core/base/codec.h"

#define ROWS_QUEUE_MAX ((size_t)1 << 31)

void
rows_init(struct rows *r)
{
    *r = (struct rows){.queue = BUF_INIT(ROWS_QUEUE_MAX),
                       .gone = BUF_INIT(ROWS_QUEUE_MAX),
                       .key = BUF_INIT(ROWS_QUEUE_MAX),
                       .value = BUF_INIT(ROWS_QUEUE_MAX)};
}

void
rows_close(struct rows *r)
{
    r->closed = true;
}

void
rows_fini(struct rows *r)
{
    CHECK(r->first == NULL);
    buf_fini(&r->queue);
    buf_fini(&r->gone);
    buf_fini(&r->key);
    buf_fini(&r->value);
}

/* node | key | there | value */
static void
queue_put(struct rows *r, struct buf *b, uint64_t node, struct slice key,
          const struct slice *value)
{
    (void)buf_put_u64(b, node);
    (void)buf_put_slice(b, key);
    (void)buf_put_u8(b, value != NULL);
    if (value != NULL)
        (void)buf_put_slice(b, *value);
    if (buf_error(b) < 0)
        r->failed = -ENOMEM;
}

/* Serialises into r->key and r->value. */
static int
row_put(struct rowset *rs, uint32_t index)
{
    struct rows *r = rs->rows;
    buf_reset(&r->key);
    buf_reset(&r->value);
    int e = rs->ops->put(rs->owner, index, &r->key, &r->value);
    if (e < 0 || buf_error(&r->key) < 0 || buf_error(&r->value) < 0) {
        r->failed = -ENOMEM;
        return -ENOMEM;
    }
    return 0;
}

void
rowset_init(struct rowset *rs, struct rows *r, uint64_t node,
            const struct rowset_ops *ops, void *owner)
{
    *rs = (struct rowset){
        .rows = r, .prev = r->last, .node = node, .ops = ops, .owner = owner};
    if (r->last != NULL)
        r->last->next = rs;
    else
        r->first = rs;
    r->last = rs;
}

void
rowset_fini(struct rowset *rs)
{
    struct rows *r = rs->rows;
    if (r == NULL)
        return;
    for (uint32_t i = 0; !r->closed && i < rs->flags.n; i++)
        rowset_drop(rs, i);
    if (r->current == rs)
        r->current = rs->next;
    if (rs->prev != NULL)
        rs->prev->next = rs->next;
    else
        r->first = rs->next;
    if (rs->next != NULL)
        rs->next->prev = rs->prev;
    else
        r->last = rs->prev;
    vec_free(&rs->flags);
    vec_free(&rs->dirty);
    vec_free(&rs->frozen);
    rs->rows = NULL;
}

static bool
flags_reach(struct rowset *rs, uint32_t index)
{
    if (index < rs->flags.n)
        return true;
    uint32_t more = index + 1 - rs->flags.n;
    if (vec_reserve(&rs->flags, more) < 0) {
        rs->rows->failed = -ENOMEM;
        return false;
    }
    memset(rs->flags.p + rs->flags.n, 0, more);
    rs->flags.n += more;
    return true;
}

/* Hands out the old value of a row that is about to change. */
static void
row_thaw(struct rowset *rs, uint32_t index)
{
    struct rows *r = rs->rows;
    rs->flags.p[index] &= (uint8_t)~ROW_FROZEN;
    if (row_put(rs, index) == 0) {
        struct slice value = buf_slice(&r->value);
        queue_put(r, &r->queue, rs->node, buf_slice(&r->key), &value);
    }
}

void
rowset_touch_slow_(struct rowset *rs, uint32_t index)
{
    if (!flags_reach(rs, index))
        return;
    if (rs->flags.p[index] & ROW_FROZEN)
        row_thaw(rs, index);
    if (!(rs->flags.p[index] & ROW_DIRTY) && vec_push(&rs->dirty, index) < 0) {
        rs->rows->failed = -ENOMEM;
        return;
    }
    rs->flags.p[index] = ROW_ALIVE | ROW_DIRTY;
}

void
rowset_drop(struct rowset *rs, uint32_t index)
{
    if (index >= rs->flags.n || !(rs->flags.p[index] & ROW_ALIVE))
        return;
    struct rows *r = rs->rows;
    if (rs->flags.p[index] & ROW_FROZEN)
        row_thaw(rs, index);
    if (row_put(rs, index) == 0)
        queue_put(r, &r->gone, rs->node, buf_slice(&r->key), NULL);
    rs->flags.p[index] = 0;
}

void
rowset_restored(struct rowset *rs, uint32_t index)
{
    if (flags_reach(rs, index))
        rs->flags.p[index] |= ROW_ALIVE;
}

void
rows_orphan(struct rows *r, uint64_t node, struct slice key)
{
    queue_put(r, &r->gone, node, key, NULL);
}

/* What the last checkpoint left undone is to be done by the next. */
static void
rowset_abandon(struct rowset *rs)
{
    for (uint32_t i = 0; i < rs->flags.n; i++) {
        if (rs->flags.p[i] & ROW_FROZEN) {
            rs->flags.p[i] &= (uint8_t)~ROW_FROZEN;
            rowset_touch(rs, i);
        }
    }
}

static void
rowset_freeze(struct rowset *rs, bool full)
{
    if (rs->ops->begin != NULL)
        rs->ops->begin(rs->owner);
    rs->pos = 0;
    rs->frozen.n = 0;
    if (full) {
        for (uint32_t i = 0; i < rs->flags.n; i++) {
            if (!(rs->flags.p[i] & ROW_ALIVE))
                continue;
            rs->flags.p[i] = ROW_ALIVE | ROW_FROZEN;
            if (vec_push(&rs->frozen, i) < 0)
                rs->rows->failed = -ENOMEM;
        }
        rs->dirty.n = 0;
        return;
    }
    for (uint32_t k = 0; k < rs->dirty.n; k++) {
        uint32_t i = rs->dirty.p[k];
        /* One that was removed meanwhile has no flags, one that was made
         * anew stands here twice. */
        if (rs->flags.p[i] != (ROW_ALIVE | ROW_DIRTY))
            continue;
        rs->flags.p[i] = ROW_ALIVE | ROW_FROZEN;
        if (vec_push(&rs->frozen, i) < 0)
            rs->rows->failed = -ENOMEM;
    }
    rs->dirty.n = 0;
}

void
rows_begin(struct rows *r, bool full)
{
    if (r->running) {
        for (struct rowset *rs = r->first; rs != NULL; rs = rs->next)
            rowset_abandon(rs);
    }
    if (full) {
        buf_reset(&r->queue);
        r->queue_pos = 0;
    } else if (buf_append_slice(&r->queue, buf_slice(&r->gone)) < 0) {
        r->failed = -ENOMEM;
    }
    buf_reset(&r->gone);
    for (struct rowset *rs = r->first; rs != NULL; rs = rs->next)
        rowset_freeze(rs, full);
    r->current = r->first;
    r->running = true;
}

/* Hands out the queue's next row: 1, 0 if there is none, or the error. */
static int
queue_step(struct rows *r, int (*fn)(void *, const struct engine_row *),
           void *arg)
{
    if (r->queue_pos == r->queue.n)
        return 0;
    struct slice rest = slice_skip(buf_slice(&r->queue), r->queue_pos);
    struct reader in = reader_new(rest);
    struct engine_row row = {.node = reader_u64(&in)};
    row.key = reader_slice(&in);
    if (reader_u8(&in) != 0) {
        row.value = reader_slice(&in);
        if (row.value.p == NULL)
            row.value.p = "";
    }
    CHECK(reader_ok(&in));
    r->queue_pos += rest.n - reader_left(&in);
    int e = fn(arg, &row);
    if (r->queue_pos == r->queue.n) {
        buf_reset(&r->queue);
        r->queue_pos = 0;
    }
    return e < 0 ? e : 1;
}

static int
frozen_step(struct rows *r, int (*fn)(void *, const struct engine_row *),
            void *arg)
{
    for (; r->current != NULL; r->current = r->current->next) {
        struct rowset *rs = r->current;
        while (rs->pos < rs->frozen.n) {
            uint32_t i = rs->frozen.p[rs->pos++];
            if (!(rs->flags.p[i] & ROW_FROZEN))
                continue;
            rs->flags.p[i] &= (uint8_t)~ROW_FROZEN;
            if (row_put(rs, i) < 0)
                return -ENOMEM;
            struct engine_row row = {.node = rs->node,
                                     .key = buf_slice(&r->key),
                                     .value = buf_slice(&r->value)};
            if (row.value.p == NULL)
                row.value.p = "";
            int e = fn(arg, &row);
            return e < 0 ? e : 1;
        }
    }
    return 0;
}

int
rows_step(struct rows *r, size_t max_rows,
          int (*fn)(void *, const struct engine_row *), void *arg)
{
    if (!r->running)
        return 0;
    for (size_t i = 0; i < max_rows; i++) {
        int e = queue_step(r, fn, arg);
        if (e == 0)
            e = frozen_step(r, fn, arg);
        if (e < 0)
            return e;
        if (r->failed < 0)
            return r->failed;
        if (e == 0) {
            r->running = false;
            return 0;
        }
    }
    return 1;
}

uint64_t
rows_count(const struct rows *r)
{
    uint64_t n = 0;
    for (const struct rowset *rs = r->first; rs != NULL; rs = rs->next) {
        for (uint32_t i = 0; i < rs->flags.n; i++)
            n += rs->flags.p[i] & ROW_ALIVE;
    }
    return n;
}
