/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/base/timefmt.h"
#include "core/record/chunk.h"
#include "core/record/delivery.h"
#include "core/record/dump.h"
#include "core/record/frame.h"
#include "core/record/schema.h"
#include "core/record/tick.h"
#include "core/record/transition.h"

#include <tocsin/plugin.h>

#define TRANSITION_MEM_MAX ((size_t)16 << 20)

static void
put_string(struct buf *out, const char *key, struct slice value)
{
    (void)buf_printf(out, ",\"%s\":", key);
    (void)buf_append_json_string(out, value);
}

static void
put_time(struct buf *out, const char *key, usec_t us)
{
    char text[TIME_STR_MAX];
    size_t n = time_format_rfc3339(us, TIME_MICROS, text);
    (void)buf_printf(out, ",\"%s\":\"%.*s\"", key, (int)n, text);
}

/* The name behind an id, or "#7" where the schema does not have it. */
static void
put_name(struct buf *out, const char *key, const struct slice *name,
         unsigned id)
{
    if (name)
        put_string(out, key, *name);
    else
        (void)buf_printf(out, ",\"%s\":\"#%u\"", key, id);
}

static void
put_double(struct buf *out, double v)
{
    char text[STR_DOUBLE_MAX];
    size_t n = str_format_double(v, STR_DOUBLE_G, text);
    const char *quote = isfinite(v) ? "" : "\"";
    (void)buf_printf(out, ",\"value\":%s%.*s%s", quote, (int)n, text, quote);
}

static const struct slice *
input_name(const struct schema *s, unsigned id)
{
    return s && id < s->n_inputs ? &s->inputs[id].name : NULL;
}

/* The values that are labels, or those that are not, as an object. */
static void
put_values(struct buf *out, const struct chunk *c, const struct chunk_record *r,
           const struct schema_field *fields, unsigned n_fields, bool labels)
{
    const char *comma = "";
    (void)buf_append_str(out, labels ? ",\"labels\":{" : ",\"fields\":{");
    for (unsigned i = 0; i < r->n_values; i++) {
        const struct chunk_value *v = &c->values[r->first_value + i];
        unsigned id = chunk_value_id(v);
        bool known = id < n_fields;
        if ((known && (fields[id].flags & TOCSIN_FIELD_LABEL)) != labels)
            continue;
        (void)buf_append_str(out, comma);
        if (known)
            (void)buf_append_json_string(out, fields[id].name);
        else
            (void)buf_printf(out, "\"#%u\"", id);
        (void)buf_putc(out, ':');
        (void)buf_append_json_string(out, chunk_text(c, v));
        comma = ",";
    }
    (void)buf_putc(out, '}');
}

static void
put_event(struct buf *out, const struct chunk *c, const struct chunk_record *r,
          const struct schema *s)
{
    const struct schema_stream *t =
        s && r->name < s->n_streams ? &s->streams[r->name] : NULL;
    (void)buf_append_str(out, ",\"type\":\"event\"");
    put_name(out, "stream", t ? &t->name : NULL, r->name);
    put_time(out, "time", r->time_us);
    put_values(out, c, r, t ? t->fields : NULL, t ? t->n_fields : 0, true);
    put_values(out, c, r, t ? t->fields : NULL, t ? t->n_fields : 0, false);
    put_string(out, "raw", chunk_raw(c, r));
}

/* All values of a sample are labels, whatever their flags. */
static void
put_sample(struct buf *out, const struct chunk *c, const struct chunk_record *r,
           const struct schema *s)
{
    const struct schema_metric *m =
        s && r->name < s->n_metrics ? &s->metrics[r->name] : NULL;
    (void)buf_append_str(out, ",\"type\":\"sample\"");
    put_name(out, "metric", m ? &m->name : NULL, r->name);
    put_time(out, "time", r->time_us);
    (void)buf_append_str(out, ",\"labels\":{");
    for (unsigned i = 0; i < r->n_values; i++) {
        const struct chunk_value *v = &c->values[r->first_value + i];
        unsigned id = chunk_value_id(v);
        if (i > 0)
            (void)buf_putc(out, ',');
        if (m && id < m->n_labels)
            (void)buf_append_json_string(out, m->labels[id].name);
        else
            (void)buf_printf(out, "\"#%u\"", id);
        (void)buf_putc(out, ':');
        (void)buf_append_json_string(out, chunk_text(c, v));
    }
    (void)buf_putc(out, '}');
    put_double(out, r->value);
    if (r->sequence != 0)
        (void)buf_printf(out, ",\"sequence\":%" PRIu64, r->sequence);
}

static int
dump_chunk(const struct frame *f, const struct schema *s, struct buf *out)
{
    struct chunk c;
    int r = chunk_parse(f->payload, &c);
    if (r < 0)
        return r;
    const struct chunk_head *h = c.head;
    put_name(out, "input", input_name(s, h->input), h->input);
    put_string(out, "partition", c.partition);
    (void)buf_printf(out, ",\"offset\":%" PRIu64, h->offset);
    put_string(out, "where", c.where);
    put_time(out, "received", h->received_us);
    (void)buf_printf(out, ",\"records\":%" PRIu32 ",\"raw\":%" PRIu32,
                     h->n_records, h->raw_size);
    for (uint32_t i = 0; i < h->n_records; i++) {
        const struct chunk_record *rec = &c.records[i];
        (void)buf_printf(out, "}\n{\"pos\":%" PRIu64 ",\"record\":%" PRIu32,
                         f->pos, i);
        if (rec->kind == RECORD_EVENT) {
            put_event(out, &c, rec, s);
        } else if (rec->kind == RECORD_SAMPLE) {
            put_sample(out, &c, rec, s);
        } else {
            (void)buf_append_str(out, ",\"type\":\"dead\"");
            put_string(out, "reason",
                       chunk_text(&c, &c.values[rec->first_value]));
            put_string(out, "raw", chunk_raw(&c, rec));
        }
    }
    return 0;
}

