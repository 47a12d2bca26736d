/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_exec.c - expands a template: walks its tree, as Go does. */
#include "config.h"

#include <errno.h>

#include "core/base/mem.h"
#include "core/lang/tmpl_exec.h"

/* How a list of statements ended. */
enum flow { FLOW_FAIL, FLOW_GO_ON, FLOW_BREAK, FLOW_CONTINUE };

static enum flow exec_list(struct texec *x, const struct tnode *list,
                           struct tval dot);

/* --- statements ---------------------------------------------------------- */

static enum flow
exec_branch(struct texec *x, const struct tnode *n, struct tval dot)
{
    const uint32_t vars = x->var_count;
    struct tval v;
    if (!teval_pipe(x, n->pipe, dot, &v))
        return FLOW_FAIL;
    bool truth = tval_truth(&v);
    enum flow f = exec_list(x, truth ? n->body : n->orelse,
                            truth && n->kind == TN_WITH ? v : dot);
    x->var_count = vars;
    return f;
}

/* What a range goes over: the i-th key and value; false past the end. */
static bool
range_item(const struct tval *v, size_t i, struct tval *ret_key,
           struct tval *ret_v)
{
    if (v->kind == TV_INT) {
        *ret_key = *ret_v = tval_int((int64_t)i);
        return (int64_t)i < v->i;
    }
    if (i >= v->n)
        return false;
    *ret_key = tval_int((int64_t)i);
    if (v->kind == TV_SAMPLES) {
        *ret_v = (struct tval){.kind = TV_SAMPLE, .sample = &v->samples[i]};
    } else if (v->kind == TV_LABELS) {
        *ret_key = tval_string(v->labels[i].name);
        *ret_v = tval_string(v->labels[i].value);
    } else {
        *ret_v = v->args[i];
    }
    return true;
}

/* Keys of "args" are texts too. */
static bool
args_key(struct texec *x, size_t i, struct tval *ret_key)
{
    const char *key = arena_printf(&x->arena, "arg%zu", i);
    if (key == NULL)
        return false;
    *ret_key = tval_string(slice_from_str(key));
    return true;
}

static enum flow
exec_item(struct texec *x, const struct tnode *n, struct tval key,
          struct tval v)
{
    const uint32_t vars = x->var_count;
    const struct tnode *pipe = n->pipe;
    bool ok = true;
    if (pipe->name_count == 1)
        ok = texec_set(x, pipe, 0, v);
    else if (pipe->name_count == 2)
        ok = texec_set(x, pipe, 0, key) && texec_set(x, pipe, 1, v);
    enum flow f = ok ? exec_list(x, n->body, v) : FLOW_FAIL;
    x->var_count = vars;
    return f;
}

static enum flow
exec_range(struct texec *x, const struct tnode *n, struct tval dot)
{
    const uint32_t vars = x->var_count;
    struct tval v, key, item;
    enum flow f = FLOW_GO_ON;
    if (!teval_commands(x, n->pipe, dot, &v))
        return FLOW_FAIL;
    if (v.kind == TV_LABELS)
        v.labels = tval_sorted(&x->arena, &v);
    bool iterable = v.kind == TV_INT || v.kind == TV_SAMPLES ||
                    v.kind == TV_ARGS ||
                    (v.kind == TV_LABELS && v.labels != NULL);
    if (v.kind == TV_INT && n->pipe->name_count > 1) {
        (void)texec_fail_at(
            x, n->pipe, "can't use %lld to iterate over more than one variable",
            (long long)v.i);
        return FLOW_FAIL;
    }
    bool empty = v.kind == TV_NONE || v.kind == TV_NIL ||
                 (iterable && !range_item(&v, 0, &key, &item));
    if (!iterable && !empty) {
        AUTO_FINI(buf) text = BUF_INIT(256);
        tval_print(&text, &v);
        (void)texec_fail_at(x, n->pipe, "range can't iterate over %s",
                            buf_str(&text));
        return FLOW_FAIL;
    }
    if (empty) {
        f = exec_list(x, n->orelse, dot);
        x->var_count = vars;
        return f;
    }
    for (size_t i = 0; range_item(&v, i, &key, &item); i++) {
        if (!texec_step(x, n) || (v.kind == TV_ARGS && !args_key(x, i, &key)))
            return FLOW_FAIL;
        f = exec_item(x, n, key, item);
        if (f == FLOW_FAIL || f == FLOW_BREAK)
            break;
    }
    x->var_count = vars;
    return f == FLOW_FAIL ? FLOW_FAIL : FLOW_GO_ON;
}

