/* SPDX-License-Identifier: Apache-2.0 */
/* golden.c - compares outputs with a file of cases. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/golden.h"

#define FILE_MAX ((size_t)16 << 20)

struct golden {
    struct slice title, input, output;
};

static void
load(const char *path, struct buf *b)
{
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s can't be opened", path);
    for (;;) {
        ck_assert_int_eq(buf_reserve(b, 65536), 0);
        size_t n = fread(b->p + b->n, 1, 65536, f);
        if (n == 0)
            break;
        b->n += n;
    }
    fclose(f);
}

static struct slice
take_line(struct slice *rest)
{
    const char *nl = memchr(rest->p, '\n', rest->n);
    size_t n = nl == NULL ? rest->n : (size_t)(nl - rest->p) + 1;
    struct slice line = slice_new(rest->p, n);
    *rest = slice_skip(*rest, n);
    return line;
}

/* Lines up to one that begins with 'mark' (which stays), or the end. */
static struct slice
take_until(struct slice *rest, struct slice mark)
{
    struct slice s = slice_new(rest->p, 0);
    while (rest->n > 0 && !slice_starts_with(*rest, mark))
        s.n += take_line(rest).n;
    return s;
}

static bool
take_case(struct slice *rest, struct golden *ret)
{
    if (rest->n == 0)
        return false;
    ret->title = take_line(rest);
    ck_assert(slice_starts_with(ret->title, SLICE("=== ")));
    ret->input = take_until(rest, SLICE(">>>\n"));
    ck_assert_msg(rest->n > 0, "no >>> below %.*s", SLICE_FMT(ret->title));
    (void)take_line(rest);
    ret->output = take_until(rest, SLICE("=== "));
    return true;
}

static void
save(const char *path, struct buf *b)
{
    ck_assert_int_eq(buf_error(b), 0);
    FILE *f = fopen(path, "wb");
    ck_assert(f != NULL);
    ck_assert_uint_eq(fwrite(b->p, 1, b->n, f), b->n);
    ck_assert_int_eq(fclose(f), 0);
}

size_t
golden_run(const char *name, golden_fn fn)
{
    const char *top = getenv("top_srcdir");
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/unit/%s", top == NULL ? "." : top,
             name);
    AUTO_FINI(buf) text = BUF_INIT(FILE_MAX);
    AUTO_FINI(buf) all = BUF_INIT(FILE_MAX);
    load(path, &text);
    struct slice rest = buf_slice(&text);
    size_t n = 0, bad = 0;
    for (struct golden c; take_case(&rest, &c); n++) {
        AUTO_FINI(buf) out = BUF_INIT(FILE_MAX);
        fn(c.input, &out);
        (void)buf_append_slice(&all, c.title);
        (void)buf_append_slice(&all, c.input);
        (void)buf_append_str(&all, ">>>\n");
        (void)buf_append_slice(&all, buf_slice(&out));
        if (slice_eq(buf_slice(&out), c.output))
            continue;
        bad++;
        fprintf(stderr, "%s: %.*s--- expected\n%.*s--- found\n%.*s", name,
                SLICE_FMT(c.title), SLICE_FMT(c.output),
                SLICE_FMT(buf_slice(&out)));
    }
    if (getenv("TOCSIN_GOLDEN_UPDATE") != NULL)
        save(path, &all);
    else
        ck_assert_msg(bad == 0, "%s: %zu of %zu cases differ", name, bad, n);
    return n;
}
