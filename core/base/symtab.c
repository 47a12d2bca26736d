/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/base/arena.h"
#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/base/symtab.h"
#include "core/base/table.h"

#define SYMTAB_MAGIC 0x5e9b01c3u
#define SYMTAB_BLOCK_BYTES 4096

struct symbol {
    const char *p;
    size_t n;
    uint64_t hash;
};

struct symtab {
    uint32_t magic;
    uint32_t count; /* symbols; symbol s is symbols[s - 1] */
    uint32_t cap;   /* allocated */
    struct symbol *symbols;
    struct table table; /* hash -> symbol */
    struct arena arena; /* the strings' bytes */
};

struct symtab *
symtab_new(uint32_t max_symbols, size_t max_bytes)
{
    struct symtab *tab = mem_new(struct symtab);
    if (tab == NULL)
        return NULL;
    tab->magic = SYMTAB_MAGIC;
    table_init(&tab->table, max_symbols);
    arena_init(&tab->arena, SYMTAB_BLOCK_BYTES, max_bytes);
    return tab;
}

void
symtab_free(struct symtab *tab)
{
    if (tab == NULL)
        return;
    CHECK_OBJ(tab, SYMTAB_MAGIC);
    tab->magic = 0;
    mem_free(tab->symbols);
    table_fini(&tab->table);
    arena_fini(&tab->arena);
    mem_free(tab);
}

struct symtab_key {
    const struct symtab *tab;
    struct slice s;
};

static bool
symtab_eq(const void *ctx, uint32_t symbol)
{
    const struct symtab_key *key = (const struct symtab_key *)ctx;
    const struct symbol *sym = &key->tab->symbols[symbol - 1];
    return slice_eq(key->s, slice_new(sym->p, sym->n));
}

static uint32_t
symtab_lookup(const struct symtab *tab, struct slice s, uint64_t hash)
{
    struct symtab_key key = {tab, s};
    uint32_t symbol = table_find(&tab->table, hash, symtab_eq, &key);
    return symbol == TABLE_NONE ? SYMBOL_NONE : symbol;
}

uint32_t
symtab_find(const struct symtab *tab, struct slice s)
{
    return symtab_lookup(tab, s, hash_slice(s));
}

/* Room for one more. */
static bool
symtab_reserve(struct symtab *tab)
{
    if (tab->count < tab->cap)
        return true;
    uint32_t cap = tab->cap == 0 ? 32 : tab->cap * 2;
    struct symbol *symbols =
        (struct symbol *)mem_realloc(tab->symbols, cap, sizeof *symbols);
    if (symbols == NULL)
        return false;
    tab->symbols = symbols;
    tab->cap = cap;
    return true;
}

uint32_t
symtab_intern(struct symtab *tab, struct slice s)
{
    uint64_t hash = hash_slice(s);
    uint32_t symbol = symtab_lookup(tab, s, hash);
    if (symbol != SYMBOL_NONE)
        return symbol;
    if (tab->count >= tab->table.max || !symtab_reserve(tab))
        return SYMBOL_NONE;
    struct slice copy;
    if (arena_slice_dup(&tab->arena, s, &copy) < 0)
        return SYMBOL_NONE;
    symbol = tab->count + 1;
    if (table_insert(&tab->table, hash, symbol) < 0)
        return SYMBOL_NONE;
    tab->symbols[tab->count++] = (struct symbol){copy.p, copy.n, hash};
    return symbol;
}

struct slice
symtab_slice(const struct symtab *tab, uint32_t symbol)
{
    if (symbol == SYMBOL_NONE)
        return SLICE("");
    CHECK(symbol <= tab->count);
    return slice_new(tab->symbols[symbol - 1].p, tab->symbols[symbol - 1].n);
}

uint64_t
symtab_hash(const struct symtab *tab, uint32_t symbol)
{
    CHECK(symbol >= 1 && symbol <= tab->count);
    return tab->symbols[symbol - 1].hash;
}

uint32_t
symtab_count(const struct symtab *tab)
{
    return tab->count;
}

size_t
symtab_bytes(const struct symtab *tab)
{
    return sizeof *tab + tab->cap * sizeof *tab->symbols +
           table_bytes(&tab->table) + tab->arena.total_bytes;
}
