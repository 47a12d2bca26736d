/* SPDX-License-Identifier: Apache-2.0 */
/* call.h - one call of a function of vectors and scalars, for the files that
 * have the functions. */
#ifndef TOCSIN_ENGINE_CALL_H
#define TOCSIN_ENGINE_CALL_H

#include "core/engine/engine_priv.h"

#define CALL_ARGS_MAX 64u

struct call {
    struct eval *ev;
    struct node *n;
    const struct value *args[CALL_ARGS_MAX];
    uint32_t n_args;
};

/* What a call gives for each value by itself. */
typedef double (*map_fn)(double x, const struct call *c);
map_fn math_fn(enum func_id f); /* math.c; NULL: none of these */
map_fn date_fn(enum func_id f); /* dates.c */

/* 0, -ENOMEM, or -EINVAL with the evaluation's error set. */
typedef int (*call_fn)(struct call *c, struct value *ret);
int call_label_join(struct call *c, struct value *ret); /* label_calls.c */
int call_label_replace(struct call *c, struct value *ret);
int call_sort(struct call *c, struct value *ret); /* sorting.c */
int call_sort_by_label(struct call *c, struct value *ret);
int call_histogram_quantile(struct call *c,
                            struct value *ret); /* histogram.c */
int call_histogram_quantiles(struct call *c, struct value *ret);
int call_histogram_fraction(struct call *c, struct value *ret);
int call_info(struct call *c, struct value *ret); /* info.c */

/* The i-th argument as it was written, without parentheses. */
static inline const struct expr *
call_arg(const struct call *c, uint32_t i)
{
    return expr_unparen(c->n->expr->call.args[i]);
}

#endif
