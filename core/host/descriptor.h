/* SPDX-License-Identifier: Apache-2.0 */
/* descriptor.h - brings a plugin's descriptor into today's layout. */
#ifndef TOCSIN_HOST_DESCRIPTOR_H
#define TOCSIN_HOST_DESCRIPTOR_H
#include <tocsin/plugin.h>

#include "core/base/err.h"
#include "core/base/types.h"

struct arena;

/* Copies min(sizes), zeroes the rest, re-lays every table, and checks what a
 * plugin may get wrong.  'ret' points into 'a' and the plugin's own memory.
 * 0, -ENOMEM, or -EINVAL with 'err' filled. */
MUST_CHECK int descriptor_import(const struct tocsin_plugin *from,
                                 struct arena *a, struct tocsin_plugin *ret,
                                 struct err *err);
#endif
