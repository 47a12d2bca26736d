/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "core/base/err.h"
#include "core/config/yaml.h"
#include "tests/lib/unit.h"
#include "tests/unit/golden.h"

static void
dump(const struct yaml_node *node, unsigned depth, struct buf *out)
{
    static const char styles[] = {'p', 's', 'd', 'l', 'f'};
    static const char kinds[] = {0, '[', '{'};
    char c =
        node->kind == YAML_SCALAR ? styles[node->style] : kinds[node->kind];
    buf_printf(out, "%u:%u-%u:%u %c ", node->line, node->column, node->end_line,
               node->end_column, c);
    if (node->kind == YAML_SCALAR) {
        buf_append_json_string(out, node->value);
        buf_printf(out, "%s\n", yaml_is_null(node) ? " null" : "");
        return;
    }
    buf_printf(out, "%u\n", node->n);
    for (size_t i = 0; i < node->n; i++) {
        buf_printf(out, "%*s", (int)(depth + 1) * 2, "");
        if (node->kind == YAML_MAPPING) {
            dump(node->pairs[i].key, depth + 1, out);
            buf_printf(out, "%*s= ", (int)(depth + 1) * 2, "");
            dump(node->pairs[i].value, depth + 1, out);
        } else {
            dump(node->items[i], depth + 1, out);
        }
    }
}

static void
tree_and_errors(struct slice input, struct buf *out)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO(yaml_doc) *doc = yaml_parse(input, "t.yaml", &errs);
    ck_assert(doc != NULL);
    if (!doc->broken)
        dump(doc->root, 0, out);
    errlist_print(&errs, out, yaml_source, doc);
}

START_TEST(trees_and_errors_are_as_written_down)
{
    ck_assert_uint_gt(golden_run("yaml_cases.txt", tree_and_errors), 40);
}
END_TEST

/* --------------------------------------------------------------- bytes */

static const struct {
    const char *text;
    size_t n;
    unsigned line, column;
    const char *message;
} byte_cases[] = {
    {"\xff\xfe"
     "a\0",
     4, 1, 1, "this is UTF-16"},
    {"\xfe\xff"
     "\0a",
     4, 1, 1, "this is UTF-16"},
    {"a\0:\0", 4, 1, 1, "this is UTF-16"},
    {"\0a\0:", 4, 1, 1, "this is UTF-16"},
    {"\xef\xbb\xbf"
     "a: 1\n",
     8, 1, 1, "a byte order mark"},
    {"a: b\n\nc: \0\n", 11, 3, 4, "a NUL byte"},
    {"a: \x01\n", 6, 1, 4, "a control character"},
    {"a: \x7f\n", 6, 1, 4, "a control character"},
    {"\xc3\xa9: \xc3(\n", 7, 1, 4, "a byte that is no UTF-8"},
    {"a: \xed\xa0\x80\n", 8, 1, 4, "a byte that is no UTF-8"},
    {"a: \xc3", 4, 1, 4, "a byte that is no UTF-8"},
    {"a: 1\rb: 2\n", 10, 1, 5, "a carriage return without a newline"},
    {"a: \xe2\x80\xa8x\n", 9, 1, 4, "a line separator that is no newline"},
    {"a: \xc2\x85x\n", 8, 1, 4, "a line separator that is no newline"},
    {"a: \xc2\x9bx\n", 8, 1, 4, "a control character"},
    {"a: \xef\xbf\xbe\n", 8, 1, 4, "a character that Unicode does not have"},
};

START_TEST(bad_bytes_are_told_where_they_are)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    struct slice text = slice_new(byte_cases[_i].text, byte_cases[_i].n);
    AUTO(yaml_doc) *doc = yaml_parse(text, "t", &errs);
    ck_assert_ptr_nonnull(doc);
    ck_assert(doc->broken && yaml_is_null(doc->root));
    ck_assert_uint_eq(errs.errors, 1);
    ck_assert_str_eq(errs.diags[0].message, byte_cases[_i].message);
    ck_assert_uint_eq(errs.diags[0].where.line, byte_cases[_i].line);
    ck_assert_uint_eq(errs.diags[0].where.column, byte_cases[_i].column);
}
END_TEST

