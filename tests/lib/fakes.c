/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/lib/fakes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/host/tables.h"
#include "tests/lib/unit.h"

#undef fail /* Check's */

#define LOG_MAX ((size_t)64 * 1024 * 1024)

/* ---- a journal's folder */

void
fake_dir_make(struct fake_dir *d)
{
    snprintf(d->path, sizeof d->path, "/tmp/tocsin-unit.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(d->path));
}

static void
remove_all(int at, const char *path)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(dir), e->d_name, 0) < 0)
            remove_all(dirfd(dir), e->d_name);
    }
    if (dir != NULL)
        (void)closedir(dir);
    (void)unlinkat(at, path, AT_REMOVEDIR);
}

void
fake_dir_remove(struct fake_dir *d)
{
    remove_all(AT_FDCWD, d->path);
}

void
fake_wait(unsigned tries, const char *what, const char *file, int line)
{
    if (tries >= 20000)
        ck_abort_msg("%s:%d: waited in vain for: %s", file, line, what);
    (void)poll(NULL, 0, 1);
}

_Atomic int fake_io_fail;

static int
failing_sync(void *arg, int fd)
{
    int e = atomic_load(&fake_io_fail);
    return e != 0 ? -e : io_posix.fdatasync(arg, fd);
}

static struct io failing_io;

static void
failing_io_make(void)
{
    failing_io = io_posix;
    failing_io.fdatasync = failing_sync;
}

const struct io *
fake_io(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, failing_io_make);
    return &failing_io;
}

/* ---- the source */

struct act {
    struct act *next;
    int status;
    char *partition; /* NULL: 'id' */
    uint32_t id;
    char *text;
    uint64_t position;
    unsigned flags;
};

struct fake_source {
    pthread_mutex_t mutex;
    struct act *first, **last;
    struct act *current; /* its text was handed out */
    unsigned refuse;
    int event;
    struct buf log;
    char *copy;
    const struct tocsin_host *host;
    struct tocsin_ctx *ctx;
    struct plugin plugin;
    struct instance *instance;
};

static void
act_free(struct act *a)
{
    if (a == NULL)
        return;
    free(a->partition);
    free(a->text);
    free(a);
}

static int
source_create(void **ret, const struct tocsin_host *h, struct tocsin_ctx *ctx,
              const void *o)
{
    struct fake_source *s = (struct fake_source *)(uintptr_t)o;
    s->host = h;
    s->ctx = ctx;
    *ret = s;
    return 0;
}

static void
nothing(void *instance)
{
    (void)instance;
}

static int
source_open(void *self, const struct tocsin_start *starts, size_t n)
{
    struct fake_source *s = self;
    pthread_mutex_lock(&s->mutex);
    bool refuse = s->refuse > 0;
    s->refuse -= refuse;
    (void)buf_printf(&s->log, refuse ? "refuse[" : "open[");
    for (size_t i = 0; i < n; i++)
        (void)buf_printf(&s->log, "%s%.*s@%llu%s%.*s", i > 0 ? " " : "",
                         (int)starts[i].name_size, starts[i].name,
                         (unsigned long long)starts[i].position.offset,
                         starts[i].position.where_size > 0 ? "/" : "",
                         (int)starts[i].position.where_size,
                         starts[i].position.where);
    (void)buf_printf(&s->log, "] ");
    pthread_mutex_unlock(&s->mutex);
    return refuse ? s->host->fail(s->ctx, "refused") : 0;
}

static void
act_fill(struct fake_source *s, const struct act *a, struct tocsin_chunk *ret)
{
    ret->partition = a->id;
    if (a->partition != NULL)
        ret->partition =
            s->host->partition(s->ctx, a->partition, strlen(a->partition));
    if (a->text == NULL)
        return;
    ret->data = a->text;
    ret->size = strlen(a->text);
    ret->flags = a->flags;
    ret->next.offset = a->position;
    ret->next.where = "w";
    ret->next.where_size = 1;
}

