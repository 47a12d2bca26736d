/* SPDX-License-Identifier: Apache-2.0 */
/* config_inputs.c - inputs and exporters: what names plugins. */
#include "config.h"

#include <errno.h>

#include "core/config/config_priv.h"

#include "core/base/str.h"

#define NAME_MAX_BYTES 64

struct input_settings {
    const char *name;
    int64_t lateness, expect_every, max_record;
};

static const struct tocsin_option input_options[] = {
    {.key = "name",
     .type = TOCSIN_OPT_STRING,
     .flags = TOCSIN_OPT_REQUIRED,
     .offset = offsetof(struct input_settings, name),
     .help = "The input's name, each once; \"rules\" is taken."},
    {.key = "lateness",
     .type = TOCSIN_OPT_DURATION,
     .offset = offsetof(struct input_settings, lateness),
     .default_value = "2m",
     .min = 0,
     .max = 7 * USEC_PER_DAY,
     .help = "How far out of order its records come; rules wait so long."},
    {.key = "expect_every",
     .type = TOCSIN_OPT_DURATION,
     .offset = offsetof(struct input_settings, expect_every),
     .default_value = "0s",
     .help = "Silent for longer than this, the source counts as down; 0 means "
             "that silence says nothing."},
    {.key = "max_record",
     .type = TOCSIN_OPT_SIZE,
     .offset = offsetof(struct input_settings, max_record),
     .default_value = "1MiB",
     .min = 1 << 10,
     .max = 64 << 20,
     .help = "A longer record is a dead letter."},
};

const struct options_table config_input_table =
    CONFIG_TABLE(input_options, struct input_settings);

struct exporter_settings {
    const char *name;
    int32_t on_full;
};

static const struct tocsin_option exporter_options[] = {
    {.key = "name",
     .type = TOCSIN_OPT_STRING,
     .flags = TOCSIN_OPT_REQUIRED,
     .offset = offsetof(struct exporter_settings, name),
     .help = "The exporter's name, each once."},
    {.key = "on_full",
     .type = TOCSIN_OPT_ENUM,
     .offset = offsetof(struct exporter_settings, on_full),
     .default_value = "drop_oldest",
     .choices = "drop_oldest|block",
     .help = "What happens when the exporter is further behind than the "
             "journal reaches: it loses its own oldest records, counted, or "
             "the inputs wait."},
};

const struct options_table config_exporter_table =
    CONFIG_TABLE(exporter_options, struct exporter_settings);

struct select_settings {
    struct tocsin_list inputs, records;
};

static const struct tocsin_option select_options[] = {
    {.key = "inputs",
     .type = TOCSIN_OPT_LIST,
     .offset = offsetof(struct select_settings, inputs),
     .help = "Only what these inputs brought; \"rules\" is what rules make."},
    {.key = "records",
     .type = TOCSIN_OPT_LIST,
     .offset = offsetof(struct select_settings, records),
     .default_value = "[events, samples]",
     .help = "Only these kinds of record: events, samples, alerts."},
};

const struct options_table config_select_table =
    CONFIG_TABLE(select_options, struct select_settings);

/* ----------------------------------------------------------------- names */

bool
config_check_name(struct config_build *b, const struct yaml_node *node,
                  const char *what)
{
    struct slice s = node->value;
    bool ok = node->kind == YAML_SCALAR && s.n > 0 && s.n <= NAME_MAX_BYTES;
    for (size_t i = 0; ok && i < s.n; i++) {
        char c = str_lower(s.p[i]);
        ok = c == '_' || (c >= 'a' && c <= 'z') ||
             (i > 0 && (c == '-' || (c >= '0' && c <= '9')));
    }
    if (ok || node->pending)
        return ok;
    if (node->kind != YAML_SCALAR)
        (void)yaml_expect(node, YAML_SCALAR, b->errs);
    else
        yaml_error(node, b->errs, "\"%.*s\" is no name for %s",
                   (int)MIN(s.n, (size_t)80), s.p, what);
    errlist_hint(b->errs,
                 "letters, digits, \"_\" and \"-\", a letter or \"_\" first, "
                 "at most %d",
                 NAME_MAX_BYTES);
    return false;
}

