/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/series.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/codec.h"
#include "core/base/fetch.h"
#include "core/engine/series_priv.h"
#include "core/lang/matcher.h"

#define SWEEP_MS (60 * 1000) /* of a metric's horizon, between two sweeps */
#define NEVER_MS (INT64_MIN / 4)
#define VIEW_AHEAD 8u /* series */

/* --- rows --------------------------------------------------------------- */

static int
metric_put(void *owner, uint32_t index, struct buf *key, struct buf *value)
{
    struct seriesdb *db = owner;
    const struct metric *m = &db->metrics.p[index];
    (void)buf_append_slice(key, labels_str(db->ls, m->name));
    (void)buf_put_u8(value, m->kind.is_state);
    (void)buf_put_zigzag(value, m->kind.remember_us);
    return buf_put_zigzag(value, m->frozen);
}

static void
metrics_begin(void *owner)
{
    struct seriesdb *db = owner;
    for (uint32_t i = 0; i < db->metrics.n; i++)
        db->metrics.p[i].frozen = db->metrics.p[i].horizon;
}

static int
series_row_put(void *owner, uint32_t index, struct buf *key, struct buf *value)
{
    struct seriesdb *db = owner;
    const struct series *s = &db->series.p[index];
    const struct metric *m = &db->metrics.p[s->metric];
    (void)lset_encode(db->ls, s->labels, key);
    (void)buf_put_u64(value, s->rule);
    (void)buf_put_zigzag(value, s->seen_ms);
    uint32_t i = series_after(s, m->frozen);
    if (m->kind.is_state && i > s->first)
        i--;
    int64_t last = 0;
    for (; i < s->first + s->n; i++) {
        (void)buf_put_zigzag(value, s->s[i].ms - last);
        (void)buf_put_double(value, s->s[i].v);
        (void)buf_put_varint(value, s->seq == NULL ? 0 : s->seq[i]);
        last = s->s[i].ms;
    }
    return buf_error(value);
}

static const struct rowset_ops metric_ops = {metric_put, metrics_begin};
static const struct rowset_ops series_ops = {series_row_put, NULL};

/* --- life --------------------------------------------------------------- */

struct seriesdb *
seriesdb_new(struct rows *rows, struct labels *ls, struct keysets *keysets,
             uint32_t max_series)
{
    struct seriesdb *db = mem_new(struct seriesdb);
    if (db == NULL)
        return NULL;
    db->ls = ls;
    db->keysets = keysets;
    db->max_series = max_series;
    table_init(&db->table, UINT32_MAX / 2);
    rowset_init(&db->metric_rows, rows, NODE_METRICS, &metric_ops, db);
    rowset_init(&db->series_rows, rows, NODE_SERIES, &series_ops, db);
    return db;
}

static void
view_fini(struct seriesdb *db, struct view *v)
{
    for (uint32_t k = 0; v->wants != NULL && k < v->n_matchers; k++) {
        labels_release(db->ls, v->wants[k].name);
        labels_release(db->ls, v->wants[k].value);
    }
    labels_release(db->ls, v->name);
    mem_free(v->wants);
    vec_free(&v->series);
}

void
seriesdb_reset_views(struct seriesdb *db)
{
    for (uint32_t i = 0; i < db->views.n; i++) {
        struct view *v = &db->views.p[i];
        view_fini(db, v);
    }
    db->views.n = 0;
    for (uint32_t i = 0; i < db->metrics.n; i++) {
        db->metrics.p[i].n_views = 0;
        db->metrics.p[i].wanted = false;
    }
    for (uint32_t i = 0; i < db->series.n; i++)
        db->series.p[i].views = 0;
}

void
seriesdb_free(struct seriesdb *db)
{
    if (db == NULL)
        return;
    rowset_fini(&db->metric_rows);
    rowset_fini(&db->series_rows);
    seriesdb_reset_views(db);
    for (uint32_t i = 0; i < db->series.n; i++) {
        struct series *s = &db->series.p[i];
        lset_unref(db->ls, s->labels);
        mem_free(s->s);
        mem_free(s->seq);
    }
    for (uint32_t i = 0; i < db->metrics.n; i++) {
        struct metric *m = &db->metrics.p[i];
        labels_release(db->ls, m->name);
        keyset_unref(m->ks);
        mem_free(m->ids);
        vec_free(&m->by_key);
    }
    vec_free(&db->series);
    vec_free(&db->free);
    vec_free(&db->metrics);
    vec_free(&db->views);
    table_fini(&db->table);
    mem_free(db);
}

