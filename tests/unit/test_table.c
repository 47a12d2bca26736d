/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes, the table on them, and the symbols on the table. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/base/symtab.h"
#include "core/base/table.h"
#include "tests/lib/unit.h"

START_TEST(a_hash_is_the_same_on_every_machine)
{
    /* Recorded once: journals and results depend on them. */
    static const struct {
        struct slice key;
        uint64_t hash;
    } cases[] = {
        {SLICE_INIT(""), UINT64_C(0x936035bb9bc15302)},
        {SLICE_INIT("a"), UINT64_C(0xe173cbf02e703f17)},
        {SLICE_INIT("hub_logs"), UINT64_C(0x8b15e5b80e7166b0)},
        {SLICE_INIT("device-000000001"), UINT64_C(0x8ebebb5501fdabcd)},
        {SLICE_INIT("edgehub_messages_received_total"),
         UINT64_C(0x357da3e573dd3cb2)},
        {SLICE_INIT("0123456789012345678901234567890123456789"
                    "0123456789012345678901234567890123456789"),
         UINT64_C(0xa7e0283a21b3ed69)},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        ck_assert_msg(hash_slice(cases[i].key) == cases[i].hash,
                      "case %zu: 0x%016llx", i,
                      (unsigned long long)hash_slice(cases[i].key));
}
END_TEST

START_TEST(each_byte_of_a_key_counts)
{
    unsigned char key[120] = {0};
    for (size_t n = 1; n <= sizeof key; n++) {
        uint64_t plain = hash_bytes(key, n);
        ck_assert(plain != hash_bytes(key, n - 1));
        for (size_t bit = 0; bit < n * 8; bit++) {
            key[bit / 8] ^= (unsigned char)(1 << bit % 8);
            uint64_t other = hash_bytes(key, n);
            key[bit / 8] ^= (unsigned char)(1 << bit % 8);
            int flipped = __builtin_popcountll(plain ^ other);
            ck_assert_msg(flipped >= 8 && flipped <= 56,
                          "length %zu, bit %zu: %d bits of 64 differ", n, bit,
                          flipped);
        }
    }
}
END_TEST

START_TEST(similar_keys_spread_evenly)
{
    static uint32_t buckets[1024];
    for (int i = 0; i < 102400; i++) {
        char key[32];
        int n = snprintf(key, sizeof key, "device-%08d", i);
        uint64_t h = hash_bytes(key, (size_t)n);
        buckets[(uint32_t)(h ^ h >> 32) & 1023]++;
    }
    for (size_t i = 0; i < ARRAY_SIZE(buckets); i++) /* 100 each, 6 sigma */
        ck_assert_msg(buckets[i] > 40 && buckets[i] < 160, "%u", buckets[i]);
    ck_assert(hash_mix(1, 2) != hash_mix(2, 1));
    ck_assert(hash_u64(0) != 0 && hash_u64(0) != hash_u64(1));
}
END_TEST

struct entries {
    uint64_t keys[4096];
    uint64_t wanted;
    size_t *calls;
};

static bool
entry_eq(const void *ctx, uint32_t index)
{
    const struct entries *e = (const struct entries *)ctx;
    (*e->calls)++;
    return e->keys[index] == e->wanted;
}

static uint32_t
find(struct table *t, struct entries *e, uint64_t key)
{
    e->wanted = key;
    return table_find(t, hash_u64(key), entry_eq, e);
}

START_TEST(a_table_agrees_with_a_plain_array)
{
    AUTO_FINI(table) t;
    table_init(&t, 4096);
    static struct entries e;
    static bool there[4096];
    size_t calls = 0, count = 0;
    e.calls = &calls;
    uint64_t x = 88172645463325252u;
    for (int step = 0; step < 200000; step++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        uint32_t i = (uint32_t)(x % 3000);
        e.keys[i] = i;
        ck_assert_uint_eq(find(&t, &e, i), there[i] ? i : TABLE_NONE);
        if (!there[i] && (x >> 60) < 9)
            ck_assert_int_eq(table_insert(&t, hash_u64(i), i), 0);
        else
            ck_assert(table_remove(&t, hash_u64(i), i) == there[i]);
        there[i] = !there[i] && (x >> 60) < 9;
        if (step % 1000 == 0) {
            count = 0;
            for (uint32_t k = 0; k < 3000; k++) {
                ck_assert_uint_eq(find(&t, &e, k), there[k] ? k : TABLE_NONE);
                count += there[k];
            }
            ck_assert_uint_eq(t.count, count);
        }
    }
    ck_assert_uint_gt(count, 500);
}
END_TEST

START_TEST(entries_with_the_same_hash_are_told_apart)
{
    AUTO_FINI(table) t;
    table_init(&t, 100);
    static struct entries e;
    size_t calls = 0;
    e.calls = &calls;
    for (uint32_t i = 0; i < 50; i++) {
        e.keys[i] = i;
        ck_assert_int_eq(table_insert(&t, 7, i), 0);
    }
    for (uint32_t i = 0; i < 50; i += 2)
        ck_assert(table_remove(&t, 7, i));
    for (uint32_t i = 0; i < 50; i++) {
        e.wanted = i;
        ck_assert_uint_eq(table_find(&t, 7, entry_eq, &e),
                          i % 2 ? i : TABLE_NONE);
    }
}
END_TEST

START_TEST(misses_do_not_ask_the_caller)
{
    AUTO_FINI(table) t;
    table_init(&t, 4096);
    static struct entries e;
    size_t calls = 0;
    e.calls = &calls;
    for (uint32_t i = 0; i < 3000; i++) {
        e.keys[i] = i;
        ck_assert_int_eq(table_insert(&t, hash_u64(i), i), 0);
    }
    for (uint64_t k = 3000; k < 13000; k++)
        ck_assert_uint_eq(find(&t, &e, k), TABLE_NONE);
    ck_assert_uint_le(calls, 1);
    ck_assert_uint_le(table_bytes(&t), 4096 * 12);
}
END_TEST

START_TEST(a_guess_is_the_entry_where_hashes_differ)
{
    AUTO_FINI(table) t;
    table_init(&t, 100);
    table_fetch(&t, 7);
    ck_assert_uint_eq(table_guess(&t, 7), TABLE_NONE);
    for (uint32_t i = 0; i < 100; i++)
        ck_assert_int_eq(table_insert(&t, hash_u64(i), i), 0);
    for (uint32_t i = 0; i < 100; i++) {
        table_fetch(&t, hash_u64(i));
        ck_assert_uint_eq(table_guess(&t, hash_u64(i)), i);
        ck_assert_uint_eq(table_guess(&t, hash_u64(i + 100)), TABLE_NONE);
    }
}
END_TEST

START_TEST(a_table_is_bounded_and_survives_want_of_memory)
{
    AUTO_FINI(table) t;
    table_init(&t, 6);
    ck_assert_uint_eq(table_find(&t, 1, entry_eq, NULL), TABLE_NONE);
    ck_assert(!table_remove(&t, 1, 1));
    mem_fail_at(1);
    ck_assert_int_eq(table_insert(&t, 1, 1), -ENOMEM);
    for (uint32_t i = 0; i < 6; i++)
        ck_assert_int_eq(table_insert(&t, hash_u64(i), i), 0);
    ck_assert_int_eq(table_insert(&t, hash_u64(6), 6), -ENOSPC);
    ck_assert(table_reindex(&t, hash_u64(3), 3, 33));
    ck_assert(!table_reindex(&t, hash_u64(3), 3, 34));
    ck_assert(table_remove(&t, hash_u64(3), 33));
    ck_assert_int_eq(table_insert(&t, hash_u64(6), 6), 0);
    table_clear(&t);
    ck_assert_uint_eq(t.count, 0);
    ck_assert(!table_remove(&t, hash_u64(6), 6));
}
END_TEST

START_TEST(symbols_are_dense_and_stay)
{
    AUTO(symtab) *tab = symtab_new(10000, 1 << 20);
    ck_assert_ptr_nonnull(tab);
    char text[32];
    for (uint32_t i = 1; i <= 5000; i++) {
        int n = snprintf(text, sizeof text, "label-%u", i);
        ck_assert_uint_eq(symtab_intern(tab, slice_new(text, (size_t)n)), i);
    }
    uint64_t count = mem_count();
    for (uint32_t i = 1; i <= 5000; i++) {
        int n = snprintf(text, sizeof text, "label-%u", i);
        struct slice s = slice_new(text, (size_t)n);
        ck_assert_uint_eq(symtab_intern(tab, s), i);
        ck_assert_uint_eq(symtab_find(tab, s), i);
        ck_assert(slice_eq(symtab_slice(tab, i), s));
        ck_assert_str_eq(symtab_slice(tab, i).p, text);
        ck_assert_uint_eq(symtab_hash(tab, i), hash_slice(s));
    }
    ck_assert_uint_eq(mem_count(), count);
    ck_assert_uint_eq(symtab_count(tab), 5000);
    ck_assert_uint_eq(symtab_find(tab, SLICE("unknown")), SYMBOL_NONE);
    ck_assert_uint_eq(symtab_slice(tab, SYMBOL_NONE).n, 0);
}
END_TEST

START_TEST(symbols_are_bounded_by_number_and_by_bytes)
{
    AUTO(symtab) *few = symtab_new(2, 1 << 20);
    ck_assert_uint_eq(symtab_intern(few, SLICE("")), 1);
    ck_assert_uint_eq(symtab_intern(few, SLICE("b")), 2);
    ck_assert_uint_eq(symtab_intern(few, SLICE("c")), SYMBOL_NONE);
    ck_assert_uint_eq(symtab_intern(few, SLICE("b")), 2);
    AUTO(symtab) *small = symtab_new(1000000, 8192);
    char text[32];
    uint32_t i = 0, last = 1;
    while (last != SYMBOL_NONE && i < 10000) {
        int n = snprintf(text, sizeof text, "a label of some length %u", i++);
        last = symtab_intern(small, slice_new(text, (size_t)n));
    }
    ck_assert_uint_gt(i, 100);
    ck_assert_uint_lt(i, 300);
    ck_assert_uint_eq(symtab_intern(small, SLICE("a label of some length 0")),
                      1);
}
END_TEST

START_TEST(want_of_memory_interns_nothing)
{
    for (uint64_t n = 1; n < 6; n++) {
        mem_fail_at(n);
        AUTO(symtab) *tab = symtab_new(100, 1 << 20);
        if (tab == NULL)
            continue;
        uint32_t symbol = symtab_intern(tab, SLICE("x"));
        mem_fail_at(0);
        ck_assert_uint_eq(symbol, symtab_count(tab));
        ck_assert_uint_eq(symtab_intern(tab, SLICE("x")), 1);
        ck_assert_uint_eq(symtab_intern(tab, SLICE("y")), 2);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("table");
    TCase *tc = tcase_create("table");
    tcase_add_test(tc, a_hash_is_the_same_on_every_machine);
    tcase_add_test(tc, each_byte_of_a_key_counts);
    tcase_add_test(tc, similar_keys_spread_evenly);
    tcase_add_test(tc, a_table_agrees_with_a_plain_array);
    tcase_add_test(tc, entries_with_the_same_hash_are_told_apart);
    tcase_add_test(tc, misses_do_not_ask_the_caller);
    tcase_add_test(tc, a_guess_is_the_entry_where_hashes_differ);
    tcase_add_test(tc, a_table_is_bounded_and_survives_want_of_memory);
    tcase_add_test(tc, symbols_are_dense_and_stay);
    tcase_add_test(tc, symbols_are_bounded_by_number_and_by_bytes);
    tcase_add_test(tc, want_of_memory_interns_nothing);
    suite_add_tcase(s, tc);
    return unit_main(s, NULL);
}