static int
source_read(void *self, int64_t deadline_us, struct tocsin_chunk *ret)
{
    struct fake_source *s = self;
    for (;;) {
        pthread_mutex_lock(&s->mutex);
        struct act *a = s->first;
        if (a != NULL) {
            s->first = a->next;
            if (s->first == NULL)
                s->last = &s->first;
            act_free(s->current);
            s->current = a;
        }
        pthread_mutex_unlock(&s->mutex);
        if (a != NULL) {
            act_fill(s, a, ret);
            if (a->status < 0 || a->status == TOCSIN_DOWN)
                (void)s->host->fail(s->ctx, "as told");
            return a->status;
        }
        struct pollfd p[2] = {{s->host->wake_fd(s->ctx), POLLIN, 0},
                              {s->event, POLLIN, 0}};
        int64_t left = deadline_us - s->host->boot_us(s->ctx);
        if (left <= 0 || poll(p, 2, (int)(left / 1000) + 1) == 0 ||
            p[0].revents != 0)
            return TOCSIN_IDLE;
        uint64_t n;
        (void)!read(s->event, &n, sizeof n);
    }
}

static void
source_commit(void *self, uint32_t partition, const struct tocsin_position *p)
{
    struct fake_source *s = self;
    struct slice name = instance_partition_name(s->instance, partition);
    pthread_mutex_lock(&s->mutex);
    (void)buf_printf(&s->log, "commit(%.*s@%llu) ", SLICE_FMT(name),
                     (unsigned long long)p->offset);
    pthread_mutex_unlock(&s->mutex);
}

static void
source_close(void *self)
{
    struct fake_source *s = self;
    pthread_mutex_lock(&s->mutex);
    (void)buf_printf(&s->log, "close ");
    pthread_mutex_unlock(&s->mutex);
}

struct fake_source *
fake_source_new(void)
{
    struct fake_source *s = calloc(1, sizeof *s);
    pthread_mutex_init(&s->mutex, NULL);
    s->last = &s->first;
    s->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    s->log = BUF_INIT(LOG_MAX);
    s->plugin.desc = (struct tocsin_plugin){
        TOCSIN_PLUGIN_HEAD,      .kind = TOCSIN_SOURCE, .name = "fake",
        .version = "1",          .summary = "a fake",   .create = source_create,
        .destroy = nothing,      .open = source_open,   .read = source_read,
        .commit = source_commit, .close = source_close,
    };
    return s;
}

