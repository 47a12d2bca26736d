/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/lock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/host/ingest.h"
#include "core/host/input.h"
#include "core/host/instance.h"
#include "core/journal/journal.h"

#define INPUT_MAGIC 0x1290f7edu
#define CHUNK_BYTES ((size_t)256 * 1024)
#define READ_WAIT_US (USEC_PER_SEC / 2) /* one read, at most */
#define BACKOFF_FIRST_US (100 * USEC_PER_MSEC)
#define BACKOFF_MAX_US (30 * USEC_PER_SEC)
#define BLOCKED_WAIT_US (50 * USEC_PER_MSEC)
#define PENDING_MAX 1024
#define REASON_MAX 512

/* A position that waits for the sync of the frame that carries it. */
struct pending {
    uint64_t journal_pos; /* synced beyond this: may be committed */
    uint32_t partition;
    uint64_t offset;
    struct slice where; /* into 'wheres' */
};

struct state {
    char *name; /* NULL: not seen yet; stays where it is */
    size_t name_size;
    enum partition_state state; /* 0: not there (any more) */
};

struct input {
    uint32_t magic;
    struct input_options o;
    struct instance **decoders;
    struct ingest *ingest;
    pthread_t thread;
    bool running;
    atomic_bool stopping, ended;
    _Atomic usec_t stop_deadline_us;
    _Atomic uint64_t synced, restarts, blocked;

    struct pending pending[PENDING_MAX]; /* a ring */
    size_t pending_first, n_pending;
    char *wheres;            /* PENDING_MAX × CHUNK_WHERE_MAX */
    char reason[REASON_MAX]; /* of the source's last failure */
    struct log_limit full_log, down_log, failed_log; /* no other input's */

    struct lock lock;     /* guards the states */
    struct state *states; /* by partition */
    uint32_t n_states;
    bool any_named; /* a partition other than "" was seen */
};

/* ---- partitions' states */

static int
states_grow(struct input *in, uint32_t n)
{
    if (n <= in->n_states)
        return 0;
    uint32_t to = MAX(n, in->n_states * 2);
    struct state *states = mem_realloc(in->states, to, sizeof states[0]);
    if (states == NULL)
        return -ENOMEM;
    memset(states + in->n_states, 0, (to - in->n_states) * sizeof states[0]);
    in->states = states;
    in->n_states = to;
    return 0;
}

static void
state_put(struct input *in, uint32_t partition, enum partition_state state)
{
    if (states_grow(in, partition + 1) < 0)
        return;
    struct state *st = &in->states[partition];
    if (st->name == NULL) {
        struct slice name = instance_partition_name(in->o.source, partition);
        st->name = mem_strndup(name.p, name.n);
        st->name_size = name.n;
    }
    if (st->name != NULL)
        st->state = state;
}

/* Before any partition is known, "" stands for them (see below); it is gone
 * with the first that has a name, be it from before a restart. */
static void
state_set_one(struct input *in, uint32_t partition, enum partition_state state)
{
    if (!in->any_named &&
        instance_partition_name(in->o.source, partition).n > 0) {
        in->any_named = true;
        state_put(in, instance_partition(in->o.source, SLICE("")),
                  PARTITION_GONE);
    }
    state_put(in, partition, state);
}

/* For all: those that were seen; where none was, those that the journal knows;
 * else the one named "". */
static void
state_set(struct input *in, uint32_t partition, enum partition_state state)
{
    AUTO_LOCK(&in->lock);
    if (partition != TOCSIN_ALL_PARTITIONS) {
        state_set_one(in, partition, state);
        return;
    }
    bool any = false;
    for (uint32_t i = 0; i < in->n_states; i++) {
        if (in->states[i].state == 0 || in->states[i].state == PARTITION_GONE)
            continue;
        in->states[i].state = state;
        any = true;
    }
    if (any)
        return;
    if (instance_n_partitions(in->o.source) == 0)
        (void)instance_partition(in->o.source, SLICE(""));
    uint32_t n = instance_n_partitions(in->o.source);
    for (uint32_t i = 0; i < n; i++)
        state_set_one(in, i, state);
}

