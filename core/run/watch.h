/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h - tells when files have changed and come to rest.
 *
 * Files are found by patterns and looked at with stat(2), so that renames,
 * symbolic links that are turned (Kubernetes), network file systems and files
 * that come and go are all seen the same way.  A change counts when two looks
 * in a row saw the same: who is still writing is waited for.  Thread: one. */
#ifndef TOCSIN_RUN_WATCH_H
#define TOCSIN_RUN_WATCH_H
#include "core/base/auto.h"
#include "core/base/types.h"

struct watch;

/* Looks at most every 'every_us'.  NULL: no memory. */
MUST_CHECK struct watch *watch_new(usec_t every_us);
void watch_free(struct watch *w);

/* Forgets what was watched. */
void watch_clear(struct watch *w);
/* A path or a pattern as of glob(7); copied.  0 or -ENOMEM. */
MUST_CHECK int watch_add(struct watch *w, const char *pattern);
/* As the files are now, they are known. */
void watch_known(struct watch *w);
/* Did they change since they were known, and rest?  They are known then.
 * 'now' is of the boot clock. */
bool watch_changed(struct watch *w, usec_t now);

DEFINE_AUTO(watch, watch_free)
#endif
