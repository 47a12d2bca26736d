/* SPDX-License-Identifier: Apache-2.0 */
/* config_route.c - the tree of routes that lead to receivers. */
#include "config.h"

#include <errno.h>

#include "core/config/config_priv.h"

#include "core/base/str.h"

#define GROUP_BY_MAX 256

struct route_settings {
    const char *receiver;
    struct tocsin_list group_by, matchers, mute, active;
    int64_t group_wait, group_interval, repeat_interval;
    struct tocsin_map match, match_re;
    int32_t continues;
};

static const struct tocsin_option route_options[] = {
    {.key = "receiver",
     .type = TOCSIN_OPT_STRING,
     .offset = offsetof(struct route_settings, receiver),
     .help = "The name of the receiver; inherited."},
    {.key = "group_by",
     .type = TOCSIN_OPT_LIST,
     .offset = offsetof(struct route_settings, group_by),
     .help = "Alerts that agree on these labels are one notification; ... "
             "alone means all labels; inherited."},
    {.key = "group_wait",
     .type = TOCSIN_OPT_DURATION,
     .offset = offsetof(struct route_settings, group_wait),
     .default_value = "30s",
     .help = "How long the first notification of a group waits for more "
             "alerts; inherited."},
    {.key = "group_interval",
     .type = TOCSIN_OPT_DURATION,
     .offset = offsetof(struct route_settings, group_interval),
     .default_value = "5m",
     .min = USEC_PER_MSEC,
     .max = 365 * USEC_PER_DAY,
     .help = "How long news of a group waits after its last notification; "
             "inherited."},
    {.key = "repeat_interval",
     .type = TOCSIN_OPT_DURATION,
     .offset = offsetof(struct route_settings, repeat_interval),
     .default_value = "4h",
     .min = USEC_PER_MSEC,
     .max = 365 * USEC_PER_DAY,
     .help = "How long until a group that still fires is told again; "
             "inherited."},
    {.key = "matchers",
     .type = TOCSIN_OPT_LIST,
     .offset = offsetof(struct route_settings, matchers),
     .help = "Which alerts go here: all of these must fit, such as "
             "severity=\"page\"."},
    {.key = "match",
     .type = TOCSIN_OPT_MAP,
     .offset = offsetof(struct route_settings, match),
     .help = "The older way to write matchers with =: label: value."},
    {.key = "match_re",
     .type = TOCSIN_OPT_MAP,
     .offset = offsetof(struct route_settings, match_re),
     .help = "The older way to write matchers with =~: label: expression."},
    {.key = "continue",
     .type = TOCSIN_OPT_BOOL,
     .offset = offsetof(struct route_settings, continues),
     .default_value = "false",
     .help = "Alerts that fit are also tried on the routes that follow."},
    {.key = "mute_time_intervals",
     .type = TOCSIN_OPT_LIST,
     .offset = offsetof(struct route_settings, mute),
     .help = "Not in this version yet."},
    {.key = "active_time_intervals",
     .type = TOCSIN_OPT_LIST,
     .offset = offsetof(struct route_settings, active),
     .help = "Not in this version yet."},
};

const struct options_table config_route_table =
    CONFIG_TABLE(route_options, struct route_settings);

static bool
is_given(const struct yaml_node *node, const char *key)
{
    return !yaml_is_null(yaml_get(node, key));
}

static const struct yaml_node *
element(const struct yaml_node *list, size_t i)
{
    return list->kind == YAML_SEQUENCE ? list->items[i] : list;
}