/* Nobody reads any more: what "caught up" said does not hold from now on. */
static void
states_unknown(struct input *in)
{
    AUTO_LOCK(&in->lock);
    for (uint32_t i = 0; i < in->n_states; i++)
        if (in->states[i].state == PARTITION_CAUGHT_UP)
            in->states[i].state = PARTITION_READING;
}

int
input_partitions(struct input *in,
                 int (*fn)(void *arg, const struct tick_partition *p),
                 void *arg)
{
    AUTO_LOCK(&in->lock);
    for (uint32_t i = 0; i < in->n_states; i++) {
        struct state *st = &in->states[i];
        if (st->state == 0)
            continue;
        struct tick_partition p = {
            .input = in->o.id,
            .state = (uint8_t)st->state,
            .name = slice_new(st->name, st->name_size),
        };
        int r = fn(arg, &p);
        if (r != 0)
            return r;
        if (st->state == PARTITION_GONE) /* said once */
            st->state = 0;
    }
    return 0;
}

/* ---- acknowledgements */

/* Tells the source of every position that is durable by now. */
static void
pending_commit(struct input *in)
{
    uint64_t synced = atomic_load(&in->synced);
    while (in->n_pending > 0) {
        const struct pending *p = &in->pending[in->pending_first];
        if (p->journal_pos >= synced)
            return;
        struct tocsin_position pos = {p->offset, p->where.p, p->where.n};
        instance_begin(in->o.source);
        instance_plugin(in->o.source)
            ->commit(instance_self(in->o.source), p->partition, &pos);
        in->pending_first = (in->pending_first + 1) % PENDING_MAX;
        in->n_pending--;
    }
}

static bool
must_stop(const struct input *in)
{
    return atomic_load(&in->stopping) &&
           clock_boot_us() >= atomic_load(&in->stop_deadline_us);
}

/* Room for one more: acknowledges some first.  False: out of time, the newest
 * are not acknowledged, and come again from a source that needs it. */
static bool
pending_make_room(struct input *in)
{
    while (in->n_pending == PENDING_MAX) {
        uint64_t oldest = in->pending[in->pending_first].journal_pos + 1;
        usec_t wait = 100 * USEC_PER_MSEC;
        if (journal_sync(in->o.journal, oldest, clock_boot_us() + wait) == -EIO)
            (void)poll(NULL, 0, (int)(wait / USEC_PER_MSEC));
        atomic_store(&in->synced, journal_synced(in->o.journal));
        pending_commit(in);
        if (in->n_pending == PENDING_MAX && must_stop(in))
            return false;
    }
    return true;
}

static void
pending_add(struct input *in, uint32_t partition,
            const struct chunk_position *next, uint64_t journal_pos)
{
    if (instance_plugin(in->o.source)->commit == NULL || !pending_make_room(in))
        return;
    size_t i = (in->pending_first + in->n_pending++) % PENDING_MAX;
    char *where = in->wheres + i * CHUNK_WHERE_MAX;
    memcpy(where, next->where.p, next->where.n);
    in->pending[i] = (struct pending){
        .journal_pos = journal_pos,
        .partition = partition,
        .offset = next->offset,
        .where = slice_new(where, next->where.n),
    };
}

void
input_synced(struct input *in, uint64_t pos)
{
    atomic_store(&in->synced, pos);
    instance_wake(in->o.source);
}

/* ---- appending */

static int
append_chunk(void *arg, uint32_t partition, const struct chunk_position *next,
             const struct slice *parts, size_t n_parts, uint32_t n_records)
{
    struct input *in = arg;
    (void)n_records;
    uint64_t pos;
    int r = journal_append(in->o.journal, FRAME_CHUNK, 0, clock_wall_us(),
                           parts, n_parts, &pos);
    if (r < 0)
        return r;
    pending_add(in, partition, next, pos);
    return 0;
}

/* Sleeps, but not through a stop. */
static void
pause_us(struct input *in, usec_t us)
{
    struct pollfd fd = {instance_wake_fd(in->o.source), POLLIN, 0};
    usec_t end = clock_boot_us() + us;
    for (usec_t now = clock_boot_us(); now < end && !atomic_load(&in->stopping);
         now = clock_boot_us()) {
        (void)poll(&fd, 1, (int)((end - now) / 1000) + 1);
        instance_wake_clear(in->o.source);
        pending_commit(in);
    }
}

