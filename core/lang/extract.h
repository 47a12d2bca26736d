/* SPDX-License-Identifier: Apache-2.0 */
/* extract.h - what "pattern", "|>" and the paths of "json" are made of.
 *
 * Part of the tree of ast.h: same arena, same life, same promises. */
#ifndef TOCSIN_LANG_EXTRACT_H
#define TOCSIN_LANG_EXTRACT_H
#include "core/base/types.h"

struct arena;

#define EXTRACT_PARTS_MAX 256

/* A literal, or "<name>"; "<_>" is a capture without a name. */
struct pattern_part {
    bool capture;
    struct slice text; /* the literal, or the capture's name */
};

struct pattern {
    const struct pattern_part *parts; /* captures are never neighbours */
    uint32_t n;
    uint32_t names; /* captures that have one */
};

/* NULL and *ret; or what is wrong, in Loki's words.  A filter ("|>") has no
 * named captures, a parser has at least one.  No memory: *ret_oom. */
const char *pattern_parse(struct arena *a, struct slice text, bool filter,
                          const struct pattern **ret, bool *ret_oom);

/* Fills the texts of the named captures, in order, from the start of the line
 * up to the first that fails, which takes the rest; returns how many.  'ret'
 * has room for p->names. */
uint32_t pattern_captures(const struct pattern *p, struct slice line,
                          struct slice *ret);
/* Is the whole line of this form?  No capture may be empty. */
bool pattern_test(const struct pattern *p, struct slice line);

/* 'a.b[0]["c d"]' */
struct path_step {
    bool is_index;
    uint32_t index;
    struct slice key;
};

/* As pattern_parse. */
const char *path_parse(struct arena *a, struct slice text,
                       const struct path_step **ret, uint32_t *ret_n,
                       bool *ret_oom);

#endif
