/* SPDX-License-Identifier: Apache-2.0 */
/* config_settings.c - the settings at the top of the configuration. */
#include "config.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>

#include "core/config/config_priv.h"

#include "core/base/duration.h"
#include "core/base/str.h"
#include "core/config/expand.h"

/* ---------------------------------------------------------------- tables */

struct journal_settings {
    int64_t max_size, retain, segment_size;
    const char *sync;
};

struct settings {
    const char *state_dir, *listen, *external_url;
    int32_t insecure_listen;
    const struct journal_settings *journal;
    int64_t evaluation_interval, max_future;
    struct tocsin_list rule_files;
    struct tocsin_map external_labels;
};

#define GIB ((int64_t)1 << 30)

static const struct tocsin_option journal_options[] = {
    {.key = "max_size",
     .type = TOCSIN_OPT_SIZE,
     .offset = offsetof(struct journal_settings, max_size),
     .default_value = "8GiB",
     .min = 16 << 20,
     .max = INT64_MAX,
     .help = "The room that the journal may take; all of it is kept as "
             "history.  Records are refused before it is full, alerts may "
             "pass it for a while."},
    {.key = "retain",
     .type = TOCSIN_OPT_DURATION,
     .offset = offsetof(struct journal_settings, retain),
     .default_value = "48h",
     .help = "Records older than this may go before max_size is reached; 0 "
             "means never."},
    {.key = "segment_size",
     .type = TOCSIN_OPT_SIZE,
     .offset = offsetof(struct journal_settings, segment_size),
     .default_value = "64MiB",
     .min = 1 << 20,
     .max = 4 * GIB,
     .help = "The size of one file of the journal; at most a quarter of "
             "max_size."},
    {.key = "sync",
     .type = TOCSIN_OPT_STRING,
     .offset = offsetof(struct journal_settings, sync),
     .default_value = "50ms",
     .help = "The longest that a record stays unsynced: a duration of at most "
             "1m, always, or never."},
};

static const struct tocsin_option settings_options[] = {
    {.key = "state_dir",
     .type = TOCSIN_OPT_STRING,
     .offset = offsetof(struct settings, state_dir),
     .default_value = "/var/lib/tocsin",
     .help = "The folder of the journal, checkpoints and dead letters; "
             "relative to the file's folder."},
    {.key = "listen",
     .type = TOCSIN_OPT_STRING,
     .offset = offsetof(struct settings, listen),
     .default_value = "127.0.0.1:9464",
     .help = "The address of the API, the status page and /metrics; none for "
             "no server."},
    {.key = "insecure_listen",
     .type = TOCSIN_OPT_BOOL,
     .offset = offsetof(struct settings, insecure_listen),
     .default_value = "false",
     .help = "Allows an address that other machines reach, without TLS or "
             "authentication."},
    {.key = "external_url",
     .type = TOCSIN_OPT_STRING,
     .offset = offsetof(struct settings, external_url),
     .help = "The URL under which people reach this collector, for links in "
             "notifications; made of listen if not given."},
    {.key = "journal",
     .type = TOCSIN_OPT_GROUP,
     .offset = offsetof(struct settings, journal),
     .default_value = "{}",
     .members = journal_options,
     .n_members = ARRAY_SIZE(journal_options),
     .members_struct_size = sizeof(struct journal_settings),
     .help = "How much the journal keeps, and how safely."},
    {.key = "evaluation_interval",
     .type = TOCSIN_OPT_DURATION,
     .offset = offsetof(struct settings, evaluation_interval),
     .default_value = "1m",
     .min = USEC_PER_SEC,
     .max = USEC_PER_DAY,
     .help = "How often a group of rules is evaluated that has no interval of "
             "its own."},
    {.key = "max_future",
     .type = TOCSIN_OPT_DURATION,
     .offset = offsetof(struct settings, max_future),
     .default_value = "1m",
     .min = 0,
     .max = USEC_PER_DAY,
     .help = "A record with a time further ahead of its arrival moves no "
             "watermark."},
    {.key = "rule_files",
     .type = TOCSIN_OPT_LIST,
     .offset = offsetof(struct settings, rule_files),
     .help = "Files with rules; *, ? and [] are understood; relative to the "
             "file's folder."},
    {.key = "external_labels",
     .type = TOCSIN_OPT_MAP,
     .offset = offsetof(struct settings, external_labels),
     .help = "Labels added to every alert that leaves, where it has none of "
             "that name."},
};

