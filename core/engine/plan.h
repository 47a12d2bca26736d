/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - a rulebook compiled: the graph, the windows and views that its
 * leaves read, the order in which rules are evaluated.
 *
 * A plan belongs to one schema.  State outlives it: windows, rule states and
 * series are handed from plan to plan by their numbers. */
#ifndef TOCSIN_ENGINE_PLAN_H
#define TOCSIN_ENGINE_PLAN_H

#include "core/base/table.h"
#include "core/base/types.h"
#include "core/engine/alert.h"
#include "core/engine/graph.h"
#include "core/engine/route.h"
#include "core/engine/rulefile.h"
#include "core/engine/series.h"
#include "core/engine/window.h"
#include "core/lang/query.h"

struct engine;
struct keyset;
struct pipe_stage;
struct taps;
struct values;

/* Inputs that rules read together: they share a watermark. */
struct inputset {
    uint32_t n;
    uint16_t *ids; /* sorted */
    usec_t watermark, newest, since;
    usec_t next;  /* the earliest slot of its rules; USEC_MAX: none */
    bool waiting; /* a rule has no slot yet */
};

struct rule;

/* An error that a query is to tell of: see engine_options.logql. */
struct stage_error {
    usec_t time;
    char *text;
};

/* A window with who reads it, and what leads to it. */
struct sink {
    uint64_t id;           /* the window's number */
    struct window *window; /* of counts, or NULL: */
    struct values *values;
    const struct pipe_stage *first; /* that runs on each record, or NULL */
    uint8_t measure;                /* enum measure: what is added */
    bool open; /* the key is all labels, these fields, but not those: */
    uint32_t n_fields, n_except;
    uint32_t *fields, *except; /* strings */
    VEC(struct stage_error) errors;
    struct keyset *ks;
    const struct selector *sel;
    const struct node *node; /* the first to read it */
    uint8_t *ids;            /* stream × name of the key set → field */
    usec_t interval, origin, query_offset, range, offset;
    VEC(struct rule *) readers;
    VEC(uint32_t) sets; /* inputset of position i */
    uint32_t need;      /* the least count that is asked for */
    usec_t evaluated;   /* newest evaluation of a reader, less offsets */
    /* Evaluation on arrival: rules by the count that they need. */
    struct arrival {
        uint32_t need;
        struct rule *rule;
        const struct node *node;
    } * arrivals;
    uint32_t n_arrivals;
    unsigned arrival_pos;
    usec_t arrival_slot; /* the coming slot, where that position stands */
};

/* A view with who reads it. */
struct view_use {
    int view;
    const struct selector *sel;
    int64_t span_ms; /* range or look-back, and offset */
    usec_t from_us;  /* of a question: it reads what is later */
    VEC(struct rule *) readers;
};

struct rule {
    const struct rule_def *def;
    uint64_t kin;        /* of its name and labels */
    uint64_t meaning;    /* and of its expression and interval */
    uint64_t id;         /* and of its waits; one rule's alone */
    uint64_t uid;        /* as kin, but one rule's alone */
    uint64_t kind_node;  /* of what a missing or sequence keeps */
    struct kind *parked; /* that, on its way to another plan */
    uint32_t index;
    struct node *root; /* of RULE_EXPR */
    struct node *hold; /* keep_firing_while, or NULL */
    uint32_t set;      /* inputset */
    struct rule_state *state;
    uint32_t *label_names; /* of def->labels, as strings */
    bool plain_labels;     /* no templates in them */
    const char *arrival_reason;
    struct sink *arrival; /* tried when this window moves, or NULL */
    VEC(uint32_t) reads;  /* recording rules that it reads */
    VEC(uint32_t) hears;  /* rules whose ALERTS it reads, of the slot before */
    bool in_cycle;        /* and the first of it to be evaluated */
    uint32_t rank;        /* place in the order of evaluation */
};

struct plan {
    struct engine *e;
    struct rulebook *book;
    const struct schema *schema;
    bool is_question; /* made for one query: leaves no trace (query.c) */
    struct graph graph;
    struct router *router;
    VEC(struct sink *) sinks;
    VEC(struct view_use) views;
    VEC(struct inputset) sets;
    VEC(struct rule) rules; /* in the order of the files */
    VEC(uint32_t) order;    /* of evaluation */
    VEC(struct regex *) regexes;
    struct table sinks_by_id, rules_by_id, rules_by_uid, kinds_by_node;
    bool alerts_read;  /* ALERTS or ALERTS_FOR_STATE, by some rule */
    struct taps *taps; /* of rules that follow keys, or NULL */
};

/* Compiles and takes over the state that 'old' (may be NULL) still holds
 * where it fits; what is left there is removed by plan_free.  Takes ownership
 * of the book, on failure too. */
MUST_CHECK int plan_new(struct engine *e, struct rulebook *book,
                        const struct schema *schema, struct plan *old,
                        struct plan **ret);
void plan_free(struct plan *p);

/* By its number, the same in every plan.  NULL: none. */
struct sink *plan_sink(const struct plan *p, uint64_t id);
struct rule *plan_rule(const struct plan *p, uint64_t id);
struct rule *plan_kind(const struct plan *p, uint64_t node);
/* How long the rule waits for what may come late: the longest lateness of the
 * inputs that it reads. */
usec_t plan_lateness(const struct plan *p, const struct rule *r);
/* The position of a rule's inputset in a sink. */
unsigned sink_position(const struct sink *s, uint32_t set);

/* ---- lower.c: expressions to nodes */

struct lowering {
    struct plan *plan;
    struct plan *old;
    struct rule *rule;
    const struct slice *fields; /* names that enclosing clauses group by */
    uint32_t n_fields;
    usec_t reach_us; /* how far subqueries around look back, from here: */
    usec_t base_us;  /* of a question; "@" moves it */
    struct query_bounds bounds; /* of a question, else 0 */
    usec_t lookback_us;
    int error;
};

/* The node of a whole expression of the rule. */
MUST_CHECK struct node *lower_rule(struct lowering *l, const struct expr *e);

/* ---- reach.c: what rules read */

/* Fills sets, reads, order and cycles from the expressions. */
MUST_CHECK int plan_reach(struct plan *p);

/* ---- arrival.c */

/* Decides which rules are tried on arrival, and says why not. */
MUST_CHECK int plan_arrivals(struct plan *p);

#endif
