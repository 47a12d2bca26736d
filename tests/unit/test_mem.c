/* SPDX-License-Identifier: Apache-2.0 */
/* Slices, check.h, auto.h and the heap. */
#include "config.h"

#include <fcntl.h>

#include "core/base/auto.h"
#include "core/base/check.h"
#include "tests/lib/unit.h"
#include "tests/unit/expect_abort.h"

/* The program itself, run again with TOCSIN_FAIL_ALLOC set. */
#define CHILD_VARIABLE "TEST_MEM_CHILD"

static int released;

struct thing {
    uint32_t magic;
};

static void
thing_free(struct thing *t)
{
    released += t != NULL;
    mem_free(t);
}
DEFINE_AUTO(thing, thing_free)

static struct thing *
thing_made(bool keep)
{
    AUTO(thing) *t = mem_new(struct thing);
    ck_assert_ptr_nonnull(t);
    return keep ? TAKE(t) : NULL;
}

START_TEST(auto_releases_unless_taken)
{
    released = 0;
    ck_assert_ptr_null(thing_made(false));
    ck_assert_int_eq(released, 1);
    struct thing *t = thing_made(true);
    ck_assert_int_eq(released, 1);
    thing_free(t);
}
END_TEST

START_TEST(auto_close_closes_unless_taken_and_keeps_errno)
{
    int kept, closed;
    {
        auto_close int a = open("/dev/null", O_RDONLY | O_CLOEXEC);
        auto_close int b = open("/dev/null", O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(a, 0);
        closed = a;
        kept = TAKE_FD(b);
        errno = ENOTTY;
    }
    ck_assert_int_eq(errno, ENOTTY);
    ck_assert_int_eq(fcntl(closed, F_GETFD), -1);
    ck_assert_int_ge(fcntl(kept, F_GETFD), 0);
    ck_assert_int_eq(close(kept), 0);
}
END_TEST

START_TEST(each_kind_of_allocation_is_counted)
{
    uint64_t before = mem_count();
    auto_free void *a = mem_alloc(0);
    auto_free void *b = mem_calloc(3, 5);
    auto_free void *c = mem_realloc(NULL, 4, 4);
    auto_free char *d = mem_strdup("text");
    auto_free char *e = mem_strndup("text", 2);
    auto_free void *f = mem_dup("text", 5);
    ck_assert(a != NULL && b != NULL && c != NULL && f != NULL);
    ck_assert_str_eq(d, "text");
    ck_assert_str_eq(e, "te");
    ck_assert_uint_eq(mem_count() - before, 6);
}
END_TEST

START_TEST(the_chosen_allocation_fails_once)
{
    mem_fail_at(2);
    auto_free void *first = mem_alloc(1);
    errno = 0;
    void *second = mem_calloc(1, 1);
    auto_free void *third = mem_alloc(1);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(second);
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_ptr_nonnull(third);
}
END_TEST

START_TEST(the_environment_chooses_the_allocation_that_fails)
{
    /* By name: under valgrind the link itself leads to valgrind. */
    char exe[4096] = "";
    ck_assert_int_gt(readlink("/proc/self/exe", exe, sizeof exe - 1), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)setenv("TOCSIN_FAIL_ALLOC", "3", 1);
        (void)setenv(CHILD_VARIABLE, "1", 1);
        (void)execl(exe, "test_mem", (char *)NULL);
        _exit(1);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 42);
}
END_TEST

/* 42 if the third allocation fails and no other. */
static int
child_main(void)
{
    int failed = 0;
    for (int i = 1; i <= 5; i++) {
        void *p = mem_alloc(1);
        if (p == NULL)
            failed = failed * 10 + i;
        mem_free(p);
    }
    return failed == 3 ? 42 : 1;
}

START_TEST(sizes_that_overflow_are_refused)
{
    volatile size_t half = SIZE_MAX / 2;
    ck_assert_ptr_null(mem_calloc(half, 3));
    ck_assert_ptr_null(mem_realloc(NULL, half, 3));
    ck_assert_ptr_null(mem_strndup("x", SIZE_MAX));
}
END_TEST

