/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/inventory.h"

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/config/yaml.h"
#include "core/engine/ruleset.h"
#include "core/engine/vec.h"

#define FIELD_MAX ((size_t)64 << 10) /* bytes of one value */
#define COLUMNS_MAX 256u

struct keys {
    struct arena *a;
    struct errlist *errs;
    const char *path;
    const struct slice *by;
    uint32_t n_by, n, cap;
    struct slice *values;
    bool bad;
};

char *
inventory_path(struct arena *a, struct slice file, struct slice path)
{
    const char *slash =
        file.n > 0 ? memrchr(file.p, '/', file.n) : (const char *)NULL;
    if (slash == NULL || (path.n > 0 && path.p[0] == '/'))
        return arena_strndup(a, path.p, path.n);
    struct slice dir = slice_new(file.p, (size_t)(slash - file.p));
    return arena_printf(a, "%.*s/%.*s", SLICE_FMT(dir), SLICE_FMT(path));
}

/* Room for one more key: its values, cleared; NULL: no memory. */
static struct slice *
keys_next(struct keys *k)
{
    if (k->n == k->cap) {
        uint32_t cap = MAX(k->cap * 2, 64u);
        struct slice *more =
            arena_new_array(k->a, struct slice, (size_t)cap * k->n_by);
        if (more == NULL)
            return NULL;
        if (k->n > 0)
            memcpy(more, k->values, (size_t)k->n * k->n_by * sizeof *more);
        k->values = more;
        k->cap = cap;
    }
    return k->values + (size_t)k->n++ * k->n_by;
}

PRINTF_LIKE(4, 5)
static void
keys_error(struct keys *k, uint32_t line, uint32_t column, const char *fmt, ...)
{
    struct where where = {.file = k->path, .line = line, .column = column};
    va_list ap;
    va_start(ap, fmt);
    errlist_vadd(k->errs, SEVERITY_ERROR, &where, fmt, ap);
    va_end(ap);
    k->bad = true;
}

/* --- CSV ---------------------------------------------------------------- */

struct csv {
    const char *p, *end;
    uint32_t line;
    struct buf quoted;
};

/* The next value of a line: 1, or 0 where it was the line's last. */
static int
csv_quoted(struct keys *k, struct csv *c, struct slice *ret)
{
    uint32_t line = c->line;
    buf_reset(&c->quoted);
    for (c->p++;; c->p++) {
        if (c->p == c->end) {
            keys_error(k, line, 1, "a quoted value has no end");
            break;
        }
        if (*c->p == '"' && (c->p + 1 == c->end || c->p[1] != '"')) {
            c->p++;
            break;
        }
        c->p += *c->p == '"';
        c->line += *c->p == '\n';
        (void)buf_putc(&c->quoted, *c->p);
    }
    if (buf_error(&c->quoted) < 0) {
        keys_error(k, line, 1, "a value of more than %zu bytes", FIELD_MAX);
        buf_reset(&c->quoted);
    }
    return arena_slice_dup(k->a, buf_slice(&c->quoted), ret);
}

static int
csv_value(struct keys *k, struct csv *c, struct slice *ret, bool *ret_more)
{
    int r = 0;
    if (c->p < c->end && *c->p == '"') {
        r = csv_quoted(k, c, ret);
    } else {
        const char *from = c->p;
        while (c->p < c->end && *c->p != ',' && *c->p != '\n')
            c->p++;
        ret->p = from;
        ret->n = (size_t)(c->p - from);
        if (ret->n > 0 && ret->p[ret->n - 1] == '\r')
            ret->n--;
        r = arena_slice_dup(k->a, *ret, ret);
    }
    while (c->p < c->end && *c->p == '\r')
        c->p++;
    *ret_more = c->p < c->end && *c->p == ',';
    if (c->p < c->end && *c->p != ',' && *c->p != '\n') {
        keys_error(k, c->line, 1, "text behind a quoted value");
        while (c->p < c->end && *c->p != '\n')
            c->p++;
    }
    c->p += c->p < c->end;
    return r;
}

/* Which of 'by' each column is; n_by for none. */
static int
csv_head(struct keys *k, struct csv *c, uint32_t *columns, uint32_t *ret_n)
{
    bool more = true;
    uint32_t n = 0;
    for (; more && n < COLUMNS_MAX; n++) {
        struct slice name;
        if (csv_value(k, c, &name, &more) < 0)
            return -ENOMEM;
        columns[n] = k->n_by;
        for (uint32_t i = 0; i < k->n_by; i++)
            columns[n] = slice_eq(k->by[i], name) ? i : columns[n];
    }
    if (more)
        keys_error(k, 1, 1, "more than %u columns", COLUMNS_MAX);
    for (uint32_t i = 0; i < k->n_by; i++) {
        bool there = false;
        for (uint32_t m = 0; m < n; m++)
            there |= columns[m] == i;
        if (!there)
            keys_error(k, 1, 1, "no column \"%.*s\", which 'by' names",
                       SLICE_FMT(k->by[i]));
    }
    *ret_n = n;
    return 0;
}

