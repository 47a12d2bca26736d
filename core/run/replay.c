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
#define READ_BYTES ((size_t)64 * 1024)
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

static int
feed(struct replay *r, const struct frame *f)
{
    if (f->time > r->time)
        r->time = f->time;
    r->stats.frames++;
    int e = engine_feed(r->engine, f);
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
    struct journal_scan_stats stats;
    if (e == 0)
        e = journal_scan(&io_posix, dir, 0, &scan, &stats, err);
    if (e == 0 && !r.ruled)
        e = err_set(err, -ENODATA, "%s: no journal with records in it", dir);
    if (e == 0)
        e = finish(&r, ret);
    replay_fini(&r);
    return e;
}

/* ---- files: decoders' chunks as frames; the newest event is "now" */

struct files {
    struct replay r;
    struct instance *decoders[DECODERS_MAX];
    struct slice names[DECODERS_MAX];
    size_t n_decoders;
    struct schema *schema;
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
    struct files *fs = arg;
    (void)partition;
    (void)next;
    (void)n_records;
    buf_reset(&fs->r.buf);
    for (size_t i = 0; i < n_parts; i++)
        (void)buf_append_slice(&fs->r.buf, parts[i]);
    struct chunk c;
    int r = buf_error(&fs->r.buf);
    if (r == 0)
        r = chunk_parse(buf_slice(&fs->r.buf), &c);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < c.head->n_records; i++) {
        if (c.records[i].kind == RECORD_DEAD)
            fs->r.stats.dead++;
        else
            fs->r.time = MAX(fs->r.time, c.records[i].time_us);
    }
    return feed_own(&fs->r, FRAME_CHUNK, buf_slice(&fs->r.buf));
}

static int
file_read(struct files *fs, struct ingest *in, const char *path, gzFile gz,
          char *block)
{
    struct slice name = slice_from_str(path);
    for (;;) {
        int n = gzread(gz, block, READ_BYTES);
        if (n < 0) {
            int code;
            return err_set(fs->r.err, -EIO, "%s: %s", path, gzerror(gz, &code));
        }
        struct tocsin_chunk chunk = {
            .struct_size = sizeof chunk,
            .flags = n == 0 ? TOCSIN_CHUNK_LAST : 0,
            .data = block,
            .size = (size_t)n,
        };
        int r = ingest_feed(in, 0, name, &chunk);
        if (r == 1 || (r == 0 && n == 0))
            r = ingest_flush(in);
        if (r < 0 || n == 0)
            return r;
    }
}

static int
file_replay(struct files *fs, uint16_t input, const char *path)
{
    struct ingest_options io = {
        .input = input,
        .schema = fs->schema,
        .decoders = &fs->decoders[input],
        .n_decoders = 1,
        .max_record_bytes = RECORD_MAX,
        .chunk_bytes = CHUNK_BYTES,
        .append = on_chunk,
        .arg = fs,
    };
    AUTO(ingest) *in = ingest_new(&io);
    auto_free char *block = mem_alloc(READ_BYTES);
    if (in == NULL || block == NULL)
        return err_set(fs->r.err, -ENOMEM, "out of memory");
    gzFile gz = strcmp(path, "-") == 0 ? gzdopen(0, "rb") : gzopen(path, "rb");
    if (gz == NULL)
        return err_set(fs->r.err, -errno, "%s: %m", path);
    int r = file_read(fs, in, path, gz, block);
    (void)gzclose(gz);
    return r < 0 ? r : tick(fs, input, path, PARTITION_ENDED);
}

int
replay_files(const struct replay_options *o, struct plugins *plugins,
             const struct replay_file *files, size_t n_files,
             struct replay_stats *ret, struct err *err)
{
    struct files fs = {0};
    int r = replay_init(&fs.r, o, err);
    for (size_t i = 0; r >= 0 && i < n_files; i++)
        r = decoder_index(&fs, plugins, files[i].decoder);
    if (r >= 0)
        r = files_schema(&fs);
    if (r >= 0)
        r = feed_rules(&fs.r, fs.schema, true);
    /* Each file is a partition that may still bring old events. */
    for (size_t i = 0; r >= 0 && i < n_files; i++)
        r = tick(&fs, (uint16_t)decoder_index(&fs, plugins, files[i].decoder),
                 files[i].path, PARTITION_READING);
    for (size_t i = 0; r >= 0 && i < n_files; i++)
        r = file_replay(&fs,
                        (uint16_t)decoder_index(&fs, plugins, files[i].decoder),
                        files[i].path);
    if (r >= 0)
        r = finish(&fs.r, ret);
    schema_free(fs.schema);
    for (size_t i = 0; i < fs.n_decoders; i++)
        instance_free(fs.decoders[i]);
    replay_fini(&fs.r);
    return r < 0 ? err_set(err, r, "%s", strerror(-r)) : 0;
}
