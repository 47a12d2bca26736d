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
#include "core/run/assembly.h"
#include "core/run/collector.h"
#include "core/run/desk.h"
#include "core/run/watch.h"

#define DRAIN_US (30 * USEC_PER_SEC)
#define LOOK_MS 200
#define WATCH_US USEC_PER_SEC

struct running {
    const struct supervise_options *o;
    struct collector *c;
    struct watch *watch;
};

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

static int
watch_inventory(void *arg, struct slice path)
{
    return watch_add(arg, path.p);
}

/* What a reload reads, and no more. */
static int
watch_files(struct watch *w, const char *path, const struct config *cfg)
{
    watch_clear(w);
    int r = watch_add(w, path);
    for (size_t i = 0; r == 0 && i < cfg->n_rule_patterns; i++)
        r = watch_add(w, cfg->rule_patterns[i]);
    if (r == 0)
        r = ruleset_each_inventory(cfg->rule_files, cfg->n_rule_files,
                                   watch_inventory, w);
    return r;
}

/* "file:line:column: message", of the first error. */
static void
first_error(const struct errlist *errs, struct err *err)
{
    for (size_t i = 0; i < errs->n; i++) {
        const struct diag *d = &errs->diags[i];
        if (d->severity != SEVERITY_ERROR)
            continue;
        (void)err_set(err, -EINVAL, "%s:%u:%u: %s",
                      d->where.file == NULL ? "" : d->where.file, d->where.line,
                      d->where.column, d->message);
        return;
    }
}

static int
reload_rules(struct running *run, struct err *err)
{
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    AUTO(config) *cfg = NULL;
    /* What changes from here on is seen as a change of its own. */
    watch_known(run->watch);
    int r = config_load(run->o->path, 0, &cfg, &errs);
    if (r == 0) {
        r = watch_files(run->watch, run->o->path, cfg);
        watch_known(run->watch);
    }
    if (r == 0)
        r = collector_reload_rules(run->c, cfg, &errs, err);
    else
        collector_reload_failed(run->c);
    problems_print(cfg, &errs);
    if (r < 0) {
        first_error(&errs, err);
        (void)err_set(err, r, "%s", strerror(-r));
    }
    return r;
}

static void
reload(struct running *run, const char *why)
{
    struct err err = ERR_INIT;
    sd_reloading();
    usec_t began = clock_monotonic_us();
    int r = reload_rules(run, &err);
    double ms = (double)(clock_monotonic_us() - began) / USEC_PER_MSEC;
    if (r < 0)
        log_error("reload (%s): %s; the rules that were in force still are",
                  why, err.message);
    else
        log_info("reload (%s): the rules %s, after %.0f ms; other settings "
                 "change at a restart",
                 why, r > 0 ? "are in force" : "are as they were", ms);
    desk_answer(collector_desk(run->c), MIN(r, 0), err.message);
    sd_ready();
}

/* Why the rules are to be read again now, or NULL. */
static const char *
reload_reason(struct running *run, int sig)
{
    if (run->o->path == NULL)
        return NULL;
    if (desk_is_asked(collector_desk(run->c)))
        return "asked for over HTTP";
    if (sig == SIGHUP)
        return "SIGHUP";
    return watch_changed(run->watch, clock_boot_us()) ? "files changed" : NULL;
}

/* Until it should stop. */
static void
wait_for_end(struct running *run, const sigset_t *set)
{
    const struct supervise_options *o = run->o;
    usec_t end = o->for_us > 0 ? clock_boot_us() + o->for_us : USEC_MAX;
    while (clock_boot_us() < end && !collector_is_done(run->c)) {
        struct timespec wait = {0, LOOK_MS * 1000000L};
        int sig = sigtimedwait(set, NULL, &wait);
        if (sig == SIGTERM || sig == SIGINT)
            return;
        const char *why = reload_reason(run, sig);
        if (why != NULL)
            reload(run, why);
        sd_watchdog();
        struct loop_stats stats;
        loop_get_stats(collector_loop(run->c), &stats);
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
run(struct running *r, sigset_t *set)
{
    const struct supervise_options *o = r->o;
    struct collector *c = r->c;
    struct err err = ERR_INIT;
    AUTO(http_server) *http = NULL;
    if (o->config->listen_host != NULL && http_server_start(c, &http, &err) < 0)
        return cmd_error(&err);
    if (http != NULL)
        log_info("status page and metrics: http://%s:%u/",
                 o->config->listen_host, http_server_port(http));
    log_info("ready");
    sd_ready();
    wait_for_end(r, set);
    desk_close(collector_desk(c), "stopping");
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

/* Before the rules are read, so that no change is missed. */
static int
start_watching(const struct supervise_options *o, struct watch **ret,
               struct err *err)
{
    *ret = watch_new(WATCH_US);
    if (*ret == NULL ||
        (o->path != NULL && watch_files(*ret, o->path, o->config) < 0))
        return err_set(err, -ENOMEM, "out of memory");
    watch_known(*ret);
    return 0;
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
    AUTO(watch) *watch = NULL;
    int r = start_watching(o, &watch, &err);
    if (r == 0)
        r = collector_start(o->config, o->plugins, &c, &errs, &err);
    problems_print(o->config, &errs);
    if (r < 0)
        return err.code != 0 ? cmd_error(&err) : CMD_FAILED;
    struct running running = {o, c, watch};
    if (o->path == NULL)
        desk_close(collector_desk(c), "there are no files to read again");
    int status = run(&running, &set);
    collector_free(c);
    return status;
}
