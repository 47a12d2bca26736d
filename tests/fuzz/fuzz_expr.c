/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_expr.c - expressions: read, print, read again, and be equal. */
#include "config.h"

#include <stdlib.h>

#include "core/base/buf.h"
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct query_options streams = {.catalog = &test_catalog}, none = {0};
    round_trip(slice_new(data, size), &none);
    round_trip(slice_new(data, size), &streams);
    return 0;
}
