/* SPDX-License-Identifier: Apache-2.0 */
/* test_record.c - schema, tick, transition, and the dump of frames. */
#include "config.h"

#include <errno.h>
#include <math.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/record/chunk.h"
#include "core/record/dump.h"
#include "core/record/frame.h"
#include "core/record/schema.h"
#include "core/record/tick.h"
#include "core/record/transition.h"
#include "tests/lib/unit.h"

#include <tocsin/plugin.h>

#define BUF_MAX ((size_t)1 << 20)

static const struct schema_field fields[] = {
    {SLICE_INIT("hub"), TOCSIN_FIELD_STRING, TOCSIN_FIELD_LABEL},
    {SLICE_INIT("duration_ms"), TOCSIN_FIELD_NUMBER, 0},
    {SLICE_INIT("device_id"), TOCSIN_FIELD_STRING, TOCSIN_FIELD_MANY},
};

static const struct schema_stream hub_logs = {
    .name = SLICE_INIT("hub_logs"), .n_fields = 2, .fields = fields};

static const struct schema_metric connected = {
    .name = SLICE_INIT("connected"),
    .type = TOCSIN_STATE,
    .remember_us = 5,
    .n_labels = 1,
    .labels = fields,
};

static struct schema *
make(const struct schema *old, const char *input)
{
    struct schema_builder *b = schema_builder_new(old);
    struct err err = ERR_INIT;
    int stream = schema_add_stream(b, &hub_logs, &err);
    int metric = schema_add_metric(b, &connected, &err);
    uint16_t s = (uint16_t)stream, m = (uint16_t)metric;
    struct schema_input in = {.name = slice_from_str(input),
                              .lateness_us = 120,
                              .expect_every_us = 7,
                              .active = true,
                              .n_streams = 1,
                              .n_metrics = 1,
                              .streams = &s,
                              .metrics = &m};
    ck_assert_int_ge(schema_add_input(b, &in, &err), 0);
    struct schema *ret = schema_build(b, 60);
    schema_builder_free(b);
    return ret;
}

START_TEST(ids_survive_growth)
{
    struct schema *old = make(NULL, "hub");
    struct schema_builder *b = schema_builder_new(old);
    struct schema_stream more[2] = {
        {.name = SLICE("dps_events"), .n_fields = 1, .fields = fields},
        {.name = SLICE("hub_logs"), .n_fields = 2, .fields = fields + 1},
    };
    ck_assert_int_eq(schema_add_stream(b, &more[0], NULL), 1);
    ck_assert_int_eq(schema_add_stream(b, &more[1], NULL), 0);
    struct schema *s = schema_build(b, 60);
    schema_builder_free(b);
    schema_free(old);

    ck_assert_int_eq(schema_find_stream(s, SLICE("dps_events")), 1);
    ck_assert_int_eq(schema_find_stream(s, SLICE("none")), -ENOENT);
    const struct schema_stream *t = &s->streams[0];
    ck_assert_uint_eq(t->n_fields, 3);
    ck_assert_int_eq(schema_stream_field(t, SLICE("hub")), 0);
    ck_assert_int_eq(schema_stream_field(t, SLICE("device_id")), 2);
    ck_assert_int_eq(schema_metric_label(&s->metrics[0], SLICE("hub")), 0);
    ck_assert_int_eq(schema_find_input(s, SLICE("hub")), 0);
    ck_assert(!s->inputs[0].active);
    ck_assert_uint_eq(s->inputs[0].streams[0], 0);
    schema_free(s);
}
END_TEST

START_TEST(what_contradicts_is_refused)
{
    struct schema *old = make(NULL, "hub");
    struct schema_field other = {SLICE("hub"), TOCSIN_FIELD_NUMBER,
                                 TOCSIN_FIELD_LABEL};
    struct schema_stream s1 = {
        .name = SLICE("hub_logs"), .n_fields = 1, .fields = &other};
    struct schema_stream s2 = {.name = SLICE("connected")};
    struct schema_metric m1 = {.name = SLICE("connected"),
                               .type = TOCSIN_COUNTER};
    struct schema_metric m2 = {.name = SLICE("hub_logs"),
                               .type = TOCSIN_COUNTER};
    uint16_t none = 9;
    struct schema_input in = {
        .name = SLICE("x"), .n_streams = 1, .streams = &none};
    for (int i = 0; i < 5; i++) {
        struct schema_builder *b = schema_builder_new(old);
        struct err err = ERR_INIT;
        int r = i == 0   ? schema_add_stream(b, &s1, &err)
                : i == 1 ? schema_add_stream(b, &s2, &err)
                : i == 2 ? schema_add_metric(b, &m1, &err)
                : i == 3 ? schema_add_metric(b, &m2, &err)
                         : schema_add_input(b, &in, &err);
        ck_assert_int_eq(r, -EINVAL);
        ck_assert_int_eq(err.code, -EINVAL);
        schema_builder_free(b);
    }
    schema_free(old);
}
END_TEST