START_TEST(carriage_returns_before_newlines_are_no_part_of_values)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO(yaml_doc) *doc =
        yaml_parse(SLICE("a: x\r\nb: |\r\n  one\r\n  two\r\n"), "t", &errs);
    ck_assert_uint_eq(errs.errors, 0);
    ck_assert(slice_eq_str(yaml_get(doc->root, "a")->value, "x"));
    ck_assert(slice_eq_str(yaml_get(doc->root, "b")->value, "one\ntwo\n"));
    struct where w = yaml_where_at(yaml_get(doc->root, "b"), 5, 1);
    ck_assert_uint_eq(w.line, 4);
    ck_assert_uint_eq(w.column, 4);
    struct slice line;
    ck_assert(yaml_source(doc, "t", 3, &line));
    ck_assert(slice_eq_str(line, "  one"));
    ck_assert(!yaml_source(doc, "other", 3, &line));
    ck_assert(!yaml_source(doc, "t", 9, &line));
    ck_assert(!yaml_source(NULL, "t", 1, &line));
}
END_TEST

/* -------------------------------------------------------------- places */

/* '@' in the value stands for itself: found in the value by its offset, it
 * must be found in the text at the place that yaml_where_at gives. */
static const char *const place_cases[] = {
    "k: plain te@xt",
    "k: '@ it''s @ and ''@'",
    "k: \"@ \\t@ \\u00e9@ \\x41@ \\U0001F600@ \\\"@\\\\@ \\N@ \\_@\"",
    "k: \xc3\xa9\xc3\xa9 @ \xf0\x9f\x98\x80@",
    "k: |\n  first @\n  sec@ond\n\n    ind@ented\n  @last\n",
    "k: |2\n    @two more\n  @none\n",
    "k: |+\n\n\n  @after empty lines @\n\n",
    "k: |-   # comment @\n  on@e\n",
    "k: >\n  fold@ed\n  te@xt\n\n  para@graph\n    mo@re\n  le@ss\n",
    "k: plain @ over\n   lin@es   \n\n   and pa@ragraphs @",
    "k: 'quoted @\n   ov''er@\n\n\n   lin@es'",
    "k: \"quoted @   \n   over@\n\n   lin@es \\\n   joi@ned\"",
    "k: &anchor !<!>   'af@ter'",
    "- k:\n    - expr: sum(x) > @5 # @not this",
};

static const struct yaml_node *
last_scalar(const struct yaml_node *node)
{
    while (node->kind != YAML_SCALAR)
        node = node->kind == YAML_MAPPING ? node->pairs[node->n - 1].value
                                          : node->items[node->n - 1];
    return node;
}

static size_t
offset_of(struct slice text, const struct where *w)
{
    size_t line = 1, i = 0;
    while (line < w->line)
        line += text.p[i++] == '\n';
    for (uint32_t column = 1; column < w->column; column++)
        do
            i++;
        while ((text.p[i] & 0xc0) == 0x80);
    return i;
}

START_TEST(an_offset_in_a_value_leads_to_its_place)
{
    struct slice text = slice_from_str(place_cases[_i]);
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    char copy[8192] = {0};
    memcpy(copy, text.p, text.n);
    AUTO(yaml_doc) *doc = yaml_parse(text, "t", &errs);
    const struct yaml_node *node = last_scalar(doc->root);
    size_t found = 0, previous = 0;
    for (size_t i = 0; i < node->value.n; i++) {
        if (node->value.p[i] != '@')
            continue;
        struct where w = yaml_where_at(node, i, 1);
        size_t at = offset_of(slice_new(copy, text.n), &w);
        ck_assert_msg(copy[at] == '@' && (found == 0 || at > previous),
                      "byte %zu of \"%s\" is not at %u:%u", i, node->value.p,
                      w.line, w.column);
        previous = at;
        found++;
    }
    ck_assert_uint_gt(found, 0);
}
END_TEST

START_TEST(a_place_outside_of_a_value_is_its_end)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO(yaml_doc) *doc = yaml_parse(SLICE("a: bcd\ne:\n"), "t", &errs);
    struct where w = yaml_where_at(yaml_get(doc->root, "a"), 99, 5);
    ck_assert_uint_eq(w.line, 1);
    ck_assert_uint_eq(w.column, 7);
    w = yaml_where_at(yaml_get(doc->root, "a"), 1, 2);
    ck_assert_uint_eq(w.column, 5);
    ck_assert_uint_eq(w.end_column, 7);
    w = yaml_where_at(yaml_get(doc->root, "e"), 0, 1);
    ck_assert_uint_eq(w.line, 2);
    w = yaml_where_at(doc->root, 3, 1); /* no scalar: its start */
    ck_assert_uint_eq(w.line, 1);
}
END_TEST