/* The journal is full, or memory is: waits for room.  0: try again. */
static int
wait_for_room(struct input *in, int error)
{
    atomic_fetch_add(&in->blocked, 1);
    log_limited_by(&in->full_log, LOG_WARN, 60 * USEC_PER_SEC,
                   "input \"%s\": the journal takes nothing (%s), pausing the "
                   "source until it does",
                   in->o.name, strerror(-error));
    pause_us(in, BLOCKED_WAIT_US);
    return atomic_load(&in->stopping) ? -ECANCELED : 0;
}

static int
flush(struct input *in)
{
    for (;;) {
        int r = ingest_flush(in->ingest);
        if (r >= 0)
            return 0;
        r = wait_for_room(in, r);
        if (r < 0)
            return r;
    }
}

static int
take(struct input *in, struct tocsin_chunk *chunk)
{
    state_set(in, chunk->partition, PARTITION_READING);
    if (chunk->received_us == 0)
        chunk->received_us = clock_wall_us();
    struct slice name = instance_partition_name(in->o.source, chunk->partition);
    for (;;) {
        int r = ingest_feed(in->ingest, chunk->partition, name, chunk);
        if (r == 1)
            return flush(in);
        if (r == 0)
            return 0;
        r = wait_for_room(in, r);
        if (r < 0)
            return r;
    }
}

/* ---- the thread */

struct starts {
    struct arena arena;
    struct input *in;
    struct tocsin_start *v;
    size_t n, cap;
};

static int
starts_add(void *arg, const struct journal_position *p)
{
    struct starts *s = arg;
    if (p->input != s->in->o.id)
        return 0;
    if (s->n == s->cap) {
        size_t cap = MAX(s->cap * 2, (size_t)16);
        void *v = mem_realloc(s->v, cap, sizeof s->v[0]);
        if (v == NULL)
            return -ENOMEM;
        s->v = v;
        s->cap = cap;
    }
    struct slice name, where;
    if (arena_slice_dup(&s->arena, p->partition, &name) < 0 ||
        arena_slice_dup(&s->arena, p->where, &where) < 0)
        return -ENOMEM;
    uint32_t id = instance_partition(s->in->o.source, name);
    s->v[s->n++] = (struct tocsin_start){
        .partition = id,
        .name = name.p,
        .name_size = name.n,
        .position = {p->offset, where.p, where.n},
    };
    return ingest_start(s->in->ingest, id, name, p->context, p->decoder);
}

/* The next callback of the source forgets it. */
static void
reason_keep(struct input *in)
{
    (void)snprintf(in->reason, sizeof in->reason, "%s",
                   instance_reason(in->o.source));
}

static int
source_open(struct input *in)
{
    for (uint32_t i = 0; i < instance_n_partitions(in->o.source); i++)
        ingest_forget(in->ingest, i); /* what was carried comes again */
    struct starts s = {.in = in};
    arena_init(&s.arena, 16 * 1024, 256 * 1024 * 1024);
    int r = journal_positions(in->o.journal, starts_add, &s);
    instance_begin(in->o.source);
    if (r == 0) {
        r = instance_plugin(in->o.source)
                ->open(instance_self(in->o.source), s.v, s.n);
        reason_keep(in);
    } else {
        (void)snprintf(in->reason, sizeof in->reason, "%s", strerror(-r));
    }
    mem_free(s.v);
    arena_fini(&s.arena);
    return r;
}

/* A source that never names a partition has the one named "". */
static bool
partition_is_known(struct input *in, int status, uint32_t partition)
{
    if (status == TOCSIN_ERROR || status == TOCSIN_IDLE || status == TOCSIN_END)
        return true;
    if (partition == TOCSIN_ALL_PARTITIONS)
        return status != TOCSIN_CHUNK;
    if (partition == 0 && instance_n_partitions(in->o.source) == 0)
        (void)instance_partition(in->o.source, SLICE(""));
    return partition < instance_n_partitions(in->o.source);
}

/* What read() returned.  1: go on reading; 0: the source has ended; negative:
 * it failed. */
