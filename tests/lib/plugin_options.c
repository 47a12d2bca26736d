/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/plugin_options.h"

static void *
must(void *p)
{
    if (!p)
        abort();
    return p;
}

static int64_t
scaled(const char *text, const char *const *units, const int64_t *factors)
{
    int64_t sum = 0;
    while (*text) {
        char *end;
        double value = strtod(text, &end);
        size_t n = strspn(end, "abcdefghijklmnopqrstuvwxyzKMGTiB");
        int64_t factor = 1;
        for (size_t i = 0; units[i]; i++)
            if (strlen(units[i]) == n && strncmp(units[i], end, n) == 0)
                factor = factors[i];
        if (end == text)
            return -1;
        sum += (int64_t)(value * (double)factor);
        text = end + n;
    }
    return sum;
}

static int64_t
duration_us(const char *text)
{
    static const char *const units[] = {"us", "ms", "s", "m", "h", "d", NULL};
    static const int64_t factors[] = {1,        1000,       1000000,
                                      60000000, 3600000000, 86400000000};
    return scaled(text, units, factors);
}

static int64_t
size_bytes(const char *text)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", NULL};
    static const int64_t factors[] = {1, 1024, 1048576, 1073741824};
    return scaled(text, units, factors);
}

static int
choice(const char *choices, const char *value)
{
    size_t size = strlen(value);
    int i = 0;
    for (const char *p = choices; *p; i++) {
        size_t n = strcspn(p, "|");
        if (n == size && strncmp(p, value, n) == 0)
            return i;
        p += n + (p[n] == '|');
    }
    return -1;
}

static int
truth(const char *text)
{
    return strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
}

static void
list_add(struct tocsin_list *list, const char *value)
{
    const char **items =
        must(realloc((void *)list->items, (list->n + 1) * sizeof *items));
    items[list->n++] = must(strdup(value));
    list->items = items;
}

static void
map_add(struct tocsin_map *map, const char *key, const char *value)
{
    const char **keys =
        must(realloc((void *)map->keys, (map->n + 1) * sizeof *keys));
    const char **values =
        must(realloc((void *)map->values, (map->n + 1) * sizeof *values));
    keys[map->n] = must(strdup(key));
    values[map->n++] = must(strdup(value));
    map->keys = keys;
    map->values = values;
}

static int
set_value(void *at, const struct tocsin_option *opt, const char *value)
{
    switch (opt->type) {
    case TOCSIN_OPT_BOOL:
        *(int32_t *)at = truth(value);
        return 0;
    case TOCSIN_OPT_INT:
        *(int64_t *)at = strtoll(value, NULL, 10);
        return 0;
    case TOCSIN_OPT_DOUBLE:
        *(double *)at = strtod(value, NULL);
        return 0;
    case TOCSIN_OPT_STRING:
        free((void *)*(const char **)at);
        *(const char **)at = must(strdup(value));
        return 0;
    case TOCSIN_OPT_DURATION:
        *(int64_t *)at = duration_us(value);
        return 0;
    case TOCSIN_OPT_SIZE:
        *(int64_t *)at = size_bytes(value);
        return 0;
    case TOCSIN_OPT_ENUM:
        *(int32_t *)at = choice(opt->choices, value);
        return *(int32_t *)at < 0 ? -1 : 0;
    case TOCSIN_OPT_LIST:
        list_add(at, value);
        return 0;
    default:
        return -1;
    }
}

void *
plugin_options_new(const struct tocsin_option *table, size_t n,
                   size_t struct_size)
{
    char *options = must(calloc(1, struct_size ? struct_size : 1));
    for (size_t i = 0; i < n; i++)
        if (table[i].default_value &&
            set_value(options + table[i].offset, &table[i],
                      table[i].default_value) < 0)
            abort();
    return options;
}

static int
set_in_group(void **group, const struct tocsin_option *opt, const char *rest)
{
    if (!*group)
        *group = plugin_options_new(opt->members, opt->n_members,
                                    opt->members_struct_size);
    return plugin_options_set(*group, opt->members, opt->n_members, rest);
}

static int
set_option(void *at, const struct tocsin_option *opt, const char *rest)
{
    if (*rest == '=' && opt->type == TOCSIN_OPT_GROUP &&
        opt->flags & TOCSIN_OPT_SCALAR) {
        char word[1024];
        snprintf(word, sizeof word, "%s%s", opt->members[0].key, rest);
        return set_in_group(at, opt, word);
    }
    if (*rest == '=')
        return set_value(at, opt, rest + 1);
    if (opt->type == TOCSIN_OPT_GROUP)
        return set_in_group(at, opt, rest + 1);
    const char *equals = strchr(rest, '=');
    if (opt->type != TOCSIN_OPT_MAP || !equals)
        return -1;
    char *key = must(strndup(rest + 1, (size_t)(equals - rest - 1)));
    map_add(at, key, equals + 1);
    free(key);
    return 0;
}

int
plugin_options_set(void *options, const struct tocsin_option *table, size_t n,
                   const char *word)
{
    size_t key_size = strcspn(word, "=.");
    for (size_t i = 0; i < n; i++) {
        if (strlen(table[i].key) != key_size ||
            strncmp(table[i].key, word, key_size) != 0)
            continue;
        char *at = (char *)options + table[i].offset;
        if (set_option(at, &table[i], word + key_size) == 0)
            return 0;
        break;
    }
    fprintf(stderr, "can't set option \"%s\"\n", word);
    return -1;
}
