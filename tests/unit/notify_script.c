/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/mem.h"
#include "core/notify/notifier.h"
#include "core/record/delivery.h"
#include "core/record/tick.h"
#include "core/record/transition.h"
#include "tests/unit/notify_script.h"

#define FRAMES_MAX 20000
#define TARGETS_MAX 16
#define LABELS_MAX 16
#define EPOCH_US (INT64_C(1700000000) * USEC_PER_SEC)

enum target_state { TARGET_ALIVE, TARGET_DEAD, TARGET_HANGS, TARGET_REFUSES };

struct script {
    const struct config *cfg, *other;
    struct notifier_target targets[TARGETS_MAX];
    size_t n_targets;
    enum target_state state[TARGETS_MAX];
    struct notifier *n;
    struct frame frames[FRAMES_MAX];
    size_t n_frames;
    usec_t now; /* since EPOCH_US */
    enum script_mode mode;
    bool keys;
    struct buf *out;
    struct arena arena;
    int cookies;                              /* due() without a gone() */
    char key[64], group_key[256], target[64]; /* see "takes" */
};

struct config *
script_config(const char *yaml)
{
    struct config *cfg = NULL;
    struct errlist errs;
    errlist_init(&errs);
    int r =
        config_parse(slice_from_str(yaml), "test.yaml", ".", 0, &cfg, &errs);
    struct buf b = BUF_INIT(65536);
    errlist_print(&errs, &b, NULL, NULL);
    ck_assert_msg(r == 0, "%s", buf_str(&b));
    buf_fini(&b);
    errlist_fini(&errs);
    return cfg;
}

static void *
on_due(void *arg, struct pending *p, size_t target)
{
    struct script *s = arg;
    ck_assert_uint_lt(target, s->n_targets);
    ck_assert_uint_eq(pending_key(p).n, PENDING_KEY_SIZE);
    s->cookies++;
    return &s->cookies;
}

static void
on_gone(void *arg, void *cookie)
{
    struct script *s = arg;
    if (cookie == NULL)
        return; /* from a state */
    ck_assert_ptr_eq(cookie, &s->cookies);
    s->cookies--;
    ck_assert_int_ge(s->cookies, 0);
}

static struct notifier *
make(struct script *s)
{
    struct notifier_options o = {
        .route = s->cfg->route,
        .targets = s->targets,
        .n_targets = s->n_targets,
        .external_labels = s->cfg->external_labels,
        .n_external_labels = s->cfg->n_external_labels,
        .external_url = "http://tocsin",
        .due = on_due,
        .gone = on_gone,
        .arg = s,
    };
    struct notifier *n;
    struct err err = ERR_INIT;
    ck_assert_msg(notifier_new(&o, &n, &err) == 0, "%s", err.message);
    return n;
}

/* No piece of a state is one, and no damage ends the program. */
static void
try_damaged(struct script *s, struct slice state)
{
    static uint32_t seed = 1;
    for (int i = 0; i < 4; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t n = seed % state.n;
        char *copy = malloc(state.n); /* of its own, for the sanitizer */
        memcpy(copy, state.p, state.n);
        copy[n] ^= (char)(1 << (seed >> 29));
        struct notifier *whole = make(s), *piece = make(s);
        (void)!notifier_decode(whole, slice_new(copy, state.n));
        copy = realloc(copy, n + 1);
        memcpy(copy, state.p, n);
        ck_assert_int_eq(notifier_decode(piece, slice_new(copy, n)), -EBADMSG);
        notifier_free(whole);
        notifier_free(piece);
        free(copy);
    }
}

/* Another notifier in place of this one, which must make no difference. */
static void
restart(struct script *s)
{
    struct buf b = BUF_INIT(1 << 24), again = BUF_INIT(1 << 24);
    ck_assert_int_eq(notifier_encode(s->n, &b), 0);
    notifier_free(s->n);
    s->cookies = 0;
    try_damaged(s, buf_slice(&b));
    s->n = make(s);
    if (s->mode == SCRIPT_RESTORED)
        ck_assert_int_eq(notifier_decode(s->n, buf_slice(&b)), 0);
    else
        for (size_t i = 0; i < s->n_frames; i++)
            ck_assert_int_eq(notifier_feed(s->n, &s->frames[i]), 0);
    ck_assert_int_eq(notifier_encode(s->n, &again), 0);
    ck_assert_msg(slice_eq(buf_slice(&b), buf_slice(&again)),
                  "the state after a restart differs");
    buf_fini(&b);
    buf_fini(&again);
}

