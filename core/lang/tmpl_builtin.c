/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_builtin.c - the functions that Go's templates bring themselves. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/str.h"
#include "core/lang/problems.h"
#include "core/lang/tmpl.h"

/* --- truth and order ----------------------------------------------------- */

static bool
call_and_or(struct texec *x, const struct tval *args, size_t n,
            struct tval *ret_v)
{
    /* The evaluator sees to them: they don't look at all arguments. */
    (void)n;
    *ret_v = args[0];
    return texec_fail(x, "not a function of values");
}

static bool
call_not(struct texec *x, const struct tval *args, size_t n, struct tval *ret_v)
{
    (void)x;
    (void)n;
    *ret_v = tval_bool(!tval_truth(&args[0]));
    return true;
}

static bool
is_basic(const struct tval *v)
{
    return v->kind >= TV_BOOL && v->kind <= TV_STRING;
}

static bool
is_nil(const struct tval *v)
{
    return v->kind == TV_NIL || v->kind == TV_NONE;
}

static bool
equal(struct texec *x, const struct tval *a, const struct tval *b, bool *ret_eq)
{
    if (is_nil(a) || is_nil(b)) {
        *ret_eq = is_nil(a) && is_nil(b);
        return true;
    }
    bool same = is_basic(a) ? a->kind == b->kind : !is_basic(b);
    if (!same)
        return texec_fail(x, "incompatible types for comparison: %s and %s",
                          tval_type_name(a), tval_type_name(b));
    if (!is_basic(a)) {
        AUTO_FINI(buf) text = BUF_INIT(256);
        tval_print(&text, a);
        return texec_fail(x, "non-comparable type %s: %s", buf_str(&text),
                          tval_type_name(a));
    }
    *ret_eq = a->kind == TV_BOOL    ? a->b == b->b
              : a->kind == TV_INT   ? a->i == b->i
              : a->kind == TV_FLOAT ? a->f == b->f
                                    : slice_eq(a->s, b->s);
    return true;
}

static bool
call_eq(struct texec *x, const struct tval *args, size_t n, struct tval *ret_v)
{
    bool eq = false;
    if (n == 1)
        return texec_fail(x, "missing argument for comparison");
    for (size_t i = 1; i < n && !eq; i++)
        if (!equal(x, &args[0], &args[i], &eq))
            return false;
    *ret_v = tval_bool(eq);
    return true;
}

static bool
call_ne(struct texec *x, const struct tval *args, size_t n, struct tval *ret_v)
{
    (void)n;
    bool eq;
    if (!equal(x, &args[0], &args[1], &eq))
        return false;
    *ret_v = tval_bool(!eq);
    return true;
}

static bool
less(struct texec *x, const struct tval *a, const struct tval *b,
     bool *ret_less)
{
    if (!is_basic(a) || !is_basic(b))
        return texec_fail(x, "invalid type for comparison");
    if (a->kind != b->kind)
        return texec_fail(x, "incompatible types for comparison: %s and %s",
                          tval_type_name(a), tval_type_name(b));
    if (a->kind == TV_BOOL)
        return texec_fail(x, "invalid type for comparison");
    *ret_less = a->kind == TV_INT     ? a->i < b->i
                : a->kind == TV_FLOAT ? a->f < b->f
                                      : slice_cmp(a->s, b->s) < 0;
    return true;
}

static bool
call_lt(struct texec *x, const struct tval *args, size_t n, struct tval *ret_v)
{
    (void)n;
    bool lt;
    if (!less(x, &args[0], &args[1], &lt))
        return false;
    *ret_v = tval_bool(lt);
    return true;
}

/* As in Go, "le" is "lt or eq": NaN is neither. */
static bool
call_le(struct texec *x, const struct tval *args, size_t n, struct tval *ret_v)
{
    (void)n;
    bool lt, eq;
    if (!less(x, &args[0], &args[1], &lt) || !equal(x, &args[0], &args[1], &eq))
        return false;
    *ret_v = tval_bool(lt || eq);
    return true;
}

