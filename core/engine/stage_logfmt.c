/* SPDX-License-Identifier: Apache-2.0 */
/* stage_logfmt.c - a=b c="d e". */
#include "config.h"

#include "core/base/str.h"
#include "core/engine/pipeline.h"
#include "core/lang/selector.h"

struct logfmt {
    struct pipe_run *run;
    struct slice line;
    size_t pos;
    const char *error; /* the first */
    size_t error_pos;
};

static void
failed(struct logfmt *l, const char *error)
{
    if (l->error == NULL) {
        l->error = error;
        l->error_pos = l->pos;
    }
}

static bool
is_blank(char c)
{
    return (unsigned char)c <= ' ';
}

/* To the next blank: what is wrong ends there. */
static void
skip_word(struct logfmt *l)
{
    while (l->pos < l->line.n && !is_blank(l->line.p[l->pos]))
        l->pos++;
}

/* One escape of a quoted value, as JSON has them; false: none. */
static bool
unescape(struct slice s, size_t *pos, char *out, size_t *n)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = *pos < s.n ? s.p[*pos] : '\0';
    const char *at = c == '\0' ? NULL : strchr(names, c);
    if (at != NULL) {
        out[(*n)++] = values[at - names];
        ++*pos;
        return true;
    }
    if (c != 'u' || s.n - *pos < 5)
        return false;
    uint32_t cp = 0;
    for (size_t i = 1; i <= 4; i++) {
        char d = str_lower(s.p[*pos + i]);
        bool digit = d >= '0' && d <= '9';
        if (!digit && !(d >= 'a' && d <= 'f'))
            return false;
        cp = cp * 16 + (uint32_t)(digit ? d - '0' : d - 'a' + 10);
    }
    if (cp >= 0xd800 && cp < 0xe000)
        cp = 0xfffd;
    *n += utf8_encode(cp, out + *n);
    *pos += 5;
    return true;
}

/* Behind the opening quote. */
static bool
quoted_value(struct logfmt *l, struct slice *ret)
{
    size_t start = l->pos, end = start;
    bool escaped = false;
    while (end < l->line.n && l->line.p[end] != '"') {
        escaped |= l->line.p[end] == '\\';
        end += l->line.p[end] == '\\' ? 2 : 1;
    }
    if (end >= l->line.n) {
        failed(l, "unterminated quoted value");
        l->pos = l->line.n;
        return false;
    }
    struct slice raw = slice_new(l->line.p + start, end - start);
    l->pos = end + 1;
    *ret = raw;
    if (!escaped)
        return true;
    char *p = pipe_alloc(l->run, raw.n);
    size_t n = 0, i = 0;
    while (p != NULL && i < raw.n) {
        if (raw.p[i] != '\\') {
            p[n++] = raw.p[i++];
            continue;
        }
        i++;
        if (!unescape(raw, &i, p, &n)) {
            failed(l, "invalid quoted value");
            return false;
        }
    }
    *ret = slice_new(p, n);
    return p != NULL;
}

static bool
plain_value(struct logfmt *l, struct slice *ret)
{
    size_t start = l->pos;
    skip_word(l);
    struct slice v = slice_new(l->line.p + start, l->pos - start);
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] == '=' || v.p[i] == '"') {
            failed(l, v.p[i] == '=' ? "unexpected '='" : "unexpected '\"'");
            return false;
        }
    }
    *ret = v;
    return true;
}

/* The next pair: 1; 0 at the end; -1 for one that is wrong and skipped. */
static int
next_pair(struct logfmt *l, struct slice *ret_key, struct slice *ret_value)
{
    while (l->pos < l->line.n && is_blank(l->line.p[l->pos]))
        l->pos++;
    if (l->pos == l->line.n)
        return 0;
    size_t start = l->pos;
    while (l->pos < l->line.n && !is_blank(l->line.p[l->pos]) &&
           l->line.p[l->pos] != '=' && l->line.p[l->pos] != '"')
        l->pos++;
    *ret_key = slice_new(l->line.p + start, l->pos - start);
    *ret_value = (struct slice){0};
    bool assigned = l->pos < l->line.n && l->line.p[l->pos] == '=';
    bool quote = l->pos < l->line.n && l->line.p[l->pos] == '"';
    if (quote || (assigned && ret_key->n == 0)) {
        failed(l, quote ? "unexpected '\"'" : "unexpected '='");
        skip_word(l);
        return -1;
    }
    if (!assigned)
        return 1;
    l->pos++;
    if (l->pos < l->line.n && l->line.p[l->pos] == '"') {
        l->pos++;
        return quoted_value(l, ret_value) ? 1 : -1;
    }
    return plain_value(l, ret_value) ? 1 : -1;
}

/* Bytes that are no text become blanks. */
static struct slice
valid_text(struct pipe_run *r, struct slice s)
{
    if (utf8_valid(s))
        return s;
    char *p = pipe_alloc(r, s.n);
    size_t n = 0;
    for (size_t i = 0; p != NULL && i < s.n;) {
        uint32_t cp;
        int len = utf8_decode(slice_skip(s, i), &cp);
        if (len > 0)
            memcpy(p + n, s.p + i, (size_t)len);
        else
            p[n] = ' ';
        n += len > 0 ? (size_t)len : 1;
        i += len > 0 ? (size_t)len : 1;
    }
    return p == NULL ? (struct slice){0} : slice_new(p, n);
}

static void
take_pair(struct pipe_run *r, const struct pipe_stage *st, struct slice key,
          struct slice value)
{
    struct slice name = pipe_name(r, key);
    value = valid_text(r, value);
    if (name.n == 0)
        return;
    if (st->item_count == 0) {
        if (value.n > 0 || st->keep_empty)
            pipe_extract(r, name, value);
        return;
    }
    for (uint32_t i = 0; i < st->item_count; i++) {
        const struct pipe_item *item = &st->items[i];
        if (slice_eq(item->source.n > 0 ? item->source : item->name, name))
            pipe_assign(r, item->name, value);
    }
}

void
stage_logfmt(struct pipe_run *r, const struct pipe_stage *st)
{
    struct logfmt l = {.run = r, .line = r->line};
    struct slice key, value;
    if (r->line.n > PIPE_LINE_MAX) {
        pipe_fail(r, "LogfmtParserErr", "line is longer than %u bytes",
                  PIPE_LINE_MAX);
        return;
    }
    for (uint32_t i = 0; i < st->item_count; i++) {
        const struct pipe_label *there = pipe_get(r, st->items[i].name);
        if (there == NULL)
            pipe_set(r, st->items[i].name, SLICE(""));
    }
    for (;;) {
        int got = next_pair(&l, &key, &value);
        if (got == 0 || (got < 0 && st->strict))
            break;
        if (got > 0)
            take_pair(r, st, key, value);
    }
    if (st->strict && l.error != NULL)
        pipe_fail(r, "LogfmtParserErr", "logfmt syntax error at pos %zu : %s",
                  l.error_pos + 1, l.error);
}
