/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/config/options.h"
#include "core/engine/engine.h"
#include "core/host/ingest.h"
#include "core/host/instance.h"
#include "core/host/plugins.h"
#include "core/host/tables.h"
#include "core/journal/scan.h"
#include "core/record/chunk.h"
#include "core/record/schema.h"
#include "core/record/tick.h"
#include "core/run/replay.h"

#define PAYLOAD_MAX ((size_t)64 * 1024 * 1024)
/* Little, so that files that are read side by side keep in step. */
#define READ_BYTES ((size_t)4 * 1024)
#define CHUNK_BYTES ((size_t)64 * 1024)
#define RECORD_MAX ((size_t)4 * 1024 * 1024)
#define DECODERS_MAX 16

struct replay {
    const struct replay_options *o;
    struct engine *engine;
    struct arena arena; /* options of decoders */
    struct buf buf;
    bool ruled; /* the rules were fed */
    uint64_t pos;
    usec_t time; /* journal time: newest so far */
    struct replay_stats stats;
    struct err *err;
};

static int
replay_init(struct replay *r, const struct replay_options *o, struct err *err)
{
    *r = (struct replay){.o = o, .pos = 8, .time = USEC_NONE, .err = err};
    r->stats.first = r->stats.last = USEC_NONE;
    struct engine_options eo = {.emit = o->emit, .arg = o->arg};
    arena_init(&r->arena, 16 * 1024, (size_t)64 * 1024 * 1024);
    buf_init(&r->buf, PAYLOAD_MAX);
    r->engine = engine_new(&eo);
    return r->engine == NULL ? err_set(err, -ENOMEM, "out of memory") : 0;
}

static void
replay_fini(struct replay *r)
{
    engine_free(r->engine);
    buf_fini(&r->buf);
    arena_fini(&r->arena);
}

static void
saw(struct replay *r, usec_t time)
{
    struct replay_stats *s = &r->stats;
    s->first = s->first == USEC_NONE ? time : MIN(s->first, time);
    s->last = MAX(s->last, time);
}

static int
feed(struct replay *r, const struct frame *f)
{
    if (f->time > r->time)
        r->time = f->time;
    if (f->type == FRAME_CHUNK && f->time > 0)
        saw(r, f->time);
    r->stats.frames++;
    int e = engine_feed(r->engine, f);
    if (r->o->passed != NULL && r->time != USEC_NONE)
        r->o->passed(r->o->arg, r->time);
    if (e == -EBADMSG) {
        r->stats.damaged++;
        return 0;
    }
    return e < 0 ? err_set(r->err, e, "the engine gave up: %s", strerror(-e))
                 : 0;
}

/* A frame of our own, in front of what is at r->pos. */
static int
feed_own(struct replay *r, unsigned type, struct slice payload)
{
    struct frame f = {
        .pos = r->pos,
        .next = r->pos + 8 + ((payload.n + 7) & ~(size_t)7),
        .time = r->time == USEC_NONE ? 0 : r->time,
        .type = (uint16_t)type,
        .payload = payload,
    };
    r->pos = f.next;
    return feed(r, &f);
}

static int
feed_rules(struct replay *r, const struct schema *schema, bool own)
{
    struct ruleset rules;
    int e = r->o->rules(r->o->arg, schema, &rules);
    if (e < 0)
        return e;
    buf_reset(&r->buf);
    e = ruleset_encode(&rules, &r->buf);
    if (e < 0)
        return err_set(r->err, e, "the rules are too long");
    r->ruled = true;
    if (own)
        return feed_own(r, FRAME_RULES, buf_slice(&r->buf));
    struct frame f = {
        .pos = r->pos,
        .next = r->pos,
        .time = r->time,
        .type = FRAME_RULES,
        .repeated = true,
        .payload = buf_slice(&r->buf),
    };
    return feed(r, &f);
}

static int
finish(struct replay *r, struct replay_stats *ret)
{
    int e = engine_flush(r->engine, r->time);
    struct engine_stats s;
    engine_get_stats(r->engine, &s);
    r->stats.records = s.records;
    r->stats.late = s.late;
    *ret = r->stats;
    return e;
}

/* ---- a journal: its frames but its rules, ours instead */

static int
journal_frame(void *arg, const struct frame *f)
{
    struct replay *r = arg;
    if (f->type == FRAME_RULES || f->type == FRAME_ALERT ||
        f->type == FRAME_DELIVERY)
        return 0;
    r->pos = f->next;
    int e = feed(r, f);
    if (e < 0 || f->type != FRAME_SCHEMA || r->ruled)
        return e;
    AUTO(schema) *schema = NULL;
    if (schema_decode(f->payload, &schema) < 0)
        return 0;
    return feed_rules(r, schema, false);
}

