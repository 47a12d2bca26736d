/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/rulefile.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/config/yaml.h"
#include "core/engine/catalog.h"
#include "core/engine/present.h"
#include "core/engine/rulefile_priv.h"
#include "core/engine/support.h"
#include "core/lang/query.h"
#include "core/lang/template.h"

/* As rulefmt puts it: group "G", rule N, "NAME": text. */
void
rule_error(struct reading *rd, const struct where *where, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    (void)errlist_error(
        rd->errs, where, "group \"%.*s\", rule %u, \"%.*s\": %s",
        SLICE_FMT(rd->group), rd->index, SLICE_FMT(rd->name), text);
    rd->bad = true;
}

/* --- expressions -------------------------------------------------------- */

struct expr_report {
    struct reading *rd;
    const struct yaml_node *node;
};

static void
expr_problem(void *ctx, const struct problem *p)
{
    struct expr_report *r = ctx;
    struct where where = yaml_where_at(
        r->node, p->span.start,
        p->span.end > p->span.start ? p->span.end - p->span.start : 1);
    if (p->severity == SEVERITY_ERROR)
        rule_error(r->rd, &where, "could not parse expression: %s", p->message);
    else
        errlist_warn(r->rd->errs, &where,
                     "group \"%.*s\", rule %u, \"%.*s\": %s",
                     SLICE_FMT(r->rd->group), r->rd->index,
                     SLICE_FMT(r->rd->name), p->message);
    if (p->hint != NULL)
        errlist_hint(r->rd->errs, "%s", p->hint);
}

int
rule_query_read(struct reading *rd, const struct yaml_node *node, bool selector,
                struct rule_query *ret)
{
    struct slice text;
    if (yaml_string(node, rd->errs, &text) < 0) {
        rd->bad = true;
        return 0;
    }
    struct expr_report report = {rd, node};
    struct query_options o = {.catalog = catalog_lang(rd->book->catalog),
                              .support = engine_support(),
                              .logql = rd->book->set.logql,
                              .report = expr_problem,
                              .report_ctx = &report};
    struct query *q = NULL;
    int r = selector ? query_parse_selector(text, &o, &q, NULL)
                     : query_parse(text, &o, &q, NULL);
    if (r == -ENOMEM)
        return NO_MEMORY;
    if (r < 0) {
        rd->bad = true;
        return 0;
    }
    if (vec_push(&rd->book->queries, q) < 0) {
        query_free(q);
        return NO_MEMORY;
    }
    enum lang_type type = q->root->type;
    if (!selector && type != LANG_VECTOR && type != LANG_SCALAR) {
        RULE_ERROR(rd, node,
                   "could not parse expression: the result of a rule must be "
                   "an instant vector or a scalar, got \"%s\"",
                   lang_type_name(type));
        return 0;
    }
    if (present_check(q->root, node, rd->errs))
        *ret = (struct rule_query){q, node};
    else
        rd->bad = true;
    return 0;
}

static int
read_expr(struct reading *rd, const struct yaml_node *node,
          struct rule_def *def)
{
    struct rule_query q = {0};
    if (node->kind == YAML_SCALAR &&
        (yaml_is_null(node) || node->value.n == 0)) {
        RULE_ERROR(rd, node, "field 'expr' must be set in rule");
        return 0;
    }
    if (node->kind == YAML_SCALAR)
        def->expr = node->value;
    int r = rule_query_read(rd, node, false, &q);
    def->query = q.query;
    def->expr_node = node;
    return r;
}

/* --- labels and annotations --------------------------------------------- */

static bool
label_name_ok(struct slice name)
{
    return name.n > 0 && utf8_valid(name) && !slice_eq_str(name, "__name__");
}

struct template_queries {
    struct reading *rd;
    const struct yaml_node *node;
    int error;
};

/* What a template asks for is known here where it's a constant: an error is
 * told now, and not by the alert. */
static void
check_template_query(void *ctx, struct slice expr, struct span span)
{
    struct template_queries *t = ctx;
    struct query_options o = {.catalog = catalog_lang(t->rd->book->catalog),
                              .support = engine_support()};
    struct err err = ERR_INIT;
    AUTO(query) *q = NULL;
    int r = query_parse(expr, &o, &q, &err);
    struct where where = yaml_where_at(
        t->node, span.start, span.end > span.start ? span.end - span.start : 1);
    if (r == -ENOMEM)
        t->error = NO_MEMORY;
    if (r == 0)
        errlist_warn(t->rd->errs, &where,
                     "\"query\" is not answered in templates yet: the text "
                     "will say that it failed");
    if (r == 0 || r == -ENOMEM)
        return;
    rule_error(t->rd, &where, "query in a template: %s", err.message);
    if (err.hint[0] != '\0')
        errlist_hint(t->rd->errs, "%s", err.hint);
}

