/* SPDX-License-Identifier: Apache-2.0 */
/* print_selector.c - selectors, pipelines and durations as canonical text. */
#include "config.h"

#include "core/base/duration.h"
#include "core/base/str.h"
#include "core/lang/lexer.h"
#include "core/lang/matcher.h"
#include "core/lang/print.h"

static void
put(struct buf *b, const char *s)
{
    (void)buf_append_str(b, s);
}

static void
put_slice(struct buf *b, struct slice s)
{
    (void)buf_append_slice(b, s);
}

void
print_number(struct buf *b, double v)
{
    char text[STR_DOUBLE_MAX];
    str_format_double(v, STR_DOUBLE_GO_G, text);
    put(b, text[0] == '+' ? text + 1 : text);
}

/* Is the whole text one word of a kind that 'fits'? */
static bool
is_word(struct slice s, bool (*fits)(enum tok type))
{
    struct lexer lx;
    struct token t;
    lexer_init(&lx, s);
    lexer_next(&lx, &t);
    return s.n > 0 && t.span.start == 0 && t.span.end == s.n && fits(t.type);
}

static bool
fits_label(enum tok type)
{
    return tok_is_label(type) && type != TOK_METRIC_IDENT;
}

void
print_label(struct buf *b, struct slice name)
{
    if (is_word(name, fits_label))
        put_slice(b, name);
    else
        literal_quote(b, name);
}

/* --- durations ----------------------------------------------------------- */

/* "5m"; "0.000150" (seconds) below the millisecond. */
static void
print_usec(struct buf *b, usec_t us)
{
    char text[DURATION_STR_MAX];
    if (us % USEC_PER_MSEC == 0) {
        duration_format(us, text);
        put(b, text);
        return;
    }
    const char *sign = us < 0 ? "-" : "";
    us = us < 0 ? -us : us;
    (void)buf_printf(b, "%s%lld.%06lld", sign, (long long)(us / USEC_PER_SEC),
                     (long long)(us % USEC_PER_SEC));
}

void
print_duration(struct buf *b, const struct lang_duration *d)
{
    if (d->expr != NULL)
        print_expr(b, d->expr);
    else
        print_usec(b, d->us);
}

void
print_modifiers(struct buf *b, const struct modifiers *m)
{
    if (m->at == AT_START || m->at == AT_END)
        put(b, m->at == AT_START ? " @ start()" : " @ end()");
    if (m->at == AT_TIME) {
        usec_t ms = m->at_us / USEC_PER_MSEC;
        (void)buf_printf(b, " @ %s%lld.%03lld", ms < 0 ? "-" : "",
                         (long long)((ms < 0 ? -ms : ms) / 1000),
                         (long long)((ms < 0 ? -ms : ms) % 1000));
    }
    if (m->offset.us == 0 && m->offset.expr == NULL)
        return;
    put(b, " offset ");
    bool parens = m->offset.expr != NULL &&
                  expr_unparen(m->offset.expr)->kind != EXPR_CALL;
    put(b, parens ? "(" : "");
    print_duration(b, &m->offset);
    put(b, parens ? ")" : "");
}

/* --- pipelines ----------------------------------------------------------- */

static void
print_matcher(struct buf *b, const struct matcher *m)
{
    print_label(b, m->name);
    put(b, matcher_op_name(m->op));
    literal_quote(b, m->value);
}

static void
print_quantity(struct buf *b, const struct pipe_filter *f)
{
    char text[STR_DOUBLE_MAX];
    str_format_double(f->number, STR_DOUBLE_F, text);
    put(b, text);
    put(b, f->kind == FILTER_DURATION ? "s" : "B");
}

static void print_filter(struct buf *b, const struct pipe_filter *f);

static void
print_side(struct buf *b, const struct pipe_filter *f, bool parens)
{
    put(b, parens ? "(" : "");
    print_filter(b, f);
    put(b, parens ? ")" : "");
}

