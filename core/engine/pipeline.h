/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.h - what LogQL's stages make of an event: other labels, another
 * line, a number.
 *
 * A selector's matchers, and the filters that stand first in its pipeline, are
 * conditions of the router (filter.h).  From the first stage on that can't be
 * one, the stages run here, in their order, on a copy of the event's labels
 * and fields.
 *
 * A stage that fails sets the record's error and lets it pass, as in Loki; what
 * becomes of such a record is the caller's business. */
#ifndef TOCSIN_ENGINE_PIPELINE_H
#define TOCSIN_ENGINE_PIPELINE_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/types.h"
#include "core/engine/vec.h"

struct lpair;
struct pipe_filter;
struct pipe_stage;
struct schema_stream;
struct selector;
struct tmpl_label;

#define PIPE_LABELS_MAX 512u       /* of one record */
#define PIPE_MEMORY_MAX (8u << 20) /* bytes for one record */
#define PIPE_LINE_MAX (1u << 20)   /* bytes of a line that is parsed */

enum pipe_origin {
    PIPE_LABEL, /* of the event's series */
    PIPE_FIELD, /* anything else that the event carries */
    PIPE_MADE   /* by a stage */
};

struct pipe_label {
    struct slice name, value;
    uint8_t origin, type; /* enum pipe_origin; TOCSIN_FIELD_… */
    bool gone;            /* dropped; its name stays taken */
};

/* One record on its way through.  Texts live until the next begins. */
struct pipe_run {
    struct arena arena;
    VEC(struct pipe_label) labels;
    struct slice line;
    usec_t time;
    struct slice error; /* "JSONParserErr"; empty: none */
    struct slice details;
    double value;   /* what was unwrapped */
    bool undecided; /* a regular expression took too many steps */
    bool nomem;
};

void pipe_run_init(struct pipe_run *r);
void pipe_run_fini(struct pipe_run *r);

/* The first stage that is no condition of the router, or NULL.  'strict': all
 * filters of labels run here, so that their errors are told. */
const struct pipe_stage *pipeline_start(const struct selector *sel,
                                        bool strict);

/* Begins with an event: values by the stream's field ids. */
void pipe_begin(struct pipe_run *r, const struct schema_stream *s,
                const struct slice *fields, struct slice raw, usec_t time);
/* Runs the stages from 'st' on.  NO_MATCH: the record is filtered out; MATCH
 * (look at r->error and r->nomem). */
enum match pipe_stages(struct pipe_run *r, const struct pipe_stage *st);

/* The label of this name that is there, or NULL. */
const struct pipe_label *pipe_get(const struct pipe_run *r, struct slice name);

/* ---- for the stages */

/* Sets or replaces a label.  Its texts live as long as the run. */
void pipe_set(struct pipe_run *r, struct slice name, struct slice value);
/* What a parser found: the name made one of a label, "_extracted" where the
 * event has such a label, nothing where a parser has set it before. */
void pipe_extract(struct pipe_run *r, struct slice name, struct slice value);
/* As 'a label=path' asks: set even if a parser has, but beside the event's. */
void pipe_assign(struct pipe_run *r, struct slice name, struct slice value);
/* The first error stays. */
PRINTF_LIKE(3, 4)
void pipe_fail(struct pipe_run *r, const char *error, const char *fmt, ...);
/* A regular expression took too many steps. */
void pipe_undecided(struct pipe_run *r, const char *error);
/* Letters, digits and '_', no digit first; empty: no name. */
struct slice pipe_name(struct pipe_run *r, struct slice raw);
/* The run's memory for 'n' bytes; NULL after noting that there is none. */
char *pipe_alloc(struct pipe_run *r, size_t n);

void stage_json(struct pipe_run *r, const struct pipe_stage *st);
void stage_unpack(struct pipe_run *r);
void stage_logfmt(struct pipe_run *r, const struct pipe_stage *st);
void stage_regexp(struct pipe_run *r, const struct pipe_stage *st);
void stage_pattern(struct pipe_run *r, const struct pipe_stage *st);
void stage_line_format(struct pipe_run *r, const struct pipe_stage *st);
void stage_label_format(struct pipe_run *r, const struct pipe_stage *st);
void stage_decolorize(struct pipe_run *r);
void stage_drop(struct pipe_run *r, const struct pipe_stage *st);
void stage_keep(struct pipe_run *r, const struct pipe_stage *st);
/* False: there is nothing to unwrap, and the record is left out. */
bool stage_unwrap(struct pipe_run *r, const struct pipe_stage *st);
bool stage_filter(struct pipe_run *r, const struct pipe_filter *f);
bool stage_line_filter(struct pipe_run *r, const struct pipe_stage *st);

/* ---- values as Go reads them.  0, or -EINVAL with the reason, as Go words
 * it, in 'why'. */
#define CONVERT_WHY_MAX 160
MUST_CHECK int convert_number(struct slice s, double *ret,
                              char why[static CONVERT_WHY_MAX]);
MUST_CHECK int convert_duration_ns(struct slice s, int64_t *ret,
                                   char why[static CONVERT_WHY_MAX]);
MUST_CHECK int convert_bytes(struct slice s, double *ret,
                             char why[static CONVERT_WHY_MAX]);

#endif
