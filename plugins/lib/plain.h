/* SPDX-License-Identifier: Apache-2.0 */
/* plain.h - records and notifications in words of our own: JSON objects, and
 * lines for people.
 *
 * A notification:  status, receiver, key, group_key, group, external_url,
 *     truncated (alerts that were left out), alerts: each with status, what,
 *     alertname, where (labels), since, until (once resolved), detected,
 *     delay_seconds (from since to detected), value, annotations, runbook,
 *     evidence (records as received), episode, fingerprint, link
 * A record:  key, stream, metric or alert (its name), input, time, received,
 *     labels, fields, value (of samples), body (of events, as received) */
#ifndef TOCSIN_PLUGINS_LIB_PLAIN_H
#define TOCSIN_PLUGINS_LIB_PLAIN_H
#include "plugins/lib/out.h"

void plain_notification(struct out *o, const struct tocsin_notification *n);
void plain_record(struct out *o, const struct tocsin_record *r);

/* The i-th, whatever size it has. */
static inline const struct tocsin_alert *
notification_alert(const struct tocsin_notification *n, size_t i)
{
    return (const struct tocsin_alert *)(const void *)((const char *)n->alerts +
                                                       i * n->alert_size);
}
static inline const struct tocsin_record *
batch_record(const struct tocsin_batch *b, size_t i)
{
    return (
        const struct tocsin_record *)(const void *)((const char *)b->records +
                                                    i * b->record_size);
}

/* What happened, in one line: the summary, or what comes nearest. */
void plain_what(struct out *o, const struct tocsin_alert *a);
/* "since 02:55:10Z, detected 03:00:21Z (+5m11s)"; dates where they differ. */
void plain_when(struct out *o, const struct tocsin_alert *a);

#endif
