/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/regex.h"
#include "core/base/str.h"
#include "core/notify/route.h"

#define ROUTES_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define KEY_MAX ((size_t)64 * 1024)

struct route_matcher {
    struct slice name, value;
    enum config_match op;
    struct regex *regex; /* of CONFIG_RE and CONFIG_NRE */
};

struct node {
    struct route route;
    struct route_matcher *matchers;
    size_t n_matchers;
    struct node *children;
    size_t n_children;
};

struct routes {
    struct arena arena;
    struct node root;
    const struct route **all;
    size_t n;
};

/* Whom everything goes to where nobody is to be told. */
static const struct config_route nobody = {
    .group_interval_us = USEC_PER_MINUTE,
    .repeat_interval_us = USEC_PER_DAY,
};

/* ---- keys */

static const char *const op_names[] = {"=", "!=", "=~", "!~"};

static int
matcher_order(const void *a, const void *b)
{
    const struct route_matcher *x = a, *y = b;
    int r = slice_cmp(x->name, y->name);
    if (r == 0)
        r = slice_cmp(x->value, y->value);
    return r != 0 ? r : (x->op > y->op) - (x->op < y->op);
}

static void
matcher_print(const struct route_matcher *m, struct buf *b)
{
    (void)buf_append_slice(b, m->name);
    (void)buf_append_str(b, op_names[m->op]);
    (void)buf_putc(b, '"');
    for (size_t i = 0; i < m->value.n; i++) {
        char c = m->value.p[i];
        if (c == '\n') {
            (void)buf_append_str(b, "\\n");
            continue;
        }
        if (c == '"' || c == '\\')
            (void)buf_putc(b, '\\');
        (void)buf_putc(b, c);
    }
    (void)buf_putc(b, '"');
}

static int
node_set_key(struct routes *rs, struct node *node, const struct node *parent)
{
    AUTO_FINI(buf) b = BUF_INIT(KEY_MAX);
    if (parent != NULL) {
        (void)buf_append_slice(&b, parent->route.key);
        (void)buf_putc(&b, '/');
    }
    (void)buf_putc(&b, '{');
    for (size_t i = 0; i < node->n_matchers; i++) {
        if (i > 0)
            (void)buf_putc(&b, ',');
        matcher_print(&node->matchers[i], &b);
    }
    (void)buf_putc(&b, '}');
    if (buf_error(&b) < 0)
        return -ENOMEM;
    return arena_slice_dup(&rs->arena, buf_slice(&b), &node->route.key);
}

/* What Go's unicode.IsPrint refuses, as far as labels are likely to hold it. */
static bool
is_printable(uint32_t cp)
{
    static const uint32_t not [][2] = {
        {0x7f, 0xa0},       {0xad, 0xad},       {0x1680, 0x1680},
        {0x180e, 0x180e},   {0x2000, 0x200f},   {0x2028, 0x202f},
        {0x205f, 0x206f},   {0x3000, 0x3000},   {0xe000, 0xf8ff},
        {0xfeff, 0xfeff},   {0xfff0, 0xfffb},   {0xfffe, 0xffff},
        {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff}};
    if (cp < 0x20)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(not ); i++)
        if (cp >= not [i][0] && cp <= not [i][1])
            return false;
    return true;
}

static void
quote_char(uint32_t cp, struct slice bytes, struct buf *out)
{
    static const char letters[] = "abtnvfr"; /* from \a on */
    if (cp == '"' || cp == '\\')
        (void)buf_printf(out, "\\%c", (int)cp);
    else if (is_printable(cp))
        (void)buf_append_slice(out, bytes);
    else if (cp >= 7 && cp <= 13)
        (void)buf_printf(out, "\\%c", letters[cp - 7]);
    else if (cp < 0x80)
        (void)buf_printf(out, "\\x%02x", (unsigned)cp);
    else
        (void)buf_printf(out, cp < 0x10000 ? "\\u%04x" : "\\U%08x",
                         (unsigned)cp);
}

/* As Go's %q. */
static void
quote(struct slice s, struct buf *out)
{
    (void)buf_putc(out, '"');
    while (s.n > 0) {
        uint32_t cp = 0;
        int n = utf8_decode(s, &cp);
        if (n > 0)
            quote_char(cp, slice_new(s.p, (size_t)n), out);
        else
            (void)buf_printf(out, "\\x%02x", (unsigned)(unsigned char)s.p[0]);
        s = slice_skip(s, n > 0 ? (size_t)n : 1);
    }
    (void)buf_putc(out, '"');
}

/* The printed labels are sorted, so "a0" comes before "a": '0' < '='. */
static int
printed_order(const void *a, const void *b)
{
    const struct label *x = *(const struct label *const *)a;
    const struct label *y = *(const struct label *const *)b;
    size_t n = MIN(x->name.n, y->name.n);
    int r = memcmp(x->name.p, y->name.p, n);
    if (r != 0 || x->name.n == y->name.n)
        return r;
    return x->name.n == n ? '=' - (unsigned char)y->name.p[n]
                          : (unsigned char)x->name.p[n] - '=';
}

