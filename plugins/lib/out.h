/* SPDX-License-Identifier: Apache-2.0 */
/* out.h - text on its way out: a buffer that grows, JSON, times.
 *
 * The first failure stays, and makes all later calls do nothing: check
 * out_failed() once, at the end.  One owner. */
#ifndef TOCSIN_PLUGINS_LIB_OUT_H
#define TOCSIN_PLUGINS_LIB_OUT_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/plugin.h>

struct out {
    char *p;
    size_t n, cap;
    size_t max; /* bytes; 0: none */
    bool failed;
};

void out_fini(struct out *o);
void out_reset(struct out *o); /* empties, keeps memory */
static inline bool
out_failed(const struct out *o)
{
    return o->failed;
}

void out_put(struct out *o, const char *p, size_t n);
void out_char(struct out *o, char c);
void out_str(struct out *o, const char *s);
void out_text(struct out *o, struct tocsin_text t);
__attribute__((format(printf, 2, 3))) void out_printf(struct out *o,
                                                      const char *fmt, ...);

/* For a terminal: control characters made visible, so that what a device
 * sends can't move the cursor. */
void out_visible(struct out *o, struct tocsin_text t);

/* In quotes; a byte that is no UTF-8 becomes U+FFFD. */
void out_json(struct out *o, struct tocsin_text t);
void out_json_str(struct out *o, const char *s);
/* {"name":"value",…} */
void out_json_pairs(struct out *o, const struct tocsin_pair *pairs, size_t n);
/* The shortest that reads back as the same number; in quotes where JSON has no
 * number for it. */
void out_json_double(struct out *o, double v);

/* 2026-05-04T08:11:02.123Z, as many of 0, 3 or 6 digits as there are. */
void out_time(struct out *o, int64_t us);
/* 1h2m3s, 250ms: for people. */
void out_duration(struct out *o, int64_t us);

static inline struct tocsin_text
out_taken(const struct out *o)
{
    return (struct tocsin_text){o->p, o->n};
}

/* The value of that name, or an empty text. */
struct tocsin_text pairs_get(const struct tocsin_pair *pairs, size_t n,
                             const char *name);
bool text_is(struct tocsin_text t, const char *s);

#endif
