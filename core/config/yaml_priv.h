/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_priv.h - between the files that make yaml.h. */
#ifndef TOCSIN_CONFIG_YAML_PRIV_H
#define TOCSIN_CONFIG_YAML_PRIV_H
#include <yaml.h>

#include "core/config/yaml.h"

/* Adds an error for the first byte that can't stand in our YAML (NUL, control
 * characters, wrong encodings, a byte order mark).  -EINVAL if there is one. */
int yaml_check_bytes(const struct yaml_doc *doc, struct errlist *errs);

/* Fills doc->root, or sets doc->broken.  0 or -ENOMEM. */
int yaml_build(struct yaml_doc *doc, struct errlist *errs);

/* Makes pairs of 'n' nodes; what can't be a key is an error and left out.
 * 0 or -ENOMEM. */
int yaml_fill_mapping(struct arena *a, struct yaml_node *map,
                      const struct yaml_node *const *nodes, size_t n,
                      struct errlist *errs);

/* What a syntax error is in words.  'first_line' is what the parser calls line
 * 0; 'last' is the scalar before the error, or NULL. */
struct yaml_syntax {
    const struct yaml_doc *doc;
    const yaml_parser_t *parser;
    uint32_t first_line;
    const struct yaml_node *last;
};
void yaml_syntax_error(const struct yaml_syntax *s, struct errlist *errs);

/* The start of a line below the error at which a new section seems to begin,
 * to look for more errors there.  False if there is none. */
bool yaml_syntax_resume(const struct yaml_syntax *s, size_t *ret_byte,
                        uint32_t *ret_line);

/* A node's mark stands at its anchor or tag: steps over these to the value. */
void yaml_skip_properties(struct yaml_node *node, struct slice text);

/* The byte at which a line (from 1) begins, the text's length past its end. */
size_t yaml_line_start(struct slice text, uint32_t line);
/* That line without its end. */
struct slice yaml_line_at(struct slice text, size_t start);

#endif
