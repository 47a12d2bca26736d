/* SPDX-License-Identifier: Apache-2.0 */
/* notification.c - what a receiver gets. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>

#include "core/base/buf.h"
#include "core/notify/notifier_priv.h"

#define URL_MAX ((size_t)1024 * 1024)

struct builder {
    const struct notifier *n;
    struct arena *a;
    struct tocsin_alert *alerts;
    size_t n_alerts;
};

static struct tocsin_text
text(struct slice s)
{
    return (struct tocsin_text){s.p == NULL ? "" : s.p, s.n};
}

static struct slice
slice(struct tocsin_text t)
{
    return slice_new(t.p, t.n);
}

static int
pairs_make(struct arena *a, const struct label *labels, size_t n,
           const struct tocsin_pair **ret)
{
    struct tocsin_pair *pairs = arena_new_array(a, struct tocsin_pair, n + 1);
    if (pairs == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        pairs[i] =
            (struct tocsin_pair){text(labels[i].name), text(labels[i].value)};
    *ret = pairs;
    return 0;
}

/* As Alertmanager's: FNV-1a over names and values, 0xff behind each. */
static uint64_t
fnv(uint64_t h, struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
    return (h ^ 0xff) * UINT64_C(1099511628211);
}

static uint64_t
fingerprint(const struct label *labels, size_t n)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < n; i++)
        h = fnv(fnv(h, labels[i].name), labels[i].value);
    return h;
}

static int
hex_make(struct arena *a, uint64_t v, struct tocsin_text *ret)
{
    const char *s = arena_printf(a, "%016" PRIx64, v);
    if (s == NULL)
        return -ENOMEM;
    *ret = (struct tocsin_text){s, 16};
    return 0;
}

static void
put_escaped(struct buf *b, struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                     (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
                     c == '.' || c == '~';
        if (c == ' ')
            (void)buf_putc(b, '+');
        else if (plain)
            (void)buf_putc(b, (char)c);
        else
            (void)buf_printf(b, "%%%02X", c);
    }
}

/* Where the expression can be looked at, as Prometheus links to it. */
static int
url_make(struct builder *b, struct slice expr, struct tocsin_text *ret)
{
    *ret = text(SLICE(""));
    if (b->n->o.external_url == NULL)
        return 0;
    AUTO_FINI(buf) url = BUF_INIT(URL_MAX);
    (void)buf_append_str(&url, b->n->o.external_url);
    (void)buf_append_str(&url, "/graph?g0.expr=");
    put_escaped(&url, expr);
    (void)buf_append_str(&url, "&g0.tab=1");
    struct slice s;
    if (buf_error(&url) < 0 || arena_slice_dup(b->a, buf_slice(&url), &s) < 0)
        return -ENOMEM;
    *ret = text(s);
    return 0;
}

static int
evidence_make(struct arena *a, const struct transition *t,
              struct tocsin_alert *ret)
{
    struct tocsin_text *e =
        arena_new_array(a, struct tocsin_text, t->n_evidence + 1);
    if (e == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < t->n_evidence; i++)
        e[i] = text(t->evidence[i]);
    ret->evidence = e;
    ret->n_evidence = t->n_evidence;
    return 0;
}

static int
alert_make(struct builder *b, const struct alert *alert,
           struct tocsin_alert *ret)
{
    struct slice payload;
    struct transition t;
    const struct label *labels;
    size_t n_labels;
    if (arena_slice_dup(b->a, alert_payload(alert), &payload) < 0)
        return -ENOMEM;
    int r = transition_decode(payload, b->a, &t);
    if (r == 0)
        r = external_labels_add(b->n, &t, b->a, &labels, &n_labels);
    if (r < 0)
        return r;
    *ret = (struct tocsin_alert){
        .firing = alert->firing,
        .n_labels = (uint32_t)n_labels,
        .n_annotations = t.n_annotations,
        .starts_us = t.fired_us != USEC_NONE ? t.fired_us : t.active_us,
        .ends_us = alert->firing                ? 0
                   : t.resolved_us != USEC_NONE ? t.resolved_us
                                                : t.time_us,
        .detected_us = alert->detected_us,
        .value = t.value,
    };
    r = pairs_make(b->a, labels, n_labels, &ret->labels);
    if (r == 0)
        r = pairs_make(b->a, t.annotations, t.n_annotations, &ret->annotations);
    if (r == 0)
        r = evidence_make(b->a, &t, ret);
    if (r == 0)
        r = hex_make(b->a, t.episode, &ret->episode);
    if (r == 0)
        r = hex_make(b->a, fingerprint(labels, n_labels), &ret->fingerprint);
    return r < 0 ? r : url_make(b, t.expr, &ret->generator_url);
}

