/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/http/snapshot.h"
#include "core/run/collector.h"

#define ARENA_MAX ((size_t)64 * 1024 * 1024)
#define ALERTS_MAX 10000

static struct label *
labels_dup(struct arena *a, const struct label *from, uint32_t n)
{
    struct label *to = arena_new_array(a, struct label, n + 1u);
    for (uint32_t i = 0; to != NULL && i < n; i++)
        if (arena_slice_dup(a, from[i].name, &to[i].name) < 0 ||
            arena_slice_dup(a, from[i].value, &to[i].value) < 0)
            return NULL;
    return to;
}

static int
take_alert(void *arg, const struct transition *t)
{
    struct snapshot *s = arg;
    s->n_firing += t->state == ALERT_FIRING;
    s->n_pending += t->state == ALERT_PENDING;
    if (s->n_alerts == ALERTS_MAX)
        return 0;
    struct alert *a = &s->alerts[s->n_alerts];
    *a = (struct alert){
        .state = t->state,
        .active_us = t->active_us,
        .value = t->value,
        .n_labels = t->n_labels,
        .n_annotations = t->n_annotations,
        .labels = labels_dup(&s->arena, t->labels, t->n_labels),
        .annotations = labels_dup(&s->arena, t->annotations, t->n_annotations),
    };
    if (a->labels == NULL || a->annotations == NULL)
        return -ENOMEM;
    s->n_alerts++;
    return 0;
}

static int
take_watermark(void *arg, const struct engine_watermark *w)
{
    struct snapshot *s = arg;
    if (s->n_watermarks == s->cap_watermarks) {
        size_t cap = MAX(s->cap_watermarks * 2, (size_t)32);
        struct watermark *v = arena_new_array(&s->arena, struct watermark, cap);
        if (v == NULL)
            return -ENOMEM;
        if (s->n_watermarks > 0)
            memcpy(v, s->watermarks, s->n_watermarks * sizeof v[0]);
        s->watermarks = v;
        s->cap_watermarks = cap;
    }
    struct watermark *to = &s->watermarks[s->n_watermarks++];
    *to = (struct watermark){.watermark_us = w->watermark_us,
                             .newest_us = w->newest_us,
                             .state = w->state};
    return arena_slice_dup(&s->arena, w->input, &to->input) < 0 ||
                   arena_slice_dup(&s->arena, w->partition, &to->partition) < 0
               ? -ENOMEM
               : 0;
}

static void
take_engine(void *arg, struct engine *e)
{
    struct snapshot *s = arg;
    engine_get_stats(e, &s->engine);
    (void)engine_watermarks(e, take_watermark, s);
    (void)engine_alerts(e, take_alert, s);
}

struct snapshot *
snapshot_take(struct collector *c)
{
    struct snapshot *s = mem_new(struct snapshot);
    if (s == NULL)
        return NULL;
    arena_init(&s->arena, 64 * 1024, ARENA_MAX);
    s->now_us = clock_wall_us();
    s->n_inputs = collector_n_inputs(c);
    s->n_exporters = collector_n_exporters(c);
    s->inputs = arena_new_array(&s->arena, struct input_stats, s->n_inputs + 1);
    s->exporters =
        arena_new_array(&s->arena, struct exporter_stats, s->n_exporters + 1);
    s->alerts = arena_new_array(&s->arena, struct alert, ALERTS_MAX);
    if (s->inputs == NULL || s->exporters == NULL || s->alerts == NULL ||
        loop_call(collector_loop(c), take_engine, s) < 0) {
        snapshot_free(s);
        return NULL;
    }
    loop_get_stats(collector_loop(c), &s->loop);
    journal_get_stats(collector_journal(c), &s->journal);
    outbox_get_stats(collector_outbox(c), &s->outbox);
    for (size_t i = 0; i < s->n_inputs; i++)
        input_get_stats(collector_input(c, i), &s->inputs[i]);
    for (size_t i = 0; i < s->n_exporters; i++)
        exporter_get_stats(collector_exporter(c, i), &s->exporters[i]);
    s->reload_ok = collector_reload_ok(c);
    s->reload_us = collector_reload_time(c);
    return s;
}

void
snapshot_free(struct snapshot *s)
{
    if (s == NULL)
        return;
    arena_fini(&s->arena);
    mem_free(s);
}
