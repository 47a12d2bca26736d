/* SPDX-License-Identifier: Apache-2.0 */
/* Random rules over random traces: the engine against the slow reference. */
#include "config.h"

#include <stdlib.h>

#include "core/base/crc32c.h"
#include "tests/lib/engine_random.h"
#include "tests/lib/reference.h"
#include "tests/lib/unit.h"

#define LOG_MAX (64u << 20)
#define FRAMES 160u

static void
check_seed(uint64_t seed)
{
    struct buf told = BUF_INIT(LOG_MAX), expected = BUF_INIT(LOG_MAX);
    struct feed *f = feed_random(seed, FRAMES, 0);
    struct engine *e = feed_engine(&told, NULL);
    feed_run(f, e, 0, feed_count(f));
    reference_run(f, &expected);
    const char *got = buf_str(&told), *want = buf_str(&expected);
    size_t same = 0, line = 0;
    for (; got[same] != '\0' && got[same] == want[same]; same++)
        line = got[same] == '\n' ? same + 1 : line;
    ck_assert_msg(strcmp(got, want) == 0,
                  "seed %llu: got\n%.200s\nexpected\n%.200s",
                  (unsigned long long)seed, got + line, want + line);
    engine_free(e);
    feed_free(f);
    buf_fini(&told);
    buf_fini(&expected);
}

START_TEST(engine_says_what_the_slow_reference_says)
{
    const char *one = getenv("TOCSIN_SEED"), *many = getenv("TOCSIN_SEEDS");
    if (one != NULL) {
        check_seed(strtoull(one, NULL, 10));
        return;
    }
    unsigned n = many == NULL ? 600 : (unsigned)strtoul(many, NULL, 10);
    for (unsigned i = 0; i < n; i++)
        check_seed(i);
}
END_TEST

/* What fails with one compiler must be found with the other.  Who changes the
 * generator changes this number. */
START_TEST(a_seed_is_the_same_script_with_every_compiler)
{
    uint32_t crc = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct feed *f = feed_random(seed, FRAMES, RANDOM_REBASE);
        for (uint32_t i = 0; i < feed_count(f); i++) {
            struct slice payload = feed_frame(f, i)->payload;
            crc = crc32c(crc, payload.p, payload.n);
        }
        feed_free(f);
    }
    ck_assert_uint_eq(crc, 3152743904);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("engine_reference");
    TCase *tc = tcase_create("random");
    tcase_set_timeout(tc, 280);
    tcase_add_test(tc, a_seed_is_the_same_script_with_every_compiler);
    tcase_add_test(tc, engine_says_what_the_slow_reference_says);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(suite(), NULL);
}