/* --------------------------------------------------------------- bombs */

#define MIB ((size_t)1 << 20)

/* Each '#' of the pattern becomes the number of the repetition. */
static void
fill_times(struct buf *b, size_t n, const char *pattern)
{
    for (size_t i = 0; i < n; i++)
        for (const char *p = pattern; *p != 0; p++)
            if (*p == '#')
                buf_printf(b, "%zu", i);
            else
                buf_putc(b, *p);
    ck_assert_int_eq(buf_error(b), 0);
}

static void
bomb_text(int which, struct buf *b)
{
    switch (which) {
    case 0: /* depth, in flow */
        for (size_t i = 0; i < MIB; i++)
            buf_putc(b, '[');
        break;
    case 1:
        for (size_t i = 0; i < MIB / 4; i++)
            buf_append_str(b, "{a: ");
        break;
    case 2: /* depth, in block */
        for (size_t i = 0; i < 1000; i++)
            buf_printf(b, "%*sa:\n", (int)i, "");
        break;
    case 3: /* a billion laughs */
        buf_append_str(b, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 10; i++)
            buf_printf(b,
                       "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, "
                       "*a%d, *a%d, *a%d]\n",
                       i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1,
                       i - 1, i - 1);
        break;
    case 4:
        fill_times(b, 100000, "a#: &a# x\n");
        break;
    case 5: /* an alias inside of itself, often */
        buf_append_str(b, "a: &a [b");
        for (int i = 0; i < 200000; i++)
            buf_append_str(b, ", *a");
        buf_append_str(b, "]\n");
        break;
    case 6: /* one scalar */
        buf_append_str(b, "a: ");
        for (size_t i = 0; i < 8 * MIB - 100; i++)
            buf_putc(b, 'x');
        break;
    case 7:
        buf_append_str(b, "a: \"");
        for (size_t i = 0; i < 8 * MIB - 100; i++)
            buf_putc(b, 'x');
        break;
    case 8:
        buf_append_str(b, "a: |\n");
        for (size_t i = 0; i < MIB; i++)
            buf_append_str(b, "  xxxx\n");
        break;
    case 9: /* the same key */
        fill_times(b, 150000, "a: #\n");
        break;
    case 10: /* nodes */
        for (size_t i = 0; i < MIB; i++)
            buf_append_str(b, "- x\n");
        break;
    case 11:
        buf_append_str(b, "[");
        for (size_t i = 0; i < MIB; i++)
            buf_append_str(b, "x,");
        break;
    case 12: /* syntax errors */
        for (size_t i = 0; i < MIB; i++)
            buf_append_str(b, "a: \"\nb: ]\n");
        b->n = MIN(b->n, 8 * MIB);
        break;
    case 13:
        for (size_t i = 0; i < 4 * MIB; i++)
            buf_append_str(b, "\t\n");
        break;
    case 14: /* complex keys */
        for (size_t i = 0; i < MIB / 2; i++)
            buf_append_str(b, "? ");
        break;
    case 15:
        buf_append_str(b, "# ");
        for (size_t i = 0; i < 8 * MIB - 100; i++)
            buf_putc(b, 'x');
        break;
    case 16: /* what opens and never closes, again and again */
        for (size_t i = 0; i < MIB / 2; i++)
            buf_append_str(b, "k: [a, 'b\n");
        break;
    default: /* all newlines */
        for (size_t i = 0; i < 8 * MIB + 1; i++)
            buf_putc(b, '\n');
    }
}
#define BOMBS 18

static size_t
peak_kib(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    size_t kib = 0;
    char line[256];
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "VmHWM: %zu", &kib) == 1)
            break;
    fclose(f);
    return kib;
}

/* Asks the kernel to measure the peak anew; without that right the bound on
 * memory can't be seen. */
static bool
reset_peak(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "w");
    bool ok = f != NULL && fputs("5", f) >= 0;
    if (f != NULL)
        ok = fclose(f) == 0 && ok;
    return ok;
}

