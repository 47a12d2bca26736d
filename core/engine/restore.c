/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/restore.h"

#include "core/base/arena.h"
#include "core/base/hash.h"
#include "core/base/table.h"
#include "core/engine/engine.h"
#include "core/engine/vec.h"

struct restore {
    struct arena arena;
    struct table table;
    VEC(struct engine_row) rows;
};

struct restore *
restore_new(void)
{
    struct restore *r = mem_new(struct restore);
    if (r == NULL)
        return NULL;
    arena_init(&r->arena, 64 << 10, (size_t)4 << 30);
    table_init(&r->table, UINT32_MAX / 2);
    return r;
}

void
restore_free(struct restore *r)
{
    if (r == NULL)
        return;
    vec_free(&r->rows);
    table_fini(&r->table);
    arena_fini(&r->arena);
    mem_free(r);
}

struct row_ctx {
    const struct restore *r;
    uint64_t node;
    struct slice key;
};

static bool
row_eq(const void *ctx, uint32_t index)
{
    const struct row_ctx *c = ctx;
    const struct engine_row *row = &c->r->rows.p[index];
    return row->node == c->node && slice_eq(row->key, c->key);
}

static uint32_t
row_find(const struct restore *r, uint64_t node, struct slice key)
{
    struct row_ctx ctx = {r, node, key};
    return table_find(&r->table, hash_mix(node, hash_slice(key)), row_eq, &ctx);
}

int
restore_put(struct restore *r, const struct engine_row *row)
{
    struct slice value = {0};
    if (row->value.p != NULL &&
        arena_slice_dup(&r->arena, row->value, &value) < 0)
        return -ENOMEM;
    uint32_t i = row_find(r, row->node, row->key);
    if (i != TABLE_NONE) {
        r->rows.p[i].value = value;
        return 0;
    }
    struct engine_row copy = {.node = row->node, .value = value};
    if (arena_slice_dup(&r->arena, row->key, &copy.key) < 0 ||
        vec_push(&r->rows, copy) < 0)
        return -ENOMEM;
    return table_insert(&r->table, hash_mix(row->node, hash_slice(row->key)),
                        r->rows.n - 1);
}

bool
restore_get(const struct restore *r, uint64_t node, struct slice key,
            struct slice *ret)
{
    uint32_t i = row_find(r, node, key);
    if (i == TABLE_NONE || r->rows.p[i].value.p == NULL)
        return false;
    *ret = r->rows.p[i].value;
    return true;
}

int
restore_each(const struct restore *r, char first,
             int (*fn)(void *arg, const struct engine_row *row), void *arg)
{
    for (uint32_t i = 0; i < r->rows.n; i++) {
        const struct engine_row *row = &r->rows.p[i];
        if (row->value.p == NULL ||
            (first != '\0' && (row->key.n == 0 || row->key.p[0] != first)))
            continue;
        int e = fn(arg, row);
        if (e < 0)
            return e;
    }
    return 0;
}