static bool
call_gt(struct texec *x, const struct tval *args, size_t n, struct tval *ret_v)
{
    if (!call_le(x, args, n, ret_v))
        return false;
    ret_v->b = !ret_v->b;
    return true;
}

static bool
call_ge(struct texec *x, const struct tval *args, size_t n, struct tval *ret_v)
{
    if (!call_lt(x, args, n, ret_v))
        return false;
    ret_v->b = !ret_v->b;
    return true;
}

/* --- parts --------------------------------------------------------------- */

static bool
call_len(struct texec *x, const struct tval *args, size_t n, struct tval *ret_v)
{
    (void)n;
    const struct tval *v = &args[0];
    if (v->kind == TV_STRING)
        *ret_v = tval_int((int64_t)v->s.n);
    else if (v->kind == TV_LABELS || v->kind == TV_ARGS ||
             v->kind == TV_SAMPLES)
        *ret_v = tval_int((int64_t)v->n);
    else if (is_nil(v))
        return texec_fail(x, "len of nil pointer");
    else
        return texec_fail(x, "len of type %s", tval_type_name(v));
    return true;
}

static bool
check_index(struct texec *x, const struct tval *index, size_t n)
{
    if (is_nil(index))
        return texec_fail(x, "cannot index slice/array with nil");
    if (index->kind != TV_INT)
        return texec_fail(x, "cannot index slice/array with type %s",
                          tval_type_name(index));
    if (index->i < 0 || (uint64_t)index->i >= n)
        return texec_fail(x, "index out of range: %lld", (long long)index->i);
    return true;
}

static bool
index_once(struct texec *x, struct tval *v, const struct tval *index)
{
    const struct tval from = *v;
    switch (from.kind) {
    case TV_LABELS:
    case TV_ARGS:
        if (index->kind != TV_STRING)
            return texec_fail(x, "value has type %s; should be string",
                              tval_type_name(index));
        if (from.kind == TV_LABELS) {
            *v = tval_string(labels_get(from.labels, from.n, index->s));
            return true;
        }
        *v = (struct tval){.kind = TV_NONE};
        for (size_t i = 0; i < from.n; i++) {
            char key[32];
            snprintf(key, sizeof key, "arg%zu", i);
            if (slice_eq_str(index->s, key))
                *v = from.args[i];
        }
        return true;
    case TV_SAMPLES:
        if (!check_index(x, index, from.n))
            return false;
        *v =
            (struct tval){.kind = TV_SAMPLE, .sample = &from.samples[index->i]};
        return true;
    case TV_STRING:
        if (!check_index(x, index, from.s.n))
            return false;
        *v = tval_int((unsigned char)from.s.p[index->i]);
        return true;
    default:
        return is_nil(&from) ? texec_fail(x, "index of untyped nil")
                             : texec_fail(x, "can't index item of type %s",
                                          tval_type_name(&from));
    }
}

static bool
call_index(struct texec *x, const struct tval *args, size_t n,
           struct tval *ret_v)
{
    *ret_v = args[0];
    for (size_t i = 1; i < n; i++)
        if (!index_once(x, ret_v, &args[i]))
            return false;
    return true;
}

static bool
call_slice(struct texec *x, const struct tval *args, size_t n,
           struct tval *ret_v)
{
    const struct tval *v = &args[0];
    bool is_text = v->kind == TV_STRING;
    size_t size = is_text ? v->s.n : v->n;
    if (!is_text && v->kind != TV_SAMPLES)
        return texec_fail(x, "can't slice item of type %s", tval_type_name(v));
    if (n > 4)
        return texec_fail(x, "too many slice indexes: %zu", n - 1);
    if (n == 4 && is_text)
        return texec_fail(x, "cannot 3-index slice a string");
    size_t from = 0, to = size;
    for (size_t i = 1; i < n; i++) {
        if (!check_index(x, &args[i], size + 1))
            return false;
        if (i == 1)
            from = (size_t)args[i].i;
        else if (i == 2)
            to = (size_t)args[i].i;
    }
    if (from > to)
        return texec_fail(x, "invalid slice index: %zu > %zu", from, to);
    *ret_v = *v;
    if (is_text) {
        ret_v->s = slice_skip(slice_new(v->s.p, to), from);
    } else {
        ret_v->n = to - from;
        if (ret_v->n > 0) /* else they may be NULL */
            ret_v->samples = v->samples + from;
    }
    return true;
}