START_TEST(bombs_are_refused_in_little_time_and_memory)
{
    AUTO_FINI(buf) text = BUF_INIT(16 * MIB);
    bomb_text(_i, &text);
    ck_assert_int_eq(buf_error(&text), 0);
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    bool measured = reset_peak();
    size_t before = peak_kib();
    struct timespec t0, t1;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
    AUTO(yaml_doc) *doc = yaml_parse(buf_slice(&text), "bomb", &errs);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
    size_t after = peak_kib();
    double ms = (double)(t1.tv_sec - t0.tv_sec) * 1e3 +
                (double)(t1.tv_nsec - t0.tv_nsec) / 1e6;
    ck_assert_ptr_nonnull(doc);
    ck_assert_uint_ge(errs.errors, 1);
    if (getenv("TOCSIN_TEST_VERBOSE") != NULL)
        fprintf(stderr, "# bomb %2d: %6.1f ms, %6zu KiB, %zu errors: %s\n", _i,
                ms, after - before, errs.errors, errs.diags[0].message);
#ifndef TOCSIN_SANITIZED
    ck_assert_msg(ms < 250, "%.1f ms", ms); /* 50 ms on an idle machine */
    if (measured)
        ck_assert_msg(after - before <= 16 * 1024 + 1024, "%zu KiB",
                      after - before);
#else
    (void)measured;
#endif
}
END_TEST

START_TEST(what_is_large_but_no_bomb_is_read)
{
    AUTO_FINI(buf) text = BUF_INIT(16 * MIB);
    fill_times(&text, 20000, "key-#: {a: [x, y], b: 'text #'}\n");
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    /* 6 nodes a line and its key: past the bound */
    AUTO(yaml_doc) *many = yaml_parse(buf_slice(&text), "t", &errs);
    ck_assert(many->broken);
    buf_reset(&text);
    fill_times(&text, 12000, "key-#: {a: [x, y], b: 'text #'}\n");
    errlist_fini(&errs);
    errlist_init(&errs);
    AUTO(yaml_doc) *doc = yaml_parse(buf_slice(&text), "t", &errs);
    ck_assert_uint_eq(errs.errors, 0);
    ck_assert_uint_eq(doc->root->n, 12000);
    const struct yaml_node *b = yaml_get(doc->root->pairs[11999].value, "b");
    ck_assert(slice_eq_str(b->value, "text 11999"));
    ck_assert_uint_eq(b->line, 12000);
}
END_TEST

/* ------------------------------------------------------------- readers */

static void
read_everything(struct slice input, struct buf *out)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO(yaml_doc) *doc = yaml_parse(input, "t.yaml", &errs);
    ck_assert(doc != NULL && doc->root->kind == YAML_MAPPING);
    static const char *const words[] = {"drop_oldest", "block"};
    for (size_t i = 0; i < doc->root->n; i++) {
        const struct yaml_pair *p = &doc->root->pairs[i];
        struct slice s;
        bool b;
        int64_t n;
        double d;
        size_t c;
        if (slice_starts_with(p->key->value, SLICE("string"))) {
            if (yaml_string(p->value, &errs, &s) == 0)
                buf_printf(out, "string %.*s\n", SLICE_FMT(s));
        } else if (slice_starts_with(p->key->value, SLICE("bool"))) {
            if (yaml_bool(p->value, &errs, &b) == 0)
                buf_printf(out, "bool %d\n", b);
        } else if (slice_starts_with(p->key->value, SLICE("int"))) {
            if (yaml_i64(p->value, &errs, &n) == 0)
                buf_printf(out, "int %lld\n", (long long)n);
        } else if (slice_starts_with(p->key->value, SLICE("double"))) {
            if (yaml_double(p->value, &errs, &d) == 0)
                buf_printf(out, "double %g\n", d);
        } else if (slice_starts_with(p->key->value, SLICE("size"))) {
            if (yaml_size(p->value, &errs, &n) == 0)
                buf_printf(out, "size %lld\n", (long long)n);
        } else if (slice_starts_with(p->key->value, SLICE("duration"))) {
            if (yaml_duration(p->value, &errs, &n) == 0)
                buf_printf(out, "duration %lld\n", (long long)n);
        } else if (yaml_choice(p->value, words, 2, &errs, &c) == 0) {
            buf_printf(out, "choice %zu\n", c);
        }
    }
    errlist_print(&errs, out, yaml_source, doc);
}

