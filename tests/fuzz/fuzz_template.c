/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_template.c - templates: read and expanded within their bounds. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "core/lang/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct tmpl_label labels[] = {
    {SLICE_INIT("job"), SLICE_INIT("api")},
    {SLICE_INIT("instance"), SLICE_INIT("host.example:80")}};
static const struct tmpl_sample samples[] = {{labels, 2, 21},
                                             {labels, 1, -0.5}};

static int
query(void *ctx, struct slice expr, struct arena *arena,
      const struct tmpl_sample **ret_samples, size_t *ret_n, struct err *err)
{
    (void)ctx;
    (void)arena;
    if (expr.n == 0)
        return err_set(err, -EINVAL, "no expression");
    *ret_samples = samples;
    *ret_n = expr.n % 3;
    return 0;
}

static void
visit(void *ctx, struct slice expr, struct span span)
{
    (void)ctx;
    if (span.start > span.end || (expr.n > 0 && expr.p == NULL))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    const struct tmpl_data data = {.labels = labels,
                                   .label_count = 2,
                                   .external_url = SLICE_INIT("http://h/p?q"),
                                   .value = 1234.5,
                                   .now = 1700000000 * USEC_PER_SEC,
                                   .query = query};
    AUTO(tmpl) *t = NULL;
    if (tmpl_parse(slice_new(input, size), "t", NULL, NULL, &t, NULL) < 0)
        return 0;
    AUTO_FINI(buf) out = BUF_INIT(1 << 20);
    int r = tmpl_expand(t, &data, &out, NULL);
    if (r == 0 && out.n > TMPL_OUTPUT_MAX)
        abort();
    if (r == -EINVAL &&
        !slice_starts_with(buf_slice(&out), SLICE("<error expanding")))
        abort();
    tmpl_visit_queries(t, visit, NULL);
    return 0;
}
