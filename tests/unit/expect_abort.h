/* SPDX-License-Identifier: Apache-2.0 */
/* expect_abort.h - runs a function in a child that is to die by abort(), with
 * or without Check's own fork. */
#ifndef TOCSIN_TESTS_EXPECT_ABORT_H
#define TOCSIN_TESTS_EXPECT_ABORT_H
#include <check.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child's standard error must contain 'words'. */
static inline void
expect_abort(void (*fn)(void), const char *words)
{
    int ends[2], status;
    char text[2048];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(ends[1], STDERR_FILENO);
        fn();
        _exit(0);
    }
    (void)close(ends[1]);
    size_t n = 0;
    for (;;) {
        ssize_t r = read(ends[0], text + n, sizeof text - 1 - n);
        if (r <= 0)
            break;
        n += (size_t)r;
    }
    text[n] = '\0';
    (void)close(ends[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
                  "did not abort: status %d, said: %s", status, text);
    ck_assert_msg(strstr(text, words) != NULL, "\"%s\" is not in: %s", words,
                  text);
}

#endif