static void
feed(struct script *s, unsigned type, unsigned flags, struct slice payload)
{
    ck_assert_uint_lt(s->n_frames, FRAMES_MAX);
    struct frame *f = &s->frames[s->n_frames];
    struct slice copy;
    ck_assert_int_eq(arena_slice_dup(&s->arena, payload, &copy), 0);
    *f = (struct frame){
        .pos = (s->n_frames + 1) * 8,
        .next = (s->n_frames + 2) * 8,
        .time = EPOCH_US + s->now,
        .type = (uint16_t)type,
        .flags = (uint16_t)flags,
        .payload = copy,
    };
    if (s->mode == SCRIPT_RESTORED || s->mode == SCRIPT_REPLAYED)
        restart(s);
    s->n_frames++;
    int r = -ENOMEM;
    for (unsigned i = 1; s->mode == SCRIPT_STARVED && r == -ENOMEM; i++) {
        mem_fail_at(i);
        r = notifier_feed(s->n, f);
        mem_fail_at(0);
    }
    if (r != 0)
        r = notifier_feed(s->n, f);
    ck_assert_int_eq(r, 0);
}

/* ---- alerts */

static size_t
parse_labels(struct script *s, const char *text, struct label *ret)
{
    char *copy = arena_strdup(&s->arena, text), *save = NULL;
    size_t n = 0;
    for (char *w = strtok_r(copy, ",", &save); w != NULL;
         w = strtok_r(NULL, ",", &save)) {
        char *eq = strchr(w, '=');
        ck_assert_uint_lt(n, LABELS_MAX);
        if (eq != NULL)
            *eq = '\0';
        ret[n++] = (struct label){slice_from_str(eq == NULL ? "alertname" : w),
                                  slice_from_str(eq == NULL ? w : eq + 1)};
    }
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k > 0 && slice_cmp(ret[k - 1].name, ret[k].name) > 0;
             k--) {
            struct label t = ret[k];
            ret[k] = ret[k - 1];
            ret[k - 1] = t;
        }
    return n;
}

static void
transition(struct script *s, const char *text, uint8_t state)
{
    struct label labels[LABELS_MAX];
    struct label note = {SLICE("summary"), SLICE("it happened")};
    struct transition t = {
        .cause = {s->n_frames, 0},
        .state = state,
        .group = SLICE("group"),
        .rule = SLICE("rule"),
        .time_us = EPOCH_US + s->now,
        .known_us = EPOCH_US + s->now,
        .active_us = EPOCH_US + s->now,
        .fired_us = EPOCH_US + s->now,
        .resolved_us = state == ALERT_RESOLVED ? EPOCH_US + s->now : USEC_NONE,
        .n_labels = (uint32_t)parse_labels(s, text, labels),
        .labels = labels,
        .n_annotations = 1,
        .annotations = &note,
        .expr = SLICE("up == 0"),
    };
    struct buf b = BUF_INIT(65536);
    ck_assert_int_eq(transition_encode(&t, &b), 0);
    feed(s, FRAME_ALERT, 0, buf_slice(&b));
    buf_fini(&b);
}

/* ---- deliveries */

struct found {
    struct pending *p;
    size_t target;
    const struct script *s;
    struct tocsin_text skip; /* keys that were tried: 32 digits each */
};

static bool
was_tried(const struct found *f, struct pending *p)
{
    struct slice key = pending_key(p);
    for (size_t i = 0; i + key.n <= f->skip.n; i += key.n)
        if (memcmp(f->skip.p + i, key.p, key.n) == 0)
            return true;
    return false;
}

static int
find_pending(void *arg, struct pending *p, size_t target)
{
    struct found *f = arg;
    if (f->s->state[target] == TARGET_DEAD || was_tried(f, p))
        return 0;
    f->p = p;
    f->target = target;
    return 1;
}

