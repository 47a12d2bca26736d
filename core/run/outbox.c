/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/host/instance.h"
#include "core/journal/journal.h"
#include "core/run/assembly.h"
#include "core/run/outbox_priv.h"

#define OUTBOX_MAGIC 0x007b0c5eu
#define OPTIONS_MAX ((size_t)16 * 1024 * 1024)
#define READ_WAIT_US (USEC_PER_SEC / 2)
#define RETRY_MS 100

/* ---- what the notifier decides.  Under the lock. */

static void *
on_due(void *arg, struct pending *p, size_t target)
{
    struct outbox *ob = arg;
    if (!ob->live)
        return NULL; /* see go_live */
    struct item *it = courier_take(&ob->couriers[target], p);
    ob->orphans |= it == NULL;
    return it;
}

static void
on_gone(void *arg, void *cookie)
{
    (void)arg;
    if (cookie != NULL)
        item_gone(cookie);
}

static int
adopt(void *arg, struct pending *p, size_t target)
{
    struct outbox *ob = arg;
    if (pending_cookie(p) != NULL)
        return 0;
    struct item *it = courier_take(&ob->couriers[target], p);
    ob->orphans |= it == NULL;
    pending_set_cookie(p, it);
    return 0;
}

/* What is pending and has no item gets one. */
static void
adopt_all(struct outbox *ob)
{
    ob->orphans = false;
    (void)notifier_each_pending(ob->notifier, adopt, ob);
}

/* ---- the thread */

/* False: it could not be taken in, and it is time to stop. */
static bool
feed(struct outbox *ob, const struct frame *f)
{
    for (;;) {
        lock_take(&ob->lock);
        uint64_t shed = notifier_shed(ob->notifier);
        int r = notifier_feed(ob->notifier, f);
        if (ob->orphans)
            adopt_all(ob);
        lock_release(&ob->lock);
        shed = notifier_shed(ob->notifier) - shed;
        if (shed > 0)
            log_limited(LOG_ERROR, 60 * USEC_PER_SEC,
                        "notifier: a receiver takes nothing: the ends of %llu "
                        "alerts are forgotten",
                        (unsigned long long)shed);
        if (r == -EBADMSG)
            log_limited(LOG_WARN, 10 * USEC_PER_SEC,
                        "notifier: the frame at %llu can't be read, skipping "
                        "it",
                        (unsigned long long)f->pos);
        if (r != -ENOMEM)
            return true;
        log_limited(LOG_ERROR, 10 * USEC_PER_SEC,
                    "notifier: out of memory, trying again");
        if (atomic_load(&ob->stopping))
            return false;
        (void)poll(NULL, 0, RETRY_MS);
    }
}

static void
go_live(struct outbox *ob)
{
    AUTO_LOCK(&ob->lock);
    ob->live = true;
    adopt_all(ob);
}

/* Until everything synced is read that was there when it was told to stop. */
static bool
has_ended(struct outbox *ob, uint64_t *end)
{
    if (!atomic_load(&ob->stopping))
        return false;
    if (*end == 0)
        *end = journal_synced(ob->journal);
    return journal_reader_pos(ob->reader) >= *end ||
           clock_boot_us() >= atomic_load(&ob->stop_deadline_us);
}

static void *
outbox_main(void *arg)
{
    struct outbox *ob = arg;
    CHECK_OBJ(ob, OUTBOX_MAGIC);
    log_set_context("notify", NULL);
    uint64_t end = 0;
    while (!has_ended(ob, &end)) {
        struct frame f;
        if (!ob->live && journal_reader_pos(ob->reader) >= ob->target)
            go_live(ob);
        int r = journal_read(ob->reader, clock_boot_us() + READ_WAIT_US, &f);
        if (r > 0 && !feed(ob, &f))
            break;
        if (r < 0)
            log_limited(LOG_ERROR, 10 * USEC_PER_SEC,
                        "notifier: reading the journal: %s, trying again",
                        strerror(-r));
        outbox_save(ob, false);
    }
    if (!ob->live && journal_reader_pos(ob->reader) >= ob->target)
        go_live(ob);
    return NULL;
}

/* ---- starting */