static void
print_filter(struct buf *b, const struct pipe_filter *f)
{
    switch (f->kind) {
    case FILTER_AND:
        print_side(b, f->left, f->left->kind == FILTER_OR);
        put(b, " and ");
        print_side(b, f->right, f->right->kind <= FILTER_OR);
        return;
    case FILTER_OR:
        print_side(b, f->left, false);
        put(b, " or ");
        print_side(b, f->right, f->right->kind == FILTER_OR);
        return;
    case FILTER_STRING:
        print_matcher(b, &f->matcher);
        return;
    default:
        break;
    }
    put_slice(b, f->matcher.name);
    if (f->kind == FILTER_IP) {
        put(b, f->op == CMP_EQ ? "=ip(" : "!=ip(");
        literal_quote(b, f->matcher.value);
        put(b, ")");
        return;
    }
    (void)buf_printf(b, " %s ", compare_op_name(f->op));
    if (f->kind == FILTER_NUMBER)
        print_number(b, f->number);
    else
        print_quantity(b, f);
}

static void
print_line_filter(struct buf *b, const struct line_filter *l)
{
    (void)buf_printf(b, " %s ", line_op_name(l->op));
    for (uint32_t i = 0; i < l->count; i++) {
        put(b, i > 0 ? " or " : "");
        put(b, l->texts[i].is_ip ? "ip(" : "");
        literal_quote(b, l->texts[i].text);
        put(b, l->texts[i].is_ip ? ")" : "");
    }
}

static void
print_item(struct buf *b, const struct pipe_item *item)
{
    if (item->matcher != NULL) {
        print_matcher(b, item->matcher);
        return;
    }
    put_slice(b, item->name);
    if (item->source.n == 0 && !item->is_template)
        return;
    put(b, "=");
    /* A label by its name, a path or template as a text. */
    if (item->is_template || !item->is_label)
        literal_quote(b, item->source);
    else
        put_slice(b, item->source);
}

static void
print_unwrap(struct buf *b, const struct pipe_stage *st)
{
    static const char *const open[] = {"", "duration(", "bytes("};
    put(b, " ");
    put(b, open[st->as]);
    put_slice(b, st->name);
    put(b, st->as == UNWRAP_NUMBER ? "" : ")");
}

static void
print_stage(struct buf *b, const struct pipe_stage *st)
{
    if (st->kind == STAGE_LINE_FILTER) {
        print_line_filter(b, &st->line);
        return;
    }
    put(b, " | ");
    if (st->kind == STAGE_FILTER) {
        print_filter(b, st->filter);
        return;
    }
    put(b, stage_kind_name(st->kind));
    put(b, st->strict ? " --strict" : "");
    put(b, st->keep_empty ? " --keep-empty" : "");
    for (uint32_t i = 0; i < st->item_count; i++) {
        put(b, i > 0 ? ", " : " ");
        print_item(b, &st->items[i]);
    }
    if (st->kind == STAGE_UNWRAP)
        print_unwrap(b, st);
    if (st->kind == STAGE_REGEXP || st->kind == STAGE_PATTERN ||
        st->kind == STAGE_LINE_FORMAT) {
        put(b, " ");
        literal_quote(b, st->text);
    }
}

/* --- selectors ----------------------------------------------------------- */

void
print_selector(struct buf *b, const struct selector *sel)
{
    bool outside = is_word(sel->name, tok_is_metric), named = false;
    const char *sep = "{";
    if (outside)
        put_slice(b, sel->name);
    for (uint32_t i = 0; i < sel->matcher_count; i++) {
        const struct matcher *m = &sel->matchers[i];
        bool is_name = m->op == MATCHER_EQ && m->value.n > 0 && !named &&
                       slice_eq_str(m->name, "__name__");
        named |= is_name;
        if (is_name && outside)
            continue;
        put(b, sep);
        sep = ",";
        print_matcher(b, m);
    }
    if (*sep == ',')
        put(b, "}");
    else if (!outside)
        put(b, "{}");
    for (const struct pipe_stage *st = sel->pipeline; st; st = st->next)
        print_stage(b, st);
    if (sel->range.present) {
        put(b, sel->pipeline != NULL ? " [" : "[");
        print_duration(b, &sel->range);
        put(b, "]");
    }
    if (sel->extend != EXTEND_NONE)
        put(b, sel->extend == EXTEND_ANCHORED ? " anchored" : " smoothed");
    print_modifiers(b, &sel->mod);
}