static const char *
partition_state_name(unsigned state)
{
    static const char *const names[] = {"",     "reading", "caught up",
                                        "down", "gone",    "ended"};
    return state < ARRAY_SIZE(names) ? names[state] : "";
}

static int
dump_tick(const struct frame *f, const struct schema *s, struct buf *out)
{
    struct tick_partition p;
    size_t cursor = 0, n = 0;
    int r;
    if (f->flags & TICK_REBASE)
        (void)buf_append_str(out, ",\"rebase\":true");
    (void)buf_append_str(out, ",\"partitions\":[");
    for (r = tick_next(f->payload, &cursor, &p); r > 0;
         r = tick_next(f->payload, &cursor, &p)) {
        (void)buf_printf(out, "%s{\"state\":\"%s\"", n++ > 0 ? "," : "",
                         partition_state_name(p.state));
        put_name(out, "input", input_name(s, p.input), p.input);
        put_string(out, "partition", p.name);
        (void)buf_putc(out, '}');
        if (buf_error(out) < 0)
            break;
    }
    (void)buf_putc(out, ']');
    return r;
}

static int
dump_delivery(const struct frame *f, struct buf *out)
{
    struct delivery d;
    int r = delivery_decode(f->payload, &d);
    if (r < 0)
        return r;
    (void)buf_printf(out, ",\"step\":\"%s\"",
                     d.step == DELIVERY_ATTEMPT    ? "attempt"
                     : d.outcome == DELIVERY_TAKEN ? "delivered"
                                                   : "refused");
    put_string(out, "receiver", d.target);
    put_string(out, "group", d.group_key);
    put_string(out, "key", d.key);
    (void)buf_printf(out, ",\"attempts\":%u", d.attempts);
    if (d.reason.n > 0)
        put_string(out, "reason", d.reason);
    return buf_error(out);
}

static int
dump_alert(const struct frame *f, struct buf *out)
{
    AUTO_FINI(arena) a;
    struct transition t;
    arena_init(&a, 4096, TRANSITION_MEM_MAX);
    int r = transition_decode(f->payload, &a, &t);
    if (r < 0)
        return r;
    (void)buf_printf(
        out, ",\"cause\":%" PRIu64 ",\"ordinal\":%" PRIu32 ",\"transition\":",
        t.cause.pos, t.cause.ordinal);
    return transition_json(&t, out);
}

static int
dump_schema(const struct frame *f, struct buf *out)
{
    AUTO(schema) *s = NULL;
    int r = schema_decode(f->payload, &s);
    if (r < 0)
        return r;
    (void)buf_append_str(out, ",\"inputs\":[");
    for (uint32_t i = 0; i < s->n_inputs; i++) {
        (void)buf_append_str(out, i > 0 ? "," : "");
        (void)buf_append_json_string(out, s->inputs[i].name);
    }
    (void)buf_append_str(out, "],\"streams\":[");
    for (uint32_t i = 0; i < s->n_streams; i++) {
        (void)buf_append_str(out, i > 0 ? "," : "");
        (void)buf_append_json_string(out, s->streams[i].name);
    }
    (void)buf_append_str(out, "],\"metrics\":[");
    for (uint32_t i = 0; i < s->n_metrics; i++) {
        (void)buf_append_str(out, i > 0 ? "," : "");
        (void)buf_append_json_string(out, s->metrics[i].name);
    }
    (void)buf_putc(out, ']');
    return 0;
}

static int
dump_payload(const struct frame *f, const struct schema *s, struct buf *out)
{
    switch (f->type) {
    case FRAME_SCHEMA:
        return dump_schema(f, out);
    case FRAME_CHUNK:
        return dump_chunk(f, s, out);
    case FRAME_TICK:
        return dump_tick(f, s, out);
    case FRAME_ALERT:
        return dump_alert(f, out);
    case FRAME_DELIVERY:
        return dump_delivery(f, out);
    case FRAME_MARK:
        put_string(out, "text", f->payload);
        return 0;
    default:
        (void)buf_printf(out, ",\"bytes\":%zu", f->payload.n);
        return 0;
    }
}

int
dump_frame(const struct frame *f, const struct schema *s, struct buf *out)
{
    if (buf_error(out) < 0)
        return buf_error(out);
    const char *name = frame_type_name(f->type);
    (void)buf_printf(out, "{\"pos\":%" PRIu64, f->pos);
    if (name)
        (void)buf_printf(out, ",\"type\":\"%s\"", name);
    else
        (void)buf_printf(out, ",\"type\":\"#%u\"", f->type);
    put_time(out, "time", f->time);
    if (f->repeated)
        (void)buf_append_str(out, ",\"repeated\":true");
    size_t mark = out->n;
    int r = dump_payload(f, s, out);
    if (buf_error(out) == 0 && r == -EBADMSG) {
        buf_truncate(out, mark);
        (void)buf_append_str(out, ",\"error\":\"payload can't be read\"");
    } else if (r < 0) {
        return r;
    }
    return buf_append_str(out, "}\n");
}
