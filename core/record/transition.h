/* SPDX-License-Identifier: Apache-2.0 */
/* transition.h - payload of FRAME_ALERT: one transition of one alert. */
#ifndef TOCSIN_RECORD_TRANSITION_H
#define TOCSIN_RECORD_TRANSITION_H

#include "core/base/types.h"

struct arena;
struct buf;

enum alert_state {
    ALERT_INACTIVE = 0, /* pending came to nothing */
    ALERT_PENDING = 1,
    ALERT_FIRING = 2,
    ALERT_RESOLVED = 3,
};

struct label {
    struct slice name, value;
};

/* What made the engine conclude so: the frame at 'pos', and which of its
 * conclusions.  Causes only grow; a restarting engine is mute up to the
 * newest found in the journal. */
struct cause {
    uint64_t pos;
    uint32_t ordinal;
};

struct transition {
    struct cause cause;
    uint8_t state; /* enum alert_state: the new one */
    bool on_arrival;
    bool overflow;            /* stands for the alerts past the rule's bound */
    struct slice group, rule; /* rule: its alertname */
    usec_t time_us;           /* event time of the evaluation */
    usec_t known_us;          /* journal time when it was concluded */
    usec_t active_us;         /* event time since when it is true */
    usec_t fired_us;          /* event time; USEC_NONE before */
    usec_t resolved_us;       /* event time; USEC_NONE before */
    double value;
    uint64_t episode;     /* the same from firing to resolved; 0 before */
    uint64_t fingerprint; /* of the labels */
    uint32_t n_labels, n_annotations, n_evidence;
    const struct label *labels; /* sorted by name; alertname among them */
    const struct label *annotations;
    const struct slice *evidence; /* records that moved it, newest last,
                                     ≤ 4 KiB in all */
    struct slice expr;
};

const char *alert_state_name(unsigned state); /* "firing" */
MUST_CHECK int transition_encode(const struct transition *t, struct buf *out);
/* Slices point into the payload, arrays into 'a'. 0, -EBADMSG, -ENOMEM. */
MUST_CHECK int transition_decode(struct slice payload, struct arena *a,
                                 struct transition *ret);
/* One line of JSON, without its end: time, known_at, alertname, state, labels,
 * value (a string where it is not finite), annotations, episode. */
MUST_CHECK int transition_json(const struct transition *t, struct buf *out);

#endif
