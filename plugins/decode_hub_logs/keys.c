/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - a perfect hash of a table of keys. */
#include "config.h"

#include "hub_logs.h"

#define KEY_BYTES_MAX 24

static unsigned
slot_of(const struct keytab *tab, uint64_t head, uint64_t tail, size_t n)
{
    return (unsigned)((((head ^ (tail << 1)) + n) * tab->factor) >> 56);
}

/* Whether no two keys share a slot with this factor. */
static int
fill_index(struct keytab *tab)
{
    memset(tab->index, 0, sizeof tab->index);
    for (unsigned i = 1; tab->keys[i].name != NULL; i++) {
        uint8_t *slot = &tab->index[slot_of(
            tab, tab->bytes[i].head, tab->bytes[i].tail, tab->bytes[i].n)];
        if (*slot != 0)
            return 0;
        *slot = (uint8_t)i;
    }
    return 1;
}

int
keytab_init(struct keytab *tab, const struct key *keys)
{
    memset(tab, 0, sizeof *tab);
    tab->keys = keys;
    tab->bytes[0].n = SIZE_MAX; /* equals no key */
    for (unsigned i = 1; keys[i].name != NULL; i++) {
        const char *p = keys[i].name;
        const size_t n = strlen(p);
        if (i >= KEYS_MAX || n > KEY_BYTES_MAX)
            return -1;
        tab->bytes[i].n = n;
        tab->bytes[i].head = keytab_load_short(p, n < 8 ? n : 8);
        tab->bytes[i].tail = n < 8 ? 0 : keytab_load(p + n - 8);
        tab->bytes[i].middle = n > 16 ? keytab_load(p + 8) : 0;
    }
    for (unsigned i = 0; i <= KEYS_MAX; i++)
        tab->after[i].level = GUESS_NONE;
    tab->factor = 0x9e3779b97f4a7c15u;
    for (unsigned tries = 0; tries < 100000; tries++) {
        if (fill_index(tab))
            return 0;
        tab->factor = tab->factor * 0x5851f42d4c957f2du + 0x14057b7ef767814eu;
        tab->factor |= 1;
    }
    return -1;
}

static unsigned
find(const struct keytab *tab, const char *p, size_t n)
{
    uint64_t head = keytab_load_short(p, n < 8 ? n : 8), middle = 0, tail = 0;
    if (n >= 8)
        tail = keytab_load(p + n - 8);
    if (n > 16)
        middle = keytab_load(p + 8);
    const unsigned i = tab->index[slot_of(tab, head, tail, n)];
    if (tab->bytes[i].head == head && tab->bytes[i].tail == tail &&
        tab->bytes[i].middle == middle && tab->bytes[i].n == n)
        return i;
    return 0;
}

static unsigned
find_escaped(const struct keytab *tab, const struct tocsin_json_text *name,
             uint32_t level)
{
    /* \u0041 at level 0, and each level may double the backslashes. */
    char raw[KEY_BYTES_MAX * (5 + (1 << TOCSIN_JSON_LEVELS))];
    if (name->n > sizeof raw)
        return 0;
    const size_t n = tocsin_json_unescape_all(raw, name, level);
    if (n == TOCSIN_JSON_NO_SIZE || n > KEY_BYTES_MAX)
        return 0;
    return find(tab, raw, n);
}

/* Remembers the bytes that led to a key. */
static void
guess_learn(struct guess *g, const struct tocsin_json *r, const char *from,
            unsigned key)
{
    const size_t n = (size_t)(r->p - from);
    if (n > GUESS_BYTES)
        return;
    memset(g, 0, sizeof *g);
    memcpy(g->bytes, from, n);
    memset(g->mask, 0xff, n);
    g->n = (uint32_t)n;
    g->level = r->level;
    g->key = key;
}

int
keytab_next_slow(struct keytab *tab, struct tocsin_json *r, unsigned *at)
{
    const char *from = r->p;
    struct tocsin_json_text name;
    const int more = tocsin_json_next_key(r, &name);
    if (more <= 0)
        return more;
    struct guess *g = &tab->after[*at];
    *at = name.escaped ? find_escaped(tab, &name, r->level)
                       : find(tab, name.p, name.n);
    if (tocsin_json_peek(r) != TOCSIN_JSON_STRING)
        return MEMBER_VALUE;
    const int bad = tocsin_json_quote(r, "expected a value");
    if (bad < 0)
        return bad;
    guess_learn(g, r, from, *at);
    return MEMBER_STRING;
}
