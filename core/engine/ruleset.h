/* SPDX-License-Identifier: Apache-2.0 */
/* ruleset.h - rule files and all else that decides what they mean.
 *
 * A ruleset is text: files in full with the settings around them.  It is
 * what FRAME_RULES carries and what the engine compiles; compiling it here
 * first tells every error before anything changes. */
#ifndef TOCSIN_ENGINE_RULESET_H
#define TOCSIN_ENGINE_RULESET_H

#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/record/schema.h"
#include "core/record/transition.h"

struct buf;

struct ruleset_file {
    struct slice path; /* as in messages */
    struct slice text;
};

struct ruleset {
    uint32_t engine_version;
    usec_t evaluation_interval_us;
    struct slice external_url;
    uint32_t n_external_labels, n_files, n_inventories;
    const struct label *external_labels;
    const struct ruleset_file *files;
    /* Files that rules name as their inventory, each once, by the path that
     * ruleset_inventories() tells. */
    const struct ruleset_file *inventories;
    unsigned partial; /* RULESET_…: of checking only, it isn't encoded */
    bool logql;       /* not part of the frame: as in engine_options */
};

/* Rules beside these, and metrics beside the schema's, may be there: their
 * names are no mistakes. */
#define RULESET_OTHER_RULES 1u
#define RULESET_OTHER_METRICS 2u

/* Calls fn with the path of each inventory that the rules of a file name,
 * relative ones as seen from the file's folder, a NUL behind its end; stops at
 * its first nonzero result and returns that.  Files with errors tell what can
 * be read of them. -ENOMEM. */
MUST_CHECK int ruleset_inventories(const struct ruleset_file *file,
                                   int (*fn)(void *arg, struct slice path),
                                   void *arg);

MUST_CHECK int ruleset_encode(const struct ruleset *rs, struct buf *out);
/* Arrays go to 'a', slices point into the payload. */
MUST_CHECK int ruleset_decode(struct slice payload, struct arena *a,
                              struct ruleset *ret);

/* What `check rules` tells of a rule. */
struct rule_info {
    struct slice file, group, name, expr;
    unsigned line;
    bool is_alert;
    usec_t interval_us, for_us;
    usec_t delay_us;             /* what its inputs' lateness brings */
    bool on_arrival;             /* also tried when a record arrives */
    struct slice arrival_reason; /* why, or why not */
    uint32_t n_inputs;
    const struct slice *inputs; /* names of the inputs that it reads */
    uint32_t cost; /* relative, of a record or slot; 1 is one counter */
    bool expensive;
    struct slice cost_reasons; /* "a, b": empty where there is nothing to say */
};

/* Compiles against what inputs can bring.  Every problem goes to 'errs'
 * (errors and warnings, with file:line:column).  0 if it can run, -EINVAL if
 * not; 'fn' (may be NULL) is told of each rule that can. */
MUST_CHECK int ruleset_check(const struct ruleset *rs,
                             const struct schema *schema, struct errlist *errs,
                             void (*fn)(void *arg, const struct rule_info *r),
                             void *arg);

#endif