static int
read_template(struct reading *rd, const char *what,
              const struct yaml_pair *pair, struct rule_text *t)
{
    struct err err = ERR_INIT;
    struct tmpl *tmpl = NULL;
    if (memmem(t->text.p, t->text.n, "{{", 2) == NULL)
        return 0;
    char *name =
        arena_printf(&rd->book->arena, "__alert_%.*s", SLICE_FMT(rd->name));
    if (name == NULL)
        return NO_MEMORY;
    int r = tmpl_parse(t->text, name, NULL, NULL, &tmpl, &err);
    if (r == -ENOMEM)
        return NO_MEMORY;
    if (r < 0) {
        RULE_ERROR(rd, pair->value, "%s \"%.*s\": %s", what, SLICE_FMT(t->name),
                   err.message);
        if (err.hint[0] != '\0')
            errlist_hint(rd->errs, "%s", err.hint);
        return 0;
    }
    if (vec_push(&rd->book->tmpls, tmpl) < 0) {
        tmpl_free(tmpl);
        return NO_MEMORY;
    }
    t->tmpl = tmpl;
    struct template_queries queries = {rd, pair->value, 0};
    tmpl_visit_queries(tmpl, check_template_query, &queries);
    return queries.error;
}

static int
text_cmp(const void *a, const void *b)
{
    const struct rule_text *x = a, *y = b;
    return slice_cmp(x->name, y->name);
}

/* Adds a mapping's texts to 'list'; one that is there keeps its text. */
static int
read_texts(struct reading *rd, const struct yaml_node *map, bool labels,
           bool templates, struct rule_text *list, uint32_t *n)
{
    if (yaml_is_null(map))
        return 0;
    if (yaml_expect(map, YAML_MAPPING, rd->errs) < 0) {
        rd->bad = true;
        return 0;
    }
    for (uint32_t i = 0; i < map->n; i++) {
        const struct yaml_pair *pair = &map->pairs[i];
        struct rule_text t = {.name = pair->key->value, .node = pair->value};
        bool known = false;
        for (uint32_t k = 0; k < *n; k++)
            known |= slice_eq(list[k].name, t.name);
        if (known)
            continue;
        if (labels && map != rd->group_labels && !label_name_ok(t.name))
            RULE_ERROR(rd, pair->key, "invalid label name: %.*s",
                       SLICE_FMT(t.name));
        else if (t.name.n == 0 || !utf8_valid(t.name))
            RULE_ERROR(rd, pair->key, "invalid annotation name: %.*s",
                       SLICE_FMT(t.name));
        if (yaml_string(pair->value, rd->errs, &t.text) < 0) {
            rd->bad = true;
            continue;
        }
        if (!utf8_valid(t.text))
            RULE_ERROR(rd, pair->value, "invalid label value: %.*s",
                       SLICE_FMT(t.text));
        if (templates &&
            read_template(rd, labels ? "label" : "annotation", pair, &t) < 0)
            return NO_MEMORY;
        list[(*n)++] = t;
    }
    qsort(list, *n, sizeof *list, text_cmp);
    return 0;
}

static uint32_t
map_size(const struct yaml_node *map)
{
    return map != NULL && map->kind == YAML_MAPPING ? map->n : 0;
}

static int
read_all_texts(struct reading *rd, const struct yaml_node *rule,
               struct rule_def *def)
{
    const struct yaml_node *labels = yaml_get(rule, "labels");
    const struct yaml_node *annotations = yaml_get(rule, "annotations");
    struct arena *a = &rd->book->arena;
    def->labels = arena_new_array(
        a, struct rule_text, map_size(labels) + map_size(rd->group_labels) + 1);
    def->annotations =
        arena_new_array(a, struct rule_text, map_size(annotations) + 1);
    if (def->labels == NULL || def->annotations == NULL)
        return NO_MEMORY;
    if (read_texts(rd, labels, true, def->is_alert, def->labels,
                   &def->n_labels) < 0 ||
        read_texts(rd, rd->group_labels, true, def->is_alert, def->labels,
                   &def->n_labels) < 0)
        return NO_MEMORY;
    return def->is_alert ? read_texts(rd, annotations, false, true,
                                      def->annotations, &def->n_annotations)
                         : 0;
}

