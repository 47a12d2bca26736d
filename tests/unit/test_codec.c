/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <math.h>

#include "core/base/codec.h"
#include "tests/lib/unit.h"

static const uint64_t numbers[] = {
    0,          1,
    127,        128,
    16383,      16384,
    UINT32_MAX, UINT64_C(1) << 32,
    INT64_MAX,  UINT64_C(1) << 63,
    UINT64_MAX,
};

START_TEST(numbers_survive_the_round_trip)
{
    uint64_t v = numbers[_i];
    AUTO_FINI(buf) b = BUF_INIT(1000);
    (void)buf_put_u8(&b, (uint8_t)v);
    (void)buf_put_u16(&b, (uint16_t)v);
    (void)buf_put_u32(&b, (uint32_t)v);
    (void)buf_put_u64(&b, v);
    (void)buf_put_varint(&b, v);
    (void)buf_put_zigzag(&b, (int64_t)v);
    (void)buf_put_zigzag(&b, -(int64_t)(v >> 1));
    (void)buf_put_double(&b, (double)v);
    ck_assert_int_eq(buf_error(&b), 0);
    struct reader r = reader_new(buf_slice(&b));
    ck_assert_uint_eq(reader_u8(&r), (uint8_t)v);
    ck_assert_uint_eq(reader_u16(&r), (uint16_t)v);
    ck_assert_uint_eq(reader_u32(&r), (uint32_t)v);
    ck_assert_uint_eq(reader_u64(&r), v);
    ck_assert_uint_eq(reader_varint(&r), v);
    ck_assert_int_eq(reader_zigzag(&r), (int64_t)v);
    ck_assert_int_eq(reader_zigzag(&r), -(int64_t)(v >> 1));
    ck_assert_double_eq(reader_double(&r), (double)v);
    ck_assert(reader_done(&r));
}
END_TEST

START_TEST(bytes_are_little_endian)
{
    AUTO_FINI(buf) b = BUF_INIT(100);
    (void)buf_put_u32(&b, 0x01020304);
    (void)buf_put_u16(&b, 0x0506);
    (void)buf_put_varint(&b, 300);
    (void)buf_put_slice(&b, SLICE("hi"));
    ck_assert(slice_eq(buf_slice(&b), SLICE("\4\3\2\1\6\5\xac\2\2hi")));
}
END_TEST

START_TEST(the_bits_of_a_nan_survive)
{
    uint64_t bits = UINT64_C(0x7ff0000000000002), after;
    double v;
    memcpy(&v, &bits, sizeof v);
    AUTO_FINI(buf) b = BUF_INIT(100);
    (void)buf_put_double(&b, v);
    struct reader r = reader_new(buf_slice(&b));
    v = reader_double(&r);
    memcpy(&after, &v, sizeof after);
    ck_assert_uint_eq(after, bits);
}
END_TEST

START_TEST(a_reader_never_passes_the_end)
{
    AUTO_FINI(buf) b = BUF_INIT(100);
    (void)buf_put_u64(&b, 77);
    (void)buf_put_slice(&b, SLICE("text"));
    (void)buf_put_varint(&b, 1 << 20);
    for (size_t n = 0; n < b.n; n++) {
        /* A copy of exactly n bytes, so that a sanitizer sees an overrun. */
        auto_free char *copy = (char *)mem_dup(b.p, n);
        struct reader r = reader_new(slice_new(copy, n));
        uint64_t v = reader_u64(&r);
        ck_assert_uint_eq(v, n >= 8 ? 77 : 0);
        struct slice s = reader_slice(&r);
        ck_assert(slice_eq(s, n >= 13 ? SLICE("text") : SLICE("")));
        ck_assert_uint_eq(reader_varint(&r), 0);
        ck_assert(!reader_ok(&r));
        ck_assert(!reader_done(&r));
        ck_assert_uint_eq(reader_u8(&r), 0);
    }
}
END_TEST

START_TEST(an_empty_reader_is_done_and_gives_nothing)
{
    struct reader r = reader_new((struct slice){NULL, 0});
    ck_assert(reader_done(&r));
    ck_assert_uint_eq(reader_bytes(&r, 0).n, 0);
    ck_assert(reader_done(&r));
    ck_assert_uint_eq(reader_varint(&r), 0);
    ck_assert(!reader_ok(&r));
}
END_TEST

static const struct slice bad_varints[] = {
    SLICE_INIT(""),
    SLICE_INIT("\x80"),
    SLICE_INIT("\x80\x00"),
    SLICE_INIT("\xff\x80\x00"),
    SLICE_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
    SLICE_INIT("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
};

START_TEST(a_varint_has_one_form)
{
    struct reader r = reader_new(bad_varints[_i]);
    ck_assert_uint_eq(reader_varint(&r), 0);
    ck_assert(!reader_ok(&r));
}
END_TEST

START_TEST(lengths_beyond_the_input_are_refused)
{
    AUTO_FINI(buf) b = BUF_INIT(100);
    (void)buf_put_varint(&b, UINT64_MAX);
    (void)buf_append_str(&b, "few");
    struct reader r = reader_new(buf_slice(&b));
    ck_assert_uint_eq(reader_slice(&r).n, 0);
    ck_assert(!reader_ok(&r));
    r = reader_new(buf_slice(&b));
    ck_assert_uint_eq(reader_varint32(&r), 0);
    ck_assert(!reader_ok(&r));
    r = reader_new(buf_slice(&b));
    ck_assert_uint_eq(reader_bytes(&r, b.n + 1).n, 0);
    ck_assert(!reader_ok(&r));
}
END_TEST

START_TEST(a_slice_that_does_not_fit_adds_nothing)
{
    AUTO_FINI(buf) b = BUF_INIT(4);
    ck_assert_int_eq(buf_put_slice(&b, SLICE("text")), -ENOSPC);
    ck_assert_uint_eq(b.n, 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("codec");
    TCase *tc = tcase_create("codec");
    tcase_add_loop_test(tc, numbers_survive_the_round_trip, 0,
                        (int)ARRAY_SIZE(numbers));
    tcase_add_test(tc, bytes_are_little_endian);
    tcase_add_test(tc, the_bits_of_a_nan_survive);
    tcase_add_test(tc, a_reader_never_passes_the_end);
    tcase_add_test(tc, an_empty_reader_is_done_and_gives_nothing);
    tcase_add_loop_test(tc, a_varint_has_one_form, 0,
                        (int)ARRAY_SIZE(bad_varints));
    tcase_add_test(tc, lengths_beyond_the_input_are_refused);
    tcase_add_test(tc, a_slice_that_does_not_fit_adds_nothing);
    suite_add_tcase(s, tc);
    return unit_main(s, NULL);
}
