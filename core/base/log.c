/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/base/timefmt.h"

#define LOG_LINE_MAX 4096
#define LOG_NAME_MAX 32

static const struct {
    enum log_level level;
    const char *name;
} levels[] = {
    {LOG_ERROR, "error"},
    {LOG_WARN, "warning"},
    {LOG_INF, "info"},
    {LOG_DBG, "debug"},
};

static _Atomic int log_level = LOG_INF;
static bool log_for_journal; /* set before threads start, as the sink is */
static log_sink_fn log_sink;
static void *log_sink_ctx;

static _Thread_local struct {
    char thread[LOG_NAME_MAX], instance[LOG_NAME_MAX];
} log_context;

bool
log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

void
log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

int
log_level_parse(struct slice s, enum log_level *ret_level)
{
    for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
        if (slice_eq_str(s, levels[i].name)) {
            *ret_level = levels[i].level;
            return 0;
        }
    }
    if (!slice_eq_str(s, "warn"))
        return -EINVAL;
    *ret_level = LOG_WARN;
    return 0;
}

static const char *
log_level_name(enum log_level level)
{
    for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
        if (levels[i].level == level)
            return levels[i].name;
    return "info";
}

void
log_set_context(const char *thread, const char *instance)
{
    (void)snprintf(log_context.thread, LOG_NAME_MAX, "%s",
                   thread == NULL ? "" : thread);
    (void)snprintf(log_context.instance, LOG_NAME_MAX, "%s",
                   instance == NULL ? "" : instance);
}

void
log_set_sink(log_sink_fn sink, void *ctx)
{
    log_sink = sink;
    log_sink_ctx = ctx;
}

void
log_detect_journal(void)
{
    /* "device:inode" of the socket that the journal gave us: standard error
     * may have been redirected since. */
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char own[64];
    log_for_journal = false;
    if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
        return;
    (void)snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)st.st_dev,
                   (unsigned long long)st.st_ino);
    log_for_journal = strcmp(stream, own) == 0;
}

/* A line in the making; what doesn't fit is cut. */
struct line {
    size_t n;
    char text[LOG_LINE_MAX];
};

/* One byte stays free for the newline. */
static void
line_put(struct line *line, const char *p, size_t n)
{
    n = MIN(n, sizeof line->text - 1 - line->n);
    memcpy(line->text + line->n, p, n);
    line->n += n;
}

static void
line_put_str(struct line *line, const char *s)
{
    line_put(line, s, strlen(s));
}

static bool
is_plain(int bytes, uint32_t cp)
{
    return bytes > 0 && cp >= 0x20 && (cp < 0x7f || cp >= 0xa0);
}

/* Nothing in a message may move a cursor or begin a new line. */
static void
line_put_escaped(struct line *line, struct slice s)
{
    while (s.n > 0) {
        uint32_t cp = 0;
        int n = utf8_decode(s, &cp);
        size_t bytes = n > 0 ? (size_t)n : 1;
        if (is_plain(n, cp)) {
            line_put(line, s.p, bytes);
        } else if (cp == '\n') {
            line_put(line, "\\n", 2);
        } else if (cp == '\t') {
            line_put(line, "\\t", 2);
        } else {
            char text[8];
            for (size_t i = 0; i < bytes; i++) {
                (void)snprintf(text, sizeof text, "\\x%02x",
                               (unsigned char)s.p[i]);
                line_put(line, text, 4);
            }
        }
        s = slice_skip(s, bytes);
    }
}

static void
line_put_head(struct line *line, enum log_level level)
{
    char text[16];
    if (log_for_journal) {
        (void)snprintf(text, sizeof text, "<%d>", (int)level);
        line_put_str(line, text);
    } else {
        char now[TIME_STR_MAX];
        (void)time_format_rfc3339(clock_wall_us(), TIME_MILLIS, now);
        line_put_str(line, now);
        line_put_str(line, " ");
        line_put_str(line, log_level_name(level));
        line_put_str(line, " ");
    }
    const char *thread = log_context.thread, *instance = log_context.instance;
    if (*thread == '\0' && *instance == '\0')
        return;
    line_put_str(line, "[");
    line_put_escaped(line, slice_from_str(thread));
    if (*thread != '\0' && *instance != '\0')
        line_put_str(line, "/");
    line_put_escaped(line, slice_from_str(instance));
    line_put_str(line, "] ");
}

static void
log_emit(enum log_level level, const char *message, uint64_t left_out)
{
    struct line line = {.n = 0};
    line_put_head(&line, level);
    line_put_escaped(&line, slice_from_str(message));
    if (left_out > 0) {
        char text[48];
        (void)snprintf(text, sizeof text, " (%llu such lines left out)",
                       (unsigned long long)left_out);
        line_put_str(&line, text);
    }
    line.text[line.n++] = '\n';
    if (log_sink != NULL)
        log_sink(log_sink_ctx, level, slice_new(line.text, line.n));
    else if (write(STDERR_FILENO, line.text, line.n) < 0)
        return; /* there is no other place to complain */
}

/* The message alone; errno is still the caller's, for %m. */
PRINTF_LIKE(3, 0)
static void
log_format(char *out, size_t size, const char *fmt, va_list ap)
{
    if (vsnprintf(out, size, fmt, ap) < 0)
        (void)snprintf(out, size, "(a message that can't be formatted)");
}

void
log_vwrite(enum log_level level, const char *fmt, va_list ap)
{
    int saved = errno;
    char message[LOG_LINE_MAX];
    log_format(message, sizeof message, fmt, ap);
    log_emit(level, message, 0);
    errno = saved;
}

void
log_write(enum log_level level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    log_vwrite(level, fmt, ap);
    va_end(ap);
}

bool
log_limit_pass(struct log_limit *limit, usec_t interval_us)
{
    int saved = errno;
    usec_t now = clock_boot_us();
    errno = saved;
    usec_t next = atomic_load_explicit(&limit->next_us, memory_order_relaxed);
    /* One of several threads wins; the others count as left out. */
    if (now >= next && atomic_compare_exchange_strong(&limit->next_us, &next,
                                                      now + interval_us))
        return true;
    atomic_fetch_add_explicit(&limit->suppressed, 1, memory_order_relaxed);
    return false;
}

void
log_write_limited(enum log_level level, struct log_limit *limit,
                  const char *fmt, ...)
{
    int saved = errno;
    char message[LOG_LINE_MAX];
    va_list ap;
    va_start(ap, fmt);
    log_format(message, sizeof message, fmt, ap);
    va_end(ap);
    log_emit(level, message, atomic_exchange(&limit->suppressed, 0));
    errno = saved;
}
