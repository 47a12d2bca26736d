/* SPDX-License-Identifier: Apache-2.0 */
/* ingest.c - takes in the records of a chunk: events into windows, samples
 * into series, and tries rules on arrival. */
#include "config.h"

#include <tocsin/plugin.h>

#include "core/base/fetch.h"
#include "core/engine/engine_priv.h"
#include "core/engine/keys.h"
#include "core/engine/staged.h"
#include "core/engine/tap.h"

int
ingest_schema(struct engine *e, const struct schema *s)
{
    e->metric_of.n = 0;
    for (uint32_t i = 0; i < s->n_metrics; i++) {
        const struct schema_metric *m = &s->metrics[i];
        struct metric_kind k = {.is_state = m->type == TOCSIN_STATE,
                                .remember_us = m->remember_us};
        struct slice names[UINT8_MAX];
        for (uint32_t j = 0; j < m->n_labels; j++)
            names[j] = m->labels[j].name;
        int64_t id = seriesdb_metric(e->series, m->name, &k);
        if (id < 0 || vec_push(&e->metric_of, (uint32_t)id) < 0 ||
            seriesdb_bind(e->series, (uint32_t)id, names, m->n_labels) < 0)
            return -ENOMEM;
    }
    return watermarks_schema(&e->marks, s);
}

/* --- events ------------------------------------------------------------- */

/* Some slot that should have seen the event is over. */
void
ingest_late(struct engine *e, struct sink *s)
{
    if (!e->cur.counted_late)
        e->stats.late++;
    e->cur.counted_late = true;
    for (uint32_t i = 0; i < s->readers.n; i++) {
        struct rule_state *st = s->readers.p[i]->state;
        usec_t seen = st->last_slot;
        if (seen == USEC_NONE ||
            e->cur.time > seen - s->query_offset - s->offset)
            continue;
        rule_state_touch(st);
        st->late++;
    }
}

void
ingest_refused(struct sink *s)
{
    for (uint32_t i = 0; i < s->readers.n; i++) {
        rule_state_touch(s->readers.p[i]->state);
        s->readers.p[i]->state->refused++;
    }
}

/* The slot whose window the events so far will be counted in. */
static usec_t
coming_slot(const struct sink *s, usec_t newest)
{
    usec_t slot = slot_at_or_after(newest, s->interval, s->origin);
    return MAX(slot, s->arrivals[0].rule->state->next_slot);
}

static void
seek_arrival(struct sink *s, usec_t newest)
{
    usec_t next = s->arrivals[0].rule->state->next_slot;
    if (likely(newest <= s->arrival_slot && next <= s->arrival_slot))
        return;
    s->arrival_slot = coming_slot(s, newest);
    window_seek(s->window, s->arrival_pos, s->arrival_slot);
}

/* Tries the rules whose count the key has reached. */
static int
try_arrivals(struct engine *e, struct sink *s, uint32_t entry, usec_t newest)
{
    struct window *w = s->window;
    uint32_t count = window_count(w, s->arrival_pos, entry);
    uint16_t level = window_level(w, entry);
    bool all = true;
    if (level >= s->n_arrivals || count < s->arrivals[level].need)
        return 0;
    struct lset *l = keyset_labels(s->ks, window_key(w, entry));
    if (l == NULL)
        return -ENOMEM;
    for (uint32_t i = level; i < s->n_arrivals && count >= s->arrivals[i].need;
         i++) {
        const struct arrival *a = &s->arrivals[i];
        int there =
            alerts_arrive(a->rule, l, events_value(a->node, count), newest);
        if (there < 0)
            return there;
        all &= there;
        level += all;
    }
    window_set_level(w, entry, level);
    return 0;
}

int
ingest_count(struct engine *e, struct sink *s, uint32_t key)
{
    usec_t newest = e->plan->sets.p[s->readers.p[0]->set].newest;
    if (s->n_arrivals > 0)
        seek_arrival(s, newest);
    int64_t i = window_add(s->window, key, e->cur.time);
    if (unlikely(i < 0)) {
        keyset_tidy(s->ks, key);
        if (i == WINDOW_LATE)
            ingest_late(e, s);
        else if (i == WINDOW_FULL)
            ingest_refused(s);
        return i == WINDOW_NOMEM ? -ENOMEM : 0;
    }
    if (unlikely(e->cur.time <= s->evaluated))
        ingest_late(e, s);
    return s->n_arrivals > 0 ? try_arrivals(e, s, (uint32_t)i, newest) : 0;
}

static int
count_event(struct engine *e, struct sink *s, uint32_t prepared)
{
    uint32_t key = keyset_use(s->ks, prepared);
    return unlikely(key == KEY_NONE) ? -ENOMEM : ingest_count(e, s, key);
}

/* Told as an error of the rules at their next evaluation. */
static void
count_undecided(const struct sink *s)
{
    for (uint32_t i = 0; i < s->readers.n; i++) {
        struct rule_state *st = s->readers.p[i]->state;
        rule_state_touch(st);
        st->undecided++;
    }
}

