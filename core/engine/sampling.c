/* SPDX-License-Identifier: Apache-2.0 */
/* sampling.c - limitk and limit_ratio: some members of each group.
 *
 * Which ones limit_ratio takes depends on their labels alone: on XXH64 of the
 * labels as Prometheus keeps them (each text behind its length), so that the
 * same series are taken as there. */
#include "config.h"

#include <math.h>

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/engine/groups.h"
#include "core/engine/notes.h"

#define LABELS_TEXT_MAX ((size_t)1 << 20)
#define LONG_TEXT 255u /* and more: the length is in 3 bytes */

/* --- XXH64 with seed 0 -------------------------------------------------- */

#define P1 UINT64_C(0x9e3779b185ebca87)
#define P2 UINT64_C(0xc2b2ae3d27d4eb4f)
#define P3 UINT64_C(0x165667b19e3779f9)
#define P4 UINT64_C(0x85ebca77c2b2ae63)
#define P5 UINT64_C(0x27d4eb2f165667c5)

static uint64_t
rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static uint64_t
little_endian(const char *p, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)(unsigned char)p[i] << (8 * i);
    return v;
}

static uint64_t
xxh_round(uint64_t acc, uint64_t x)
{
    return rotl(acc + x * P2, 31) * P1;
}

static uint64_t
xxh_tail(uint64_t h, const char *p, size_t n)
{
    for (; n >= 8; p += 8, n -= 8)
        h = rotl(h ^ xxh_round(0, little_endian(p, 8)), 27) * P1 + P4;
    if (n >= 4) {
        h = rotl(h ^ little_endian(p, 4) * P1, 23) * P2 + P3;
        p += 4;
        n -= 4;
    }
    for (; n > 0; p++, n--)
        h = rotl(h ^ (unsigned char)*p * P5, 11) * P1;
    h = (h ^ h >> 33) * P2;
    h = (h ^ h >> 29) * P3;
    return h ^ h >> 32;
}

static uint64_t
xxh64(struct slice s)
{
    const char *p = s.p;
    size_t n = s.n;
    uint64_t h = P5;
    if (n >= 32) {
        uint64_t v[4] = {P1 + P2, P2, 0, -P1};
        for (; n >= 32; n -= 32) {
            for (unsigned i = 0; i < 4; i++, p += 8)
                v[i] = xxh_round(v[i], little_endian(p, 8));
        }
        h = rotl(v[0], 1) + rotl(v[1], 7) + rotl(v[2], 12) + rotl(v[3], 18);
        for (unsigned i = 0; i < 4; i++)
            h = (h ^ xxh_round(0, v[i])) * P1 + P4;
    }
    return xxh_tail(h + s.n, p, n);
}

/* --- limits ------------------------------------------------------------- */

static void
put_text(struct buf *b, struct slice s)
{
    if (s.n < LONG_TEXT) {
        (void)buf_putc(b, (char)s.n);
    } else {
        (void)buf_putc(b, (char)LONG_TEXT);
        for (unsigned i = 0; i < 3; i++)
            (void)buf_putc(b, (char)(s.n >> (8 * i)));
    }
    (void)buf_append_slice(b, s);
}

/* Where between 0 and 1 these labels stand. */
static int
offset_of(struct grouped *g, const struct lset *l, struct buf *b, double *ret)
{
    struct labels *ls = g->ev->e->labels;
    buf_reset(b);
    for (uint32_t i = 0; i < l->n; i++) {
        put_text(b, labels_str(ls, l->l[i].name));
        put_text(b, labels_str(ls, l->l[i].value));
    }
    *ret = (double)xxh64(buf_slice(b)) / (double)UINT64_MAX;
    return buf_error(b);
}

int
aggregate_limitk(struct grouped *g, double k, struct value *ret)
{
    struct vector *out = &ret->vec;
    uint32_t count = 0;
    int e = rank_count(g, k, &count);
    if (e == 0)
        e = vector_make(g->ev, g->v.n, out);
    for (uint32_t i = 0; e == 0 && i < g->n_groups; i++) {
        uint32_t left = count;
        for (uint32_t m = g->groups[i].first; m != UINT32_MAX && left > 0;
             m = g->next[m], left--)
            grouped_pass(g, m, out);
    }
    return e;
}

static double
ratio_cap(struct grouped *g, double ratio)
{
    double cap = fmax(-1, fmin(1, ratio));
    char text[STR_DOUBLE_MAX];
    if (cap != ratio) {
        (void)str_format_double(ratio, STR_DOUBLE_GO_G, text);
        eval_note(g->ev, NOTE_WARNING, expr_unparen(g->n->expr->agg.param),
                  "ratio value should be between -1 and 1, got %s, capping to "
                  "%g",
                  text, cap);
    }
    return cap;
}

int
aggregate_limit_ratio(struct grouped *g, double ratio, struct value *ret)
{
    AUTO_FINI(buf) b = BUF_INIT(LABELS_TEXT_MAX);
    if (isnan(ratio))
        return err_set(g->ev->err, -EINVAL, "Ratio value is NaN");
    ratio = ratio_cap(g, ratio);
    int e = vector_make(g->ev, g->v.n, &ret->vec);
    for (uint32_t i = 0; e == 0 && i < g->v.n; i++) {
        double at = 0;
        e = offset_of(g, g->v.labels[i], &b, &at);
        if (e == 0 && (ratio >= 0 ? at < ratio : at >= 1 + ratio))
            grouped_pass(g, i, &ret->vec);
    }
    return e;
}
