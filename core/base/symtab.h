/* SPDX-License-Identifier: Apache-2.0 */
/* symtab.h - strings that are stored once and known by a number.
 *
 * Symbols are dense, from 1, in the order of their first use; 0 is "none".
 * Both the number of symbols and their bytes are bounded.  Nothing is ever
 * removed: free the table.  One owner: no locks. */
#ifndef TOCSIN_BASE_SYMTAB_H
#define TOCSIN_BASE_SYMTAB_H
#include "core/base/auto.h"
#include "core/base/types.h"

#define SYMBOL_NONE 0u

struct symtab;

/* NULL for want of memory. */
struct symtab *symtab_new(uint32_t max_symbols, size_t max_bytes);
void symtab_free(struct symtab *tab);

/* The string's symbol, copied in if new.  SYMBOL_NONE if the table is full or
 * for want of memory.  The empty string is a string like others. */
MUST_CHECK uint32_t symtab_intern(struct symtab *tab, struct slice s);

/* SYMBOL_NONE if the string was never interned.  Changes nothing. */
uint32_t symtab_find(const struct symtab *tab, struct slice s);

/* Valid as long as the table.  Empty for SYMBOL_NONE. NUL-terminated. */
struct slice symtab_slice(const struct symtab *tab, uint32_t symbol);
uint64_t symtab_hash(const struct symtab *tab, uint32_t symbol);

uint32_t symtab_count(const struct symtab *tab); /* the highest symbol */
size_t symtab_bytes(const struct symtab *tab);   /* memory held */

DEFINE_AUTO(symtab, symtab_free)
#endif
