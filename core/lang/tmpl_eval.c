/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_eval.c - the value of a pipeline. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/lang/tmpl_exec.h"

#define VARS_MAX 4096 /* at one time, in one template */

/* --- failures ------------------------------------------------------------ */

bool
texec_fail(struct texec *x, const char *fmt, ...)
{
    if (!x->failed) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(x->error, sizeof x->error, fmt, ap);
        va_end(ap);
        x->failed = true;
    }
    return false;
}

/* Puts more words around the error; cut where they are too many. */
PRINTF_LIKE(2, 3)
static void
wrap_error(struct texec *x, const char *fmt, ...)
{
    AUTO_FINI(buf) b = BUF_INIT(4096);
    va_list ap;
    va_start(ap, fmt);
    (void)buf_vprintf(&b, fmt, ap);
    va_end(ap);
    size_t n = MIN(b.n, sizeof x->error - 1);
    if (n > 0)
        memcpy(x->error, b.p, n);
    x->error[n] = '\0';
}

/* Says where, once: "template: NAME:1:8: executing "NAME" at <.Foo>: why". */
static bool
locate(struct texec *x, const struct tnode *n)
{
    if (x->located)
        return false;
    x->located = true;
    uint32_t line, column;
    query_position(x->t->text, n->span.start, &line, &column);
    struct slice at =
        slice_new(x->t->text.p + n->span.start, n->span.end - n->span.start);
    struct slice name =
        x->def != NULL ? x->def->name : slice_from_str(x->t->name);
    wrap_error(x, "template: %s:%u:%u: executing \"%.*s\" at <%.*s%s>: %s",
               x->t->name, line, column, (int)MIN(name.n, (size_t)64), name.p,
               (int)MIN(at.n, (size_t)60), at.p, at.n > 60 ? "..." : "",
               x->error);
    return false;
}

bool
texec_fail_at(struct texec *x, const struct tnode *n, const char *fmt, ...)
{
    if (!x->failed) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(x->error, sizeof x->error, fmt, ap);
        va_end(ap);
        x->failed = true;
    }
    return locate(x, n);
}

bool
texec_step(struct texec *x, const struct tnode *n)
{
    if (++x->steps > TMPL_STEPS_MAX)
        return texec_fail_at(x, n, "takes more than %d steps", TMPL_STEPS_MAX);
    if (buf_error(x->out) != 0)
        return texec_fail_at(x, n, "output is larger than %d bytes",
                             TMPL_OUTPUT_MAX);
    return true;
}

bool
texec_string(struct texec *x, struct buf *b, struct tval *ret_v)
{
    struct slice s;
    if (buf_error(b) < 0 || arena_slice_dup(&x->arena, buf_slice(b), &s) < 0)
        return texec_fail(x, "text is too large");
    *ret_v = tval_string(s);
    return true;
}

/* --- variables ----------------------------------------------------------- */

bool
texec_push(struct texec *x, const struct tnode *n, struct slice name,
           struct tval v)
{
    if (x->var_count == x->var_cap) {
        uint32_t cap = x->var_cap == 0 ? 32 : 2 * x->var_cap;
        struct texec_var *vars =
            arena_new_array(&x->arena, struct texec_var, cap);
        if (vars == NULL || cap > VARS_MAX)
            return texec_fail_at(x, n, "too many variables");
        if (x->var_count > 0)
            memcpy(vars, x->vars, x->var_count * sizeof *vars);
        x->vars = vars;
        x->var_cap = cap;
    }
    x->vars[x->var_count++] = (struct texec_var){name, v};
    return true;
}

static struct texec_var *
var_find(struct texec *x, struct slice name)
{
    for (uint32_t i = x->var_count; i > 0; i--)
        if (slice_eq(x->vars[i - 1].name, name))
            return &x->vars[i - 1];
    return NULL;
}

/* The i-th variable of a pipeline takes a value. */
bool
texec_set(struct texec *x, const struct tnode *pipe, uint32_t i, struct tval v)
{
    if (!pipe->assigns)
        return texec_push(x, pipe, pipe->names[i], v);
    struct texec_var *var = var_find(x, pipe->names[i]);
    if (var == NULL)
        return texec_fail_at(x, pipe, "undefined variable: %.*s",
                             SLICE_FMT(pipe->names[i]));
    var->v = v;
    return true;
}

/* --- fields -------------------------------------------------------------- */

bool
teval_root(const struct tmpl_data *d, struct slice name, struct tval *ret_v)
{
    if (slice_eq_str(name, "Labels"))
        *ret_v = (struct tval){
            .kind = TV_LABELS, .labels = d->labels, .n = d->label_count};
    else if (slice_eq_str(name, "ExternalLabels"))
        *ret_v = (struct tval){.kind = TV_LABELS,
                               .labels = d->external_labels,
                               .n = d->external_label_count};
    else if (slice_eq_str(name, "ExternalURL"))
        *ret_v = tval_string(d->external_url);
    else if (slice_eq_str(name, "Value"))
        *ret_v = tval_float(d->value);
    else
        return false;
    return true;
}

