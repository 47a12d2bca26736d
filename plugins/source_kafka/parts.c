/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugins/source_kafka/parts.h"

int
parts_init(struct parts *ps)
{
    memset(ps, 0, sizeof *ps);
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0)
        return -1;
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&ps->lock, NULL);
    pthread_cond_init(&ps->synced, &attr);
    pthread_condattr_destroy(&attr);
    return 0;
}

void
parts_fini(struct parts *ps)
{
    for (size_t i = 0; i < ps->n; i++) {
        free(ps->items[i]->topic);
        free(ps->items[i]->name);
        free(ps->items[i]);
    }
    free(ps->items);
    pthread_cond_destroy(&ps->synced);
    pthread_mutex_destroy(&ps->lock);
}

struct part *
parts_find(struct parts *ps, const char *topic, int32_t number)
{
    for (size_t i = 0; i < ps->n; i++)
        if (ps->items[i]->number == number &&
            strcmp(ps->items[i]->topic, topic) == 0)
            return ps->items[i];
    return NULL;
}

struct part *
parts_by_id(struct parts *ps, uint32_t id)
{
    for (size_t i = 0; i < ps->n; i++)
        if (ps->items[i]->has_id && ps->items[i]->id == id)
            return ps->items[i];
    return NULL;
}

static struct part *
part_new(const char *topic, int32_t number)
{
    struct part *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->topic = strdup(topic);
    int n = asprintf(&p->name, "%s/%d", topic, (int)number);
    if (!p->topic || n < 0) {
        free(p->topic);
        free(p);
        return NULL;
    }
    p->name_size = (size_t)n;
    p->number = number;
    p->next = p->synced = p->sent = p->committed = p->bad = -1;
    p->leader = -1;
    return p;
}

struct part *
parts_get(struct parts *ps, const char *topic, int32_t number)
{
    struct part *p = parts_find(ps, topic, number);
    if (p)
        return p;
    struct part **items = realloc(ps->items, (ps->n + 1) * sizeof *ps->items);
    if (!items)
        return NULL;
    ps->items = items;
    p = part_new(topic, number);
    if (p)
        ps->items[ps->n++] = p;
    return p;
}

size_t
parts_owned(const struct parts *ps)
{
    size_t n = 0;
    for (size_t i = 0; i < ps->n; i++)
        n += ps->items[i]->owned;
    return n;
}

void
parts_say(struct parts *ps, struct part *p, unsigned what, const char *why)
{
    if (!p->say)
        ps->n_saying++;
    p->say = what;
    if (why)
        snprintf(p->why, sizeof p->why, "%s", why);
}

unsigned
parts_take(struct parts *ps, struct part **ret_part)
{
    if (ps->n_saying == 0)
        return 0;
    struct part *p = &ps->all;
    for (size_t i = 0; !p->say && i < ps->n; i++)
        p = ps->items[i];
    unsigned what = p->say;
    p->say = 0;
    ps->n_saying--;
    *ret_part = p;
    return what;
}
