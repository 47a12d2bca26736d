/* SPDX-License-Identifier: Apache-2.0 */
/* duration.h - spans of time and sizes, as people write them.
 *
 * Durations are Prometheus': "1h30m", units y w d h m s ms in this order, each
 * once, whole numbers, or "0".  A year has 365 days.  Thread: any. */
#ifndef TOCSIN_BASE_DURATION_H
#define TOCSIN_BASE_DURATION_H
#include "core/base/types.h"

/* What is wrong with a text, and where. */
struct fault {
    size_t pos;      /* byte offset */
    const char *why; /* static text, lower case: "unknown unit" */
};

/* 0, -EINVAL, or -ERANGE above 2^63 µs (292,000 years).  'ret_fault' may be
 * NULL; filled on failure. */
MUST_CHECK int duration_parse(struct slice s, usec_t *ret_us,
                              struct fault *ret_fault);

/* Reads the longest duration that 's' starts with, for lexers: returns its
 * bytes, or 0 if there is none. */
size_t duration_scan(struct slice s);

/* Canonical, as Prometheus prints: "1h30m", "1d", "0s"; parsed back it is the
 * same for whole milliseconds, smaller parts are cut.  A negative span gets a
 * '-'.  NUL-terminated; returns the length. */
#define DURATION_STR_MAX 64
size_t duration_format(usec_t us, char ret[static DURATION_STR_MAX]);

/* "64MiB", "10KB", "512": a whole number, then B, kB/KB, MB, GB, TB (1000) or
 * KiB, MiB, GiB, TiB (1024), in any case.  -EINVAL, or -ERANGE above 2^63-1. */
MUST_CHECK int size_parse(struct slice s, uint64_t *ret_bytes,
                          struct fault *ret_fault);

/* In the largest 1024-unit that has no remainder: "64MiB", "1000B". */
#define SIZE_STR_MAX 32
size_t size_format(uint64_t bytes, char ret[static SIZE_STR_MAX]);

#endif
