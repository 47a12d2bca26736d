/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.h - everything that pages show, taken at one moment. */
#ifndef TOCSIN_HTTP_SNAPSHOT_H
#define TOCSIN_HTTP_SNAPSHOT_H
#include "core/base/arena.h"
#include "core/base/types.h"
#include "core/engine/engine.h"
#include "core/host/exporter.h"
#include "core/host/input.h"
#include "core/journal/journal.h"
#include "core/run/loop.h"
#include "core/run/outbox.h"

struct collector;

struct alert {
    uint8_t state;
    usec_t active_us;
    double value;
    uint32_t n_labels, n_annotations;
    struct label *labels, *annotations;
};

struct watermark {
    struct slice input, partition;
    usec_t watermark_us, newest_us;
    uint8_t state;
};

struct snapshot {
    struct arena arena;
    usec_t now_us;
    struct engine_stats engine;
    struct loop_stats loop;
    struct journal_stats journal;
    struct outbox_stats outbox;
    struct input_stats *inputs;
    struct exporter_stats *exporters;
    size_t n_inputs, n_exporters;
    struct watermark *watermarks;
    size_t n_watermarks, cap_watermarks;
    struct alert *alerts;
    size_t n_alerts, n_firing, n_pending;
    bool reload_ok;
    usec_t reload_us;
};

struct snapshot *snapshot_take(struct collector *c); /* NULL: stopping */
void snapshot_free(struct snapshot *s);
#endif
