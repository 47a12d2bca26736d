/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/cmd/cmd.h"
#include "core/cmd/problems.h"
#include "core/cmd/sd.h"
#include "core/cmd/supervise.h"
#include "core/config/configuration.h"
#include "core/http/server.h"
#include "core/run/collector.h"

#define DRAIN_US (30 * USEC_PER_SEC)
#define LOOK_MS 200

static void
signals_block(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, set, NULL);
    /* A peer that hangs up is an error of a write, not our end. */
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

static void
reload(const struct supervise_options *o, struct collector *c)
{
    if (o->path == NULL)
        return;
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    struct err err = ERR_INIT;
    struct config *cfg = NULL;
    sd_reloading();
    int r = config_load(o->path, 0, &cfg, &errs);
    if (r == 0)
        r = collector_reload_rules(c, cfg, &errs, &err);
    else
        collector_reload_failed(c);
    problems_print(cfg, &errs);
    if (r < 0)
        log_error("reload: %s; the rules that were in force still are",
                  err.message[0] != '\0' ? err.message : "the problems above");
    else
        log_info("reload: the rules %s; other settings change at a restart",
                 r > 0 ? "are in force" : "are as they were");
    config_free(cfg);
    sd_ready();
}

/* Until it should stop. */
static void
wait_for_end(const struct supervise_options *o, struct collector *c,
             const sigset_t *set)
{
    usec_t end = o->for_us > 0 ? clock_boot_us() + o->for_us : USEC_MAX;
    while (clock_boot_us() < end && !collector_is_done(c)) {
        struct timespec wait = {0, LOOK_MS * 1000000L};
        int sig = sigtimedwait(set, NULL, &wait);
        if (sig == SIGTERM || sig == SIGINT)
            return;
        if (sig == SIGHUP)
            reload(o, c);
        sd_watchdog();
        struct loop_stats stats;
        loop_get_stats(collector_loop(c), &stats);
        if (stats.failed)
            return;
    }
}

static void *
second_signal(void *arg)
{
    const sigset_t *set = arg;
    for (;;) {
        int sig;
        if (sigwait(set, &sig) == 0 && sig != SIGHUP) {
            log_warn("stopping at once; a restart goes on from the journal");
            _Exit(CMD_FAILED);
        }
    }
    return NULL;
}

static int
run(const struct supervise_options *o, struct collector *c, sigset_t *set)
{
    struct err err = ERR_INIT;
    AUTO(http_server) *http = NULL;
    if (o->config->listen_host != NULL && http_server_start(c, &http, &err) < 0)
        return cmd_error(&err);
    if (http != NULL)
        log_info("status page and metrics: http://%s:%u/",
                 o->config->listen_host, http_server_port(http));
    log_info("ready");
    sd_ready();
    wait_for_end(o, c, set);
    sd_stopping();
    log_info("stopping: finishing what is there");
    pthread_t thread;
    if (pthread_create(&thread, NULL, second_signal, set) == 0)
        (void)pthread_detach(thread);
    struct loop_stats stats;
    loop_get_stats(collector_loop(c), &stats);
    collector_stop(c, clock_boot_us() + DRAIN_US);
    return stats.failed ? CMD_FAILED : CMD_OK;
}

int
supervise(const struct supervise_options *o)
{
    static sigset_t set; /* the second signal's thread outlives this call */
    signals_block(&set);
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    struct err err = ERR_INIT;
    struct collector *c = NULL;
    int r = collector_start(o->config, o->plugins, &c, &errs, &err);
    problems_print(o->config, &errs);
    if (r < 0)
        return err.code != 0 ? cmd_error(&err) : CMD_FAILED;
    int status = run(o, c, &set);
    collector_free(c);
    return status;
}
