/* SPDX-License-Identifier: Apache-2.0 */
/* test_lang_corpus.c - every expression of Prometheus' own tests is read, and
 * its canonical text is the same tree. */
#include "config.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/lang/query.h"
#include "tests/lib/unit.h"

static int statements, failures;

/* The expression of "eval instant at 5m EXPR" and "eval range from A to B step
 * S EXPR"; NULL for other lines. */
static const char *
expression_of(const char *line)
{
    line += strspn(line, " \t");
    if (strncmp(line, "eval", 4) != 0)
        return NULL;
    line += strcspn(line, " \t");
    line += strspn(line, " \t");
    int words = strncmp(line, "range", 5) == 0         ? 7
                : strncmp(line, "instant at", 10) == 0 ? 3
                                                       : 1;
    for (; words > 0; words--) {
        line += strcspn(line, " \t");
        line += strspn(line, " \t");
    }
    return line;
}

/* All of them are evaluated, so all of them must pass the parser; the failures
 * that the files expect come later. */
static void
check_expression(const char *file, int number, const char *text)
{
    struct err err = ERR_INIT;
    AUTO(query) *q = NULL;
    AUTO(query) *again = NULL;
    AUTO_FINI(buf) canonical = BUF_INIT(1 << 20);
    statements++;
    if (query_parse(slice_from_str(text), NULL, &q, &err) < 0) {
        printf("# %s:%d: %s: %u:%u: %s\n", file, number, text, err.line,
               err.column, err.message);
        failures++;
        return;
    }
    ck_assert_int_eq(expr_print(q->root, &canonical), 0);
    if (query_parse(buf_slice(&canonical), NULL, &again, &err) < 0 ||
        !expr_equal(q->root, again->root) ||
        q->root->type != again->root->type) {
        printf("# %s:%d: %s is not %s\n", file, number, buf_str(&canonical),
               text);
        failures++;
    }
}

static void
check_file(const char *file)
{
    char line[65536];
    FILE *f = fopen(file, "r");
    ck_assert_ptr_nonnull(f);
    for (int number = 1; fgets(line, sizeof line, f) != NULL; number++) {
        line[strcspn(line, "\n")] = '\0';
        const char *text = expression_of(line);
        if (text != NULL)
            check_expression(file, number, text);
    }
    fclose(f);
}

START_TEST(every_expression_of_the_corpus_is_read)
{
    const char *top = getenv("top_srcdir");
    char pattern[4096];
    snprintf(pattern, sizeof pattern, "%s/tests/promqltest/*.test",
             top ? top : ".");
    glob_t files;
    ck_assert_int_eq(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        check_file(files.gl_pathv[i]);
    globfree(&files);
    ck_assert_msg(failures == 0, "%d of %d failed", failures, statements);
    ck_assert_int_eq(statements, 675);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("lang corpus");
    TCase *t = tcase_create("corpus");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, every_expression_of_the_corpus_is_read);
    suite_add_tcase(s, t);
    return unit_main(s, NULL);
}
