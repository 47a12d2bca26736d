/* SPDX-License-Identifier: Apache-2.0 */
/* samples.c - the samples of one series, in the order of their times. */
#include "config.h"

#include "core/engine/series_priv.h"

double
value_stale(void)
{
    uint64_t bits = SERIES_STALE_BITS;
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

uint32_t
series_after(const struct series *s, int64_t t)
{
    uint32_t lo = s->first, hi = s->first + s->n;
    /* Mostly it's one of the newest. */
    for (unsigned k = 0; k < 4 && hi > lo; k++, hi--) {
        if (s->s[hi - 1].ms <= t)
            return hi;
    }
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (s->s[mid].ms <= t)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static int
series_room(struct seriesdb *db, struct series *s)
{
    if (s->first + s->n < s->cap)
        return 0;
    if (s->first > 0 && s->first >= s->cap / 4) {
        memmove(s->s, s->s + s->first, s->n * sizeof *s->s);
        if (s->seq != NULL)
            memmove(s->seq, s->seq + s->first, s->n * sizeof *s->seq);
        s->first = 0;
        return 0;
    }
    uint32_t cap = s->cap + MAX(s->cap / 2, 4u);
    struct sample *p = mem_realloc(s->s, cap, sizeof *p);
    if (p == NULL)
        return -ENOMEM;
    s->s = p;
    if (s->seq != NULL) {
        uint64_t *q = mem_realloc(s->seq, cap, sizeof *q);
        if (q == NULL)
            return -ENOMEM;
        s->seq = q;
    }
    db->bytes += (cap - s->cap) * sizeof *p;
    s->cap = cap;
    return 0;
}

static int
series_want_seq(struct series *s)
{
    if (s->seq != NULL)
        return 0;
    s->seq = mem_new_array(uint64_t, s->cap + 1);
    return s->seq == NULL ? -ENOMEM : 0;
}

/* Of two values at one time: a number before a stale marker, the greater
 * before the smaller, NaN last. */
static bool
value_wins(double a, double b)
{
    if (value_is_stale(a) || value_is_stale(b))
        return value_is_stale(b) && !value_is_stale(a);
    return a > b || (b != b && a == a);
}

static uint64_t
seq_at(const struct series *s, uint32_t i)
{
    return s->seq == NULL ? 0 : s->seq[i];
}

static void
series_remove(struct series *s, uint32_t i)
{
    uint32_t end = s->first + s->n;
    memmove(s->s + i, s->s + i + 1, (end - i - 1) * sizeof *s->s);
    if (s->seq != NULL)
        memmove(s->seq + i, s->seq + i + 1, (end - i - 1) * sizeof *s->seq);
    s->n--;
}

/* Where sequence numbers order the samples, one that an earlier one overtakes
 * never counts. */
static bool
series_overtaken(struct series *s, uint32_t i, uint64_t seq)
{
    if (seq == 0)
        return false;
    if (i > s->first && seq_at(s, i - 1) > seq)
        return true;
    while (i < s->first + s->n && seq_at(s, i) != 0 && seq_at(s, i) < seq)
        series_remove(s, i);
    return false;
}

static void
series_note_last(struct series *s)
{
    if (s->n > 0)
        s->last = s->s[s->first + s->n - 1];
}

static int
series_insert(struct seriesdb *db, struct series *s, struct sample x,
              uint64_t seq)
{
    if (seq != 0 && series_want_seq(s) < 0)
        return -ENOMEM;
    uint32_t i = series_after(s, x.ms);
    bool same = i > s->first && s->s[i - 1].ms == x.ms;
    if (same && seq == seq_at(s, i - 1)) {
        if (value_wins(x.v, s->s[i - 1].v))
            s->s[i - 1].v = x.v;
        return 0;
    }
    if (series_overtaken(s, i, seq))
        return 0;
    if (same && seq > seq_at(s, i - 1) && seq_at(s, i - 1) != 0) {
        s->s[i - 1].v = x.v;
        s->seq[i - 1] = seq;
        return 0;
    }
    i -= s->first;
    if (series_room(db, s) < 0)
        return -ENOMEM;
    i += s->first;
    uint32_t end = s->first + s->n;
    memmove(s->s + i + 1, s->s + i, (end - i) * sizeof *s->s);
    s->s[i] = x;
    if (s->seq != NULL) {
        memmove(s->seq + i + 1, s->seq + i, (end - i) * sizeof *s->seq);
        s->seq[i] = seq;
    }
    s->n++;
    return 0;
}

int
series_put(struct seriesdb *db, struct series *s, struct sample x, uint64_t seq)
{
    int r = series_insert(db, s, x, seq);
    series_note_last(s);
    return r;
}

/* The first sample that is still read: of a state the last before counts. */
static uint32_t
series_first_read(const struct metric *m, const struct series *s,
                  int64_t horizon)
{
    uint32_t i = series_after(s, horizon);
    return m->kind.is_state && i > s->first ? i - 1 : i;
}

void
series_trim(const struct seriesdb *db, struct series *s)
{
    const struct metric *m = &db->metrics.p[s->metric];
    uint32_t i = series_first_read(m, s, m->horizon);
    s->n -= i - s->first;
    s->first = s->n == 0 ? 0 : i;
}

void
series_cut(struct series *s, int64_t after_ms)
{
    s->n = series_after(s, after_ms) - s->first;
    series_note_last(s);
}

bool
series_is_past(const struct seriesdb *db, const struct series *s)
{
    const struct metric *m = &db->metrics.p[s->metric];
    if (s->n == 0)
        return true;
    struct sample last = s->s[s->first + s->n - 1];
    if (last.ms > m->horizon)
        return false;
    if (!m->kind.is_state || value_is_stale(last.v))
        return true;
    return m->kind.remember_us > 0 &&
           s->seen_ms + m->kind.remember_us / 1000 <= m->horizon;
}
