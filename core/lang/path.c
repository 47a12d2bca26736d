/* SPDX-License-Identifier: Apache-2.0 */
/* path.c - paths into a JSON document: a.b[0]["c d"]. */
#include "config.h"

#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/lang/extract.h"

static bool
is_key_char(char c)
{
    return c == '_' || (c >= '0' && c <= '9') ||
           (str_lower(c) >= 'a' && str_lower(c) <= 'z') || c == '-' ||
           c == '@' || c == ':' || c == '/';
}

/* '[0]' or '["a b"]' at the beginning of 's': its bytes, or 0. */
static size_t
bracket(struct slice s, struct path_step *ret)
{
    size_t i = 1;
    if (i < s.n && s.p[i] == '"') {
        const char *end = memchr(s.p + 2, '"', s.n - 2);
        if (end == NULL)
            return 0;
        ret->key = slice_new(s.p + 2, (size_t)(end - s.p) - 2);
        i = (size_t)(end - s.p) + 1;
    } else {
        uint64_t index;
        while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
            i++;
        if (str_parse_u64(slice_new(s.p + 1, i - 1), &index) < 0 ||
            index > UINT32_MAX)
            return 0;
        ret->is_index = true;
        ret->index = (uint32_t)index;
    }
    return i < s.n && s.p[i] == ']' ? i + 1 : 0;
}

static size_t
step_read(struct slice s, bool first, struct path_step *ret)
{
    *ret = (struct path_step){0};
    if (s.p[0] == '[')
        return bracket(s, ret);
    size_t start = 0;
    if (!first) {
        if (s.p[0] != '.')
            return 0;
        start = 1;
    }
    size_t i = start;
    while (i < s.n && is_key_char(s.p[i]))
        i++;
    ret->key = slice_new(s.p + start, i - start);
    return i > start ? i : 0;
}

const char *
path_parse(struct arena *a, struct slice text, const struct path_step **ret,
           uint32_t *ret_n, bool *ret_oom)
{
    struct path_step steps[EXTRACT_PARTS_MAX];
    uint32_t n = 0;
    *ret_oom = false;
    while (text.n > 0) {
        size_t used =
            n == ARRAY_SIZE(steps) ? 0 : step_read(text, n == 0, &steps[n]);
        if (used == 0)
            return "expected a.b[0][\"c\"]";
        text = slice_skip(text, used);
        n++;
    }
    if (n == 0)
        return "it is empty";
    struct path_step *copy = arena_new_array(a, struct path_step, n);
    *ret_oom = copy == NULL;
    if (copy == NULL)
        return "out of memory";
    memcpy(copy, steps, n * sizeof *copy);
    *ret = copy;
    *ret_n = n;
    return NULL;
}
