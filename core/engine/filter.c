/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/filter.h"

#include <errno.h>
#include <stdlib.h>

#include <tocsin/plugin.h>

#include "core/base/arena.h"
#include "core/base/regex.h"
#include "core/base/str.h"
#include "core/engine/vec.h"
#include "core/lang/matcher.h"
#include "core/lang/selector.h"

typedef VEC(struct cond) conds;

static int conds_of_filter(struct arena *a, const struct schema_stream *s,
                           const struct pipe_filter *f, conds *out);

/* --- compiling ---------------------------------------------------------- */

/* Of a name that the stream doesn't have: what an absent field is to it. */
static int
cond_of_absent(const struct matcher *m)
{
    return matcher_match(m, (struct slice){0}) == MATCH ? 0 : -ENOENT;
}

static int
cond_of_matcher(const struct schema_stream *s, const struct matcher *m,
                conds *out)
{
    int id = schema_stream_field(s, m->name);
    if (id < 0)
        return cond_of_absent(m);
    struct cond c = {.kind = COND_MATCHER,
                     .field = (uint8_t)id,
                     .type = s->fields[id].type,
                     .matcher = m,
                     .value = m->value};
    const struct slice *texts;
    size_t n;
    if (m->op == MATCHER_EQ)
        c.kind = m->value.n > 0 ? COND_EQ : COND_EMPTY;
    else if (m->op == MATCHER_NE)
        c.kind = COND_NE;
    else if (m->op == MATCHER_RE && regex_literals(m->re, &texts, &n) &&
             n == 1 && texts[0].n > 0) {
        c.kind = COND_EQ;
        c.value = texts[0];
    }
    return vec_push(out, c);
}

static int
list_done(struct arena *a, conds *list, int r, const struct cond **ret,
          uint32_t *ret_n)
{
    struct cond *copy =
        r < 0 ? NULL : arena_new_array(a, struct cond, list->n + 1);
    if (copy != NULL) {
        if (list->n > 0)
            memcpy(copy, list->p, list->n * sizeof *copy);
        *ret = copy;
        *ret_n = list->n;
    }
    vec_free(list);
    return r < 0 ? r : copy == NULL ? -ENOMEM : 0;
}

static int
cond_of_or(struct arena *a, const struct schema_stream *s,
           const struct pipe_filter *f, conds *out)
{
    struct cond c = {.kind = COND_TREE, .filter = f};
    conds left = {0}, right = {0};
    int l = conds_of_filter(a, s, f->left, &left);
    l = list_done(a, &left, l, &c.left, &c.n_left);
    int r = conds_of_filter(a, s, f->right, &right);
    r = list_done(a, &right, r, &c.right, &c.n_right);
    if (l == -ENOMEM || r == -ENOMEM)
        return -ENOMEM;
    if (l == -ENOENT && r == -ENOENT)
        return -ENOENT;
    if (l == -ENOENT)
        c.left = NULL;
    if (r == -ENOENT)
        c.right = NULL;
    return vec_push(out, c);
}

static int
conds_of_filter(struct arena *a, const struct schema_stream *s,
                const struct pipe_filter *f, conds *out)
{
    if (f->kind == FILTER_AND) {
        int r = conds_of_filter(a, s, f->left, out);
        return r < 0 ? r : conds_of_filter(a, s, f->right, out);
    }
    if (f->kind == FILTER_OR)
        return cond_of_or(a, s, f, out);
    if (f->kind == FILTER_STRING)
        return cond_of_matcher(s, &f->matcher, out);
    int id = schema_stream_field(s, f->matcher.name);
    if (id < 0)
        return -ENOENT; /* an absent number is none */
    struct cond c = {.kind = COND_NUMBER,
                     .field = (uint8_t)id,
                     .type = s->fields[id].type,
                     .filter = f};
    return vec_push(out, c);
}

static int
cond_of_line(const struct line_filter *l, conds *out)
{
    bool re = l->op == LINE_RE || l->op == LINE_NOT_RE;
    struct cond c = {.kind = re ? COND_LINE_RE : COND_LINE, .line = l};
    return vec_push(out, c);
}

static int
cond_cmp(const void *a, const void *b)
{
    const struct cond *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return 0;
}

int
conds_compile(struct arena *a, const struct schema_stream *s,
              const struct selector *sel, const struct pipe_stage *end,
              const struct cond **ret, uint32_t *ret_n)
{
    conds out = {0};
    int r = 0;
    for (uint32_t i = 0; i < sel->matcher_count && r == 0; i++) {
        const struct matcher *m = &sel->matchers[i];
        if (!slice_eq_str(m->name, "__name__"))
            r = cond_of_matcher(s, m, &out);
        else if (matcher_match(m, s->name) != MATCH)
            r = -ENOENT;
    }
    for (const struct pipe_stage *st = sel->pipeline; st != end && r == 0;
         st = st->next) {
        if (st->kind == STAGE_FILTER)
            r = conds_of_filter(a, s, st->filter, &out);
        else if (st->kind == STAGE_LINE_FILTER)
            r = cond_of_line(&st->line, &out);
    }
    /* Insertion keeps the order of equals. */
    for (uint32_t i = 1; i < out.n; i++) {
        struct cond c = out.p[i];
        uint32_t k = i;
        for (; k > 0 && cond_cmp(&out.p[k - 1], &c) > 0; k--)
            out.p[k] = out.p[k - 1];
        out.p[k] = c;
    }
    return list_done(a, &out, r, ret, ret_n);
}

