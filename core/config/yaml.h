/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.h - YAML as a tree in which every node knows its place in the file.
 *
 * For the configuration, rule files and unit tests of rules.  Nothing is
 * typed by its looks: the reader of a value says what it wants (yaml_bool,
 * yaml_duration …), and only an unquoted nothing, "~" or "null" is null.
 *
 *     AUTO(yaml_doc) *doc = yaml_load("x.yaml", &errs);
 *     if (doc == NULL)
 *         return -ENOMEM;
 *     static const char *const known[] = {"name", "interval"};
 *     yaml_unknown_keys(doc->root, known, ARRAY_SIZE(known), &errs);
 *     (void)yaml_get_duration(doc->root, "interval", &errs, &interval_us);
 *     …
 *     errlist_print_file(&errs, stderr, yaml_source, doc);
 *
 * Bounded: YAML_TEXT_MAX bytes, YAML_NODES_MAX nodes after every alias is
 * replaced by what it stands for, YAML_DEPTH_MAX levels, YAML_SCALAR_MAX bytes
 * a scalar.  A tree belongs to one thread at a time; unchanged, to any. */
#ifndef TOCSIN_CONFIG_YAML_H
#define TOCSIN_CONFIG_YAML_H
#include "core/base/auto.h"
#include "core/base/err.h"
#include "core/base/types.h"

#define YAML_TEXT_MAX (8u << 20)
#define YAML_SCALAR_MAX (1u << 20)
#define YAML_NODES_MAX 100000u
#define YAML_ANCHORS_MAX 1000u
#define YAML_DEPTH_MAX 64u

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };
enum yaml_style {
    YAML_PLAIN,
    YAML_SINGLE_QUOTED,
    YAML_DOUBLE_QUOTED,
    YAML_LITERAL, /* | */
    YAML_FOLDED   /* > */
};

struct yaml_doc;
struct yaml_pair;

/* An alias is the node it stands for: one node may have several parents. */
struct yaml_node {
    uint8_t kind;  /* enum yaml_kind */
    uint8_t style; /* enum yaml_style; scalars */
    bool secret;   /* filled in from ${…}: never print it */
    bool pending;  /* holds a ${…} that was left: fits every reader */
    bool seen;     /* of a walk that visits each node once; else false */
    uint32_t line, column;         /* of the first character, from 1 */
    uint32_t end_line, end_column; /* one past the last character */
    uint32_t start, end;           /* the same as bytes of doc->text */
    uint32_t weight;               /* nodes below and with this one */
    uint32_t n;                    /* items or pairs */
    union {
        struct slice value; /* scalars; NUL-terminated behind its end */
        const struct yaml_node *const *items;
        const struct yaml_pair *pairs; /* keys are scalars, each once */
    };
    const struct yaml_doc *doc;
};

struct yaml_pair {
    const struct yaml_node *key, *value;
};

struct yaml_doc {
    struct arena arena; /* holds all of it */
    const char *path;   /* as in messages */
    struct slice text;
    const struct yaml_node *root; /* never NULL; an empty file is null */
    bool broken; /* syntax errors: the root is null and says nothing */
    const struct yaml_doc *next; /* the caller's: yaml_source looks there too */
};

/* Parses one document.  Problems go to 'errs', all that can be found.  NULL
 * only for want of memory (nothing is added then).  Unless 'broken', the tree
 * can be read even if there were errors (a key given twice, a tag …), to find
 * more.  'text' and 'path' are copied. */
MUST_CHECK struct yaml_doc *yaml_parse(struct slice text, const char *path,
                                       struct errlist *errs);
/* The same from a file; one that can't be read is an error in 'errs' and gives
 * a broken document. */
MUST_CHECK struct yaml_doc *yaml_load(const char *path, struct errlist *errs);
void yaml_doc_free(struct yaml_doc *doc); /* this one, not doc->next */

/* An err_source_fn; 'ctx' is a const struct yaml_doc *, or NULL. */
bool yaml_source(void *ctx, const char *file, uint32_t line,
                 struct slice *ret_line);

/* --- looking ------------------------------------------------------------ */

bool yaml_is_null(const struct yaml_node *node); /* NULL is null too */
/* "a mapping", "a list", "a value", "nothing". */
const char *yaml_kind_name(const struct yaml_node *node);

/* NULL if there is no such key, or 'map' is no mapping (or NULL). */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
const struct yaml_pair *yaml_get_pair(const struct yaml_node *map,
                                      const char *key);

/* --- complaining -------------------------------------------------------- */

/* The node; its whole length if it is a scalar on one line. */
struct where yaml_where(const struct yaml_node *node);
/* 'n' bytes from a byte offset in a scalar's value, for a caret into an
 * expression.  Exact but for some folded text, where it may be a space off.
 * Of a value filled in from ${…}: the whole node. */
struct where yaml_where_at(const struct yaml_node *scalar, size_t offset,
                           size_t n);
/* Adds an error at the node.  -EINVAL. */
PRINTF_LIKE(3, 4)
int yaml_error(const struct yaml_node *node, struct errlist *errs,
               const char *fmt, ...);

/* 0, or -EINVAL with "expected a mapping, found …" added.  null is neither a
 * mapping nor a list here: ask yaml_is_null first where it may stand. */
int yaml_expect(const struct yaml_node *node, enum yaml_kind kind,
                struct errlist *errs);

/* An error for each key of a mapping that is none of 'known', with the nearest
 * one as a hint.  Returns how many; 0 if 'map' is no mapping. */
size_t yaml_unknown_keys(const struct yaml_node *map, const char *const *known,
                         size_t n_known, struct errlist *errs);

/* --- reading ------------------------------------------------------------ */

/* 0, or -EINVAL with the error added at the node; *ret untouched then.  A
 * quoted value is as good as a plain one; null is an error.  Slices are
 * NUL-terminated and live as long as the document.  A 'pending' value (of a
 * check without secrets) is right for all of them and leaves *ret too, but for
 * yaml_string. */
int yaml_string(const struct yaml_node *node, struct errlist *errs,
                struct slice *ret);
int yaml_bool(const struct yaml_node *node, struct errlist *errs, bool *ret);
int yaml_i64(const struct yaml_node *node, struct errlist *errs, int64_t *ret);
int yaml_double(const struct yaml_node *node, struct errlist *errs,
                double *ret);
/* At most INT64_MAX bytes. */
int yaml_size(const struct yaml_node *node, struct errlist *errs,
              int64_t *ret_bytes);
int yaml_duration(const struct yaml_node *node, struct errlist *errs,
                  usec_t *ret_us);
/* The index in 'choices'. */
int yaml_choice(const struct yaml_node *node, const char *const *choices,
                size_t n, struct errlist *errs, size_t *ret);

/* The value of a key: 1; 0 if it isn't there or null, *ret untouched; or
 * -EINVAL as above. */
int yaml_get_string(const struct yaml_node *map, const char *key,
                    struct errlist *errs, struct slice *ret);
int yaml_get_bool(const struct yaml_node *map, const char *key,
                  struct errlist *errs, bool *ret);
int yaml_get_i64(const struct yaml_node *map, const char *key,
                 struct errlist *errs, int64_t *ret);
int yaml_get_double(const struct yaml_node *map, const char *key,
                    struct errlist *errs, double *ret);
int yaml_get_size(const struct yaml_node *map, const char *key,
                  struct errlist *errs, int64_t *ret_bytes);
int yaml_get_duration(const struct yaml_node *map, const char *key,
                      struct errlist *errs, usec_t *ret_us);

DEFINE_AUTO(yaml_doc, yaml_doc_free)
#endif