/* --- a rule ------------------------------------------------------------- */

static bool
is_set(const struct yaml_node *rule, const char *key)
{
    const struct yaml_node *n = yaml_get(rule, key);
    return n != NULL && !yaml_is_null(n) &&
           !(n->kind == YAML_SCALAR && n->value.n == 0);
}

/* The name, and whether it's an alert. */
static void
read_kind(struct reading *rd, const struct yaml_node *rule,
          struct rule_def *def)
{
    bool alert = is_set(rule, "alert"), record = is_set(rule, "record");
    if (alert || record)
        (void)yaml_get_string(rule, alert ? "alert" : "record", rd->errs,
                              &rd->name);
    if (alert && record)
        RULE_ERROR(rd, yaml_get_pair(rule, "record")->key,
                   "only one of 'record' and 'alert' must be set");
    if (!alert && !record)
        RULE_ERROR(rd, rule, "one of 'record' or 'alert' must be set");
    def->is_alert = alert;
    def->name = rd->name;
    if (!record || alert)
        return;
    const struct yaml_node *node = yaml_get(rule, "record");
    if (memchr(rd->name.p, '{', rd->name.n) != NULL ||
        memchr(rd->name.p, '}', rd->name.n) != NULL)
        RULE_ERROR(rd, node,
                   "braces present in the recording rule name; should it be "
                   "in expr?: %.*s",
                   SLICE_FMT(rd->name));
    else if (!utf8_valid(rd->name))
        RULE_ERROR(rd, node, "invalid recording rule name: %.*s",
                   SLICE_FMT(rd->name));
    static const char *const alert_only[] = {
        "annotations", "for", "keep_firing_for", "keep_firing_while"};
    for (size_t i = 0; i < ARRAY_SIZE(alert_only); i++) {
        if (is_set(rule, alert_only[i]))
            RULE_ERROR(rd, yaml_get_pair(rule, alert_only[i])->key,
                       "invalid field '%s' in recording rule", alert_only[i]);
    }
}

static void
read_durations(struct reading *rd, const struct yaml_node *rule,
               struct rule_def *def)
{
    if (yaml_get_duration(rule, "for", rd->errs, &def->for_us) < 0 ||
        yaml_get_duration(rule, "keep_firing_for", rd->errs, &def->keep_us) < 0)
        rd->bad = true;
}

/* What the rule says: an expression, or one of the other kinds. */
static int
read_body(struct reading *rd, const struct yaml_node *rule,
          struct rule_def *def)
{
    static const char *const kinds[] = {"expr", "missing", "sequence"};
    const struct yaml_pair *first = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const struct yaml_pair *p = yaml_get_pair(rule, kinds[i]);
        if (p != NULL && first != NULL)
            RULE_ERROR(rd, p->key,
                       "only one of 'expr', 'missing' and 'sequence' may be "
                       "set in rule");
        if (p != NULL && first == NULL)
            first = p;
        if (p != NULL && i > 0 && !def->is_alert)
            RULE_ERROR(rd, p->key, "invalid field '%s' in recording rule",
                       kinds[i]);
    }
    if (first == NULL) {
        RULE_ERROR(rd, rule, "field 'expr' must be set in rule");
        errlist_hint(rd->errs, "an alert may have 'missing' or 'sequence' "
                               "instead");
        return 0;
    }
    const struct yaml_node *hold = yaml_get(rule, "keep_firing_while");
    if (hold != NULL && rule_query_read(rd, hold, false, &def->hold) < 0)
        return NO_MEMORY;
    if (slice_eq_str(first->key->value, "expr"))
        return read_expr(rd, first->value, def);
    def->expr_node = first->value;
    return slice_eq_str(first->key->value, "missing")
               ? rule_missing_read(rd, first->value, def)
               : rule_sequence_read(rd, first->value, def);
}

static const char *const rule_keys[] = {
    "record", "alert",   "expr",        "for",      "keep_firing_for",
    "labels", "missing", "annotations", "sequence", "keep_firing_while"};

