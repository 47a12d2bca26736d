/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/http/pages.h"
#include "core/http/snapshot.h"

static void
head(struct buf *b, const char *name, const char *type, const char *help)
{
    (void)buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and newline escaped. */
static void
label_value(struct buf *b, struct slice s)
{
    (void)buf_putc(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' || s.p[i] == '"')
            (void)buf_putc(b, '\\');
        if (s.p[i] == '\n')
            (void)buf_append_str(b, "\\n");
        else
            (void)buf_putc(b, s.p[i]);
    }
    (void)buf_putc(b, '"');
}

static void
number(struct buf *b, double v)
{
    char text[STR_DOUBLE_MAX];
    (void)str_format_double(v, STR_DOUBLE_GO_G, text);
    (void)buf_printf(b, " %s\n", text);
}

static void
plain(struct buf *b, const char *name, const char *type, const char *help,
      double v)
{
    head(b, name, type, help);
    (void)buf_append_str(b, name);
    number(b, v);
}

static void
labelled(struct buf *b, const char *name, const char *label, struct slice value,
         double v)
{
    (void)buf_printf(b, "%s{%s=", name, label);
    label_value(b, value);
    (void)buf_putc(b, '}');
    number(b, v);
}

#define FOR_INPUTS(metric, type, help, member)                                 \
    do {                                                                       \
        head(b, metric, type, help);                                           \
        for (size_t i = 0; i < s->n_inputs; i++)                               \
            labelled(b, metric, "input", slice_from_str(s->inputs[i].name),    \
                     (double)s->inputs[i].member);                             \
    } while (0)

#define FOR_EXPORTERS(metric, type, help, value)                               \
    do {                                                                       \
        head(b, metric, type, help);                                           \
        for (size_t i = 0; i < s->n_exporters; i++)                            \
            labelled(b, metric, "exporter",                                    \
                     slice_from_str(s->exporters[i].name), value);             \
    } while (0)

static void
metrics_inputs(const struct snapshot *s, struct buf *b)
{
    FOR_INPUTS("tocsin_input_bytes_total", "counter",
               "Bytes that were decoded and appended.", bytes);
    FOR_INPUTS("tocsin_input_events_total", "counter",
               "Events that were appended.", records);
    FOR_INPUTS("tocsin_input_samples_total", "counter",
               "Samples that were appended.", samples);
    FOR_INPUTS("tocsin_input_dead_letters_total", "counter",
               "Records that could not be decoded.", dead);
    FOR_INPUTS("tocsin_input_restarts_total", "counter",
               "Times that the source failed and was opened again.", restarts);
    FOR_INPUTS("tocsin_input_blocked_total", "counter",
               "Times that the journal took nothing.", blocked);
    const char *name = "tocsin_input_watermark_timestamp_seconds";
    head(b, name, "gauge",
         "Up to when a partition's events are known, event time.");
    for (size_t i = 0; i < s->n_watermarks; i++) {
        const struct watermark *w = &s->watermarks[i];
        if (w->watermark_us == USEC_NONE)
            continue;
        (void)buf_printf(b, "%s{input=", name);
        label_value(b, w->input);
        (void)buf_append_str(b, ",partition=");
        label_value(b, w->partition);
        (void)buf_putc(b, '}');
        number(b, (double)w->watermark_us / 1e6);
    }
}

static void
metrics_engine(const struct snapshot *s, struct buf *b)
{
    const struct engine_stats *e = &s->engine;
    plain(b, "tocsin_records_total", "counter",
          "Records that the engine took in.", (double)e->records);
    plain(b, "tocsin_records_late_total", "counter",
          "Records that came after a slot they belong to.", (double)e->late);
    plain(b, "tocsin_records_future_total", "counter",
          "Records too far ahead of their receipt.", (double)e->future);
    plain(b, "tocsin_rules", "gauge", "Rules in force.", (double)e->rules);
    plain(b, "tocsin_rules_unknown", "gauge",
          "Rules that can't be evaluated at present.",
          (double)e->rules_unknown);
    plain(b, "tocsin_rules_failing", "gauge",
          "Rules whose last evaluation was an error.",
          (double)e->rules_failing);
    plain(b, "tocsin_rule_evaluations_total", "counter",
          "Evaluations of rules at slots.", (double)e->evaluations);
    plain(b, "tocsin_transitions_total", "counter", "Transitions of alerts.",
          (double)e->transitions);
    head(b, "tocsin_alerts", "gauge", "Alerts by state.");
    labelled(b, "tocsin_alerts", "state", SLICE("firing"), (double)s->n_firing);
    labelled(b, "tocsin_alerts", "state", SLICE("pending"),
             (double)s->n_pending);
    plain(b, "tocsin_engine_series", "gauge", "Series in memory.",
          (double)e->series);
    plain(b, "tocsin_engine_keys", "gauge", "Keys of windows in memory.",
          (double)e->keys);
    plain(b, "tocsin_engine_frames_unreadable_total", "counter",
          "Frames of the journal that could not be read.",
          (double)s->loop.unreadable);
    plain(b, "tocsin_engine_failed", "gauge",
          "1 when the engine has given up until a restart.", s->loop.failed);
}

static void
metrics_journal(const struct snapshot *s, struct buf *b)
{
    const struct journal_stats *j = &s->journal;
    plain(b, "tocsin_journal_bytes", "gauge", "Bytes of all segments.",
          (double)j->bytes);
    plain(b, "tocsin_journal_segments", "gauge", "Segments.",
          (double)j->segments);
    plain(b, "tocsin_journal_frames_total", "counter", "Frames appended.",
          (double)j->appended_frames);
    plain(b, "tocsin_journal_syncs_total", "counter", "Syncs.",
          (double)j->syncs);
    plain(b, "tocsin_journal_sync_failures_total", "counter",
          "Syncs and writes that failed.", (double)j->failed_syncs);
    plain(b, "tocsin_journal_unsynced_bytes", "gauge",
          "Bytes that wait for a sync.", (double)j->unsynced_bytes);
    plain(b, "tocsin_journal_damaged_segments", "gauge",
          "Segments that were renamed aside.", (double)j->damaged_segments);
    plain(b, "tocsin_journal_lost_bytes_total", "counter",
          "Bytes that readers found damaged.", (double)j->lost_bytes);
    plain(b, "tocsin_journal_full", "gauge", "1 while data frames are refused.",
          j->full);
    if (j->oldest_time_us != USEC_NONE)
        plain(b, "tocsin_journal_oldest_timestamp_seconds", "gauge",
              "Journal time of the oldest frame.",
              (double)j->oldest_time_us / 1e6);
}

static void
metrics_destinations(const struct snapshot *s, struct buf *b)
{
    const struct outbox_stats *o = &s->outbox;
    plain(b, "tocsin_notifications_total", "counter",
          "Notifications delivered.", (double)o->sent);
    plain(b, "tocsin_notifications_retries_total", "counter",
          "Attempts that failed and are made again.", (double)o->retries);
    plain(b, "tocsin_notifications_rejected_total", "counter",
          "Notifications refused for good.", (double)o->refused);
    plain(b, "tocsin_notifications_pending", "gauge",
          "Notifications on their way.", (double)o->pending);
    plain(b, "tocsin_notification_oldest_pending_seconds", "gauge",
          "Age of the oldest notification on its way.",
          (double)o->oldest_pending_us / 1e6);
    FOR_EXPORTERS("tocsin_exporter_delivered_total", "counter",
                  "Records delivered.", (double)s->exporters[i].delivered);
    FOR_EXPORTERS("tocsin_exporter_retries_total", "counter",
                  "Attempts that failed and are made again.",
                  (double)s->exporters[i].retries);
    FOR_EXPORTERS("tocsin_exporter_rejected_total", "counter",
                  "Records refused for good.",
                  (double)s->exporters[i].rejected);
    FOR_EXPORTERS("tocsin_exporter_lost_bytes_total", "counter",
                  "Bytes of the journal dropped before delivery.",
                  (double)s->exporters[i].lost_bytes);
    FOR_EXPORTERS("tocsin_exporter_lag_seconds", "gauge",
                  "Age of what is being delivered.",
                  (double)s->exporters[i].lag_us / 1e6);
}

/* Resident memory and file descriptors, as Prometheus' clients name them. */
static void
metrics_process(struct buf *b)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f != NULL) {
        if (fscanf(f, "%ld %ld", &pages, &resident) == 2)
            plain(b, "process_resident_memory_bytes", "gauge",
                  "Resident memory.",
                  (double)resident * (double)sysconf(_SC_PAGESIZE));
        (void)fclose(f);
    }
}

void
page_metrics(const struct snapshot *s, struct buf *b)
{
    head(b, "tocsin_build_info", "gauge", "The version that runs.");
    labelled(b, "tocsin_build_info", "version", SLICE(PACKAGE_VERSION), 1);
    plain(b, "tocsin_config_last_reload_successful", "gauge",
          "1 if the newest reload went well.", s->reload_ok);
    plain(b, "tocsin_config_last_reload_timestamp_seconds", "gauge",
          "When the newest reload was asked for.", (double)s->reload_us / 1e6);
    metrics_inputs(s, b);
    metrics_engine(s, b);
    metrics_journal(s, b);
    metrics_destinations(s, b);
    metrics_process(b);
}
