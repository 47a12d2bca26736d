/* SPDX-License-Identifier: Apache-2.0 */
/* json_dump.h - reads a value with <tocsin/json.h>, by every function that it
 * has for that, and writes what was read: for comparing two ways to read. */
#ifndef TOCSIN_TESTS_JSON_DUMP_H
#define TOCSIN_TESTS_JSON_DUMP_H
#include <stdio.h>
#include <stdlib.h>

#include <tocsin/json.h>

static inline void
json_dump_value(FILE *out, const struct tocsin_json *r,
                const struct tocsin_json_text *v)
{
    char *copy = malloc(v->n > 0 ? v->n : 1);
    if (copy == NULL)
        abort();
    const int is_plain = v->type == TOCSIN_JSON_STRING && !v->escaped;
    const size_t n = tocsin_json_unescape_all(copy, v, r->level);
    if (n == TOCSIN_JSON_NO_SIZE)
        abort();
    /* What is said to have no escapes of its own has none at all. */
    if (is_plain && (n != v->n || memcmp(copy, v->p, n) != 0))
        abort();
    fprintf(out, "%c%zu:", v->type, n);
    fwrite(copy, 1, n, out);
    free(copy);
}

static inline int
json_dump(struct tocsin_json *r, FILE *out)
{
    struct tocsin_json_text v;
    const int type = tocsin_json_peek(r);
    if (type < 0)
        return type;
    if (type != '{' && type != '[') {
        const int bad = tocsin_json_read(r, &v);
        if (bad >= 0)
            json_dump_value(out, r, &v);
        return bad;
    }
    fprintf(out, "%c ", type);
    int more = tocsin_json_enter(r, (char)type);
    while (more >= 0) {
        more = type == '{' ? tocsin_json_next_key(r, &v)
                           : tocsin_json_next_element(r);
        if (more <= 0)
            break;
        if (type == '{')
            json_dump_value(out, r, &v);
        more = json_dump(r, out);
        putc(' ', out);
    }
    putc('.', out);
    return more;
}

/* *ret is to be freed, whatever comes back. */
static inline int
json_dump_text(struct tocsin_json *r, char **ret)
{
    size_t n;
    FILE *out = open_memstream(ret, &n);
    if (out == NULL)
        abort();
    const int result = json_dump(r, out);
    fclose(out);
    return result;
}

#endif
