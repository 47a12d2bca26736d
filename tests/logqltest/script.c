/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/logqltest/script.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/str.h"
#include "core/engine/pipeline.h"

/* What is wrong with a script ends the program: it isn't a test's result. */
PRINTF_LIKE(2, 3)
static void
die(const struct script *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "%s:%u: ", s->file, s->line);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    exit(2);
}

static struct slice
trim(struct slice s)
{
    while (s.n > 0 && (unsigned char)s.p[0] <= ' ')
        s = slice_skip(s, 1);
    while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= ' ')
        s.n--;
    return s;
}

/* Up to a '#' that stands in no quotes. */
static struct slice
without_comment(struct slice s)
{
    char quote = '\0';
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (quote != '\0' && c == '\\' && quote == '"') {
            i++;
        } else if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else if (c == '"' || c == '`') {
            quote = c;
        } else if (c == '#') {
            s.n = i;
        }
    }
    return trim(s);
}

/* --- words -------------------------------------------------------------- */

static bool
take(struct slice *s, const char *word)
{
    *s = trim(*s);
    if (!slice_starts_with(*s, slice_from_str(word)))
        return false;
    *s = trim(slice_skip(*s, strlen(word)));
    return true;
}

static struct slice
take_until(struct slice *s, const char *ends)
{
    size_t n = 0;
    while (n < s->n && strchr(ends, s->p[n]) == NULL)
        n++;
    struct slice word = slice_new(s->p, n);
    *s = slice_skip(*s, n);
    return word;
}

static usec_t
take_duration(struct script *sc, struct slice *s)
{
    *s = trim(*s);
    struct slice word = take_until(s, " \t]");
    char why[CONVERT_WHY_MAX];
    int64_t ns;
    if (convert_duration_ns(word, &ns, why) < 0)
        die(sc, "%s", why);
    return ns / 1000;
}

static struct slice
take_quoted(struct script *sc, struct slice *s, bool unescape)
{
    char quote = s->n > 0 ? s->p[0] : '\0';
    size_t end = 1;
    if (quote != '"' && quote != '`')
        die(sc, "expected a quoted text at: %.*s", SLICE_FMT(*s));
    while (end < s->n && s->p[end] != quote)
        end += quote == '"' && unescape && s->p[end] == '\\' ? 2 : 1;
    if (end >= s->n)
        die(sc, "unterminated text");
    struct slice text = slice_new(s->p + 1, end - 1);
    *s = trim(slice_skip(*s, end + 1));
    return text;
}

/* a="b" pairs up to 'end', with commas or blanks between them. */
static uint32_t
take_labels(struct script *sc, struct slice *s, char end, struct label *ret)
{
    uint32_t n = 0;
    for (;;) {
        *s = trim(*s);
        if (s->n == 0)
            die(sc, "labels end too early");
        if (s->p[0] == end)
            break;
        if (take(s, ","))
            continue;
        if (n == LABELS_OF_LINE)
            die(sc, "too many labels");
        ret[n].name = s->p[0] == '"' ? take_quoted(sc, s, false)
                                     : trim(take_until(s, "="));
        if (!take(s, "="))
            die(sc, "expected '='");
        ret[n++].value = take_quoted(sc, s, true);
    }
    *s = trim(slice_skip(*s, 1));
    return n;
}

static struct label *
keep_labels(struct script *sc, const struct label *l, uint32_t n)
{
    struct label *copy = arena_new_array(&sc->arena, struct label, n + 1);
    CHECK(copy != NULL);
    if (n > 0)
        memcpy(copy, l, n * sizeof *l);
    return copy;
}

/* --- load --------------------------------------------------------------- */

static struct slice
number_line(struct script *sc, struct slice line, uint64_t i)
{
    AUTO_FINI(buf) b = BUF_INIT(1 << 20);
    static const struct slice mark = SLICE_INIT("{{.i}}");
    struct slice copy;
    while (line.n > 0) {
        if (slice_starts_with(line, mark)) {
            (void)buf_printf(&b, "%llu", (unsigned long long)i);
            line = slice_skip(line, mark.n);
        } else {
            (void)buf_putc(&b, line.p[0]);
            line = slice_skip(line, 1);
        }
    }
    CHECK(buf_error(&b) == 0);
    CHECK(arena_slice_dup(&sc->arena, buf_slice(&b), &copy) == 0);
    return copy;
}