static bool
has_pair(const struct tocsin_pair *pairs, size_t n, const struct tocsin_pair *p)
{
    for (size_t i = 0; i < n; i++)
        if (slice_eq(slice(pairs[i].name), slice(p->name)))
            return slice_eq(slice(pairs[i].value), slice(p->value));
    return false;
}

/* What all alerts agree on. */
static int
common_make(struct builder *b, bool annotations, const struct tocsin_pair **ret,
            size_t *ret_n)
{
    const struct tocsin_alert *first = b->alerts;
    size_t n = b->n_alerts == 0 ? 0
               : annotations    ? first->n_annotations
                                : first->n_labels;
    struct tocsin_pair *common =
        arena_new_array(b->a, struct tocsin_pair, n + 1);
    size_t k = 0;
    if (common == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct tocsin_pair *p =
            annotations ? &first->annotations[i] : &first->labels[i];
        bool all = true;
        for (size_t j = 1; all && j < b->n_alerts; j++) {
            const struct tocsin_alert *a = &b->alerts[j];
            all = annotations ? has_pair(a->annotations, a->n_annotations, p)
                              : has_pair(a->labels, a->n_labels, p);
        }
        if (all)
            common[k++] = *p;
    }
    *ret = common;
    *ret_n = k;
    return 0;
}

static int
group_labels_make(struct builder *b, const struct group *g,
                  struct tocsin_notification *ret)
{
    struct label *copy = arena_new_array(b->a, struct label, g->n_labels + 1);
    if (copy == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < g->n_labels; i++)
        if (arena_slice_dup(b->a, g->labels[i].name, &copy[i].name) < 0 ||
            arena_slice_dup(b->a, g->labels[i].value, &copy[i].value) < 0)
            return -ENOMEM;
    ret->n_group_labels = g->n_labels;
    return pairs_make(b->a, copy, g->n_labels, &ret->group_labels);
}

static int
alerts_make(struct builder *b, const struct pending *p, size_t max_alerts,
            struct tocsin_notification *ret)
{
    const struct slot *s = &p->group->slots[p->slot];
    bool resolved_too = b->n->targets[s->target].send_resolved;
    b->alerts =
        arena_new_array(b->a, struct tocsin_alert, MIN(p->n, max_alerts) + 1);
    if (b->alerts == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < p->n; i++) {
        const struct alert *a = p->alerts[i];
        if (!a->firing && !resolved_too)
            continue;
        ret->firing |= a->firing;
        if (b->n_alerts == max_alerts) {
            ret->n_truncated++;
            continue;
        }
        int r = alert_make(b, a, &b->alerts[b->n_alerts]);
        if (r < 0)
            return r;
        b->n_alerts++;
    }
    ret->alerts = b->alerts;
    ret->n_alerts = b->n_alerts;
    return 0;
}

struct slice
pending_target(const struct pending *p, const struct notifier *n)
{
    return n->targets[p->group->slots[p->slot].target].name;
}

int
pending_build(const struct notifier *n, const struct pending *p,
              size_t max_alerts, struct arena *a,
              struct tocsin_notification *ret)
{
    const struct group *g = p->group;
    struct builder b = {n, a, NULL, 0};
    struct tocsin_notification note = {
        .struct_size = sizeof note,
        .receiver = text(slice_from_str(g->route->config->receiver->name)),
        .external_url = text(slice_from_str(n->o.external_url)),
        .alert_size = sizeof(struct tocsin_alert),
    };
    struct slice key, group_key;
    int r = alerts_make(&b, p, max_alerts, &note);
    if (r == 0)
        r = group_labels_make(&b, g, &note);
    if (r == 0)
        r = common_make(&b, false, &note.common_labels, &note.n_common_labels);
    if (r == 0)
        r = common_make(&b, true, &note.common_annotations,
                        &note.n_common_annotations);
    if (r == 0)
        r = arena_slice_dup(a, pending_key(p), &key);
    if (r == 0)
        r = arena_slice_dup(a, g->key, &group_key);
    if (r < 0)
        return r == -EBADMSG ? -ENOMEM : r;
    note.key = text(key);
    note.group_key = text(group_key);
    *ret = note;
    return 0;
}
