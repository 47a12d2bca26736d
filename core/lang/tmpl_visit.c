/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_visit.c - what a template asks for: queries and labels. */
#include "config.h"

#include <string.h>

#include "core/lang/tmpl.h"

/* --- queries in it ------------------------------------------------------- */

static void
visit(const struct tnode *list, tmpl_query_visit_fn fn, void *ctx)
{
    for (const struct tnode *n = list; n != NULL; n = n->next) {
        const struct tnode *arg = n->next;
        if (n->kind == TN_IDENT && strcmp(n->func->name, "query") == 0 &&
            arg != NULL && arg->kind == TN_STRING)
            fn(ctx, arg->text, arg->span);
        visit(n->pipe, fn, ctx);
        visit(n->body, fn, ctx);
        visit(n->orelse, fn, ctx);
    }
}

void
tmpl_visit_queries(const struct tmpl *t, tmpl_query_visit_fn fn, void *ctx)
{
    visit(t->body, fn, ctx);
    for (const struct tmpl_def *d = t->defs; d != NULL; d = d->next)
        visit(d->body, fn, ctx);
}

/* --- labels in it -------------------------------------------------------- */

struct label_visit {
    const struct tmpl *t;
    tmpl_label_visit_fn fn;
    void *ctx;
};

/* The label of "$labels.name"; empty where it is none. */
static struct slice
label_of(const struct tnode *n)
{
    return n->kind == TN_VARIABLE && slice_eq_str(n->text, "$labels") &&
                   n->path_count == 1
               ? n->path[0]
               : SLICE("");
}

static bool
list_names(const struct tnode *list, struct slice label)
{
    for (const struct tnode *n = list; n != NULL; n = n->next) {
        if (slice_eq(label_of(n), label) || list_names(n->pipe, label) ||
            list_names(n->body, label))
            return true;
    }
    return false;
}

/* Does some if or with look at the label? */
static bool
is_asked(const struct tnode *list, struct slice label)
{
    for (const struct tnode *n = list; n != NULL; n = n->next) {
        if (n->kind == TN_IF || n->kind == TN_WITH)
            if (list_names(n->pipe, label))
                return true;
        if (is_asked(n->body, label) || is_asked(n->orelse, label))
            return true;
    }
    return false;
}

static void
visit_labels(const struct label_visit *v, const struct tnode *list)
{
    for (const struct tnode *n = list; n != NULL; n = n->next) {
        struct slice label = label_of(n);
        if (label.n > 0 && !is_asked(v->t->body, label))
            v->fn(v->ctx, label);
        visit_labels(v, n->pipe);
        visit_labels(v, n->body);
        visit_labels(v, n->orelse);
    }
}

void
tmpl_visit_labels(const struct tmpl *t, tmpl_label_visit_fn fn, void *ctx)
{
    struct label_visit v = {t, fn, ctx};
    visit_labels(&v, t->body);
}
