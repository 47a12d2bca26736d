/* SPDX-License-Identifier: Apache-2.0 */
/* The same journal gives the same transitions, live and restarted from a
 * checkpoint, whatever was fed while that was taken. */
#include "config.h"

#include <stdlib.h>

#include "tests/lib/engine_random.h"
#include "tests/lib/unit.h"

#define LOG_MAX (64u << 20)
#define FRAMES 260u

/* What an engine told after each frame. */
struct run {
    struct buf told;
    size_t *after;
    uint64_t digest;
};

static void
run_live(const struct feed *f, struct run *ret)
{
    *ret = (struct run){.told = BUF_INIT(LOG_MAX)};
    ret->after = calloc(feed_count(f) + 1, sizeof *ret->after);
    struct engine *e = feed_engine(&ret->told, NULL);
    for (uint32_t i = 0; i < feed_count(f); i++) {
        feed_run(f, e, i, i + 1);
        ret->after[i + 1] = ret->told.n;
    }
    ret->digest = feed_digest(e, NULL);
    engine_free(e);
}

static void
run_fini(struct run *r)
{
    buf_fini(&r->told);
    free(r->after);
}

/* Feeds frames while a checkpoint is taken; returns how far it got. */
static uint32_t
checkpoint(struct rnd *r, const struct feed *f, struct engine *e, uint32_t at,
           bool full, struct feed_store *s, uint32_t *ret_cut)
{
    (void)engine_checkpoint_begin(e, full);
    *ret_cut = at;
    while (engine_checkpoint_step(e, 1 + rnd_below(r, 4), feed_store_put, s) >
           0) {
        if (at < feed_count(f) && rnd_chance(r, 0.5)) {
            feed_run(f, e, at, at + 1);
            at++;
        }
    }
    return at;
}

static void
dump_rows(struct engine *e, const char *what, uint32_t cut, uint32_t at)
{
    struct buf rows = BUF_INIT(LOG_MAX);
    char path[256];
    (void)snprintf(path, sizeof path, "%s.%u.%u.%s", getenv("TOCSIN_DUMP"), cut,
                   at, what);
    FILE *out = fopen(path, "w");
    (void)feed_digest(e, &rows);
    (void)fputs(buf_str(&rows), out);
    (void)fclose(out);
    buf_fini(&rows);
}

/* For debugging: the rows of both at the first frame after which they are not
 * the same, as files. */
static void
find_difference(const struct feed *f, const struct feed_store *s, uint32_t cut,
                uint64_t pos)
{
    bool same = true;
    for (uint32_t to = cut; same && to <= feed_count(f); to++) {
        struct buf told = BUF_INIT(LOG_MAX);
        struct engine *live = feed_engine(&told, NULL);
        struct engine *restored = feed_store_restore(s, pos, &told, NULL);
        feed_run(f, live, 0, to);
        feed_run(f, restored, cut, to);
        same = feed_digest(live, NULL) == feed_digest(restored, NULL);
        if (!same) {
            dump_rows(live, "live", cut, to);
            dump_rows(restored, "restored", cut, to);
        }
        engine_free(live);
        engine_free(restored);
        buf_fini(&told);
    }
}

/* Runs up to somewhere with checkpoints on the way, dies, is restored, goes
 * on: what it tells then is what the live one told. */
static void
check_restart(const struct feed *f, const struct run *live, struct rnd *r)
{
    struct buf told = BUF_INIT(LOG_MAX);
    struct feed_store *s = feed_store_new();
    struct engine *e = feed_engine(&told, NULL);
    uint32_t at = rnd_below(r, feed_count(f)), cut = 0;
    feed_run(f, e, 0, at);
    at = checkpoint(r, f, e, at, true, s, &cut);
    for (unsigned more = rnd_below(r, 4); more > 0; more--) {
        uint32_t to = MIN(at + rnd_below(r, 40), feed_count(f));
        feed_run(f, e, at, to);
        at = checkpoint(r, f, e, to, false, s, &cut);
    }
    engine_free(e);
    buf_reset(&told);
    uint64_t pos = cut == 0 ? 0 : feed_frame(f, cut - 1)->next;
    e = feed_store_restore(s, pos, &told, NULL);
    if (getenv("TOCSIN_DUMP") != NULL)
        find_difference(f, s, cut, pos);
    /* Frames that the checkpoint holds are ignored. */
    feed_run(f, e, cut > 3 ? cut - 3 : 0, feed_count(f));
    const char *expected =
        live->told.p == NULL ? "" : live->told.p + live->after[cut];
    const char *got = buf_str(&told);
    size_t same = 0, line = 0;
    for (; got[same] != '\0' && got[same] == expected[same]; same++)
        line = got[same] == '\n' ? same + 1 : line;
    ck_assert_msg(strcmp(got, expected) == 0,
                  "cut %u: got\n%.300s\nexpected\n%.300s", cut, got + line,
                  expected + line);
    ck_assert_msg(feed_digest(e, NULL) == live->digest, "cut %u: other rows",
                  cut);
    engine_free(e);
    feed_store_free(s);
    buf_fini(&told);
}

static void
check_seed(uint64_t seed)
{
    struct rnd r = {~seed};
    unsigned stages = seed % 2 == 1 ? RANDOM_STAGES : 0;
    struct feed *f = feed_random(
        seed, FRAMES, RANDOM_REBASE | RANDOM_RELOAD | RANDOM_ALERTS | stages);
    struct run live, again;
    run_live(f, &live);
    (void)buf_str(&live.told);
    run_live(f, &again);
    ck_assert_uint_eq(live.digest, again.digest);
    ck_assert_str_eq(buf_str(&live.told), buf_str(&again.told));
    for (unsigned i = 0; i < 6; i++)
        check_restart(f, &live, &r);
    run_fini(&live);
    run_fini(&again);
    feed_free(f);
}

static unsigned
seeds(unsigned usual)
{
    const char *s = getenv("TOCSIN_SEEDS");
    return s == NULL ? usual : (unsigned)strtoul(s, NULL, 10);
}

START_TEST(restarted_engine_says_what_the_live_one_said)
{
    const char *one = getenv("TOCSIN_SEED");
    if (one != NULL) {
        check_seed(strtoull(one, NULL, 10));
        return;
    }
    unsigned n = seeds(150);
    for (unsigned i = 0; i < n; i++) {
        if (getenv("TOCSIN_VERBOSE"))
            fprintf(stderr, "seed %u\n", i);
        check_seed(i);
    }
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("engine_restart");
    TCase *tc = tcase_create("random");
    tcase_set_timeout(tc, 240);
    tcase_add_test(tc, restarted_engine_says_what_the_live_one_said);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(suite(), NULL);
}
