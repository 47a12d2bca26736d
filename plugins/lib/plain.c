/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "plugins/lib/plain.h"

#define DAY_US (INT64_C(86400) * 1000000)

static struct tocsin_text
annotation(const struct tocsin_alert *a, const char *name)
{
    return pairs_get(a->annotations, a->n_annotations, name);
}

static struct tocsin_text
label(const struct tocsin_alert *a, const char *name)
{
    return pairs_get(a->labels, a->n_labels, name);
}

void
plain_what(struct out *o, const struct tocsin_alert *a)
{
    static const char *const names[] = {"summary", "description", "message"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct tocsin_text t = annotation(a, names[i]);
        if (t.n > 0) {
            out_text(o, t);
            return;
        }
    }
    out_text(o, label(a, "alertname"));
    out_printf(o, " = %g", a->value);
}

/* Without its date where that is the one of 'near'. */
static void
time_near(struct out *o, int64_t us, int64_t near_us)
{
    size_t at = o->n, date = sizeof "2026-05-04T" - 1;
    int64_t whole = us - ((us % 1000000) + 1000000) % 1000000;
    out_time(o, whole);
    if (us / DAY_US != near_us / DAY_US || out_failed(o) || us < 0)
        return;
    for (size_t i = at; i + date < o->n; i++)
        o->p[i] = o->p[i + date];
    o->n -= date;
}

void
plain_when(struct out *o, const struct tocsin_alert *a)
{
    int64_t end = a->firing ? a->detected_us : a->ends_us;
    out_str(o, a->firing ? "since " : "from ");
    time_near(o, a->starts_us, end);
    out_str(o, a->firing ? ", detected " : " to ");
    time_near(o, end, a->starts_us);
    out_str(o, a->firing ? " (+" : " (");
    out_duration(o, end - a->starts_us);
    out_char(o, ')');
}

/* ---- JSON */

static void
key(struct out *o, const char *name)
{
    out_printf(o, ",\"%s\":", name);
}

static void
text_member(struct out *o, const char *name, struct tocsin_text t)
{
    key(o, name);
    out_json(o, t);
}

static void
time_member(struct out *o, const char *name, int64_t us)
{
    key(o, name);
    out_char(o, '"');
    out_time(o, us);
    out_char(o, '"');
}

static void
what_member(struct out *o, const struct tocsin_alert *a)
{
    struct out what = {.max = o->max};
    plain_what(&what, a);
    text_member(o, "what", out_taken(&what));
    o->failed |= out_failed(&what);
    out_fini(&what);
}

static void
put_alert(struct out *o, const struct tocsin_alert *a)
{
    out_printf(o, "{\"status\":\"%s\"", a->firing ? "firing" : "resolved");
    what_member(o, a);
    text_member(o, "alertname", label(a, "alertname"));
    key(o, "where");
    out_json_pairs(o, a->labels, a->n_labels);
    time_member(o, "since", a->starts_us);
    if (!a->firing)
        time_member(o, "until", a->ends_us);
    time_member(o, "detected", a->detected_us);
    key(o, "delay_seconds");
    out_json_double(o, (double)(a->detected_us - a->starts_us) / 1e6);
    key(o, "value");
    out_json_double(o, a->value);
    key(o, "annotations");
    out_json_pairs(o, a->annotations, a->n_annotations);
    if (annotation(a, "runbook_url").n > 0)
        text_member(o, "runbook", annotation(a, "runbook_url"));
    key(o, "evidence");
    out_char(o, '[');
    for (uint32_t i = 0; i < a->n_evidence; i++) {
        if (i > 0)
            out_char(o, ',');
        out_json(o, a->evidence[i]);
    }
    out_char(o, ']');
    text_member(o, "episode", a->episode);
    text_member(o, "fingerprint", a->fingerprint);
    text_member(o, "link", a->generator_url);
    out_char(o, '}');
}

void
plain_notification(struct out *o, const struct tocsin_notification *n)
{
    out_printf(o, "{\"status\":\"%s\"", n->firing ? "firing" : "resolved");
    text_member(o, "receiver", n->receiver);
    text_member(o, "key", n->key);
    text_member(o, "group_key", n->group_key);
    key(o, "group");
    out_json_pairs(o, n->group_labels, n->n_group_labels);
    text_member(o, "external_url", n->external_url);
    out_printf(o, ",\"truncated\":%zu,\"alerts\":[", n->n_truncated);
    for (size_t i = 0; i < n->n_alerts; i++) {
        if (i > 0)
            out_char(o, ',');
        put_alert(o, notification_alert(n, i));
    }
    out_str(o, "]}");
}

void
plain_record(struct out *o, const struct tocsin_record *r)
{
    out_str(o, "{\"key\":");
    out_json(o, r->key);
    text_member(o,
                r->kind == TOCSIN_RECORD_EVENT    ? "stream"
                : r->kind == TOCSIN_RECORD_SAMPLE ? "metric"
                                                  : "alert",
                r->name);
    if (r->input.n > 0)
        text_member(o, "input", r->input);
    time_member(o, "time", r->time_us);
    time_member(o, "received", r->received_us);
    key(o, "labels");
    out_json_pairs(o, r->pairs, r->n_labels);
    if (r->kind == TOCSIN_RECORD_EVENT) {
        key(o, "fields");
        out_json_pairs(o, r->pairs + r->n_labels, r->n_pairs - r->n_labels);
    } else {
        key(o, "value");
        out_json_double(o, r->value);
    }
    if (r->body.n > 0)
        text_member(o, "body", r->body);
    out_char(o, '}');
}
