/* SPDX-License-Identifier: Apache-2.0 */
/* secrets.h - the texts of a configuration that must never be shown.
 *
 * What ${…} filled in and what an option marked as secret was given.  Text
 * that goes to a terminal, a log or an answer passes secrets_redact first.
 * Besides a secret itself these are hidden: how it stands in JSON, each longer
 * line of one with several lines, and the keys inside of a connection string.
 * A text below SECRET_MIN bytes, "true", "false" and a number of up to five
 * digits can't be hidden without hiding ordinary words, and aren't.
 *
 * Thread: adding by one; once that is over, redacting by any. */
#ifndef TOCSIN_CONFIG_SECRETS_H
#define TOCSIN_CONFIG_SECRETS_H
#include "core/base/auto.h"
#include "core/base/types.h"

struct buf;
struct secrets;

#define SECRET_MIN 4
#define SECRETS_MAX 4096
#define SECRET_SHOWN "<secret>"

struct secrets *secrets_new(void); /* NULL for want of memory */
void secrets_free(struct secrets *s);

/* Copies it.  0, -ENOMEM, or -ENOSPC past SECRETS_MAX.  's' may be NULL: then
 * it does nothing. */
MUST_CHECK int secrets_add(struct secrets *s, struct slice text);

/* Replaces each by SECRET_SHOWN, in what the buffer holds from byte 'from' on.
 * 's' may be NULL.  If the buffer can't grow, what it holds from 'from' on is
 * dropped, never shown, and the buffer has failed. */
void secrets_redact(const struct secrets *s, struct buf *b, size_t from);

DEFINE_AUTO(secrets, secrets_free)
#endif
