/* SPDX-License-Identifier: Apache-2.0 */
/* regex_priv.h - the parts of regex.c: what it accepts (regex_re2.c), and what
 * needs no regular expression at all (regex_plan.c). */
#ifndef TOCSIN_BASE_REGEX_PRIV_H
#define TOCSIN_BASE_REGEX_PRIV_H
#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/regex.h"

/* The pattern for PCRE2, and from where each of its bytes comes. */
struct regex_pcre {
    struct buf text;
    struct buf
        origin;    /* uint16_t for each byte of text: offset in the source */
    size_t groups; /* capturing ones */
};

/* Checks that the pattern is one of RE2's and writes it so that PCRE2 means
 * the same by it.  -EINVAL with err filled, or -ENOMEM. */
MUST_CHECK int regex_translate(struct slice pattern, struct regex_pcre *ret,
                               struct err *err);

/* What stands before or behind the text of an alternative. */
enum regex_gap {
    GAP_NONE, /* nothing: the subject begins or ends here */
    GAP_STAR, /* anything */
    GAP_PLUS  /* anything but nothing */
};

struct regex_alt {
    struct slice text;
    enum regex_gap before, after;
};

/* "a|b|prefix.*|.*middle.*": answered by comparing bytes. */
struct regex_plan {
    struct regex_alt *alts; /* n == 0: no such simple form */
    size_t n;
    struct slice *texts; /* sorted, each once, if all are just texts */
    size_t n_texts;
    struct slice prefix; /* of all that match, also of what isn't simple */
};

/* The pattern has been accepted by regex_translate.  0 or -ENOMEM. */
MUST_CHECK int regex_plan(struct slice pattern, enum regex_mode mode,
                          struct arena *a, struct regex_plan *ret);
bool regex_plan_match(const struct regex_plan *plan, struct slice s);

#endif
