/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#define TOCSIN_JSON_PORTABLE 1

#include "tests/fuzz/fuzz_json.h"
#include "tests/lib/json_dump.h"

int
fuzz_json_portable(const char *p, size_t n, char **ret_text, size_t *ret_at)
{
    struct tocsin_json r;
    tocsin_json_init(&r, p, n);
    int result = json_dump_text(&r, ret_text);
    if (result >= 0)
        result = tocsin_json_finish(&r);
    *ret_at = (size_t)(r.p - r.begin);
    return result;
}
