/* SPDX-License-Identifier: Apache-2.0 */
/* lang_streams.h - a catalog of streams for the tests of the language. */
#ifndef TOCSIN_TESTS_LANG_STREAMS_H
#define TOCSIN_TESTS_LANG_STREAMS_H
#include "core/lang/catalog.h"

static const struct lang_field test_fields[] = {
    {"hub", LANG_FIELD_STRING, true, 0},
    {"device_id", LANG_FIELD_STRING, true, 1},
    {"category", LANG_FIELD_STRING, true, 2},
    {"operation", LANG_FIELD_STRING, false, 3},
    {"duration_ms", LANG_FIELD_DURATION_MS, false, 4},
    {"result_type", LANG_FIELD_STRING, false, 5},
    {"size", LANG_FIELD_BYTES, false, 6},
    {"count", LANG_FIELD_NUMBER, false, 7},
    {"ok", LANG_FIELD_BOOL, false, 8},
    {"caller_ip", LANG_FIELD_STRING, false, 9},
};

static const struct lang_stream test_streams[] = {
    {.name = "hub_logs", .fields = test_fields, .field_count = 10},
    {.name = "dps_events", .fields = test_fields, .field_count = 3},
};

static inline uint32_t
test_stream_count(void *ctx)
{
    (void)ctx;
    return ARRAY_SIZE(test_streams);
}

static inline const struct lang_stream *
test_stream_get(void *ctx, uint32_t i)
{
    (void)ctx;
    return &test_streams[i];
}

static const struct lang_catalog test_catalog = {
    .stream_count = test_stream_count, .stream_get = test_stream_get};

#endif