static int
add_sample(struct engine *e, const struct touch *x)
{
    const struct chunk_record *rec = x->rec;
    uint32_t key = keyset_use(x->ks, x->prepared);
    if (unlikely(key == KEY_NONE))
        return -ENOMEM;
    struct sample s = {rec->time_us / 1000, rec->value};
    int r = seriesdb_add(e->series, x->metric, key, s, rec->sequence);
    e->stats.late += r == SERIES_LATE;
    return r < 0 ? r : 0;
}

/* --- ahead ---------------------------------------------------------------
 *
 * What records will touch is found some of them at a time, before any of them
 * changes anything: windows, series and keys of many devices are in no cache,
 * and waiting for their memory one after another would cost more than all
 * else.  Nothing depends on it. */

#define AHEAD 32u     /* records */
#define TEXT_AHEAD 8u /* their texts, before that */

static void
set_fields(struct engine *e, const struct chunk *c,
           const struct chunk_record *rec)
{
    struct current *cur = &e->cur;
    for (uint32_t i = 0; i < cur->n_present; i++)
        cur->fields[cur->present[i]] = (struct slice){0};
    const struct chunk_value *v = &c->values[rec->first_value];
    for (uint32_t i = 0; i < rec->n_values; i++) {
        uint8_t id = (uint8_t)chunk_value_id(&v[i]);
        cur->fields[id] = chunk_text(c, &v[i]);
        cur->present[i] = id;
    }
    cur->n_present = rec->n_values;
    cur->rec = cur->filled = rec;
    cur->serial++;
}

static void
fetch_text(const struct chunk *c, const struct chunk_record *rec)
{
    const struct chunk_value *v = &c->values[rec->first_value];
    for (uint32_t i = 0; i < rec->n_values; i++)
        fetch(c->bytes + v[i].offset);
}

static int
foresee_window(void *arg, void *sink)
{
    struct engine *e = arg;
    struct sink *s = sink;
    const uint32_t *names;
    uint32_t n_names = keyset_names(s->ks, &names);
    const uint8_t *ids = s->ids + (size_t)e->cur.rec->name * n_names;
    struct touch x = {.rec = e->cur.rec, .sink = s, .ks = s->ks};
    if (unlikely(s->first != NULL || s->values != NULL)) {
        x.prepared = KEY_NONE; /* its key comes of its stages */
        return vec_push(&e->touches, x);
    }
    x.prepared = keyset_prepare(s->ks, e->cur.serial, ids, e->cur.fields);
    return x.prepared == KEY_NONE ? -ENOMEM : vec_push(&e->touches, x);
}

static int
foresee_series(struct engine *e, uint32_t metric)
{
    const uint8_t *ids;
    struct keyset *ks = seriesdb_keyset(e->series, metric, &ids);
    struct touch x = {.rec = e->cur.rec, .ks = ks, .metric = metric};
    x.prepared = keyset_prepare(ks, e->cur.serial, ids, e->cur.fields);
    return x.prepared == KEY_NONE ? -ENOMEM : vec_push(&e->touches, x);
}

static int
foresee_record(struct engine *e, const struct chunk *c,
               const struct chunk_record *rec)
{
    if (rec->kind == RECORD_SAMPLE) {
        uint32_t metric = e->metric_of.p[rec->name];
        struct taps *taps = e->plan == NULL ? NULL : e->plan->taps;
        bool tapped = taps_read_metric(taps, rec->name);
        bool kept = seriesdb_is_read(e->series, metric);
        if (!kept && !tapped)
            return 0;
        set_fields(e, c, rec);
        int r = kept ? foresee_series(e, metric) : 0;
        return r == 0 && tapped ? taps_sample(e, taps, rec) : r;
    }
    if (rec->kind != RECORD_EVENT || e->plan == NULL)
        return 0;
    bool tapped = taps_read_stream(e->plan->taps, rec->name);
    if (!tapped && !router_reads(e->plan->router, rec->name))
        return 0;
    set_fields(e, c, rec);
    struct route_record rr = {rec->name, e->cur.fields, chunk_raw(c, rec)};
    int r = router_match(e->plan->router, &rr, foresee_window, e,
                         &e->stats.unreadable_fields);
    struct sink *s;
    for (uint32_t i = 0;
         unlikely((s = router_undecided(e->plan->router, i)) != NULL); i++)
        count_undecided(s);
    if (r == 0 && tapped)
        r = taps_event(e, e->plan->taps, &rr);
    return r;
}

/* The keys, then what they lead to, then what that leads to. */
static void
fetch_touches(struct engine *e)
{
    for (uint32_t i = 0; i < e->keysets.list.n; i++)
        keyset_fetch(e->keysets.list.p[i]);
    for (uint32_t i = 0; i < e->keysets.list.n; i++)
        keyset_find(e->keysets.list.p[i]);
    for (int step = 0; step < 2; step++) {
        for (uint32_t i = 0; i < e->touches.n; i++) {
            const struct touch *x = &e->touches.p[i];
            uint32_t key = x->prepared == KEY_NONE
                               ? KEY_NONE
                               : keyset_found(x->ks, x->prepared);
            if (key == KEY_NONE || x->rule != NULL)
                continue;
            if (x->sink == NULL && step == 0)
                seriesdb_fetch(e->series, x->metric, key);
            else if (x->sink == NULL)
                seriesdb_fetch_samples(e->series, x->metric, key);
            else if (step == 0)
                window_fetch(x->sink->window, key);
            else
                window_fetch_entry(x->sink->window, key);
        }
    }
}