static int
read_rule(struct reading *rd, const struct yaml_node *rule)
{
    rd->bad = false;
    rd->name = (struct slice){0};
    if (yaml_expect(rule, YAML_MAPPING, rd->errs) < 0)
        return 0;
    rd->bad =
        yaml_unknown_keys(rule, rule_keys, ARRAY_SIZE(rule_keys), rd->errs) > 0;
    struct rule_def def = {.file = rd->file,
                           .group = rd->group,
                           .line = rule->line,
                           .interval_us = rd->interval_us,
                           .offset_us = rd->offset_us,
                           .limit = rd->limit};
    read_kind(rd, rule, &def);
    errlist_about(rd->errs, rd->group, rd->name);
    read_durations(rd, rule, &def);
    if (read_body(rd, rule, &def) < 0 || read_all_texts(rd, rule, &def) < 0)
        return NO_MEMORY;
    def.ok = !rd->bad;
    errlist_about(rd->errs, rd->group, SLICE(""));
    return vec_push(&rd->book->rules, def);
}

/* --- a group, a file ---------------------------------------------------- */

static const char *const group_keys[] = {"name",  "interval", "query_offset",
                                         "limit", "labels",   "rules"};

static bool
group_is_known(const struct yaml_node *groups, uint32_t before,
               struct slice name)
{
    for (uint32_t i = 0; i < before; i++) {
        const struct yaml_node *n = yaml_get(groups->items[i], "name");
        if (n != NULL && n->kind == YAML_SCALAR && slice_eq(n->value, name))
            return true;
    }
    return false;
}

/* Told once, of the group; its rules then take them as they are. */
static void
check_group_labels(struct reading *rd)
{
    const struct yaml_node *map = rd->group_labels;
    for (uint32_t i = 0; map != NULL && i < map_size(map); i++) {
        const struct yaml_pair *p = &map->pairs[i];
        if (!label_name_ok(p->key->value))
            (void)yaml_error(p->key, rd->errs, "invalid label name: %.*s",
                             SLICE_FMT(p->key->value));
    }
}

static void
read_group_head(struct reading *rd, const struct yaml_node *groups,
                uint32_t index)
{
    const struct yaml_node *g = groups->items[index];
    rd->group = (struct slice){0};
    rd->interval_us = rd->book->set.evaluation_interval_us;
    rd->offset_us = 0;
    int64_t limit = 0;
    (void)yaml_unknown_keys(g, group_keys, ARRAY_SIZE(group_keys), rd->errs);
    const struct yaml_node *name = yaml_get(g, "name");
    (void)yaml_get_string(g, "name", rd->errs, &rd->group);
    if (rd->group.n == 0)
        (void)yaml_error(name != NULL ? name : g, rd->errs,
                         "Groupname must not be empty");
    else if (group_is_known(groups, index, rd->group))
        (void)yaml_error(name, rd->errs,
                         "groupname: \"%.*s\" is repeated in the same file",
                         SLICE_FMT(rd->group));
    usec_t interval = 0;
    if (yaml_get_duration(g, "interval", rd->errs, &interval) > 0 &&
        interval > 0)
        rd->interval_us = interval;
    (void)yaml_get_duration(g, "query_offset", rd->errs, &rd->offset_us);
    if (yaml_get_i64(g, "limit", rd->errs, &limit) > 0 && limit < 0)
        (void)yaml_error(yaml_get(g, "limit"), rd->errs,
                         "limit must not be negative");
    rd->limit = limit > 0 ? (uint64_t)limit : 0;
    rd->group_labels = yaml_get(g, "labels");
    check_group_labels(rd);
}

static int
read_group(struct reading *rd, const struct yaml_node *groups, uint32_t index)
{
    const struct yaml_node *g = groups->items[index];
    if (yaml_expect(g, YAML_MAPPING, rd->errs) < 0)
        return 0;
    read_group_head(rd, groups, index);
    const struct yaml_node *rules = yaml_get(g, "rules");
    if (yaml_is_null(rules) || yaml_expect(rules, YAML_SEQUENCE, rd->errs) < 0)
        return 0;
    for (uint32_t i = 0; i < rules->n; i++) {
        rd->index = i + 1;
        if (read_rule(rd, rules->items[i]) < 0)
            return NO_MEMORY;
    }
    return 0;
}