static int
handle(struct input *in, int status, struct tocsin_chunk *chunk)
{
    if (!partition_is_known(in, status, chunk->partition)) {
        (void)snprintf(in->reason, sizeof in->reason,
                       "the plugin tells of partition %u, which it never named",
                       chunk->partition);
        return -EIO;
    }
    if (status != TOCSIN_CHUNK && flush(in) < 0)
        return -ECANCELED;
    switch (status) {
    case TOCSIN_CHUNK:
        return take(in, chunk) < 0 ? -ECANCELED : 1;
    case TOCSIN_IDLE:
        return 1;
    case TOCSIN_CAUGHT_UP:
        state_set(in, chunk->partition, PARTITION_CAUGHT_UP);
        return 1;
    case TOCSIN_DOWN:
    case TOCSIN_SCRAPE_FAILED:
        log_limited_by(&in->down_log, LOG_WARN, 60 * USEC_PER_SEC,
                       "input \"%s\": down: %s, trying again", in->o.name,
                       in->reason);
        state_set(in, chunk->partition, PARTITION_DOWN);
        return 1;
    case TOCSIN_GONE:
        state_set(in, chunk->partition, PARTITION_GONE);
        ingest_forget(in->ingest, chunk->partition);
        return 1;
    case TOCSIN_OVER:
        state_set(in, chunk->partition, PARTITION_ENDED);
        ingest_forget(in->ingest, chunk->partition);
        return 1;
    case TOCSIN_SCRAPE_BEGIN:
    case TOCSIN_SCRAPE_END:
        state_set(in, chunk->partition,
                  status == TOCSIN_SCRAPE_END ? PARTITION_CAUGHT_UP
                                              : PARTITION_READING);
        return 1;
    case TOCSIN_END:
        state_set(in, TOCSIN_ALL_PARTITIONS, PARTITION_ENDED);
        return 0;
    default:
        return -EIO;
    }
}

/* Reads until the source ends (0), fails (negative) or a stop is asked. */
static int
source_run(struct input *in)
{
    const struct tocsin_plugin *p = instance_plugin(in->o.source);
    while (!atomic_load(&in->stopping)) {
        struct tocsin_chunk chunk = {.struct_size = sizeof chunk};
        usec_t deadline = clock_boot_us();
        if (ingest_is_empty(in->ingest)) /* else only what is there now */
            deadline += READ_WAIT_US;
        instance_begin(in->o.source);
        int status = p->read(instance_self(in->o.source), deadline, &chunk);
        reason_keep(in);
        instance_wake_clear(in->o.source);
        int r = handle(in, status, &chunk);
        pending_commit(in);
        if (r <= 0)
            return r;
    }
    return 1;
}

/* Appends what is left, and commits it once it is synced. */
static void
source_finish(struct input *in)
{
    if (ingest_flush(in->ingest) < 0)
        log_warn("input \"%s\": what was read last could not be appended, it "
                 "will be read again",
                 in->o.name);
    usec_t deadline = atomic_load(&in->stopping)
                          ? atomic_load(&in->stop_deadline_us)
                          : clock_boot_us() + 5 * USEC_PER_SEC;
    (void)journal_sync(in->o.journal, journal_end(in->o.journal), deadline);
    atomic_store(&in->synced, journal_synced(in->o.journal));
    pending_commit(in);
    in->n_pending = 0;
    instance_begin(in->o.source);
    instance_plugin(in->o.source)->close(instance_self(in->o.source));
    states_unknown(in);
}

static void *
input_main(void *arg)
{
    struct input *in = arg;
    CHECK_OBJ(in, INPUT_MAGIC);
    log_set_context("input", in->o.name);
    usec_t backoff = BACKOFF_FIRST_US;
    while (!atomic_load(&in->stopping)) {
        usec_t began = clock_boot_us();
        int r = source_open(in);
        if (r == 0) {
            r = source_run(in);
            source_finish(in);
        }
        if (r == 0) { /* a finite source: all is appended */
            atomic_store(&in->ended, true);
            break;
        }
        if (atomic_load(&in->stopping))
            break;
        if (clock_boot_us() - began > BACKOFF_MAX_US)
            backoff = BACKOFF_FIRST_US;
        state_set(in, TOCSIN_ALL_PARTITIONS, PARTITION_DOWN);
        atomic_fetch_add(&in->restarts, 1);
        log_limited_by(&in->failed_log, LOG_ERROR, 10 * USEC_PER_SEC,
                       "input \"%s\": %s, opening it again in %lld ms",
                       in->o.name, in->reason,
                       (long long)(backoff / USEC_PER_MSEC));
        pause_us(in, backoff);
        backoff = MIN(backoff * 2, BACKOFF_MAX_US);
    }
    return NULL;
}

