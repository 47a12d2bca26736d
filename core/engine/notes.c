/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/notes.h"

#include <math.h>

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/base/timefmt.h"
#include "core/engine/engine_priv.h"
#include "core/lang/query.h"

#define NOTE_TEXT_MAX ((size_t)4096)

void
notes_init(struct notes *ns, struct arena *a)
{
    ns->arena = a;
    ns->n = ns->omitted = 0;
}

static void
buckets_merge(struct note_buckets *into, const struct note_buckets *b)
{
    if (b->samples == 0)
        return;
    into->from_ms = MIN(into->from_ms, b->from_ms);
    into->to_ms = MAX(into->to_ms, b->to_ms);
    into->lowest = fmin(into->lowest, b->lowest);
    into->highest = fmax(into->highest, b->highest);
    into->difference = fmax(into->difference, b->difference);
    into->samples += b->samples;
}

static void
notes_add(struct notes *ns, const struct note *n)
{
    for (uint32_t i = 0; i < ns->n; i++) {
        struct note *old = &ns->p[i];
        if (old->kind == n->kind && old->span.start == n->span.start &&
            strcmp(old->text, n->text) == 0) {
            buckets_merge(&old->buckets, &n->buckets);
            return;
        }
    }
    if (ns->n == NOTES_MAX) {
        ns->omitted++;
        return;
    }
    const char *text = arena_strdup(ns->arena, n->text);
    if (text == NULL) {
        ns->omitted++;
        return;
    }
    ns->p[ns->n] = *n;
    ns->p[ns->n++].text = text;
}

void
eval_note(struct eval *ev, enum note_kind kind, const struct expr *e,
          const char *fmt, ...)
{
    if (ev->notes == NULL)
        return;
    char text[NOTE_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct note n = {.kind = kind, .span = e->span, .text = text};
    notes_add(ev->notes, &n);
}

void
eval_note_quantile(struct eval *ev, const struct expr *e, double q)
{
    char number[STR_DOUBLE_MAX];
    if (q >= 0 && q <= 1)
        return;
    (void)str_format_double(q, STR_DOUBLE_GO_G, number);
    eval_note(ev, NOTE_WARNING, e,
              "quantile value should be between 0 and 1, got %s", number);
}

void
eval_note_buckets(struct eval *ev, const struct expr *e, struct slice name,
                  const struct note_buckets *b)
{
    if (ev->notes == NULL)
        return;
    AUTO_FINI(buf) t = BUF_INIT(NOTE_TEXT_MAX);
    (void)buf_append_str(
        &t, "input to histogram_quantile needed to be fixed for monotonicity "
            "(see https://prometheus.io/docs/prometheus/latest/querying/"
            "functions/#histogram_quantile)");
    if (name.n > 0) {
        (void)buf_append_str(&t, " for metric name ");
        (void)buf_append_json_string(&t, name);
    }
    struct note n = {NOTE_INFO, e->span, buf_str(&t), *b};
    notes_add(ev->notes, &n);
}

static void
print_number(struct buf *b, double v)
{
    char number[STR_DOUBLE_MAX];
    size_t n = str_format_double(v, STR_DOUBLE_GO_G, number);
    (void)buf_append(b, number, n);
}

static void
print_buckets(const struct note_buckets *k, struct buf *b)
{
    char from[TIME_STR_MAX], to[TIME_STR_MAX];
    (void)time_format_rfc3339(k->from_ms * 1000, TIME_SECONDS, from);
    (void)time_format_rfc3339(k->to_ms * 1000, TIME_SECONDS, to);
    (void)buf_append_str(b, ", from buckets ");
    print_number(b, k->lowest);
    (void)buf_append_str(b, " to ");
    print_number(b, k->highest);
    (void)buf_printf(b,
                     ", with a max diff of %.2g, over %u samples from %s to %s",
                     k->difference, k->samples, from, to);
}

int
note_print(const struct note *n, struct slice query, struct buf *b)
{
    uint32_t line, column;
    query_position(query, n->span.start, &line, &column);
    (void)buf_printf(b, "PromQL %s: %s",
                     n->kind == NOTE_INFO ? "info" : "warning", n->text);
    if (n->buckets.samples > 0)
        print_buckets(&n->buckets, b);
    return buf_printf(b, " (%u:%u)", line, column);
}
