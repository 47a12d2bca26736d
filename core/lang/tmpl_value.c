/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl_value.c - the values that templates work with. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/str.h"
#include "core/base/timefmt.h"
#include "core/lang/tmpl.h"

const char *
tval_type_name(const struct tval *v)
{
    static const char *const names[] = {
        [TV_NONE] = "interface {}",
        [TV_NIL] = "nil",
        [TV_BOOL] = "bool",
        [TV_INT] = "int",
        [TV_FLOAT] = "float64",
        [TV_STRING] = "string",
        [TV_LABELS] = "map[string]string",
        [TV_ARGS] = "map[string]interface {}",
        [TV_SAMPLE] = "*template.sample",
        [TV_SAMPLES] = "template.queryResult",
        [TV_TIME] = "*time.Time",
        [TV_DURATION] = "*time.Duration",
        [TV_ROOT] = "struct { Labels map[string]string; ExternalLabels "
                    "map[string]string; ExternalURL string; Value interface "
                    "{} }",
    };
    return names[v->kind];
}

bool
tval_truth(const struct tval *v)
{
    switch (v->kind) {
    case TV_NONE:
    case TV_NIL:
        return false;
    case TV_BOOL:
        return v->b;
    case TV_INT:
        return v->i != 0;
    case TV_FLOAT:
        return v->f != 0;
    case TV_STRING:
        return v->s.n > 0;
    case TV_LABELS:
    case TV_ARGS:
    case TV_SAMPLES:
        return v->n > 0;
    default:
        return true;
    }
}

struct slice
labels_get(const struct tmpl_label *labels, size_t n, struct slice name)
{
    for (size_t i = 0; i < n; i++)
        if (slice_eq(labels[i].name, name))
            return labels[i].value;
    return (struct slice){NULL, 0};
}

static int
label_order(const void *a, const void *b)
{
    const struct tmpl_label *x = a, *y = b;
    return slice_cmp(x->name, y->name);
}

const struct tmpl_label *
tval_sorted(struct arena *a, const struct tval *v)
{
    struct tmpl_label *copy = arena_new_array(a, struct tmpl_label, v->n);
    if (copy == NULL)
        return NULL;
    if (v->n > 0) {
        memcpy(copy, v->labels, v->n * sizeof *copy);
        qsort(copy, v->n, sizeof *copy, label_order);
    }
    return copy;
}

/* --- printing ------------------------------------------------------------ */

/* In order without a copy: the next greater name each time. */
static void
print_labels(struct buf *b, const struct tval *v)
{
    const struct tmpl_label *last = NULL;
    (void)buf_append_str(b, "map[");
    for (size_t done = 0; done < v->n; done++) {
        const struct tmpl_label *next = NULL;
        for (size_t i = 0; i < v->n; i++) {
            const struct tmpl_label *l = &v->labels[i];
            if ((last == NULL || slice_cmp(l->name, last->name) > 0) &&
                (next == NULL || slice_cmp(l->name, next->name) < 0))
                next = l;
        }
        if (next == NULL || buf_error(b) < 0)
            break;
        (void)buf_printf(b, "%s%.*s:%.*s", last == NULL ? "" : " ",
                         SLICE_FMT(next->name), SLICE_FMT(next->value));
        last = next;
    }
    (void)buf_putc(b, ']');
}

static void
print_args(struct buf *b, const struct tval *v)
{
    (void)buf_append_str(b, "map[");
    for (size_t i = 0; i < v->n; i++) {
        (void)buf_printf(b, "%sarg%zu:", i > 0 ? " " : "", i);
        if (v->args[i].kind == TV_NONE)
            (void)buf_append_str(b, "<nil>");
        else
            tval_print(b, &v->args[i]);
    }
    (void)buf_putc(b, ']');
}

/* Go prints a pointer here; what it points to says more. */
static void
print_sample(struct buf *b, const struct tmpl_sample *s)
{
    const struct tval labels = {
        .kind = TV_LABELS, .labels = s->labels, .n = s->label_count};
    const struct tval value = tval_float(s->value);
    (void)buf_putc(b, '{');
    print_labels(b, &labels);
    (void)buf_putc(b, ' ');
    tval_print(b, &value);
    (void)buf_putc(b, '}');
}

