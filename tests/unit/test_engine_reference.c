/* SPDX-License-Identifier: Apache-2.0 */
/* Random rules over random traces: the engine against the slow reference. */
#include "config.h"

#include <stdlib.h>

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

static Suite *
suite(void)
{
    Suite *s = suite_create("engine_reference");
    TCase *tc = tcase_create("random");
    tcase_set_timeout(tc, 280);
    tcase_add_test(tc, engine_says_what_the_slow_reference_says);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(suite(), NULL);
}
