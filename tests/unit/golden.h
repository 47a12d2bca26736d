/* SPDX-License-Identifier: Apache-2.0 */
/* golden.h - cases of text with the exact text that must come out, in a file:
 *
 *     === what this case shows
 *     the input, any lines
 *     >>>
 *     the output, any lines
 *
 * With TOCSIN_GOLDEN_UPDATE in the environment the file is written anew from
 * what comes out; read the difference before you commit it. */
#ifndef TOCSIN_TESTS_GOLDEN_H
#define TOCSIN_TESTS_GOLDEN_H
#include "core/base/buf.h"
#include "core/base/types.h"

/* Appends what must be compared. */
typedef void (*golden_fn)(struct slice input, struct buf *out);

/* 'name' is a file beside the tests' sources.  Fails the running test with the
 * names of all cases that differ.  Returns the number of cases. */
size_t golden_run(const char *name, golden_fn fn);

#endif
