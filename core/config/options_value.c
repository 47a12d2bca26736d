/* SPDX-License-Identifier: Apache-2.0 */
/* options_value.c - one option's value, from YAML to its C type. */
#include "config.h"

#include <errno.h>

#include "core/config/options_priv.h"

#include "core/base/arena.h"

static int
check_limits(const struct options_ctx *ctx, const struct tocsin_option *o,
             const struct yaml_node *node, int64_t v)
{
    bool low = options_has_min(o) && v < o->min;
    bool high = options_has_max(o) && v > o->max;
    if ((!low && !high) || node->pending)
        return 0;
    char limit[64];
    options_limit(o, low ? o->min : o->max, limit);
    if (node->secret)
        return yaml_error(node, ctx->errs, "expected at %s %s",
                          low ? "least" : "most", limit);
    return yaml_error(node, ctx->errs, "expected at %s %s, found \"%.*s\"",
                      low ? "least" : "most", limit, SLICE_FMT(node->value));
}

static int
fill_number(const struct options_ctx *ctx, const struct tocsin_option *o,
            const struct yaml_node *node, void *dest)
{
    int64_t v = 0;
    int r = o->type == TOCSIN_OPT_INT    ? yaml_i64(node, ctx->errs, &v)
            : o->type == TOCSIN_OPT_SIZE ? yaml_size(node, ctx->errs, &v)
                                         : yaml_duration(node, ctx->errs, &v);
    if (r == 0)
        r = check_limits(ctx, o, node, v);
    if (r == 0)
        memcpy(dest, &v, sizeof v);
    return r;
}

static int
fill_bool(const struct options_ctx *ctx, const struct yaml_node *node,
          void *dest)
{
    bool b = false;
    int r = yaml_bool(node, ctx->errs, &b);
    int32_t v = b;
    if (r == 0)
        memcpy(dest, &v, sizeof v);
    return r;
}

static int
fill_enum(const struct options_ctx *ctx, const struct tocsin_option *o,
          const struct yaml_node *node, void *dest)
{
    const char *choices[64];
    size_t n = 0, index = 0;
    for (struct slice s; n < ARRAY_SIZE(choices) && options_choice(o, n, &s);
         n++) {
        choices[n] = arena_strndup(ctx->arena, s.p, s.n);
        if (choices[n] == NULL)
            return -ENOMEM;
    }
    int r = yaml_choice(node, choices, n, ctx->errs, &index);
    int32_t v = (int32_t)index;
    if (r == 0)
        memcpy(dest, &v, sizeof v);
    return r;
}

static int
fill_string(const struct options_ctx *ctx, const struct yaml_node *node,
            const char **ret)
{
    struct slice s;
    int r = yaml_string(node, ctx->errs, &s);
    if (r < 0)
        return r;
    *ret = arena_strndup(ctx->arena, s.p, s.n);
    return *ret == NULL ? -ENOMEM : 0;
}

static int
fill_list(const struct options_ctx *ctx, const struct yaml_node *node,
          void *dest)
{
    const struct yaml_node *const *items = node->items;
    size_t n = node->n;
    if (yaml_is_null(node)) {
        n = 0;
    } else if (node->kind == YAML_SCALAR) {
        items = &node;
        n = 1;
    } else if (node->kind != YAML_SEQUENCE) {
        return yaml_expect(node, YAML_SEQUENCE, ctx->errs);
    }
    const char **texts = arena_new_array(ctx->arena, const char *, n);
    if (texts == NULL)
        return -ENOMEM;
    bool bad = false;
    for (size_t i = 0; i < n; i++) {
        int r = fill_string(ctx, items[i], &texts[i]);
        if (r == -ENOMEM)
            return r;
        bad |= r < 0;
    }
    struct tocsin_list list = {.items = texts, .n = n};
    memcpy(dest, &list, sizeof list);
    return bad ? -EINVAL : 0;
}

static int
fill_map(const struct options_ctx *ctx, const struct yaml_node *node,
         void *dest)
{
    bool empty = yaml_is_null(node);
    if (!empty && yaml_expect(node, YAML_MAPPING, ctx->errs) < 0)
        return -EINVAL;
    size_t n = empty ? 0 : node->n;
    const char **keys = arena_new_array(ctx->arena, const char *, n);
    const char **values = arena_new_array(ctx->arena, const char *, n);
    if (keys == NULL || values == NULL)
        return -ENOMEM;
    bool bad = false;
    for (size_t i = 0; i < n; i++) {
        const struct yaml_pair *pair = &node->pairs[i];
        int r = fill_string(ctx, pair->value, &values[i]);
        keys[i] =
            arena_strndup(ctx->arena, pair->key->value.p, pair->key->value.n);
        if (r == -ENOMEM || keys[i] == NULL)
            return -ENOMEM;
        bad |= r < 0;
    }
    struct tocsin_map map = {keys, values, n};
    memcpy(dest, &map, sizeof map);
    return bad ? -EINVAL : 0;
}

int
options_fill_value(const struct options_ctx *ctx, const struct tocsin_option *o,
                   const struct yaml_node *node, void *dest)
{
    const char *text = NULL;
    double number = 0;
    int r;
    switch (o->type) {
    case TOCSIN_OPT_BOOL:
        return fill_bool(ctx, node, dest);
    case TOCSIN_OPT_INT:
    case TOCSIN_OPT_DURATION:
    case TOCSIN_OPT_SIZE:
        return fill_number(ctx, o, node, dest);
    case TOCSIN_OPT_DOUBLE:
        r = yaml_double(node, ctx->errs, &number);
        if (r == 0)
            memcpy(dest, &number, sizeof number);
        return r;
    case TOCSIN_OPT_STRING:
        r = fill_string(ctx, node, &text);
        if (r == 0)
            memcpy(dest, &text, sizeof text);
        return r;
    case TOCSIN_OPT_ENUM:
        return fill_enum(ctx, o, node, dest);
    case TOCSIN_OPT_LIST:
        return fill_list(ctx, node, dest);
    case TOCSIN_OPT_MAP:
        return fill_map(ctx, node, dest);
    default: /* options_check_table refuses it before */
        return yaml_error(node, ctx->errs, "option \"%s\" has no known type",
                          o->key);
    }
}
