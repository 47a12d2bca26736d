/* SPDX-License-Identifier: Apache-2.0 */
/* alert_series.c - ALERTS and ALERTS_FOR_STATE, as Prometheus has them, where
 * some expression reads them.
 *
 * They are of the kind 'state': what a slot said holds over slots that are
 * skipped, as the alerts do, until a stale marker ends it. */
#include "config.h"

#include "core/engine/engine_priv.h"

static struct lset *
with_label(struct engine *e, struct lset *l, struct slice name,
           struct slice value)
{
    return lset_pool(e->labels, lset_set_named(e->labels, l, name, value));
}

static int
put(struct rule *r, struct lset *labels, const char *metric, int64_t ms,
    double value)
{
    struct engine *e = r->state->e;
    struct lset *l =
        with_label(e, labels, SLICE("__name__"), slice_from_str(metric));
    if (l == NULL)
        return -ENOMEM;
    return seriesdb_record(e->series, r->id, l, (struct sample){ms, value});
}

/* ALERTS of a state: there, or no longer. */
static int
put_state(struct rule *r, const struct alert *a, uint8_t state, int64_t ms,
          double value)
{
    struct lset *l = with_label(r->state->e, a->labels, SLICE("alertstate"),
                                slice_from_str(alert_state_name(state)));
    return l == NULL ? -ENOMEM : put(r, l, ALERTS_NAME, ms, value);
}

int
alert_series(struct rule *r, const struct alert *a, uint8_t state, int64_t ms)
{
    const struct plan *p = r->state->e->plan;
    bool there = state == ALERT_PENDING || state == ALERT_FIRING;
    int e = 0;
    if (p == NULL || !p->alerts_read)
        return 0;
    if (a->told != 0 && a->told != state)
        e = put_state(r, a, a->told, ms, value_stale());
    if (e >= 0 && there)
        e = put_state(r, a, state, ms, 1);
    if (e >= 0 && there)
        e = put(r, a->labels, ALERTS_FOR_STATE_NAME, ms,
                (double)(a->active / USEC_PER_SEC));
    else if (e >= 0 && a->told != 0)
        e = put(r, a->labels, ALERTS_FOR_STATE_NAME, ms, value_stale());
    return e < 0 ? e : there ? state : 0;
}

bool
name_is_of_alerts(struct slice name)
{
    return slice_eq_str(name, ALERTS_NAME) ||
           slice_eq_str(name, ALERTS_FOR_STATE_NAME);
}
