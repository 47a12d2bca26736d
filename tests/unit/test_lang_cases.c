/* SPDX-License-Identifier: Apache-2.0 */
/* test_lang_cases.c - runs the cases of tests/unit/lang. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/lang/lexer.h"
#include "core/lang/query.h"
#include "core/lang/template.h"
#include "tests/lib/unit.h"
#include "tests/unit/lang_streams.h"

/* Appends what comes of the text, without a newline at the end. */
typedef void (*case_fn)(struct slice text, struct buf *out);

struct block {
    struct buf text, want, got;
    bool wants; /* there was a line of want, maybe an empty one */
    int line, failed, run;
    const char *file;
    case_fn run_case;
};

static void
finish_block(struct block *b)
{
    if (b->wants) {
        b->run++;
        b->run_case(buf_slice(&b->text), &b->got);
        if (!slice_eq(buf_slice(&b->got), buf_slice(&b->want))) {
            printf("# %s:%d: %s\n#   want %s\n#   got  %s\n", b->file, b->line,
                   buf_str(&b->text), buf_str(&b->want), buf_str(&b->got));
            b->failed++;
        }
    }
    b->wants = false;
    buf_reset(&b->text);
    buf_reset(&b->want);
    buf_reset(&b->got);
}

static void
add_line(struct buf *b, const char *line)
{
    if (b->n > 0)
        buf_putc(b, '\n');
    buf_append_str(b, line);
}

static void
run_file(const char *file, case_fn run_case, int at_least)
{
    const char *top = getenv("top_srcdir");
    char path[4096], line[8192];
    snprintf(path, sizeof path, "%s/tests/unit/lang/%s", top ? top : ".", file);
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s: can't be read", path);
    struct block b = {.text = BUF_INIT(1 << 20),
                      .want = BUF_INIT(1 << 20),
                      .got = BUF_INIT(1 << 20),
                      .file = file,
                      .run_case = run_case};
    for (int number = 1; fgets(line, sizeof line, f) != NULL; number++) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "> ", 2) == 0) {
            if (b.wants)
                finish_block(&b);
            b.line = number;
            add_line(&b.text, line + 2);
        } else if (strncmp(line, "< ", 2) == 0) {
            b.wants = true;
            add_line(&b.want, line + 2);
        } else if (b.wants) {
            finish_block(&b);
        }
    }
    finish_block(&b);
    fclose(f);
    buf_fini(&b.text);
    buf_fini(&b.want);
    buf_fini(&b.got);
    ck_assert_msg(b.failed == 0, "%d of %d cases failed", b.failed, b.run);
    ck_assert_int_ge(b.run, at_least);
}

/* --- expressions --------------------------------------------------------- */

static const char *const type_names[] = {"none", "scalar", "vector", "matrix",
                                         "string"};

/* The canonical text must be read as the same tree again. */
static void
print_query(const struct query *q, const struct query_options *options,
            struct buf *out)
{
    AUTO_FINI(buf) text = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);
    ck_assert_int_eq(expr_print(q->root, &text), 0);
    struct query_options quiet = *options;
    quiet.report = NULL;
    struct err err = ERR_INIT;
    struct query *q2 = NULL;
    int r = query_parse(buf_slice(&text), &quiet, &q2, &err);
    ck_assert_msg(r == 0, "%s: %s", buf_str(&text), err.message);
    ck_assert_msg(expr_equal(q->root, q2->root), "%s is another tree",
                  buf_str(&text));
    ck_assert_int_eq(expr_print(q2->root, &again), 0);
    ck_assert_str_eq(buf_str(&text), buf_str(&again));
    query_free(q2);
    if (out->n > 0)
        buf_putc(out, '\n');
    buf_printf(out, "%s %s", type_names[q->root->type], buf_str(&text));
}

static void
run_promql(struct slice text, struct buf *out)
{
    const struct query_options options = {0};
    struct err err = ERR_INIT;
    AUTO(query) *q = NULL;
    if (query_parse(text, &options, &q, &err) == 0)
        print_query(q, &options, out);
    else
        buf_printf(out, "%u:%u: %s", err.line, err.column, err.message);
}

static void
report(void *ctx, const struct problem *p)
{
    struct buf *out = ctx;
    buf_printf(out, "%s%s %u:%u-%u: %s", out->n > 0 ? "\n" : "",
               p->severity == SEVERITY_ERROR ? "ERR" : "WARN", p->line,
               p->column, p->end_column, p->message);
    if (p->hint != NULL)
        buf_printf(out, " (%s)", p->hint);
}

