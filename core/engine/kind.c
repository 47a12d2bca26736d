/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/kind.h"

#include "core/base/buf.h"
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
