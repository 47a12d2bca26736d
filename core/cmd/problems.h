/* SPDX-License-Identifier: Apache-2.0 */
/* problems.h - prints what is wrong with a configuration and its rules: every
 * problem with its line, secrets hidden. */
#ifndef TOCSIN_CMD_PROBLEMS_H
#define TOCSIN_CMD_PROBLEMS_H
#include "core/base/err.h"

struct config;

/* To standard error; nothing where there is none.  'cfg' may be NULL; lines of
 * files that are not its own are read again. */
void problems_print(const struct config *cfg, struct errlist *errs);
#endif
