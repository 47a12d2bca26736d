/* SPDX-License-Identifier: Apache-2.0 */
/* options_table.c - reads a table of options, and checks it. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "core/config/options_priv.h"

#include "core/base/arena.h"
#include "core/base/duration.h"

struct options_table
options_of_plugin(const struct tocsin_plugin *plugin)
{
    return (struct options_table){plugin->options, plugin->n_options,
                                  plugin->option_size,
                                  plugin->options_struct_size};
}

struct tocsin_option
options_at(const struct options_table *t, size_t i)
{
    struct tocsin_option o = {0};
    memcpy(&o, (const char *)t->options + i * t->option_size,
           MIN(sizeof o, t->option_size));
    return o;
}

struct options_table
options_members(const struct options_table *t, const struct tocsin_option *o)
{
    return (struct options_table){o->members, o->n_members, t->option_size,
                                  o->members_struct_size};
}

bool
options_choice(const struct tocsin_option *o, size_t i, struct slice *ret)
{
    struct slice rest = slice_from_str(o->choices);
    for (;; i--) {
        const char *bar = rest.n == 0 ? NULL : memchr(rest.p, '|', rest.n);
        size_t n = bar == NULL ? rest.n : (size_t)(bar - rest.p);
        if (i == 0) {
            *ret = slice_new(rest.p, n);
            return n > 0;
        }
        if (bar == NULL)
            return false;
        rest = slice_skip(rest, n + 1);
    }
}

const char *
options_limit(const struct tocsin_option *o, int64_t limit, char ret[static 64])
{
    if (o->type == TOCSIN_OPT_DURATION)
        duration_format(limit, ret);
    else if (o->type == TOCSIN_OPT_SIZE)
        size_format((uint64_t)limit, ret);
    else
        snprintf(ret, 64, "%lld", (long long)limit);
    return ret;
}

/* Size of the C type behind an option, or 0. */
static size_t
type_size(uint32_t type)
{
    static const size_t sizes[] = {
        [TOCSIN_OPT_BOOL] = sizeof(int32_t),
        [TOCSIN_OPT_INT] = sizeof(int64_t),
        [TOCSIN_OPT_DOUBLE] = sizeof(double),
        [TOCSIN_OPT_STRING] = sizeof(char *),
        [TOCSIN_OPT_DURATION] = sizeof(int64_t),
        [TOCSIN_OPT_SIZE] = sizeof(int64_t),
        [TOCSIN_OPT_ENUM] = sizeof(int32_t),
        [TOCSIN_OPT_LIST] = sizeof(struct tocsin_list),
        [TOCSIN_OPT_MAP] = sizeof(struct tocsin_map),
        [TOCSIN_OPT_GROUP] = sizeof(void *),
        [TOCSIN_OPT_GROUPS] = sizeof(struct tocsin_list),
    };
    return type < ARRAY_SIZE(sizes) ? sizes[type] : 0;
}

static int
check_key(const char *key, size_t i, struct err *err)
{
    if (key == NULL || key[0] == 0)
        return err_set(err, -EINVAL, "option %zu has no key", i);
    if (key[0] < 'a' || key[0] > 'z' ||
        key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_")] != 0)
        return err_set(err, -EINVAL, "option \"%s\": a key is snake_case", key);
    return 0;
}

static int
check_option(const struct options_table *t, const struct tocsin_option *o,
             struct err *err)
{
    size_t size = type_size(o->type);
    if (size == 0)
        return err_set(err, -EINVAL, "option \"%s\" has no known type", o->key);
    if (size > t->struct_size || o->offset > t->struct_size - size ||
        o->offset % MIN(size, sizeof(void *)) != 0)
        return err_set(err, -EINVAL,
                       "option \"%s\" does not lie in the options struct",
                       o->key);
    struct slice choice;
    if (o->type == TOCSIN_OPT_ENUM && !options_choice(o, 0, &choice))
        return err_set(err, -EINVAL, "option \"%s\" has no choices", o->key);
    if ((o->flags & TOCSIN_OPT_SCALAR) != 0 && o->n_members == 0)
        return err_set(err, -EINVAL, "option \"%s\" has no first member",
                       o->key);
    if (o->n_members > 0 && o->members == NULL)
        return err_set(err, -EINVAL, "option \"%s\" has no members", o->key);
    return 0;
}

static int
check_table(const struct options_table *t, unsigned depth, struct err *err)
{
    if (depth > OPTIONS_DEPTH_MAX)
        return err_set(err, -EINVAL, "groups of options are too deep");
    for (size_t i = 0; i < t->n; i++) {
        struct tocsin_option o = options_at(t, i);
        int r = check_key(o.key, i, err);
        for (size_t k = 0; k < i && r == 0; k++)
            if (strcmp(options_at(t, k).key, o.key) == 0)
                r = err_set(err, -EINVAL, "option \"%s\" is there twice",
                            o.key);
        if (r == 0)
            r = check_option(t, &o, err);
        if (r == 0 && o.n_members > 0) {
            struct options_table members = options_members(t, &o);
            r = check_table(&members, depth + 1, err);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

/* Fills a struct with nothing but defaults, group by group. */
static int
check_defaults(const struct options_table *t, struct arena *a, struct err *err)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    struct yaml_doc doc = {.path = "default"};
    struct yaml_node node = {.kind = YAML_SCALAR, .doc = &doc};
    struct options_ctx ctx = {.arena = a, .errs = &errs};
    for (size_t i = 0; i < t->n; i++) {
        struct tocsin_option o = options_at(t, i);
        struct options_table one = *t;
        one.options =
            (const void *)((const char *)t->options + i * t->option_size);
        one.n = 1;
        void *filled;
        int r = (o.flags & TOCSIN_OPT_REQUIRED) != 0
                    ? 0
                    : options_fill(&ctx, &one, NULL, &node, &filled);
        if (r < 0)
            return err_set(err, r, "%s",
                           errs.n > 0 ? errs.diags[0].message
                                      : "out of memory");
        struct options_table members = options_members(t, &o);
        r = check_defaults(&members, a, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int
options_check_table(const struct options_table *t, struct err *err)
{
    int r = check_table(t, 0, err);
    if (r < 0)
        return r;
    AUTO_FINI(arena) a;
    arena_init(&a, 4096, 16u << 20);
    return check_defaults(t, &a, err);
}