static void
print_samples(struct buf *b, const struct tval *v)
{
    (void)buf_putc(b, '[');
    for (size_t i = 0; i < v->n; i++) {
        if (i > 0)
            (void)buf_putc(b, ' ');
        print_sample(b, &v->samples[i]);
    }
    (void)buf_putc(b, ']');
}

/* "1h1m5.5s", "500ms", "1.5µs". */
void
tmpl_format_duration(struct buf *b, int64_t ns)
{
    uint64_t u = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    (void)buf_append_str(b, ns < 0 ? "-" : "");
    char text[STR_DOUBLE_MAX];
    if (u == 0) {
        (void)buf_append_str(b, "0s");
    } else if (u < 1000000000) {
        uint64_t unit = u < 1000 ? 1 : u < 1000000 ? 1000 : 1000000;
        const char *name = u < 1000 ? "ns" : u < 1000000 ? "\xc2\xb5s" : "ms";
        str_format_double((double)u / (double)unit, STR_DOUBLE_F, text);
        (void)buf_printf(b, "%s%s", text, name);
    } else {
        uint64_t s = u / 1000000000, frac = u % 1000000000;
        if (s >= 3600)
            (void)buf_printf(b, "%lluh", (unsigned long long)(s / 3600));
        if (s >= 60)
            (void)buf_printf(b, "%llum", (unsigned long long)(s / 60 % 60));
        (void)buf_printf(b, "%llu", (unsigned long long)(s % 60));
        if (frac > 0) {
            int n = snprintf(text, sizeof text, ".%09llu",
                             (unsigned long long)frac);
            while (n > 0 && text[n - 1] == '0')
                text[--n] = '\0';
            (void)buf_append_str(b, text);
        }
        (void)buf_putc(b, 's');
    }
}

/* As Go prints a time: "2015-06-23 13:19:44.128 +0000 UTC". */
void
tmpl_format_time(struct buf *b, int64_t ms)
{
    struct civil c;
    time_to_civil(ms * USEC_PER_MSEC, &c);
    (void)buf_printf(b, "%04d-%02d-%02d %02d:%02d:%02d", c.year, c.month, c.day,
                     c.hour, c.minute, c.second);
    int frac = c.microsecond / 1000;
    if (frac > 0) {
        char text[8];
        int n = snprintf(text, sizeof text, ".%03d", frac % 1000);
        while (text[n - 1] == '0')
            text[--n] = '\0';
        (void)buf_append_str(b, text);
    }
    (void)buf_append_str(b, " +0000 UTC");
}

static void
print_root(struct buf *b, const struct tmpl_data *d)
{
    const struct tval labels = {
        .kind = TV_LABELS, .labels = d->labels, .n = d->label_count};
    const struct tval external = {.kind = TV_LABELS,
                                  .labels = d->external_labels,
                                  .n = d->external_label_count};
    const struct tval value = tval_float(d->value);
    (void)buf_putc(b, '{');
    print_labels(b, &labels);
    (void)buf_putc(b, ' ');
    print_labels(b, &external);
    (void)buf_printf(b, " %.*s ", SLICE_FMT(d->external_url));
    tval_print(b, &value);
    (void)buf_putc(b, '}');
}

void
tval_print(struct buf *b, const struct tval *v)
{
    char text[STR_DOUBLE_MAX];
    switch (v->kind) {
    case TV_NONE:
        (void)buf_append_str(b, "<no value>");
        break;
    case TV_NIL:
        (void)buf_append_str(b, "<nil>");
        break;
    case TV_BOOL:
        (void)buf_append_str(b, v->b ? "true" : "false");
        break;
    case TV_INT:
        (void)buf_printf(b, "%lld", (long long)v->i);
        break;
    case TV_FLOAT:
        str_format_double(v->f, STR_DOUBLE_GO_G, text);
        (void)buf_append_str(b, text);
        break;
    case TV_STRING:
        (void)buf_append_slice(b, v->s);
        break;
    case TV_LABELS:
        print_labels(b, v);
        break;
    case TV_ARGS:
        print_args(b, v);
        break;
    case TV_SAMPLE:
        print_sample(b, v->sample);
        break;
    case TV_SAMPLES:
        print_samples(b, v);
        break;
    case TV_TIME:
        tmpl_format_time(b, v->i);
        break;
    case TV_DURATION:
        tmpl_format_duration(b, v->i);
        break;
    case TV_ROOT:
        print_root(b, v->root);
        break;
    }
}
