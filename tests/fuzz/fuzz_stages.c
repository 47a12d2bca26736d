/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_stages.c - stages over the bytes of a line.
 *
 * Input: an expression, a newline, and the line that its pipeline reads.  What
 * comes out must lie in the line or the run's memory, and be the same when it
 * is run again. */
#include "config.h"

#include <stdint.h>

#include "core/base/check.h"
#include "core/engine/pipeline.h"
#include "core/lang/query.h"
#include "core/record/schema.h"

#include <tocsin/plugin.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct schema_field fields[] = {
    {SLICE_INIT("hub"), TOCSIN_FIELD_STRING, TOCSIN_FIELD_LABEL},
    {SLICE_INIT("level"), TOCSIN_FIELD_STRING, 0},
    {SLICE_INIT("ms"), TOCSIN_FIELD_DURATION_MS, 0},
};
static const struct schema_stream stream = {SLICE_INIT("logs"), 0,
                                            ARRAY_SIZE(fields), fields};

/* A number that all that was made goes into. */
static uint64_t
run(struct pipe_run *r, const struct selector *sel, struct slice line)
{
    const struct slice values[] = {SLICE("eu"), SLICE("warn"), SLICE("17")};
    pipe_begin(r, &stream, values, line, 1700000000 * USEC_PER_SEC);
    uint64_t sum = pipe_stages(r, sel->pipeline) == MATCH;
    CHECK(r->labels.n <= PIPE_LABELS_MAX);
    for (uint32_t i = 0; i < r->labels.n; i++) {
        const struct pipe_label *l = &r->labels.p[i];
        CHECK(l->name.n > 0);
        for (size_t k = 0; k < l->name.n; k++)
            sum = sum * 31 + (unsigned char)l->name.p[k];
        for (size_t k = 0; k < l->value.n; k++)
            sum = sum * 31 + (unsigned char)l->value.p[k];
    }
    for (size_t k = 0; k < r->line.n; k++)
        sum = sum * 31 + (unsigned char)r->line.p[k];
    return sum * 31 + r->error.n;
}

static const struct selector *
selector_of(const struct expr *e)
{
    e = expr_unparen(e);
    for (uint32_t i = 0; i < expr_child_count(e); i++) {
        const struct selector *sel = selector_of(expr_child(e, i));
        if (sel != NULL)
            return sel;
    }
    return e->kind == EXPR_SELECTOR ? e->sel : NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size == 0 ? NULL : memchr(data, '\n', size);
    if (end == NULL)
        return 0;
    const char *p = (const char *)data;
    struct slice text = slice_new(p, (size_t)(end - data));
    struct slice line = slice_new(p + text.n + 1, size - text.n - 1);
    const struct query_options o = {.logql = true};
    struct query *q = NULL;
    if (query_parse(text, &o, &q, NULL) < 0)
        return 0;
    const struct selector *sel = selector_of(q->root);
    if (sel != NULL) {
        struct pipe_run r;
        pipe_run_init(&r);
        uint64_t first = run(&r, sel, line);
        CHECK(run(&r, sel, line) == first);
        pipe_run_fini(&r);
    }
    query_free(q);
    return 0;
}
