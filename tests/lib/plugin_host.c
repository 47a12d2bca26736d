/* SPDX-License-Identifier: Apache-2.0 */
/* plugin_host.c - a host for one source plugin, for tests.
 *
 *     plugin_host [ARG…] PLUGIN.so [OPTION=VALUE…]
 *
 * Prints a line for each thing that read() returns:
 *
 *     chunk PARTITION NEXT[@WHERE] SIZE KEY HEADERS DATA   (tabs between)
 *     caught_up|down|gone|scrape_begin|… PARTITION [REASON]
 *     end | error REASON
 *
 * and at its end "metric NAME VALUE" for each metric that was set.  Logs go to
 * standard error.  Bytes outside of ASCII, tabs and backslashes are \xNN. */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/plugin.h>

#include "tests/lib/plugin_options.h"

#define PARTITIONS_MAX 1024
#define METRICS_MAX 64

static const char usage[] =
    "usage: plugin_host [ARG…] PLUGIN.so [OPTION=VALUE…]\n"
    "  --count N         end after N chunks\n"
    "  --for SECONDS     end after so long (default 30)\n"
    "  --until STATUS    end at the first such line (caught_up, down, …)\n"
    "  --until-all-caught-up N   end when N partitions are\n"
    "  --commit HOW      never (default), each, end, every:N\n"
    "  --state FILE      begin at its positions; what is committed goes there\n"
    "  --start NAME=OFFSET[@WHERE]   begin there\n"
    "  --idle SECONDS    after open, don't read for so long\n"
    "  --no-data         don't print keys, headers and data\n"
    "  --quiet           don't print chunks\n"
    "  --stdin           obey lines: commit, pause, resume, reopen, stop\n"
    "  --error-ends      end at an error (else close, wait 0.2 s, open)\n";

struct partition {
    char *name;
    uint64_t next;
    char where[1024];
    size_t where_size;
    bool known;   /* has a position from a state file or --start */
    bool pending; /* read and not committed */
    bool caught_up;
};

struct args {
    int64_t count, for_us, idle_us, commit_every;
    const char *until, *state;
    size_t until_caught_up;
    bool commit_end, no_data, quiet, use_stdin, error_ends;
};

struct tocsin_ctx {
    pthread_mutex_t lock; /* metrics */
    struct partition parts[PARTITIONS_MAX];
    uint32_t n_parts;
    const struct tocsin_plugin *plugin;
    double values[METRICS_MAX];
    bool set[METRICS_MAX];
    char reason[1024];
    int wake_fd;
    struct args args;
    void *instance;
    int64_t n_chunks;
    bool paused, stop, reopen;
};

/* ------------------------------------------------------------ host table */

static int64_t
clock_us(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
host_log(struct tocsin_ctx *ctx, int level, const char *message)
{
    int64_t ms = clock_us(CLOCK_REALTIME) / 1000;
    fprintf(stderr, "%d.%03d log %d %s\n", (int)(ms / 1000 % 86400),
            (int)(ms % 1000), level, message);
}

static int
host_fail(struct tocsin_ctx *ctx, const char *reason)
{
    if (!*ctx->reason)
        snprintf(ctx->reason, sizeof ctx->reason, "%s", reason);
    return TOCSIN_ERROR;
}

static int64_t
host_wall_us(struct tocsin_ctx *ctx)
{
    return clock_us(CLOCK_REALTIME);
}

static int64_t
host_boot_us(struct tocsin_ctx *ctx)
{
    return clock_us(CLOCK_BOOTTIME);
}

static void
host_metric(struct tocsin_ctx *ctx, uint32_t index, double value)
{
    if (index >= ctx->plugin->n_metrics || index >= METRICS_MAX)
        abort();
    pthread_mutex_lock(&ctx->lock);
    ctx->set[index] = true;
    if (ctx->plugin->metrics[index].type == TOCSIN_COUNTER)
        ctx->values[index] += value;
    else
        ctx->values[index] = value;
    pthread_mutex_unlock(&ctx->lock);
}

static uint32_t
host_partition(struct tocsin_ctx *ctx, const char *name, size_t n)
{
    for (uint32_t i = 0; i < ctx->n_parts; i++)
        if (strlen(ctx->parts[i].name) == n &&
            memcmp(ctx->parts[i].name, name, n) == 0)
            return i;
    if (ctx->n_parts == PARTITIONS_MAX)
        abort();
    ctx->parts[ctx->n_parts].name = strndup(name, n);
    return ctx->n_parts++;
}

static int
host_wake_fd(struct tocsin_ctx *ctx)
{
    return ctx->wake_fd;
}

static const struct tocsin_host host = {
    .struct_size = sizeof host,
    .abi = TOCSIN_ABI,
    .log = host_log,
    .fail = host_fail,
    .wall_us = host_wall_us,
    .boot_us = host_boot_us,
    .metric = host_metric,
    .partition = host_partition,
    .wake_fd = host_wake_fd,
};

/* ---------------------------------------------------------------- output */

static void
put_escaped(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c < 0x20 || c > 0x7e || c == '\\')
            printf("\\x%02x", c);
        else
            putchar(c);
    }
}

