/* SPDX-License-Identifier: Apache-2.0 */
/* expand.h - ${env:NAME} and ${file:PATH} in the values of a configuration.
 *
 * After parsing, so that what is filled in can't change the YAML around it;
 * in values, not in keys; once, so that what is filled in isn't filled in
 * again.  Blanks and newlines around the text that is filled in are cut.
 * "$${" gives "${"; any other "$" is itself. */
#ifndef TOCSIN_CONFIG_EXPAND_H
#define TOCSIN_CONFIG_EXPAND_H
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/config/yaml.h"

struct secrets;

#define EXPAND_FILE_MAX (64u << 10)

struct expand_options {
    const char *dir;         /* what a PATH is relative to */
    struct secrets *secrets; /* learns what is filled in; or NULL */
    bool keep; /* look nothing up: mark the values as 'pending' instead */
};

/* 0; -EINVAL, an error added at each "${" that can't be filled in; or
 * -ENOMEM.  Changes the tree: values that were filled in are 'secret'. */
MUST_CHECK int expand_doc(struct yaml_doc *doc, const struct expand_options *o,
                          struct errlist *errs);

/* Does anything in it wait for a secret that wasn't looked up?  Then its
 * values can't be checked any further.  NULL: no. */
bool expand_is_pending(const struct yaml_node *node);

#endif
