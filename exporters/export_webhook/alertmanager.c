/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "exporters/export_webhook/webhook.h"
#include "plugins/lib/plain.h"

static void
put_text(struct out *o, const char *key, struct tocsin_text t)
{
    out_printf(o, ",\"%s\":", key);
    out_json(o, t);
}

static void
put_pairs(struct out *o, const char *key, const struct tocsin_pair *pairs,
          size_t n)
{
    out_printf(o, ",\"%s\":", key);
    out_json_pairs(o, pairs, n);
}

static void
put_alert(struct out *o, const struct tocsin_alert *a)
{
    out_printf(o, "{\"status\":\"%s\"", a->firing ? "firing" : "resolved");
    put_pairs(o, "labels", a->labels, a->n_labels);
    put_pairs(o, "annotations", a->annotations, a->n_annotations);
    out_str(o, ",\"startsAt\":\"");
    out_time(o, a->starts_us);
    out_str(o, "\",\"endsAt\":\"");
    if (a->firing)
        out_str(o, "0001-01-01T00:00:00Z");
    else
        out_time(o, a->ends_us);
    out_char(o, '"');
    put_text(o, "generatorURL", a->generator_url);
    put_text(o, "fingerprint", a->fingerprint);
    out_char(o, '}');
}

void
alertmanager_payload(struct out *o, const struct tocsin_notification *n,
                     size_t max_alerts)
{
    size_t n_alerts = n->n_alerts;
    if (max_alerts > 0 && max_alerts < n_alerts)
        n_alerts = max_alerts;
    out_str(o, "{\"receiver\":");
    out_json(o, n->receiver);
    out_printf(o, ",\"status\":\"%s\",\"alerts\":[",
               n->firing ? "firing" : "resolved");
    for (size_t i = 0; i < n_alerts; i++) {
        if (i > 0)
            out_char(o, ',');
        put_alert(o, notification_alert(n, i));
    }
    out_char(o, ']');
    put_pairs(o, "groupLabels", n->group_labels, n->n_group_labels);
    put_pairs(o, "commonLabels", n->common_labels, n->n_common_labels);
    put_pairs(o, "commonAnnotations", n->common_annotations,
              n->n_common_annotations);
    put_text(o, "externalURL", n->external_url);
    out_str(o, ",\"version\":\"4\"");
    put_text(o, "groupKey", n->group_key);
    out_printf(o, ",\"truncatedAlerts\":%zu}\n",
               n->n_truncated + (n->n_alerts - n_alerts));
}
