/* SPDX-License-Identifier: Apache-2.0 */
/* ruletest_read.c - a test file: promtool's keys, and ours. */
#include "config.h"

#include <errno.h>
#include <glob.h>
#include <math.h>
#include <stdlib.h>

#include "core/base/str.h"
#include "core/base/timefmt.h"
#include "core/run/assembly.h"
#include "core/run/ruletest_priv.h"

void
test_error(struct test_file *f, const struct yaml_node *node, const char *fmt,
           ...)
{
    struct where where = yaml_where(node);
    va_list ap;
    va_start(ap, fmt);
    errlist_vadd(f->errs, SEVERITY_ERROR, &where, fmt, ap);
    va_end(ap);
    f->bad = true;
}

const struct yaml_node *
test_list(struct test_file *f, const struct yaml_node *map, const char *key)
{
    static const struct yaml_node none = {.kind = YAML_SEQUENCE};
    const struct yaml_node *n = yaml_get(map, key);
    if (yaml_is_null(n))
        return &none;
    if (yaml_expect(n, YAML_SEQUENCE, f->errs) == 0)
        return n;
    f->bad = true;
    return &none;
}

/* A mapping; a key that is not known is an error, but the others are read. */
static bool
map_ok(struct test_file *f, const struct yaml_node *node,
       const char *const *known, size_t n)
{
    bool good = yaml_expect(node, YAML_MAPPING, f->errs) == 0;
    if (!good || yaml_unknown_keys(node, known, n, f->errs) > 0)
        f->bad = true;
    return good;
}

static int
bounded(struct test_file *f, const struct yaml_node *node, usec_t t)
{
    if (t <= TEST_TIME_MAX)
        return 0;
    test_error(f, node, "no test is longer than 110000d");
    return -EINVAL;
}

int
test_time(struct test_file *f, const struct yaml_node *map, const char *key,
          usec_t *ret)
{
    usec_t t;
    int r = yaml_get_duration(map, key, f->errs, &t);
    if (r > 0 && bounded(f, yaml_get(map, key), t) < 0)
        r = -EINVAL;
    if (r > 0)
        *ret = t;
    f->bad |= r < 0;
    return r;
}

static void
get_string(struct test_file *f, const struct yaml_node *map, const char *key,
           struct slice *ret)
{
    if (yaml_get_string(map, key, f->errs, ret) < 0)
        f->bad = true;
}

static int
label_cmp(const void *a, const void *b)
{
    const struct label *x = a, *y = b;
    return slice_cmp(x->name, y->name);
}

int
test_labels(struct test_file *f, const struct yaml_node *map,
            const struct label **ret, uint32_t *ret_n)
{
    *ret = NULL;
    *ret_n = 0;
    if (yaml_is_null(map))
        return 0;
    if (yaml_expect(map, YAML_MAPPING, f->errs) < 0) {
        f->bad = true;
        return 0;
    }
    struct label *l = arena_new_array(&f->arena, struct label, map->n + 1);
    if (l == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < map->n; i++) {
        const struct yaml_pair *p = &map->pairs[i];
        struct label one = {.name = p->key->value};
        if (!yaml_is_null(p->value) &&
            yaml_string(p->value, f->errs, &one.value) < 0)
            f->bad = true;
        if (one.value.n > 0)
            l[(*ret_n)++] = one;
    }
    qsort(l, *ret_n, sizeof *l, label_cmp);
    *ret = l;
    return 0;
}

/* --- expectations -------------------------------------------------------- */

/* The labels that are expected, with the alert's name as promtool adds it. */
static int
add_alertname(struct test_file *f, struct slice alertname, struct exp_alert *e)
{
    struct label *l = arena_new_array(&f->arena, struct label, e->n_labels + 1);
    uint32_t n = 0;
    if (l == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < e->n_labels; i++) {
        if (!slice_eq_str(e->labels[i].name, "alertname"))
            l[n++] = e->labels[i];
    }
    l[n++] = (struct label){SLICE("alertname"), alertname};
    qsort(l, n, sizeof *l, label_cmp);
    e->labels = l;
    e->n_labels = n;
    return 0;
}

static int
read_exp_alert(struct test_file *f, const struct yaml_node *node,
               struct alert_check *c, struct exp_alert *e)
{
    static const char *const known[] = {"exp_labels", "exp_annotations",
                                        "state"};
    static const char *const states[] = {"pending", "firing"};
    e->line = node->line;
    e->state = ALERT_FIRING;
    if (!map_ok(f, node, known, ARRAY_SIZE(known)))
        return 0;
    const struct yaml_node *state = yaml_get(node, "state");
    size_t which = 1;
    if (state != NULL && yaml_choice(state, states, 2, f->errs, &which) < 0)
        f->bad = true;
    e->state = which == 0 ? ALERT_PENDING : ALERT_FIRING;
    c->has_pending |= which == 0;
    const struct yaml_node *annotations = yaml_get(node, "exp_annotations");
    e->has_annotations = annotations != NULL;
    if (test_labels(f, yaml_get(node, "exp_labels"), &e->labels, &e->n_labels) <
            0 ||
        test_labels(f, annotations, &e->annotations, &e->n_annotations) < 0)
        return -ENOMEM;
    return add_alertname(f, c->alertname, e);
}