int
replay_journal(const struct replay_options *o, const char *dir,
               struct replay_stats *ret, struct err *err)
{
    struct replay r;
    int e = replay_init(&r, o, err);
    struct journal_scan scan = {journal_frame, NULL, &r};
    struct journal_scan_stats stats = {0};
    if (e == 0)
        e = journal_scan(&io_posix, dir, 0, &scan, &stats, err);
    r.stats.damaged += stats.damaged_frames + stats.damaged_segments;
    if (e == 0 && !r.ruled)
        e = err_set(err, -ENODATA, "%s: no journal with records in it", dir);
    if (e == 0)
        e = finish(&r, ret);
    replay_fini(&r);
    return e;
}

/* ---- files: decoders' chunks as frames; the newest event is "now" */

/* A file that is being read. */
struct reading {
    const char *path;
    uint16_t input;
    struct files *all;
    struct ingest *ingest;
    gzFile gz;
    usec_t newest; /* of its records */
    bool ended;
};

struct files {
    struct replay r;
    struct instance *decoders[DECODERS_MAX];
    struct slice names[DECODERS_MAX];
    size_t n_decoders;
    struct schema *schema;
    struct reading *list;
    size_t n;
};

static int
decoder_index(struct files *fs, struct plugins *ps, struct slice name)
{
    for (size_t i = 0; i < fs->n_decoders; i++)
        if (slice_eq(fs->names[i], name))
            return (int)i;
    if (fs->n_decoders == DECODERS_MAX)
        return err_set(fs->r.err, -E2BIG, "more than %d decoders",
                       DECODERS_MAX);
    const struct plugin *plugin;
    int r = plugins_get(ps, TOCSIN_DECODER, name, &plugin, fs->r.err);
    if (r < 0)
        return r;
    AUTO_FINI(errlist) errs;
    errlist_init(&errs);
    struct options_ctx ctx = {.arena = &fs->r.arena, .errs = &errs};
    struct options_table table = options_of_plugin(&plugin->desc);
    void *options;
    if (options_fill(&ctx, &table, NULL, NULL, &options) < 0)
        return err_set(fs->r.err, -EINVAL,
                       "decoder \"%.*s\" needs options: replay a journal",
                       SLICE_FMT(name));
    r = instance_new(plugin, plugin->desc.name, options,
                     &fs->decoders[fs->n_decoders], fs->r.err);
    if (r < 0)
        return r;
    fs->names[fs->n_decoders] = name;
    return (int)fs->n_decoders++;
}

static int
files_schema(struct files *fs)
{
    AUTO(schema_builder) *b = schema_builder_new(NULL);
    int r = b == NULL ? -ENOMEM : 0;
    for (size_t i = 0; r >= 0 && i < fs->n_decoders; i++) {
        struct schema_input in = {.name = fs->names[i],
                                  .lateness_us = fs->r.o->lateness_us};
        r = schema_from_decoders(b, &fs->decoders[i], 1, &in, fs->r.err);
    }
    if (r >= 0)
        fs->schema = schema_build(b, USEC_MAX / 4);
    if (fs->schema == NULL)
        return err_set(fs->r.err, r < 0 ? r : -ENOMEM, "no schema");
    buf_reset(&fs->r.buf);
    r = schema_encode(fs->schema, &fs->r.buf);
    return r < 0 ? r : feed_own(&fs->r, FRAME_SCHEMA, buf_slice(&fs->r.buf));
}

static int
tick(struct files *fs, uint16_t input, const char *partition, unsigned state)
{
    struct tick_partition p = {input, (uint8_t)state,
                               slice_from_str(partition)};
    buf_reset(&fs->r.buf);
    int r = tick_encode(&p, 1, &fs->r.buf);
    return r < 0 ? r : feed_own(&fs->r, FRAME_TICK, buf_slice(&fs->r.buf));
}

static int
on_chunk(void *arg, uint32_t partition, const struct chunk_position *next,
         const struct slice *parts, size_t n_parts, uint32_t n_records)
{
    struct reading *rd = arg;
    struct replay *r = &rd->all->r;
    (void)partition;
    (void)next;
    (void)n_records;
    buf_reset(&r->buf);
    for (size_t i = 0; i < n_parts; i++)
        (void)buf_append_slice(&r->buf, parts[i]);
    struct chunk c;
    int e = buf_error(&r->buf);
    if (e == 0)
        e = chunk_parse(buf_slice(&r->buf), &c);
    if (e < 0)
        return e;
    for (uint32_t i = 0; i < c.head->n_records; i++) {
        usec_t t = c.records[i].time_us;
        if (c.records[i].kind == RECORD_DEAD) {
            r->stats.dead++;
            continue;
        }
        rd->newest = MAX(rd->newest, t);
        r->time = MAX(r->time, t);
        saw(r, t);
    }
    return feed_own(r, FRAME_CHUNK, buf_slice(&r->buf));
}