/* The name in a list's element, checked; NULL where there is none. */
static const struct yaml_node *
element_name(struct config_build *b, const struct yaml_node *element,
             const char *what)
{
    const struct yaml_node *name = yaml_get(element, "name");
    if (yaml_is_null(name) || name->kind != YAML_SCALAR || name->value.n == 0)
        return NULL; /* the table told */
    return config_check_name(b, name, what) ? name : NULL;
}

static void
given_twice(struct config_build *b, const struct yaml_node *name,
            const char *what, const struct yaml_node *first)
{
    yaml_error(name, b->errs, "there are two %s named \"%.*s\"", what,
               SLICE_FMT(name->value));
    errlist_hint(b->errs, "the first one is in line %u", first->line);
}

/* The list behind a key; NULL if there is none, or it is empty or no list. */
static const struct yaml_node *
list_of(struct config_build *b, const struct yaml_node *root, const char *key)
{
    const struct yaml_node *list = yaml_get(root, key);
    if (yaml_is_null(list) || yaml_expect(list, YAML_SEQUENCE, b->errs) < 0 ||
        list->n == 0)
        return NULL;
    return list;
}

/* --------------------------------------------------------------- plugins */

static int
set_plugin(struct config_build *b, const struct yaml_node *name,
           const struct yaml_node *options, const char *what,
           struct config_plugin *ret)
{
    struct slice s = name->value;
    (void)config_check_name(b, name, what);
    ret->name = arena_strndup(&b->cfg->arena, s.p, s.n);
    ret->at = name;
    ret->options = options;
    return ret->name == NULL ? -ENOMEM : 0;
}

/* Where a name is expected "null" is one: that of a plugin. */
static bool
is_name(const struct yaml_node *node)
{
    return node != NULL && node->kind == YAML_SCALAR &&
           (!yaml_is_null(node) || slice_eq_str(node->value, "null"));
}

int
config_build_plugin(struct config_build *b, const struct yaml_node *node,
                    const char *what, struct config_plugin *ret)
{
    if (is_name(node))
        return set_plugin(b, node, NULL, what, ret);
    if (node->kind == YAML_MAPPING && node->n == 1)
        return set_plugin(b, node->pairs[0].key, node->pairs[0].value, what,
                          ret);
    if (node->kind == YAML_MAPPING && node->n > 1) {
        yaml_error(node->pairs[1].key, b->errs,
                   "%s is one plugin, and this is a second", what);
        errlist_hint(b->errs, "are options of \"%.*s\" not indented?",
                     SLICE_FMT(node->pairs[0].key->value));
        return set_plugin(b, node->pairs[0].key, node->pairs[0].value, what,
                          ret);
    }
    yaml_error(node, b->errs, "expected the name of a plugin, found %s",
               node->kind == YAML_MAPPING ? "nothing" : yaml_kind_name(node));
    errlist_hint(b->errs, "write \"NAME\", or \"NAME: {options}\"");
    return 0;
}

/* ---------------------------------------------------------------- inputs */

static int
build_decoders(struct config_build *b, const struct yaml_node *node,
               struct config_input *in)
{
    if (yaml_is_null(node) && !is_name(node))
        return 0;
    bool list = node->kind == YAML_SEQUENCE;
    size_t n = list ? node->n : 1;
    struct config_plugin *decoders =
        arena_new_array(&b->cfg->arena, struct config_plugin, n);
    if (decoders == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        int r = config_build_plugin(b, list ? node->items[i] : node,
                                    "a decoder", &decoders[i]);
        if (r < 0)
            return r;
    }
    in->decoders = decoders;
    in->n_decoders = n;
    return 0;
}

static int
build_input(struct config_build *b, const struct yaml_node *node,
            struct config_input *in)
{
    static const char *const others[] = {"source", "decoders"};
    in->name = "";
    in->at = node;
    if (yaml_expect(node, YAML_MAPPING, b->errs) < 0)
        return 0;
    const struct input_settings *set = config_fill(
        b, &config_input_table, node, node, others, ARRAY_SIZE(others));
    if (set == NULL)
        return -ENOMEM;
    in->name = set->name == NULL ? "" : set->name;
    in->lateness_us = set->lateness;
    in->lateness_given = !yaml_is_null(yaml_get(node, "lateness"));
    in->expect_every_us = set->expect_every;
    in->max_record_bytes = set->max_record;

