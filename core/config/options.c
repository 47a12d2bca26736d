/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - from YAML to a plugin's options struct. */
#include "config.h"

#include <errno.h>

#include "core/config/options_priv.h"

#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/config/secrets.h"

/* --------------------------------------------------------------- secrets */

/* Every value below a node that should have been, or is, a secret. */
static int
hide(const struct options_ctx *ctx, const struct yaml_node *node)
{
    if (node->kind == YAML_SCALAR) {
        int r = yaml_is_null(node) || node->pending
                    ? 0
                    : secrets_add(ctx->secrets, node->value);
        if (r != -ENOSPC)
            return r;
        return yaml_error(node, ctx->errs, "more than %d secrets", SECRETS_MAX);
    }
    int r = 0;
    for (size_t i = 0; i < node->n && r == 0; i++)
        r = hide(ctx, node->kind == YAML_MAPPING ? node->pairs[i].value
                                                 : node->items[i]);
    return r;
}

/* ---------------------------------------------------------------- groups */

static int fill_table(const struct options_ctx *ctx,
                      const struct options_table *t,
                      const struct yaml_node *node, const struct yaml_node *at,
                      unsigned depth, void **ret);

/* A plain value as the mapping that it stands for: {FIRST MEMBER: VALUE}. */
static const struct yaml_node *
wrap_scalar(const struct options_ctx *ctx, const struct options_table *members,
            const struct yaml_node *value)
{
    struct yaml_node *map = arena_new(ctx->arena, struct yaml_node);
    struct yaml_node *key = arena_new(ctx->arena, struct yaml_node);
    struct yaml_pair *pair = arena_new(ctx->arena, struct yaml_pair);
    if (map == NULL || key == NULL || pair == NULL)
        return NULL;
    *key = *map = *value;
    key->value = slice_from_str(options_at(members, 0).key);
    *pair = (struct yaml_pair){key, value};
    map->kind = YAML_MAPPING;
    map->n = 1;
    map->pairs = pair;
    return map;
}

static int
fill_group(const struct options_ctx *ctx, const struct options_table *t,
           const struct tocsin_option *o, const struct yaml_node *node,
           const struct yaml_node *at, unsigned depth, void **ret)
{
    struct options_table members = options_members(t, o);
    if (node->kind == YAML_SCALAR && !yaml_is_null(node) &&
        (o->flags & TOCSIN_OPT_SCALAR) != 0 && members.n > 0) {
        node = wrap_scalar(ctx, &members, node);
        if (node == NULL)
            return -ENOMEM;
    }
    if (yaml_expect(node, YAML_MAPPING, ctx->errs) < 0)
        return -EINVAL;
    return fill_table(ctx, &members, node, at, depth + 1, ret);
}

static int
fill_groups(const struct options_ctx *ctx, const struct options_table *t,
            const struct tocsin_option *o, const struct yaml_node *node,
            unsigned depth, void *dest)
{
    bool empty = yaml_is_null(node);
    if (!empty && yaml_expect(node, YAML_SEQUENCE, ctx->errs) < 0)
        return -EINVAL;
    size_t n = empty ? 0 : node->n;
    void **groups = arena_new_array(ctx->arena, void *, n);
    if (groups == NULL)
        return -ENOMEM;
    bool bad = false;
    for (size_t i = 0; i < n; i++) {
        int r = fill_group(ctx, t, o, node->items[i], node->items[i], depth,
                           &groups[i]);
        if (r == -ENOMEM)
            return r;
        bad |= r < 0;
    }
    struct tocsin_list list = {.items = groups, .n = n};
    memcpy(dest, &list, sizeof list);
    return bad ? -EINVAL : 0;
}

static int
fill_value(const struct options_ctx *ctx, const struct options_table *t,
           const struct tocsin_option *o, const struct yaml_node *node,
           const struct yaml_node *at, unsigned depth, void *dest)
{
    if (o->type == TOCSIN_OPT_GROUPS)
        return fill_groups(ctx, t, o, node, depth, dest);
    if (o->type != TOCSIN_OPT_GROUP)
        return options_fill_value(ctx, o, node, dest);
    void *group = NULL;
    int r = fill_group(ctx, t, o, node, at, depth, &group);
    if (group != NULL)
        memcpy(dest, &group, sizeof group);
    return r;
}