int
labels_print(const struct label *labels, size_t n, struct buf *out)
{
    auto_free const struct label **order =
        mem_new_array(const struct label *, n + 1);
    if (order == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        order[i] = &labels[i];
    qsort(order, n, sizeof order[0], printed_order);
    (void)buf_putc(out, '{');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            (void)buf_append_str(out, ", ");
        (void)buf_append_slice(out, order[i]->name);
        (void)buf_putc(out, '=');
        quote(order[i]->value, out);
    }
    (void)buf_putc(out, '}');
    return buf_error(out);
}

/* ---- compiling */

static int
matcher_compile(const struct config_matcher *c, struct route_matcher *m,
                struct err *err)
{
    m->name = slice_from_str(c->name);
    m->value = slice_from_str(c->value);
    m->op = c->op;
    if (c->op != CONFIG_RE && c->op != CONFIG_NRE)
        return 0;
    return regex_new(m->value, REGEX_FULL, &m->regex, err);
}

static size_t
count_nodes(const struct config_route *c)
{
    size_t n = 1;
    for (size_t i = 0; i < c->n_routes; i++)
        n += count_nodes(&c->routes[i]);
    return n;
}

/* The tree is as deep as the configuration's YAML may be. */
static int
node_compile(struct routes *rs, const struct config_route *c,
             const struct node *parent, struct node *node, struct err *err)
{
    node->route.config = c;
    node->route.index = (uint32_t)rs->n;
    rs->all[rs->n++] = &node->route;
    node->matchers =
        arena_new_array(&rs->arena, struct route_matcher, c->n_matchers + 1);
    node->children = arena_new_array(&rs->arena, struct node, c->n_routes + 1);
    if (node->matchers == NULL || node->children == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < c->n_matchers; i++) {
        int r = matcher_compile(&c->matchers[i], &node->matchers[i], err);
        if (r < 0)
            return r;
        node->n_matchers++;
    }
    qsort(node->matchers, node->n_matchers, sizeof node->matchers[0],
          matcher_order);
    int r = node_set_key(rs, node, parent);
    for (size_t i = 0; r == 0 && i < c->n_routes; i++) {
        node->n_children++;
        r = node_compile(rs, &c->routes[i], node, &node->children[i], err);
    }
    return r;
}

int
routes_new(const struct config_route *root, struct routes **ret,
           struct err *err)
{
    if (root == NULL)
        root = &nobody;
    AUTO(routes) *rs = mem_new(struct routes);
    if (rs == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    arena_init(&rs->arena, 4096, ROUTES_BYTES_MAX);
    rs->all =
        arena_new_array(&rs->arena, const struct route *, count_nodes(root));
    if (rs->all == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    int r = node_compile(rs, root, NULL, &rs->root, err);
    if (r < 0)
        return err_set(err, r, "the routes can't be compiled: %s",
                       strerror(-r));
    *ret = TAKE(rs);
    return 0;
}

static void
node_fini(struct node *node)
{
    for (size_t i = 0; i < node->n_matchers; i++)
        regex_free(node->matchers[i].regex);
    for (size_t i = 0; i < node->n_children; i++)
        node_fini(&node->children[i]);
}

void
routes_free(struct routes *rs)
{
    if (rs == NULL)
        return;
    node_fini(&rs->root);
    arena_fini(&rs->arena);
    mem_free(rs);
}

size_t
routes_count(const struct routes *rs)
{
    return rs->n;
}

const struct route *
routes_get(const struct routes *rs, size_t index)
{
    return rs->all[index];
}

/* ---- matching */

struct walk {
    const struct label *labels;
    size_t n;
    int (*fn)(void *arg, const struct route *route);
    void *arg;
    int result;
};

static struct slice
label_value(const struct walk *w, struct slice name)
{
    for (size_t i = 0; i < w->n; i++)
        if (slice_eq(w->labels[i].name, name))
            return w->labels[i].value;
    return SLICE("");
}

static bool
matcher_takes(const struct route_matcher *m, struct slice value)
{
    switch (m->op) {
    case CONFIG_EQ:
        return slice_eq(m->value, value);
    case CONFIG_NE:
        return !slice_eq(m->value, value);
    case CONFIG_RE:
        return regex_match(m->regex, value) == MATCH;
    case CONFIG_NRE:
        return regex_match(m->regex, value) == NO_MATCH;
    }
    return false;
}

/* Did this node or one below it take the alert? */
static bool
node_walk(const struct node *node, struct walk *w)
{
    for (size_t i = 0; i < node->n_matchers; i++)
        if (!matcher_takes(&node->matchers[i],
                           label_value(w, node->matchers[i].name)))
            return false;
    bool taken = false;
    for (size_t i = 0; i < node->n_children && w->result == 0; i++) {
        const struct node *child = &node->children[i];
        if (!node_walk(child, w))
            continue;
        taken = true;
        if (!child->route.config->continues)
            break;
    }
    if (!taken && w->result == 0)
        w->result = w->fn(w->arg, &node->route);
    return true;
}

int
routes_match(const struct routes *rs, const struct label *labels, size_t n,
             int (*fn)(void *arg, const struct route *route), void *arg)
{
    struct walk w = {labels, n, fn, arg, 0};
    (void)node_walk(&rs->root, &w);
    return w.result;
}

bool
route_groups_by(const struct route *route, struct slice name)
{
    const struct config_route *c = route->config;
    if (c->group_by_all)
        return true;
    for (size_t i = 0; i < c->n_group_by; i++)
        if (slice_eq_str(name, c->group_by[i]))
            return true;
    return false;
}