    const struct yaml_node *name = element_name(b, node, "an input");
    if (name != NULL && slice_eq_str(name->value, "rules")) {
        yaml_error(name, b->errs, "an input can't be named \"rules\"");
        errlist_hint(b->errs,
                     "that is the name of what rules make, for exporters");
    }
    const struct yaml_node *source = yaml_get(node, "source");
    if (source == NULL) {
        yaml_error(node, b->errs, "an input needs a source");
        errlist_hint(b->errs, "write \"source: {file: {path: …}}\"; `tocsin "
                              "plugin list` tells what there is");
    } else {
        int r = config_build_plugin(b, source, "a source", &in->source);
        if (r < 0)
            return r;
    }
    int r = build_decoders(b, yaml_get(node, "decoders"), in);
    if (r == 0 && in->n_decoders == 0) {
        yaml_error(node, b->errs, "an input needs decoders");
        errlist_hint(b->errs, "write \"decoders: [hub_logs]\"; `tocsin plugin "
                              "list` tells what there is");
    }
    return r;
}

int
config_build_inputs(struct config_build *b, const struct yaml_node *root)
{
    const struct yaml_node *list = list_of(b, root, "inputs");
    if (list == NULL)
        return 0;
    struct config_input *inputs =
        arena_new_array(&b->cfg->arena, struct config_input, list->n);
    if (inputs == NULL)
        return -ENOMEM;
    b->cfg->inputs = inputs;
    for (size_t i = 0; i < list->n; i++) {
        int r = build_input(b, list->items[i], &inputs[i]);
        if (r < 0)
            return r;
        b->cfg->n_inputs = i + 1;
        const struct yaml_node *name = yaml_get(list->items[i], "name");
        for (size_t k = 0; k < i && inputs[i].name[0] != 0; k++)
            if (strcmp(inputs[k].name, inputs[i].name) == 0) {
                given_twice(b, name, "inputs", inputs[k].at);
                break;
            }
    }
    return 0;
}

/* ------------------------------------------------------------- exporters */

static void
check_selected_inputs(struct config_build *b, const struct tocsin_list *list,
                      const struct yaml_node *node)
{
    const char *const *names = list->items;
    for (size_t i = 0; i < list->n; i++) {
        bool found = names[i] == NULL;
        for (size_t k = 0; k < b->cfg->n_inputs && !found; k++)
            found = strcmp(b->cfg->inputs[k].name, names[i]) == 0;
        if (found)
            continue;
        const struct yaml_node *at =
            node->kind == YAML_SEQUENCE ? node->items[i] : node;
        if (strcmp(names[i], "rules") == 0)
            yaml_error(at, b->errs,
                       "exporting what rules make is not in this version yet");
        else
            yaml_error(at, b->errs, "there is no input \"%s\"", names[i]);
    }
}

static unsigned
selected_records(struct config_build *b, const struct tocsin_list *list,
                 const struct yaml_node *node)
{
    static const char *const kinds[] = {"events", "samples", "alerts"};
    unsigned records = 0;
    if (yaml_is_null(node))
        return CONFIG_RECORD_EVENTS | CONFIG_RECORD_SAMPLES;
    for (size_t i = 0; i < list->n; i++) {
        size_t kind = 0;
        if (yaml_choice(node->kind == YAML_SEQUENCE ? node->items[i] : node,
                        kinds, ARRAY_SIZE(kinds), b->errs, &kind) == 0)
            records |= 1u << kind;
    }
    return records;
}