/* --- chunks ------------------------------------------------------------- */

struct taking {
    struct engine *e;
    const struct chunk *c;
    struct partition *part;
    struct input_clock *clock;
    usec_t oldest, newest, latest; /* latest: later ones are future */
    uint32_t touch;                /* the next of e->touches */
};

/* The sets of inputs that hear of the newest event at once. */
static void
raise_newest(struct taking *t, usec_t time)
{
    struct engine *e = t->e;
    uint16_t input = t->c->head->input;
    t->clock->newest = time;
    for (uint32_t i = 0; e->plan != NULL && i < e->plan->sets.n; i++) {
        struct inputset *s = &e->plan->sets.p[i];
        for (uint32_t k = 0; k < s->n; k++) {
            if (s->ids[k] == input)
                s->newest = MAX(s->newest, time);
        }
    }
}

static bool
is_future(const struct taking *t, const struct chunk_record *rec)
{
    return rec->time_us > t->latest;
}

static int
take_touch(struct taking *t, const struct chunk_record *rec,
           const struct touch *x)
{
    struct engine *e = t->e;
    if (x->rule != NULL)
        return taps_take(e, x);
    if (x->sink == NULL)
        return add_sample(e, x);
    if (likely(x->prepared != KEY_NONE))
        return count_event(e, x->sink, x->prepared);
    if (e->cur.filled != rec) /* fields are those of a record ahead */
        set_fields(e, t->c, rec);
    return staged_take(e, x->sink);
}

static int
take_record(struct taking *t, const struct chunk_record *rec)
{
    struct engine *e = t->e;
    e->stats.records++;
    if (rec->kind != RECORD_EVENT && rec->kind != RECORD_SAMPLE)
        return 0;
    if (is_future(t, rec)) {
        e->stats.future++;
        return 0;
    }
    t->oldest = MIN(t->oldest, rec->time_us);
    t->newest = MAX(t->newest, rec->time_us);
    if (rec->time_us > t->clock->newest)
        raise_newest(t, rec->time_us);
    if (t->part->n_gaps > 0)
        watermarks_close_gaps(t->part, rec->time_us);
    e->stats.events += rec->kind == RECORD_EVENT;
    e->stats.samples += rec->kind == RECORD_SAMPLE;
    e->cur.rec = rec;
    e->cur.time = rec->time_us;
    e->cur.raw = chunk_raw(t->c, rec);
    e->cur.counted_late = false;
    int r = 0;
    for (; t->touch < e->touches.n && r == 0; t->touch++) {
        const struct touch *x = &e->touches.p[t->touch];
        if (x->rec != rec)
            break;
        r = take_touch(t, rec, x);
    }
    e->cur.rec = NULL;
    return r;
}

static int
take_records(struct taking *t, const struct chunk_record *rec, uint32_t left)
{
    uint32_t n = MIN(AHEAD, left);
    struct engine *e = t->e;
    e->touches.n = 0;
    keysets_restart(&e->keysets);
    for (uint32_t i = 0; i < n; i++) {
        if (i + TEXT_AHEAD < left)
            fetch_text(t->c, &rec[i + TEXT_AHEAD]);
        int r = is_future(t, &rec[i]) ? 0 : foresee_record(e, t->c, &rec[i]);
        if (r < 0)
            return r;
    }
    fetch_touches(e);
    t->touch = 0;
    for (uint32_t i = 0; i < n; i++) {
        int r = take_record(t, &rec[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

int
ingest_chunk(struct engine *e, const struct frame *f)
{
    struct chunk c;
    if (e->schema == NULL || chunk_parse(f->payload, &c) < 0 ||
        chunk_check(&c, e->schema) < 0)
        return -EBADMSG;
    uint16_t input = c.head->input;
    int64_t part = watermarks_chunk(&e->marks, input, c.partition);
    if (part < 0)
        return (int)part;
    rowset_touch(&e->marks.input_rows, input);
    struct taking t = {.e = e,
                       .c = &c,
                       .part = &e->marks.parts.p[part],
                       .clock = &e->marks.inputs.p[input],
                       .oldest = USEC_MAX,
                       .newest = USEC_NONE,
                       .latest =
                           c.head->received_us + e->schema->max_future_us};
    for (uint32_t i = 0; i < c.head->n_records; i += AHEAD) {
        int r = take_records(&t, &c.records[i], c.head->n_records - i);
        if (r < 0)
            return r;
    }
    watermarks_chunk_end(&e->marks, (uint32_t)part, t.oldest, t.newest);
    return 0;
}