static int
csv_line(struct keys *k, struct csv *c, const uint32_t *columns, uint32_t n)
{
    uint32_t line = ++c->line, i = 0;
    if (*c->p == '\n' || (*c->p == '\r' && c->end - c->p > 1)) {
        c->p += *c->p == '\n' ? 1 : 2; /* an empty line */
        return 0;
    }
    struct slice *key = keys_next(k), value;
    if (key == NULL)
        return -ENOMEM;
    for (bool more = true; more; i++) {
        if (csv_value(k, c, &value, &more) < 0)
            return -ENOMEM;
        if (i < n && columns[i] < k->n_by)
            key[columns[i]] = value;
    }
    if (i != n)
        keys_error(k, line, 1, "%u values, but %u columns", i, n);
    for (uint32_t m = 0; m < k->n_by; m++) {
        if (!utf8_valid(key[m]))
            keys_error(k, line, 1, "\"%.*s\" is not UTF-8",
                       SLICE_FMT(k->by[m]));
    }
    return 0;
}

static int
parse_csv(struct keys *k, struct slice text)
{
    uint32_t columns[COLUMNS_MAX], n = 0;
    struct csv c = {.p = text.p,
                    .end = text.p + text.n,
                    .line = 1,
                    .quoted = BUF_INIT(FIELD_MAX)};
    int r = csv_head(k, &c, columns, &n);
    while (r == 0 && !k->bad && c.p < c.end) {
        if (k->n == INVENTORY_KEYS_MAX) {
            keys_error(k, c.line, 1, "more than %u keys", INVENTORY_KEYS_MAX);
            break;
        }
        r = csv_line(k, &c, columns, n);
    }
    buf_fini(&c.quoted);
    return r;
}

/* --- YAML --------------------------------------------------------------- */

static int
yaml_key(struct keys *k, const struct yaml_node *map)
{
    if (yaml_expect(map, YAML_MAPPING, k->errs) < 0) {
        k->bad = true;
        return 0;
    }
    struct slice *key = keys_next(k);
    if (key == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < k->n_by; i++) {
        const struct yaml_node *v = NULL;
        for (uint32_t m = 0; m < map->n; m++) {
            if (slice_eq(map->pairs[m].key->value, k->by[i]))
                v = map->pairs[m].value;
        }
        struct slice text;
        if (v == NULL) {
            (void)yaml_error(map, k->errs, "no \"%.*s\", which 'by' names",
                             SLICE_FMT(k->by[i]));
            k->bad = true;
        } else if (yaml_string(v, k->errs, &text) < 0) {
            k->bad = true;
        } else if (arena_slice_dup(k->a, text, &key[i]) < 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

static int
parse_yaml(struct keys *k, struct slice text)
{
    size_t before = k->errs->errors;
    AUTO(yaml_doc) *doc = yaml_parse(text, k->path, k->errs);
    if (doc == NULL)
        return -ENOMEM;
    k->bad = k->errs->errors > before;
    if (doc->broken || yaml_is_null(doc->root))
        return 0;
    if (yaml_expect(doc->root, YAML_SEQUENCE, k->errs) < 0) {
        k->bad = true;
        return 0;
    }
    for (uint32_t i = 0; i < doc->root->n; i++) {
        if (yaml_key(k, doc->root->items[i]) < 0)
            return -ENOMEM;
    }
    return 0;
}

int
inventory_parse(struct slice path, struct slice text, const struct slice *by,
                uint32_t n_by, struct arena *a, struct errlist *errs,
                const struct inventory **ret)
{
    struct keys k = {.a = a, .errs = errs, .by = by, .n_by = n_by};
    struct inventory *inv = arena_new(a, struct inventory);
    k.path = arena_strndup(a, path.p, path.n);
    if (inv == NULL || k.path == NULL)
        return -ENOMEM;
    int r = slice_ends_with(path, SLICE(".csv")) ? parse_csv(&k, text)
                                                 : parse_yaml(&k, text);
    if (r < 0 || k.bad)
        return r < 0 ? r : -EINVAL;
    *inv = (struct inventory){k.n, n_by, k.values};
    *ret = inv;
    return 0;
}

/* --- which files a ruleset needs ---------------------------------------- */

static int
rule_inventory(const struct ruleset_file *file, const struct yaml_node *rule,
               struct arena *a, int (*fn)(void *, struct slice), void *arg)
{
    const struct yaml_node *m = yaml_get(rule, "missing");
    const struct yaml_node *inv = yaml_get(m, "inventory");
    if (inv == NULL || inv->kind != YAML_SCALAR || inv->value.n == 0)
        return 0;
    const char *path = inventory_path(a, file->path, inv->value);
    return path == NULL ? -ENOMEM : fn(arg, slice_from_str(path));
}

int
ruleset_inventories(const struct ruleset_file *file,
                    int (*fn)(void *arg, struct slice path), void *arg)
{
    AUTO_FINI(errlist) errs; /* they are told when the rules are read */
    errlist_init(&errs);
    if (memmem(file->text.p, file->text.n, "inventory", 9) == NULL)
        return 0;
    AUTO(yaml_doc) *doc = yaml_parse(file->text, "rules", &errs);
    if (doc == NULL)
        return -ENOMEM;
    const struct yaml_node *groups = yaml_get(doc->root, "groups");
    for (uint32_t i = 0;
         groups != NULL && groups->kind == YAML_SEQUENCE && i < groups->n;
         i++) {
        const struct yaml_node *rules = yaml_get(groups->items[i], "rules");
        for (uint32_t k = 0;
             rules != NULL && rules->kind == YAML_SEQUENCE && k < rules->n;
             k++) {
            int r = rule_inventory(file, rules->items[k], &doc->arena, fn, arg);
            if (r != 0)
                return r;
        }
    }
    return 0;
}