static int
read_exp_alerts(struct test_file *f, const struct yaml_node *map,
                const char *key, struct alert_check *c, struct exp_alert **ret,
                uint32_t *ret_n)
{
    const struct yaml_node *list = test_list(f, map, key);
    *ret = arena_new_array(&f->arena, struct exp_alert, list->n + 1);
    for (uint32_t i = 0; *ret != NULL && i < list->n; i++) {
        if (read_exp_alert(f, list->items[i], c, &(*ret)[i]) < 0)
            return -ENOMEM;
    }
    *ret_n = list->n;
    return *ret == NULL ? -ENOMEM : 0;
}

static int
read_alert_check(struct test_file *f, const struct yaml_node *node,
                 struct alert_check *c)
{
    static const char *const known[] = {"eval_time", "alertname", "exp_alerts",
                                        "exp_resolved", "exp_none"};
    c->line = node->line;
    if (!map_ok(f, node, known, ARRAY_SIZE(known)))
        return 0;
    (void)test_time(f, node, "eval_time", &c->time);
    get_string(f, node, "alertname", &c->alertname);
    if (c->alertname.n == 0)
        test_error(f, node,
                   "an item under alert_rule_test misses required "
                   "attribute alertname");
    if (yaml_get_bool(node, "exp_none", f->errs, &c->none) < 0)
        f->bad = true;
    c->has_resolved = yaml_get(node, "exp_resolved") != NULL;
    if (read_exp_alerts(f, node, "exp_alerts", c, &c->alerts, &c->n_alerts) <
            0 ||
        read_exp_alerts(f, node, "exp_resolved", c, &c->resolved,
                        &c->n_resolved) < 0)
        return -ENOMEM;
    if (c->none && c->n_alerts > 0)
        test_error(f, yaml_get(node, "exp_none"),
                   "exp_none and exp_alerts contradict each other");
    for (uint32_t i = 0; i < c->n_resolved; i++) {
        if (c->resolved[i].state == ALERT_PENDING)
            test_error(f, yaml_get(node, "exp_resolved"),
                       "what is resolved has fired, it was not pending");
    }
    return 0;
}

static bool
is_no_labels(struct slice s)
{
    bool empty = true;
    for (size_t i = 0; i < s.n; i++)
        empty &= memchr("{} \t\n", s.p[i], 5) != NULL;
    return empty;
}

/* "up{job=\"x\"}" as labels, the name as __name__. */
static int
read_metric(struct test_file *f, const struct yaml_node *node, struct slice s,
            struct exp_sample *e)
{
    struct err err = ERR_INIT;
    struct slice metric;
    const struct label *l;
    uint32_t n;
    if (is_no_labels(s))
        return 0;
    int r = series_name(s, &f->arena, &metric, &l, &n, &err);
    if (r == -ENOMEM)
        return r;
    if (r < 0) {
        test_error(f, node, "%s", err.message);
        return 0;
    }
    struct label *all = arena_new_array(&f->arena, struct label, n + 1);
    if (all == NULL)
        return -ENOMEM;
    memcpy(all, l, n * sizeof *l);
    if (metric.n > 0)
        all[n++] = (struct label){SLICE("__name__"), metric};
    qsort(all, n, sizeof *all, label_cmp);
    e->labels = all;
    e->n_labels = n;
    return 0;
}

/* As YAML writes floats, .inf and .nan among them. */
static int
read_float(struct test_file *f, const struct yaml_node *node, double *ret)
{
    struct slice s;
    if (yaml_string(node, f->errs, &s) < 0) {
        f->bad = true;
        return -EINVAL;
    }
    size_t sign = s.n > 0 && (s.p[0] == '+' || s.p[0] == '-');
    struct slice word = slice_skip(s, sign);
    if (slice_starts_with(word, SLICE(".")) &&
        (str_ieq(word, SLICE(".inf")) || str_ieq(word, SLICE(".nan")))) {
        double v =
            str_ieq(word, SLICE(".nan")) ? (double)NAN : (double)INFINITY;
        *ret = sign && s.p[0] == '-' ? -v : v;
        return 0;
    }
    if (str_parse_double(s, STR_INF_NAN, ret) == 0)
        return 0;
    test_error(f, node, "\"%.*s\" is no number", SLICE_FMT(s));
    return -EINVAL;
}

