/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/base/auto.h"
#include "core/base/crc32c.h"
#include "core/base/crc32c_priv.h"
#include "tests/lib/unit.h"

#define BYTES 20000

/* A bit at a time, from the definition. */
static uint32_t
by_definition(uint32_t crc, const unsigned char *p, size_t n)
{
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static void
check_all_ways(const void *p, size_t n, uint32_t start, uint32_t want)
{
    struct crc32c_way way;
    size_t ways = 0;
    for (; crc32c_way(ways, &way); ways++)
        ck_assert_msg(way.fn(start, p, n) == want, "%s, %zu bytes", way.name,
                      n);
    ck_assert_uint_ge(ways, 1);
    ck_assert_uint_eq(crc32c(start, p, n), want);
}

START_TEST(the_vectors_of_rfc_3720_hold)
{
    unsigned char zeros[32] = {0}, ones[32], up[32], down[32];
    static const unsigned char read_10[48] = {
        0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0, 0,
        0x14, 0,    0, 0, 0, 0, 4, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18,
        0x28, 0,    0, 0, 0, 0, 0, 0, 2, 0, 0, 0,    0, 0, 0, 0,
    };
    memset(ones, 0xff, sizeof ones);
    for (unsigned i = 0; i < 32; i++) {
        up[i] = (unsigned char)i;
        down[i] = (unsigned char)(31 - i);
    }
    check_all_ways(zeros, 32, 0, 0x8a9136aa);
    check_all_ways(ones, 32, 0, 0x62a8ab43);
    check_all_ways(up, 32, 0, 0x46dd794e);
    check_all_ways(down, 32, 0, 0x113fdb5c);
    check_all_ways(read_10, 48, 0, 0xd9963a56);
    check_all_ways("123456789", 9, 0, 0xe3069283);
    check_all_ways(NULL, 0, 0, 0);
    check_all_ways(NULL, 0, 77, 77);
}
END_TEST

START_TEST(all_ways_agree_on_any_length_and_alignment)
{
    auto_free unsigned char *p = (unsigned char *)mem_alloc(BYTES + 16);
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < BYTES + 16; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        p[i] = (unsigned char)(x >> 32);
    }
    for (size_t n = 0; n < 800; n++)
        check_all_ways(p + n % 16, n, (uint32_t)n,
                       by_definition((uint32_t)n, p + n % 16, n));
    for (int i = 0; i < 300; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        size_t at = x % 16, n = (x >> 8) % BYTES;
        uint32_t start = (uint32_t)(x >> 32);
        check_all_ways(p + at, n, start, by_definition(start, p + at, n));
    }
}
END_TEST

START_TEST(a_sum_can_be_continued)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog";
    uint32_t whole = crc32c(0, text, sizeof text);
    for (size_t n = 0; n <= sizeof text; n++)
        ck_assert_uint_eq(crc32c(crc32c(0, text, n), text + n, sizeof text - n),
                          whole);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("crc32c");
    TCase *tc = tcase_create("crc32c");
    tcase_add_test(tc, the_vectors_of_rfc_3720_hold);
    tcase_add_test(tc, all_ways_agree_on_any_length_and_alignment);
    tcase_add_test(tc, a_sum_can_be_continued);
    suite_add_tcase(s, tc);
    return unit_main(s, NULL);
}