const struct options_table config_settings_table =
    CONFIG_TABLE(settings_options, struct settings);

/* Keys of the top that are no plain settings. */
static const char *const section_keys[] = {
    "inputs",    "exporters",           "receivers",
    "route",     "inhibit_rules",       "time_intervals",
    "heartbeat", "mute_time_intervals", "silences",
    "alerting",  "alertmanager_config", "templates",
    "global"};

/* --------------------------------------------------------------- helpers */

void *
config_fill(struct config_build *b, const struct options_table *t,
            const struct yaml_node *node, const struct yaml_node *at,
            const char *const *other_keys, size_t n_other_keys)
{
    struct options_ctx ctx = {.arena = &b->cfg->arena,
                              .secrets = b->cfg->secrets,
                              .errs = b->errs,
                              .other_keys = other_keys,
                              .n_other_keys = n_other_keys};
    void *filled = NULL;
    int r = options_fill(&ctx, t, node, at, &filled);
    return r == -ENOMEM ? NULL : filled;
}

bool
config_is_label_name(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = str_lower(s.p[i]);
        if (c != '_' && !(c >= 'a' && c <= 'z') &&
            !(c >= '0' && c <= '9' && i > 0))
            return false;
    }
    return s.n > 0;
}

/* Where the value of a setting stands. */
static const struct yaml_node *
value_of(const struct yaml_node *root, const char *key)
{
    const struct yaml_node *node = yaml_get(root, key);
    return node == NULL ? root : node;
}

/* A path as given, or below the file's folder. */
static const char *
absolute(struct config_build *b, const char *path)
{
    if (path[0] == '/')
        return path;
    return arena_printf(&b->cfg->arena, "%s/%s", b->cfg->dir, path);
}

/* ---------------------------------------------------------------- listen */

static bool
is_loopback(struct slice host)
{
    return slice_eq_str(host, "localhost") || slice_eq_str(host, "::1") ||
           (slice_starts_with(host, SLICE("127.")) &&
            memchr(host.p, ':', host.n) == NULL);
}

/* "host:port", "[::1]:port", ":port". */
static bool
split_address(struct slice s, struct slice *ret_host, uint16_t *ret_port)
{
    const char *colon = NULL;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == ':')
            colon = s.p + i;
    if (colon == NULL)
        return false;
    struct slice host = slice_new(s.p, (size_t)(colon - s.p));
    uint64_t port;
    if (str_parse_u64(slice_skip(s, host.n + 1), &port) < 0 || port > 65535)
        return false;
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = slice_new(host.p + 1, host.n - 2);
    else if (memchr(host.p, ':', host.n) != NULL)
        return false;
    for (size_t i = 0; i < host.n; i++)
        if (strchr(" \t/@[]?#", host.p[i]) != NULL)
            return false;
    *ret_host = host;
    *ret_port = (uint16_t)port;
    return true;
}

static int
build_listen(struct config_build *b, const struct settings *set,
             const struct yaml_node *node)
{
    if (strcmp(set->listen, "none") == 0 || node->pending)
        return 0;
    struct slice host;
    uint16_t port;
    if (!split_address(slice_from_str(set->listen), &host, &port)) {
        yaml_error(node, b->errs, "\"%s\" is no address to listen on",
                   set->listen);
        errlist_hint(b->errs, "write \"127.0.0.1:9464\", or \"none\" for no "
                              "server");
        return 0;
    }
    if (!is_loopback(host) && !set->insecure_listen) {
        yaml_error(node, b->errs,
                   "this address is reached by other machines, without TLS or "
                   "authentication");
        errlist_hint(b->errs, "listen on 127.0.0.1, or say \"insecure_listen: "
                              "true\" if something in front protects it");
    }
    b->cfg->listen_port = port;
    b->cfg->listen_host = arena_strndup(&b->cfg->arena, host.p, host.n);
    return b->cfg->listen_host == NULL ? -ENOMEM : 0;
}