static void
put_chunk(const struct tocsin_ctx *ctx, const struct tocsin_chunk *chunk)
{
    const struct partition *p = &ctx->parts[chunk->partition];
    printf("chunk\t%s\t%" PRIu64, p->name, chunk->next.offset);
    if (chunk->next.where_size) {
        putchar('@');
        put_escaped(chunk->next.where, chunk->next.where_size);
    }
    printf("\t%zu", chunk->size);
    if (!ctx->args.no_data) {
        putchar('\t');
        if (chunk->key)
            put_escaped(chunk->key, chunk->key_size);
        else
            putchar('-');
        putchar('\t');
        for (uint32_t i = 0; i < chunk->n_headers; i++) {
            const struct tocsin_header *h = &chunk->headers[i];
            put_escaped(h->name, h->name_size);
            putchar('=');
            put_escaped(h->value, h->value_size);
            putchar(';');
        }
        putchar('\t');
        put_escaped(chunk->data, chunk->size);
    }
    putchar('\n');
}

static const char *const status_names[] = {
    [TOCSIN_CAUGHT_UP] = "caught_up",
    [TOCSIN_DOWN] = "down",
    [TOCSIN_GONE] = "gone",
    [TOCSIN_END] = "end",
    [TOCSIN_SCRAPE_BEGIN] = "scrape_begin",
    [TOCSIN_SCRAPE_END] = "scrape_end",
    [TOCSIN_SCRAPE_FAILED] = "scrape_failed",
    [TOCSIN_OVER] = "over",
};

static void
put_status(const struct tocsin_ctx *ctx, int status, uint32_t partition)
{
    printf("%s", status_names[status]);
    if (status != TOCSIN_END)
        printf("\t%s", partition == TOCSIN_ALL_PARTITIONS
                           ? "*"
                           : ctx->parts[partition].name);
    if (*ctx->reason) {
        putchar('\t');
        put_escaped(ctx->reason, strlen(ctx->reason));
    }
    putchar('\n');
}

/* ------------------------------------------------------------- positions */

static void
set_start(struct tocsin_ctx *ctx, char *line)
{
    char *equals = strrchr(line, '=');
    if (!equals)
        return;
    uint32_t id = host_partition(ctx, line, (size_t)(equals - line));
    struct partition *p = &ctx->parts[id];
    char *end;
    p->next = strtoull(equals + 1, &end, 10);
    p->where_size = 0;
    if (*end == '@') {
        p->where_size = strcspn(end + 1, "\n");
        memcpy(p->where, end + 1, p->where_size);
    }
    p->known = true;
}

static void
load_state(struct tocsin_ctx *ctx)
{
    FILE *f = ctx->args.state ? fopen(ctx->args.state, "r") : NULL;
    char line[4096];
    while (f && fgets(line, sizeof line, f))
        set_start(ctx, line);
    if (f)
        fclose(f);
}

/* As the journal would: all positions, at once or not at all. */
static void
save_state(const struct tocsin_ctx *ctx)
{
    if (!ctx->args.state)
        return;
    char path[4096];
    snprintf(path, sizeof path, "%s.new", ctx->args.state);
    FILE *f = fopen(path, "w");
    if (!f)
        abort();
    for (uint32_t i = 0; i < ctx->n_parts; i++) {
        const struct partition *p = &ctx->parts[i];
        if (!p->known)
            continue;
        fprintf(f, "%s=%" PRIu64 "%s%.*s\n", p->name, p->next,
                p->where_size ? "@" : "", (int)p->where_size, p->where);
    }
    fclose(f);
    if (rename(path, ctx->args.state) < 0)
        abort();
}

static void
commit_all(struct tocsin_ctx *ctx)
{
    save_state(ctx);
    for (uint32_t i = 0; i < ctx->n_parts; i++) {
        struct partition *p = &ctx->parts[i];
        if (!p->pending)
            continue;
        p->pending = false;
        struct tocsin_position position = {
            .offset = p->next, .where = p->where, .where_size = p->where_size};
        if (ctx->plugin->commit)
            ctx->plugin->commit(ctx->instance, i, &position);
    }
    printf("committed\n");
}

/* ---------------------------------------------------------------- the loop */

