/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_expr.c - expressions: read, print, read again, and be equal; then
 * evaluated over a few series, which leaves the store as it was. */
#include "config.h"

#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/engine/engine_priv.h"
#include "core/engine/query.h"
#include "core/lang/query.h"
#include "tests/unit/lang_streams.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
round_trip(struct slice text, const struct query_options *options)
{
    AUTO(query) *q = NULL;
    AUTO(query) *again = NULL;
    if (query_parse(text, options, &q, NULL) < 0)
        return;
    AUTO_FINI(buf) printed = BUF_INIT(4 << 20), twice = BUF_INIT(4 << 20);
    if (expr_print(q->root, &printed) < 0 || printed.n > QUERY_TEXT_MAX)
        return;
    if (query_parse(buf_slice(&printed), options, &again, NULL) < 0 ||
        !expr_equal(q->root, again->root) || q->root->type != again->root->type)
        abort();
    if (expr_print(again->root, &twice) < 0 ||
        !slice_eq(buf_slice(&printed), buf_slice(&twice)))
        abort();
}

/* --- a store -------------------------------------------------------------- */

#define MINUTES 30
#define STEPS_MAX 500u

static void
add(struct engine *e, const struct label *labels, size_t n, int kind)
{
    struct lset *l = lset_new(e->labels, labels, n);
    CHECK(l != NULL);
    for (int64_t m = 0; m < MINUTES; m++) {
        double v = kind == 0 ? (double)m : (double)((m * 7 + kind) % 11) - 3;
        if (kind == 2 && m % 5 == 0)
            v = m % 10 == 0 ? value_stale() : 0.0 / 0.0;
        CHECK(seriesdb_record(e->series, 1, l, (struct sample){m * 60000, v}) ==
              SERIES_KEPT);
    }
    lset_unref(e->labels, l);
}

/* A view of everything keeps everything. */
static struct engine *
store_new(void)
{
    static const char *const names[] = {"foo", "bar", "up", "x_bucket",
                                        "a_total"};
    static const char *const les[] = {"0.5", "1", "+Inf", "bad"};
    struct engine_options o = {0};
    struct engine *e = engine_new(&o);
    CHECK(e != NULL && seriesdb_add_view(e->series, SLICE(""), NULL, 0) == 0);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(les); k++) {
            struct label l[] = {{SLICE("__name__"), slice_from_str(names[i])},
                                {SLICE("job"), k % 2 ? SLICE("a") : SLICE("b")},
                                {SLICE("le"), slice_from_str(les[k])}};
            add(e, l, ARRAY_SIZE(l), (int)(i + k) % 3);
        }
    }
    return e;
}

/* Sorted by labels and time, each once. */
static void
check_matrix(const struct query_result *r)
{
    for (uint32_t i = 0; i < r->n_series; i++) {
        const struct query_series *s = &r->series[i];
        CHECK(s->n_samples > 0);
        for (uint32_t k = 1; k < s->n_samples; k++)
            CHECK(s->samples[k - 1].ms < s->samples[k].ms);
        for (uint32_t k = 1; k < s->n_labels; k++)
            CHECK(slice_cmp(s->labels[k - 1].name, s->labels[k].name) < 0);
    }
}

static void
evaluate(struct slice text, usec_t step)
{
    static struct engine *e;
    if (e == NULL)
        e = store_new();
    usec_t t = 10 * USEC_PER_MINUTE + 1;
    struct engine_query q = {.expr = text,
                             .when = {t, step > 0 ? t + 2 * step : t, step},
                             .max_steps = STEPS_MAX};
    /* Tables may have grown for the first time only. */
    size_t bytes = 0;
    for (int round = 0; round < 2; round++) {
        struct query_result r;
        struct err err = ERR_INIT;
        int x = engine_query(e, &q, &r, &err);
        CHECK(x == err.code && (x == 0 || err.message[0] != '\0'));
        if (x == 0) {
            if (r.type == LANG_MATRIX)
                check_matrix(&r);
            query_result_fini(&r);
        }
        CHECK(labels_pooled(e->labels) == 0 && arena_used(&e->arena) == 0 &&
              seriesdb_view_count(e->series) == 1);
        CHECK(round == 0 || labels_bytes(e->labels) == bytes);
        bytes = labels_bytes(e->labels);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct query_options streams = {.catalog = &test_catalog}, none = {0};
    round_trip(slice_new(data, size), &none);
    round_trip(slice_new(data, size), &streams);
    evaluate(slice_new(data, size), 0);
    evaluate(slice_new(data, size), USEC_PER_MINUTE);
    return 0;
}
