/* SPDX-License-Identifier: Apache-2.0 */
/* test_outbox.c - notifications on their way to plugins: nothing is lost, held
 * up by a neighbour, or repeated under another key. */
#include "config.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/host/instance.h"
#include "core/journal/journal.h"
#include "core/record/delivery.h"
#include "core/record/transition.h"
#include "core/run/assembly.h"
#include "core/run/outbox.h"
#include "tests/lib/unit.h"
#include "tests/unit/notify_script.h"

#define SEEN_MAX 256
#define WITHIN_US (20 * USEC_PER_SEC)

/* ---- a receiver that does as it is told */

enum behaviour { TAKES, RETRIES, REJECTS, BLOCKS, DIES, TOO_LARGE };

struct fake {
    enum behaviour does;
    int64_t retry_after_us;
    unsigned n_seen;
    char keys[SEEN_MAX][40];
    size_t n_alerts[SEEN_MAX], n_truncated[SEEN_MAX];
    usec_t at[SEEN_MAX]; /* wall clock */
    bool inside;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct fake fakes[4];
static char dir[64], key_file[96];

static int
fake_create(void **ret, const struct tocsin_host *host, struct tocsin_ctx *ctx,
            const void *options)
{
    (void)host;
    (void)ctx;
    *ret = (void *)(uintptr_t)options;
    return 0;
}

static void
fake_destroy(void *instance)
{
    (void)instance;
}

static void
die_with(const char *key)
{
    FILE *f = fopen(key_file, "a");
    fprintf(f, "%s\n", key);
    fclose(f);
    raise(SIGKILL);
}

static int
fake_deliver(void *instance, const struct tocsin_batch *batch,
             struct tocsin_answer *ret)
{
    struct fake *f = instance;
    const struct tocsin_notification *n = batch->notification;
    pthread_mutex_lock(&mutex);
    unsigned i = f->n_seen++ % SEEN_MAX;
    snprintf(f->keys[i], sizeof f->keys[i], "%.*s", (int)n->key.n, n->key.p);
    f->n_alerts[i] = n->n_alerts;
    f->n_truncated[i] = n->n_truncated;
    f->at[i] = clock_wall_us();
    f->inside = true;
    pthread_cond_broadcast(&changed);
    if (f->does == DIES)
        die_with(f->keys[i]);
    while (f->does == BLOCKS)
        pthread_cond_wait(&changed, &mutex);
    enum behaviour does = f->does;
    ret->retry_after_us = f->retry_after_us;
    f->inside = false;
    pthread_mutex_unlock(&mutex);
    switch (does) {
    case TAKES:
        return TOCSIN_DELIVERED;
    case REJECTS:
        return TOCSIN_REJECTED;
    case TOO_LARGE:
        return n->n_alerts > 2 ? TOCSIN_TOO_LARGE : TOCSIN_DELIVERED;
    default:
        return TOCSIN_RETRY;
    }
}

static const struct plugin fake_plugin = {
    .desc =
        {
            TOCSIN_PLUGIN_HEAD,
            .kind = TOCSIN_EXPORTER,
            .name = "fake",
            .create = fake_create,
            .destroy = fake_destroy,
            .deliver = fake_deliver,
            .receiver_key = "webhook_configs",
        },
    .id = "export_fake",
};

static void
behave(struct fake *f, enum behaviour does)
{
    pthread_mutex_lock(&mutex);
    f->does = does;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

/* Until the receiver was called so often; false: it was not in time. */
static bool
wait_seen(struct fake *f, unsigned n)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_sec += WITHIN_US / USEC_PER_SEC;
    pthread_mutex_lock(&mutex);
    int r = 0;
    while (f->n_seen < n && r == 0)
        r = pthread_cond_timedwait(&changed, &mutex, &ts);
    bool seen = f->n_seen >= n;
    pthread_mutex_unlock(&mutex);
    return seen;
}

/* ---- a journal, and an outbox behind it */

static const char yaml[] =
    "state_dir: /tmp\n"
    "inputs: [{name: i, source: 'null', decoders: ['null']}]\n"
    "receivers:\n"
    "  - name: zero\n"
    "    webhook_configs: [{url: 'http://x'}]\n"
    "  - name: one\n"
    "    webhook_configs: [{url: 'http://x'}]\n"
    "route:\n"
    "  receiver: zero\n"
    "  group_by: [hub]\n"
    "  group_wait: 0s\n"
    "  group_interval: 1s\n"
    "  routes:\n"
    "    - {matchers: ['to=\"one\"'], receiver: one}\n"
    "    - {matchers: ['to=\"later\"'], receiver: zero, group_wait: 2s}\n"
    "    - {matchers: ['to=\"both\"'], receiver: one, continue: true}\n"
    "    - {matchers: ['to=\"both\"'], receiver: zero}\n";

struct world {
    struct config *cfg;
    struct journal *j;
    struct outbox *ob;
    struct assembly_receiver receivers[2];
};

static char *
path(const char *name)
{
    static char buf[128];
    snprintf(buf, sizeof buf, "%s/%s", dir, name);
    return buf;
}

static void
up(struct world *w)
{
    struct err err = ERR_INIT;
    w->cfg = script_config(yaml);
    struct journal_options jo = {
        .dir = path("journal"),
        .io = &io_posix,
        .max_size_bytes = 64u << 20,
        .segment_size_bytes = 4u << 20,
        .retain_us = USEC_PER_HOUR,
        .sync_us = 5 * USEC_PER_MSEC,
        .unsynced_max_bytes = 4u << 20,
    };
    ck_assert_msg(journal_open(&jo, &w->j, &err) == 0, "%s", err.message);
    struct slice mark = SLICE("start test");
    uint64_t pos;
    ck_assert_int_eq(
        journal_append(w->j, FRAME_MARK, 0, clock_wall_us(), &mark, 1, &pos),
        0);
    for (size_t i = 0; i < 2; i++) {
        w->receivers[i].config = &w->cfg->receivers[i];
        w->receivers[i].integration = &w->cfg->receivers[i].integrations[0];
        ck_assert_int_eq(instance_new(&fake_plugin, "fake", &fakes[i],
                                      &w->receivers[i].plugin, &err),
                         0);
    }
    struct outbox_options oo = {
        .journal = w->j,
        .io = &io_posix,
        .dir = path("outbox"),
        .config = w->cfg,
        .receivers = w->receivers,
        .n_receivers = 2,
    };
    ck_assert_msg(outbox_start(&oo, &w->ob, &err) == 0, "%s", err.message);
}

static void
down(struct world *w)
{
    usec_t deadline = clock_boot_us() + WITHIN_US;
    ck_assert_int_eq(journal_sync(w->j, journal_end(w->j), deadline), 0);
    outbox_stop(w->ob, deadline);
    outbox_free(w->ob);
    journal_close(w->j);
    config_free(w->cfg);
}

/* The time at which it was appended. */
static usec_t
alert(struct world *w, const char *name, const char *hub, const char *to,
      uint8_t state)
{
    struct label labels[] = {{SLICE("alertname"), slice_from_str(name)},
                             {SLICE("hub"), slice_from_str(hub)},
                             {SLICE("to"), slice_from_str(to)}};
    usec_t now = clock_wall_us();
    struct transition t = {
        .state = state,
        .group = SLICE("g"),
        .rule = slice_from_str(name),
        .time_us = now,
        .known_us = now,
        .active_us = now,
        .fired_us = now,
        .resolved_us = state == ALERT_RESOLVED ? now : USEC_NONE,
        .n_labels = 3,
        .labels = labels,
    };
    struct buf b = BUF_INIT(65536);
    ck_assert_int_eq(transition_encode(&t, &b), 0);
    struct slice part = buf_slice(&b);
    uint64_t pos;
    ck_assert_int_eq(journal_append(w->j, FRAME_ALERT, 0, now, &part, 1, &pos),
                     0);
    (void)journal_sync(w->j, pos + 1, USEC_MIN);
    buf_fini(&b);
    return now;
}

static void
pass_time(struct world *w, usec_t us)
{
    struct slice none = SLICE("");
    uint64_t pos;
    ck_assert_int_eq(journal_append(w->j, FRAME_TICK, 0, clock_wall_us() + us,
                                    &none, 1, &pos),
                     0);
}

/* Waits until nothing is on its way. */
static void
wait_idle(struct world *w)
{
    usec_t end = clock_boot_us() + WITHIN_US;
    struct outbox_stats st;
    do {
        ck_assert_int_lt(clock_boot_us(), end);
        (void)journal_sync(w->j, journal_end(w->j), end);
        sched_yield();
        outbox_get_stats(w->ob, &st);
    } while (st.pending > 0);
}

/* Deliveries in the journal, by step and outcome. */
static unsigned
count_deliveries(struct world *w, unsigned step, unsigned outcome)
{
    struct journal_reader *r;
    struct frame f;
    unsigned n = 0;
    ck_assert_int_eq(journal_reader_new(w->j, 0, READ_APPENDED, &r), 0);
    while (journal_read(r, USEC_MIN, &f) > 0) {
        struct delivery d;
        if (f.type != FRAME_DELIVERY)
            continue;
        ck_assert_int_eq(delivery_decode(f.payload, &d), 0);
        n += d.step == step && d.outcome == outcome;
    }
    journal_reader_free(r);
    return n;
}

static void
setup(void)
{
    log_set_level(LOG_ERROR);
    memset(fakes, 0, sizeof fakes);
    snprintf(dir, sizeof dir, "/tmp/tocsin-outbox-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(key_file, sizeof key_file, "%s/keys", dir);
}

static int
unlink_entry(void *arg, const char *name)
{
    (void)unlinkat(*(int *)arg, name, 0);
    return 0;
}

static void
remove_dir(const char *name)
{
    int fd = open(name, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return;
    (void)io_posix.list(NULL, fd, unlink_entry, &fd);
    close(fd);
    (void)rmdir(name);
}

static void
teardown(void)
{
    remove_dir(path("journal"));
    remove_dir(path("outbox"));
    remove_dir(dir);
}

/* ---- tests */

START_TEST(a_page_leaves_at_once)
{
    struct world w;
    usec_t worst = 0;
    up(&w);
    for (unsigned i = 0; i < 20; i++) {
        char hub[16];
        snprintf(hub, sizeof hub, "h%u", i);
        usec_t at = alert(&w, "A", hub, "", ALERT_FIRING);
        ck_assert(wait_seen(&fakes[0], i + 1));
        worst = MAX(worst, fakes[0].at[i] - at);
    }
    down(&w);
    printf("# the slowest of 20 left after %lld us\n", (long long)worst);
    ck_assert_int_lt(worst, 5 * USEC_PER_SEC);
    ck_assert_uint_eq(fakes[0].n_seen, 20);
    ck_assert_uint_eq(fakes[1].n_seen, 0);
}
END_TEST

START_TEST(a_blocked_receiver_delays_no_other)
{
    struct world w;
    up(&w);
    behave(&fakes[0], BLOCKS);
    (void)alert(&w, "A", "x", "both", ALERT_FIRING);
    (void)alert(&w, "A", "y", "both", ALERT_FIRING);
    (void)alert(&w, "A", "z", "one", ALERT_FIRING);
    ck_assert(wait_seen(&fakes[1], 3));
    ck_assert(wait_seen(&fakes[0], 1));
    ck_assert(fakes[0].inside);
    struct outbox_stats st;
    outbox_get_stats(w.ob, &st);
    ck_assert_uint_ge(st.pending, 2);
    ck_assert_int_gt(st.oldest_pending_us, 0);
    behave(&fakes[0], TAKES);
    ck_assert(wait_seen(&fakes[0], 2));
    wait_idle(&w);
    outbox_get_stats(w.ob, &st);
    ck_assert_uint_eq(st.sent, 5);
    ck_assert_int_eq(st.oldest_pending_us, 0);
    down(&w);
}
END_TEST

START_TEST(it_is_tried_until_it_is_taken_under_one_key)
{
    struct world w;
    up(&w);
    behave(&fakes[0], RETRIES);
    (void)alert(&w, "A", "x", "", ALERT_FIRING);
    ck_assert(wait_seen(&fakes[0], 4));
    behave(&fakes[0], TAKES);
    wait_idle(&w);
    for (unsigned i = 1; i < fakes[0].n_seen; i++)
        ck_assert_str_eq(fakes[0].keys[i], fakes[0].keys[0]);
    struct outbox_stats st;
    outbox_get_stats(w.ob, &st);
    ck_assert_uint_eq(st.sent, 1);
    ck_assert_uint_ge(st.retries, 4);
    ck_assert_uint_eq(count_deliveries(&w, DELIVERY_ATTEMPT, 0), 1);
    ck_assert_uint_eq(count_deliveries(&w, DELIVERY_DONE, DELIVERY_TAKEN), 1);
    down(&w);
}
END_TEST

START_TEST(one_that_is_never_taken_holds_up_no_other)
{
    struct world w;
    up(&w);
    behave(&fakes[0], RETRIES);
    (void)alert(&w, "A", "x", "", ALERT_FIRING);
    ck_assert(wait_seen(&fakes[0], 1));
    (void)alert(&w, "A", "y", "", ALERT_FIRING);
    unsigned n = 0;
    for (unsigned seen = 2; n == 0; seen++) {
        ck_assert(wait_seen(&fakes[0], seen));
        for (unsigned i = 0; i < seen; i++)
            n += strcmp(fakes[0].keys[i], fakes[0].keys[0]) != 0;
    }
    behave(&fakes[0], TAKES);
    wait_idle(&w);
    down(&w);
}
END_TEST

START_TEST(retry_after_is_heeded)
{
    struct world w;
    up(&w);
    fakes[0].retry_after_us = USEC_PER_SEC;
    behave(&fakes[0], RETRIES);
    (void)alert(&w, "A", "x", "", ALERT_FIRING);
    ck_assert(wait_seen(&fakes[0], 1));
    behave(&fakes[0], TAKES);
    /* All of the receiver's wait. */
    (void)alert(&w, "A", "y", "", ALERT_FIRING);
    ck_assert(wait_seen(&fakes[0], 3));
    ck_assert_int_ge(fakes[0].at[1] - fakes[0].at[0], USEC_PER_SEC);
    ck_assert_int_ge(fakes[0].at[2] - fakes[0].at[0], USEC_PER_SEC);
    down(&w);
}
END_TEST

START_TEST(what_is_refused_is_given_up_and_counted)
{
    struct world w;
    up(&w);
    log_set_level((enum log_level)0);
    behave(&fakes[0], REJECTS);
    (void)alert(&w, "A", "x", "", ALERT_FIRING);
    ck_assert(wait_seen(&fakes[0], 1));
    wait_idle(&w);
    struct outbox_stats st;
    outbox_get_stats(w.ob, &st);
    ck_assert_uint_eq(st.refused, 1);
    ck_assert_uint_eq(st.sent, 0);
    ck_assert_uint_eq(count_deliveries(&w, DELIVERY_DONE, DELIVERY_REFUSED), 1);
    down(&w);
}
END_TEST

START_TEST(what_is_too_large_is_told_in_part)
{
    struct world w;
    up(&w);
    behave(&fakes[0], TOO_LARGE);
    for (unsigned i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof name, "A%u", i);
        (void)alert(&w, name, "x", "later", ALERT_FIRING);
    }
    pass_time(&w, 3 * USEC_PER_SEC);
    ck_assert(wait_seen(&fakes[0], 3));
    wait_idle(&w);
    ck_assert_uint_eq(fakes[0].n_alerts[0], 8);
    ck_assert_uint_eq(fakes[0].n_alerts[1], 4);
    ck_assert_uint_eq(fakes[0].n_alerts[2], 2);
    ck_assert_uint_eq(fakes[0].n_truncated[2], 6);
    ck_assert_str_eq(fakes[0].keys[0], fakes[0].keys[2]);
    down(&w);
}
END_TEST

/* A child that is killed while the receiver has the page. */
static void
die_delivering(bool clean_first)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct world w;
        up(&w);
        if (clean_first) {
            (void)alert(&w, "B", "first", "", ALERT_FIRING);
            (void)wait_seen(&fakes[0], 1);
            wait_idle(&w);
            down(&w);
            up(&w);
        }
        behave(&fakes[0], DIES);
        (void)alert(&w, "A", "x", "", ALERT_FIRING);
        (void)wait_seen(&fakes[0], 1000);
        _exit(1);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}

START_TEST(killed_while_sending_it_is_repeated_once_with_the_same_key)
{
    struct world w;
    char key[64] = "";
    die_delivering(_i == 1);
    FILE *f = fopen(key_file, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(key, sizeof key, f));
    fclose(f);
    key[strcspn(key, "\n")] = '\0';
    up(&w);
    ck_assert(wait_seen(&fakes[0], 1));
    wait_idle(&w);
    ck_assert_str_eq(fakes[0].keys[0], key);
    down(&w);
    up(&w);
    (void)alert(&w, "A", "y", "", ALERT_FIRING);
    ck_assert(wait_seen(&fakes[0], 2));
    wait_idle(&w);
    ck_assert_uint_eq(fakes[0].n_seen, 2);
    ck_assert_str_ne(fakes[0].keys[1], key);
    down(&w);
}
END_TEST

START_TEST(a_restart_repeats_nothing)
{
    struct world w;
    for (unsigned round = 0; round < 4; round++) {
        up(&w);
        (void)alert(&w, "A", "x", "", ALERT_FIRING);
        char hub[16];
        snprintf(hub, sizeof hub, "h%u", round);
        (void)alert(&w, "A", hub, "", ALERT_FIRING);
        ck_assert(wait_seen(&fakes[0], round + 2));
        wait_idle(&w);
        down(&w);
        if (round == 2) { /* all from the journal */
            ck_assert_int_eq(unlink(path("outbox/state")), 0);
        } else {
            struct stat st;
            ck_assert_int_eq(stat(path("outbox/state"), &st), 0);
        }
    }
    ck_assert_uint_eq(fakes[0].n_seen, 5);
}
END_TEST

START_TEST(a_damaged_state_is_made_anew)
{
    struct world w;
    up(&w);
    (void)alert(&w, "A", "x", "", ALERT_FIRING);
    ck_assert(wait_seen(&fakes[0], 1));
    wait_idle(&w);
    down(&w);
    FILE *f = fopen(path("outbox/state"), "r+");
    ck_assert_ptr_nonnull(f);
    fseek(f, 20, SEEK_SET);
    fputc('x', f);
    fclose(f);
    up(&w);
    (void)alert(&w, "A", "y", "", ALERT_FIRING);
    ck_assert(wait_seen(&fakes[0], 2));
    wait_idle(&w);
    ck_assert_uint_eq(fakes[0].n_seen, 2);
    down(&w);
}
END_TEST

START_TEST(what_is_due_is_sent_before_it_stops)
{
    struct world w;
    up(&w);
    for (unsigned i = 0; i < 50; i++) {
        char hub[16];
        snprintf(hub, sizeof hub, "h%u", i);
        (void)alert(&w, "A", hub, "", ALERT_FIRING);
    }
    down(&w);
    ck_assert_uint_eq(fakes[0].n_seen, 50);
}
END_TEST

static Suite *
outbox_suite(void)
{
    Suite *s = suite_create("outbox");
    TCase *tc = tcase_create("delivery");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_page_leaves_at_once);
    tcase_add_test(tc, a_blocked_receiver_delays_no_other);
    tcase_add_test(tc, it_is_tried_until_it_is_taken_under_one_key);
    tcase_add_test(tc, one_that_is_never_taken_holds_up_no_other);
    tcase_add_test(tc, retry_after_is_heeded);
    tcase_add_test(tc, what_is_refused_is_given_up_and_counted);
    tcase_add_test(tc, what_is_too_large_is_told_in_part);
    tcase_add_loop_test(
        tc, killed_while_sending_it_is_repeated_once_with_the_same_key, 0, 2);
    tcase_add_test(tc, a_restart_repeats_nothing);
    tcase_add_test(tc, a_damaged_state_is_made_anew);
    tcase_add_test(tc, what_is_due_is_sent_before_it_stops);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return unit_main(outbox_suite(), NULL);
}