/* --- metrics ------------------------------------------------------------ */

bool
view_reads(const struct view *v, const struct metric *m)
{
    return v->name == 0 || v->name == m->name;
}

/* Finds or makes it. */
static int64_t
metric_of(struct seriesdb *db, struct slice name)
{
    uint32_t id = labels_intern(db->ls, name);
    if (id == 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < db->metrics.n; i++) {
        if (db->metrics.p[i].name == id) {
            labels_release(db->ls, id);
            return i;
        }
    }
    struct metric m = {.name = id, .horizon = NEVER_MS, .frozen = NEVER_MS};
    for (uint32_t i = 0; i < db->views.n; i++)
        m.n_views += view_reads(&db->views.p[i], &m);
    if (vec_push(&db->metrics, m) < 0) {
        labels_release(db->ls, id);
        return -ENOMEM;
    }
    return db->metrics.n - 1;
}

int64_t
seriesdb_metric(struct seriesdb *db, struct slice name,
                const struct metric_kind *kind)
{
    int64_t i = metric_of(db, name);
    if (i < 0)
        return i;
    db->metrics.p[i].wanted = true;
    if (kind != NULL)
        db->metrics.p[i].kind = *kind;
    return i;
}

bool
seriesdb_is_read(const struct seriesdb *db, uint32_t metric)
{
    return db->metrics.p[metric].n_views > 0;
}

/* Its key leads nowhere any more. */
static void
series_unkey(struct seriesdb *db, struct series *s)
{
    struct metric *m = &db->metrics.p[s->metric];
    if (s->key == KEY_NONE)
        return;
    m->by_key.p[s->key] = 0;
    keyset_let(m->ks, s->key);
    s->key = KEY_NONE;
}

/* A key set of these names, and where each stands among them. */
static int
metric_bind(struct seriesdb *db, struct metric *m, const struct slice *names,
            uint32_t n)
{
    struct slice sorted[UINT8_MAX + 1];
    uint8_t *order = mem_alloc(n + 1u);
    if (order == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = i;
        for (; k > 0 && slice_cmp(names[order[k - 1]], names[i]) > 0; k--)
            order[k] = order[k - 1];
        order[k] = (uint8_t)i;
    }
    for (uint32_t i = 0; i < n; i++)
        sorted[i] = names[order[i]];
    m->ks = keysets_get(db->keysets, sorted, n);
    m->ids = order;
    m->n_ids = n;
    return m->ks == NULL ? -ENOMEM : 0;
}

int
seriesdb_bind(struct seriesdb *db, uint32_t metric, const struct slice *names,
              uint32_t n)
{
    struct metric *m = &db->metrics.p[metric];
    if (m->ks != NULL && m->n_ids == n)
        return 0;
    for (uint32_t i = 0; i < db->series.n; i++) {
        struct series *s = &db->series.p[i];
        if (s->labels != NULL && s->metric == metric)
            series_unkey(db, s);
    }
    keyset_unref(m->ks);
    mem_free(m->ids);
    vec_free(&m->by_key);
    m->ks = NULL;
    m->ids = NULL;
    return metric_bind(db, m, names, n);
}

/* --- ahead -------------------------------------------------------------- */

static void
series_fetch(const struct series *s)
{
    fetch(s);
    fetch((const char *)(s + 1) - 1);
}

static void
series_fetch_samples(const struct series *s)
{
    if (s->n == 0)
        return;
    const struct sample *end = s->s + s->first + s->n;
    fetch(end - 1);
    fetch(end - MIN(s->n, 4u));
}

/* --- views -------------------------------------------------------------- */

static int
view_init(struct seriesdb *db, struct view *v, struct slice name)
{
    v->wants = mem_new_array(struct lpair, v->n_matchers + 1);
    v->name = name.n == 0 ? 0 : labels_intern(db->ls, name);
    if (v->wants == NULL || (name.n > 0 && v->name == 0))
        return -ENOMEM;
    for (uint32_t i = 0; i < v->n_matchers; i++) {
        const struct matcher *m = &v->matchers[i];
        bool equal = m->op == MATCHER_EQ && m->value.n > 0;
        v->wants[i].name = labels_intern(db->ls, m->name);
        if (equal)
            v->wants[i].value = labels_intern(db->ls, m->value);
        if (v->wants[i].name == 0 || (equal && v->wants[i].value == 0))
            return -ENOMEM;
    }
    return 0;
}