static int
read_exp_sample(struct test_file *f, const struct yaml_node *node,
                struct exp_sample *e)
{
    static const char *const known[] = {"labels", "value", "histogram"};
    struct slice labels = {0};
    if (!map_ok(f, node, known, ARRAY_SIZE(known)))
        return 0;
    if (!yaml_is_null(yaml_get(node, "histogram")))
        test_error(f, yaml_get(node, "histogram"),
                   "native histograms are not supported");
    get_string(f, node, "labels", &labels);
    if (yaml_get(node, "value") != NULL)
        (void)read_float(f, yaml_get(node, "value"), &e->value);
    return read_metric(f, yaml_get(node, "labels"), labels, e);
}

static int
read_expr_check(struct test_file *f, const struct yaml_node *node,
                struct expr_check *c)
{
    static const char *const known[] = {"expr", "eval_time", "exp_samples"};
    c->line = node->line;
    if (!map_ok(f, node, known, ARRAY_SIZE(known)))
        return 0;
    (void)test_time(f, node, "eval_time", &c->time);
    get_string(f, node, "expr", &c->expr);
    const struct yaml_node *list = test_list(f, node, "exp_samples");
    c->samples = arena_new_array(&f->arena, struct exp_sample, list->n + 1);
    c->n_samples = list->n;
    for (uint32_t i = 0; c->samples != NULL && i < list->n; i++) {
        if (read_exp_sample(f, list->items[i], &c->samples[i]) < 0)
            return -ENOMEM;
    }
    return c->samples == NULL ? -ENOMEM : 0;
}

/* --- a test -------------------------------------------------------------- */

static void
read_start(struct test_file *f, const struct yaml_node *map, usec_t *ret)
{
    const struct yaml_node *n = yaml_get(map, "start_timestamp");
    struct slice s;
    double v;
    if (yaml_is_null(n))
        return;
    if (yaml_string(n, f->errs, &s) < 0) {
        f->bad = true;
        return;
    }
    if (time_parse_rfc3339(s, ret) == 0)
        return;
    if (str_parse_double(s, 0, &v) == 0 && fabs(v) < 1e11)
        *ret = (usec_t)llround(v * 1000) * USEC_PER_MSEC;
    else
        test_error(f, n, "\"%.*s\" is no time", SLICE_FMT(s));
}

