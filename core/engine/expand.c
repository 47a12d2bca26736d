/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/expand.h"

#include "core/engine/engine_priv.h"
#include "core/lang/template.h"

_Static_assert(sizeof(struct tmpl_label) == sizeof(struct label),
               "templates see labels as transitions have them");

static int
labels_of(struct engine *e, const struct lset *l, struct tmpl_data *data)
{
    struct tmpl_label *out =
        arena_new_array(&e->arena, struct tmpl_label, l->n + 1);
    if (out == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < l->n; i++)
        out[i] = (struct tmpl_label){labels_str(e->labels, l->l[i].name),
                                     labels_str(e->labels, l->l[i].value)};
    data->labels = out;
    data->label_count = l->n;
    return 0;
}

int
expand_text(struct engine *e, const struct rule_text *t,
            const struct expand_data *d, struct buf *out)
{
    const struct ruleset *rs = &e->plan->book->set;
    struct tmpl_data data = {.external_labels =
                                 (const struct tmpl_label *)rs->external_labels,
                             .external_label_count = rs->n_external_labels,
                             .external_url = rs->external_url,
                             .value = d->value,
                             .now = d->time};
    if (labels_of(e, d->sample, &data) < 0)
        return -ENOMEM;
    int r = tmpl_expand(t->tmpl, &data, out, NULL);
    return r == -EINVAL ? 0 : r;
}
