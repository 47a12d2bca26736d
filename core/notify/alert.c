/* SPDX-License-Identifier: Apache-2.0 */
/* alert.c - one alert as it stands, kept as its journalled transition. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/notify/notifier_priv.h"

#define SORT_BYTES_MAX ((size_t)1024 * 1024 * 1024)

struct alert *
alert_new(struct slice payload, uint64_t id, bool firing)
{
    struct alert *a = mem_alloc(sizeof *a + payload.n);
    if (a == NULL)
        return NULL;
    *a = (struct alert){.refs = 1, .id = id, .firing = firing};
    a->size = payload.n;
    memcpy(a->payload, payload.p, payload.n);
    return a;
}

struct alert *
alert_ref(struct alert *a)
{
    a->refs++;
    return a;
}

void
alert_unref(struct alert *a)
{
    if (a == NULL)
        return;
    CHECK(a->refs > 0);
    if (--a->refs == 0)
        mem_free(a);
}

/* Two rules may give alerts with the same labels: they are two alerts, so that
 * the end of one does not hide the other. */
uint64_t
alert_id(const struct transition *t)
{
    uint64_t h = hash_mix(hash_slice(t->group), hash_slice(t->rule));
    for (uint32_t i = 0; i < t->n_labels; i++) {
        h = hash_mix(h, hash_slice(t->labels[i].name));
        h = hash_mix(h, hash_slice(t->labels[i].value));
    }
    return h;
}

int
external_labels_add(const struct notifier *n, const struct transition *t,
                    struct arena *a, const struct label **ret, size_t *ret_n)
{
    size_t n_external = n->o.n_external_labels, k = 0;
    struct label *l =
        arena_new_array(a, struct label, t->n_labels + n_external);
    if (l == NULL)
        return -ENOMEM;
    for (size_t i = 0, e = 0; i < t->n_labels || e < n_external;) {
        int order = i == t->n_labels ? 1
                    : e == n_external
                        ? -1
                        : slice_cmp(t->labels[i].name, n->external[e].name);
        if (order <= 0)
            l[k] = t->labels[i++];
        else
            l[k] = n->external[e];
        if (order >= 0)
            e++;
        k += l[k].value.n > 0;
    }
    *ret = l;
    *ret_n = k;
    return 0;
}

/* ---- the order of telling */

struct sorted {
    struct alert *alert;
    const struct label *labels;
    size_t n;
};

static struct slice
value_of(const struct sorted *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (slice_eq_str(s->labels[i].name, name))
            return s->labels[i].value;
    return (struct slice){0};
}

static int
sorted_order(const void *a, const void *b)
{
    static const char *const first[] = {"job", "instance"};
    const struct sorted *x = a, *y = b;
    for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
        struct slice v = value_of(x, first[i]), w = value_of(y, first[i]);
        if (v.n == 0 && w.n == 0)
            continue;
        if (v.n == 0 || w.n == 0)
            return v.n == 0 ? 1 : -1; /* without one: last */
        int r = slice_cmp(v, w);
        if (r != 0)
            return r;
    }
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    for (size_t i = 0; i < x->n; i++) {
        int r = slice_cmp(y->labels[i].name, x->labels[i].name);
        if (r == 0)
            r = slice_cmp(x->labels[i].value, y->labels[i].value);
        if (r != 0)
            return r;
    }
    return (x->alert->id > y->alert->id) - (x->alert->id < y->alert->id);
}

int
alerts_sort(struct notifier *n, struct alert **alerts, size_t n_alerts)
{
    if (n_alerts < 2)
        return 0;
    struct arena a;
    arena_init(&a, 16 * 1024, SORT_BYTES_MAX);
    struct sorted *s = arena_new_array(&a, struct sorted, n_alerts);
    int r = s == NULL ? -ENOMEM : 0;
    for (size_t i = 0; r == 0 && i < n_alerts; i++) {
        struct transition t;
        s[i].alert = alerts[i];
        r = transition_decode(alert_payload(alerts[i]), &a, &t);
        if (r == 0)
            r = external_labels_add(n, &t, &a, &s[i].labels, &s[i].n);
    }
    if (r == 0)
        qsort(s, n_alerts, sizeof s[0], sorted_order);
    for (size_t i = 0; r == 0 && i < n_alerts; i++)
        alerts[i] = s[i].alert;
    arena_fini(&a);
    return r;
}