/* The stream's own name wins; the other one gets a suffix. */
static uint32_t
add_metadata(struct script *sc, struct label *l, uint32_t n,
             const struct label *meta, uint32_t n_meta)
{
    uint32_t stream = n;
    for (uint32_t i = 0; i < n_meta; i++) {
        struct label add = meta[i];
        for (uint32_t k = 0; k < stream; k++) {
            if (!slice_eq(l[k].name, add.name))
                continue;
            char *name =
                arena_printf(&sc->arena, "%.*s_extracted", SLICE_FMT(add.name));
            CHECK(name != NULL);
            add.name = slice_from_str(name);
        }
        if (n == LABELS_OF_LINE)
            die(sc, "too many labels");
        l[n++] = add;
    }
    return n;
}

static void
load_line(struct script *sc, struct slice s)
{
    struct label labels[LABELS_OF_LINE], meta[LABELS_OF_LINE];
    uint32_t n_meta = 0;
    uint64_t count = 1;
    usec_t every = 0;
    if (!take(&s, "{"))
        die(sc, "expected a stream");
    uint32_t n = take_labels(sc, &s, '}', labels);
    struct slice line = take_quoted(sc, &s, false);
    if (!take(&s, "@"))
        die(sc, "expected '@'");
    usec_t start = take_duration(sc, &s);
    while (take(&s, "[")) {
        if (take(&s, "metadata")) {
            n_meta = take_labels(sc, &s, ']', meta);
            continue;
        }
        if (!take(&s, "repeat") || !take(&s, "every"))
            die(sc, "expected 'repeat every' or 'metadata'");
        every = take_duration(sc, &s);
        if (!take(&s, "for"))
            die(sc, "expected 'for'");
        if (str_parse_u64(trim(take_until(&s, "]")), &count) < 0 ||
            !take(&s, "]"))
            die(sc, "expected a number");
    }
    if (s.n > 0)
        die(sc, "unexpected: %.*s", SLICE_FMT(s));
    n = add_metadata(sc, labels, n, meta, n_meta);
    struct label *kept = keep_labels(sc, labels, n);
    for (uint64_t i = 0; i < count; i++) {
        struct log_line l = {kept, n, number_line(sc, line, i),
                             start + (usec_t)i * every};
        CHECK(vec_push(&sc->logs, l) == 0);
    }
}

/* --- expectations ------------------------------------------------------- */

static double
number_of(struct script *sc, struct slice s)
{
    double v = 0;
    if (str_parse_double(s, STR_INF_NAN, &v) < 0)
        die(sc, "no number: %.*s", SLICE_FMT(s));
    return v;
}

static void
add_value(struct expected *e, uint32_t *cap, bool absent, double v)
{
    if (e->n_values == *cap) {
        *cap = *cap == 0 ? 16 : *cap * 2;
        e->values = mem_realloc(e->values, *cap, sizeof *e->values);
        e->absent = mem_realloc(e->absent, *cap, sizeof *e->absent);
        CHECK(e->values != NULL && e->absent != NULL);
    }
    e->values[e->n_values] = v;
    e->absent[e->n_values++] = absent;
}

/* "6", "_", "2+3x2", "4x3" */
static void
take_point(struct script *sc, struct slice w, struct expected *e, uint32_t *cap)
{
    const char *x = w.n > 0 ? memrchr(w.p, 'x', w.n) : NULL;
    if (x == NULL) {
        bool absent = slice_eq_str(w, "_");
        add_value(e, cap, absent, absent ? 0 : number_of(sc, w));
        return;
    }
    struct slice base = slice_new(w.p, (size_t)(x - w.p));
    uint64_t times = 0;
    if (str_parse_u64(slice_skip(w, base.n + 1), &times) < 0)
        die(sc, "no count: %.*s", SLICE_FMT(w));
    double step = 0;
    for (size_t i = base.n; i-- > 1;) {
        if ((base.p[i] == '+' || base.p[i] == '-') && base.p[i - 1] != 'e') {
            step = number_of(sc, slice_skip(base, i));
            base.n = i;
            break;
        }
    }
    bool absent = slice_eq_str(base, "_");
    double v = absent ? 0 : number_of(sc, base);
    for (uint64_t i = 0; i <= times; i++)
        add_value(e, cap, absent, v + (double)i * step);
}

static void
take_series(struct script *sc, struct slice s, struct eval_command *c)
{
    struct label labels[LABELS_OF_LINE];
    struct expected e = {.text = s};
    uint32_t cap = 0;
    e.is_scalar = !take(&s, "{");
    if (!e.is_scalar) {
        e.n_labels = take_labels(sc, &s, '}', labels);
        e.labels = keep_labels(sc, labels, e.n_labels);
    }
    while (s.n > 0) {
        take_point(sc, take_until(&s, " \t"), &e, &cap);
        s = trim(s);
    }
    CHECK(vec_push(&c->series, e) == 0);
    c->asserts = true;
}

