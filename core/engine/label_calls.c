/* SPDX-License-Identifier: Apache-2.0 */
/* label_calls.c - label_replace() and label_join(). */
#include "config.h"

#include "core/base/buf.h"
#include "core/base/regex.h"
#include "core/base/str.h"
#include "core/engine/call.h"

#define TEXT_MAX ((size_t)1 << 20)

/* $1, ${1}, $name, ${name}, $$, as Go expands them. */
static size_t
reference(struct slice s, struct slice *ret_name)
{
    bool braces = s.n > 1 && s.p[1] == '{';
    size_t i = braces ? 2 : 1, start = i;
    while (i < s.n && (s.p[i] == '_' || (s.p[i] >= '0' && s.p[i] <= '9') ||
                       (str_lower(s.p[i]) >= 'a' && str_lower(s.p[i]) <= 'z')))
        i++;
    *ret_name = slice_new(s.p + start, i - start);
    if (i == start || (braces && (i == s.n || s.p[i] != '}')))
        return 0;
    return braces ? i + 1 : i;
}

static struct slice
group_text(const struct regex *re, const struct slice *groups, size_t n,
           struct slice name)
{
    uint64_t k;
    if (str_parse_u64(name, &k) == 0)
        return k < n ? groups[k] : (struct slice){0};
    for (size_t i = 1; i < n; i++) {
        const char *g = regex_group_name(re, i);
        if (g != NULL && slice_eq_str(name, g))
            return groups[i];
    }
    return (struct slice){0};
}

static void
expand_groups(const struct regex *re, const struct slice *groups, size_t n,
              struct slice text, struct buf *out)
{
    while (text.n > 0) {
        const char *d = memchr(text.p, '$', text.n);
        size_t plain = d == NULL ? text.n : (size_t)(d - text.p);
        (void)buf_append(out, text.p, plain);
        text = slice_skip(text, plain);
        if (text.n == 0)
            return;
        struct slice name;
        size_t used = reference(text, &name);
        if (text.n > 1 && text.p[1] == '$') {
            (void)buf_putc(out, '$');
            used = 2;
        } else if (used > 0) {
            (void)buf_append_slice(out, group_text(re, groups, n, name));
        } else {
            (void)buf_putc(out, '$');
            used = 1;
        }
        text = slice_skip(text, used);
    }
}

static struct lset *
replace_label(struct call *c, struct lset *l, uint32_t dst, bool *ret_set)
{
    struct labels *ls = c->ev->e->labels;
    const struct regex *re = c->n->call.re;
    struct slice groups[REGEX_GROUPS_MAX + 1] = {0};
    size_t n = regex_group_count(re) + 1;
    struct slice src = lset_get(ls, l, c->args[3]->string);
    enum match m = regex_captures(re, src, n, groups);
    if (m != MATCH)
        return m == UNKNOWN ? NULL : l;
    *ret_set = true;
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    expand_groups(re, groups, n, c->args[2]->string, &b);
    return buf_error(&b) < 0
               ? NULL
               : lset_pool(ls, lset_set(ls, l, dst, buf_slice(&b)));
}

static struct lset *
join_labels(struct call *c, struct lset *l, uint32_t dst, bool *ret_set)
{
    struct labels *ls = c->ev->e->labels;
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    *ret_set = true;
    for (uint32_t i = 3; i < c->n_args; i++) {
        if (i > 3)
            (void)buf_append_slice(&b, c->args[2]->string);
        (void)buf_append_slice(&b, lset_get(ls, l, c->args[i]->string));
    }
    return buf_error(&b) < 0
               ? NULL
               : lset_pool(ls, lset_set(ls, l, dst, buf_slice(&b)));
}

static int
label_name_check(struct call *c, const char *what, struct slice name)
{
    if (name.n > 0 && utf8_valid(name))
        return 0;
    return err_set(c->ev->err, -EINVAL, "invalid %s label name in %s(): %.*s",
                   what, lang_func_get(c->n->call.func)->name, SLICE_FMT(name));
}

/* '*ret_set' becomes true where 'dst' was set, be it to what it was. */
typedef struct lset *(*relabel_fn)(struct call *c, struct lset *l, uint32_t dst,
                                   bool *ret_set);

/* A name that is set anew stays. */
static int
relabel(struct call *c, relabel_fn fn, struct value *ret)
{
    const struct vector *v = &c->args[0]->vec;
    struct labels *ls = c->ev->e->labels;
    uint32_t id = labels_intern(ls, c->args[1]->string);
    bool is_name = id == labels_name(ls);
    int e = id == 0 ? -ENOMEM : vector_make(c->ev, v->n, &ret->vec);
    for (uint32_t i = 0; e == 0 && i < v->n; i++) {
        bool set = false;
        struct lset *l = fn(c, v->labels[i], id, &set);
        vector_push(&ret->vec, l, v->values[i],
                    v->unnamed[i] && !(is_name && set));
        e = l == NULL ? -ENOMEM : 0;
    }
    labels_release(ls, id);
    return e < 0 ? e : vector_check_unique(c->ev, &ret->vec);
}

int
call_label_join(struct call *c, struct value *ret)
{
    int e = 0;
    for (uint32_t i = 3; e == 0 && i < c->n_args; i++)
        e = label_name_check(c, "source", c->args[i]->string);
    if (e == 0)
        e = label_name_check(c, "destination", c->args[1]->string);
    return e < 0 ? e : relabel(c, join_labels, ret);
}

int
call_label_replace(struct call *c, struct value *ret)
{
    if (c->n->call.re == NULL)
        return err_set(c->ev->err, -EINVAL,
                       "invalid regular expression in label_replace(): %.*s",
                       SLICE_FMT(c->args[4]->string));
    int e = label_name_check(c, "destination", c->args[1]->string);
    return e < 0 ? e : relabel(c, replace_label, ret);
}
