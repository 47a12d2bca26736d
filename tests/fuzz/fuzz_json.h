/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOCSIN_TESTS_FUZZ_JSON_H
#define TOCSIN_TESTS_FUZZ_JSON_H
#include <stddef.h>

/* json_dump_text() and finish() of a reader without SIMD; *ret_at is where it
 * stands then. */
int fuzz_json_portable(const char *p, size_t n, char **ret_text,
                       size_t *ret_at);

#endif
