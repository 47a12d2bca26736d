/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/lock.h"
#include "tests/lib/unit.h"
#include "tests/unit/expect_abort.h"

static struct lock first, second;

static void
make_locks(void)
{
    lock_init(&first, (enum lock_name)0);
    lock_init(&second, (enum lock_name)1);
}

START_TEST(a_lock_knows_its_holder)
{
    make_locks();
    ck_assert(!lock_is_held(&first));
    {
        AUTO_LOCK(&first);
        AUTO_LOCK(&second);
        lock_assert_held(&first);
        lock_assert_held(&second);
    }
    ck_assert(!lock_is_held(&first));
    ck_assert(!lock_is_held(&second));
    lock_fini(&first);
    lock_fini(&second);
}
END_TEST

static void
take_in_wrong_order(void)
{
    make_locks();
    lock_take(&second);
    lock_take(&first);
}

static void
take_twice(void)
{
    make_locks();
    lock_take(&first);
    lock_take(&first);
}

static void
release_without_taking(void)
{
    make_locks();
    lock_release(&first);
}

static void
assert_without_taking(void)
{
    make_locks();
    lock_assert_held(&first);
}

static void
destroy_while_held(void)
{
    make_locks();
    lock_take(&first);
    lock_fini(&first);
}

START_TEST(misuse_aborts)
{
    char words[100];
    (void)snprintf(words, sizeof words, "lock %s taken while holding %s",
                   lock_name_str((enum lock_name)0),
                   lock_name_str((enum lock_name)1));
    expect_abort(take_in_wrong_order, words);
    expect_abort(take_twice, "taken while holding");
    expect_abort(release_without_taking, "lock_is_held");
    expect_abort(assert_without_taking, "lock_is_held");
    expect_abort(destroy_while_held, "lock_fini");
}
END_TEST

/* Two threads count to a thousand in turns. */
struct game {
    struct lock lock;
    struct cond turn;
    int n;
};

static void
play(struct game *g, int parity)
{
    AUTO_LOCK(&g->lock);
    while (g->n < 1000) {
        if (g->n % 2 == parity) {
            g->n++;
            cond_broadcast(&g->turn);
        } else {
            cond_wait(&g->turn, &g->lock);
            lock_assert_held(&g->lock);
        }
    }
}

static void *
other_player(void *p)
{
    struct game *g = (struct game *)p;
    ck_assert(!lock_is_held(&g->lock));
    play(g, 1);
    return NULL;
}

START_TEST(threads_wait_for_each_other)
{
    struct game g = {.n = 0};
    lock_init(&g.lock, (enum lock_name)0);
    cond_init(&g.turn);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, other_player, &g), 0);
    play(&g, 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(g.n, 1000);
    cond_fini(&g.turn);
    lock_fini(&g.lock);
}
END_TEST

START_TEST(a_wait_ends_at_its_deadline)
{
    struct game g = {.n = 0};
    lock_init(&g.lock, (enum lock_name)0);
    cond_init(&g.turn);
    {
        AUTO_LOCK(&g.lock);
        ck_assert_int_eq(cond_wait_until(&g.turn, &g.lock, USEC_NONE),
                         -ETIMEDOUT);
        usec_t deadline = clock_monotonic_us() + 2 * USEC_PER_MSEC;
        while (cond_wait_until(&g.turn, &g.lock, deadline) == 0)
            continue;
        ck_assert_int_ge(clock_monotonic_us(), deadline);
        lock_assert_held(&g.lock);
    }
    cond_fini(&g.turn);
    lock_fini(&g.lock);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("lock");
    TCase *tc = tcase_create("lock");
    tcase_add_test(tc, a_lock_knows_its_holder);
    tcase_add_test(tc, misuse_aborts);
    tcase_add_test(tc, threads_wait_for_each_other);
    tcase_add_test(tc, a_wait_ends_at_its_deadline);
    suite_add_tcase(s, tc);
    return unit_main(s, NULL);
}