static int
reading_open(struct files *fs, struct reading *rd)
{
    struct ingest_options io = {
        .input = rd->input,
        .schema = fs->schema,
        .decoders = &fs->decoders[rd->input],
        .n_decoders = 1,
        .max_record_bytes = RECORD_MAX,
        .chunk_bytes = CHUNK_BYTES,
        .append = on_chunk,
        .arg = rd,
    };
    rd->all = fs;
    rd->newest = USEC_NONE;
    rd->ingest = ingest_new(&io);
    if (rd->ingest == NULL)
        return err_set(fs->r.err, -ENOMEM, "out of memory");
    rd->gz =
        strcmp(rd->path, "-") == 0 ? gzdopen(0, "rb") : gzopen(rd->path, "rb");
    if (rd->gz == NULL)
        return err_set(fs->r.err, -errno, "%s: %m", rd->path);
    /* Each file is a partition that may still bring old events. */
    return tick(fs, rd->input, rd->path, PARTITION_READING);
}

static void
reading_close(struct reading *rd)
{
    if (rd->gz != NULL)
        (void)gzclose(rd->gz);
    ingest_free(rd->ingest);
    rd->gz = NULL;
    rd->ingest = NULL;
    rd->ended = true;
}

/* The next part of a file; at its end it is closed. */
static int
reading_step(struct reading *rd, char *block)
{
    struct files *fs = rd->all;
    int n = gzread(rd->gz, block, READ_BYTES);
    if (n < 0) {
        int code;
        return err_set(fs->r.err, -EIO, "%s: %s", rd->path,
                       gzerror(rd->gz, &code));
    }
    struct tocsin_chunk chunk = {
        .struct_size = sizeof chunk,
        .flags = n == 0 ? TOCSIN_CHUNK_LAST : 0,
        .data = block,
        .size = (size_t)n,
    };
    int r = ingest_feed(rd->ingest, 0, slice_from_str(rd->path), &chunk);
    if (r >= 0)
        r = ingest_flush(rd->ingest);
    if (r < 0 || n > 0)
        return r;
    reading_close(rd);
    return tick(fs, rd->input, rd->path, PARTITION_ENDED);
}

/* The file that is furthest behind; NULL when all have ended. */
static struct reading *
reading_next(struct files *fs)
{
    struct reading *next = NULL;
    for (size_t i = 0; i < fs->n; i++) {
        struct reading *rd = &fs->list[i];
        if (!rd->ended && (next == NULL || rd->newest < next->newest))
            next = rd;
    }
    return next;
}

static int
files_read(struct files *fs)
{
    auto_free char *block = mem_alloc(READ_BYTES);
    int r = block == NULL ? err_set(fs->r.err, -ENOMEM, "out of memory") : 0;
    for (size_t i = 0; r >= 0 && i < fs->n; i++)
        r = reading_open(fs, &fs->list[i]);
    for (struct reading *rd; r >= 0 && (rd = reading_next(fs)) != NULL;)
        r = reading_step(rd, block);
    return r;
}

static int
files_prepare(struct files *fs, struct plugins *plugins,
              const struct replay_file *files, size_t n)
{
    fs->list = mem_new_array(struct reading, n + 1);
    if (fs->list == NULL)
        return err_set(fs->r.err, -ENOMEM, "out of memory");
    for (; fs->n < n; fs->n++) {
        int i = decoder_index(fs, plugins, files[fs->n].decoder);
        if (i < 0)
            return i;
        fs->list[fs->n] =
            (struct reading){.path = files[fs->n].path, .input = (uint16_t)i};
    }
    int r = files_schema(fs);
    return r < 0 ? r : feed_rules(&fs->r, fs->schema, true);
}

int
replay_files(const struct replay_options *o, struct plugins *plugins,
             const struct replay_file *files, size_t n_files,
             struct replay_stats *ret, struct err *err)
{
    struct files fs = {.n = 0};
    int r = replay_init(&fs.r, o, err);
    if (r >= 0)
        r = files_prepare(&fs, plugins, files, n_files);
    if (r >= 0)
        r = files_read(&fs);
    if (r >= 0)
        r = finish(&fs.r, ret);
    for (size_t i = 0; i < fs.n; i++)
        reading_close(&fs.list[i]);
    mem_free(fs.list);
    schema_free(fs.schema);
    for (size_t i = 0; i < fs.n_decoders; i++)
        instance_free(fs.decoders[i]);
    replay_fini(&fs.r);
    return r < 0 ? err_set(err, r, "%s", strerror(-r)) : 0;
}
