/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_read.c - looks into a tree and reads its values, with errors that say
 * what was expected. */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "core/config/yaml.h"

#include "core/base/duration.h"
#include "core/base/str.h"

/* ------------------------------------------------------------- looking */

bool
yaml_is_null(const struct yaml_node *node)
{
    if (node == NULL)
        return true;
    if (node->kind != YAML_SCALAR || node->style != YAML_PLAIN || node->secret)
        return false;
    struct slice v = node->value;
    return v.n == 0 || slice_eq_str(v, "~") || slice_eq_str(v, "null") ||
           slice_eq_str(v, "Null") || slice_eq_str(v, "NULL");
}

const char *
yaml_kind_name(const struct yaml_node *node)
{
    if (yaml_is_null(node))
        return "nothing";
    switch (node->kind) {
    case YAML_SEQUENCE:
        return "a list";
    case YAML_MAPPING:
        return "a mapping";
    default:
        return "a value";
    }
}

const struct yaml_pair *
yaml_get_pair(const struct yaml_node *map, const char *key)
{
    if (map == NULL || map->kind != YAML_MAPPING)
        return NULL;
    for (size_t i = 0; i < map->n; i++)
        if (slice_eq_str(map->pairs[i].key->value, key))
            return &map->pairs[i];
    return NULL;
}

const struct yaml_node *
yaml_get(const struct yaml_node *map, const char *key)
{
    const struct yaml_pair *pair = yaml_get_pair(map, key);
    return pair == NULL ? NULL : pair->value;
}

/* --------------------------------------------------------- complaining */