/* -------------------------------------------------------------- defaults */

/* The text of a default, as if a user had written it. */
static int
fill_default(const struct options_ctx *ctx, const struct options_table *t,
             const struct tocsin_option *o, const struct yaml_node *at,
             unsigned depth, void *dest)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    struct options_ctx quiet = *ctx;
    quiet.errs = &errs;
    struct yaml_doc here = {.path = "default"};
    struct yaml_node scalar = {.kind = YAML_SCALAR,
                               .style = YAML_SINGLE_QUOTED,
                               .value = slice_from_str(o->default_value),
                               .weight = 1,
                               .doc = &here};
    AUTO(yaml_doc) *doc = NULL;
    const struct yaml_node *node = &scalar;
    if (o->type >= TOCSIN_OPT_LIST) {
        doc = yaml_parse(scalar.value, "default", &errs);
        if (doc == NULL)
            return -ENOMEM;
        node = doc->root;
    }
    int r = fill_value(&quiet, t, o, node, node, depth, dest);
    if (r == -ENOMEM || (r == 0 && errs.errors == 0))
        return r;
    return yaml_error(at, ctx->errs,
                      "the default of option \"%s\" is wrong: %s", o->key,
                      errs.n > 0 ? errs.diags[0].message : "unreadable");
}

/* ----------------------------------------------------------------- table */

static int
missing(const struct options_ctx *ctx, const struct tocsin_option *o,
        const struct yaml_node *at)
{
    yaml_error(at, ctx->errs, "option \"%s\" is required", o->key);
    if (o->help != NULL)
        errlist_hint(ctx->errs, "%s: %s", o->key, o->help);
    return -EINVAL;
}

/* Required, and there, but nothing in it. */
static bool
is_hollow(const struct tocsin_option *o, const struct yaml_node *node)
{
    if ((o->flags & TOCSIN_OPT_REQUIRED) == 0)
        return false;
    switch (o->type) {
    case TOCSIN_OPT_STRING:
        return node->kind == YAML_SCALAR && node->value.n == 0 &&
               !yaml_is_null(node);
    case TOCSIN_OPT_LIST:
    case TOCSIN_OPT_MAP:
    case TOCSIN_OPT_GROUPS:
        return yaml_is_null(node) ||
               (node->kind != YAML_SCALAR && node->n == 0);
    default:
        return false;
    }
}

/* Is there nothing in place of a value that was wrong? */
static bool
wants_default(const struct tocsin_option *o, const char *dest)
{
    void *group;
    if (o->type != TOCSIN_OPT_GROUP)
        return o->type < TOCSIN_OPT_LIST;
    memcpy(&group, dest, sizeof group);
    return group == NULL;
}

static bool
needs_value(uint32_t type)
{
    return type != TOCSIN_OPT_LIST && type != TOCSIN_OPT_MAP &&
           type != TOCSIN_OPT_GROUPS;
}

/* Is there anything to read?  Says so if not. */
static int
check_not_empty(const struct options_ctx *ctx, const struct tocsin_option *o,
                const struct yaml_pair *pair)
{
    bool nothing = yaml_is_null(pair->value) && needs_value(o->type);
    if (!nothing && !is_hollow(o, pair->value))
        return 0;
    if (nothing)
        yaml_error(pair->key, ctx->errs, "\"%s\" has no value", o->key);
    else
        yaml_error(pair->value, ctx->errs, "option \"%s\" must not be empty",
                   o->key);
    if ((o->flags & TOCSIN_OPT_REQUIRED) == 0)
        errlist_hint(ctx->errs, "write one, or remove the key");
    else if (o->help != NULL)
        errlist_hint(ctx->errs, "%s: %s", o->key, o->help);
    return -EINVAL;
}

