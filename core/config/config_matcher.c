/* SPDX-License-Identifier: Apache-2.0 */
/* config_matcher.c - matchers of routes, as Alertmanager reads them:
 *
 *     severity="page"   hub=~"eu-.*"   {site!=lyon, team="iot"}
 *
 * Values may stand without quotes up to a comma or brace. */
#include "config.h"

#include <errno.h>

#include "core/config/config_priv.h"

#include "core/base/buf.h"
#include "core/base/regex.h"
#include "core/base/str.h"

struct reader {
    struct config_build *b;
    const struct yaml_node *node;
    struct slice text;
    size_t pos;
};

PRINTF_LIKE(4, 5)
static int
fail(struct reader *rd, size_t at, size_t n, const char *fmt, ...)
{
    struct where w = yaml_where_at(rd->node, at, n);
    va_list ap;
    va_start(ap, fmt);
    errlist_vadd(rd->b->errs, SEVERITY_ERROR, &w, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

static char
peek(const struct reader *rd)
{
    return rd->pos < rd->text.n ? rd->text.p[rd->pos] : 0;
}

static void
skip_space(struct reader *rd)
{
    while (peek(rd) != 0 && strchr(" \t\r\n", peek(rd)) != NULL)
        rd->pos++;
}

/* Text in double quotes, with Go's short escapes. */
static int
read_quoted(struct reader *rd, struct buf *out)
{
    size_t start = rd->pos++;
    for (;;) {
        char c = peek(rd);
        if (c == 0)
            return fail(rd, start, 1, "this quote has no end");
        rd->pos++;
        if (c == '"')
            return 0;
        if (c == '\\') {
            static const char from[] = "\\\"ntr", to[] = "\\\"\n\t\r";
            const char *p = peek(rd) == 0 ? NULL : strchr(from, peek(rd));
            if (p != NULL) {
                c = to[p - from];
                rd->pos++;
            } /* else it is itself: "\d" in a regular expression */
        }
        int r = buf_putc(out, c);
        if (r < 0)
            return r;
    }
}

static int
read_bare(struct reader *rd, struct buf *out)
{
    size_t start = rd->pos;
    if (peek(rd) == '=' || peek(rd) == '~')
        return fail(rd, start, 1, "expected a value here");
    while (peek(rd) != 0 && strchr(",{}\"", peek(rd)) == NULL)
        rd->pos++;
    size_t end = rd->pos;
    while (end > start && strchr(" \t\r\n", rd->text.p[end - 1]) != NULL)
        end--;
    if (peek(rd) == '"')
        return fail(rd, rd->pos, 1, "a quote inside of a value");
    return buf_append(out, rd->text.p + start, end - start);
}

static int
read_name(struct reader *rd, struct buf *out)
{
    size_t start = rd->pos;
    if (peek(rd) == '"')
        return read_quoted(rd, out);
    while (peek(rd) != 0 && strchr(" \t\r\n=!~,{}\"", peek(rd)) == NULL)
        rd->pos++;
    struct slice name = slice_new(rd->text.p + start, rd->pos - start);
    if (name.n == 0)
        return fail(rd, start, 1, "expected the name of a label");
    return buf_append_slice(out, name);
}

static int
read_op(struct reader *rd, enum config_match *ret)
{
    static const struct {
        struct slice text;
        enum config_match op;
    } ops[] = {{SLICE_INIT("=~"), CONFIG_RE},
               {SLICE_INIT("!~"), CONFIG_NRE},
               {SLICE_INIT("!="), CONFIG_NE},
               {SLICE_INIT("="), CONFIG_EQ}};
    struct slice rest = slice_skip(rd->text, rd->pos);
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
        if (slice_starts_with(rest, ops[i].text)) {
            rd->pos += ops[i].text.n;
            *ret = ops[i].op;
            return 0;
        }
    int r = fail(rd, rd->pos, 1, "expected =, !=, =~ or !~ here");
    errlist_hint(rd->b->errs, "write a matcher as severity=\"page\"");
    return r;
}

void
config_check_matcher(struct config_build *b, const struct yaml_node *node,
                     size_t offset, const struct config_matcher *m)
{
    if ((m->op != CONFIG_RE && m->op != CONFIG_NRE) || node->pending)
        return;
    struct err err = ERR_INIT;
    AUTO(regex) *re = NULL;
    if (regex_new(slice_from_str(m->value), REGEX_FULL, &re, &err) == 0)
        return;
    struct where w = yaml_where_at(node, offset, strlen(m->value));
    errlist_error(b->errs, &w, "bad regular expression: %s", err.message);
    if (err.hint[0] != 0)
        errlist_hint(b->errs, "%s", err.hint);
}

/* -EINVAL: told, and the rest of the text can't be read. */
static int
read_matcher(struct reader *rd, struct config_matcher *m)
{
    AUTO_FINI(buf) name = BUF_INIT(YAML_SCALAR_MAX);
    AUTO_FINI(buf) value = BUF_INIT(YAML_SCALAR_MAX);
    int r = read_name(rd, &name);
    skip_space(rd);
    if (r == 0)
        r = read_op(rd, &m->op);
    skip_space(rd);
    size_t at = rd->pos + (peek(rd) == '"');
    if (r == 0)
        r = peek(rd) == '"' ? read_quoted(rd, &value) : read_bare(rd, &value);
    if (r < 0)
        return r;
    m->name = arena_strdup(&rd->b->cfg->arena, buf_str(&name));
    m->value = arena_strdup(&rd->b->cfg->arena, buf_str(&value));
    if (m->name == NULL || m->value == NULL)
        return -ENOMEM;
    config_check_matcher(rd->b, rd->node, at, m);
    return 0;
}

static int
read_matchers(struct reader *rd, struct config_matcher *ret, size_t *n)
{
    skip_space(rd);
    size_t open = rd->pos;
    bool braces = peek(rd) == '{';
    rd->pos += braces;
    for (;;) {
        skip_space(rd);
        if (peek(rd) == '}' || peek(rd) == 0)
            break;
        if (*n == CONFIG_MATCHERS_MAX)
            return fail(rd, rd->pos, 1, "more than %d matchers",
                        CONFIG_MATCHERS_MAX);
        int r = read_matcher(rd, &ret[*n]);
        if (r < 0)
            return r;
        ++*n;
        skip_space(rd);
        if (peek(rd) != ',')
            break;
        rd->pos++;
    }
    if (braces && peek(rd) != '}')
        return peek(rd) == 0
                   ? fail(rd, open, 1, "this \"{\" has no \"}\"")
                   : fail(rd, rd->pos, 1, "expected \",\" or \"}\" here");
    rd->pos += braces;
    skip_space(rd);
    if (peek(rd) != 0)
        return fail(rd, rd->pos, 1, "expected the end of the matcher here");
    return 0;
}

int
config_parse_matchers(struct config_build *b, const struct yaml_node *node,
                      struct config_matcher *ret, size_t *n)
{
    struct slice text;
    if (yaml_string(node, b->errs, &text) < 0 || node->pending)
        return 0;
    struct reader rd = {.b = b, .node = node, .text = text};
    size_t before = *n;
    int r = read_matchers(&rd, ret, n);
    if (r == 0 && *n == before)
        yaml_error(node, b->errs, "there is no matcher in this");
    return r == -ENOMEM ? r : 0;
}
