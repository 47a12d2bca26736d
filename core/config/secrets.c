/* SPDX-License-Identifier: Apache-2.0 */
/* secrets.c - finds secrets in a text, longest first, in one pass. */
#include "config.h"

#include <errno.h>

#include "core/config/secrets.h"

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define BYTES_MAX (8u << 20)
/* Lines of a longer text that hide on their own. */
#define LINE_MIN 16u

struct secrets {
    struct arena arena;
    struct slice *texts; /* longest first, each once */
    size_t n, cap;
    bool first[256]; /* some text begins with this byte */
};

struct secrets *
secrets_new(void)
{
    struct secrets *s = mem_new(struct secrets);
    if (s != NULL)
        arena_init(&s->arena, 1024, BYTES_MAX);
    return s;
}

void
secrets_free(struct secrets *s)
{
    if (s == NULL)
        return;
    arena_fini(&s->arena);
    mem_free(s->texts);
    mem_free(s);
}

static int
add_one(struct secrets *s, struct slice text)
{
    if (text.n < SECRET_MIN)
        return 0;
    size_t at = 0;
    while (at < s->n && s->texts[at].n >= text.n) {
        if (slice_eq(s->texts[at], text))
            return 0;
        at++;
    }
    if (s->n == SECRETS_MAX)
        return -ENOSPC;
    if (s->n == s->cap) {
        size_t cap = s->cap == 0 ? 16 : s->cap * 2;
        struct slice *p = mem_realloc(s->texts, cap, sizeof(*p));
        if (p == NULL)
            return -ENOMEM;
        s->texts = p;
        s->cap = cap;
    }
    if (arena_slice_dup(&s->arena, text, &text) < 0)
        return -ENOMEM;
    memmove(s->texts + at + 1, s->texts + at, (s->n - at) * sizeof(*s->texts));
    s->texts[at] = text;
    s->n++;
    s->first[(unsigned char)text.p[0]] = true;
    return 0;
}

/* The next piece of a text that 'sep' divides. */
static struct slice
next_piece(struct slice *rest, char sep)
{
    const char *end = memchr(rest->p, sep, rest->n);
    struct slice piece = *rest;
    if (end != NULL)
        piece.n = (size_t)(end - rest->p);
    *rest = slice_skip(*rest, piece.n + 1);
    return piece;
}

static int
add_lines(struct secrets *s, struct slice text)
{
    int r = 0;
    for (struct slice rest = text; rest.n > 0 && r == 0;) {
        struct slice line = next_piece(&rest, '\n');
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n >= LINE_MIN && line.n < text.n)
            r = add_one(s, line);
    }
    return r;
}

/* "Endpoint=sb://…;SharedAccessKeyName=a;SharedAccessKey=b": hides b. */
static int
add_connection_keys(struct secrets *s, struct slice text)
{
    static const struct slice names[] = {
        SLICE_INIT("Key"), SLICE_INIT("Signature"), SLICE_INIT("Secret"),
        SLICE_INIT("Password")};
    int r = 0;
    for (struct slice rest = text; rest.n > 0 && r == 0;) {
        struct slice value = next_piece(&rest, ';');
        const char *eq = memchr(value.p, '=', value.n);
        if (eq == NULL)
            continue;
        struct slice name = slice_new(value.p, (size_t)(eq - value.p));
        value = slice_skip(value, name.n + 1);
        for (size_t i = 0; i < ARRAY_SIZE(names) && r == 0; i++)
            if (slice_ends_with(name, names[i]))
                r = add_one(s, value);
    }
    return r;
}

/* Words that hide too much else to be worth hiding: "true", a port. */
static bool
is_plain_word(struct slice s)
{
    uint64_t number;
    return slice_eq_str(s, "true") || slice_eq_str(s, "false") ||
           (s.n <= 5 && str_parse_u64(s, &number) == 0);
}

int
secrets_add(struct secrets *s, struct slice text)
{
    if (s == NULL || text.n < SECRET_MIN || is_plain_word(text))
        return 0;
    int r = add_one(s, text);
    if (r == 0)
        r = add_lines(s, text);
    if (r == 0)
        r = add_connection_keys(s, text);
    if (r < 0)
        return r;

    AUTO_FINI(buf) json = BUF_INIT(text.n * 6 + 2);
    r = buf_append_json_string(&json, text);
    if (r < 0)
        return r;
    return add_one(s, slice_new(json.p + 1, json.n - 2));
}

/* The length of the secret that stands here, or 0. */
static size_t
match_here(const struct secrets *s, struct slice text)
{
    if (!s->first[(unsigned char)text.p[0]])
        return 0;
    for (size_t i = 0; i < s->n; i++)
        if (slice_starts_with(text, s->texts[i]))
            return s->texts[i].n;
    return 0;
}

void
secrets_redact(const struct secrets *s, struct buf *b, size_t from)
{
    if (s == NULL || s->n == 0 || b->n <= from)
        return;
    AUTO_FINI(buf) out = BUF_INIT(b->max);
    struct slice rest = slice_new(b->p + from, b->n - from);
    while (rest.n > 0) {
        size_t n = match_here(s, rest);
        if (n > 0)
            (void)buf_append_str(&out, SECRET_SHOWN);
        else
            (void)buf_putc(&out, rest.p[0]);
        rest = slice_skip(rest, n > 0 ? n : 1);
    }
    buf_truncate(b, from);
    int r = buf_error(&out);
    if (r == 0)
        r = buf_append_slice(b, buf_slice(&out));
    if (r < 0 && b->err == 0)
        b->err = r;
}