/* Where links to this collector lead. */
static const char *
external_url(struct outbox *ob, const struct config *cfg)
{
    const char *url = cfg->external_url;
    if (url != NULL) {
        size_t n = strlen(url);
        while (n > 0 && url[n - 1] == '/')
            n--;
        return arena_strndup(&ob->arena, url, n);
    }
    if (cfg->listen_host == NULL || cfg->listen_port == 0)
        return NULL;
    bool v6 = strchr(cfg->listen_host, ':') != NULL;
    return arena_printf(&ob->arena, "http://%s%s%s:%u", v6 ? "[" : "",
                        cfg->listen_host, v6 ? "]" : "", cfg->listen_port);
}

static int
make_notifier(struct outbox *ob, const struct outbox_options *o,
              struct err *err)
{
    struct notifier_target *targets =
        arena_new_array(&ob->arena, struct notifier_target, o->n_receivers + 1);
    if (targets == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    for (size_t i = 0; i < o->n_receivers; i++)
        targets[i] = (struct notifier_target){o->receivers[i].config,
                                              o->receivers[i].integration};
    struct notifier_options no = {
        .route = o->config->route,
        .targets = targets,
        .n_targets = o->n_receivers,
        .external_labels = o->config->external_labels,
        .n_external_labels = o->config->n_external_labels,
        .external_url = external_url(ob, o->config),
        .due = on_due,
        .gone = on_gone,
        .arg = ob,
    };
    return notifier_new(&no, &ob->notifier, err);
}

/* The state, or nothing where there is none or it is of no use: then all that
 * the journal still has is read. */
static int
restore(struct outbox *ob, const struct outbox_options *o, struct err *err)
{
    int r = make_notifier(ob, o, err);
    if (r < 0)
        return r;
    r = outbox_load(ob);
    if (r == 0 && notifier_position(ob->notifier) > journal_end(ob->journal))
        r = -ESTALE; /* of another journal */
    if (r < 0 && r != -ENOENT) {
        log_warn("notifier: its state can't be used (%s), reading the journal "
                 "from its beginning",
                 r == -ESTALE ? "it is of another journal" : strerror(-r));
        notifier_free(TAKE(ob->notifier));
        r = make_notifier(ob, o, err);
        if (r < 0)
            return r;
    }
    uint64_t from = notifier_position(ob->notifier);
    ob->target = journal_end(ob->journal);
    ob->pin = journal_pin_new(ob->journal, from);
    if (ob->pin < 0)
        return err_set(err, -ENOSPC, "too many exporters with on_full: block");
    ob->saved_position = from;
    ob->saved_changes = notifier_changes(ob->notifier);
    r = journal_reader_new(ob->journal, from, READ_SYNCED, &ob->reader);
    if (r < 0)
        return err_set(err, r, "the journal can't be read: %s", strerror(-r));
    journal_reader_await(ob->reader);
    return 0;
}

static int
make_couriers(struct outbox *ob, const struct outbox_options *o)
{
    ob->couriers =
        arena_new_array(&ob->arena, struct courier, o->n_receivers + 1);
    if (ob->couriers == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < o->n_receivers; i++)
        courier_init(&ob->couriers[ob->n_couriers++], ob,
                     TAKE(o->receivers[i].plugin),
                     o->receivers[i].config->name);
    return 0;
}

static int
open_dir(struct outbox *ob, const char *dir, struct err *err)
{
    int r = ob->io->mkdir(ob->io->arg, AT_FDCWD, dir, 0700);
    if (r == 0 || r == -EEXIST)
        r = ob->dirfd = ob->io->open(ob->io->arg, AT_FDCWD, dir,
                                     O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    return r < 0 ? err_set(err, r, "%s: %s", dir, strerror(-r)) : 0;
}

static int
start_threads(struct outbox *ob, struct err *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < ob->n_couriers; i++)
        r = courier_start(&ob->couriers[i], err);
    if (r < 0)
        return r;
    r = -pthread_create(&ob->thread, NULL, outbox_main, ob);
    if (r < 0)
        return err_set(err, r, "no thread for the notifier: %s", strerror(-r));
    ob->running = true;
    return 0;
}

int
outbox_start(const struct outbox_options *o, struct outbox **ret,
             struct err *err)
{
    struct outbox *ob = mem_new(struct outbox);
    if (ob == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    ob->magic = OUTBOX_MAGIC;
    ob->journal = o->journal;
    ob->io = o->io;
    ob->save_bytes = o->save_bytes;
    ob->dirfd = -1;
    ob->pin = -1;
    arena_init(&ob->arena, 4096, OPTIONS_MAX);
    lock_init(&ob->lock, LOCK_OUTBOX);
    int r = make_couriers(ob, o);
    if (r == 0)
        r = open_dir(ob, o->dir, err);
    if (r == 0)
        r = restore(ob, o, err);
    if (r == 0)
        r = start_threads(ob, err);
    if (r < 0) {
        outbox_stop(ob, clock_boot_us());
        outbox_free(ob);
        return err_set(err, r, "out of memory");
    }
    *ret = ob;
    return 0;
}

/* ---- stopping */

static void
join_couriers(struct outbox *ob)
{
    lock_take(&ob->lock);
    ob->draining = true;
    for (size_t i = 0; i < ob->n_couriers; i++)
        cond_broadcast(&ob->couriers[i].wake);
    lock_release(&ob->lock);
    for (size_t i = 0; i < ob->n_couriers; i++) {
        struct courier *c = &ob->couriers[i];
        if (c->running)
            (void)pthread_join(c->thread, NULL);
        c->running = false;
    }
}

/* What the couriers have journalled at the end. */
static void
read_rest(struct outbox *ob, usec_t deadline_us)
{
    uint64_t end = journal_end(ob->journal);
    if (journal_sync(ob->journal, end, deadline_us) < 0)
        return; /* the next start reads it */
    struct frame f;
    while (journal_reader_pos(ob->reader) < end &&
           journal_read(ob->reader, clock_boot_us(), &f) > 0 && feed(ob, &f))
        continue;
}

void
outbox_stop(struct outbox *ob, usec_t deadline_us)
{
    CHECK_OBJ(ob, OUTBOX_MAGIC);
    bool was_running = ob->running;
    atomic_store(&ob->stop_deadline_us, deadline_us);
    atomic_store(&ob->stopping, true);
    if (ob->running) {
        journal_reader_wake(ob->reader);
        (void)pthread_join(ob->thread, NULL);
        ob->running = false;
    }
    join_couriers(ob);
    if (!was_running)
        return;
    read_rest(ob, deadline_us);
    outbox_save(ob, true);
}

void
outbox_free(struct outbox *ob)
{
    if (ob == NULL)
        return;
    CHECK_OBJ(ob, OUTBOX_MAGIC);
    CHECK(!ob->running);
    notifier_free(ob->notifier); /* and with it the items */
    journal_reader_free(ob->reader);
    for (size_t i = 0; i < ob->n_couriers; i++)
        courier_fini(&ob->couriers[i]);
    if (ob->dirfd >= 0)
        (void)ob->io->close(ob->io->arg, ob->dirfd);
    lock_fini(&ob->lock);
    arena_fini(&ob->arena);
    ob->magic = 0;
    mem_free(ob);
}

/* ---- looking inside */

static int
oldest_of(void *arg, struct pending *p, size_t target)
{
    usec_t *oldest = arg;
    (void)target;
    *oldest = MIN(*oldest, pending_since(p));
    return 0;
}

void
outbox_get_stats(const struct outbox *ob, struct outbox_stats *ret)
{
    struct outbox *locked = (struct outbox *)(uintptr_t)ob;
    usec_t oldest = USEC_MAX;
    AUTO_LOCK(&locked->lock);
    (void)notifier_each_pending(ob->notifier, oldest_of, &oldest);
    *ret = (struct outbox_stats){
        .sent = atomic_load(&ob->sent),
        .retries = atomic_load(&ob->retries),
        .refused = atomic_load(&ob->refused),
        .pending = notifier_n_pending(ob->notifier),
        .groups = notifier_n_groups(ob->notifier),
        .oldest_pending_us =
            oldest == USEC_MAX ? 0 : MAX(clock_wall_us() - oldest, (usec_t)1),
    };
}
