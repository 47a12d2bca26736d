/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/base/arena.h"
#include "tests/lib/unit.h"

START_TEST(pieces_are_aligned_and_do_not_overlap)
{
    AUTO_FINI(arena) a;
    arena_init(&a, 256, 1 << 20);
    char *last = NULL;
    for (size_t n = 0; n < 200; n++) {
        char *p = (char *)arena_alloc(&a, n);
        ck_assert_ptr_nonnull(p);
        ck_assert_uint_eq((uintptr_t)p % 8, 0);
        ck_assert(p != last);
        memset(p, (int)n, n);
        for (size_t i = 0; last != NULL && i < n - 1; i++)
            ck_assert_int_eq((unsigned char)last[i], (int)(n - 1));
        last = p;
    }
}
END_TEST

static void
fill(struct arena *a)
{
    for (size_t n = 1; n < 300; n++)
        ck_assert_ptr_nonnull(arena_alloc(a, n * 7 % 600));
}

START_TEST(a_reset_arena_allocates_nothing_again)
{
    AUTO_FINI(arena) a;
    arena_init(&a, 512, 1 << 20);
    fill(&a);
    size_t used = arena_used(&a), total = a.total_bytes;
    uint64_t count = mem_count();
    for (int round = 0; round < 5; round++) {
        arena_reset(&a);
        ck_assert_uint_eq(arena_used(&a), 0);
        fill(&a);
    }
    ck_assert_uint_eq(arena_used(&a), used);
    ck_assert_uint_eq(a.total_bytes, total);
    ck_assert_uint_eq(mem_count(), count);
}
END_TEST

START_TEST(a_kept_block_serves_a_large_request_later)
{
    AUTO_FINI(arena) a;
    arena_init(&a, 256, 1 << 20);
    ck_assert_ptr_nonnull(arena_alloc(&a, 200));
    ck_assert_ptr_nonnull(arena_alloc(&a, 200));
    ck_assert_ptr_nonnull(arena_alloc(&a, 5000));
    arena_reset(&a);
    uint64_t count = mem_count();
    ck_assert_ptr_nonnull(arena_alloc(&a, 200));
    ck_assert_ptr_nonnull(arena_alloc(&a, 5000));
    ck_assert_ptr_nonnull(arena_alloc(&a, 200));
    ck_assert_uint_eq(mem_count(), count);
}
END_TEST

START_TEST(a_release_gives_back_what_came_after_the_mark)
{
    AUTO_FINI(arena) a;
    arena_init(&a, 256, 1 << 20);
    struct arena_mark none = arena_mark(&a);
    char *first = (char *)arena_alloc(&a, 100);
    memset(first, 'x', 100);
    struct arena_mark mark = arena_mark(&a);
    size_t used = arena_used(&a);
    fill(&a);
    size_t total = a.total_bytes;
    for (int round = 0; round < 3; round++) {
        arena_release(&a, mark);
        ck_assert_uint_eq(arena_used(&a), used);
        char *p = (char *)arena_alloc(&a, 8);
        ck_assert(p >= first + 100 || p + 8 <= first);
        fill(&a);
        ck_assert_uint_le(a.total_bytes, total + 1024);
    }
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(first[i], 'x');
    arena_release(&a, none);
    ck_assert_uint_eq(arena_used(&a), 0);
}
END_TEST

START_TEST(what_grows_from_use_to_use_allocates_at_doublings)
{
    AUTO_FINI(arena) a;
    arena_init(&a, 1024, 16 << 20);
    uint64_t before = mem_count();
    for (size_t n = 100000; n <= 1000000; n += 1000) {
        arena_reset(&a);
        ck_assert_ptr_nonnull(arena_alloc(&a, n));
    }
    ck_assert_uint_le(mem_count() - before, 5);
}
END_TEST

START_TEST(the_maximum_bounds_what_is_held)
{
    AUTO_FINI(arena) a;
    arena_init(&a, 1024, 4096);
    size_t n = 0;
    while (arena_alloc(&a, 64) != NULL)
        ck_assert_uint_lt(++n, 100);
    ck_assert_uint_gt(n, 55);
    ck_assert_uint_le(a.total_bytes, 4096);
    ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX));
    ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX - 7));
    ck_assert_ptr_null(arena_calloc(&a, SIZE_MAX / 2, 3));
}
END_TEST

START_TEST(want_of_memory_gives_null_and_spoils_nothing)
{
    AUTO_FINI(arena) a;
    arena_init(&a, 256, 1 << 20);
    char *kept = arena_strdup(&a, "kept");
    mem_fail_at(1);
    ck_assert_ptr_null(arena_alloc(&a, 1000));
    ck_assert_ptr_nonnull(arena_alloc(&a, 1000));
    ck_assert_str_eq(kept, "kept");
}
END_TEST

START_TEST(texts_are_copied_and_terminated)
{
    AUTO_FINI(arena) a;
    arena_init(&a, 256, 1 << 20);
    struct slice s;
    ck_assert_int_eq(arena_slice_dup(&a, slice_new("abc", 2), &s), 0);
    ck_assert_uint_eq(s.n, 2);
    ck_assert_str_eq(s.p, "ab");
    ck_assert_str_eq(arena_strndup(&a, "abc", 1), "a");
    ck_assert_str_eq(arena_printf(&a, "%d %s", 7, "x"), "7 x");
    char *large = arena_printf(&a, "%0900d", 1);
    ck_assert_uint_eq(strlen(large), 900);
    ck_assert_str_eq(arena_printf(&a, "%s", ""), "");
    uint64_t *zeroed = arena_new_array(&a, uint64_t, 3);
    ck_assert(zeroed[0] == 0 && zeroed[2] == 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("arena");
    TCase *tc = tcase_create("arena");
    tcase_add_test(tc, pieces_are_aligned_and_do_not_overlap);
    tcase_add_test(tc, a_reset_arena_allocates_nothing_again);
    tcase_add_test(tc, a_kept_block_serves_a_large_request_later);
    tcase_add_test(tc, a_release_gives_back_what_came_after_the_mark);
    tcase_add_test(tc, what_grows_from_use_to_use_allocates_at_doublings);
    tcase_add_test(tc, the_maximum_bounds_what_is_held);
    tcase_add_test(tc, want_of_memory_gives_null_and_spoils_nothing);
    tcase_add_test(tc, texts_are_copied_and_terminated);
    suite_add_tcase(s, tc);
    return unit_main(s, NULL);
}
