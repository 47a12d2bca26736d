/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/run/watch.h"

#include <errno.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/arena.h"
#include "core/base/hash.h"
#include "core/base/mem.h"

#define PATTERNS_MAX 4096u
#define ARENA_MAX ((size_t)16 * 1024 * 1024)

struct watch {
    struct arena arena; /* patterns */
    const char *patterns[PATTERNS_MAX];
    size_t n;
    usec_t every, next;
    uint64_t known, seen; /* states of all files as one number */
};

struct watch *
watch_new(usec_t every_us)
{
    struct watch *w = mem_new(struct watch);
    if (w == NULL)
        return NULL;
    arena_init(&w->arena, 4096, ARENA_MAX);
    w->every = every_us;
    w->next = USEC_MIN;
    return w;
}

void
watch_free(struct watch *w)
{
    if (w == NULL)
        return;
    arena_fini(&w->arena);
    mem_free(w);
}

void
watch_clear(struct watch *w)
{
    arena_reset(&w->arena);
    w->n = 0;
}

int
watch_add(struct watch *w, const char *pattern)
{
    char *copy = w->n < PATTERNS_MAX ? arena_strdup(&w->arena, pattern) : NULL;
    if (copy == NULL)
        return -ENOMEM;
    w->patterns[w->n++] = copy;
    return 0;
}

static uint64_t
mix_time(uint64_t h, struct timespec t)
{
    return hash_mix(hash_mix(h, (uint64_t)t.tv_sec), (uint64_t)t.tv_nsec);
}

/* The time of a change as well: a copy may keep that of its content. */
static uint64_t
file_state(const char *path)
{
    uint64_t h = hash_bytes(path, strlen(path));
    struct stat st;
    if (stat(path, &st) < 0)
        return hash_mix(h, (uint64_t)errno);
    h = hash_mix(h, (uint64_t)st.st_dev);
    h = hash_mix(h, (uint64_t)st.st_ino);
    h = hash_mix(h, (uint64_t)st.st_size);
    return mix_time(mix_time(h, st.st_mtim), st.st_ctim);
}

static uint64_t
look(const struct watch *w)
{
    uint64_t h = 0;
    for (size_t i = 0; i < w->n; i++) {
        glob_t g = {0};
        int r = glob(w->patterns[i], 0, NULL, &g);
        h = hash_mix(h, (uint64_t)(r == 0 ? g.gl_pathc : 0));
        for (size_t k = 0; r == 0 && k < g.gl_pathc; k++)
            h = hash_mix(h, file_state(g.gl_pathv[k]));
        globfree(&g);
    }
    return h;
}

void
watch_known(struct watch *w)
{
    w->known = w->seen = look(w);
}

bool
watch_changed(struct watch *w, usec_t now)
{
    if (now < w->next)
        return false;
    w->next = now + w->every;
    uint64_t h = look(w);
    bool rests = h == w->seen;
    w->seen = h;
    if (!rests || h == w->known)
        return false;
    w->known = h;
    return true;
}
