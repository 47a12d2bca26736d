/* SPDX-License-Identifier: Apache-2.0 */
/* What templates.txt can't say: bounds, failures, places. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/mem.h"
#include "core/lang/template.h"
#include "tests/lib/unit.h"

static struct tmpl *
parse(const char *text)
{
    struct tmpl *t = NULL;
    struct err err = ERR_INIT;
    int r = tmpl_parse(slice_from_str(text), "t", NULL, NULL, &t, &err);
    ck_assert_msg(r == 0, "%s: %s", text, err.message);
    return t;
}

static int
expand(const char *text, struct buf *out, struct err *err)
{
    AUTO(tmpl) *t = parse(text);
    const struct tmpl_data data = {.value = 1};
    return tmpl_expand(t, &data, out, err);
}

START_TEST(hostile_templates_are_stopped)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"{{ range 1000 }}{{ range 1000 }}{{ end }}{{ end }}",
         "takes more than 100000 steps"},
        {"{{ range 7000 }}xxxxxxxxxx{{ end }}",
         "output is larger than 65536 bytes"},
        {"{{ printf \"%9999d\" 1 | printf \"%s%s%s%s%s%s%s%s%s\" 1 2 3 4 5 6 "
         "7 8 }}{{ range 9 }}{{ printf \"%9999d\" 1 }}{{ end }}",
         "output is larger than 65536 bytes"},
        {"{{ range 40 }}{{ printf \"%9999d%9999d%9999d%9999d%9999d%9999d\" 1 2 "
         "3 4 5 6 | len }}{{ $x := printf \"%9999d%9999d%9999d%9999d\" 1 2 3 4 "
         "}}{{ end }}{{ range 40 }}{{ $x := printf "
         "\"%9999d%9999d%9999d%9999d%9999d\" 1 2 3 4 5 }}{{ end }}",
         "text is too large"},
        {"{{ define \"a\" }}{{ template \"b\" }}{{ end }}{{ define \"b\" }}"
         "{{ template \"a\" }}{{ end }}{{ template \"a\" }}",
         "exceeded maximum template depth (100)"},
        {"{{ match \"(a+)+$\" \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\" }}",
         "regular expression takes too many steps"},
        {"{{ query \"up\" }}", "queries are not available here"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FINI(buf) out = BUF_INIT(1 << 20);
        struct err err = ERR_INIT;
        ck_assert_int_eq(expand(cases[i].text, &out, &err), -EINVAL);
        ck_assert_msg(strstr(err.message, cases[i].part) != NULL, "%s",
                      err.message);
        ck_assert(slice_starts_with(
            buf_slice(&out),
            SLICE("<error expanding template: error executing template t: ")));
        ck_assert(strstr(buf_str(&out), cases[i].part) != NULL);
    }
}
END_TEST

START_TEST(what_was_there_stays_in_front)
{
    AUTO_FINI(buf) out = BUF_INIT(4096);
    buf_append_str(&out, "before:");
    ck_assert_int_eq(expand("a{{ .Nope }}b", &out, NULL), -EINVAL);
    ck_assert(slice_starts_with(buf_slice(&out),
                                SLICE("before:<error expanding template: ")));
    buf_reset(&out);
    ck_assert_int_eq(expand("a{{ 1 }}b", &out, NULL), 0);
    ck_assert_str_eq(buf_str(&out), "a1b");
    AUTO_FINI(buf) little = BUF_INIT(4);
    ck_assert_int_eq(expand("abcdef{{ 1 }}", &little, NULL), -ENOSPC);
}
END_TEST

static int
parse_nested(const char *open, int n, const char *close)
{
    AUTO_FINI(buf) b = BUF_INIT(1 << 22);
    for (int i = 0; i < n; i++)
        buf_append_str(&b, open);
    for (int i = 0; i < n; i++)
        buf_append_str(&b, close);
    AUTO(tmpl) *t = NULL;
    return tmpl_parse(buf_slice(&b), "t", NULL, NULL, &t, NULL);
}

START_TEST(nesting_is_bounded)
{
    ck_assert_int_eq(parse_nested("{{if true}}", 100, "{{end}}"), 0);
    ck_assert_int_eq(parse_nested("{{if true}}", 101, "{{end}}"), -EINVAL);
    ck_assert_int_eq(parse_nested("{{if true}}", 9000, "{{end}}"), -EINVAL);
    ck_assert_int_eq(parse_nested("{{with 1}}", 5000, "{{else}}x{{end}}"),
                     -EINVAL);
    ck_assert_int_eq(parse_nested("{{block \"a\" 1}}", 5000, "{{end}}"),
                     -EINVAL);
    AUTO_FINI(buf) b = BUF_INIT(1 << 22);
    buf_append_str(&b, "{{");
    for (int i = 0; i < 60000; i++)
        buf_putc(&b, '(');
    AUTO(tmpl) *t = NULL;
    struct err err = ERR_INIT;
    ck_assert_int_eq(tmpl_parse(buf_slice(&b), "t", NULL, NULL, &t, &err),
                     -EINVAL);
    buf_reset(&b);
    for (int i = 0; i < TMPL_TEXT_MAX + 1; i++)
        buf_putc(&b, 'x');
    err = ERR_INIT;
    ck_assert_int_eq(tmpl_parse(buf_slice(&b), "t", NULL, NULL, &t, &err),
                     -EINVAL);
    ck_assert_str_eq(err.message, "error parsing template t: template: t:1: "
                                  "template is longer than 131072 bytes");
}
END_TEST

struct told {
    int n;
    struct problem p;
    char message[256], hint[256];
};

static void
tell(void *ctx, const struct problem *p)
{
    struct told *told = ctx;
    told->n++;
    told->p = *p;
    snprintf(told->message, sizeof told->message, "%s", p->message);
    snprintf(told->hint, sizeof told->hint, "%s", p->hint ? p->hint : "");
}

START_TEST(problems_have_their_place)
{
    struct told told = {0};
    AUTO(tmpl) *t = NULL;
    struct err err = ERR_INIT;
    ck_assert_int_eq(
        tmpl_parse(SLICE("one\n\u00e9\u00e9 {{ humanise $value }}"),
                   "__alert_X", tell, &told, &t, &err),
        -EINVAL);
    ck_assert_int_eq(told.n, 1);
    ck_assert_uint_eq(told.p.line, 2);
    ck_assert_uint_eq(told.p.column, 7);
    ck_assert_uint_eq(told.p.end_column, 15);
    ck_assert_str_eq(told.message, "function \"humanise\" not defined");
    ck_assert_str_eq(told.hint, "did you mean \"humanize\"?");
    ck_assert_str_eq(err.message,
                     "error parsing template __alert_X: template: "
                     "__alert_X:2: function \"humanise\" not defined");
    ck_assert_uint_eq(err.line, 2);

    told = (struct told){0};
    ck_assert_int_eq(tmpl_parse(SLICE("{{ .Lables.job }}{{ with .Labels }}"
                                      "{{ .Nope }}{{ end }}"),
                                "t", tell, &told, &t, NULL),
                     0);
    ck_assert_int_eq(told.n, 1);
    ck_assert_int_eq(told.p.severity, SEVERITY_WARNING);
    ck_assert_str_eq(told.message,
                     "there is no field \".Lables\": expanding will fail");
    ck_assert_str_eq(told.hint, "did you mean \"Labels\"?");
}
END_TEST

START_TEST(a_failed_allocation_leaks_nothing)
{
    static const char text[] =
        "{{ define \"x\" }}{{ . }}{{ end }}{{ $a := 5 }}{{ range 3 }}"
        "{{ template \"x\" (printf \"%d %s\" $a \"y\") }}{{ end }}"
        "{{ reReplaceAll \"a.\" \"b\" \"acac\" | toUpper | title }}";
    int failures = 0;
    for (uint64_t n = 1; n < 400; n++) {
        AUTO_FINI(buf) out = BUF_INIT(4096);
        AUTO(tmpl) *t = NULL;
        const struct tmpl_data data = {.value = 1};
        mem_fail_at(n);
        int r = tmpl_parse(slice_from_str(text), "t", NULL, NULL, &t, NULL);
        if (r == 0)
            r = tmpl_expand(t, &data, &out, NULL);
        mem_fail_at(0);
        if (r == 0)
            break;
        failures++;
    }
    ck_assert_int_gt(failures, 3);
}
END_TEST

static void
add_query(void *ctx, struct slice expr, struct span span)
{
    ck_assert_uint_lt(span.start, span.end);
    buf_printf(ctx, "[%.*s]", SLICE_FMT(expr));
}

START_TEST(literal_queries_can_be_listed)
{
    AUTO_FINI(buf) out = BUF_INIT(4096);
    AUTO(tmpl) *t = parse("{{ query \"up\" }}{{ range query `a{b=\"c\"}` }}"
                          "{{ (query \"x\" | first).Value }}{{ end }}"
                          "{{ query .Labels.job }}{{ define \"d\" }}"
                          "{{ query \"y\" }}{{ end }}");
    tmpl_visit_queries(t, add_query, &out);
    ck_assert_str_eq(buf_str(&out), "[up][a{b=\"c\"}][x][y]");
}
END_TEST

START_TEST(plain_text_is_constant)
{
    static const struct {
        const char *text;
        bool want;
    } cases[] = {{"", true},
                 {"plain }} text", true},
                 {"a {{ 1 }}", false},
                 {"{{/* c */}}a", false},
                 {"a  {{- /* c */}}", false}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO(tmpl) *t = parse(cases[i].text);
        ck_assert_msg(tmpl_is_constant(t) == cases[i].want, "%s",
                      cases[i].text);
    }
}
END_TEST

START_TEST(lines_and_blanks_are_kept_or_trimmed)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"a\n{{- 1 -}}\n b", "a1b"},     {"a\n{{ 1 }}\n b", "a\n1\n b"},
        {"a {{/*\n*/ -}}\n\n b", "a b"}, {"{{if\n true\n}}x{{end}}", "x"},
        {"{{ \"a\\nb\" }}", "a\nb"},     {"{{ `a\nb` }}", "a\nb"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FINI(buf) out = BUF_INIT(4096);
        ck_assert_int_eq(expand(cases[i].text, &out, NULL), 0);
        ck_assert_str_eq(buf_str(&out), cases[i].want);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("lang template");
    TCase *t = tcase_create("template");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, hostile_templates_are_stopped);
    tcase_add_test(t, what_was_there_stays_in_front);
    tcase_add_test(t, nesting_is_bounded);
    tcase_add_test(t, problems_have_their_place);
    tcase_add_test(t, a_failed_allocation_leaks_nothing);
    tcase_add_test(t, literal_queries_can_be_listed);
    tcase_add_test(t, plain_text_is_constant);
    tcase_add_test(t, lines_and_blanks_are_kept_or_trimmed);
    suite_add_tcase(s, t);
    return unit_main(s, NULL);
}