static enum flow
exec_template(struct texec *x, const struct tnode *n, struct tval dot)
{
    const struct tmpl_def *def = x->t->defs;
    while (def != NULL && !slice_eq(def->name, n->text))
        def = def->next;
    if (def == NULL) {
        (void)texec_fail_at(x, n, "template \"%.*s\" not defined",
                            SLICE_FMT(n->text));
        return FLOW_FAIL;
    }
    if (x->depth == TMPL_DEPTH_MAX) {
        (void)texec_fail_at(x, n, "exceeded maximum template depth (%d)",
                            TMPL_DEPTH_MAX);
        return FLOW_FAIL;
    }
    struct tval v = {.kind = TV_NONE};
    if (n->pipe != NULL && !teval_pipe(x, n->pipe, dot, &v))
        return FLOW_FAIL;
    /* Only "$" is seen inside; names are looked up from the newest. */
    struct texec_var *outer = x->vars;
    const uint32_t count = x->var_count, cap = x->var_cap;
    const struct tmpl_def *outer_def = x->def;
    x->vars = NULL;
    x->var_count = x->var_cap = 0;
    x->def = def;
    x->depth++;
    enum flow f = FLOW_FAIL;
    if (texec_push(x, n, SLICE("$"), v))
        f = exec_list(x, def->body, v);
    x->depth--;
    x->def = outer_def;
    x->vars = outer;
    x->var_count = count;
    x->var_cap = cap;
    return f;
}

static enum flow
exec_action(struct texec *x, const struct tnode *n, struct tval dot)
{
    struct tval v;
    if (!teval_pipe(x, n->pipe, dot, &v))
        return FLOW_FAIL;
    if (n->pipe->name_count == 0)
        tval_print(x->out, &v);
    return FLOW_GO_ON;
}

static enum flow
exec_node(struct texec *x, const struct tnode *n, struct tval dot)
{
    switch (n->kind) {
    case TN_TEXT:
        (void)buf_append_slice(x->out, n->text);
        return FLOW_GO_ON;
    case TN_ACTION:
        return exec_action(x, n, dot);
    case TN_IF:
    case TN_WITH:
        return exec_branch(x, n, dot);
    case TN_RANGE:
        return exec_range(x, n, dot);
    case TN_TEMPLATE:
        return exec_template(x, n, dot);
    default:
        return n->kind == TN_BREAK ? FLOW_BREAK : FLOW_CONTINUE;
    }
}

static enum flow
exec_list(struct texec *x, const struct tnode *list, struct tval dot)
{
    for (const struct tnode *n = list; n != NULL; n = n->next) {
        if (!texec_step(x, n))
            return FLOW_FAIL;
        enum flow f = exec_node(x, n, dot);
        if (f != FLOW_GO_ON)
            return f;
    }
    return FLOW_GO_ON;
}

/* --- templates ----------------------------------------------------------- */

static bool
predefine(struct texec *x, struct tval root)
{
    static const struct {
        struct slice name;
        const char *field;
    } vars[] = {{SLICE_INIT("$labels"), "Labels"},
                {SLICE_INIT("$externalLabels"), "ExternalLabels"},
                {SLICE_INIT("$externalURL"), "ExternalURL"},
                {SLICE_INIT("$value"), "Value"}};
    if (!texec_push(x, x->t->body, SLICE("$"), root))
        return false;
    if (x->t->is_line)
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(vars); i++) {
        struct tval v;
        (void)teval_root(x->data, slice_from_str(vars[i].field), &v);
        if (!texec_push(x, x->t->body, vars[i].name, v))
            return false;
    }
    return true;
}

static bool
execute(struct texec *x)
{
    struct tval root = {.kind = TV_ROOT, .root = x->data};
    if (x->t->is_line)
        root = (struct tval){.kind = TV_LABELS,
                             .labels = x->data->labels,
                             .n = x->data->label_count};
    if (x->t->body == NULL)
        return true;
    return predefine(x, root) && exec_list(x, x->t->body, root) != FLOW_FAIL &&
           texec_step(x, x->t->body);
}

int
tmpl_expand(const struct tmpl *t, const struct tmpl_data *data, struct buf *out,
            struct err *err)
{
    AUTO_FINI(buf) text = BUF_INIT(TMPL_OUTPUT_MAX);
    struct texec *x = mem_new(struct texec);
    if (x == NULL)
        return err_set(err, -ENOMEM, "out of memory for a template");
    x->t = t;
    x->data = data;
    x->out = &text;
    arena_init(&x->arena, 4096, TMPL_MEMORY_MAX);
    bool ok = execute(x);
    int r = ok ? 0 : -EINVAL;
    if (ok) {
        int appended = buf_append_slice(out, buf_slice(&text));
        r = appended < 0 ? appended : 0;
    } else {
        (void)err_set(err, -EINVAL, "error executing template %s: %s", t->name,
                      x->error);
        int appended = buf_printf(
            out, "<error expanding template: error executing template %s: %s>",
            t->name, x->error);
        r = appended < 0 ? appended : r;
    }
    arena_fini(&x->arena);
    mem_free(x);
    return r;
}
