/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/kind.h"

#include "core/base/buf.h"
#include "core/base/codec.h"
#include "core/engine/engine_priv.h"
#include "core/engine/keys.h"

#define TEXT_MAX ((size_t)4096)

void
kind_free(struct kind *k)
{
    if (k != NULL)
        k->ops->free(k);
}

int
kind_adopt(struct engine *e, struct rule *r)
{
    static const struct kind_ops *const kinds[] = {
        [RULE_MISSING] = &kind_missing, [RULE_SEQUENCE] = &kind_sequence};
    const struct rule_def *d = r->def;
    if (d->kind == RULE_EXPR)
        return 0;
    const struct kind_ops *ops = kinds[d->kind];
    if (r->state->kind == NULL) {
        struct keyset *ks = keysets_get(&e->keysets, d->by, d->n_by);
        if (ks == NULL)
            return -ENOMEM;
        r->state->kind = ops->make(e, r->kind_node, ks);
        if (r->state->kind == NULL)
            return -ENOMEM;
    }
    return ops->configure(r->state->kind, d);
}

/* --- time that nobody observed ------------------------------------------ */

static void
settle_oldest(struct kind *k)
{
    struct unseen s = k->unseen[0];
    k->ops->settle(k, s);
    k->n_unseen--;
    memmove(&k->unseen[0], &k->unseen[1], k->n_unseen * sizeof s);
}

void
kind_skip(struct kind *k, usec_t lo, usec_t hi)
{
    rowset_touch(&k->keyed.rows, 0);
    if (k->n_unseen > 0 && k->unseen[k->n_unseen - 1].hi == lo) {
        k->unseen[k->n_unseen - 1].hi = hi;
        return;
    }
    if (k->n_unseen == KIND_UNSEEN_MAX)
        settle_oldest(k);
    k->unseen[k->n_unseen++] = (struct unseen){lo, hi};
}

void
kind_settle_all(struct kind *k)
{
    rowset_touch(&k->keyed.rows, 0);
    while (k->n_unseen > 0)
        settle_oldest(k);
}

usec_t
kind_due(const struct kind *k, usec_t base, usec_t d)
{
    usec_t t = base + d;
    for (uint32_t i = 0; i < k->n_unseen; i++) {
        usec_t lo = MAX(k->unseen[i].lo, base);
        if (k->unseen[i].hi > lo && lo < t)
            t += k->unseen[i].hi - lo;
    }
    return t;
}

/* --- rows --------------------------------------------------------------- */

int
kind_head_put(const struct kind *k, struct buf *key, struct buf *value)
{
    (void)buf_putc(key, 'h');
    (void)buf_put_zigzag(value, k->evaluated);
    (void)buf_put_varint(value, k->keyed.refused);
    (void)buf_put_zigzag(value, k->keyed.refused_at);
    for (uint32_t i = 0; i < k->n_unseen; i++) {
        (void)buf_put_zigzag(value, k->unseen[i].lo);
        (void)buf_put_zigzag(value, k->unseen[i].hi);
    }
    return buf_error(value);
}

int
kind_head_restore(struct kind *k, const struct engine_row *row)
{
    struct reader r = reader_new(row->value);
    k->evaluated = reader_zigzag(&r);
    k->keyed.refused = reader_varint(&r);
    k->keyed.refused_at = reader_zigzag(&r);
    k->n_unseen = 0;
    while (reader_ok(&r) && reader_left(&r) > 0 &&
           k->n_unseen < KIND_UNSEEN_MAX) {
        k->unseen[k->n_unseen].lo = reader_zigzag(&r);
        k->unseen[k->n_unseen++].hi = reader_zigzag(&r);
    }
    rowset_restored(&k->keyed.rows, 0);
    return reader_done(&r) ? 0 : -EBADMSG;
}

/* --- what is told ------------------------------------------------------- */

int
kind_evidence(struct rule *r, const struct lset *sample,
              struct slice ret[KIND_EVIDENCE_MAX])
{
    struct kind *k = r->state->kind;
    struct engine *e = r->state->e;
    uint32_t entry;
    if (keyed_of_labels(&k->keyed, e->labels, sample, &entry) < 0)
        return -ENOMEM;
    return entry == KEYED_NONE ? 0 : k->ops->evidence(k, e, entry, ret);
}

int
kind_text(struct engine *e, struct slice *ret, const char *fmt, ...)
{
    AUTO_FINI(buf) b = BUF_INIT(TEXT_MAX);
    va_list ap;
    va_start(ap, fmt);
    (void)buf_vprintf(&b, fmt, ap);
    va_end(ap);
    return arena_slice_dup(&e->arena, buf_slice(&b), ret);
}
