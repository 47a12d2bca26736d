/* SPDX-License-Identifier: Apache-2.0 */
/* fakes.h - a source, a decoder and an exporter that do as a test says, and a
 * journal in a folder of its own.  They live in the test's program.
 *
 * The source and the exporter keep a log of what the host asked of them, in
 * words.  Thread: the test's and the host's. */
#ifndef TOCSIN_TESTS_FAKES_H
#define TOCSIN_TESTS_FAKES_H
#include <stdbool.h>

#include <tocsin/plugin.h>

#include "core/base/buf.h"
#include "core/host/instance.h"
#include "core/journal/journal.h"
#include "core/record/schema.h"

/* ---- a journal */

struct fake_dir {
    char path[64];
};
void fake_dir_make(struct fake_dir *d);
void fake_dir_remove(struct fake_dir *d);

/* Polls until 'fn' says true; fails the test after 20 s. */
#define UNTIL(condition)                                                       \
    for (unsigned tries_ = 0; !(condition); tries_++)                          \
    fake_wait(tries_, #condition, __FILE__, __LINE__)
void fake_wait(unsigned tries, const char *what, const char *file, int line);

/* io_posix, but syncs of data fail while 'fail' is set.  Thread: any. */
const struct io *fake_io(void);
extern _Atomic int fake_io_fail; /* 0 or an errno */

/* ---- the source */

struct fake_source;
struct fake_source *fake_source_new(void);
void fake_source_free(struct fake_source *s);
/* An instance that reads what is told below.  The instance must go first. */
struct instance *fake_source_instance(struct fake_source *s);

/* What read() shall return next.  'partition' NULL: all, "": the host's own;
 * text is copied; 'next' is the position after it. */
void fake_source_give(struct fake_source *s, const char *partition,
                      const char *text, uint64_t next, unsigned flags);
void fake_source_say(struct fake_source *s, int status, const char *partition);
/* As it is, even if the partition was never named. */
void fake_source_lie(struct fake_source *s, int status, uint32_t partition);
/* The next so many opens fail. */
void fake_source_refuse(struct fake_source *s, unsigned opens);
/* Is everything read? */
bool fake_source_is_read(struct fake_source *s);
/* "open[p@3] commit(p@7) close …": a copy, of the newest call. */
const char *fake_source_log(struct fake_source *s);
bool fake_source_has(struct fake_source *s, const char *text);

/* ---- the decoder: a line is an event of stream "line" with the fields
 * "body" and "first" (a label: its first letter); "!…" is a dead letter. */
struct instance *fake_decoder_instance(void);
struct schema *fake_schema(struct instance *const *decoders, size_t n,
                           usec_t lateness_us);

/* ---- the exporter */

struct fake_exporter;
struct fake_exporter *fake_exporter_new(void);
void fake_exporter_free(struct fake_exporter *x);
struct instance *fake_exporter_instance(struct fake_exporter *x);
/* What the next deliver() answers; otherwise "delivered".  'rejected': which
 * of the records, as bits. */
void fake_exporter_answer(struct fake_exporter *x, int status,
                          usec_t retry_after_us, uint64_t rejected);
void fake_exporter_block(struct fake_exporter *x, bool block);
/* Bodies that were delivered, with a space behind each; calls so far. */
const char *fake_exporter_got(struct fake_exporter *x);
unsigned fake_exporter_calls(struct fake_exporter *x);
/* Boot clock between the last two calls. */
usec_t fake_exporter_pause(struct fake_exporter *x);

#endif