void
fake_source_free(struct fake_source *s)
{
    while (s->first != NULL) {
        struct act *a = s->first;
        s->first = a->next;
        act_free(a);
    }
    act_free(s->current);
    buf_fini(&s->log);
    free(s->copy);
    (void)close(s->event);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

struct instance *
fake_source_instance(struct fake_source *s)
{
    struct err err = ERR_INIT;
    ck_assert_int_eq(instance_new(&s->plugin, "fake", s, &s->instance, &err),
                     0);
    return s->instance;
}

static void
push(struct fake_source *s, struct act act)
{
    struct act *a = malloc(sizeof *a);
    *a = act;
    a->next = NULL;
    pthread_mutex_lock(&s->mutex);
    *s->last = a;
    s->last = &a->next;
    pthread_mutex_unlock(&s->mutex);
    uint64_t one = 1;
    (void)!write(s->event, &one, sizeof one);
}

void
fake_source_give(struct fake_source *s, const char *partition, const char *text,
                 uint64_t next, unsigned flags)
{
    push(s, (struct act){.status = TOCSIN_CHUNK,
                         .partition = strdup(partition),
                         .text = strdup(text),
                         .position = next,
                         .flags = flags});
}

void
fake_source_say(struct fake_source *s, int status, const char *partition)
{
    push(s,
         (struct act){.status = status,
                      .partition = partition != NULL ? strdup(partition) : NULL,
                      .id = TOCSIN_ALL_PARTITIONS});
}

void
fake_source_lie(struct fake_source *s, int status, uint32_t partition)
{
    push(s,
         (struct act){.status = status,
                      .id = partition,
                      .text = status == TOCSIN_CHUNK ? strdup("lie") : NULL});
}

void
fake_source_refuse(struct fake_source *s, unsigned opens)
{
    pthread_mutex_lock(&s->mutex);
    s->refuse = opens;
    pthread_mutex_unlock(&s->mutex);
}

bool
fake_source_is_read(struct fake_source *s)
{
    pthread_mutex_lock(&s->mutex);
    bool yes = s->first == NULL;
    pthread_mutex_unlock(&s->mutex);
    return yes;
}

const char *
fake_source_log(struct fake_source *s)
{
    pthread_mutex_lock(&s->mutex);
    free(s->copy);
    s->copy = strdup(buf_str(&s->log));
    pthread_mutex_unlock(&s->mutex);
    return s->copy;
}

bool
fake_source_has(struct fake_source *s, const char *text)
{
    return strstr(fake_source_log(s), text) != NULL;
}

/* ---- the decoder */

static const struct tocsin_field line_fields[] = {
    {"body", TOCSIN_FIELD_STRING, 0, NULL},
    {"first", TOCSIN_FIELD_STRING, TOCSIN_FIELD_LABEL, NULL},
};
static const struct tocsin_stream line_streams[] = {
    {"line", NULL, line_fields, 2, sizeof line_fields[0], 0, 0}};

static int
decoder_create(void **ret, const struct tocsin_host *h, struct tocsin_ctx *c,
               const void *o)
{
    static char self;
    (void)h;
    (void)c;
    (void)o;
    *ret = &self;
    return 0;
}

static int
line_decode(const struct tocsin_chunk *c, uint32_t at, uint32_t n,
            struct tocsin_sink *sink)
{
    if (c->data[at] == '!')
        return sink->reject(sink, at, n, "as told");
    struct tocsin_value v[2] = {{0, at, n}, {1, at, 1}};
    struct tocsin_event e = {0, 2, c->received_us, at, n, v};
    return sink->event(sink, &e);
}

static int64_t
decode(void *self, const struct tocsin_chunk *c, struct tocsin_context *context,
       struct tocsin_sink *sink)
{
    (void)self;
    (void)context;
    uint32_t at = 0;
    while (at < c->size) {
        const char *end = memchr(c->data + at, '\n', c->size - at);
        if (end == NULL &&
            !(c->flags & (TOCSIN_CHUNK_MESSAGE | TOCSIN_CHUNK_LAST)))
            break;
        uint32_t n =
            (end != NULL ? (uint32_t)(end - c->data) : (uint32_t)c->size) - at;
        if (n > 0 && line_decode(c, at, n, sink) != 0)
            return TOCSIN_ERROR;
        at += n + (end != NULL);
    }
    return at;
}

struct instance *
fake_decoder_instance(void)
{
    static const struct plugin line_plugin = {
        .desc = {TOCSIN_PLUGIN_HEAD, .kind = TOCSIN_DECODER, .name = "lines",
                 .version = "1", .summary = "lines", .streams = line_streams,
                 .n_streams = 1, .stream_size = sizeof line_streams[0],
                 .create = decoder_create, .destroy = nothing,
                 .decode = decode}};
    struct err err = ERR_INIT;
    struct instance *in;
    ck_assert_int_eq(instance_new(&line_plugin, "lines", NULL, &in, &err), 0);
    return in;
}

struct schema *
fake_schema(struct instance *const *decoders, size_t n, usec_t lateness_us)
{
    struct err err = ERR_INIT;
    AUTO(schema_builder) *b = schema_builder_new(NULL);
    struct schema_input in = {.name = SLICE("in"), .lateness_us = lateness_us};
    ck_assert_int_ge(schema_from_decoders(b, decoders, n, &in, &err), 0);
    struct schema *s = schema_build(b, USEC_PER_MINUTE);
    ck_assert_ptr_nonnull(s);
    return s;
}

/* ---- the exporter */

#define ANSWERS_MAX 64

struct fake_exporter {
    pthread_mutex_t mutex;
    struct {
        int status;
        usec_t after_us;
        uint64_t rejected;
    } answers[ANSWERS_MAX];
    unsigned first, n, calls;
    usec_t called_us, pause_us;
    bool block;
    struct buf got;
    char *copy;
    const struct tocsin_host *host;
    struct tocsin_ctx *ctx;
    struct plugin plugin;
};

static int
exporter_create(void **ret, const struct tocsin_host *h, struct tocsin_ctx *ctx,
                const void *o)
{
    struct fake_exporter *x = (struct fake_exporter *)(uintptr_t)o;
    x->host = h;
    x->ctx = ctx;
    *ret = x;
    return 0;
}

static const struct tocsin_record *
record_at(const struct tocsin_batch *b, size_t i)
{
    return (const void *)((const char *)b->records + i * b->record_size);
}

static int
exporter_deliver(void *self, const struct tocsin_batch *b,
                 struct tocsin_answer *ret)
{
    struct fake_exporter *x = self;
    pthread_mutex_lock(&x->mutex);
    int status = x->block ? TOCSIN_RETRY : TOCSIN_DELIVERED;
    usec_t now = clock_boot_us();
    x->pause_us = now - x->called_us;
    x->called_us = now;
    x->calls++;
    uint64_t rejected = 0;
    if (x->first < x->n) {
        status = x->answers[x->first].status;
        ret->retry_after_us = x->answers[x->first].after_us;
        rejected = x->answers[x->first++].rejected;
    }
    for (size_t i = 0; i < b->n_records; i++) {
        const struct tocsin_record *r = record_at(b, i);
        if (i < 64 && rejected >> i & 1)
            ret->rejected[i] = 1;
        else if (status == TOCSIN_DELIVERED || (rejected && status > 0))
            (void)buf_printf(&x->got, "%.*s ", (int)r->body.n, r->body.p);
    }
    pthread_mutex_unlock(&x->mutex);
    if (status != TOCSIN_DELIVERED)
        (void)x->host->fail(x->ctx, "as told");
    return status;
}

struct fake_exporter *
fake_exporter_new(void)
{
    struct fake_exporter *x = calloc(1, sizeof *x);
    pthread_mutex_init(&x->mutex, NULL);
    x->got = BUF_INIT(LOG_MAX);
    x->plugin.desc = (struct tocsin_plugin){
        TOCSIN_PLUGIN_HEAD,  .kind = TOCSIN_EXPORTER,
        .name = "fake",      .version = "1",
        .summary = "a fake", .create = exporter_create,
        .destroy = nothing,  .deliver = exporter_deliver,
    };
    return x;
}

void
fake_exporter_free(struct fake_exporter *x)
{
    buf_fini(&x->got);
    free(x->copy);
    pthread_mutex_destroy(&x->mutex);
    free(x);
}

struct instance *
fake_exporter_instance(struct fake_exporter *x)
{
    struct err err = ERR_INIT;
    struct instance *in;
    ck_assert_int_eq(instance_new(&x->plugin, "fake", x, &in, &err), 0);
    return in;
}

void
fake_exporter_answer(struct fake_exporter *x, int status, usec_t retry_after_us,
                     uint64_t rejected)
{
    pthread_mutex_lock(&x->mutex);
    ck_assert_uint_lt(x->n, ANSWERS_MAX);
    x->answers[x->n].status = status;
    x->answers[x->n].after_us = retry_after_us;
    x->answers[x->n++].rejected = rejected;
    pthread_mutex_unlock(&x->mutex);
}

void
fake_exporter_block(struct fake_exporter *x, bool block)
{
    pthread_mutex_lock(&x->mutex);
    x->block = block;
    pthread_mutex_unlock(&x->mutex);
}

const char *
fake_exporter_got(struct fake_exporter *x)
{
    pthread_mutex_lock(&x->mutex);
    free(x->copy);
    x->copy = strdup(buf_str(&x->got));
    pthread_mutex_unlock(&x->mutex);
    return x->copy;
}

unsigned
fake_exporter_calls(struct fake_exporter *x)
{
    pthread_mutex_lock(&x->mutex);
    unsigned n = x->calls;
    pthread_mutex_unlock(&x->mutex);
    return n;
}

usec_t
fake_exporter_pause(struct fake_exporter *x)
{
    pthread_mutex_lock(&x->mutex);
    usec_t us = x->pause_us;
    pthread_mutex_unlock(&x->mutex);
    return us;
}