static int
open_source(struct tocsin_ctx *ctx)
{
    struct tocsin_start starts[PARTITIONS_MAX] = {0};
    size_t n = 0;
    for (uint32_t i = 0; i < ctx->n_parts; i++) {
        const struct partition *p = &ctx->parts[i];
        if (!p->known)
            continue;
        starts[n++] =
            (struct tocsin_start){.partition = i,
                                  .name = p->name,
                                  .name_size = strlen(p->name),
                                  .position = {.offset = p->next,
                                               .where = p->where,
                                               .where_size = p->where_size}};
    }
    return ctx->plugin->open(ctx->instance, starts, n);
}

static void
take_chunk(struct tocsin_ctx *ctx, const struct tocsin_chunk *chunk)
{
    struct partition *p = &ctx->parts[chunk->partition];
    p->next = chunk->next.offset;
    p->where_size = chunk->next.where_size;
    if (p->where_size > sizeof p->where)
        abort();
    if (p->where_size)
        memcpy(p->where, chunk->next.where, p->where_size);
    p->known = p->pending = true;
    p->caught_up = false;
    ctx->n_chunks++;
    if (!ctx->args.quiet)
        put_chunk(ctx, chunk);
    if (ctx->args.commit_every && ctx->n_chunks % ctx->args.commit_every == 0)
        commit_all(ctx);
    if (ctx->args.count && ctx->n_chunks >= ctx->args.count)
        ctx->stop = true;
}

static void
take_status(struct tocsin_ctx *ctx, int status, uint32_t partition)
{
    put_status(ctx, status, partition);
    const char *name = status_names[status];
    if (status == TOCSIN_END ||
        (ctx->args.until && strcmp(ctx->args.until, name) == 0))
        ctx->stop = true;
    if (status != TOCSIN_CAUGHT_UP || partition == TOCSIN_ALL_PARTITIONS)
        return;
    ctx->parts[partition].caught_up = true;
    size_t n = 0;
    for (uint32_t i = 0; i < ctx->n_parts; i++)
        n += ctx->parts[i].caught_up;
    if (ctx->args.until_caught_up && n >= ctx->args.until_caught_up)
        ctx->stop = true;
}

static void
obey(struct tocsin_ctx *ctx)
{
    char line[128];
    size_t n = 0;
    char c;
    ssize_t r;
    while ((r = read(0, &c, 1)) == 1 && c != '\n')
        if (n < sizeof line - 1)
            line[n++] = c;
    line[n] = '\0';
    if (r <= 0 || strcmp(line, "stop") == 0)
        ctx->stop = true;
    else if (strcmp(line, "commit") == 0)
        commit_all(ctx);
    else if (strcmp(line, "pause") == 0)
        ctx->paused = true;
    else if (strcmp(line, "resume") == 0)
        ctx->paused = false;
    else if (strcmp(line, "reopen") == 0)
        ctx->reopen = true;
    printf("ok %s\n", line);
}

static void
read_once(struct tocsin_ctx *ctx, int64_t deadline_us)
{
    struct tocsin_chunk chunk = {.struct_size = sizeof chunk};
    ctx->reason[0] = '\0';
    int64_t limit_us = clock_us(CLOCK_BOOTTIME) + 1000000;
    if (limit_us > deadline_us)
        limit_us = deadline_us;
    int r = ctx->plugin->read(ctx->instance, limit_us, &chunk);
    if (r == TOCSIN_CHUNK) {
        take_chunk(ctx, &chunk);
    } else if (r == TOCSIN_ERROR) {
        printf("error\t%s\n", ctx->reason);
        ctx->reopen = !ctx->args.error_ends;
        ctx->stop |= ctx->args.error_ends;
    } else if (r != TOCSIN_IDLE) {
        take_status(ctx, r, chunk.partition);
    }
}

static void
loop(struct tocsin_ctx *ctx)
{
    int64_t end_us = clock_us(CLOCK_BOOTTIME) + ctx->args.for_us;
    struct pollfd in = {.fd = 0, .events = POLLIN};
    while (!ctx->stop && clock_us(CLOCK_BOOTTIME) < end_us) {
        if (ctx->args.use_stdin && poll(&in, 1, ctx->paused ? 100 : 0) > 0) {
            obey(ctx);
            continue;
        }
        if (ctx->reopen) {
            ctx->plugin->close(ctx->instance);
            usleep(200000);
            ctx->reopen = open_source(ctx) < 0;
            if (ctx->reopen)
                printf("error\t%s\n", ctx->reason);
            continue;
        }
        if (!ctx->paused)
            read_once(ctx, end_us);
    }
}

/* ------------------------------------------------------------------- main */