START_TEST(values_are_read_as_what_is_asked_for)
{
    ck_assert_uint_gt(golden_run("yaml_values.txt", read_everything), 4);
}
END_TEST

START_TEST(keys_are_looked_up)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO(yaml_doc) *doc =
        yaml_parse(SLICE("a: 1\nb:\nc: x\nd: [1]\n"), "t", &errs);
    int64_t n = 7;
    struct slice s = SLICE("untouched");
    ck_assert_int_eq(yaml_get_i64(doc->root, "a", &errs, &n), 1);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(yaml_get_i64(doc->root, "b", &errs, &n), 0);
    ck_assert_int_eq(yaml_get_i64(doc->root, "z", &errs, &n), 0);
    ck_assert_int_eq(yaml_get_i64(doc->root, "c", &errs, &n), -EINVAL);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(yaml_get_string(doc->root, "d", &errs, &s), -EINVAL);
    ck_assert(slice_eq_str(s, "untouched"));
    ck_assert_uint_eq(errs.errors, 2);
    ck_assert_ptr_null(yaml_get(NULL, "a"));
    ck_assert_ptr_null(yaml_get(yaml_get(doc->root, "a"), "a"));
    ck_assert_str_eq(yaml_kind_name(NULL), "nothing");
    static const char *const known[] = {"a", "b", "c"};
    ck_assert_uint_eq(yaml_unknown_keys(doc->root, known, 3, &errs), 1);
    ck_assert_uint_eq(yaml_unknown_keys(NULL, known, 3, &errs), 0);
}
END_TEST

START_TEST(files_that_cannot_be_read_are_told)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO(yaml_doc) *none = yaml_load("/nonexistent/x.yaml", &errs);
    AUTO(yaml_doc) *dir = yaml_load("/", &errs);
    ck_assert(none->broken && dir->broken);
    AUTO_FINI(buf) b = BUF_INIT(4096);
    errlist_print(&errs, &b, yaml_source, none);
    ck_assert_str_eq(
        buf_str(&b),
        "/: error: can't be read: Is a directory\n"
        "/nonexistent/x.yaml: error: can't be read: No such file or "
        "directory\n");
}
END_TEST

static void
parse_once(void)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO(yaml_doc) *doc = yaml_parse(
        SLICE("a: &x {k: v, l: [1, 2, {m: n}]}\nb: *x\nc: &y [*x]\n"
              "d: {1: , 2: , 3: , 4: , 5: , 6: , 7: , 8: , 9: , 10: , 11: , "
              "12: , 13: , 14: , 15: , 16: , 17: , 18: }\n"),
        "t", &errs);
    ck_assert(doc == NULL || (!doc->broken && errs.errors == 0));
}

START_TEST(want_of_memory_gives_no_document)
{
    uint64_t before = mem_count();
    parse_once();
    uint64_t n = mem_count() - before;
    ck_assert_uint_gt(n, 3);
    for (uint64_t i = 1; i <= n; i++) {
        mem_fail_at(i);
        parse_once();
    }
    mem_fail_at(0);
}
END_TEST

static Suite *
yaml_suite(void)
{
    Suite *s = suite_create("yaml");
    TCase *tc = tcase_create("yaml");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, trees_and_errors_are_as_written_down);
    tcase_add_loop_test(tc, bad_bytes_are_told_where_they_are, 0,
                        ARRAY_SIZE(byte_cases));
    tcase_add_test(tc, carriage_returns_before_newlines_are_no_part_of_values);
    tcase_add_loop_test(tc, an_offset_in_a_value_leads_to_its_place, 0,
                        ARRAY_SIZE(place_cases));
    tcase_add_test(tc, a_place_outside_of_a_value_is_its_end);
    tcase_add_loop_test(tc, bombs_are_refused_in_little_time_and_memory, 0,
                        BOMBS);
    tcase_add_test(tc, what_is_large_but_no_bomb_is_read);
    tcase_add_test(tc, values_are_read_as_what_is_asked_for);
    tcase_add_test(tc, keys_are_looked_up);
    tcase_add_test(tc, files_that_cannot_be_read_are_told);
    tcase_add_test(tc, want_of_memory_gives_no_document);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(yaml_suite(), NULL);
}
