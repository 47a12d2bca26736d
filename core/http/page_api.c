/* SPDX-License-Identifier: Apache-2.0 */
/* page_api.c - what Prometheus' /api/v1 says of alerts, rules and the build. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/base/timefmt.h"
#include "core/http/pages.h"
#include "core/http/snapshot.h"

static void
json_labels(struct buf *b, const struct label *labels, uint32_t n)
{
    (void)buf_putc(b, '{');
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0)
            (void)buf_putc(b, ',');
        (void)buf_append_json_string(b, labels[i].name);
        (void)buf_putc(b, ':');
        (void)buf_append_json_string(b, labels[i].value);
    }
    (void)buf_putc(b, '}');
}

/* The value in Go's shortest exponent form, as Prometheus has it: 1e+00. */
static void
json_value(struct buf *b, double v)
{
    char text[64];
    for (int digits = 0; digits < 18; digits++) {
        (void)snprintf(text, sizeof text, "%.*e", digits, v);
        double back;
        if (str_parse_double(slice_from_str(text), STR_INF_NAN, &back) < 0 ||
            back == v)
            break;
    }
    (void)buf_append_json_string(b, slice_from_str(text));
}

static void
json_alert(struct buf *b, const struct transition *t)
{
    char active[TIME_STR_MAX];
    (void)time_format_rfc3339(t->active_us, TIME_SHORTEST, active);
    (void)buf_append_str(b, "{\"labels\":");
    json_labels(b, t->labels, t->n_labels);
    (void)buf_append_str(b, ",\"annotations\":");
    json_labels(b, t->annotations, t->n_annotations);
    (void)buf_printf(b, ",\"state\":\"%s\",\"activeAt\":\"%s\",\"value\":",
                     alert_state_name(t->state), active);
    json_value(b, t->value);
    (void)buf_putc(b, '}');
}

void
page_alerts(const struct snapshot *s, struct buf *b)
{
    (void)buf_append_str(b, "{\"status\":\"success\",\"data\":{\"alerts\":[");
    for (size_t i = 0; i < s->n_alerts; i++) {
        const struct alert *a = &s->alerts[i];
        struct transition t = {.state = a->state,
                               .active_us = a->active_us,
                               .value = a->value,
                               .n_labels = a->n_labels,
                               .labels = a->labels,
                               .n_annotations = a->n_annotations,
                               .annotations = a->annotations};
        (void)buf_append_str(b, i > 0 ? "," : "");
        json_alert(b, &t);
    }
    (void)buf_append_str(b, "]}}\n");
}

/* ---- /api/v1/rules */

struct rules_page {
    const struct rules_filter *filter;
    struct buf *b;
    struct slice file, group; /* that are open */
    bool any, first;          /* a group is open; its first rule comes */
    bool first_alert;
};

static int
rule_alert(void *arg, const struct transition *t)
{
    struct rules_page *p = arg;
    (void)buf_append_str(p->b, p->first_alert ? "" : ",");
    p->first_alert = false;
    json_alert(p->b, t);
    return buf_error(p->b);
}

static bool
is_listed(const struct filter_list *l, struct slice s)
{
    for (uint32_t i = 0; i < l->n; i++) {
        if (slice_eq_str(s, l->v[i]))
            return true;
    }
    return l->n == 0;
}

static bool
is_wanted(const struct rules_filter *f, const struct engine_rule *r)
{
    return !(r->is_alert ? f->records_only : f->alerts_only) &&
           is_listed(&f->names, r->name) && is_listed(&f->groups, r->group) &&
           is_listed(&f->files, r->file);
}

static double
seconds(usec_t us)
{
    return (double)us / USEC_PER_SEC;
}

static void
open_group(struct rules_page *p, const struct engine_rule *r)
{
    if (p->any && slice_eq(p->file, r->file) && slice_eq(p->group, r->group))
        return;
    (void)buf_append_str(p->b, p->any ? "]},{\"name\":" : "{\"name\":");
    (void)buf_append_json_string(p->b, r->group);
    (void)buf_append_str(p->b, ",\"file\":");
    (void)buf_append_json_string(p->b, r->file);
    char last[TIME_STR_MAX] = "0001-01-01T00:00:00Z";
    if (r->last_slot_us != USEC_NONE)
        (void)time_format_rfc3339(r->last_slot_us, TIME_SHORTEST, last);
    (void)buf_printf(p->b,
                     ",\"interval\":%g,\"limit\":%llu,\"evaluationTime\":0,"
                     "\"lastEvaluation\":\"%s\",\"rules\":[",
                     seconds(r->interval_us), (unsigned long long)r->limit,
                     last);
    p->file = r->file;
    p->group = r->group;
    p->any = p->first = true;
}