int
seriesdb_add_view(struct seriesdb *db, struct slice name,
                  const struct matcher *matchers, uint32_t n)
{
    struct view v = {.matchers = matchers, .n_matchers = n, .from = NEVER_MS};
    if (view_init(db, &v, name) < 0 || vec_push(&db->views, v) < 0) {
        view_fini(db, &v);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < db->metrics.n; i++)
        db->metrics.p[i].n_views += view_reads(&v, &db->metrics.p[i]);
    return (int)db->views.n - 1;
}

static bool
view_matches(const struct seriesdb *db, const struct view *v,
             const struct lset *l)
{
    for (uint32_t i = 0; i < v->n_matchers; i++) {
        uint32_t value = lset_value(l, v->wants[i].name);
        if (v->matchers[i].op == MATCHER_EQ) {
            if (value != v->wants[i].value)
                return false;
            continue;
        }
        struct slice s = value == 0 ? SLICE("") : labels_str(db->ls, value);
        if (matcher_match(&v->matchers[i], s) != MATCH)
            return false;
    }
    return true;
}

static int
series_cmp(const void *a, const void *b, void *arg)
{
    const struct seriesdb *db = arg;
    const uint32_t *x = a, *y = b;
    return lset_cmp(db->ls, db->series.p[*x].labels, db->series.p[*y].labels);
}

