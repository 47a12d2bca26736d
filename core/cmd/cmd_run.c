/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c - `run`: the collector. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "core/base/log.h"
#include "core/cmd/cmd.h"
#include "core/cmd/problems.h"
#include "core/cmd/supervise.h"
#include "core/config/configuration.h"
#include "core/host/plugins.h"

static int
run_with(const char *path)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    struct config *cfg = NULL;
    AUTO(plugins) *ps = plugins_new();
    int r = ps == NULL ? -ENOMEM : config_load(path, 0, &cfg, &errs);
    problems_print(cfg, &errs);
    int status = CMD_FAILED;
    if (r == 0) {
        struct supervise_options o = {
            .config = cfg, .plugins = ps, .path = path};
        status = supervise(&o);
    }
    config_free(cfg);
    return status;
}

static int
run(const struct cmd *cmd, int argc, char **argv)
{
    static const struct option options[] = {
        {"log-level", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    const char *path = NULL;
    enum log_level level;
    for (int c; (c = getopt_long(argc, argv, "hc:", options, NULL)) != -1;) {
        if (c == 'h')
            return cmd_help(cmd);
        if (c == 'c') {
            path = optarg;
        } else if (c == 'l') {
            if (log_level_parse(slice_from_str(optarg), &level) < 0)
                return cmd_misuse(cmd, "--log-level is error, warning, info "
                                       "or debug");
            log_set_level(level);
        } else {
            return cmd_misuse(cmd, NULL);
        }
    }
    if (path == NULL || optind != argc)
        return cmd_misuse(cmd, "name the configuration with -c");
    return run_with(path);
}

const struct cmd cmd_run = {
    .name = "run",
    .args = "-c FILE [--log-level LEVEL]",
    .summary = "run the collector",
    .help =
        "  -c FILE            the configuration (tocsin.yaml(5))\n"
        "  --log-level LEVEL  error, warning, info or debug (info)\n"
        "\n"
        "Rules are read again when their files change and at SIGHUP; SIGTERM "
        "finishes\nwhat is there and stops. Where every input is finite (files "
        "that are not\nfollowed), it ends after them.\n",
    .run = run,
};
