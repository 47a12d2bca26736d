/* SPDX-License-Identifier: Apache-2.0 */
/* tmpl.h - what the tmpl_*.c share.  Private to core/lang. */
#ifndef TOCSIN_LANG_TMPL_H
#define TOCSIN_LANG_TMPL_H
#include "core/lang/template.h"

/* --- words --------------------------------------------------------------- */

enum tt {
    TT_EOF,
    TT_ERROR, /* tlexer.error */
    TT_TEXT,
    TT_LEFT,  /* {{ */
    TT_RIGHT, /* }} */
    TT_IDENT,
    TT_FIELD,    /* .name */
    TT_VARIABLE, /* $ or $name */
    TT_DOT,
    TT_NUMBER,
    TT_CHAR_CONST,
    TT_STRING,
    TT_RAW_STRING,
    TT_BOOL,
    TT_PIPE,
    TT_ASSIGN,
    TT_DECLARE,
    TT_LPAREN,
    TT_RPAREN,
    TT_CHAR,     /* another character: ',' */
    TT_KEYWORDS, /* words with a meaning of their own from here on */
    TT_BLOCK,
    TT_BREAK,
    TT_CONTINUE,
    TT_DEFINE,
    TT_ELSE,
    TT_END,
    TT_IF,
    TT_NIL,
    TT_RANGE,
    TT_TEMPLATE,
    TT_WITH
};

struct tlexer {
    struct slice text;
    uint32_t pos;
    uint32_t parens;
    bool inside;    /* of an action */
    bool trim_next; /* the last action ended with -}} */
    bool failed;
    uint32_t error_at;
    char error[96];
};

struct ttok {
    enum tt type;
    bool space; /* before it */
    struct span span;
};

void tlexer_init(struct tlexer *lx, struct slice text);
void tlexer_next(struct tlexer *lx, struct ttok *ret_t);

/* --- nodes --------------------------------------------------------------- */

enum tn {
    TN_TEXT,
    TN_ACTION, /* {{pipe}} */
    TN_IF,
    TN_RANGE,
    TN_WITH,
    TN_TEMPLATE,
    TN_BREAK,
    TN_CONTINUE,
    TN_PIPE,    /* commands in 'body'; names it declares */
    TN_COMMAND, /* operands in 'body' */
    TN_DOT,
    TN_NIL,
    TN_BOOL,
    TN_INT,
    TN_FLOAT,
    TN_STRING,
    TN_FIELD,    /* 'path' from dot */
    TN_VARIABLE, /* 'text', then 'path' */
    TN_CHAIN,    /* 'pipe' in parentheses, then 'path' */
    TN_IDENT     /* a function */
};

struct tnode {
    enum tn kind;
    struct span span;
    struct tnode *next;
    struct slice text;  /* TEXT, STRING, VARIABLE, TEMPLATE */
    struct tnode *pipe; /* ACTION, IF, RANGE, WITH, TEMPLATE, CHAIN */
    struct tnode *body; /* lists */
    struct tnode *orelse;
    const struct slice *path;
    uint32_t path_count;
    struct slice names[2]; /* PIPE: variables that it sets */
    uint32_t name_count;
    bool assigns; /* PIPE: "=", not ":=" */
    bool b;
    int64_t i;
    double f;
    const struct tmpl_func *func; /* IDENT */
};

/* {{define "name"}} */
struct tmpl_def {
    struct tmpl_def *next;
    struct slice name;
    struct tnode *body;
};

struct tmpl {
    uint32_t magic;
    struct arena arena;
    struct slice text;
    const char *name;
    bool is_line; /* of a pipeline: other functions, and dot is the labels */
    struct tnode *body;
    struct tmpl_def *defs; /* the newest first */
};

/* --- values -------------------------------------------------------------- */

enum tv {
    TV_NONE, /* what a map of anything has no key for: "<no value>" */
    TV_NIL,
    TV_BOOL,
    TV_INT,
    TV_FLOAT,
    TV_STRING,
    TV_LABELS,
    TV_ARGS, /* what "args" makes */
    TV_SAMPLE,
    TV_SAMPLES,
    TV_TIME,     /* i: milliseconds */
    TV_DURATION, /* i: nanoseconds */
    TV_ROOT      /* .Labels, .Value … */
};

struct tval {
    enum tv kind;
    union {
        bool b;
        int64_t i;
        double f;
        struct slice s;
        const struct tmpl_sample *sample;
        const struct tmpl_data *root;
    };
    union {
        const struct tmpl_label *labels;
        const struct tval *args;
        const struct tmpl_sample *samples;
    };
    size_t n; /* of what the pointer points to */
};

static inline struct tval
tval_string(struct slice s)
{
    return (struct tval){.kind = TV_STRING, .s = s};
}

static inline struct tval
tval_int(int64_t i)
{
    return (struct tval){.kind = TV_INT, .i = i};
}