static bool
sample_field(const struct tmpl_sample *s, struct slice name, struct tval *ret_v)
{
    if (slice_eq_str(name, "Labels"))
        *ret_v = (struct tval){
            .kind = TV_LABELS, .labels = s->labels, .n = s->label_count};
    else if (slice_eq_str(name, "Value"))
        *ret_v = tval_float(s->value);
    else
        return false;
    return true;
}

/* "arg0", "arg1" … of what "args" made. */
static struct tval
args_get(const struct tval *v, struct slice name)
{
    for (size_t i = 0; i < v->n; i++) {
        char key[32];
        snprintf(key, sizeof key, "arg%zu", i);
        if (slice_eq_str(name, key))
            return v->args[i];
    }
    return (struct tval){.kind = TV_NONE};
}

static bool
eval_field(struct texec *x, const struct tnode *n, struct slice name,
           struct tval *v)
{
    const struct tval from = *v;
    switch (from.kind) {
    case TV_ROOT:
        if (teval_root(from.root, name, v))
            return true;
        break;
    case TV_SAMPLE:
        if (sample_field(from.sample, name, v))
            return true;
        break;
    case TV_LABELS:
        *v = tval_string(labels_get(from.labels, from.n, name));
        return true;
    case TV_ARGS:
        *v = args_get(&from, name);
        return true;
    case TV_NIL:
    case TV_NONE:
        return texec_fail_at(x, n, "nil pointer evaluating interface {}.%.*s",
                             (int)MIN(name.n, (size_t)64), name.p);
    default:
        break;
    }
    return texec_fail_at(x, n, "can't evaluate field %.*s in type %s",
                         (int)MIN(name.n, (size_t)64), name.p,
                         tval_type_name(&from));
}

static bool
eval_path(struct texec *x, const struct tnode *n, struct tval *v)
{
    for (uint32_t i = 0; i < n->path_count; i++)
        if (!eval_field(x, n, n->path[i], v))
            return false;
    return true;
}

/* --- operands ------------------------------------------------------------ */

static bool eval_call(struct texec *x, const struct tnode *n,
                      const struct tnode *cmd, struct tval dot,
                      const struct tval *last, struct tval *ret_v);

static bool
eval_operand(struct texec *x, const struct tnode *n, struct tval dot,
             struct tval *ret_v)
{
    if (!texec_step(x, n))
        return false;
    struct texec_var *var;
    switch (n->kind) {
    case TN_DOT:
        *ret_v = dot;
        return true;
    case TN_NIL:
        *ret_v = (struct tval){.kind = TV_NIL};
        return true;
    case TN_BOOL:
        *ret_v = tval_bool(n->b);
        return true;
    case TN_INT:
        *ret_v = tval_int(n->i);
        return true;
    case TN_FLOAT:
        *ret_v = tval_float(n->f);
        return true;
    case TN_STRING:
        *ret_v = tval_string(n->text);
        return true;
    case TN_FIELD:
        *ret_v = dot;
        return eval_path(x, n, ret_v);
    case TN_VARIABLE:
        var = var_find(x, n->text);
        if (var == NULL)
            return texec_fail_at(x, n, "undefined variable: %.*s",
                                 SLICE_FMT(n->text));
        *ret_v = var->v;
        return eval_path(x, n, ret_v);
    case TN_CHAIN:
        return teval_pipe(x, n->pipe, dot, ret_v) && eval_path(x, n, ret_v);
    default:
        if (!eval_call(x, n, n, dot, NULL, ret_v))
            return false;
        return eval_path(x, n, ret_v);
    }
}

/* --- calls --------------------------------------------------------------- */

static bool
check_arg(struct texec *x, const struct tnode *n, char letter,
          const struct tval *v)
{
    static const struct {
        char letter;
        enum tv kind;
        const char *name;
    } types[] = {{'s', TV_STRING, "string"},
                 {'l', TV_SAMPLES, "template.queryResult"},
                 {'p', TV_SAMPLE, "*template.sample"},
                 {'t', TV_TIME, "time.Time"}};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (types[i].letter != letter || types[i].kind == v->kind)
            continue;
        if (n->kind >= TN_BOOL && n->kind <= TN_STRING)
            return texec_fail_at(x, n, "expected %s; found %.*s", types[i].name,
                                 (int)MIN(n->span.end - n->span.start, 64u),
                                 x->t->text.p + n->span.start);
        if (v->kind == TV_NONE || v->kind == TV_NIL)
            return texec_fail_at(x, n, "invalid value; expected %s",
                                 types[i].name);
        return texec_fail_at(x, n, "wrong type for value; expected %s; got %s",
                             types[i].name, tval_type_name(v));
    }
    return true;
}