/* Of its alerts the one that matters most. */
static int
worst_state(void *arg, const struct transition *t)
{
    uint8_t *worst = arg;
    *worst = MAX(*worst, t->state);
    return 0;
}

static void
rule_head(struct rules_page *p, const struct engine_rule *r)
{
    struct buf *b = p->b;
    uint8_t worst = ALERT_INACTIVE;
    if (r->is_alert) {
        (void)engine_rule_alerts(r, worst_state, &worst);
        (void)buf_printf(b, "{\"state\":\"%s\",",
                         r->evaluations == 0 ? "unknown"
                                             : alert_state_name(worst));
    } else {
        (void)buf_putc(b, '{');
    }
    (void)buf_append_str(b, "\"name\":");
    (void)buf_append_json_string(b, r->name);
    (void)buf_append_str(b, ",\"query\":");
    (void)buf_append_json_string(b, r->expr);
    if (r->is_alert)
        (void)buf_printf(b, ",\"duration\":%g,\"keepFiringFor\":%g",
                         seconds(r->for_us), seconds(r->keep_us));
    (void)buf_append_str(b, ",\"labels\":");
    json_labels(b, r->labels, r->n_labels);
}

static int
rule_json(void *arg, const struct engine_rule *r)
{
    struct rules_page *p = arg;
    struct buf *b = p->b;
    char last[TIME_STR_MAX] = "0001-01-01T00:00:00Z";
    if (!is_wanted(p->filter, r))
        return 0;
    open_group(p, r);
    (void)buf_append_str(b, p->first ? "" : ",");
    p->first = false;
    rule_head(p, r);
    if (r->is_alert) {
        (void)buf_append_str(b, ",\"annotations\":");
        json_labels(b, r->annotations, r->n_annotations);
        (void)buf_append_str(b, ",\"alerts\":[");
        p->first_alert = true;
        if (!p->filter->exclude_alerts)
            (void)engine_rule_alerts(r, rule_alert, p);
        (void)buf_putc(b, ']');
    }
    (void)buf_printf(b, ",\"health\":\"%s\"",
                     r->error.n > 0       ? "err"
                     : r->evaluations > 0 ? "ok"
                                          : "unknown");
    if (r->error.n > 0) {
        (void)buf_append_str(b, ",\"lastError\":");
        (void)buf_append_json_string(b, r->error);
    }
    if (r->last_slot_us != USEC_NONE)
        (void)time_format_rfc3339(r->last_slot_us, TIME_SHORTEST, last);
    (void)buf_printf(b,
                     ",\"evaluationTime\":0,\"lastEvaluation\":\"%s\","
                     "\"type\":\"%s\"}",
                     last, r->is_alert ? "alerting" : "recording");
    return buf_error(b);
}

void
page_rules(struct engine *e, const struct rules_filter *f, struct buf *b)
{
    struct rules_page p = {.filter = f, .b = b};
    (void)buf_append_str(b, "{\"status\":\"success\",\"data\":{\"groups\":[");
    (void)engine_rules(e, rule_json, &p);
    (void)buf_append_str(b, p.any ? "]}]}}\n" : "]}}\n");
}

/* What a Prometheus of this age understands, so that Grafana asks for no
 * more. */
void
page_buildinfo(struct buf *b)
{
    (void)buf_append_str(
        b, "{\"status\":\"success\",\"data\":{\"version\":\"" PACKAGE_VERSION
           "\",\"revision\":\"\",\"branch\":\"\",\"buildUser\":\"\","
           "\"buildDate\":\"\",\"goVersion\":\"\"}}\n");
}

void
page_error(const char *type, const char *message, struct buf *b)
{
    (void)buf_append_str(b, "{\"status\":\"error\",\"errorType\":");
    (void)buf_append_json_string(b, slice_from_str(type));
    (void)buf_append_str(b, ",\"error\":");
    (void)buf_append_json_string(b, slice_from_str(message));
    (void)buf_append_str(b, "}\n");
}