/* How many of the view's first 'n' come before 'series'; quick if most do. */
static uint32_t
view_before(struct seriesdb *db, const struct view *v, uint32_t n,
            const uint32_t *series)
{
    uint32_t step = 1, lo = 0, hi = n;
    while (step <= n && series_cmp(&v->series.p[n - step], series, db) > 0) {
        hi = n - step;
        step *= 2;
    }
    if (step <= n)
        lo = n - step + 1;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (series_cmp(&v->series.p[mid], series, db) > 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

/* Sorts what came since the view was last read into its place. */
static void
view_sort(struct seriesdb *db, struct view *v)
{
    uint32_t n = v->series.n, k = v->n_sorted, i = k, j = n;
    if (k == n)
        return;
    qsort_r(v->series.p + k, n - k, sizeof *v->series.p, series_cmp, db);
    uint32_t *tail = mem_dup(v->series.p + k, (n - k) * sizeof *tail);
    if (tail == NULL) {
        db->series_rows.rows->failed = -ENOMEM;
        return;
    }
    for (; j > k; j--) { /* from the end, so that nothing is overwritten */
        uint32_t *old = v->series.p, *x = &tail[j - k - 1];
        uint32_t before = view_before(db, v, i, x);
        memmove(old + before + (j - k), old + before,
                (i - before) * sizeof *old);
        i = before;
        old[i + (j - k) - 1] = *x;
    }
    mem_free(tail);
    v->n_sorted = n;
}

static int
view_insert(struct seriesdb *db, struct view *v, uint32_t index)
{
    db->series.p[index].views++;
    return vec_push(&v->series, index);
}

/* Puts a series into the views that match it. */
static int
views_enter(struct seriesdb *db, uint32_t index)
{
    const struct series *s = &db->series.p[index];
    const struct metric *m = &db->metrics.p[s->metric];
    for (uint32_t i = 0; i < db->views.n; i++) {
        struct view *v = &db->views.p[i];
        if (view_reads(v, m) && view_matches(db, v, s->labels) &&
            view_insert(db, v, index) < 0)
            return -ENOMEM;
    }
    return 0;
}

static bool
views_want(const struct seriesdb *db, uint32_t metric, const struct lset *l)
{
    const struct metric *m = &db->metrics.p[metric];
    for (uint32_t i = 0; i < db->views.n; i++) {
        const struct view *v = &db->views.p[i];
        if (view_reads(v, m) && view_matches(db, v, l))
            return true;
    }
    return false;
}

/* --- views for a while ---------------------------------------------------- */

uint32_t
seriesdb_view_count(const struct seriesdb *db)
{
    return db->views.n;
}

int
seriesdb_fill_views(struct seriesdb *db, uint32_t first)
{
    for (uint32_t k = first; k < db->views.n; k++) {
        struct view *v = &db->views.p[k];
        for (uint32_t i = 0; i < db->series.n; i++) {
            const struct series *s = &db->series.p[i];
            if (s->labels != NULL && view_reads(v, &db->metrics.p[s->metric]) &&
                view_matches(db, v, s->labels) && view_insert(db, v, i) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

void
seriesdb_drop_views(struct seriesdb *db, uint32_t first)
{
    while (db->views.n > first) {
        struct view *v = &db->views.p[--db->views.n];
        for (uint32_t i = 0; i < v->series.n; i++)
            db->series.p[v->series.p[i]].views--;
        for (uint32_t i = 0; i < db->metrics.n; i++)
            db->metrics.p[i].n_views -= view_reads(v, &db->metrics.p[i]);
        view_fini(db, v);
    }
}

static void
series_free(struct seriesdb *db, uint32_t index)
{
    struct series *s = &db->series.p[index];
    rowset_drop(&db->series_rows, index);
    CHECK(table_remove(&db->table, s->labels->hash, index));
    series_unkey(db, s);
    db->metrics.p[s->metric].n_series--;
    db->bytes -= s->cap * sizeof *s->s;
    lset_unref(db->ls, s->labels);
    mem_free(s->s);
    mem_free(s->seq);
    *s = (struct series){0};
    if (vec_push(&db->free, index) < 0)
        db->series_rows.rows->failed = -ENOMEM;
}

/* What nobody declares any more leaves no trace. */
static void
metrics_settle(struct seriesdb *db)
{
    for (uint32_t i = 0; i < db->metrics.n; i++) {
        struct metric *m = &db->metrics.p[i];
        if (m->wanted || m->n_series > 0 || m->horizon == NEVER_MS)
            continue;
        rowset_drop(&db->metric_rows, i);
        m->kind = (struct metric_kind){0};
        m->horizon = m->frozen = NEVER_MS;
    }
}

int
seriesdb_settle(struct seriesdb *db)
{
    for (uint32_t i = 0; i < db->series.n; i++) {
        if (db->series.p[i].labels == NULL)
            continue;
        if (db->series.p[i].views == 0 && views_enter(db, i) < 0)
            return -ENOMEM;
        if (db->series.p[i].views == 0)
            series_free(db, i);
    }
    metrics_settle(db);
    return 0;
}

void
seriesdb_view_from(struct seriesdb *db, uint32_t view, int64_t from_ms)
{
    db->views.p[view].from = from_ms;
}

/* Frees the series that nobody reads any more. */
static void
metric_sweep(struct seriesdb *db, uint32_t metric)
{
    bool any = false;
    for (uint32_t i = 0; i < db->series.n; i++) {
        struct series *s = &db->series.p[i];
        if (s->labels == NULL || s->metric != metric)
            continue;
        s->past = series_is_past(db, s);
        any |= s->past;
    }
    for (uint32_t k = 0; any && k < db->views.n; k++) {
        struct view *v = &db->views.p[k];
        uint32_t n = 0;
        view_sort(db, v);
        for (uint32_t i = 0; i < v->series.n; i++) {
            if (!db->series.p[v->series.p[i]].past)
                v->series.p[n++] = v->series.p[i];
        }
        v->series.n = v->n_sorted = n;
    }
    for (uint32_t i = 0; any && i < db->series.n; i++) {
        if (db->series.p[i].past)
            series_free(db, i);
    }
}

void
seriesdb_trim(struct seriesdb *db)
{
    for (uint32_t i = 0; i < db->metrics.n; i++)
        db->metrics.p[i].next = INT64_MAX;
    for (uint32_t k = 0; k < db->views.n; k++) {
        const struct view *v = &db->views.p[k];
        for (uint32_t i = 0; i < db->metrics.n; i++) {
            struct metric *m = &db->metrics.p[i];
            if (view_reads(v, m))
                m->next = MIN(m->next, v->from);
        }
    }
    for (uint32_t i = 0; i < db->metrics.n; i++) {
        struct metric *m = &db->metrics.p[i];
        if (m->next == INT64_MAX || m->next <= m->horizon)
            continue;
        rowset_touch(&db->metric_rows, i);
        bool sweep = m->next / SWEEP_MS != m->horizon / SWEEP_MS;
        m->horizon = m->next;
        if (sweep)
            metric_sweep(db, i);
    }
    metrics_settle(db);
}

uint32_t
view_count(struct seriesdb *db, uint32_t view)
{
    view_sort(db, &db->views.p[view]);
    return db->views.p[view].series.n;
}

static const struct series *
view_series(const struct seriesdb *db, uint32_t view, uint32_t i)
{
    return &db->series.p[db->views.p[view].series.p[i]];
}

struct lset *
view_labels(const struct seriesdb *db, uint32_t view, uint32_t i)
{
    return view_series(db, view, i)->labels;
}

bool
view_is_state(const struct seriesdb *db, uint32_t view, uint32_t i)
{
    return db->metrics.p[view_series(db, view, i)->metric].kind.is_state;
}

uint32_t
view_samples(const struct seriesdb *db, uint32_t view, uint32_t i, int64_t from,
             int64_t to, const struct sample **ret)
{
    const struct series *s = view_series(db, view, i);
    *ret = NULL;
    if (s->n == 0)
        return 0;
    /* What is forgotten may still lie there. */
    from = MAX(from, db->metrics.p[s->metric].horizon);
    uint32_t end = series_after(s, to), begin = series_after(s, from);
    *ret = end > begin ? s->s + begin : NULL;
    return end > begin ? end - begin : 0;
}

/* Views are read in the order of labels, which is none in memory: asks for the
 * series to come, and for the samples of nearer ones. */
static void
view_fetch(const struct seriesdb *db, uint32_t view, uint32_t i)
{
    uint32_t n = db->views.p[view].series.n;
    if (i + 2 * VIEW_AHEAD < n)
        series_fetch(view_series(db, view, i + 2 * VIEW_AHEAD));
    if (i + VIEW_AHEAD < n)
        series_fetch_samples(view_series(db, view, i + VIEW_AHEAD));
}

bool
view_newest(const struct seriesdb *db, uint32_t view, uint32_t i, int64_t from,
            int64_t to, struct sample *ret)
{
    view_fetch(db, view, i);
    const struct series *s = view_series(db, view, i);
    if (s->n == 0)
        return false;
    struct sample x = s->last;
    if (x.ms > to) {
        uint32_t end = series_after(s, to);
        if (end == s->first)
            return false;
        x = s->s[end - 1];
    }
    const struct metric *m = &db->metrics.p[s->metric];
    const struct metric_kind *k = &m->kind;
    if (value_is_stale(x.v))
        return false;
    if (k->is_state) {
        if (k->remember_us > 0 && to - s->seen_ms > k->remember_us / 1000)
            return false;
    } else if (x.ms <= MAX(from, m->horizon)) {
        return false;
    }
    *ret = x;
    return true;
}

/* --- samples ------------------------------------------------------------ */

static bool
series_eq(const void *ctx, uint32_t index)
{
    const void *const *c = ctx;
    const struct seriesdb *db = c[0];
    return db->series.p[index].labels == c[1];
}

static uint32_t
series_find(const struct seriesdb *db, const struct lset *l)
{
    const void *ctx[2] = {db, l};
    return table_find(&db->table, l->hash, series_eq, ctx);
}

static int64_t
series_make(struct seriesdb *db, uint32_t metric, struct lset *l)
{
    uint32_t i = db->free.n > 0 ? db->free.p[db->free.n - 1] : db->series.n;
    if (vec_reserve(&db->series, 1) < 0 ||
        table_insert(&db->table, l->hash, i) < 0)
        return -ENOMEM;
    if (db->free.n > 0)
        db->free.n--;
    else
        db->series.n++;
    db->series.p[i] = (struct series){.labels = lset_ref(l),
                                      .metric = metric,
                                      .key = KEY_NONE,
                                      .seen_ms = NEVER_MS};
    db->metrics.p[metric].n_series++;
    return views_enter(db, i) < 0 ? -ENOMEM : (int64_t)i;
}

/* To a series that is there. */
static int
series_take(struct seriesdb *db, uint32_t index, uint64_t rule, struct sample x,
            uint64_t seq)
{
    struct series *s = &db->series.p[index];
    const struct metric *m = &db->metrics.p[s->metric];
    if (x.ms <= m->horizon && !m->kind.is_state)
        return SERIES_LATE;
    rowset_touch(&db->series_rows, index);
    series_trim(db, s);
    s->rule = rule;
    s->seen_ms = MAX(s->seen_ms, x.ms);
    if (series_put(db, s, x, m->kind.is_state ? seq : 0) < 0)
        return -ENOMEM;
    series_trim(db, s);
    return SERIES_KEPT;
}

/* To the series of these labels; *ret_series is it, if the sample was kept. */
static int
series_add(struct seriesdb *db, uint32_t metric, uint64_t rule,
           struct lset *labels, struct sample x, uint64_t seq,
           uint32_t *ret_series)
{
    const struct metric *m = &db->metrics.p[metric];
    int64_t i = series_find(db, labels);
    if (i == TABLE_NONE) {
        if (x.ms <= m->horizon && !m->kind.is_state)
            return SERIES_LATE;
        if (!views_want(db, metric, labels))
            return SERIES_UNREAD;
        if (m->n_series >= db->max_series)
            return SERIES_FULL;
        i = series_make(db, metric, labels);
        if (i < 0)
            return (int)i;
    }
    *ret_series = (uint32_t)i;
    return series_take(db, (uint32_t)i, rule, x, seq);
}

/* From now on the key leads to the series. */
static int
series_set_key(struct seriesdb *db, uint32_t index, uint32_t key)
{
    struct series *s = &db->series.p[index];
    struct metric *m = &db->metrics.p[s->metric];
    while (m->by_key.n <= key) {
        if (vec_push(&m->by_key, 0) < 0)
            return -ENOMEM;
    }
    keyset_hold(m->ks, key);
    m->by_key.p[key] = index + 1;
    s->key = key;
    return 0;
}

static int
series_add_key(struct seriesdb *db, uint32_t metric, uint32_t key,
               struct sample x, uint64_t seq)
{
    struct metric *m = &db->metrics.p[metric];
    struct lset *l = keyset_labels(m->ks, key);
    if (l != NULL)
        l = lset_set(db->ls, l, labels_name(db->ls),
                     labels_str(db->ls, m->name));
    if (l == NULL)
        return -ENOMEM;
    keyset_drop_labels(m->ks, key); /* the series has its own, with the name */
    uint32_t series = UINT32_MAX;
    int r = series_add(db, metric, 0, l, x, seq, &series);
    lset_unref(db->ls, l);
    if (r == SERIES_KEPT && series_set_key(db, series, key) < 0)
        return -ENOMEM;
    keyset_tidy(m->ks, key);
    return r;
}

struct keyset *
seriesdb_keyset(const struct seriesdb *db, uint32_t metric,
                const uint8_t **ret_ids)
{
    *ret_ids = db->metrics.p[metric].ids;
    return db->metrics.p[metric].ks;
}

/* The series that the key leads to, or NULL. */
static const struct series *
series_of_key(const struct seriesdb *db, uint32_t metric, uint32_t key)
{
    const struct metric *m = &db->metrics.p[metric];
    if (key >= m->by_key.n || m->by_key.p[key] == 0)
        return NULL;
    return &db->series.p[m->by_key.p[key] - 1];
}

int
seriesdb_add(struct seriesdb *db, uint32_t metric, uint32_t key,
             struct sample x, uint64_t seq)
{
    const struct series *s = series_of_key(db, metric, key);
    if (s != NULL)
        return series_take(db, (uint32_t)(s - db->series.p), 0, x, seq);
    return series_add_key(db, metric, key, x, seq);
}

void
seriesdb_fetch(const struct seriesdb *db, uint32_t metric, uint32_t key)
{
    const struct series *s = series_of_key(db, metric, key);
    if (s != NULL)
        series_fetch(s);
}

void
seriesdb_fetch_samples(const struct seriesdb *db, uint32_t metric, uint32_t key)
{
    const struct series *s = series_of_key(db, metric, key);
    if (s != NULL)
        series_fetch_samples(s);
}

int
seriesdb_record(struct seriesdb *db, uint64_t rule, struct lset *labels,
                struct sample s)
{
    uint32_t name = lset_value(labels, labels_name(db->ls));
    if (name == 0)
        return SERIES_UNREAD;
    int64_t m = metric_of(db, labels_str(db->ls, name));
    uint32_t series;
    return m < 0 ? (int)m
                 : series_add(db, (uint32_t)m, rule, labels, s, 0, &series);
}

int
seriesdb_record_end(struct seriesdb *db, uint64_t rule, int64_t ms)
{
    for (uint32_t i = 0; i < db->series.n; i++) {
        struct series *s = &db->series.p[i];
        if (s->labels == NULL || s->rule != rule || s->n == 0)
            continue;
        struct sample last = s->s[s->first + s->n - 1];
        if (last.ms >= ms || value_is_stale(last.v))
            continue;
        rowset_touch(&db->series_rows, i);
        if (series_put(db, s, (struct sample){ms, value_stale()}, 0) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* The last value of a state holds across the step. */
static int
series_rebase(struct seriesdb *db, struct series *s, int64_t ms)
{
    struct sample held = {0};
    bool hold = s->n > 0 && db->metrics.p[s->metric].kind.is_state;
    if (hold)
        held = (struct sample){ms, s->s[s->first + s->n - 1].v};
    series_cut(s, ms);
    s->seen_ms = ms;
    return hold ? series_put(db, s, held, 0) : 0;
}

int
seriesdb_rebase(struct seriesdb *db, int64_t ms)
{
    for (uint32_t i = 0; i < db->series.n; i++) {
        struct series *s = &db->series.p[i];
        if (s->labels == NULL)
            continue;
        rowset_touch(&db->series_rows, i);
        series_trim(db, s); /* what was past must not come back */
        if (s->seen_ms > ms && series_rebase(db, s, ms) < 0)
            return -ENOMEM;
    }
    for (uint32_t i = 0; i < db->metrics.n; i++) {
        if (db->metrics.p[i].horizon == NEVER_MS)
            continue;
        rowset_touch(&db->metric_rows, i);
        db->metrics.p[i].horizon = NEVER_MS;
    }
    return 0;
}

/* --- restoring ---------------------------------------------------------- */

static int
metric_restore(struct seriesdb *db, const struct engine_row *row)
{
    struct reader r = reader_new(row->value);
    struct metric_kind kind = {.is_state = reader_u8(&r)};
    kind.remember_us = reader_zigzag(&r);
    int64_t horizon = reader_zigzag(&r);
    if (!reader_done(&r))
        return -EBADMSG;
    int64_t i = metric_of(db, row->key);
    if (i < 0)
        return (int)i;
    db->metrics.p[i].kind = kind;
    db->metrics.p[i].horizon = db->metrics.p[i].frozen = horizon;
    rowset_restored(&db->metric_rows, (uint32_t)i);
    return 1;
}

static int
series_restore(struct seriesdb *db, const struct engine_row *row)
{
    struct reader k = reader_new(row->key), r = reader_new(row->value);
    struct lset *l = lset_decode(db->ls, &k);
    if (l == NULL)
        return -EBADMSG;
    l = lset_pool(db->ls, l);
    uint32_t name = l == NULL ? 0 : lset_value(l, labels_name(db->ls));
    int64_t m = name == 0 ? -ENOMEM : metric_of(db, labels_str(db->ls, name));
    int64_t i = m < 0 ? m : series_make(db, (uint32_t)m, l);
    if (i < 0)
        return (int)i;
    struct series *s = &db->series.p[i];
    s->rule = reader_u64(&r);
    s->seen_ms = reader_zigzag(&r);
    int64_t ms = 0;
    while (reader_ok(&r) && reader_left(&r) > 0) {
        ms += reader_zigzag(&r);
        struct sample x = {ms, reader_double(&r)};
        uint64_t seq = reader_varint(&r);
        if (reader_ok(&r) && series_put(db, s, x, seq) < 0)
            return -ENOMEM;
    }
    if (s->views == 0)
        return 0;
    rowset_restored(&db->series_rows, (uint32_t)i);
    return reader_done(&r) ? 1 : -EBADMSG;
}

int
seriesdb_restore(struct seriesdb *db, const struct engine_row *row)
{
    if (row->node == NODE_METRICS)
        return metric_restore(db, row);
    return row->node == NODE_SERIES ? series_restore(db, row) : 0;
}

uint64_t
seriesdb_count(const struct seriesdb *db)
{
    return db->series.n - db->free.n;
}

size_t
seriesdb_bytes(const struct seriesdb *db)
{
    return db->bytes + db->series.cap * sizeof *db->series.p +
           table_bytes(&db->table);
}
