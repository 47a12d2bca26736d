/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/cmd/test_report.h"

#include "core/base/buf.h"

static const char *
plural(size_t n)
{
    return n == 1 ? "" : "s";
}

/* --- coverage ------------------------------------------------------------ */

static size_t
covered(const struct ruletest_report *r)
{
    size_t n = 0;
    for (uint32_t i = 0; i < r->rules.n; i++)
        n += ruletest_rule_covered(&r->rules.p[i]);
    return n;
}

static double
percent(const struct ruletest_report *r)
{
    return r->rules.n == 0 ? 100 : 100.0 * (double)covered(r) / r->rules.n;
}

static const char *
never(const struct ruletest_rule *r)
{
    return r->evaluated == 0            ? "never evaluated"
           : !r->is_alert && !r->valued ? "never had a value"
           : !r->is_alert               ? ""
           : r->fired == 0              ? "never fired"
           : r->resolved == 0           ? "never resolved"
                                        : "";
}

static void
coverage_text(const struct ruletest_report *r, struct buf *b)
{
    (void)buf_printf(b, "Coverage: %zu of %u rules (%.1f%%)\n", covered(r),
                     r->rules.n, percent(r));
    for (uint32_t i = 0; i < r->rules.n; i++) {
        const struct ruletest_rule *x = &r->rules.p[i];
        if (never(x)[0] != '\0')
            (void)buf_printf(b, "  %s:%u: %s %s: %s\n", x->file, x->line,
                             x->is_alert ? "alert" : "record", x->name,
                             never(x));
    }
}

static void
coverage_json(const struct ruletest_report *r, struct buf *b)
{
    (void)buf_printf(b,
                     ",\"coverage\":{\"rules\":%u,\"covered\":%zu,"
                     "\"percent\":%.1f,\"list\":[",
                     r->rules.n, covered(r), percent(r));
    for (uint32_t i = 0; i < r->rules.n; i++) {
        const struct ruletest_rule *x = &r->rules.p[i];
        (void)buf_printf(b, "%s{\"file\":", i > 0 ? "," : "");
        (void)buf_append_json_string(b, slice_from_str(x->file));
        (void)buf_printf(b, ",\"line\":%u,\"type\":\"%s\",\"group\":", x->line,
                         x->is_alert ? "alert" : "record");
        (void)buf_append_json_string(b, slice_from_str(x->group));
        (void)buf_append_str(b, ",\"name\":");
        (void)buf_append_json_string(b, slice_from_str(x->name));
        (void)buf_printf(
            b,
            ",\"covered\":%s,\"evaluated\":%llu,\"valued\":%llu,"
            "\"fired\":%llu,\"resolved\":%llu}",
            ruletest_rule_covered(x) ? "true" : "false",
            (unsigned long long)x->evaluated, (unsigned long long)x->valued,
            (unsigned long long)x->fired, (unsigned long long)x->resolved);
    }
    (void)buf_append_str(b, "]}");
}

/* --- text ---------------------------------------------------------------- */

static void
put_lines(struct buf *b, const char *text, const char *indent)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        (void)buf_printf(b, "%s%.*s\n", indent, (int)n, text);
        text += n + (text[n] == '\n');
    }
}

static void
case_text(const struct ruletest_suite *s, const struct ruletest_case *c,
          struct buf *b)
{
    for (uint32_t i = 0; i < c->failures.n; i++) {
        const struct ruletest_failure *f = &c->failures.p[i];
        (void)buf_printf(b, "    %s:%u: test \"%s\": %s\n", s->file, f->line,
                         c->name, f->what);
        put_lines(b, f->diff, "        ");
    }
}

static size_t
suite_failed(const struct ruletest_suite *s)
{
    size_t n = s->broken != NULL;
    for (uint32_t i = 0; i < s->cases.n; i++)
        n += s->cases.p[i].failures.n > 0;
    return n;
}

void
test_report_text(const struct ruletest_report *r, bool coverage, struct buf *b)
{
    size_t broken = 0;
    for (uint32_t i = 0; i < r->suites.n; i++) {
        const struct ruletest_suite *s = &r->suites.p[i];
        bool good = suite_failed(s) == 0;
        (void)buf_printf(b, "Unit Testing:  %s\n  %s\n", s->file,
                         good ? "SUCCESS" : "FAILED:");
        if (s->broken != NULL)
            (void)buf_printf(b, "    %s\n", s->broken);
        broken += s->broken != NULL;
        for (uint32_t k = 0; k < s->cases.n; k++)
            case_text(s, &s->cases.p[k], b);
        (void)buf_putc(b, '\n');
    }
    if (coverage)
        coverage_text(r, b);
    (void)buf_printf(b, "%zu test%s passed, %zu failed", r->passed,
                     plural(r->passed), r->failed);
    if (broken > 0)
        (void)buf_printf(b, ", %zu file%s can't be read", broken,
                         plural(broken));
    (void)buf_putc(b, '\n');
}