static inline struct tval
tval_float(double f)
{
    return (struct tval){.kind = TV_FLOAT, .f = f};
}

static inline struct tval
tval_bool(bool b)
{
    return (struct tval){.kind = TV_BOOL, .b = b};
}

const char *tval_type_name(const struct tval *v); /* Go's: "float64" */
bool tval_truth(const struct tval *v);
/* As fmt's %v. */
void tval_print(struct buf *b, const struct tval *v);
/* Labels by name, in the arena; NULL for want of memory. */
const struct tmpl_label *tval_sorted(struct arena *a, const struct tval *v);
struct slice labels_get(const struct tmpl_label *labels, size_t n,
                        struct slice name);

/* --- execution ----------------------------------------------------------- */

struct texec_var {
    struct slice name; /* with its '$' */
    struct tval v;
};

struct texec {
    const struct tmpl *t;
    const struct tmpl_data *data;
    struct arena arena;
    struct buf *out;
    struct texec_var *vars; /* in scope, the innermost last */
    uint32_t var_count, var_cap;
    uint32_t steps, depth;
    const struct tmpl_def *def; /* that is executed, NULL = the main one */
    bool failed;
    bool located; /* the error says where */
    char error[480];
};

/* Fails with a message; returns false. */
PRINTF_LIKE(2, 3) bool texec_fail(struct texec *x, const char *fmt, ...);
/* A copy of the buffer's text in the arena. */
bool texec_string(struct texec *x, struct buf *b, struct tval *ret_v);

/* A function: 'args' has a letter for each argument, s string, t time, l list
 * of samples, p sample, v anything; the last followed by '*': any number of it.
 * False after texec_fail: "error calling NAME: message". */
struct tmpl_func {
    const char *name;
    const char *args;
    bool (*call)(struct texec *x, const struct tval *args, size_t n,
                 struct tval *ret_v);
};

/* Prometheus' functions, or those that Loki gives to a line's templates. */
const struct tmpl_func *tmpl_func_find(struct slice name, bool is_line);
const char *tmpl_func_nearest(struct slice name, bool is_line,
                              char ret[static 128]);
extern const struct tmpl_func tmpl_builtins[];
extern const size_t tmpl_builtin_count;
extern const struct tmpl_func tmpl_texts[];
extern const size_t tmpl_text_count;
extern const struct tmpl_func tmpl_line_texts[];
extern const size_t tmpl_line_text_count;
extern const struct tmpl_func tmpl_line_numbers[];
extern const size_t tmpl_line_number_count;
extern const struct tmpl_func tmpl_line_times[];
extern const size_t tmpl_line_time_count;

/* Go's fmt.Sprintf. */
void tmpl_printf(struct buf *b, struct slice format, const struct tval *args,
                 size_t n);
/* %g with that many digits, as Go prints it (Inf, NaN, exponents). */
void tmpl_format_g(struct buf *b, double v, int digits);
void tmpl_format_duration(struct buf *b, int64_t ns);
void tmpl_format_time(struct buf *b, int64_t ms);

/* tmpl_text.c */
bool tmpl_to_lower(struct texec *x, const struct tval *args, size_t n,
                   struct tval *ret_v);
bool tmpl_to_upper(struct texec *x, const struct tval *args, size_t n,
                   struct tval *ret_v);
bool tmpl_title(struct texec *x, const struct tval *args, size_t n,
                struct tval *ret_v);
/* Appends 's' with every match replaced ($1 is expanded unless 'literal'; NULL:
 * by nothing) and counts them. */
bool tmpl_replace_all(struct texec *x, struct slice pattern, struct slice s,
                      const struct slice *repl, bool literal, struct buf *b,
                      int64_t *ret_count);

/* tmpl_human.c */
bool tmpl_to_float(struct texec *x, const struct tval *v, double *ret_f);
bool tmpl_humanize(struct texec *x, const struct tval *args, size_t n,
                   struct tval *ret_v);
bool tmpl_humanize1024(struct texec *x, const struct tval *args, size_t n,
                       struct tval *ret_v);
bool tmpl_humanize_duration(struct texec *x, const struct tval *args, size_t n,
                            struct tval *ret_v);
bool tmpl_humanize_percentage(struct texec *x, const struct tval *args,
                              size_t n, struct tval *ret_v);
bool tmpl_humanize_timestamp(struct texec *x, const struct tval *args, size_t n,
                             struct tval *ret_v);
bool tmpl_to_time(struct texec *x, const struct tval *args, size_t n,
                  struct tval *ret_v);
bool tmpl_to_duration(struct texec *x, const struct tval *args, size_t n,
                      struct tval *ret_v);

/* tmpl_escape.c */
void tmpl_escape_html(struct buf *b, struct slice s);
void tmpl_escape_js(struct buf *b, struct slice s);
void tmpl_escape_query(struct buf *b, struct slice s);
bool tmpl_unescape_query(struct buf *b, struct slice s);

#endif
