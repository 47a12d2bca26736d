/* SPDX-License-Identifier: Apache-2.0 */
/* kept.c - is everything there that a query asks for? */
#include "config.h"

#include "core/base/err.h"
#include "core/base/timefmt.h"
#include "core/engine/series_priv.h"
#include "core/lang/matcher.h"

/* Does what 'm' asks for follow from the matchers of 'q'? */
static bool
follows(const struct matcher *m, const struct view *q)
{
    for (uint32_t i = 0; i < q->n_matchers; i++) {
        const struct matcher *a = &q->matchers[i];
        if (!slice_eq(a->name, m->name))
            continue;
        if (a->op == m->op && slice_eq(a->value, m->value))
            return true;
        if (a->op == MATCHER_EQ && matcher_match(m, a->value) == MATCH)
            return true;
    }
    return false;
}

/* Is every series of this metric that 'q' selects in 'v' too? */
static bool
covers(const struct seriesdb *db, const struct view *v, const struct view *q,
       const struct metric *m)
{
    if (!view_reads(v, m))
        return false;
    for (uint32_t i = 0; i < v->n_matchers; i++) {
        const struct matcher *w = &v->matchers[i];
        bool name = slice_eq_str(w->name, "__name__");
        if (name ? matcher_match(w, labels_str(db->ls, m->name)) != MATCH
                 : !follows(w, q))
            return false;
    }
    return true;
}

static int
error_unread(struct slice name, bool known, struct err *err)
{
    return err_set(err, -ERANGE,
                   known ? "not all series of \"%.*s\" that this selects are "
                           "kept: no rule reads them"
                         : "nothing is kept of \"%.*s\": no rule reads it",
                   SLICE_FMT(name));
}

struct keeping {
    const struct seriesdb *db;
    const struct view *q; /* what is asked for, */
    int64_t from_ms;      /* from when on */
    uint32_t views;       /* that keep: the first so many */
};

static int
check_metric(const struct keeping *c, const struct metric *m, struct err *err)
{
    struct slice name = labels_str(c->db->ls, m->name);
    bool covered = false;
    for (uint32_t i = 0; i < c->views && !covered; i++)
        covered = covers(c->db, &c->db->views.p[i], c->q, m);
    if (!covered)
        return error_unread(name, m->n_series > 0, err);
    if (c->from_ms >= m->horizon || m->kind.is_state)
        return 0;
    char kept[TIME_STR_MAX], asked[TIME_STR_MAX];
    (void)time_format_rfc3339(m->horizon * 1000, TIME_MILLIS, kept);
    (void)time_format_rfc3339(c->from_ms * 1000, TIME_MILLIS, asked);
    return err_set(err, -ERANGE,
                   "samples of \"%.*s\" are kept from %s on, as long as rules "
                   "need them, but this asks for them from %s on",
                   SLICE_FMT(name), kept, asked);
}

/* Is there a view that keeps all there is? */
static bool
all_is_kept(const struct seriesdb *db, uint32_t views)
{
    for (uint32_t i = 0; i < views; i++) {
        if (db->views.p[i].n_matchers == 0)
            return true;
    }
    return false;
}

int
seriesdb_check_kept(const struct seriesdb *db, uint32_t view, uint32_t views,
                    int64_t from_ms, struct err *err)
{
    struct keeping c = {db, &db->views.p[view], from_ms, views};
    const struct view *q = c.q;
    bool any = all_is_kept(db, views);
    for (uint32_t i = 0; i < db->metrics.n; i++) {
        const struct metric *m = &db->metrics.p[i];
        if (!view_reads(q, m) ||
            !matchers_take_name(q->matchers, q->n_matchers,
                                labels_str(db->ls, m->name)))
            continue;
        any = true;
        int e = check_metric(&c, m, err);
        if (e < 0)
            return e;
    }
    if (any)
        return 0;
    if (q->name != 0)
        return error_unread(labels_str(db->ls, q->name), false, err);
    return err_set(err, -ERANGE, "no metric that is kept has such a name");
}