/* "and" and "or" look at no more than they need. */
static bool
eval_short(struct texec *x, const struct tnode *n, const struct tnode *args,
           struct tval dot, const struct tval *last, struct tval *ret_v)
{
    const bool is_or = n->func->name[0] == 'o';
    for (const struct tnode *a = args; a != NULL; a = a->next) {
        if (!eval_operand(x, a, dot, ret_v))
            return false;
        if (tval_truth(ret_v) == is_or)
            return true;
    }
    if (last != NULL)
        *ret_v = *last;
    return true;
}

static bool
check_arg_count(struct texec *x, const struct tnode *n, size_t got)
{
    const char *args = n->func->args;
    size_t want = strlen(args);
    bool any = want > 0 && args[want - 1] == '*';
    if (any)
        want -= 2;
    if (any ? got >= want : got == want)
        return true;
    return texec_fail_at(x, n,
                         "wrong number of args for %s: want %s%zu got %zu",
                         n->func->name, any ? "at least " : "", want, got);
}

static bool
eval_args(struct texec *x, const struct tnode *n, const struct tnode *args,
          struct tval dot, const struct tval *last, struct tval *vals)
{
    const char *letters = n->func->args;
    const struct tnode *at = n;
    size_t i = 0;
    for (const struct tnode *a = args; a != NULL || last != NULL; i++) {
        if (a != NULL) {
            if (!eval_operand(x, a, dot, &vals[i]))
                return false;
            at = a;
            a = a->next;
        } else {
            vals[i] = *last;
            at = n;
            last = NULL;
        }
        if (!check_arg(x, at, *letters, &vals[i]))
            return false;
        if (letters[0] != '\0' && letters[1] != '*')
            letters++;
    }
    return true;
}

/* 'cmd' is the command whose first word the function is, or the function
 * itself where it stands without arguments. */
static bool
eval_call(struct texec *x, const struct tnode *n, const struct tnode *cmd,
          struct tval dot, const struct tval *last, struct tval *ret_v)
{
    const struct tnode *args = cmd == n ? NULL : n->next;
    size_t count = last != NULL;
    for (const struct tnode *a = args; a != NULL; a = a->next)
        count++;
    if (!check_arg_count(x, n, count))
        return false;
    if (strcmp(n->func->name, "and") == 0 || strcmp(n->func->name, "or") == 0)
        return eval_short(x, n, args, dot, last, ret_v);
    struct tval *vals = arena_new_array(&x->arena, struct tval, count);
    if (vals == NULL)
        return texec_fail_at(x, n, "needs more than %d bytes", TMPL_MEMORY_MAX);
    if (!eval_args(x, n, args, dot, last, vals))
        return false;
    if (n->func->call(x, vals, count, ret_v))
        return true;
    if (!x->located)
        wrap_error(x, "error calling %s: %s", n->func->name, x->error);
    return locate(x, cmd);
}

/* One command; 'last' is what the command before it gave, or NULL. */
static bool
eval_command(struct texec *x, const struct tnode *cmd, struct tval dot,
             const struct tval *last, struct tval *ret_v)
{
    const struct tnode *first = cmd->body;
    if (first->kind == TN_IDENT && first->path_count == 0)
        return eval_call(x, first, cmd, dot, last, ret_v);
    if (first->kind == TN_NIL)
        return texec_fail_at(x, first, "nil is not a command");
    if (first->next == NULL && last == NULL)
        return eval_operand(x, first, dot, ret_v);
    if (first->kind == TN_FIELD && first->path_count == 1)
        return texec_fail_at(
            x, first, "%.*s has arguments but cannot be invoked as function",
            SLICE_FMT(first->path[0]));
    if ((first->kind == TN_FIELD || first->kind == TN_VARIABLE ||
         first->kind == TN_CHAIN) &&
        first->path_count > 0)
        return texec_fail_at(x, first, "%.*s is not a method but has arguments",
                             SLICE_FMT(first->path[first->path_count - 1]));
    return texec_fail_at(x, first, "can't give argument to non-function %.*s",
                         (int)MIN(first->span.end - first->span.start, 64u),
                         x->t->text.p + first->span.start);
}

/* The value of a pipeline, without setting its variables. */
bool
teval_commands(struct texec *x, const struct tnode *pipe, struct tval dot,
               struct tval *ret_v)
{
    struct tval v, last;
    bool first = true;
    for (const struct tnode *cmd = pipe->body; cmd; cmd = cmd->next) {
        if (!texec_step(x, cmd) ||
            !eval_command(x, cmd, dot, first ? NULL : &last, &v))
            return false;
        last = v;
        first = false;
    }
    *ret_v = last;
    return true;
}

bool
teval_pipe(struct texec *x, const struct tnode *pipe, struct tval dot,
           struct tval *ret_v)
{
    if (!teval_commands(x, pipe, dot, ret_v))
        return false;
    for (uint32_t i = 0; i < pipe->name_count; i++)
        if (!texec_set(x, pipe, i, *ret_v))
            return false;
    return true;
}