int
input_start(struct input *in, struct err *err)
{
    int r = pthread_create(&in->thread, NULL, input_main, in);
    if (r != 0)
        return err_set(err, -r, "no thread for input \"%s\": %s", in->o.name,
                       strerror(r));
    in->running = true;
    return 0;
}

void
input_stop(struct input *in, usec_t deadline_us)
{
    if (!in->running)
        return;
    atomic_store(&in->stop_deadline_us, deadline_us);
    atomic_store(&in->stopping, true);
    instance_wake(in->o.source);
    (void)pthread_join(in->thread, NULL);
    in->running = false;
}

int
input_new(const struct input_options *o, struct input **ret, struct err *err)
{
    struct input *in = mem_new(struct input);
    if (in == NULL) {
        instance_free(o->source);
        for (size_t i = 0; i < o->n_decoders; i++)
            instance_free(o->decoders[i]);
        return err_set(err, -ENOMEM, "out of memory");
    }
    in->magic = INPUT_MAGIC;
    in->o = *o;
    lock_init(&in->lock, LOCK_INPUT);
    in->decoders = mem_new_array(struct instance *, o->n_decoders + 1);
    if (in->decoders != NULL && o->n_decoders > 0)
        memcpy(in->decoders, o->decoders,
               o->n_decoders * sizeof o->decoders[0]);
    in->wheres = mem_alloc((size_t)PENDING_MAX * CHUNK_WHERE_MAX);
    struct ingest_options io = {
        .input = o->id,
        .schema = o->schema,
        .decoders = in->decoders,
        .n_decoders = o->n_decoders,
        .max_record_bytes = o->max_record_bytes,
        .chunk_bytes = MIN(CHUNK_BYTES, journal_payload_max(o->journal) / 4),
        .max_chunk_bytes = journal_payload_max(o->journal),
        .append = append_chunk,
        .arg = in,
    };
    if (in->decoders != NULL)
        in->ingest = ingest_new(&io);
    if (in->decoders == NULL || in->wheres == NULL || in->ingest == NULL) {
        input_free(in);
        return err_set(err, -ENOMEM, "out of memory");
    }
    *ret = in;
    return 0;
}

void
input_free(struct input *in)
{
    if (in == NULL)
        return;
    CHECK_OBJ(in, INPUT_MAGIC);
    CHECK(!in->running);
    ingest_free(in->ingest);
    instance_free(in->o.source);
    for (size_t i = 0; i < in->o.n_decoders; i++)
        instance_free(in->decoders != NULL ? in->decoders[i]
                                           : in->o.decoders[i]);
    mem_free(in->decoders);
    mem_free(in->wheres);
    for (uint32_t i = 0; i < in->n_states; i++)
        mem_free(in->states[i].name);
    mem_free(in->states);
    lock_fini(&in->lock);
    in->magic = 0;
    mem_free(in);
}

bool
input_has_ended(const struct input *in)
{
    return atomic_load(&in->ended);
}

void
input_get_stats(const struct input *in, struct input_stats *ret)
{
    const struct ingest_stats *s = ingest_get_stats(in->ingest);
    *ret = (struct input_stats){
        .name = in->o.name,
        .bytes = atomic_load_explicit(&s->bytes, memory_order_relaxed),
        .chunks = atomic_load_explicit(&s->chunks, memory_order_relaxed),
        .records = atomic_load_explicit(&s->records, memory_order_relaxed),
        .samples = atomic_load_explicit(&s->samples, memory_order_relaxed),
        .dead = atomic_load_explicit(&s->dead, memory_order_relaxed),
        .restarts = atomic_load(&in->restarts),
        .blocked = atomic_load(&in->blocked),
    };
}

const struct instance *
input_source(const struct input *in)
{
    return in->o.source;
}