static int
build_group_by(struct config_build *b, const struct tocsin_list *list,
               const struct yaml_node *node, struct config_route *route)
{
    const char *const *names = list->items;
    if (list->n > GROUP_BY_MAX) {
        yaml_error(node, b->errs, "more than %d labels", GROUP_BY_MAX);
        return 0;
    }
    const char **kept = arena_new_array(&b->cfg->arena, const char *, list->n);
    if (kept == NULL)
        return -ENOMEM;
    size_t n = 0;
    route->group_by_all = false;
    for (size_t i = 0; i < list->n; i++) {
        const struct yaml_node *at = element(node, i);
        bool twice = false;
        if (names[i] == NULL || at->pending)
            continue;
        if (strcmp(names[i], "...") == 0) {
            route->group_by_all = true;
            if (list->n > 1)
                yaml_error(at, b->errs,
                           "\"...\" stands for all labels, and "
                           "must be alone");
            continue;
        }
        if (names[i][0] == 0) {
            yaml_error(at, b->errs, "\"\" is no label name");
            continue;
        }
        for (size_t k = 0; k < n; k++)
            twice |= strcmp(kept[k], names[i]) == 0;
        if (twice)
            yaml_error(at, b->errs, "label \"%s\" is given twice", names[i]);
        else
            kept[n++] = names[i];
    }
    for (size_t i = 1; i < n; i++) /* few: insertion sort */
        for (size_t k = i; k > 0 && strcmp(kept[k - 1], kept[k]) > 0; k--) {
            const char *t = kept[k];
            kept[k] = kept[k - 1];
            kept[k - 1] = t;
        }
    route->group_by = kept;
    route->n_group_by = n;
    return 0;
}

static int
add_match_map(struct config_build *b, const struct tocsin_map *map,
              const struct yaml_node *node, enum config_match op,
              struct config_matcher *all, size_t *n)
{
    for (size_t i = 0; i < map->n; i++) {
        if (map->values[i] == NULL)
            continue;
        if (*n == CONFIG_MATCHERS_MAX) {
            yaml_error(node, b->errs, "more than %d matchers",
                       CONFIG_MATCHERS_MAX);
            return 0;
        }
        all[*n] = (struct config_matcher){map->keys[i], map->values[i], op};
        if (!config_is_label_name(slice_from_str(map->keys[i])))
            yaml_error(node->pairs[i].key, b->errs, "\"%s\" is no label name",
                       map->keys[i]);
        config_check_matcher(b, node->pairs[i].value, 0, &all[*n]);
        ++*n;
    }
    return 0;
}

static int
build_matchers(struct config_build *b, const struct route_settings *set,
               const struct yaml_node *node, struct config_route *route)
{
    struct config_matcher *all = arena_new_array(
        &b->cfg->arena, struct config_matcher, CONFIG_MATCHERS_MAX);
    if (all == NULL)
        return -ENOMEM;
    size_t n = 0;
    const struct yaml_node *list = yaml_get(node, "matchers");
    for (size_t i = 0; i < set->matchers.n; i++) {
        if (((const char *const *)set->matchers.items)[i] == NULL)
            continue; /* told */
        int r = config_parse_matchers(b, element(list, i), all, &n);
        if (r < 0)
            return r;
    }
    (void)add_match_map(b, &set->match, yaml_get(node, "match"), CONFIG_EQ, all,
                        &n);
    (void)add_match_map(b, &set->match_re, yaml_get(node, "match_re"),
                        CONFIG_RE, all, &n);
    route->matchers = all;
    route->n_matchers = n;
    return 0;
}

static void
find_receiver(struct config_build *b, const char *name,
              const struct yaml_node *at, struct config_route *route)
{
    const struct config *cfg = b->cfg;
    const char *names[256];
    size_t n = 0;
    for (size_t i = 0; i < cfg->n_receivers; i++) {
        if (strcmp(cfg->receivers[i].name, name) == 0) {
            route->receiver = &cfg->receivers[i];
            return;
        }
        if (n < ARRAY_SIZE(names))
            names[n++] = cfg->receivers[i].name;
    }
    if (at->pending)
        return;
    yaml_error(at, b->errs, "there is no receiver \"%s\"", name);
    const char *near = str_nearest(slice_from_str(name), names, n);
    if (near != NULL)
        errlist_hint(b->errs, "did you mean \"%s\"?", near);
}

/* The root routes everything, so some keys mean nothing there. */
static void
check_root(struct config_build *b, const struct yaml_node *node)
{
    static const char *const keys[] = {"matchers", "match", "match_re",
                                       "continue"};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const struct yaml_pair *pair = yaml_get_pair(node, keys[i]);
        if (pair == NULL || yaml_is_null(pair->value) ||
            (pair->value->kind != YAML_SCALAR && pair->value->n == 0) ||
            slice_eq_str(pair->value->value, "false"))
            continue;
        yaml_error(pair->key, b->errs,
                   "the root route takes every alert: \"%s\" can't stand here",
                   keys[i]);
        errlist_hint(b->errs, "put it on a route below \"routes\"");
    }
    if (!is_given(node, "receiver"))
        yaml_error(node, b->errs, "the root route needs a receiver");
}

