/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - one line to standard error:
 *
 *     2026-05-04T08:11:02.123Z warning [engine/hub] queue "x" full, pausing
 *
 * or "<4>[engine/hub] …" where the journal of systemd listens, which adds time
 * and level itself.  A line is written by one write(2), so lines of threads
 * don't mix.  errno is preserved and %m works.  Control characters are
 * escaped, a line ends at 4 KiB.  Messages: lower case, no full stop, say what
 * happens next.  Thread: any.  Locks: none. */
#ifndef TOCSIN_BASE_LOG_H
#define TOCSIN_BASE_LOG_H
#include <stdarg.h>

#include "core/base/types.h"

/* Values are syslog's. */
enum log_level { LOG_ERROR = 3, LOG_WARN = 4, LOG_INF = 6, LOG_DBG = 7 };

#define log_error(...) log_at_(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_at_(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_at_(LOG_INF, __VA_ARGS__)
#define log_debug(...) log_at_(LOG_DBG, __VA_ARGS__)

#define log_at_(level, ...)                                                    \
    do {                                                                       \
        if (log_enabled(level))                                                \
            log_write((level), __VA_ARGS__);                                   \
    } while (0)

/* At most one line per interval from this place; the next one says how many
 * were left out. */
#define log_limited(level, interval_us, ...)                                   \
    do {                                                                       \
        static struct log_limit log_limit_;                                    \
        log_limited_by(&log_limit_, (level), (interval_us), __VA_ARGS__);      \
    } while (0)

/* The same for one of many who log from this place: 'limit' is its own. */
#define log_limited_by(limit, level, interval_us, ...)                         \
    do {                                                                       \
        if (log_enabled(level) && log_limit_pass((limit), (interval_us)))      \
            log_write_limited((level), (limit), __VA_ARGS__);                  \
    } while (0)

bool log_enabled(enum log_level level);
PRINTF_LIKE(2, 3) void log_write(enum log_level level, const char *fmt, ...);
PRINTF_LIKE(2, 0)
void log_vwrite(enum log_level level, const char *fmt, va_list ap);

/* Lines of this level and more urgent ones are written; info at first. */
void log_set_level(enum log_level level);
/* "error", "warning" (or "warn"), "info", "debug"; -EINVAL. */
MUST_CHECK int log_level_parse(struct slice s, enum log_level *ret_level);

/* What this thread is and whom it serves, both copied (up to 31 bytes each);
 * NULL for none. */
void log_set_context(const char *thread, const char *instance);

/* Zeroed at first. */
struct log_limit {
    _Atomic usec_t next_us; /* boot time; a line may pass from then on */
    _Atomic uint64_t suppressed;
};
bool log_limit_pass(struct log_limit *limit, usec_t interval_us);
PRINTF_LIKE(3, 4)
void log_write_limited(enum log_level level, struct log_limit *limit,
                       const char *fmt, ...);

/* For tests, before threads start: gets each whole line (with its '\n')
 * instead of standard error; NULL puts it back. */
typedef void (*log_sink_fn)(void *ctx, enum log_level level, struct slice line);
void log_set_sink(log_sink_fn sink, void *ctx);

/* Looks at JOURNAL_STREAM and decides on the prefix; main calls it once.
 * Without it lines are for people. */
void log_detect_journal(void);

#endif