bool
conds_have_eq(const struct cond *c, uint32_t n, uint8_t field,
              struct slice value)
{
    for (uint32_t i = 0; i < n; i++) {
        if (c[i].kind == COND_EQ && c[i].field == field &&
            slice_eq(c[i].value, value))
            return true;
    }
    return false;
}

/* --- matching ----------------------------------------------------------- */

/* The field as what the filter compares: 0, or -EINVAL. */
static int
field_number(const struct cond *c, struct slice v, double *ret_v,
             double *ret_limit)
{
    const struct pipe_filter *f = c->filter;
    *ret_limit = f->number;
    if (f->kind == FILTER_DURATION) {
        if (c->type != TOCSIN_FIELD_DURATION_MS)
            return lang_parse_duration(v, ret_v);
        *ret_limit = f->number * 1000;
    } else if (f->kind == FILTER_BYTES && c->type != TOCSIN_FIELD_BYTES &&
               c->type != TOCSIN_FIELD_NUMBER) {
        return lang_parse_bytes(v, ret_v);
    }
    return str_parse_double(v, STR_INF_NAN, ret_v) < 0 ? -EINVAL : 0;
}

static enum match
number_match(const struct cond *c, struct slice v)
{
    double x, limit;
    if (v.n == 0)
        return NO_MATCH;
    if (field_number(c, v, &x, &limit) < 0)
        return UNKNOWN;
    return filter_compare(c->filter->op, x, limit) ? MATCH : NO_MATCH;
}

static enum match
line_match(const struct line_filter *l, struct slice raw)
{
    bool any = false;
    for (uint32_t i = 0; i < l->count && !any; i++) {
        const struct line_text *t = &l->texts[i];
        if (t->re != NULL) {
            enum match m = regex_match(t->re, raw);
            if (m == UNKNOWN)
                return UNKNOWN;
            any = m == MATCH;
        } else {
            any = t->text.n == 0 ||
                  memmem(raw.p, raw.n, t->text.p, t->text.n) != NULL;
        }
    }
    bool negated = l->op == LINE_NOT_CONTAINS || l->op == LINE_NOT_RE;
    return any != negated ? MATCH : NO_MATCH;
}

static enum match
tree_match(const struct cond *c, const struct slice *fields, struct slice raw)
{
    enum match l = NO_MATCH, r = NO_MATCH;
    if (c->left != NULL)
        l = conds_match(c->left, c->n_left, COND_NONE, fields, raw);
    if (l == MATCH)
        return MATCH;
    if (c->right != NULL)
        r = conds_match(c->right, c->n_right, COND_NONE, fields, raw);
    return r == MATCH ? MATCH : MAX(l, r);
}

static enum match
cond_match(const struct cond *c, const struct slice *fields, struct slice raw)
{
    switch (c->kind) {
    case COND_EQ:
        return slice_eq(fields[c->field], c->value) ? MATCH : NO_MATCH;
    case COND_NE:
        return slice_eq(fields[c->field], c->value) ? NO_MATCH : MATCH;
    case COND_EMPTY:
        return fields[c->field].n == 0 ? MATCH : NO_MATCH;
    case COND_NUMBER:
        return number_match(c, fields[c->field]);
    case COND_MATCHER:
        return matcher_match(c->matcher, fields[c->field]);
    case COND_LINE:
    case COND_LINE_RE:
        return line_match(c->line, raw);
    case COND_TREE:
        return tree_match(c, fields, raw);
    }
    return NO_MATCH;
}

enum match
conds_match(const struct cond *c, uint32_t n, uint32_t skip,
            const struct slice *fields, struct slice raw)
{
    enum match result = MATCH;
    for (uint32_t i = 0; i < n; i++) {
        if (i == skip)
            continue;
        enum match m = cond_match(&c[i], fields, raw);
        if (m == NO_MATCH)
            return NO_MATCH;
        if (m == UNKNOWN)
            result = UNKNOWN;
    }
    return result;
}

bool
conds_hit_limit(const struct cond *c, uint32_t n, const struct slice *fields,
                struct slice raw)
{
    for (uint32_t i = 0; i < n; i++) {
        bool regex = c[i].kind == COND_MATCHER || c[i].kind == COND_LINE_RE;
        if ((regex && cond_match(&c[i], fields, raw) == UNKNOWN) ||
            (c[i].kind == COND_TREE &&
             (conds_hit_limit(c[i].left, c[i].n_left, fields, raw) ||
              conds_hit_limit(c[i].right, c[i].n_right, fields, raw))))
            return true;
    }
    return false;
}