static void
log_note(struct script *s, struct slice target,
         const struct tocsin_notification *note)
{
    struct buf *b = s->out;
    (void)buf_printf(b, "%lld %.*s %s {", (long long)(s->now / USEC_PER_SEC),
                     SLICE_FMT(target), note->firing ? "firing" : "resolved");
    for (size_t i = 0; i < note->n_group_labels; i++)
        (void)buf_printf(
            b, "%s%.*s=%.*s", i > 0 ? "," : "",
            (int)note->group_labels[i].name.n, note->group_labels[i].name.p,
            (int)note->group_labels[i].value.n, note->group_labels[i].value.p);
    (void)buf_append_str(b, "}:");
    for (size_t i = 0; i < note->n_alerts; i++) {
        const struct tocsin_alert *a = &note->alerts[i];
        (void)buf_append_str(b, a->firing ? " +" : " -");
        for (uint32_t k = 0, shown = 0; k < a->n_labels; k++) {
            bool grouped = false;
            for (size_t g = 0; g < note->n_group_labels; g++)
                grouped |=
                    note->group_labels[g].name.n == a->labels[k].name.n &&
                    memcmp(note->group_labels[g].name.p, a->labels[k].name.p,
                           a->labels[k].name.n) == 0;
            if (!grouped)
                (void)buf_printf(b, "%s%.*s", shown++ > 0 ? "/" : "",
                                 (int)a->labels[k].value.n,
                                 a->labels[k].value.p);
        }
    }
    if (s->keys)
        (void)buf_printf(b, " %.*s", (int)note->key.n, note->key.p);
    (void)buf_putc(b, '\n');
}

/* Everything on its way is delivered at once, where somebody takes it. */
static void
deliver(struct script *s)
{
    struct buf tried = BUF_INIT(1 << 20);
    for (;;) {
        struct found f = {NULL, 0, s, {tried.p, tried.n}};
        if (notifier_each_pending(s->n, find_pending, &f) == 0)
            break;
        struct tocsin_notification note;
        ck_assert_int_eq(pending_build(s->n, f.p, 1000, &s->arena, &note), 0);
        struct slice target;
        ck_assert_int_eq(
            arena_slice_dup(&s->arena, pending_target(f.p, s->n), &target), 0);
        struct delivery d = {
            .step = DELIVERY_ATTEMPT,
            .attempts = 1,
            .key = slice_new(note.key.p, note.key.n),
            .target = target,
            .group_key = slice_new(note.group_key.p, note.group_key.n),
        };
        (void)buf_append_slice(&tried, d.key);
        struct buf b = BUF_INIT(65536);
        ck_assert_int_eq(delivery_encode(&d, &b), 0);
        feed(s, FRAME_DELIVERY, 0, buf_slice(&b));
        enum target_state state = s->state[f.target];
        if (state != TARGET_HANGS) {
            log_note(s, target, &note);
            d.step = DELIVERY_DONE;
            d.outcome =
                state == TARGET_ALIVE ? DELIVERY_TAKEN : DELIVERY_REFUSED;
            buf_reset(&b);
            ck_assert_int_eq(delivery_encode(&d, &b), 0);
            feed(s, FRAME_DELIVERY, 0, buf_slice(&b));
        }
        buf_fini(&b);
    }
    buf_fini(&tried);
}

/* ---- steps */

static void
tick(struct script *s, unsigned flags)
{
    feed(s, FRAME_TICK, flags, SLICE(""));
    deliver(s);
}

static void
set_state(struct script *s, const char *arg, enum target_state state)
{
    size_t target = (size_t)strtoul(arg, NULL, 10);
    ck_assert_uint_lt(target, s->n_targets);
    s->state[target] = state;
    deliver(s);
}

static int
remember(void *arg, struct pending *p, size_t target)
{
    struct script *s = arg;
    struct slice key = pending_key(p), group = pending_group_key(p);
    snprintf(s->key, sizeof s->key, "%.*s", SLICE_FMT(key));
    snprintf(s->group_key, sizeof s->group_key, "%.*s", SLICE_FMT(group));
    struct slice name = pending_target(p, s->n);
    snprintf(s->target, sizeof s->target, "%.*s", SLICE_FMT(name));
    return 1;
}

static void
try_remembered(struct script *s)
{
    struct delivery d = {.step = DELIVERY_ATTEMPT,
                         .attempts = 1,
                         .key = slice_from_str(s->key),
                         .target = slice_from_str(s->target),
                         .group_key = slice_from_str(s->group_key)};
    struct buf b = BUF_INIT(65536);
    ck_assert_int_eq(delivery_encode(&d, &b), 0);
    feed(s, FRAME_DELIVERY, 0, buf_slice(&b));
    buf_fini(&b);
}

