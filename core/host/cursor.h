/* SPDX-License-Identifier: Apache-2.0 */
/* cursor.h - a position in a small file, replaced whole: a destination's
 * progress.  It may be behind, never ahead. */
#ifndef TOCSIN_HOST_CURSOR_H
#define TOCSIN_HOST_CURSOR_H
#include "core/base/types.h"
#include "core/journal/io.h"

/* 0 where there is no file, or it can't be read. */
uint64_t cursor_load(const struct io *io, int dirfd, const char *name);
MUST_CHECK int cursor_store(const struct io *io, int dirfd, const char *name,
                            uint64_t pos);
#endif