static int
load_doc(struct rulebook *b, const struct ruleset_file *f, struct errlist *errs)
{
    char *path = arena_strndup(&b->arena, f->path.p, f->path.n);
    struct yaml_doc *doc =
        path == NULL ? NULL : yaml_parse(f->text, path, errs);
    if (doc == NULL)
        return NO_MEMORY;
    if (vec_push(&b->docs, doc) < 0) {
        yaml_doc_free(doc);
        return NO_MEMORY;
    }
    return 0;
}

static int
read_doc(struct rulebook *b, const struct yaml_doc *doc, struct errlist *errs)
{
    static const char *const known[] = {"groups"};
    struct reading rd = {
        .book = b, .errs = errs, .file = slice_from_str(doc->path)};
    if (doc->broken || yaml_is_null(doc->root) ||
        yaml_expect(doc->root, YAML_MAPPING, errs) < 0)
        return 0;
    (void)yaml_unknown_keys(doc->root, known, ARRAY_SIZE(known), errs);
    const struct yaml_node *groups = yaml_get(doc->root, "groups");
    if (yaml_is_null(groups) || yaml_expect(groups, YAML_SEQUENCE, errs) < 0)
        return 0;
    for (uint32_t i = 0; i < groups->n; i++) {
        if (read_group(&rd, groups, i) < 0)
            return NO_MEMORY;
        errlist_about(errs, SLICE(""), SLICE(""));
    }
    return 0;
}

/* Copies what decides what the rules mean; not the files' texts. */
static int
book_set(struct rulebook *b, const struct ruleset *rs)
{
    struct label *labels =
        arena_new_array(&b->arena, struct label, rs->n_external_labels + 1);
    b->set = *rs;
    if (labels == NULL ||
        arena_slice_dup(&b->arena, rs->external_url, &b->set.external_url) < 0)
        return NO_MEMORY;
    for (uint32_t i = 0; i < rs->n_external_labels; i++) {
        const struct label *l = &rs->external_labels[i];
        if (arena_slice_dup(&b->arena, l->name, &labels[i].name) < 0 ||
            arena_slice_dup(&b->arena, l->value, &labels[i].value) < 0)
            return NO_MEMORY;
    }
    b->set.external_labels = labels;
    b->set.files = NULL;
    b->set.inventories = NULL;
    return 0;
}

static int
book_read(struct rulebook *b, const struct ruleset *rs,
          const struct schema *schema, struct errlist *errs)
{
    b->catalog = catalog_new(schema);
    if (b->catalog == NULL)
        return NO_MEMORY;
    for (uint32_t i = 0; i < rs->n_files; i++) {
        if (load_doc(b, &rs->files[i], errs) < 0)
            return NO_MEMORY;
    }
    for (uint32_t i = 0; i < b->docs.n; i++) {
        if (i + 1 < b->docs.n)
            b->docs.p[i]->next = b->docs.p[i + 1];
        if (read_doc(b, b->docs.p[i], errs) < 0)
            return NO_MEMORY;
    }
    return 0;
}

struct rulebook *
rulebook_parse(const struct ruleset *rs, const struct schema *schema,
               struct errlist *errs)
{
    struct rulebook *b = mem_new(struct rulebook);
    if (b == NULL)
        return NULL;
    arena_init(&b->arena, 16 << 10, 256 << 20);
    b->source = rs;
    int r = book_set(b, rs);
    if (r == 0)
        r = book_read(b, rs, schema, errs);
    errlist_about(errs, SLICE(""), SLICE(""));
    if (r < 0) {
        rulebook_free(b);
        return NULL;
    }
    b->source = NULL;
    return b;
}

void
rulebook_free(struct rulebook *b)
{
    if (b == NULL)
        return;
    for (uint32_t i = 0; i < b->queries.n; i++)
        query_free(b->queries.p[i]);
    for (uint32_t i = 0; i < b->tmpls.n; i++)
        tmpl_free(b->tmpls.p[i]);
    for (uint32_t i = 0; i < b->docs.n; i++)
        yaml_doc_free(b->docs.p[i]);
    vec_free(&b->queries);
    vec_free(&b->tmpls);
    vec_free(&b->docs);
    vec_free(&b->rules);
    catalog_free(b->catalog);
    arena_fini(&b->arena);
    mem_free(b);
}

bool
rulebook_source(void *ctx, const char *file, uint32_t line,
                struct slice *ret_line)
{
    struct rulebook *b = ctx;
    return b->docs.n > 0 && yaml_source(b->docs.p[0], file, line, ret_line);
}