static void
find_targets(struct script *s)
{
    const struct config *cfg = s->cfg;
    s->n_targets = 0;
    for (size_t i = 0; i < cfg->n_receivers; i++)
        for (size_t k = 0; k < cfg->receivers[i].n_integrations; k++)
            s->targets[s->n_targets++] = (struct notifier_target){
                &cfg->receivers[i], &cfg->receivers[i].integrations[k]};
}

static void
change_config(struct script *s)
{
    struct buf b = BUF_INIT(1 << 24);
    ck_assert_int_eq(notifier_encode(s->n, &b), 0);
    notifier_free(s->n);
    s->cookies = 0;
    s->cfg = s->other;
    find_targets(s);
    s->n = make(s);
    ck_assert_int_eq(notifier_decode(s->n, buf_slice(&b)), 0);
    buf_fini(&b);
    feed(s, FRAME_MARK, 0, SLICE("start 1.0"));
}

static void
step(struct script *s, const char *text)
{
    char verb[32], arg[256] = "";
    double seconds;
    ck_assert_msg(sscanf(text, "%lf %31s %255s", &seconds, verb, arg) >= 2,
                  "%s", text);
    usec_t at = (usec_t)(seconds * 1e6), from = s->now;
    s->now = at;
    if (strcmp(verb, "to") == 0) {
        for (s->now = from + USEC_PER_SEC; s->now < at; s->now += USEC_PER_SEC)
            tick(s, 0);
        s->now = at;
        tick(s, 0);
    } else if (strcmp(verb, "tick") == 0) {
        tick(s, 0);
    } else if (strcmp(verb, "back") == 0) {
        s->now -= (usec_t)strtol(arg, NULL, 10) * USEC_PER_SEC;
        tick(s, TICK_REBASE);
    } else if (strcmp(verb, "fire") == 0) {
        transition(s, arg, ALERT_FIRING);
    } else if (strcmp(verb, "resolve") == 0) {
        transition(s, arg, ALERT_RESOLVED);
    } else if (strcmp(verb, "start") == 0) {
        feed(s, FRAME_MARK, 0, SLICE("start 1.0"));
    } else if (strcmp(verb, "takes") == 0) {
        ck_assert_int_eq(notifier_each_pending(s->n, remember, s), 1);
    } else if (strcmp(verb, "tries") == 0) {
        try_remembered(s);
    } else if (strcmp(verb, "config") == 0) {
        change_config(s);
    } else if (strcmp(verb, "dead") == 0) {
        set_state(s, arg, TARGET_DEAD);
    } else if (strcmp(verb, "alive") == 0) {
        set_state(s, arg, TARGET_ALIVE);
    } else if (strcmp(verb, "hangs") == 0) {
        set_state(s, arg, TARGET_HANGS);
    } else if (strcmp(verb, "refuses") == 0) {
        set_state(s, arg, TARGET_REFUSES);
    } else {
        ck_abort_msg("unknown step: %s", text);
    }
    deliver(s);
}

static void
run(struct script *s, const char *const *steps)
{
    arena_init(&s->arena, 65536, (size_t)1 << 28);
    find_targets(s);
    s->n = make(s);
    for (; *steps != NULL; steps++)
        step(s, *steps);
    notifier_free(s->n);
    ck_assert_int_eq(s->cookies, 0);
    arena_fini(&s->arena);
}

void
script_run(const struct config *cfg, const char *const *steps,
           enum script_mode mode, bool keys, struct buf *out)
{
    struct script *s = mem_new(struct script);
    ck_assert_ptr_nonnull(s);
    s->cfg = cfg;
    s->mode = mode;
    s->keys = keys;
    s->out = out;
    run(s, steps);
    mem_free(s);
}

void
script_run_changed(const struct config *cfg, const struct config *other,
                   const char *const *steps, struct buf *out)
{
    struct script *s = mem_new(struct script);
    ck_assert_ptr_nonnull(s);
    s->cfg = cfg;
    s->other = other;
    s->out = out;
    run(s, steps);
    mem_free(s);
}
