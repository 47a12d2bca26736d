/* SPDX-License-Identifier: Apache-2.0 */
/* expand.h - templates of labels and annotations, with an alert's data. */
#ifndef TOCSIN_ENGINE_EXPAND_H
#define TOCSIN_ENGINE_EXPAND_H

#include "core/base/types.h"

struct buf;
struct engine;
struct lset;
struct rule_text;

/* What a template sees. */
struct expand_data {
    struct lset *sample; /* $labels */
    double value;        /* $value */
    usec_t time;
};

/* Appends the text with its templates expanded; one that fails leaves
 * "<error expanding template: …>".  0 or -ENOMEM. */
MUST_CHECK int expand_text(struct engine *e, const struct rule_text *t,
                           const struct expand_data *d, struct buf *out);

#endif