/* --------------------------------------------------------------- journal */

static void
build_journal(struct config_build *b, const struct journal_settings *set,
              const struct yaml_node *node)
{
    struct config_journal *j = &b->cfg->journal;
    j->max_size_bytes = set->max_size;
    j->segment_size_bytes = set->segment_size;
    j->retain_us = set->retain;
    if (set->segment_size > set->max_size / 4) {
        const struct yaml_node *at = yaml_get(node, "segment_size");
        if (at == NULL)
            at = value_of(node, "max_size");
        yaml_error(at, b->errs,
                   "max_size must be at least four times segment_size");
        errlist_hint(b->errs, "the default of max_size is 8GiB, of "
                              "segment_size 64MiB");
    }
    const struct yaml_node *at = yaml_get(node, "sync");
    if (at != NULL && at->pending)
        return;
    if (strcmp(set->sync, "always") == 0)
        j->sync_us = 0;
    else if (strcmp(set->sync, "never") == 0)
        j->sync_us = CONFIG_SYNC_NEVER;
    else if (duration_parse(slice_from_str(set->sync), &j->sync_us, NULL) < 0 ||
             j->sync_us > USEC_PER_MINUTE) {
        yaml_error(at, b->errs,
                   "expected a duration of at most 1m, \"always\" or "
                   "\"never\", found \"%s\"",
                   set->sync);
        errlist_hint(b->errs, "write it as \"50ms\"");
        j->sync_us = 0;
    }
}

/* ---------------------------------------------------------------- labels */

static int
compare_pairs(const void *a, const void *b)
{
    const struct config_pair *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int
build_labels(struct config_build *b, const struct tocsin_map *map,
             const struct yaml_node *node)
{
    struct config_pair *pairs =
        arena_new_array(&b->cfg->arena, struct config_pair, map->n);
    if (pairs == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < map->n; i++) {
        struct slice name = slice_from_str(map->keys[i]);
        if (!config_is_label_name(name) ||
            slice_starts_with(name, SLICE("__"))) {
            yaml_error(node->pairs[i].key, b->errs, "\"%s\" is no label name",
                       map->keys[i]);
            errlist_hint(b->errs, "letters, digits and \"_\", no digit first; "
                                  "not \"__\" first");
        }
        pairs[i] = (struct config_pair){map->keys[i], map->values[i]};
        if (pairs[i].value == NULL) /* it was wrong, and told */
            pairs[i].value = "";
    }
    if (map->n > 0)
        qsort(pairs, map->n, sizeof(*pairs), compare_pairs);
    b->cfg->external_labels = pairs;
    b->cfg->n_external_labels = map->n;
    return 0;
}

/* ------------------------------------------------------------ rule files */

static int
compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool
is_listed(const char *const *files, size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(files[i], path) == 0)
            return true;
    return false;
}

/* Files that a pattern finds are sorted bytewise, in any locale. */
static int
add_found(struct config_build *b, glob_t *g)
{
    struct config *cfg = b->cfg;
    const char **files = arena_new_array(&cfg->arena, const char *,
                                         cfg->n_rule_files + g->gl_pathc);
    if (files == NULL)
        return -ENOMEM;
    size_t n = cfg->n_rule_files;
    if (n > 0)
        memcpy(files, cfg->rule_files, n * sizeof(*files));
    qsort(g->gl_pathv, g->gl_pathc, sizeof(*g->gl_pathv), compare_strings);
    for (size_t i = 0; i < g->gl_pathc; i++) {
        if (is_listed(files, n, g->gl_pathv[i]))
            continue;
        files[n] = arena_strdup(&cfg->arena, g->gl_pathv[i]);
        if (files[n++] == NULL)
            return -ENOMEM;
    }
    cfg->rule_files = files;
    cfg->n_rule_files = n;
    return 0;
}

