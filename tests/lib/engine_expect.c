/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/lib/engine_feed.h"
#include "tests/lib/unit.h"

#define LOG_MAX (16u << 20)

void
feed_expect(const struct feed *f, const char *lines)
{
    struct buf told = BUF_INIT(LOG_MAX);
    struct engine *e = feed_engine(&told, NULL);
    feed_run(f, e, 0, feed_count(f));
    ck_assert_str_eq(buf_str(&told), lines);
    uint64_t digest = feed_digest(e, NULL);
    engine_free(e);
    for (uint32_t cut = 0; cut <= feed_count(f); cut++) {
        buf_reset(&told);
        e = feed_engine(&told, NULL);
        feed_run(f, e, 0, cut);
        struct feed_store *s = feed_store_new();
        uint64_t pos = engine_checkpoint_begin(e, true);
        while (engine_checkpoint_step(e, 100, feed_store_put, s) > 0)
            ;
        engine_free(e);
        e = feed_store_restore(s, pos, &told, NULL);
        feed_run(f, e, cut, feed_count(f));
        ck_assert_msg(strcmp(buf_str(&told), lines) == 0,
                      "restarted after frame %u:\n%s", cut, buf_str(&told));
        ck_assert_msg(feed_digest(e, NULL) == digest,
                      "other rows when restarted after frame %u", cut);
        engine_free(e);
        feed_store_free(s);
    }
    buf_fini(&told);
}