static int
build_select(struct config_build *b, const struct yaml_pair *pair,
             struct config_exporter *ex)
{
    ex->records = CONFIG_RECORD_EVENTS | CONFIG_RECORD_SAMPLES;
    if (pair == NULL || yaml_is_null(pair->value))
        return 0;
    const struct select_settings *set =
        config_fill(b, &config_select_table, pair->value, pair->key, NULL, 0);
    if (set == NULL)
        return -ENOMEM;
    const struct yaml_node *inputs = yaml_get(pair->value, "inputs");
    check_selected_inputs(b, &set->inputs, inputs);
    ex->inputs = set->inputs.items;
    ex->n_inputs = set->inputs.n;
    ex->records =
        selected_records(b, &set->records, yaml_get(pair->value, "records"));
    return 0;
}

/* All keys that aren't the exporter's own name a plugin: one must. */
static int
build_exporter_plugin(struct config_build *b, const struct yaml_node *node,
                      struct config_exporter *ex)
{
    static const char *const own[] = {"name", "on_full", "select"};
    for (size_t i = 0; i < node->n; i++) {
        const struct yaml_node *key = node->pairs[i].key;
        bool is_own = false;
        for (size_t k = 0; k < ARRAY_SIZE(own); k++)
            is_own |= slice_eq_str(key->value, own[k]);
        if (is_own)
            continue;
        const char *near = str_nearest(key->value, own, ARRAY_SIZE(own));
        if (near != NULL) {
            yaml_error(key, b->errs, "unknown key \"%.*s\"",
                       SLICE_FMT(key->value));
            errlist_hint(b->errs, "did you mean \"%s\"?", near);
        } else if (ex->plugin.name != NULL) {
            yaml_error(key, b->errs,
                       "an exporter is one plugin, and this is a second");
            errlist_hint(b->errs, "are options of \"%s\" not indented?",
                         ex->plugin.name);
        } else {
            int r = set_plugin(b, key, node->pairs[i].value, "an exporter",
                               &ex->plugin);
            if (r < 0)
                return r;
        }
    }
    if (ex->plugin.name == NULL) {
        yaml_error(node, b->errs, "an exporter needs a plugin");
        errlist_hint(b->errs, "write its name and options: \"stdout: {}\"");
    }
    return 0;
}

static int
build_exporter(struct config_build *b, const struct yaml_node *node,
               struct config_exporter *ex)
{
    ex->at = node;
    ex->name = "";
    ex->records = CONFIG_RECORD_EVENTS | CONFIG_RECORD_SAMPLES;
    if (yaml_expect(node, YAML_MAPPING, b->errs) < 0)
        return 0;
    /* The table must not see the plugin's key, which it can't know. */
    const char **keys = arena_new_array(&b->cfg->arena, const char *, node->n);
    if (keys == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < node->n; i++)
        keys[i] = node->pairs[i].key->value.p;
    const struct exporter_settings *set =
        config_fill(b, &config_exporter_table, node, node, keys, node->n);
    if (set == NULL)
        return -ENOMEM;
    ex->name = set->name == NULL ? "" : set->name;
    ex->on_full = set->on_full == 0 ? CONFIG_DROP_OLDEST : CONFIG_BLOCK;
    (void)element_name(b, node, "an exporter");
    int r = build_select(b, yaml_get_pair(node, "select"), ex);
    return r < 0 ? r : build_exporter_plugin(b, node, ex);
}

int
config_build_exporters(struct config_build *b, const struct yaml_node *root)
{
    const struct yaml_node *list = list_of(b, root, "exporters");
    if (list == NULL)
        return 0;
    struct config_exporter *exporters =
        arena_new_array(&b->cfg->arena, struct config_exporter, list->n);
    if (exporters == NULL)
        return -ENOMEM;
    b->cfg->exporters = exporters;
    for (size_t i = 0; i < list->n; i++) {
        int r = build_exporter(b, list->items[i], &exporters[i]);
        if (r < 0)
            return r;
        b->cfg->n_exporters = i + 1;
        const struct yaml_node *name = yaml_get(list->items[i], "name");
        for (size_t k = 0; k < i && exporters[i].name[0] != 0; k++)
            if (strcmp(exporters[k].name, exporters[i].name) == 0) {
                given_twice(b, name, "exporters", exporters[k].at);
                break;
            }
    }
    return 0;
}