START_TEST(the_255th_field_is_the_last)
{
    struct schema_builder *b = schema_builder_new(NULL);
    char names[256][8];
    struct schema_field f[256] = {{.type = 0}};
    for (int i = 0; i < 256; i++) {
        snprintf(names[i], sizeof names[i], "f%d", i);
        f[i].name = slice_from_str(names[i]);
    }
    struct schema_stream s = {.name = SLICE("s"), .n_fields = 255, .fields = f};
    ck_assert_int_eq(schema_add_stream(b, &s, NULL), 0);
    s.n_fields = 256;
    struct err err = ERR_INIT;
    ck_assert_int_eq(schema_add_stream(b, &s, &err), -E2BIG);
    schema_builder_free(b);
}
END_TEST

START_TEST(a_schema_survives_its_encoding)
{
    struct schema *a = make(NULL, "hub"), *b = make(a, "edge");
    AUTO_FINI(buf) out = BUF_INIT(BUF_MAX);
    struct schema *c = NULL;
    ck_assert_int_eq(schema_encode(b, &out), 0);
    ck_assert_int_eq(schema_decode(buf_slice(&out), &c), 0);
    ck_assert(schema_equal(b, c));
    ck_assert(!schema_equal(a, c));
    ck_assert_int_eq(c->max_future_us, 60);
    ck_assert_int_eq(c->inputs[1].lateness_us, 120);
    ck_assert_int_eq(schema_find_metric(c, SLICE("connected")), 0);

    for (size_t i = 0; i < out.n; i++) {
        struct schema *d = NULL;
        char *cut = malloc(i ? i : 1);
        memcpy(cut, out.p, i);
        ck_assert_int_lt(schema_decode(slice_new(cut, i), &d), 0);
        free(cut);
    }
    for (size_t bit = 0; bit < out.n * 8; bit++) {
        struct schema *d = NULL;
        out.p[bit / 8] ^= (char)(1 << bit % 8);
        if (schema_decode(buf_slice(&out), &d) == 0)
            schema_free(d);
        out.p[bit / 8] ^= (char)(1 << bit % 8);
    }
    schema_free(a);
    schema_free(b);
    schema_free(c);
}
END_TEST

START_TEST(want_of_memory_leaks_nothing)
{
    struct schema *a = make(NULL, "hub");
    AUTO_FINI(buf) out = BUF_INIT(BUF_MAX);
    ck_assert_int_eq(schema_encode(a, &out), 0);
    for (uint64_t n = 1; n < 20; n++) {
        struct schema *d = NULL;
        mem_fail_at(n);
        int r = schema_decode(buf_slice(&out), &d);
        mem_fail_at(0);
        ck_assert(r == 0 || r == -ENOMEM);
        schema_free(d);

        mem_fail_at(n);
        struct schema_builder *b = schema_builder_new(a);
        mem_fail_at(0);
        schema_builder_free(b);
    }
    schema_free(a);
}
END_TEST

START_TEST(a_tick_lists_its_partitions)
{
    AUTO_FINI(buf) out = BUF_INIT(BUF_MAX);
    struct tick_partition p[] = {
        {1, PARTITION_READING, SLICE("a")},
        {65535, PARTITION_DOWN, SLICE("")},
        {0, PARTITION_ENDED, SLICE("a long name")},
    };
    ck_assert_int_eq(tick_encode(p, 3, &out), 0);
    size_t cursor = 0;
    struct tick_partition q;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tick_next(buf_slice(&out), &cursor, &q), 1);
        ck_assert_uint_eq(q.input, p[i].input);
        ck_assert_uint_eq(q.state, p[i].state);
        ck_assert(slice_eq(q.name, p[i].name));
    }
    ck_assert_int_eq(tick_next(buf_slice(&out), &cursor, &q), 0);
    out.p[0] = 9;
    cursor = 0;
    ck_assert_int_eq(tick_next(buf_slice(&out), &cursor, &q), -EBADMSG);
    cursor = 0;
    ck_assert_int_eq(tick_next(slice_new(out.p, 2), &cursor, &q), -EBADMSG);
}
END_TEST

static const struct label labels[] = {
    {SLICE_INIT("alertname"), SLICE_INIT("Down")},
    {SLICE_INIT("hub"), SLICE_INIT("a\"b")},
};
static const struct slice evidence[] = {SLICE_INIT("one"), SLICE_INIT("")};

