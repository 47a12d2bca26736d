/* SPDX-License-Identifier: Apache-2.0 */
/* series_priv.h - the insides of series.h, for its two files. */
#ifndef TOCSIN_ENGINE_SERIES_PRIV_H
#define TOCSIN_ENGINE_SERIES_PRIV_H

#include "core/base/table.h"
#include "core/engine/keys.h"
#include "core/engine/series.h"

/* Samples s[first .. first+n), by time. */
struct series {
    struct lset *labels; /* NULL: free */
    uint32_t metric;
    uint32_t first, n, cap;
    struct sample *s;
    struct sample last; /* the newest of them, where n > 0 */
    uint32_t key;       /* of the metric's key set, or KEY_NONE */
    uint64_t *seq;      /* beside s, of state metrics; NULL: none had one */
    int64_t seen_ms;    /* newest sample that came, kept or not */
    uint64_t rule;      /* that records it, or 0 */
    uint32_t views;     /* that hold it */
    bool past;          /* about to be freed */
};

struct metric {
    uint32_t name; /* string */
    struct metric_kind kind;
    uint32_t n_series;
    struct keyset *ks; /* of the labels that samples come with, or NULL */
    uint8_t *ids;      /* of the key set's names among them */
    uint32_t n_ids;
    VEC(uint32_t) by_key;    /* series + 1, by key; 0: none */
    uint32_t n_views;        /* that may hold series of it */
    bool wanted;             /* by the schema, a view or a recording rule */
    int64_t horizon, frozen; /* samples up to here are not read any more */
    int64_t next;            /* the least 'from' of its views, being found */
};

struct view {
    uint32_t name; /* string; 0: the matchers say which */
    const struct matcher *matchers;
    uint32_t n_matchers;
    /* Of each matcher, as strings: the name; and the value that it wants to be
     * equal (0: "", no label). */
    struct lpair *wants;
    VEC(uint32_t) series; /* by labels, the first 'n_sorted' */
    uint32_t n_sorted;
    int64_t from;
};

/* Row 2i of rowset 'metric_rows' is metric i's; of 'series_rows' series i's. */
struct seriesdb {
    struct rowset metric_rows, series_rows;
    struct labels *ls;
    struct keysets *keysets;
    uint32_t max_series;
    VEC(struct series) series;
    VEC(uint32_t) free;
    struct table table; /* by labels */
    VEC(struct metric) metrics;
    VEC(struct view) views;
    size_t bytes;
};

/* Inserts in the order of time; false if another sample beats it. */
int series_put(struct seriesdb *db, struct series *s, struct sample x,
               uint64_t seq);
/* Drops what is not read any more. */
void series_trim(const struct seriesdb *db, struct series *s);
void series_cut(struct series *s, int64_t after_ms);
bool series_is_past(const struct seriesdb *db, const struct series *s);
/* Index of the first sample with ms > t. */
uint32_t series_after(const struct series *s, int64_t t);
/* May the view hold series of the metric? */
bool view_reads(const struct view *v, const struct metric *m);

#endif
