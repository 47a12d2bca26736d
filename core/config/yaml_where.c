/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_where.c - from a byte of a scalar's value back to its place in the
 * file.
 *
 * The source is walked beside the value: an escape gives one to four bytes, a
 * folded line break a space or newlines, indentation nothing. */
#include "config.h"

#include "core/config/yaml_priv.h"

#include "core/base/str.h"

struct walk {
    struct slice text;
    struct slice value;
    size_t i, end; /* in the text */
    size_t v;      /* in the value */
};

static bool
is_break(char c)
{
    return c == '\n' || c == '\r';
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || is_break(c);
}

/* If a line ends here, steps over the break with the spaces around it: one
 * newline stands for a space, more for one newline less. */
static bool
walk_fold(struct walk *w)
{
    size_t i = w->i, newlines = 0;
    while (i < w->end && is_space(w->text.p[i]))
        newlines += w->text.p[i++] == '\n';
    if (newlines == 0)
        return false;
    w->i = i;
    w->v += newlines == 1 ? 1 : newlines - 1;
    return true;
}

/* A backslash in double quotes: how long it is, and how long what it gives. */
static void
walk_escape(struct walk *w)
{
    char c = w->i + 1 < w->end ? w->text.p[w->i + 1] : 0;
    if (is_break(c)) { /* joins two lines */
        w->i++;
        while (w->i < w->end && is_space(w->text.p[w->i]))
            w->i++;
        return;
    }
    size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    uint32_t cp;
    int n = utf8_decode(slice_skip(w->value, w->v), &cp);
    w->i += 2 + digits;
    w->v += n < 1 ? 1 : (size_t)n;
}

static void
walk_flow(struct walk *w, enum yaml_style style, size_t offset)
{
    if (style != YAML_PLAIN)
        w->i++; /* the quote */
    while (w->v < offset && w->i < w->end) {
        char c = w->text.p[w->i];
        if (is_space(c) && walk_fold(w))
            continue;
        if (style == YAML_DOUBLE_QUOTED && c == '\\') {
            walk_escape(w);
            continue;
        }
        w->i += style == YAML_SINGLE_QUOTED && c == '\'' ? 2 : 1;
        w->v++;
    }
}

/* Spaces before the first line that has anything else. */
static size_t
first_indent(struct slice text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (is_break(text.p[i]))
            n = 0;
        else if (text.p[i] == ' ')
            n++;
        else
            break;
    }
    return n;
}

static void
skip_indent(struct walk *w, size_t indent)
{
    while (indent-- > 0 && w->i < w->end && w->text.p[w->i] == ' ')
        w->i++;
}

static void
walk_block(struct walk *w, enum yaml_style style, size_t offset)
{
    while (w->i < w->end && w->text.p[w->i] != '\n')
        w->i++; /* "|" and what stands beside it */
    w->i += w->i < w->end;
    size_t in_text = first_indent(slice_new(w->text.p + w->i, w->end - w->i));
    size_t in_value = first_indent(w->value);
    size_t indent = in_text > in_value ? in_text - in_value : 0;
    skip_indent(w, indent);
    while (w->v < offset && w->i < w->end) {
        char c = w->text.p[w->i];
        char is = w->value.p[w->v];
        w->i++;
        if (c == '\r' && is != '\r')
            continue;
        if (c != '\n') {
            w->v++;
            continue;
        }
        w->v += style == YAML_LITERAL || is == ' ' || is == '\n';
        skip_indent(w, indent);
    }
}

/* The byte in the text. */
static size_t
locate(const struct yaml_node *scalar, size_t offset)
{
    struct walk w = {.text = scalar->doc->text,
                     .value = scalar->value,
                     .i = scalar->start,
                     .end = scalar->end};
    offset = MIN(offset, scalar->value.n);
    if (scalar->style == YAML_LITERAL || scalar->style == YAML_FOLDED)
        walk_block(&w, scalar->style, offset);
    else
        walk_flow(&w, scalar->style, offset);
    return w.i;
}

struct where
yaml_where(const struct yaml_node *node)
{
    struct where w = {
        .file = node->doc->path, .line = node->line, .column = node->column};
    if (node->kind == YAML_SCALAR && node->line == node->end_line)
        w.end_column = node->end_column;
    return w;
}

struct where
yaml_where_at(const struct yaml_node *scalar, size_t offset, size_t n)
{
    struct where w = yaml_where(scalar);
    if (scalar->kind != YAML_SCALAR || scalar->secret ||
        scalar->start >= scalar->end)
        return w;
    struct slice text = scalar->doc->text;
    size_t from = locate(scalar, offset);
    size_t to = n == 0 ? from : locate(scalar, offset + n - 1) + 1;
    size_t line_start = scalar->start;
    while (line_start > 0 && text.p[line_start - 1] != '\n')
        line_start--;
    for (size_t i = scalar->start; i < from; i++)
        if (text.p[i] == '\n') {
            w.line++;
            line_start = i + 1;
        }
    struct slice line = yaml_line_at(text, line_start);
    w.column = err_column(line, from - line_start);
    w.end_column = err_column(line, MIN(to - line_start, line.n));
    if (w.end_column <= w.column)
        w.end_column = 0;
    return w;
}

void
yaml_skip_properties(struct yaml_node *node, struct slice text)
{
    size_t line_start = node->start, i = node->start;
    uint32_t column = node->column;
    while (i < node->end && (text.p[i] == '&' || text.p[i] == '!')) {
        while (i < node->end && strchr(" \t\r\n", text.p[i]) == NULL)
            i++;
        while (i < node->end && strchr(" \t\r\n#", text.p[i]) != NULL) {
            if (text.p[i] == '#')
                while (i < node->end && text.p[i] != '\n')
                    i++;
            if (i < node->end && text.p[i++] == '\n') {
                node->line++;
                line_start = i;
                column = 1;
            }
        }
    }
    struct slice before = slice_new(text.p + line_start, i - line_start);
    node->column = column + (uint32_t)utf8_count(before);
    node->start = (uint32_t)i;
}
