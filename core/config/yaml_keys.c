/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_keys.c - the pairs of a mapping, each key once. */
#include "config.h"

#include <errno.h>

#include "core/config/yaml_priv.h"

#include "core/base/hash.h"
#include "core/base/table.h"

/* Above so many keys a table finds the doubles. */
#define KEYS_LINEAR 16u

struct key_ctx {
    const struct yaml_pair *pairs;
    struct slice key;
};

static bool
key_eq(const void *ctx, uint32_t index)
{
    const struct key_ctx *c = ctx;
    return slice_eq(c->pairs[index].key->value, c->key);
}

/* The pair that has this key already, or TABLE_NONE. */
static uint32_t
find_key(const struct table *t, const struct yaml_node *map,
         const struct yaml_pair *pairs, struct slice key)
{
    struct key_ctx ctx = {pairs, key};
    if (t != NULL)
        return table_find(t, hash_slice(key), key_eq, &ctx);
    for (uint32_t i = 0; i < map->n; i++)
        if (slice_eq(pairs[i].key->value, key))
            return i;
    return TABLE_NONE;
}

/* Is it a key that can be used? */
static bool
check_key(const struct yaml_node *key, struct errlist *errs)
{
    if (key->kind != YAML_SCALAR) {
        yaml_error(key, errs, "a key can't be %s", yaml_kind_name(key));
    } else if (key->style == YAML_PLAIN && key->value.n == 0) {
        yaml_error(key, errs, "a key is missing");
    } else if (key->style == YAML_PLAIN && slice_eq_str(key->value, "<<")) {
        yaml_error(key, errs, "merge keys are not understood");
        errlist_hint(errs, "write the keys out; an alias can stand for a "
                           "whole value");
    } else {
        return true;
    }
    return false;
}

/* Adds a pair unless something is wrong with its key.  't' is NULL where
 * there are few.  0 or -ENOMEM. */
static int
add_pair(struct yaml_node *map, struct table *t, struct yaml_pair *pairs,
         struct yaml_pair pair, struct errlist *errs)
{
    const struct yaml_node *key = pair.key;
    if (!check_key(key, errs))
        return 0;
    uint32_t first = find_key(t, map, pairs, key->value);
    if (first != TABLE_NONE) {
        yaml_error(key, errs, "key \"%.*s\" is given twice",
                   SLICE_FMT(key->value));
        errlist_hint(errs, "the first one is in line %u",
                     pairs[first].key->line);
        return 0;
    }
    if (t != NULL && table_insert(t, hash_slice(key->value), map->n) < 0)
        return -ENOMEM;
    pairs[map->n++] = pair;
    return 0;
}

int
yaml_fill_mapping(struct arena *a, struct yaml_node *map,
                  const struct yaml_node *const *nodes, size_t n,
                  struct errlist *errs)
{
    struct yaml_pair *pairs = arena_new_array(a, struct yaml_pair, n / 2);
    if (pairs == NULL)
        return -ENOMEM;
    AUTO_FINI(table) t;
    table_init(&t, YAML_NODES_MAX);
    struct table *use = n / 2 > KEYS_LINEAR ? &t : NULL;
    for (size_t i = 0; i + 1 < n; i += 2) {
        struct yaml_pair pair = {nodes[i], nodes[i + 1]};
        int r = add_pair(map, use, pairs, pair, errs);
        if (r < 0)
            return r;
    }
    map->pairs = pairs;
    return 0;
}
