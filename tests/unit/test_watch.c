/* SPDX-License-Identifier: Apache-2.0 */
/* Files that change are read again when they rest; who asks for a reload hears
 * how it went. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/run/desk.h"
#include "core/run/watch.h"
#include "tests/lib/unit.h"

#define EVERY_US USEC_PER_SEC

static char dir[64];
static usec_t now;

static const char *
path_of(const char *name)
{
    static char path[2][128];
    static unsigned turn;
    char *p = path[turn++ % 2];
    (void)snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

static void
put(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static struct watch *
watch_all(void)
{
    struct watch *w = watch_new(EVERY_US);
    ck_assert_ptr_nonnull(w);
    ck_assert_int_eq(watch_add(w, path_of("*.yaml")), 0);
    watch_known(w);
    return w;
}

/* After one more second. */
static bool
changed(struct watch *w)
{
    return watch_changed(w, now += EVERY_US);
}

static void
expect_once(struct watch *w)
{
    ck_assert(!changed(w)); /* it may not rest yet */
    ck_assert(changed(w));
    ck_assert(!changed(w));
    ck_assert(!changed(w));
}

static void
setup(void)
{
    (void)snprintf(dir, sizeof dir, "/tmp/tocsin-watch.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    put("a.yaml", "one");
    put("other", "one");
}

static void
teardown(void)
{
    static const char *const names[] = {"a.yaml", "b.yaml", "other", "link"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        (void)unlink(path_of(names[i]));
    ck_assert_int_eq(rmdir(dir), 0);
}

START_TEST(every_kind_of_change_is_told_once)
{
    AUTO(watch) *w = watch_all();
    ck_assert(!changed(w));
    put("a.yaml", "other");
    expect_once(w);
    put("b.yaml", "new");
    expect_once(w);
    put("other", "is none of the pattern's");
    ck_assert(!changed(w) && !changed(w));
    ck_assert_int_eq(rename(path_of("b.yaml"), path_of("a.yaml")), 0);
    expect_once(w);
    ck_assert_int_eq(unlink(path_of("a.yaml")), 0);
    expect_once(w);
    ck_assert_int_eq(symlink("other", path_of("a.yaml")), 0);
    expect_once(w);
    put("other", "is one, through a link");
    expect_once(w);
}
END_TEST

START_TEST(who_is_still_writing_is_waited_for)
{
    AUTO(watch) *w = watch_all();
    put("a.yaml", "o");
    ck_assert(!changed(w));
    put("a.yaml", "on");
    ck_assert(!changed(w));
    put("a.yaml", "one!");
    ck_assert(!changed(w));
    ck_assert(changed(w));
    ck_assert(!changed(w));
}
END_TEST

START_TEST(what_is_known_is_no_change)
{
    AUTO(watch) *w = watch_all();
    put("a.yaml", "other");
    watch_known(w);
    ck_assert(!changed(w) && !changed(w));
    put("a.yaml", "a third");
    ck_assert(!changed(w));
    ck_assert(!watch_changed(w, now + EVERY_US / 2)); /* too soon to look */
    ck_assert(changed(w));
}
END_TEST

struct asker {
    struct desk *desk;
    int result;
    struct err err;
};

static void *
ask(void *arg)
{
    struct asker *a = arg;
    a->result = desk_ask(a->desk, 60 * USEC_PER_SEC, &a->err);
    return NULL;
}

static void
ask_and(int result, const char *message, const char *close, struct asker *ret)
{
    AUTO(desk) *d = desk_new();
    pthread_t thread;
    *ret = (struct asker){.desk = d};
    ck_assert_int_eq(pthread_create(&thread, NULL, ask, ret), 0);
    while (!desk_is_asked(d))
        (void)sched_yield();
    if (close != NULL)
        desk_close(d, close);
    else
        desk_answer(d, result, message);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert(close != NULL || !desk_is_asked(d));
}

START_TEST(who_asks_hears_how_it_went)
{
    struct asker a;
    ask_and(0, "", NULL, &a);
    ck_assert_int_eq(a.result, 0);
    ask_and(-EINVAL, "rules.yaml:3:1: what is this", NULL, &a);
    ck_assert_int_eq(a.result, -EINVAL);
    ck_assert_str_eq(a.err.message, "rules.yaml:3:1: what is this");
    ask_and(0, "", "stopping", &a);
    ck_assert_int_eq(a.result, -ESHUTDOWN);
    ck_assert_str_eq(a.err.message, "stopping");
    AUTO(desk) *d = desk_new();
    struct err err = ERR_INIT;
    ck_assert_int_eq(desk_ask(d, 1000, &err), -ETIMEDOUT);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("watch");
    TCase *tc = tcase_create("files");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, every_kind_of_change_is_told_once);
    tcase_add_test(tc, who_is_still_writing_is_waited_for);
    tcase_add_test(tc, what_is_known_is_no_change);
    suite_add_tcase(s, tc);
    tc = tcase_create("desk");
    tcase_add_test(tc, who_asks_hears_how_it_went);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(suite(), NULL);
}
