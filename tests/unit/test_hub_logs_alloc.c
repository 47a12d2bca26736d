/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder of hub logs allocates nothing per record: every malloc() of this
 * process and of the plugin is counted here. */
#include "config.h"

#include <string.h>

#include "tests/lib/decoder_host.h"
#include "tests/lib/unit.h"

#define PLUGIN "/plugins/decode_hub_logs/.libs/decode_hub_logs.so"

static size_t n_allocations;

#ifndef TOCSIN_SANITIZED

/* glibc's own, under the names it keeps for those who wrap them. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *
malloc(size_t n)
{
    n_allocations++;
    return __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
    n_allocations++;
    return __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
    n_allocations++;
    return __libc_realloc(p, n);
}

#endif

/* Plain ones, escaped ones, one that can't be walked in place, one raw. */
static const char records[] =
    "{\"time\":\"2026-05-04T08:00:01Z\",\"resourceId\":\"/PROVIDERS/MICROSOFT."
    "DEVICES/IOTHUBS/A\",\"category\":\"Connections\",\"operationName\":"
    "\"deviceConnect\",\"properties\":\"{\\\"deviceId\\\":\\\"d\\\","
    "\\\"authType"
    "\\\":\\\"{\\\\\\\"type\\\\\\\":\\\\\\\"sas\\\\\\\"}\\\"}\"}\n"
    "{\"time\":\"2026-05-04T08:00:01Z\",\"resourceId\":\"\\/PROVIDERS\\/"
    "MICROSOFT.DEVICES\\/IOTHUBS\\/B\",\"category\":\"Connections\","
    "\"location\":\"\\u0041\",\"properties\":\"{\\u0022deviceId\\u0022:"
    "\\n\\u0022"
    "x\\u0022,\\\"authType\\\":\\\"{\\u005c\\\"type\\\\\\\":"
    "\\\\\\\"sas\\\\\\\"}"
    "\\\"}\"}\n"
    "{\"time\":\"2026-05-04T08:00:01Z\",\"category\":\"Routes\","
    "\"properties\":\"{\\\"x\\\":}\"}\n"
    "{\"time\":\"2026-05-04T08:00:01Z\",\"category\":}\n"
    "{\"metricName\":1}\n";

START_TEST(nothing_is_allocated_per_record)
{
    struct decoder_host d;
    struct tocsin_context context = {0};
    struct tocsin_chunk chunk = {.struct_size = sizeof chunk,
                                 .data = records,
                                 .size = sizeof records - 1};
    const char *top = getenv("top_builddir");
    char *path = NULL;
    ck_assert_int_gt(asprintf(&path, "%s" PLUGIN, top != NULL ? top : "."), 0);
    ck_assert_int_eq(decoder_host_open(&d, path, NULL, DECODER_UNCHECKED), 0);
    d.chunk = &chunk;
    size_t before = 0, used = 0;
    for (int i = 0; i < 200; i++) { /* no check in here: it allocates */
        d.text_used = 0;
        used += (size_t)d.plugin->decode(d.instance, &chunk, &context, &d.sink);
        if (i == 0)
            before = n_allocations;
    }
    ck_assert_uint_eq(n_allocations, before);
    ck_assert_uint_eq(used, 200 * chunk.size);
    ck_assert_uint_eq(d.n_events, 600);
    ck_assert_uint_eq(d.n_rejects, 200);
    ck_assert_uint_eq(d.n_passes, 200);
#ifndef TOCSIN_SANITIZED
    ck_assert_uint_gt(before, 0); /* they are counted at all */
#endif
    decoder_host_close(&d);
    free(path);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("hub_logs allocations");
    TCase *tc = tcase_create("hub_logs allocations");
    tcase_add_test(tc, nothing_is_allocated_per_record);
    suite_add_tcase(s, tc);
    return unit_main(s, NULL);
}