static void
break_a_condition(void)
{
    (void)panic_set_stage("checkpoint");
    CHECK(1 + 1 == 3);
}

static void
use_a_wrong_object(void)
{
    struct thing t = {.magic = 0xdead0001};
    CHECK_OBJ(&t, 0x12345678u);
}

static void
use_no_object(void)
{
    struct thing *t = NULL;
    CHECK_OBJ(t, 0x12345678u);
}

START_TEST(a_broken_condition_says_where_and_what)
{
    expect_abort(break_a_condition, "break_a_condition: 1 + 1 == 3");
    expect_abort(break_a_condition, "stage \"checkpoint\"");
    expect_abort(use_a_wrong_object, "magic 0xdead0001");
    expect_abort(use_no_object, "t is NULL");
}
END_TEST

START_TEST(the_stage_before_is_given_back)
{
    ck_assert_ptr_null(panic_set_stage("decode"));
    ck_assert_str_eq(panic_set_stage(NULL), "decode");
    ck_assert_ptr_null(panic_set_stage(NULL));
}
END_TEST

START_TEST(slices_compare_bytewise_a_prefix_first)
{
    static const struct {
        struct slice a, b;
        int order;
    } cases[] = {
        {SLICE_INIT(""), {NULL, 0}, 0},
        {SLICE_INIT("a"), SLICE_INIT("a"), 0},
        {SLICE_INIT("a"), SLICE_INIT("b"), -1},
        {SLICE_INIT("a"), SLICE_INIT("ab"), -1},
        {SLICE_INIT("\xff"), SLICE_INIT("a"), 1},
        {SLICE_INIT("a\0b"), SLICE_INIT("a\0a"), 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int r = slice_cmp(cases[i].a, cases[i].b);
        ck_assert_int_eq((r > 0) - (r < 0), cases[i].order);
        r = slice_cmp(cases[i].b, cases[i].a);
        ck_assert_int_eq((r > 0) - (r < 0), -cases[i].order);
        ck_assert(slice_eq(cases[i].a, cases[i].b) == (cases[i].order == 0));
    }
    ck_assert(slice_starts_with(SLICE("abc"), SLICE("ab")));
    ck_assert(!slice_starts_with(SLICE("a"), SLICE("ab")));
    ck_assert(slice_ends_with(SLICE("abc"), SLICE("bc")));
    ck_assert(slice_ends_with(SLICE(""), SLICE("")));
    ck_assert_uint_eq(slice_skip(SLICE("abc"), 7).n, 0);
    ck_assert(slice_eq_str(slice_skip(SLICE("abc"), 1), "bc"));
}
END_TEST

START_TEST(macros_evaluate_their_arguments_once)
{
    int i = 3;
    ck_assert_int_eq(MIN(i++, 10), 3);
    ck_assert_int_eq(MAX(i++, 1), 4);
    ck_assert_int_eq(CLAMP(i++, 0, 2), 2);
    ck_assert_int_eq(i, 6);
    struct outer {
        int a, b;
    } o = {1, 2};
    ck_assert_ptr_eq(container_of(&o.b, struct outer, b), &o);
}
END_TEST

int
main(void)
{
    if (getenv(CHILD_VARIABLE) != NULL)
        return child_main();
    Suite *s = suite_create("mem");
    TCase *tc = tcase_create("mem");
    tcase_add_test(tc, auto_releases_unless_taken);
    tcase_add_test(tc, auto_close_closes_unless_taken_and_keeps_errno);
    tcase_add_test(tc, each_kind_of_allocation_is_counted);
    tcase_add_test(tc, the_chosen_allocation_fails_once);
    tcase_add_test(tc, the_environment_chooses_the_allocation_that_fails);
    tcase_add_test(tc, sizes_that_overflow_are_refused);
    tcase_add_test(tc, a_broken_condition_says_where_and_what);
    tcase_add_test(tc, the_stage_before_is_given_back);
    tcase_add_test(tc, slices_compare_bytewise_a_prefix_first);
    tcase_add_test(tc, macros_evaluate_their_arguments_once);
    suite_add_tcase(s, tc);
    return unit_main(s, NULL);
}