static int
read_checks(struct test_file *f, struct test_group *g)
{
    const struct yaml_node *alerts = test_list(f, g->node, "alert_rule_test");
    const struct yaml_node *exprs = test_list(f, g->node, "promql_expr_test");
    g->alerts = arena_new_array(&f->arena, struct alert_check, alerts->n + 1);
    g->exprs = arena_new_array(&f->arena, struct expr_check, exprs->n + 1);
    if (g->alerts == NULL || g->exprs == NULL)
        return -ENOMEM;
    g->n_alerts = alerts->n;
    g->n_exprs = exprs->n;
    for (uint32_t i = 0; i < alerts->n; i++) {
        if (read_alert_check(f, alerts->items[i], &g->alerts[i]) < 0)
            return -ENOMEM;
    }
    for (uint32_t i = 0; i < exprs->n; i++) {
        if (read_expr_check(f, exprs->items[i], &g->exprs[i]) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int
read_group(struct test_file *f, const struct yaml_node *node, uint32_t index,
           struct test_group *g)
{
    static const char *const known[] = {"name",
                                        "interval",
                                        "input_series",
                                        "alert_rule_test",
                                        "promql_expr_test",
                                        "external_labels",
                                        "external_url",
                                        "start_timestamp",
                                        "input_events",
                                        "lateness",
                                        "sources_down",
                                        "restart_at"};
    struct slice name = {0};
    *g = (struct test_group){.node = node, .interval = f->interval};
    if (!map_ok(f, node, known, ARRAY_SIZE(known)))
        return 0;
    get_string(f, node, "name", &name);
    g->name = name.n > 0 ? name.p : arena_printf(&f->arena, "#%u", index + 1);
    if (g->name == NULL)
        return -ENOMEM;
    usec_t interval = 0;
    (void)test_time(f, node, "interval", &interval);
    if (interval > 0)
        g->interval = interval;
    (void)test_time(f, node, "lateness", &g->lateness);
    get_string(f, node, "external_url", &g->external_url);
    read_start(f, node, &g->start);
    if (test_labels(f, yaml_get(node, "external_labels"), &g->external_labels,
                    &g->n_external_labels) < 0 ||
        test_inputs_read(f, g) < 0)
        return -ENOMEM;
    return read_checks(f, g);
}

/* --- the file ------------------------------------------------------------ */

/* Globs, relative to the test's file. */
static int
read_rule_files(struct test_file *f, const struct yaml_node *list)
{
    const char *slash = strrchr(f->path, '/');
    size_t dir = slash == NULL ? 0 : (size_t)(slash - f->path) + 1;
    glob_t found = {0};
    int flags = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        struct slice s;
        if (yaml_string(list->items[i], f->errs, &s) < 0) {
            f->bad = true;
            continue;
        }
        bool absolute = s.n > 0 && s.p[0] == '/';
        char *path =
            arena_printf(&f->arena, "%.*s%.*s", absolute ? 0 : (int)dir,
                         f->path, SLICE_FMT(s));
        int r = path == NULL ? GLOB_NOSPACE : glob(path, flags, NULL, &found);
        if (r == GLOB_NOSPACE)
            return -ENOMEM;
        if (r != 0) {
            struct where where = yaml_where(list->items[i]);
            errlist_warn(f->errs, &where, "no file matches \"%s\"", path);
            continue;
        }
        flags = GLOB_APPEND;
    }
    f->n_rule_files = found.gl_pathc;
    f->rule_files =
        arena_new_array(&f->arena, const char *, found.gl_pathc + 1);
    for (size_t i = 0; f->rule_files != NULL && i < found.gl_pathc; i++) {
        f->rule_files[i] = arena_strdup(&f->arena, found.gl_pathv[i]);
        if (f->rule_files[i] == NULL)
            f->rule_files = NULL;
    }
    if (flags != 0)
        globfree(&found);
    return f->rule_files == NULL ? -ENOMEM : 0;
}

/* The engine's own order has each recording rule before its readers, so that
 * the list decides nothing; what can't be meant is an error all the same. */
static void
read_order(struct test_file *f, const struct yaml_node *list)
{
    for (uint32_t i = 0; i < list->n; i++) {
        struct slice s, t;
        if (yaml_string(list->items[i], f->errs, &s) < 0) {
            f->bad = true;
            continue;
        }
        for (uint32_t k = 0; k < i; k++) {
            if (yaml_string(list->items[k], f->errs, &t) == 0 && slice_eq(s, t))
                test_error(f, list->items[i],
                           "group name repeated in evaluation order: %.*s",
                           SLICE_FMT(s));
        }
    }
}

static int
read_root(struct test_file *f, const struct yaml_node *root)
{
    static const char *const known[] = {"rule_files", "evaluation_interval",
                                        "group_eval_order", "fuzzy_compare",
                                        "tests"};
    if (!map_ok(f, root, known, ARRAY_SIZE(known)))
        return 0;
    usec_t interval = 0;
    (void)test_time(f, root, "evaluation_interval", &interval);
    f->interval = interval > 0 ? interval : USEC_PER_MINUTE;
    if (yaml_get_bool(root, "fuzzy_compare", f->errs, &f->fuzzy) < 0)
        f->bad = true;
    read_order(f, test_list(f, root, "group_eval_order"));
    const struct yaml_node *rules = test_list(f, root, "rule_files");
    if (f->options->text.p == NULL && read_rule_files(f, rules) < 0)
        return -ENOMEM;
    const struct yaml_node *tests = test_list(f, root, "tests");
    f->groups = arena_new_array(&f->arena, struct test_group, tests->n + 1);
    f->n_groups = tests->n;
    for (uint32_t i = 0; f->groups != NULL && i < tests->n; i++) {
        if (read_group(f, tests->items[i], i, &f->groups[i]) < 0)
            return -ENOMEM;
    }
    return f->groups == NULL ? -ENOMEM : 0;
}

static int
read_rules(struct test_file *f)
{
    struct ruleset_file *files = NULL;
    int r = ruleset_read(f->rule_files, f->n_rule_files, &f->arena, f->errs,
                         &files);
    f->texts = files;
    f->bad |= r == -EINVAL;
    return r == -ENOMEM ? r : 0;
}

int
test_file_read(struct test_file *f)
{
    const struct ruletest_options *o = f->options;
    f->doc = o->text.p == NULL ? yaml_load(f->path, f->errs)
                               : yaml_parse(o->text, f->path, f->errs);
    if (f->doc == NULL)
        return -ENOMEM;
    f->bad = f->doc->broken;
    if (f->bad || yaml_is_null(f->doc->root))
        return 0;
    int r = read_root(f, f->doc->root);
    if (r < 0)
        return r;
    if (o->text.p == NULL)
        return read_rules(f);
    f->texts = o->rules;
    f->n_rule_files = o->n_rules;
    return 0;
}

void
test_file_fini(struct test_file *f)
{
    for (uint32_t i = 0; f->groups != NULL && i < f->n_groups; i++) {
        for (uint32_t k = 0; k < f->groups[i].n_series; k++)
            vec_free(&f->groups[i].series[k].runs);
    }
    yaml_doc_free(f->doc);
    arena_fini(&f->arena);
}