static int build_routes(struct config_build *b, const struct yaml_node *list,
                        struct config_route *parent);

/* 'route' comes with what it inherits. */
static int
build_route(struct config_build *b, const struct yaml_node *node,
            struct config_route *route)
{
    static const char *const others[] = {"routes"};
    route->at = node;
    route->n_routes = route->n_matchers = 0;
    if (yaml_expect(node, YAML_MAPPING, b->errs) < 0)
        return 0;
    const struct route_settings *set = config_fill(
        b, &config_route_table, node, node, others, ARRAY_SIZE(others));
    if (set == NULL)
        return -ENOMEM;
    if (set->receiver != NULL)
        find_receiver(b, set->receiver, yaml_get(node, "receiver"), route);
    if (is_given(node, "group_wait"))
        route->group_wait_us = set->group_wait;
    if (is_given(node, "group_interval"))
        route->group_interval_us = set->group_interval;
    if (is_given(node, "repeat_interval"))
        route->repeat_interval_us = set->repeat_interval;
    route->continues = set->continues;
    int r = 0;
    if (is_given(node, "group_by"))
        r = build_group_by(b, &set->group_by, yaml_get(node, "group_by"),
                           route);
    if (r == 0)
        r = build_matchers(b, set, node, route);
    config_later_key(b, yaml_get_pair(node, "mute_time_intervals"));
    config_later_key(b, yaml_get_pair(node, "active_time_intervals"));
    if (r == 0)
        r = build_routes(b, yaml_get(node, "routes"), route);
    return r;
}

/* As deep as YAML may be. */
static int
build_routes(struct config_build *b, const struct yaml_node *list,
             struct config_route *parent)
{
    if (yaml_is_null(list) || yaml_expect(list, YAML_SEQUENCE, b->errs) < 0)
        return 0;
    struct config_route *routes =
        arena_new_array(&b->cfg->arena, struct config_route, list->n);
    if (routes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++) {
        routes[i] = *parent;
        int r = build_route(b, list->items[i], &routes[i]);
        if (r < 0)
            return r;
    }
    parent->routes = routes;
    parent->n_routes = list->n;
    return 0;
}

static bool
is_used(const struct config_route *route, const struct config_receiver *rc)
{
    bool used = route->receiver == rc;
    for (size_t i = 0; i < route->n_routes && !used; i++)
        used = is_used(&route->routes[i], rc);
    return used;
}

int
config_build_route(struct config_build *b, const struct yaml_node *root)
{
    struct config *cfg = b->cfg;
    const struct yaml_node *node = yaml_get(root, "route");
    if (yaml_is_null(node)) {
        if (cfg->n_receivers == 0)
            return 0;
        yaml_error(yaml_get_pair(root, "receivers")->key, b->errs,
                   "there are receivers, and no route leads to them");
        errlist_hint(b->errs, "add \"route: {receiver: %s}\"",
                     cfg->receivers[0].name);
        return 0;
    }
    struct config_route *route = arena_new(&cfg->arena, struct config_route);
    if (route == NULL)
        return -ENOMEM;
    cfg->route = route;
    route->group_wait_us = 30 * USEC_PER_SEC;
    route->group_interval_us = 5 * USEC_PER_MINUTE;
    route->repeat_interval_us = 4 * USEC_PER_HOUR;
    if (node->kind == YAML_MAPPING)
        check_root(b, node);
    int r = build_route(b, node, route);
    route->continues = false;
    /* After an error this would only be noise. */
    if (b->errs->errors > b->errors_before)
        return r;
    for (size_t i = 0; i < cfg->n_receivers && r == 0; i++)
        if (cfg->receivers[i].name[0] != 0 &&
            !is_used(route, &cfg->receivers[i])) {
            struct where w = yaml_where(cfg->receivers[i].at);
            errlist_warn(b->errs, &w, "no route leads to receiver \"%s\"",
                         cfg->receivers[i].name);
        }
    return r;
}
