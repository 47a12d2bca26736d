/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>

#include "core/base/buf.h"
#include "core/base/duration.h"
#include "core/base/str.h"
#include "core/base/timefmt.h"
#include "core/http/pages.h"
#include "core/http/snapshot.h"

static void
html_text(struct buf *b, struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        const char *escaped = s.p[i] == '<'   ? "&lt;"
                              : s.p[i] == '>' ? "&gt;"
                              : s.p[i] == '&' ? "&amp;"
                              : s.p[i] == '"' ? "&quot;"
                                              : NULL;
        if (escaped != NULL)
            (void)buf_append_str(b, escaped);
        else
            (void)buf_putc(b, s.p[i]);
    }
}

static const char *
partition_state_name(unsigned state)
{
    static const char *const names[] = {"unknown", "reading", "caught up",
                                        "down",    "gone",    "ended"};
    return state < ARRAY_SIZE(names) ? names[state] : "?";
}

static void
html_alerts(const struct snapshot *s, struct buf *b)
{
    (void)buf_printf(b, "<h2>Alerts: %zu firing, %zu pending</h2>\n<table>",
                     s->n_firing, s->n_pending);
    (void)buf_append_str(b, "<tr><th>State<th>Since<th>Value<th>Labels<th>"
                            "Summary</tr>\n");
    for (size_t i = 0; i < s->n_alerts; i++) {
        const struct alert *a = &s->alerts[i];
        char active[TIME_STR_MAX], value[STR_DOUBLE_MAX];
        (void)time_format_rfc3339(a->active_us, TIME_SECONDS, active);
        (void)str_format_double(a->value, STR_DOUBLE_G, value);
        const char *state = alert_state_name(a->state);
        (void)buf_printf(b, "<tr class=%s><td>%s<td>%s<td>%s<td>", state, state,
                         active, value);
        for (uint32_t k = 0; k < a->n_labels; k++) {
            html_text(b, a->labels[k].name);
            (void)buf_append_str(b, "=<b>");
            html_text(b, a->labels[k].value);
            (void)buf_append_str(b, "</b> ");
        }
        (void)buf_append_str(b, "<td>");
        for (uint32_t k = 0; k < a->n_annotations; k++)
            if (slice_eq(a->annotations[k].name, SLICE("summary")))
                html_text(b, a->annotations[k].value);
        (void)buf_append_str(b, "</tr>\n");
    }
    (void)buf_append_str(b, "</table>\n");
}

static void
html_inputs(const struct snapshot *s, struct buf *b)
{
    (void)buf_append_str(b, "<h2>Inputs</h2>\n<table><tr><th>Input<th>Events"
                            "<th>Samples<th>Dead letters<th>Restarts</tr>\n");
    for (size_t i = 0; i < s->n_inputs; i++) {
        const struct input_stats *in = &s->inputs[i];
        (void)buf_append_str(b, "<tr><td>");
        html_text(b, slice_from_str(in->name));
        (void)buf_printf(
            b, "<td>%llu<td>%llu<td>%llu<td>%llu</tr>\n",
            (unsigned long long)in->records, (unsigned long long)in->samples,
            (unsigned long long)in->dead, (unsigned long long)in->restarts);
    }
    (void)buf_append_str(b, "</table>\n<table><tr><th>Input<th>Partition<th>"
                            "State<th>Data until<th>Lag</tr>\n");
    for (size_t i = 0; i < s->n_watermarks; i++) {
        const struct watermark *w = &s->watermarks[i];
        char until[TIME_STR_MAX], lag[DURATION_STR_MAX] = "-";
        (void)time_format_rfc3339(w->watermark_us, TIME_SECONDS, until);
        if (w->watermark_us != USEC_NONE)
            (void)duration_format(MAX(s->now_us - w->watermark_us, (usec_t)0),
                                  lag);
        (void)buf_append_str(b, "<tr><td>");
        html_text(b, w->input);
        (void)buf_append_str(b, "<td>");
        html_text(b, w->partition);
        (void)buf_printf(b, "<td>%s<td>%s<td>%s</tr>\n",
                         partition_state_name(w->state), until, lag);
    }
    (void)buf_append_str(b, "</table>\n");
}

static void
html_rest(const struct snapshot *s, struct buf *b)
{
    char size[SIZE_STR_MAX], oldest[TIME_STR_MAX];
    (void)size_format(s->journal.bytes & ~(uint64_t)1023, size);
    (void)time_format_rfc3339(s->journal.oldest_time_us, TIME_SECONDS, oldest);
    (void)buf_printf(b,
                     "<h2>Journal and engine</h2>\n<p>%s in %llu segments, "
                     "from %s on%s. %llu rules, %llu unknown; %llu late "
                     "records. Rules were last read %s.</p>\n",
                     size, (unsigned long long)s->journal.segments, oldest,
                     s->journal.full ? "; <b>full</b>" : "",
                     (unsigned long long)s->engine.rules,
                     (unsigned long long)s->engine.rules_unknown,
                     (unsigned long long)s->engine.late,
                     s->reload_ok ? "well" : "<b>with errors</b>");
    (void)buf_printf(b,
                     "<h2>Notifications</h2>\n<p>%llu delivered, %llu on "
                     "their way, %llu refused.</p>\n",
                     (unsigned long long)s->outbox.sent,
                     (unsigned long long)s->outbox.pending,
                     (unsigned long long)s->outbox.refused);
    for (size_t i = 0; i < s->n_exporters; i++) {
        (void)buf_append_str(b, "<p>exporter ");
        html_text(b, slice_from_str(s->exporters[i].name));
        (void)buf_printf(b, ": %llu delivered, %llu refused</p>\n",
                         (unsigned long long)s->exporters[i].delivered,
                         (unsigned long long)s->exporters[i].rejected);
    }
}

void
page_status(const struct snapshot *s, struct buf *b)
{
    (void)buf_append_str(
        b, "<!DOCTYPE html><html lang=en><meta charset=utf-8>"
           "<meta http-equiv=refresh content=5><title>tocsin</title><style>"
           "body{font:15px system-ui,sans-serif;margin:2em;max-width:75em}"
           "table{border-collapse:collapse;margin-bottom:1em}"
           "td,th{text-align:left;padding:.2em .8em;border-bottom:1px solid "
           "#ccc}.firing td:first-child{color:#b00;font-weight:bold}"
           ".pending td:first-child{color:#a60}</style>"
           "<h1>tocsin " PACKAGE_VERSION "</h1>\n");
    html_alerts(s, b);
    html_inputs(s, b);
    html_rest(s, b);
    (void)buf_append_str(b, "<p><a href=/metrics>metrics</a> · <a "
                            "href=/api/v1/alerts>alerts as JSON</a></p>\n");
}