static void
set_commit(struct args *args, const char *how)
{
    args->commit_end = strcmp(how, "end") == 0;
    if (strcmp(how, "each") == 0)
        args->commit_every = 1;
    else if (strncmp(how, "every:", 6) == 0)
        args->commit_every = strtoll(how + 6, NULL, 10);
}

static int
set_arg(struct tocsin_ctx *ctx, const char *name, char *value)
{
    struct args *args = &ctx->args;
    if (strcmp(name, "--count") == 0)
        args->count = strtoll(value, NULL, 10);
    else if (strcmp(name, "--for") == 0)
        args->for_us = (int64_t)(strtod(value, NULL) * 1e6);
    else if (strcmp(name, "--idle") == 0)
        args->idle_us = (int64_t)(strtod(value, NULL) * 1e6);
    else if (strcmp(name, "--until") == 0)
        args->until = value;
    else if (strcmp(name, "--until-all-caught-up") == 0)
        args->until_caught_up = (size_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--commit") == 0)
        set_commit(args, value);
    else if (strcmp(name, "--state") == 0)
        args->state = value;
    else if (strcmp(name, "--start") == 0)
        set_start(ctx, value);
    else
        return -1;
    return 0;
}

static int
set_flag(struct args *args, const char *name)
{
    if (strcmp(name, "--no-data") == 0)
        args->no_data = true;
    else if (strcmp(name, "--quiet") == 0)
        args->quiet = true;
    else if (strcmp(name, "--stdin") == 0)
        args->use_stdin = true;
    else if (strcmp(name, "--error-ends") == 0)
        args->error_ends = true;
    else
        return -1;
    return 0;
}

/* Returns the index of the plugin's path. */
static int
parse_args(struct tocsin_ctx *ctx, int argc, char **argv)
{
    int i = 1;
    ctx->args.for_us = 30000000;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (set_flag(&ctx->args, argv[i]) == 0)
            continue;
        if (i + 1 >= argc || set_arg(ctx, argv[i], argv[i + 1]) < 0)
            return argc;
        i++;
    }
    return i;
}

static const struct tocsin_plugin *
load(const char *path)
{
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!so) {
        fprintf(stderr, "%s\n", dlerror());
        return NULL;
    }
    const struct tocsin_plugin *(*entry)(void);
    *(void **)&entry = dlsym(so, "tocsin_plugin_v1");
    return entry ? entry() : NULL;
}

static void
put_metrics(const struct tocsin_ctx *ctx)
{
    for (size_t i = 0; i < ctx->plugin->n_metrics && i < METRICS_MAX; i++)
        if (ctx->set[i])
            printf("metric\t%s\t%.17g\n", ctx->plugin->metrics[i].name,
                   ctx->values[i]);
    printf("chunks\t%" PRId64 "\n", ctx->n_chunks);
}

static int
run(struct tocsin_ctx *ctx, const void *options)
{
    if (ctx->plugin->create(&ctx->instance, &host, ctx, options) < 0) {
        printf("refused\t%s\n", ctx->reason);
        return 1;
    }
    load_state(ctx);
    ctx->reason[0] = '\0';
    if (open_source(ctx) < 0) {
        printf("error\t%s\n", ctx->reason);
        ctx->reopen = true;
        ctx->stop = ctx->args.error_ends;
    }
    usleep((useconds_t)ctx->args.idle_us);
    loop(ctx);
    if (ctx->args.commit_end)
        commit_all(ctx);
    int64_t before_us = clock_us(CLOCK_BOOTTIME);
    ctx->plugin->close(ctx->instance);
    fprintf(stderr, "closed in %" PRId64 " ms\n",
            (clock_us(CLOCK_BOOTTIME) - before_us) / 1000);
    ctx->plugin->destroy(ctx->instance);
    put_metrics(ctx);
    return 0;
}

int
main(int argc, char **argv)
{
    static struct tocsin_ctx ctx = {.lock = PTHREAD_MUTEX_INITIALIZER};
    setvbuf(stdout, NULL, _IOLBF, 0);
    int i = parse_args(&ctx, argc, argv);
    if (i >= argc) {
        fputs(usage, stderr);
        return 2;
    }
    ctx.plugin = load(argv[i++]);
    if (!ctx.plugin || ctx.plugin->kind != TOCSIN_SOURCE)
        return 2;
    /* Static, so that they are no leak at the end. */
    static void *options;
    options = plugin_options_new(ctx.plugin->options, ctx.plugin->n_options,
                                 ctx.plugin->options_struct_size);
    for (; i < argc; i++)
        if (plugin_options_set(options, ctx.plugin->options,
                               ctx.plugin->n_options, argv[i]) < 0)
            return 2;
    ctx.wake_fd = ctx.args.use_stdin ? 0 : eventfd(0, EFD_CLOEXEC);
    return run(&ctx, options);
}
