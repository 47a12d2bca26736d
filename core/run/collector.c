/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/engine/ruleset.h"
#include "core/record/schema.h"
#include "core/run/assembly.h"
#include "core/run/checkpoint.h"
#include "core/run/collector.h"
#include "core/run/desk.h"
#include "core/run/ticker.h"

#define COLLECTOR_MAGIC 0xc011ec70u
#define UNSYNCED_MAX ((size_t)8 * 1024 * 1024)
#define CHECKPOINT_EVERY_US (10 * USEC_PER_SEC)
/* A restart reads so much again in about a second. */
#define KEEP_EVERY_BYTES ((int64_t)512 * 1024 * 1024)
#define PAYLOAD_MAX ((size_t)24 * 1024 * 1024)

struct collector {
    uint32_t magic;
    struct arena arena; /* paths */
    struct config *config;
    struct plugins *plugins;
    struct assembly *assembly;
    struct schema *schema; /* in force; of the assembly */
    struct journal *journal;
    struct checkpoint *checkpoint;
    struct loop *loop;
    struct outbox *outbox;
    struct ticker *ticker;
    struct input **inputs;
    struct exporter **exporters;
    size_t n_inputs, n_exporters;
    struct desk *desk;
    _Atomic usec_t reload_us;
    atomic_bool reload_ok;
};

/* ---- journal: what is in force */

static const char *
path_in(struct collector *c, const char *name)
{
    return arena_printf(&c->arena, "%s/%s", c->config->state_dir, name);
}

static void
on_synced(void *arg, uint64_t pos)
{
    struct collector *c = arg;
    for (size_t i = 0; i < c->n_inputs; i++)
        input_synced(c->inputs[i], pos);
}

/* How far a reader that pins the journal may be ahead of what it kept of its
 * place: most of the journal must be free to go. */
static uint64_t
pinned_bytes(const struct collector *c)
{
    return (uint64_t)MIN(KEEP_EVERY_BYTES,
                         c->config->journal.max_size_bytes / 16);
}

