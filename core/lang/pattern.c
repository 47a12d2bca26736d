/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.c - Loki's patterns: literals with captures between them. */
#include "config.h"

#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/lang/extract.h"

static bool
is_name_char(char c, bool first)
{
    return c == '_' || (str_lower(c) >= 'a' && str_lower(c) <= 'z') ||
           (!first && c >= '0' && c <= '9');
}

/* The bytes of "<name>" at the beginning of 's', or 0. */
static size_t
capture_length(struct slice s)
{
    size_t i = 1;
    if (s.n < 3 || s.p[0] != '<')
        return 0;
    while (i < s.n && is_name_char(s.p[i], i == 1))
        i++;
    return i > 1 && i < s.n && s.p[i] == '>' ? i + 1 : 0;
}

/* What stands up to the next capture, or that. */
static struct pattern_part
part_next(struct slice *rest)
{
    size_t n = capture_length(*rest);
    struct pattern_part part = {.capture = n > 0};
    if (n > 0) {
        part.text = slice_new(rest->p + 1, n - 2);
        if (slice_eq_str(part.text, "_"))
            part.text = (struct slice){0};
    } else {
        n = 1;
        while (n < rest->n && capture_length(slice_skip(*rest, n)) == 0)
            n++;
        part.text = slice_new(rest->p, n);
    }
    *rest = slice_skip(*rest, n);
    return part;
}

static const char *
check(const struct pattern_part *p, uint32_t n, bool filter,
      uint32_t *ret_names)
{
    uint32_t captures = 0, names = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!p[i].capture)
            continue;
        captures++;
        if (i > 0 && p[i - 1].capture)
            return "found consecutive capture";
        if (p[i].text.n == 0)
            continue;
        names++;
        for (uint32_t k = 0; k < i; k++) {
            if (p[k].capture && slice_eq(p[k].text, p[i].text))
                return "duplicate capture name";
        }
    }
    if (filter && names > 0)
        return "named captures are not allowed";
    if (!filter && names == 0)
        return "at least one capture is required";
    *ret_names = names;
    return NULL;
}

const char *
pattern_parse(struct arena *a, struct slice text, bool filter,
              const struct pattern **ret, bool *ret_oom)
{
    struct pattern_part parts[EXTRACT_PARTS_MAX];
    struct pattern p = {0};
    *ret_oom = false;
    if (text.n == 0 && !filter)
        return "at least one capture is required";
    while (text.n > 0) {
        if (p.n == ARRAY_SIZE(parts))
            return "more than 256 captures and literals";
        parts[p.n++] = part_next(&text);
    }
    const char *wrong = check(parts, p.n, filter, &p.names);
    if (wrong != NULL)
        return wrong;
    struct pattern_part *copy =
        arena_new_array(a, struct pattern_part, p.n + 1);
    struct pattern *made = arena_new(a, struct pattern);
    *ret_oom = copy == NULL || made == NULL;
    if (*ret_oom)
        return "out of memory";
    if (p.n > 0)
        memcpy(copy, parts, p.n * sizeof *copy);
    p.parts = copy;
    *made = p;
    *ret = made;
    return NULL;
}

/* Where the literal stands in the line, or SIZE_MAX. */
static size_t
find(struct slice line, struct slice literal)
{
    const char *at =
        line.n == 0 ? NULL : memmem(line.p, line.n, literal.p, literal.n);
    return at == NULL ? SIZE_MAX : (size_t)(at - line.p);
}

uint32_t
pattern_captures(const struct pattern *p, struct slice line, struct slice *ret)
{
    uint32_t i = 0, n = 0;
    if (!p->parts[0].capture) {
        if (!slice_starts_with(line, p->parts[0].text))
            return 0;
        line = slice_skip(line, p->parts[0].text.n);
        i = 1;
    } else if (line.n == 0) {
        return 0;
    }
    for (; i < p->n; i += 2) { /* a capture, and mostly a literal */
        bool named = p->parts[i].text.n > 0;
        size_t at = i + 1 < p->n ? find(line, p->parts[i + 1].text) : SIZE_MAX;
        if (named)
            ret[n++] = at == SIZE_MAX ? line : slice_new(line.p, at);
        if (at == SIZE_MAX)
            break;
        line = slice_skip(line, at + p->parts[i + 1].text.n);
    }
    return n;
}

bool
pattern_test(const struct pattern *p, struct slice line)
{
    if (line.n == 0 || p->n == 0)
        return line.n == 0 && p->n == 0;
    for (uint32_t i = 0; i < p->n; i++) {
        if (p->parts[i].capture)
            continue;
        size_t at = find(line, p->parts[i].text);
        /* At once where a capture should be: that one is empty. */
        if (at == SIZE_MAX || (i != 0 && at == 0) || (i == 0 && at != 0))
            return false;
        line = slice_skip(line, at + p->parts[i].text.n);
    }
    return p->parts[p->n - 1].capture == (line.n > 0);
}