/* --- JSON ---------------------------------------------------------------- */

static void
case_json(const struct ruletest_case *c, struct buf *b)
{
    (void)buf_append_str(b, "{\"name\":");
    (void)buf_append_json_string(b, slice_from_str(c->name));
    (void)buf_printf(b, ",\"line\":%u,\"passed\":%s,\"failures\":[", c->line,
                     c->failures.n == 0 ? "true" : "false");
    for (uint32_t i = 0; i < c->failures.n; i++) {
        const struct ruletest_failure *f = &c->failures.p[i];
        (void)buf_printf(b, "%s{\"line\":%u,\"message\":", i > 0 ? "," : "",
                         f->line);
        (void)buf_append_json_string(b, slice_from_str(f->what));
        (void)buf_append_str(b, ",\"diff\":");
        (void)buf_append_json_string(b, slice_from_str(f->diff));
        (void)buf_putc(b, '}');
    }
    (void)buf_append_str(b, "]}");
}

void
test_report_json(const struct ruletest_report *r, bool coverage, struct buf *b)
{
    (void)buf_printf(b, "{\"passed\":%zu,\"failed\":%zu,\"files\":[", r->passed,
                     r->failed);
    for (uint32_t i = 0; i < r->suites.n; i++) {
        const struct ruletest_suite *s = &r->suites.p[i];
        (void)buf_printf(b, "%s{\"file\":", i > 0 ? "," : "");
        (void)buf_append_json_string(b, slice_from_str(s->file));
        (void)buf_printf(b, ",\"readable\":%s,\"tests\":[",
                         s->broken == NULL ? "true" : "false");
        for (uint32_t k = 0; k < s->cases.n; k++) {
            (void)buf_append_str(b, k > 0 ? "," : "");
            case_json(&s->cases.p[k], b);
        }
        (void)buf_append_str(b, "]}");
    }
    (void)buf_putc(b, ']');
    if (coverage)
        coverage_json(r, b);
    (void)buf_append_str(b, "}\n");
}

/* --- JUnit --------------------------------------------------------------- */

static void
put_xml(struct buf *b, const char *s)
{
    for (; *s != '\0'; s++) {
        switch (*s) {
        case '<':
            (void)buf_append_str(b, "&lt;");
            break;
        case '>':
            (void)buf_append_str(b, "&gt;");
            break;
        case '&':
            (void)buf_append_str(b, "&amp;");
            break;
        case '"':
            (void)buf_append_str(b, "&quot;");
            break;
        default: /* XML 1.0 has no other control characters */
            (void)buf_putc(
                b,
                (unsigned char)*s < ' ' && *s != '\n' && *s != '\t' ? '?' : *s);
        }
    }
}

static void
case_junit(const struct ruletest_suite *s, const struct ruletest_case *c,
           struct buf *b)
{
    (void)buf_append_str(b, "    <testcase classname=\"");
    put_xml(b, s->file);
    (void)buf_append_str(b, "\" name=\"");
    put_xml(b, c->name);
    (void)buf_append_str(b, c->failures.n == 0 ? "\"/>\n" : "\">\n");
    for (uint32_t i = 0; i < c->failures.n; i++) {
        const struct ruletest_failure *f = &c->failures.p[i];
        (void)buf_append_str(b, "      <failure message=\"");
        put_xml(b, f->what);
        (void)buf_append_str(b, "\">");
        put_xml(b, s->file);
        (void)buf_printf(b, ":%u\n", f->line);
        put_xml(b, f->diff);
        (void)buf_append_str(b, "</failure>\n");
    }
    if (c->failures.n > 0)
        (void)buf_append_str(b, "    </testcase>\n");
}

void
test_report_junit(const struct ruletest_report *r, struct buf *b)
{
    (void)buf_append_str(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                            "<testsuites>\n");
    for (uint32_t i = 0; i < r->suites.n; i++) {
        const struct ruletest_suite *s = &r->suites.p[i];
        bool broken = s->broken != NULL;
        (void)buf_append_str(b, "  <testsuite name=\"");
        put_xml(b, s->file);
        (void)buf_printf(b, "\" tests=\"%u\" failures=\"%zu\" errors=\"%d\">\n",
                         s->cases.n, suite_failed(s) - broken, broken);
        for (uint32_t k = 0; k < s->cases.n; k++)
            case_junit(s, &s->cases.p[k], b);
        if (broken) {
            (void)buf_append_str(b, "    <testcase name=\"read\"><error "
                                    "message=\"");
            put_xml(b, s->broken);
            (void)buf_append_str(b, "\"/></testcase>\n");
        }
        (void)buf_append_str(b, "  </testsuite>\n");
    }
    (void)buf_append_str(b, "</testsuites>\n");
}
