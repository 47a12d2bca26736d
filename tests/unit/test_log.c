/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "tests/lib/unit.h"

static char last[8192];
static int lines;

static void
keep(void *ctx, enum log_level level, struct slice line)
{
    (void)snprintf(last, sizeof last, "%.*s", SLICE_FMT(line));
    lines++;
    errno = EXDEV; /* a sink may spoil it */
}

static void
setup(void)
{
    lines = 0;
    last[0] = '\0';
    log_set_sink(keep, NULL);
    log_set_level(LOG_INF);
    log_set_context(NULL, NULL);
}

static void
teardown(void)
{
    log_set_sink(NULL, NULL);
    (void)unsetenv("JOURNAL_STREAM");
    log_detect_journal();
}

/* What follows the time. */
static const char *
words(void)
{
    ck_assert_uint_gt(strlen(last), 25);
    ck_assert_int_eq(last[23], 'Z');
    return last + 25;
}

START_TEST(a_line_has_time_level_and_context)
{
    log_info("ready, %d inputs", 3);
    ck_assert_str_eq(words(), "info ready, 3 inputs\n");
    log_set_context("engine", "hub");
    log_error("broken");
    ck_assert_str_eq(words(), "error [engine/hub] broken\n");
    log_set_context("main", NULL);
    log_warn("odd");
    ck_assert_str_eq(words(), "warning [main] odd\n");
    log_set_context(NULL, "hub");
    log_info("fine");
    ck_assert_str_eq(words(), "info [hub] fine\n");
}
END_TEST

START_TEST(the_level_decides)
{
    log_debug("unseen");
    ck_assert_int_eq(lines, 0);
    log_set_level(LOG_DBG);
    log_debug("seen");
    ck_assert_int_eq(lines, 1);
    log_set_level(LOG_ERROR);
    log_warn("unseen");
    ck_assert_int_eq(lines, 1);
    enum log_level level;
    ck_assert_int_eq(log_level_parse(SLICE("warn"), &level), 0);
    ck_assert_int_eq(level, LOG_WARN);
    ck_assert_int_eq(log_level_parse(SLICE("debug"), &level), 0);
    ck_assert_int_eq(level, LOG_DBG);
    ck_assert_int_eq(log_level_parse(SLICE("loud"), &level), -EINVAL);
}
END_TEST

START_TEST(errno_is_kept_and_printed_by_m)
{
    errno = ENOENT;
    log_error("open: %m");
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_str_eq(words(), "error open: No such file or directory\n");
}
END_TEST

START_TEST(nothing_in_a_message_controls_the_terminal)
{
    log_info("%s", "a\nb\tc\x1b[31m\x7f\xff\xc2\x9b caf\xc3\xa9");
    ck_assert_str_eq(words(), "info a\\nb\\tc\\x1b[31m\\x7f\\xff\\xc2\\x9b "
                              "caf\xc3\xa9\n");
}
END_TEST

START_TEST(a_line_ends_at_four_kibibytes)
{
    static char text[6000];
    memset(text, 'x', sizeof text - 1);
    log_info("%s", text);
    ck_assert_uint_eq(strlen(last), 4096);
    ck_assert_int_eq(last[4095], '\n');
    memset(text, '\n', sizeof text - 1);
    log_info("%s", text);
    ck_assert_uint_eq(strlen(last), 4096);
}
END_TEST

static void
complain(void)
{
    log_limited(LOG_WARN, USEC_PER_HOUR, "full");
}

START_TEST(a_limited_line_comes_once_and_counts_the_others)
{
    struct log_limit limit = {0};
    for (int i = 0; i < 10; i++)
        complain();
    ck_assert_int_eq(lines, 1);
    ck_assert_str_eq(words(), "warning full\n");
    ck_assert(log_limit_pass(&limit, USEC_PER_HOUR));
    ck_assert(!log_limit_pass(&limit, USEC_PER_HOUR));
    ck_assert(!log_limit_pass(&limit, USEC_PER_HOUR));
    limit.next_us = 0; /* the interval has passed */
    ck_assert(log_limit_pass(&limit, USEC_PER_HOUR));
    log_write_limited(LOG_WARN, &limit, "full");
    ck_assert_str_eq(words(), "warning full (2 such lines left out)\n");
    log_write_limited(LOG_WARN, &limit, "full");
    ck_assert_str_eq(words(), "warning full\n");
}
END_TEST

static void *
other_thread(void *p)
{
    log_info("hello");
    return NULL;
}

START_TEST(a_context_belongs_to_its_thread)
{
    log_set_context("main", "x");
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, other_thread, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_str_eq(words(), "info hello\n");
}
END_TEST

START_TEST(the_journal_of_systemd_gets_a_prefix)
{
    struct stat st;
    char own[64];
    ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
    (void)snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)st.st_dev,
                   (unsigned long long)st.st_ino);
    ck_assert_int_eq(setenv("JOURNAL_STREAM", own, 1), 0);
    log_detect_journal();
    log_warn("odd");
    ck_assert_str_eq(last, "<4>odd\n");
    /* Somebody redirected standard error: no journal. */
    ck_assert_int_eq(setenv("JOURNAL_STREAM", "1:2", 1), 0);
    log_detect_journal();
    log_warn("odd");
    ck_assert_str_eq(words(), "warning odd\n");
}
END_TEST

START_TEST(a_line_goes_to_standard_error)
{
    int ends[2], saved = dup(STDERR_FILENO);
    ck_assert_int_ge(saved, 0);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    log_set_sink(NULL, NULL);
    log_error("real");
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    char text[100];
    ssize_t n = read(ends[0], text, sizeof text - 1);
    ck_assert_int_gt(n, 0);
    text[n] = '\0';
    ck_assert_str_eq(text + 25, "error real\n");
    (void)close(saved);
    (void)close(ends[0]);
    (void)close(ends[1]);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("log");
    TCase *tc = tcase_create("log");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_line_has_time_level_and_context);
    tcase_add_test(tc, the_level_decides);
    tcase_add_test(tc, errno_is_kept_and_printed_by_m);
    tcase_add_test(tc, nothing_in_a_message_controls_the_terminal);
    tcase_add_test(tc, a_line_ends_at_four_kibibytes);
    tcase_add_test(tc, a_limited_line_comes_once_and_counts_the_others);
    tcase_add_test(tc, a_context_belongs_to_its_thread);
    tcase_add_test(tc, the_journal_of_systemd_gets_a_prefix);
    tcase_add_test(tc, a_line_goes_to_standard_error);
    suite_add_tcase(s, tc);
    return unit_main(s, NULL);
}
