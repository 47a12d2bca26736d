/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - a perfect hash of a table of keys. */
#include "config.h"

#include "hub_logs.h"

#define KEY_BYTES_MAX 24

static unsigned
slot_of(const struct keytab *tab, unsigned i)
{
    const uint64_t mixed = tab->bytes[i].head ^ (tab->bytes[i].tail << 1);
    return (unsigned)(((mixed + tab->bytes[i].n) * tab->factor) >> 56);
}

/* Whether no two keys share a slot with this factor. */
static int
fill_index(struct keytab *tab)
{
    memset(tab->index, 0, sizeof tab->index);
    for (unsigned i = 1; tab->keys[i].name != NULL; i++) {
        uint8_t *slot = &tab->index[slot_of(tab, i)];
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
        if (i >= 64 || n > KEY_BYTES_MAX)
            return -1;
        tab->bytes[i].n = n;
        tab->bytes[i].head = keytab_load_short(p, n < 8 ? n : 8);
        tab->bytes[i].tail = n < 8 ? 0 : keytab_load(p + n - 8);
        tab->bytes[i].middle = n > 16 ? keytab_load(p + 8) : 0;
    }
    tab->factor = 0x9e3779b97f4a7c15u;
    for (unsigned tries = 0; tries < 100000; tries++) {
        if (fill_index(tab))
            return 0;
        tab->factor = tab->factor * 0x5851f42d4c957f2du + 0x14057b7ef767814eu;
        tab->factor |= 1;
    }
    return -1;
}

const struct key *
keytab_find_escaped(const struct keytab *tab,
                    const struct tocsin_json_text *name, uint32_t level)
{
    /* Six bytes for one at level 0, up to five more a level. */
    char raw[KEY_BYTES_MAX * 16];
    if (name->n > sizeof raw)
        return &tab->keys[0];
    const size_t n = tocsin_json_unescape_all(raw, name, level);
    if (n == TOCSIN_JSON_NO_SIZE || n > KEY_BYTES_MAX)
        return &tab->keys[0];
    return keytab_find(tab, raw, n);
}