static void
run_logql(struct slice text, struct buf *out)
{
    const struct query_options options = {
        .catalog = &test_catalog, .report = report, .report_ctx = out};
    AUTO(query) *q = NULL;
    if (query_parse(text, &options, &q, NULL) == 0)
        print_query(q, &options, out);
}

/* --- templates ----------------------------------------------------------- */

#define LABEL(n, v)                                                            \
    {                                                                          \
        SLICE_INIT(n), SLICE_INIT(v)                                           \
    }
static const struct tmpl_label sample_b[] = {
    LABEL("__name__", "m"), LABEL("__value__", "sv"), LABEL("instance", "b")};
static const struct tmpl_label sample_a[] = {LABEL("__name__", "m"),
                                             LABEL("instance", "a")};
static const struct tmpl_sample samples[] = {{sample_b, 3, 21},
                                             {sample_a, 2, 11.5}};
static const struct tmpl_label labels[] = {
    LABEL("job", "api"), LABEL("instance", "host.example:80"), LABEL("n", "5"),
    LABEL("html", "<b>&'\""), LABEL("empty", "")};
static const struct tmpl_label external[] = {LABEL("region", "eu")};

static int
query(void *ctx, struct slice expr, struct arena *arena,
      const struct tmpl_sample **ret_samples, size_t *ret_n, struct err *err)
{
    (void)ctx;
    (void)arena;
    if (slice_eq_str(expr, "bad"))
        return err_set(err, -EINVAL, "bad query");
    *ret_samples = samples;
    *ret_n = slice_eq_str(expr, "none") ? 0 : 2;
    return 0;
}

/* Columns in messages differ from Go's, who counts definitions of its own. */
static void
hide_column(struct buf *b)
{
    static const char before[] = "template: t:1:";
    char *p = b->n == 0 ? NULL : memmem(b->p, b->n, before, sizeof before - 1);
    if (p == NULL)
        return;
    p += sizeof before - 1;
    char *end = p;
    while (*end >= '0' && *end <= '9')
        end++;
    if (end == p || strncmp(end, ": executing", 11) != 0)
        return;
    size_t tail = b->n - (size_t)(end - b->p);
    *p = 'N';
    memmove(p + 1, end, tail);
    b->n = (size_t)(p + 1 - b->p) + tail;
}

static void
run_template(struct slice text, struct buf *out)
{
    const struct tmpl_data data = {
        .labels = labels,
        .label_count = ARRAY_SIZE(labels),
        .external_labels = external,
        .external_label_count = ARRAY_SIZE(external),
        .external_url = SLICE_INIT("http://prom.example:9090/pre"),
        .value = 1234.5678,
        .now = 1700000000123 * USEC_PER_MSEC,
        .query = query};
    AUTO_FINI(buf) raw = BUF_INIT(1 << 20), quoted = BUF_INIT(1 << 22);
    AUTO(tmpl) *t = NULL;
    struct err err = ERR_INIT, failure = ERR_INIT;
    if (tmpl_parse(text, "t", NULL, NULL, &t, &err) < 0) {
        buf_printf(&raw, "ERR %s", err.message);
    } else if (tmpl_expand(t, &data, &raw, &failure) < 0) {
        ck_assert(slice_starts_with(buf_slice(&raw),
                                    SLICE("<error expanding template: ")));
        buf_reset(&raw);
        buf_printf(&raw, "ERR %s", failure.message);
    }
    buf_str(&raw); /* puts a NUL behind it */
    hide_column(&raw);
    literal_quote(&quoted, buf_slice(&raw));
    buf_append(out, quoted.p + 1, quoted.n - 2);
}

START_TEST(expressions_are_read_as_prometheus_reads_them)
{
    run_file("promql.txt", run_promql, 300);
}
END_TEST

START_TEST(pipelines_are_checked_against_the_streams)
{
    run_file("logql.txt", run_logql, 90);
}
END_TEST

START_TEST(templates_print_what_go_prints)
{
    run_file("templates.txt", run_template, 250);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("lang cases");
    TCase *t = tcase_create("cases");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, expressions_are_read_as_prometheus_reads_them);
    tcase_add_test(t, pipelines_are_checked_against_the_streams);
    tcase_add_test(t, templates_print_what_go_prints);
    suite_add_tcase(s, t);
    return unit_main(s, NULL);
}
