/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/codec.h"
#include "core/base/str.h"
#include "core/base/timefmt.h"
#include "core/record/transition.h"

#define TRANSITION_VERSION 1u
#define ON_ARRIVAL 1u
#define OVERFLOW 2u

static const char *const state_names[] = {"inactive", "pending", "firing",
                                          "resolved"};

const char *
alert_state_name(unsigned state)
{
    return state < ARRAY_SIZE(state_names) ? state_names[state] : "unknown";
}

static void
put_labels(struct buf *out, const struct label *l, uint32_t n)
{
    (void)buf_put_varint(out, n);
    for (uint32_t i = 0; i < n; i++) {
        (void)buf_put_slice(out, l[i].name);
        (void)buf_put_slice(out, l[i].value);
    }
}

int
transition_encode(const struct transition *t, struct buf *out)
{
    (void)buf_put_u8(out, TRANSITION_VERSION);
    (void)buf_put_u8(out, t->state);
    (void)buf_put_u8(out, (t->on_arrival ? ON_ARRIVAL : 0) |
                              (t->overflow ? OVERFLOW : 0));
    (void)buf_put_u64(out, t->cause.pos);
    (void)buf_put_u32(out, t->cause.ordinal);
    (void)buf_put_slice(out, t->group);
    (void)buf_put_slice(out, t->rule);
    (void)buf_put_zigzag(out, t->time_us);
    (void)buf_put_zigzag(out, t->known_us);
    (void)buf_put_zigzag(out, t->active_us);
    (void)buf_put_zigzag(out, t->fired_us);
    (void)buf_put_zigzag(out, t->resolved_us);
    (void)buf_put_double(out, t->value);
    (void)buf_put_u64(out, t->episode);
    (void)buf_put_u64(out, t->fingerprint);
    put_labels(out, t->labels, t->n_labels);
    put_labels(out, t->annotations, t->n_annotations);
    (void)buf_put_varint(out, t->n_evidence);
    for (uint32_t i = 0; i < t->n_evidence; i++)
        (void)buf_put_slice(out, t->evidence[i]);
    (void)buf_put_slice(out, t->expr);
    return buf_error(out);
}

/* A count of things of at least 'least' bytes each: never more than what is
 * left can hold. */
static uint32_t
get_count(struct reader *r, size_t least)
{
    uint32_t n = reader_varint32(r);
    if (n > reader_left(r) / least)
        r->bad = true;
    return r->bad ? 0 : n;
}

static int
get_labels(struct reader *r, struct arena *a, const struct label **ret,
           uint32_t *ret_n)
{
    uint32_t n = get_count(r, 2);
    struct label *l = arena_new_array(a, struct label, n);
    if (!l)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        l[i].name = reader_slice(r);
        l[i].value = reader_slice(r);
    }
    *ret = l;
    *ret_n = n;
    return 0;
}

static int
get_evidence(struct reader *r, struct arena *a, struct transition *t)
{
    uint32_t n = get_count(r, 1);
    struct slice *e = arena_new_array(a, struct slice, n);
    if (!e)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        e[i] = reader_slice(r);
    t->evidence = e;
    t->n_evidence = n;
    return 0;
}

static void
get_fixed(struct reader *r, struct transition *t)
{
    t->state = reader_u8(r);
    uint8_t bits = reader_u8(r);
    if (t->state > ALERT_RESOLVED || (bits & ~(ON_ARRIVAL | OVERFLOW)) != 0)
        r->bad = true;
    t->on_arrival = bits & ON_ARRIVAL;
    t->overflow = bits & OVERFLOW;
    t->cause.pos = reader_u64(r);
    t->cause.ordinal = reader_u32(r);
    t->group = reader_slice(r);
    t->rule = reader_slice(r);
    t->time_us = reader_zigzag(r);
    t->known_us = reader_zigzag(r);
    t->active_us = reader_zigzag(r);
    t->fired_us = reader_zigzag(r);
    t->resolved_us = reader_zigzag(r);
    t->value = reader_double(r);
    t->episode = reader_u64(r);
    t->fingerprint = reader_u64(r);
}

int
transition_decode(struct slice payload, struct arena *a, struct transition *ret)
{
    struct reader r = reader_new(payload);
    struct transition t = {0};
    if (reader_u8(&r) != TRANSITION_VERSION)
        return -EBADMSG;
    get_fixed(&r, &t);
    int e = get_labels(&r, a, &t.labels, &t.n_labels);
    if (e == 0)
        e = get_labels(&r, a, &t.annotations, &t.n_annotations);
    if (e == 0)
        e = get_evidence(&r, a, &t);
    if (e < 0)
        return e;
    t.expr = reader_slice(&r);
    if (!reader_done(&r))
        return -EBADMSG;
    *ret = t;
    return 0;
}

static void
json_time(struct buf *out, const char *key, usec_t us)
{
    char text[TIME_STR_MAX];
    size_t n = time_format_rfc3339(us, TIME_SHORTEST, text);
    (void)buf_printf(out, "\"%s\":\"%.*s\",", key, (int)n, text);
}

static void
json_labels(struct buf *out, const struct label *l, uint32_t n)
{
    (void)buf_putc(out, '{');
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0)
            (void)buf_putc(out, ',');
        (void)buf_append_json_string(out, l[i].name);
        (void)buf_putc(out, ':');
        (void)buf_append_json_string(out, l[i].value);
    }
    (void)buf_putc(out, '}');
}

int
transition_json(const struct transition *t, struct buf *out)
{
    char value[STR_DOUBLE_MAX];
    size_t n = str_format_double(t->value, STR_DOUBLE_G, value);
    const char *quote = isfinite(t->value) ? "" : "\"";

    (void)buf_putc(out, '{');
    json_time(out, "time", t->time_us);
    json_time(out, "known_at", t->known_us);
    (void)buf_append_str(out, "\"alertname\":");
    (void)buf_append_json_string(out, t->rule);
    (void)buf_printf(
        out, ",\"state\":\"%s\",\"labels\":", alert_state_name(t->state));
    json_labels(out, t->labels, t->n_labels);
    (void)buf_printf(out, ",\"value\":%s%.*s%s,\"annotations\":", quote, (int)n,
                     value, quote);
    json_labels(out, t->annotations, t->n_annotations);
    (void)buf_printf(out, ",\"episode\":\"%016" PRIx64 "\"}", t->episode);
    return buf_error(out);
}
