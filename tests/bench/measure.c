/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c - runs a command to its end and prints what it cost:
 *
 *     measure COMMAND…           wall, user and system seconds, peak RSS (KiB)
 *     measure --ready COMMAND…   milliseconds until it says "ready" on standard
 *                                error, and its RSS (KiB) a second later
 *
 * One line of numbers on standard output; the command's own output is
 * dropped. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static pid_t
start(char **argv, int err_fd)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int null = open("/dev/null", O_RDWR);
    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(err_fd >= 0 ? err_fd : null, STDERR_FILENO);
    execvp(argv[0], argv);
    _exit(127);
}

static double
seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static int
cost(char **argv)
{
    double began = now();
    pid_t pid = start(argv, -1);
    int status;
    struct rusage u;
    if (pid < 0 || wait4(pid, &status, 0, &u) < 0 || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 0) {
        fprintf(stderr, "measure: %s failed\n", argv[0]);
        return 1;
    }
    printf("%.3f %.3f %.3f %ld\n", now() - began, seconds(u.ru_utime),
           seconds(u.ru_stime), u.ru_maxrss);
    return 0;
}

static long
rss_kib(pid_t pid)
{
    char path[64];
    long pages = 0, resident = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *f = fopen(path, "re");
    if (f == NULL || fscanf(f, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    if (f != NULL)
        (void)fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static int
ready(char **argv)
{
    int p[2];
    if (pipe(p) < 0)
        return 1;
    double began = now(), took = -1;
    pid_t pid = start(argv, p[1]);
    (void)close(p[1]);
    FILE *err = fdopen(p[0], "r");
    char line[4096];
    while (err != NULL && took < 0 && fgets(line, sizeof line, err) != NULL)
        if (strstr(line, " ready") != NULL)
            took = now() - began;
    (void)nanosleep(&(struct timespec){1, 0}, NULL);
    long rss = rss_kib(pid);
    (void)kill(pid, SIGTERM);
    while (err != NULL && fgets(line, sizeof line, err) != NULL)
        continue;
    int status;
    (void)waitpid(pid, &status, 0);
    if (took < 0) {
        fprintf(stderr, "measure: %s was never ready\n", argv[0]);
        return 1;
    }
    printf("%.1f %ld\n", took * 1000, rss);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "--ready") == 0)
        return ready(argv + 2);
    if (argc > 1)
        return cost(argv + 1);
    fprintf(stderr, "usage: measure [--ready] COMMAND…\n");
    return 2;
}