static int
fill_option(const struct options_ctx *ctx, const struct options_table *t,
            const struct tocsin_option *o, const struct yaml_pair *pair,
            const struct yaml_node *at, unsigned depth, char *dest)
{
    const char *text = o->default_value;
    if (pair == NULL && (o->flags & TOCSIN_OPT_REQUIRED) != 0)
        return missing(ctx, o, at);
    /* A value that waits for its secret is right, whatever it will be. */
    if (pair == NULL || (pair->value->pending && o->type < TOCSIN_OPT_LIST &&
                         o->type != TOCSIN_OPT_STRING))
        return text == NULL ? 0 : fill_default(ctx, t, o, at, depth, dest);
    int r = 0;
    if ((o->flags & TOCSIN_OPT_SECRET) != 0)
        r = hide(ctx, pair->value);
    if (r == 0)
        r = check_not_empty(ctx, o, pair);
    if (r == 0)
        r = fill_value(ctx, t, o, pair->value, pair->key, depth, dest);
    /* Whoever reads on after an error, to find more, finds something sensible.
     */
    if (r == -EINVAL && text != NULL && wants_default(o, dest) &&
        fill_default(ctx, t, o, at, depth, dest) == -ENOMEM)
        return -ENOMEM;
    return r;
}

/* A key that is nearly that of a secret has a secret behind it: hides it,
 * because the line will be shown. */
static int
hide_misspelt(const struct options_ctx *ctx, const struct options_table *t,
              const struct yaml_node *map, const char *const *known,
              size_t n_known)
{
    int r = 0;
    /* No more errors than that are shown. */
    size_t n = MIN((size_t)map->n, n_known + ERRLIST_MAX);
    for (size_t i = 0; i < n && r == 0; i++) {
        struct slice key = map->pairs[i].key->value;
        const char *near = str_nearest(key, known, n_known);
        if (near == NULL || slice_eq_str(key, near))
            continue;
        for (size_t k = 0; k < t->n && r == 0; k++) {
            struct tocsin_option o = options_at(t, k);
            if (strcmp(o.key, near) == 0 && (o.flags & TOCSIN_OPT_SECRET) != 0)
                r = hide(ctx, map->pairs[i].value);
        }
    }
    return r;
}

static int
check_keys(const struct options_ctx *ctx, const struct options_table *t,
           const struct yaml_node *map, unsigned depth)
{
    size_t n = t->n, others = depth == 0 ? ctx->n_other_keys : 0;
    if (yaml_is_null(map))
        return 0;
    const char **known = arena_new_array(ctx->arena, const char *, n + others);
    if (known == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        known[i] = options_at(t, i).key;
    for (size_t i = 0; i < others; i++)
        known[n + i] = ctx->other_keys[i];
    if (yaml_unknown_keys(map, known, n + others, ctx->errs) == 0)
        return 0;
    int r = hide_misspelt(ctx, t, map, known, n + others);
    return r < 0 ? r : -EINVAL;
}

static int
fill_table(const struct options_ctx *ctx, const struct options_table *t,
           const struct yaml_node *node, const struct yaml_node *at,
           unsigned depth, void **ret)
{
    if (depth > OPTIONS_DEPTH_MAX)
        return yaml_error(at, ctx->errs, "the plugin's groups are too deep");
    char *dest = arena_calloc(ctx->arena, 1, t->struct_size);
    if (dest == NULL)
        return -ENOMEM;
    *ret = dest;
    bool is_map =
        yaml_is_null(node) || yaml_expect(node, YAML_MAPPING, ctx->errs) == 0;
    int r = is_map ? check_keys(ctx, t, node, depth) : -EINVAL;
    if (r == -ENOMEM)
        return r;
    bool bad = r < 0;
    for (size_t i = 0; i < t->n; i++) {
        struct tocsin_option o = options_at(t, i);
        if (!is_map && (o.flags & TOCSIN_OPT_REQUIRED) != 0)
            continue;
        r = fill_option(ctx, t, &o, yaml_get_pair(node, o.key), at, depth,
                        dest + o.offset);
        if (r == -ENOMEM)
            return r;
        bad |= r < 0;
    }
    return bad ? -EINVAL : 0;
}

int
options_fill(const struct options_ctx *ctx, const struct options_table *t,
             const struct yaml_node *node, const struct yaml_node *at,
             void **ret_options)
{
    return fill_table(ctx, t, node, at, 0, ret_options);
}