static struct transition
firing(void)
{
    return (struct transition){
        .cause = {4096, 3},
        .state = ALERT_FIRING,
        .on_arrival = true,
        .group = SLICE("g"),
        .rule = SLICE("Down"),
        .time_us = 1000000,
        .known_us = 2500000,
        .active_us = 500000,
        .fired_us = 1000000,
        .resolved_us = USEC_NONE,
        .value = 12.5,
        .episode = 0xabc,
        .fingerprint = 7,
        .n_labels = 2,
        .n_annotations = 1,
        .n_evidence = 2,
        .labels = labels,
        .annotations = labels + 1,
        .evidence = evidence,
        .expr = SLICE("x > 1"),
    };
}

START_TEST(a_transition_survives_its_encoding)
{
    struct transition t = firing(), u;
    AUTO_FINI(buf) out = BUF_INIT(BUF_MAX);
    AUTO_FINI(buf) again = BUF_INIT(BUF_MAX);
    AUTO_FINI(arena) a;
    arena_init(&a, 4096, BUF_MAX);
    ck_assert_int_eq(transition_encode(&t, &out), 0);
    ck_assert_int_eq(transition_decode(buf_slice(&out), &a, &u), 0);
    ck_assert(u.on_arrival && !u.overflow);
    ck_assert_int_eq(u.resolved_us, USEC_NONE);
    ck_assert(slice_eq_str(u.evidence[0], "one"));
    ck_assert(slice_eq_str(u.expr, "x > 1"));
    ck_assert_int_eq(transition_encode(&u, &again), 0);
    ck_assert(slice_eq(buf_slice(&out), buf_slice(&again)));

    for (size_t i = 0; i < out.n; i++) {
        char *cut = malloc(i ? i : 1);
        memcpy(cut, out.p, i);
        arena_reset(&a);
        ck_assert_int_lt(transition_decode(slice_new(cut, i), &a, &u), 0);
        free(cut);
    }
    for (size_t bit = 0; bit < out.n * 8; bit++) {
        arena_reset(&a);
        out.p[bit / 8] ^= (char)(1 << bit % 8);
        (void)!transition_decode(buf_slice(&out), &a, &u);
        out.p[bit / 8] ^= (char)(1 << bit % 8);
    }
}
END_TEST

START_TEST(a_transition_is_one_line_of_json)
{
    struct transition t = firing();
    AUTO_FINI(buf) out = BUF_INIT(BUF_MAX);
    ck_assert_int_eq(transition_json(&t, &out), 0);
    ck_assert_str_eq(
        buf_str(&out),
        "{\"time\":\"1970-01-01T00:00:01Z\","
        "\"known_at\":\"1970-01-01T00:00:02.500Z\",\"alertname\":\"Down\","
        "\"state\":\"firing\",\"labels\":{\"alertname\":\"Down\","
        "\"hub\":\"a\\\"b\"},\"value\":12.5,\"annotations\":"
        "{\"hub\":\"a\\\"b\"},\"episode\":\"0000000000000abc\"}");
    buf_reset(&out);
    t.value = NAN;
    ck_assert_int_eq(transition_json(&t, &out), 0);
    ck_assert_ptr_nonnull(strstr(buf_str(&out), "\"value\":\"NaN\","));
}
END_TEST

static void
expect_dump(unsigned type, const struct slice *parts, int n,
            const struct schema *s, const char *want)
{
    AUTO_FINI(buf) payload = BUF_INIT(BUF_MAX);
    AUTO_FINI(buf) out = BUF_INIT(BUF_MAX);
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(buf_append_slice(&payload, parts[i]), 0);
    struct frame f = {.pos = 64,
                      .time = 3000000,
                      .type = (uint16_t)type,
                      .payload = buf_slice(&payload)};
    ck_assert_int_eq(dump_frame(&f, s, &out), 0);
    ck_assert_str_eq(buf_str(&out), want);
}

#define HEAD(type)                                                             \
    "{\"pos\":64,\"type\":\"" type "\",\"time\":\"1970-01-01T00:00:03."        \
    "000000Z\""