/* --- text ---------------------------------------------------------------- */

/* fmt.Sprint: a space between two of which neither is a text. */
static void
sprint(struct buf *b, const struct tval *args, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && args[i].kind != TV_STRING && args[i - 1].kind != TV_STRING)
            (void)buf_putc(b, ' ');
        /* Inside fmt a missing value is nil. */
        if (args[i].kind == TV_NONE)
            (void)buf_append_str(b, "<nil>");
        else
            tval_print(b, &args[i]);
    }
}

static bool
call_print(struct texec *x, const struct tval *args, size_t n,
           struct tval *ret_v)
{
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    sprint(&b, args, n);
    return texec_string(x, &b, ret_v);
}

static bool
call_println(struct texec *x, const struct tval *args, size_t n,
             struct tval *ret_v)
{
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            (void)buf_putc(&b, ' ');
        sprint(&b, &args[i], 1);
    }
    (void)buf_putc(&b, '\n');
    return texec_string(x, &b, ret_v);
}

static bool
call_printf(struct texec *x, const struct tval *args, size_t n,
            struct tval *ret_v)
{
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    tmpl_printf(&b, args[0].s, args + 1, n - 1);
    return texec_string(x, &b, ret_v);
}

static bool
escaped(struct texec *x, const struct tval *args, size_t n,
        void (*escape)(struct buf *b, struct slice s), struct tval *ret_v)
{
    AUTO_FINI(buf) plain = BUF_INIT(TMPL_OUTPUT_MAX);
    AUTO_FINI(buf) b = BUF_INIT(TMPL_OUTPUT_MAX);
    sprint(&plain, args, n);
    escape(&b, buf_slice(&plain));
    return texec_string(x, &b, ret_v);
}

static bool
call_html(struct texec *x, const struct tval *args, size_t n,
          struct tval *ret_v)
{
    return escaped(x, args, n, tmpl_escape_html, ret_v);
}

static bool
call_js(struct texec *x, const struct tval *args, size_t n, struct tval *ret_v)
{
    return escaped(x, args, n, tmpl_escape_js, ret_v);
}

static bool
call_urlquery(struct texec *x, const struct tval *args, size_t n,
              struct tval *ret_v)
{
    return escaped(x, args, n, tmpl_escape_query, ret_v);
}

static bool
call_call(struct texec *x, const struct tval *args, size_t n,
          struct tval *ret_v)
{
    (void)n;
    (void)ret_v;
    AUTO_FINI(buf) text = BUF_INIT(256);
    tval_print(&text, &args[0]);
    return texec_fail(x, "non-function %s of type %s", buf_str(&text),
                      tval_type_name(&args[0]));
}

const struct tmpl_func tmpl_builtins[] = {
    {"and", "vv*", call_and_or},
    {"call", "vv*", call_call},
    {"eq", "vv*", call_eq},
    {"ge", "vv", call_ge},
    {"gt", "vv", call_gt},
    {"html", "v*", call_html},
    {"index", "vv*", call_index},
    {"js", "v*", call_js},
    {"le", "vv", call_le},
    {"len", "v", call_len},
    {"lt", "vv", call_lt},
    {"ne", "vv", call_ne},
    {"not", "v", call_not},
    {"or", "vv*", call_and_or},
    {"print", "v*", call_print},
    {"printf", "sv*", call_printf},
    {"println", "v*", call_println},
    {"slice", "vv*", call_slice},
    {"urlquery", "v*", call_urlquery},
};
const size_t tmpl_builtin_count = ARRAY_SIZE(tmpl_builtins);