static int
find_rule_files(struct config_build *b, const char *pattern,
                const struct yaml_node *at, const char **patterns)
{
    if (pattern == NULL || at->pending || (b->flags & CONFIG_NO_FILES) != 0)
        return 0;
    const char *path = absolute(b, pattern);
    if (path == NULL)
        return -ENOMEM;
    patterns[b->cfg->n_rule_patterns++] = path;
    glob_t g = {0};
    int r = glob(path, 0, NULL, &g);
    int ret = 0;
    if (r == 0) {
        ret = add_found(b, &g);
    } else if (r == GLOB_NOSPACE) {
        ret = -ENOMEM;
    } else if (r == GLOB_NOMATCH && strpbrk(pattern, "*?[") != NULL) {
        struct where w = yaml_where(at);
        errlist_warn(b->errs, &w, "no rule file fits \"%s\"", pattern);
    } else {
        yaml_error(at, b->errs, "rule file \"%s\" can't be found", pattern);
        errlist_hint(b->errs, "it was looked for as %s", path);
    }
    globfree(&g);
    return ret;
}

static int
build_rule_files(struct config_build *b, const struct tocsin_list *list,
                 const struct yaml_node *node)
{
    const char *const *items = list->items;
    const char **patterns =
        arena_new_array(&b->cfg->arena, const char *, list->n + 1);
    int r = patterns == NULL ? -ENOMEM : 0;
    b->cfg->rule_patterns = patterns;
    for (size_t i = 0; i < list->n && r == 0; i++)
        r = find_rule_files(b, items[i],
                            node->kind == YAML_SEQUENCE ? node->items[i] : node,
                            patterns);
    return r;
}

/* ------------------------------------------------------------------- all */

static void
build_url(struct config_build *b, const char *url, const struct yaml_node *node)
{
    if (url == NULL || node->pending)
        return;
    struct slice s = slice_from_str(url);
    struct slice rest =
        slice_starts_with(s, SLICE("https://"))  ? slice_skip(s, 8)
        : slice_starts_with(s, SLICE("http://")) ? slice_skip(s, 7)
                                                 : SLICE("");
    if (rest.n == 0 || rest.p[0] == '/' || strpbrk(rest.p, " \t?#") != NULL) {
        yaml_error(node, b->errs, "\"%s\" is no URL for links", url);
        errlist_hint(b->errs, "write it as \"https://tocsin.example.com\" or "
                              "with a path behind");
        return;
    }
    b->cfg->external_url = url;
}

int
config_build_settings(struct config_build *b, const struct yaml_node *root)
{
    struct config *cfg = b->cfg;
    const struct settings *set =
        config_fill(b, &config_settings_table, root, root, section_keys,
                    ARRAY_SIZE(section_keys));
    if (set == NULL)
        return -ENOMEM;
    cfg->evaluation_interval_us = set->evaluation_interval;
    cfg->max_future_us = set->max_future;
    cfg->state_dir = absolute(b, set->state_dir);
    if (cfg->state_dir == NULL)
        return -ENOMEM;
    if (set->state_dir[0] == 0)
        yaml_error(value_of(root, "state_dir"), b->errs,
                   "state_dir must not be empty");
    build_journal(b, set->journal, value_of(root, "journal"));
    build_url(b, set->external_url, value_of(root, "external_url"));
    int r = build_listen(b, set, value_of(root, "listen"));
    if (r == 0)
        r = build_labels(b, &set->external_labels,
                         value_of(root, "external_labels"));
    if (r == 0)
        r = build_rule_files(b, &set->rule_files, value_of(root, "rule_files"));
    return r;
}