static int
open_journal(struct collector *c, uint64_t min_end, struct err *err)
{
    const struct config_journal *cj = &c->config->journal;
    struct journal_options o = {
        .dir = path_in(c, "journal"),
        .io = &io_posix,
        .max_size_bytes = (uint64_t)cj->max_size_bytes,
        .segment_size_bytes = (uint64_t)cj->segment_size_bytes,
        .retain_us = cj->retain_us,
        .sync_us =
            cj->sync_us == CONFIG_SYNC_NEVER ? JOURNAL_SYNC_NEVER : cj->sync_us,
        .unsynced_max_bytes = UNSYNCED_MAX,
        .min_end = min_end,
        .hold = true,
    };
    if (o.dir == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    return journal_open(&o, &c->journal, err);
}

static int
open_state(struct collector *c, struct err *err)
{
    const char *dir = c->config->state_dir;
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return err_set(err, -errno, "state_dir %s: %m", dir);
    struct checkpoint_options o = {
        .dir = path_in(c, "checkpoint"),
        .io = &io_posix,
        .interval_us = CHECKPOINT_EVERY_US,
        .interval_bytes = pinned_bytes(c),
    };
    if (o.dir == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    int r = checkpoint_open(&o, &c->checkpoint, err);
    struct checkpoint_mark mark = {0};
    if (r == 0 && checkpoint_peek(c->checkpoint, &mark) < 0)
        log_warn("the newest checkpoint can't be read, going on without it");
    return r < 0 ? r : open_journal(c, mark.position, err);
}

/* The schema that the journal's ids belong to, or NULL. */
static struct schema *
journal_schema(struct journal *j)
{
    struct slice payload;
    struct schema *s = NULL;
    if (journal_sticky(j, FRAME_SCHEMA, &payload) < 0)
        return NULL;
    if (schema_decode(payload, &s) < 0)
        s = NULL;
    mem_free((void *)(uintptr_t)payload.p);
    return s;
}

/* Appends a sticky frame unless the journal's newest says the same.  1:
 * appended. */
static int
put_in_force(struct journal *j, unsigned type, struct slice payload)
{
    struct slice old;
    if (journal_sticky(j, type, &old) == 0) {
        bool same = slice_eq(old, payload);
        mem_free((void *)(uintptr_t)old.p);
        if (same)
            return 0;
    }
    uint64_t pos;
    int r = journal_append(j, type, 0, clock_wall_us(), &payload, 1, &pos);
    return r < 0 ? r : 1;
}

static int
put_schema(struct collector *c, struct err *err)
{
    struct buf b = BUF_INIT(PAYLOAD_MAX);
    int r = schema_encode(c->schema, &b);
    if (r == 0)
        r = put_in_force(c->journal, FRAME_SCHEMA, buf_slice(&b));
    buf_fini(&b);
    return r < 0 ? err_set(err, r, "the schema can't be appended: %s",
                           strerror(-r))
                 : r;
}

static int
put_rules(struct collector *c, const struct ruleset *rules, struct err *err)
{
    struct buf b = BUF_INIT(PAYLOAD_MAX);
    int r = ruleset_encode(rules, &b);
    if (r == 0)
        r = put_in_force(c->journal, FRAME_RULES, buf_slice(&b));
    buf_fini(&b);
    return r < 0 ? err_set(err, r, "the rules can't be appended: %s",
                           strerror(-r))
                 : r;
}

static int
put_mark(struct collector *c, const char *what)
{
    struct slice payload = slice_from_str(what);
    uint64_t pos;
    return journal_append(c->journal, FRAME_MARK, 0, clock_wall_us(), &payload,
                          1, &pos);
}

/* ---- starting */

static int
make_input(struct collector *c, struct assembly_input *a, struct err *err)
{
    int id = schema_find_input(c->schema, slice_from_str(a->config->name));
    CHECK(id >= 0);
    struct input_options o = {
        .name = a->config->name,
        .id = (uint16_t)id,
        .schema = c->schema,
        .journal = c->journal,
        .source = TAKE(a->source),
        .decoders = a->decoders,
        .n_decoders = a->n_decoders,
        .max_record_bytes = (size_t)a->config->max_record_bytes,
    };
    a->n_decoders = 0; /* taken over */
    struct input *in;
    int r = input_new(&o, &in, err);
    if (r == 0)
        c->inputs[c->n_inputs++] = in;
    return r;
}

static int
make_exporter(struct collector *c, struct assembly_exporter *a, struct err *err)
{
    const struct config_exporter *cfg = a->config;
    struct slice *inputs =
        arena_new_array(&c->arena, struct slice, cfg->n_inputs + 1);
    struct exporter_options o = {
        .name = cfg->name,
        .plugin = TAKE(a->plugin),
        .journal = c->journal,
        .io = &io_posix,
        .cursor_dir = path_in(c, "cursors"),
        .kinds = (cfg->records & CONFIG_RECORD_EVENTS ? EXPORT_EVENTS : 0) |
                 (cfg->records & CONFIG_RECORD_SAMPLES ? EXPORT_SAMPLES : 0) |
                 (cfg->records & CONFIG_RECORD_ALERTS ? EXPORT_ALERTS : 0),
        .inputs = inputs,
        .n_inputs = cfg->n_inputs,
        .block = cfg->on_full == CONFIG_BLOCK,
        .store_bytes = pinned_bytes(c),
    };
    if (inputs == NULL || o.cursor_dir == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    for (size_t i = 0; i < cfg->n_inputs; i++)
        inputs[i] = slice_from_str(cfg->inputs[i]);
    struct exporter *e;
    int r = exporter_new(&o, &e, err);
    if (r == 0)
        c->exporters[c->n_exporters++] = e;
    return r;
}

static int
make_parts(struct collector *c, struct err *err)
{
    struct assembly *a = c->assembly;
    c->inputs = arena_new_array(&c->arena, struct input *, a->n_inputs + 1);
    c->exporters =
        arena_new_array(&c->arena, struct exporter *, a->n_exporters + 1);
    if (c->inputs == NULL || c->exporters == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    int r = 0;
    for (size_t i = 0; r == 0 && i < a->n_exporters; i++)
        r = make_exporter(c, &a->exporters[i], err);
    for (size_t i = 0; r == 0 && i < a->n_inputs; i++)
        r = make_input(c, &a->inputs[i], err);
    return r;
}

static int
start_parts(struct collector *c, struct err *err)
{
    struct loop_options lo = {c->journal, c->checkpoint, 0, 0};
    int r = loop_start(&lo, &c->loop, err);
    struct outbox_options oo = {
        .journal = c->journal,
        .io = &io_posix,
        .dir = path_in(c, "outbox"),
        .config = c->config,
        .receivers = c->assembly->receivers,
        .n_receivers = c->assembly->n_receivers,
        .save_bytes = pinned_bytes(c),
    };
    if (r == 0)
        r = outbox_start(&oo, &c->outbox, err);
    if (r == 0) /* all that need old frames have pinned them */
        journal_let_go(c->journal);
    for (size_t i = 0; r == 0 && i < c->n_exporters; i++)
        r = exporter_start(c->exporters[i], err);
    for (size_t i = 0; r == 0 && i < c->n_inputs; i++)
        r = input_start(c->inputs[i], err);
    if (r < 0)
        return r;
    c->ticker = ticker_new(c->journal, c->inputs, c->n_inputs);
    return c->ticker == NULL ? err_set(err, -ENOMEM, "out of memory")
                             : ticker_start(c->ticker, err);
}

static int
start(struct collector *c, struct errlist *errs, struct err *err)
{
    int r = open_state(c, err);
    if (r < 0)
        return r;
    AUTO(schema) *old = journal_schema(c->journal);
    r = assembly_make(c->config, c->plugins, old, errs, &c->assembly);
    if (r < 0)
        return r;
    c->schema = c->assembly->schema;
    r = make_parts(c, err);
    if (r < 0)
        return r;
    journal_on_synced(c->journal, on_synced, c);
    r = put_schema(c, err);
    if (r >= 0)
        r = put_rules(c, &c->assembly->rules, err);
    if (r >= 0)
        r = put_mark(c, "start " PACKAGE_VERSION);
    return r < 0 ? r : start_parts(c, err);
}

int
collector_start(struct config *cfg, struct plugins *plugins,
                struct collector **ret, struct errlist *errs, struct err *err)
{
    struct collector *c = mem_new(struct collector);
    if (c == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    c->magic = COLLECTOR_MAGIC;
    c->config = cfg;
    c->plugins = plugins;
    arena_init(&c->arena, 4096, 16 * 1024 * 1024);
    atomic_store(&c->reload_us, clock_wall_us());
    atomic_store(&c->reload_ok, true);
    c->desk = desk_new();
    int r = c->desk == NULL ? err_set(err, -ENOMEM, "out of memory")
                            : start(c, errs, err);
    if (r < 0) {
        collector_stop(c, clock_boot_us());
        collector_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

int
collector_reload_rules(struct collector *c, const struct config *cfg,
                       struct errlist *errs, struct err *err)
{
    struct arena arena;
    arena_init(&arena, 64 * 1024, (size_t)256 * 1024 * 1024);
    struct ruleset rules;
    int r = assembly_rules(cfg, c->schema, &arena, errs, NULL, NULL, &rules);
    if (r == 0)
        r = put_rules(c, &rules, err);
    arena_fini(&arena);
    atomic_store(&c->reload_us, clock_wall_us());
    atomic_store(&c->reload_ok, r >= 0);
    return r;
}

void
collector_reload_failed(struct collector *c)
{
    atomic_store(&c->reload_us, clock_wall_us());
    atomic_store(&c->reload_ok, false);
}

/* ---- stopping */

/* What is appended is made durable, so that who reads what is synced sees it
 * before being told to stop. */
static void
settle(struct collector *c, usec_t deadline_us)
{
    if (c->journal != NULL)
        (void)journal_sync(c->journal, journal_end(c->journal), deadline_us);
}

void
collector_stop(struct collector *c, usec_t deadline_us)
{
    CHECK_OBJ(c, COLLECTOR_MAGIC);
    if (c->journal != NULL) /* a disk that takes nothing holds up no stop */
        journal_stop_at(c->journal, deadline_us);
    for (size_t i = 0; i < c->n_inputs; i++)
        input_stop(c->inputs[i], deadline_us);
    if (c->ticker != NULL)
        ticker_stop(c->ticker);
    if (c->loop != NULL)
        loop_stop(c->loop, deadline_us);
    settle(c, deadline_us);
    if (c->outbox != NULL)
        outbox_stop(c->outbox, deadline_us);
    for (size_t i = 0; i < c->n_exporters; i++)
        exporter_stop(c->exporters[i], deadline_us);
    if (c->loop != NULL)
        (void)put_mark(c, "stop");
    settle(c, deadline_us);
}

void
collector_free(struct collector *c)
{
    if (c == NULL)
        return;
    CHECK_OBJ(c, COLLECTOR_MAGIC);
    ticker_free(c->ticker);
    outbox_free(c->outbox);
    for (size_t i = 0; i < c->n_exporters; i++)
        exporter_free(c->exporters[i]);
    loop_free(c->loop);
    checkpoint_close(c->checkpoint);
    journal_close(c->journal); /* its writer calls on_synced until here */
    for (size_t i = 0; i < c->n_inputs; i++)
        input_free(c->inputs[i]);
    assembly_free(c->assembly);
    desk_free(c->desk);
    arena_fini(&c->arena);
    c->magic = 0;
    mem_free(c);
}

/* ---- looking inside */

bool
collector_is_done(struct collector *c)
{
    for (size_t i = 0; i < c->n_inputs; i++)
        if (!input_has_ended(c->inputs[i]))
            return false;
    return true;
}

struct desk *
collector_desk(struct collector *c)
{
    return c->desk;
}

struct journal *
collector_journal(struct collector *c)
{
    return c->journal;
}

struct loop *
collector_loop(struct collector *c)
{
    return c->loop;
}

struct outbox *
collector_outbox(struct collector *c)
{
    return c->outbox;
}

size_t
collector_n_inputs(const struct collector *c)
{
    return c->n_inputs;
}

struct input *
collector_input(struct collector *c, size_t i)
{
    return c->inputs[i];
}

size_t
collector_n_exporters(const struct collector *c)
{
    return c->n_exporters;
}

struct exporter *
collector_exporter(struct collector *c, size_t i)
{
    return c->exporters[i];
}

const struct config *
collector_config(const struct collector *c)
{
    return c->config;
}

usec_t
collector_reload_time(const struct collector *c)
{
    return atomic_load(&c->reload_us);
}

bool
collector_reload_ok(const struct collector *c)
{
    return atomic_load(&c->reload_ok);
}
