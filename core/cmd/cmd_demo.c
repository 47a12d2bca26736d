/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_demo.c - `demo`: the whole collector on a simulated fleet, alerts on
 * the terminal, nothing left behind. */
#include "config.h"

#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/duration.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/cmd/cmd.h"
#include "core/cmd/problems.h"
#include "core/cmd/supervise.h"
#include "core/config/configuration.h"
#include "core/host/plugins.h"

#define TEXT_MAX ((size_t)1024 * 1024)
#define DEVICES_DEFAULT 200
#define DEVICES_MAX 10000000

struct demo {
    int64_t devices, seed;
    usec_t for_us;
    char dir[PATH_MAX];
    char rules[PATH_MAX];
};

/* Beside the executable (a build tree), else where it is installed. */
static void
rules_find(struct demo *d)
{
    ssize_t n = readlink("/proc/self/exe", d->rules, sizeof d->rules - 64);
    d->rules[n > 0 ? n : 0] = '\0';
    for (int up = 0; up < 2; up++) { /* libtool runs it from .libs/ */
        char *slash = strrchr(d->rules, '/');
        if (slash == NULL)
            break;
        memcpy(slash, "/rules/demo.yaml", sizeof "/rules/demo.yaml");
        if (access(d->rules, R_OK) == 0)
            return;
        *slash = '\0';
    }
    (void)snprintf(d->rules, sizeof d->rules, "%s/rules/demo.yaml",
                   TOCSIN_DATADIR);
}

static void
configuration(const struct demo *d, struct buf *b)
{
    (void)buf_printf(
        b,
        "state_dir: %s/state\n"
        "listen: 127.0.0.1:0\n"
        "evaluation_interval: 1s\n"
        "journal: {max_size: 256MiB, segment_size: 16MiB}\n"
        "rule_files: ['%s']\n"
        "inputs:\n"
        "  - name: fleet\n"
        "    source: {sim: {devices: %lld, seed: %lld, formats: [hub_logs]}}\n"
        "    decoders: [hub_logs]\n"
        "    lateness: 1s\n"
        "receivers:\n"
        "  - name: terminal\n"
        "    stdout_configs: [{format: text}]\n"
        "route: {receiver: terminal, group_by: ['...'], group_wait: 0s, "
        "group_interval: 1s, repeat_interval: 1h}\n",
        d->dir, d->rules, (long long)d->devices, (long long)d->seed);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int
run_in(struct demo *d)
{
    AUTO_FINI(buf) text = BUF_INIT(TEXT_MAX);
    configuration(d, &text);
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    struct config *cfg = NULL;
    AUTO(plugins) *ps = plugins_new();
    int r = ps == NULL ? -ENOMEM
                       : config_parse(buf_slice(&text), "demo", d->dir, 0, &cfg,
                                      &errs);
    int status = CMD_FAILED;
    if (r == 0) {
        printf("%lld simulated devices report to one hub; faults begin within "
               "seconds.\nAlerts follow; Ctrl-C ends the demo.\n\n",
               (long long)d->devices);
        (void)fflush(stdout);
        struct supervise_options o = {
            .config = cfg, .plugins = ps, .for_us = d->for_us};
        status = supervise(&o);
    } else {
        problems_print(cfg, &errs);
    }
    config_free(cfg);
    return status;
}

static int
demo(struct demo *d)
{
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(d->dir, sizeof d->dir, "%s/tocsin-demo-XXXXXX",
                   tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
    if (mkdtemp(d->dir) == NULL) {
        fprintf(stderr, "tocsin: %s: %s\n", d->dir, strerror(errno));
        return CMD_FAILED;
    }
    rules_find(d);
    int status = run_in(d);
    (void)nftw(d->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return status;
}

static int
run(const struct cmd *cmd, int argc, char **argv)
{
    static const struct option options[] = {
        {"for", required_argument, NULL, 'f'},
        {"devices", required_argument, NULL, 'd'},
        {"seed", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct demo d = {.devices = DEVICES_DEFAULT, .seed = 1};
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h')
            return cmd_help(cmd);
        if (c == '?')
            return cmd_misuse(cmd, NULL);
        struct slice s = slice_from_str(optarg);
        int r = c == 'f'   ? duration_parse(s, &d.for_us, NULL)
                : c == 'd' ? str_parse_i64(s, &d.devices)
                           : str_parse_i64(s, &d.seed);
        if (r < 0 || d.devices < 1 || d.devices > DEVICES_MAX || d.seed < 0)
            return cmd_misuse(cmd, "\"%s\" can't be used", optarg);
    }
    if (optind != argc)
        return cmd_misuse(cmd, "it takes no further arguments");
    return demo(&d);
}

const struct cmd cmd_demo = {
    .name = "demo",
    .args = "[--for DURATION] [--devices N] [--seed N]",
    .summary = "run on a simulated fleet, alerts on the terminal",
    .help = "  --for DURATION   stop after this (\"30s\"); otherwise Ctrl-C\n"
            "  --devices N      how many devices (200)\n"
            "  --seed N         another fleet, other faults\n",
    .run = run,
};