START_TEST(a_chunk_is_dumped_with_names)
{
    struct schema *s = make(NULL, "hub");
    struct chunk_builder *b = chunk_builder_new(BUF_MAX);
    struct slice parts[CHUNK_PARTS];
    struct chunk_position next = {.offset = 9, .where = SLICE("f")};
    chunk_begin(b, 0, SLICE("p0"), 1);
    ck_assert_int_eq(chunk_add_raw(b, SLICE("eu 12")), 0);
    struct chunk_value v[] = {{0, 2u << 8 | 0}, {3, 2u << 8 | 1}};
    struct chunk_record e = {.length = 5, .kind = RECORD_EVENT};
    struct chunk_record m = {.value = 1, .kind = RECORD_SAMPLE, .sequence = 3};
    ck_assert_int_eq(chunk_add_record(b, &e, v, 2), 0);
    ck_assert_int_eq(chunk_add_record(b, &m, v, 1), 0);
    ck_assert_int_eq(chunk_add_dead(b, 0, 2, SLICE("why")), 0);
    int n = chunk_end(b, &next, parts);
    expect_dump(
        FRAME_CHUNK, parts, n, s,
        HEAD("chunk") ",\"input\":\"hub\",\"partition\":\"p0\",\"offset\":9,"
                      "\"where\":\"f\",\"received\":"
                      "\"1970-01-01T00:00:00.000001Z\",\"records\":3,"
                      "\"raw\":5}\n"
                      "{\"pos\":64,\"record\":0,\"type\":\"event\","
                      "\"stream\":\"hub_logs\",\"time\":"
                      "\"1970-01-01T00:00:00.000000Z\",\"labels\":{\"hub\":"
                      "\"eu\"},\"fields\":{\"duration_ms\":\"12\"},\"raw\":"
                      "\"eu 12\"}\n"
                      "{\"pos\":64,\"record\":1,\"type\":\"sample\","
                      "\"metric\":\"connected\",\"time\":"
                      "\"1970-01-01T00:00:00.000000Z\",\"labels\":{\"hub\":"
                      "\"eu\"},\"value\":1,\"sequence\":3}\n"
                      "{\"pos\":64,\"record\":2,\"type\":\"dead\","
                      "\"reason\":\"why\",\"raw\":\"eu\"}\n");
    expect_dump(FRAME_CHUNK, parts, 1, s,
                HEAD("chunk") ",\"error\":\"payload can't be read\"}\n");
    chunk_builder_free(b);
    schema_free(s);
}
END_TEST

START_TEST(other_frames_are_dumped)
{
    struct schema *s = make(NULL, "hub");
    AUTO_FINI(buf) out = BUF_INIT(BUF_MAX);
    struct tick_partition p[] = {{0, PARTITION_READING, SLICE("a")},
                                 {4, PARTITION_DOWN, SLICE("b")}};
    ck_assert_int_eq(tick_encode(p, 2, &out), 0);
    struct slice part = buf_slice(&out);
    expect_dump(FRAME_TICK, &part, 1, s,
                HEAD("tick") ",\"partitions\":[{\"state\":\"reading\","
                             "\"input\":\"hub\",\"partition\":\"a\"},"
                             "{\"state\":\"down\",\"input\":\"#4\","
                             "\"partition\":\"b\"}]}\n");
    buf_reset(&out);
    ck_assert_int_eq(schema_encode(s, &out), 0);
    part = buf_slice(&out);
    expect_dump(FRAME_SCHEMA, &part, 1, NULL,
                HEAD("schema") ",\"inputs\":[\"hub\"],\"streams\":"
                               "[\"hub_logs\"],\"metrics\":[\"connected\"]}\n");
    buf_reset(&out);
    struct transition t = firing();
    ck_assert_int_eq(transition_encode(&t, &out), 0);
    part = buf_slice(&out);
    AUTO_FINI(buf) line = BUF_INIT(BUF_MAX);
    struct frame f = {.pos = 1, .type = FRAME_ALERT, .payload = part};
    ck_assert_int_eq(dump_frame(&f, s, &line), 0);
    ck_assert_ptr_nonnull(strstr(buf_str(&line), "\"cause\":4096,\"ordinal\":3,"
                                                 "\"transition\":{\"time\":"));
    part = SLICE("12345");
    expect_dump(77, &part, 1, s, HEAD("#77") ",\"bytes\":5}\n");
    schema_free(s);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("record");
    TCase *t = tcase_create("record");
    tcase_add_test(t, ids_survive_growth);
    tcase_add_test(t, what_contradicts_is_refused);
    tcase_add_test(t, the_255th_field_is_the_last);
    tcase_add_test(t, a_schema_survives_its_encoding);
    tcase_add_test(t, want_of_memory_leaks_nothing);
    tcase_add_test(t, a_tick_lists_its_partitions);
    tcase_add_test(t, a_transition_survives_its_encoding);
    tcase_add_test(t, a_transition_is_one_line_of_json);
    tcase_add_test(t, a_chunk_is_dumped_with_names);
    tcase_add_test(t, other_frames_are_dumped);
    suite_add_tcase(s, t);
    return unit_main(s, NULL);
}
