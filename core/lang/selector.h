/* SPDX-License-Identifier: Apache-2.0 */
/* selector.h - selectors of series and of events, with matchers, pipelines and
 * modifiers, as the parser leaves them.
 *
 * Part of the tree of ast.h: same arena, same life, same promises. */
#ifndef TOCSIN_LANG_SELECTOR_H
#define TOCSIN_LANG_SELECTOR_H
#include "core/base/types.h"

struct expr;
struct lang_field;  /* catalog.h */
struct lang_stream; /* catalog.h */
struct path_step;   /* extract.h */
struct pattern;     /* extract.h */
struct regex;
struct tmpl; /* template.h */

/* [start, end) in bytes of the text. */
struct span {
    uint32_t start, end;
};

/* A duration as written.  Where it depends on the query ("[step() * 2]") expr
 * is not NULL and us means nothing until lang_duration_eval (types.h); every
 * constant duration has been folded into us, and expr is NULL. */
struct lang_duration {
    bool present;
    usec_t us;
    const struct expr *expr;
};

enum at_kind { AT_NONE, AT_TIME, AT_START, AT_END };

/* "@ 1700000000", "@ start()", "offset 5m": whatever stands behind a selector
 * or a subquery. */
struct modifiers {
    enum at_kind at;
    usec_t at_us;                /* of AT_TIME */
    struct lang_duration offset; /* may be negative */
};

enum matcher_op { MATCHER_EQ, MATCHER_NE, MATCHER_RE, MATCHER_NRE };

/* Use matcher_match (matcher.h).  A label that is absent is "". */
struct matcher {
    struct span span;
    struct slice name; /* "__name__" for the metric's or stream's name */
    enum matcher_op op;
    struct slice value;
    const struct regex *re; /* of RE and NRE: anchored; '.' matches a newline
                             * in selectors, not in pipelines */
    /* Of a bound stream, else NULL; as long-lived as the catalog. */
    const struct lang_field *field;
};

enum stage_kind {
    STAGE_LINE_FILTER,  /* |= "a" or "b" */
    STAGE_FILTER,       /* | level="error" and duration > 5s */
    STAGE_JSON,         /* | json a="b.c" */
    STAGE_LOGFMT,       /* | logfmt --strict a="b" */
    STAGE_REGEXP,       /* | regexp "(?P<a>.*)" */
    STAGE_PATTERN,      /* | pattern "<a> <_>" */
    STAGE_UNPACK,       /* | unpack */
    STAGE_LINE_FORMAT,  /* | line_format "{{.a}}" */
    STAGE_LABEL_FORMAT, /* | label_format a=b, c="{{.d}}" */
    STAGE_DECOLORIZE,   /* | decolorize */
    STAGE_DROP,         /* | drop a, b="c" */
    STAGE_KEEP,         /* | keep a, b=~"c" */
    STAGE_UNWRAP,       /* | unwrap duration(a) */
    STAGE_KIND_COUNT
};

enum line_op {
    LINE_CONTAINS,     /* |= */
    LINE_NOT_CONTAINS, /* != */
    LINE_RE,           /* |~ */
    LINE_NOT_RE,       /* !~ */
    LINE_PATTERN,      /* |> */
    LINE_NOT_PATTERN   /* !> */
};

/* An address, or from first to last, both included.  IPv4 is mapped into
 * IPv6 (::ffff:a.b.c.d). */
struct ip_range {
    uint8_t first[16], last[16];
};

/* One alternative of a line filter; the filter holds if any does (the negated
 * ones: if none does). */
struct line_text {
    struct span span;
    struct slice text;
    bool is_ip;
    struct ip_range ip;     /* of is_ip */
    const struct regex *re; /* of LINE_RE and LINE_NOT_RE: searched for */
    const struct pattern *pattern; /* of LINE_PATTERN and its opposite */
};

struct line_filter {
    enum line_op op;
    const struct line_text *texts;
    uint32_t count;
};

enum filter_kind {
    FILTER_AND,
    FILTER_OR,
    FILTER_STRING,   /* name = != =~ !~ "text" */
    FILTER_NUMBER,   /* name > 500 */
    FILTER_DURATION, /* name > 1.5s */
    FILTER_BYTES,    /* name > 20KiB */
    FILTER_IP        /* name = ip("10.0.0.0/8") */
};

enum compare_op { CMP_EQ, CMP_NE, CMP_GT, CMP_GE, CMP_LT, CMP_LE };

/* A label or field filter: a tree of conditions. */
struct pipe_filter {
    enum filter_kind kind;
    struct span span;
    const struct pipe_filter *left, *right; /* of AND and OR */
    struct matcher matcher; /* of STRING; of the others only name and field */
    enum compare_op op;     /* of all but AND, OR and STRING */
    double number;          /* NUMBER; BYTES in bytes; DURATION in seconds */
    struct ip_range ip;
};

/* A name with what it is made from: "json a=\"b.c\"", "label_format a=b",
 * "drop a, b=\"c\"". */
struct pipe_item {
    struct span span;
    struct slice name;
    struct slice source;     /* path, label or template; empty = the name */
    bool is_label;           /* label_format a=b: the source is a label */
    bool is_template;        /* label_format a="{{.b}}" */
    const struct tmpl *tmpl; /* of is_template */
    const struct path_step *path; /* json: 'source', or the name */
    uint32_t path_length;
    const struct matcher *matcher; /* drop and keep with a condition */
};

enum unwrap_as { UNWRAP_NUMBER, UNWRAP_DURATION, UNWRAP_BYTES };

struct pipe_stage {
    enum stage_kind kind;
    struct span span;
    const struct pipe_stage *next;
    struct line_filter line;          /* LINE_FILTER */
    const struct pipe_filter *filter; /* FILTER */
    const struct pipe_item *items;  /* JSON, LOGFMT, LABEL_FORMAT, DROP, KEEP */
    uint32_t item_count;            /* 0: json and logfmt extract everything */
    bool strict, keep_empty;        /* LOGFMT */
    struct slice text;              /* REGEXP, PATTERN, LINE_FORMAT */
    const struct regex *re;         /* REGEXP */
    const struct pattern *pattern;  /* PATTERN */
    const struct tmpl *tmpl;        /* LINE_FORMAT */
    struct slice name;              /* UNWRAP: the label or field */
    const struct lang_field *field; /* UNWRAP: where bound to a declared one */
    enum unwrap_as as;              /* UNWRAP; DURATION gives seconds */
};

/* What the name of a selector is: catalog.h.  Before, and where no catalog was
 * given, it is NONE unless a pipeline makes it a stream. */
enum binding { BOUND_NONE, BOUND_METRIC, BOUND_STREAM };

/* "anchored" and "smoothed" behind a selector or a range. */
enum extend { EXTEND_NONE, EXTEND_ANCHORED, EXTEND_SMOOTHED };

/* One selector: a vector without a range, a matrix with one. */
struct selector {
    struct slice name; /* where it is given by one equality, else empty; the
                        * matcher on __name__ is in 'matchers' too */
    const struct matcher *matchers; /* by name, operator, value */
    uint32_t matcher_count;
    enum binding binding;
    const struct lang_stream *stream;  /* bound and known by name, else NULL */
    const struct pipe_stage *pipeline; /* NULL = none */
    const struct pipe_stage *unwrap;   /* the unwrap stage of it, or NULL */
    struct lang_duration range;        /* present: a matrix */
    struct modifiers mod;
    enum extend extend;
};

const char *stage_kind_name(enum stage_kind kind); /* "line_format" */

#endif