static void
expectation(struct script *sc, struct slice s, struct eval_command *c)
{
    if (take(&s, "skip"))
        return;
    if (!take(&s, "expect")) {
        take_series(sc, s, c);
        return;
    }
    if (take(&s, "ordered")) {
        c->ordered = true;
        return;
    }
    c->asserts = true;
    if (take(&s, "empty")) {
        c->expect = EXPECT_EMPTY;
    } else if (take(&s, "fail")) {
        c->expect = EXPECT_FAIL;
        c->fail_regex = take(&s, "regex:");
        if (!c->fail_regex)
            (void)take(&s, "msg:");
        c->fail_text = s;
    } else {
        die(sc, "unknown expectation");
    }
}

/* --- evaluations -------------------------------------------------------- */

static void
eval_head(struct script *sc, struct slice s, struct eval_command *c)
{
    *c = (struct eval_command){.line = sc->line};
    if (take(&s, "instant")) {
        if (!take(&s, "at"))
            die(sc, "expected 'at'");
        c->from = c->to = take_duration(sc, &s);
        c->step = USEC_PER_MINUTE;
    } else if (take(&s, "range")) {
        c->range = true;
        if (!take(&s, "from"))
            die(sc, "expected 'from'");
        c->from = take_duration(sc, &s);
        if (!take(&s, "to"))
            die(sc, "expected 'to'");
        c->to = take_duration(sc, &s);
        if (!take(&s, "step"))
            die(sc, "expected 'step'");
        c->step = take_duration(sc, &s);
    } else {
        die(sc, "expected 'instant' or 'range'");
    }
    c->query = trim(s);
}

static void
eval_fini(struct eval_command *c)
{
    for (uint32_t i = 0; i < c->series.n; i++) {
        mem_free(c->series.p[i].values);
        mem_free(c->series.p[i].absent);
    }
    vec_free(&c->series);
}

/* --- files -------------------------------------------------------------- */

static void
read_file(struct script *sc)
{
    AUTO_FINI(buf) b = BUF_INIT(64 << 20);
    char chunk[65536];
    size_t n;
    FILE *f = fopen(sc->file, "re");
    if (f == NULL) {
        perror(sc->file);
        exit(2);
    }
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        CHECK(buf_append(&b, chunk, n) == 0);
    CHECK(fclose(f) == 0);
    CHECK(arena_slice_dup(&sc->arena, buf_slice(&b), &sc->text) == 0);
}

/* The next line; false at the end. */
static bool
next_line(struct script *sc, struct slice *ret, bool *ret_indented)
{
    if (sc->text.n == 0)
        return false;
    *ret = take_until(&sc->text, "\n");
    sc->text = slice_skip(sc->text, 1);
    sc->line++;
    *ret_indented = ret->n > 0 && (ret->p[0] == ' ' || ret->p[0] == '\t');
    return true;
}

bool
script_run(const char *file,
           void (*fn)(struct script *s, struct eval_command *c, void *arg),
           void *arg)
{
    struct script sc = {.file = file};
    struct eval_command c;
    enum { IN_NOTHING, IN_LOAD, IN_EVAL } in = IN_NOTHING;
    struct slice line;
    bool indented, more = true;
    arena_init(&sc.arena, 64 << 10, (size_t)1 << 30);
    read_file(&sc);
    while (more) {
        indented = false;
        more = next_line(&sc, &line, &indented);
        struct slice s = more ? without_comment(line) : (struct slice){0};
        if (more && s.n == 0 && trim(line).n > 0)
            continue; /* a comment */
        if (in == IN_EVAL && !indented) {
            if (!c.asserts)
                die(&sc, "nothing is asserted of line %u", c.line);
            fn(&sc, &c, arg);
            eval_fini(&c);
            in = IN_NOTHING;
        }
        if (s.n == 0) {
            in = IN_NOTHING;
        } else if (indented && in == IN_LOAD) {
            load_line(&sc, s);
        } else if (indented && in == IN_EVAL) {
            expectation(&sc, s, &c);
        } else if (slice_eq_str(s, "load")) {
            in = IN_LOAD;
        } else if (slice_eq_str(s, "clear")) {
            sc.logs.n = 0;
        } else if (take(&s, "eval")) {
            eval_head(&sc, s, &c);
            in = IN_EVAL;
        } else {
            die(&sc, "unexpected: %.*s", SLICE_FMT(s));
        }
    }
    vec_free(&sc.logs);
    arena_fini(&sc.arena);
    return true;
}