int
yaml_error(const struct yaml_node *node, struct errlist *errs, const char *fmt,
           ...)
{
    struct where w = yaml_where(node);
    va_list ap;
    va_start(ap, fmt);
    errlist_vadd(errs, SEVERITY_ERROR, &w, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

int
yaml_expect(const struct yaml_node *node, enum yaml_kind kind,
            struct errlist *errs)
{
    static const char *const names[] = {[YAML_SCALAR] = "a value",
                                        [YAML_SEQUENCE] = "a list",
                                        [YAML_MAPPING] = "a mapping"};
    if (node->kind == kind && (kind != YAML_SCALAR || !yaml_is_null(node)))
        return 0;
    return yaml_error(node, errs, "expected %s, found %s", names[kind],
                      yaml_kind_name(node));
}

size_t
yaml_unknown_keys(const struct yaml_node *map, const char *const *known,
                  size_t n_known, struct errlist *errs)
{
    size_t unknown = 0;
    if (map == NULL || map->kind != YAML_MAPPING)
        return 0;
    for (size_t i = 0; i < map->n; i++) {
        const struct yaml_node *key = map->pairs[i].key;
        bool found = false;
        for (size_t k = 0; k < n_known && !found; k++)
            found = slice_eq_str(key->value, known[k]);
        if (found)
            continue;
        unknown++;
        yaml_error(key, errs, "unknown key \"%.*s\"",
                   (int)MIN(key->value.n, (size_t)80), key->value.p);
        if (errs->last_dropped) /* there are too many to be shown */
            continue;
        const char *near = str_nearest(key->value, known, n_known);
        if (near != NULL)
            errlist_hint(errs, "did you mean \"%s\"?", near);
    }
    return unknown;
}

/* ------------------------------------------------------------- reading */

/* "\"5 parrots\"", or something else where the value must not be shown. */
struct shown {
    char text[80];
};

static const char *
show(const struct yaml_node *node, struct shown *ret)
{
    size_t n = node->value.n;
    const char *more = "";
    if (node->secret)
        return "this value";
    if (n > 60) {
        more = "…";
        for (n = 60; n > 0 && (node->value.p[n] & 0xc0) == 0x80;)
            n--;
    }
    snprintf(ret->text, sizeof ret->text, "\"%.*s%s\"", (int)n, node->value.p,
             more);
    return ret->text;
}

/* 0 for a scalar that is not null; 'what' is what it should be. */
static int
want_scalar(const struct yaml_node *node, const char *what,
            struct errlist *errs)
{
    if (node->kind == YAML_SCALAR && !yaml_is_null(node))
        return 0;
    return yaml_error(node, errs, "expected %s, found %s", what,
                      yaml_kind_name(node));
}

int
yaml_string(const struct yaml_node *node, struct errlist *errs,
            struct slice *ret)
{
    int r = want_scalar(node, "text", errs);
    if (r == 0)
        *ret = node->value;
    else if (node->kind == YAML_SCALAR && node->value.n > 0)
        errlist_hint(errs, "quote it if it is text");
    return r;
}

int
yaml_bool(const struct yaml_node *node, struct errlist *errs, bool *ret)
{
    static const char *const truths[] = {"true",  "True",  "TRUE",
                                         "false", "False", "FALSE"};
    int r = want_scalar(node, "true or false", errs);
    if (r < 0 || node->pending)
        return r;
    for (size_t i = 0; i < ARRAY_SIZE(truths); i++)
        if (slice_eq_str(node->value, truths[i])) {
            *ret = i < 3;
            return 0;
        }
    struct shown s;
    return yaml_error(node, errs, "expected true or false, found %s",
                      show(node, &s));
}

/* Digits of base 16 or 8 behind "0x" or "0o". */
static int
parse_based(struct slice digits, unsigned base, int64_t *ret)
{
    uint64_t v = 0;
    if (digits.n == 0)
        return -EINVAL;
    for (size_t i = 0; i < digits.n; i++) {
        char c = str_lower(digits.p[i]);
        unsigned d = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                            : 16;
        if (d >= base)
            return -EINVAL;
        if (v > ((uint64_t)INT64_MAX - d) / base)
            return -ERANGE;
        v = v * base + d;
    }
    *ret = (int64_t)v;
    return 0;
}

static int
parse_i64(struct slice s, int64_t *ret)
{
    if (slice_starts_with(s, SLICE("0x")))
        return parse_based(slice_skip(s, 2), 16, ret);
    if (slice_starts_with(s, SLICE("0o")))
        return parse_based(slice_skip(s, 2), 8, ret);
    return str_parse_i64(s, ret);
}

int
yaml_i64(const struct yaml_node *node, struct errlist *errs, int64_t *ret)
{
    int r = want_scalar(node, "a whole number", errs);
    if (r < 0 || node->pending)
        return r;
    struct shown s;
    r = parse_i64(node->value, ret);
    if (r == -ERANGE)
        return yaml_error(node, errs, "%s is too large a number",
                          show(node, &s));
    if (r < 0)
        return yaml_error(node, errs, "expected a whole number, found %s",
                          show(node, &s));
    return 0;
}

static int
parse_double(struct slice s, double *ret)
{
    static const char *const infs[] = {".inf", ".Inf", ".INF"};
    static const char *const nans[] = {".nan", ".NaN", ".NAN"};
    bool sign = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
    for (size_t i = 0; i < ARRAY_SIZE(infs); i++)
        if (slice_eq_str(slice_skip(s, sign), infs[i])) {
            *ret = s.p[0] == '-' ? -INFINITY : INFINITY;
            return 0;
        }
    for (size_t i = 0; i < ARRAY_SIZE(nans); i++)
        if (slice_eq_str(s, nans[i])) {
            *ret = NAN;
            return 0;
        }
    int64_t whole;
    int r = str_parse_double(s, 0, ret);
    if (r == -EINVAL && parse_i64(s, &whole) == 0) {
        *ret = (double)whole;
        r = 0;
    }
    return r;
}

int
yaml_double(const struct yaml_node *node, struct errlist *errs, double *ret)
{
    int r = want_scalar(node, "a number", errs);
    if (r < 0 || node->pending)
        return r;
    struct shown s;
    r = parse_double(node->value, ret);
    if (r == -ERANGE)
        return yaml_error(node, errs, "%s is too large a number",
                          show(node, &s));
    if (r < 0)
        return yaml_error(node, errs, "expected a number, found %s",
                          show(node, &s));
    return 0;
}

/* A duration or size that could not be read. */
static int
bad_quantity(const struct yaml_node *node, const char *what,
             const struct fault *fault, const char *hint, struct errlist *errs)
{
    struct shown s;
    yaml_error(node, errs, "%s is no %s: %s", show(node, &s), what, fault->why);
    errlist_hint(errs, "%s", hint);
    return -EINVAL;
}

int
yaml_size(const struct yaml_node *node, struct errlist *errs,
          int64_t *ret_bytes)
{
    int r = want_scalar(node, "a size", errs);
    if (r < 0 || node->pending)
        return r;
    uint64_t bytes;
    struct fault fault;
    r = size_parse(node->value, &bytes, &fault);
    if (r < 0)
        return bad_quantity(node, "size", &fault,
                            "write it as \"64MiB\", \"10kB\" or \"512\"", errs);
    *ret_bytes = (int64_t)bytes;
    return 0;
}

int
yaml_duration(const struct yaml_node *node, struct errlist *errs,
              usec_t *ret_us)
{
    int r = want_scalar(node, "a duration", errs);
    if (r < 0 || node->pending)
        return r;
    struct fault fault;
    r = duration_parse(node->value, ret_us, &fault);
    if (r < 0)
        return bad_quantity(node, "duration", &fault,
                            "write it as \"30s\", \"5m\" or \"1h30m\"", errs);
    return 0;
}

int
yaml_choice(const struct yaml_node *node, const char *const *choices, size_t n,
            struct errlist *errs, size_t *ret)
{
    int r = want_scalar(node, "a word", errs);
    if (r < 0 || node->pending)
        return r;
    for (size_t i = 0; i < n; i++)
        if (slice_eq_str(node->value, choices[i])) {
            *ret = i;
            return 0;
        }
    struct shown s;
    AUTO_FINI(buf) all = BUF_INIT(1024);
    for (size_t i = 0; i < n; i++)
        (void)buf_printf(&all, "%s%s", i > 0 ? ", " : "", choices[i]);
    yaml_error(node, errs, "%s is none of %s", show(node, &s), buf_str(&all));
    const char *near =
        node->secret ? NULL : str_nearest(node->value, choices, n);
    if (near != NULL)
        errlist_hint(errs, "did you mean \"%s\"?", near);
    return -EINVAL;
}

#define GETTER(name, type)                                                     \
    int yaml_get_##name(const struct yaml_node *map, const char *key,          \
                        struct errlist *errs, type *ret)                       \
    {                                                                          \
        const struct yaml_node *node = yaml_get(map, key);                     \
        if (yaml_is_null(node))                                                \
            return 0;                                                          \
        int r = yaml_##name(node, errs, ret);                                  \
        return r < 0 ? r : 1;                                                  \
    }

GETTER(string, struct slice)
GETTER(bool, bool)
GETTER(i64, int64_t)
GETTER(double, double)
GETTER(size, int64_t)
GETTER(duration, usec_t)
