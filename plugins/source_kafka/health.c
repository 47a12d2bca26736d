/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "plugins/source_kafka/health.h"

#define FRESH_US 10000000 /* an answer of the broker counts for so long */

void
health_down(struct parts *ps, struct part *p, int64_t now_us, const char *why)
{
    if (p->said_down_us && now_us - p->said_down_us < HEALTH_REPEAT_US)
        return;
    p->said_down_us = now_us;
    parts_say(ps, p, SAY_DOWN, why);
}

static const json_t *
broker_of(const json_t *root, json_int_t id)
{
    const char *name;
    json_t *broker;
    json_object_foreach(json_object_get(root, "brokers"), name, broker)
    {
        const json_t *nodeid = json_object_get(broker, "nodeid");
        if (json_is_integer(nodeid) && json_integer_value(nodeid) == id)
            return broker;
    }
    return NULL;
}

static json_int_t
number(const json_t *object, const char *key, json_int_t otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static const char *
text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "unknown";
}

/* Says in 'why' what is wrong with a partition's leader.  Returns 1 where it
 * answers, 0 where that is not known yet, -1 where it is out of reach. */
static int
leader_state(const json_t *root, const json_t *partition,
             const struct health *h, char *why, size_t why_size)
{
    json_int_t id = number(partition, "leader", -1);
    const json_t *broker = id < 0 ? NULL : broker_of(root, id);
    if (!broker) {
        snprintf(why, why_size, "no leader%s%s", *h->reason ? ": " : "",
                 h->reason);
        return -1;
    }
    const char *state = text(broker, "state");
    if (strcmp(state, "UP") != 0 && strcmp(state, "UPDATE") != 0) {
        snprintf(why, why_size, "broker %s is %s%s%s", text(broker, "nodename"),
                 state, *h->reason ? ": " : "", h->reason);
        return -1;
    }
    json_int_t wait_us = (json_int_t)h->fetch_wait_ms * 1000;
    json_int_t silent_us = number(broker, "rxidle", -1);
    if (!h->queued && silent_us > FRESH_US + wait_us) {
        snprintf(why, why_size, "broker %s has not answered for %d s",
                 text(broker, "nodename"), (int)(silent_us / 1000000));
        return -1;
    }
    /* Just connected: it has not been asked for messages yet. */
    return number(broker, "stateage", 0) > 2 * wait_us + 1000000;
}

static void
part_round(struct parts *ps, struct part *p, const json_t *root,
           struct health *h)
{
    char key[16];
    snprintf(key, sizeof key, "%d", (int)p->number);
    const json_t *topic =
        json_object_get(json_object_get(root, "topics"), p->topic);
    const json_t *partition =
        json_object_get(json_object_get(topic, "partitions"), key);

    json_int_t end = number(partition, "ls_offset", -1);
    if (end < 0)
        end = number(partition, "hi_offset", -1);
    if (end > p->next && p->next >= 0)
        h->lag += (double)(end - p->next);

    p->leader = number(partition, "leader", -1);
    char why[sizeof p->why];
    int state = leader_state(root, partition, h, why, sizeof why);
    if (state < 0) {
        if (!p->trouble_us)
            p->trouble_us = h->now_us;
        else if (h->now_us - p->trouble_us >= HEALTH_GRACE_US)
            health_down(ps, p, h->now_us, why);
        return;
    }
    p->trouble_us = 0;
    if (state > 0 && p->at_end && !h->queued && end <= p->next && !p->say) {
        p->said_down_us = 0;
        parts_say(ps, p, SAY_CAUGHT_UP, NULL);
    }
}

/* A group that never got partitions: is it because it can't? */
static void
group_round(struct parts *ps, const json_t *root, const struct health *h)
{
    const json_t *group = json_object_get(root, "cgrp");
    const char *state = text(group, "state");
    const char *join = text(group, "join_state");
    bool joined = strcmp(state, "up") == 0 && strcmp(join, "steady") == 0;
    if (joined && !*h->reason) {
        ps->all.trouble_us = 0;
        ps->all.said_down_us = 0;
        return;
    }
    if (!ps->all.trouble_us)
        ps->all.trouble_us = h->now_us;
    else if (h->now_us - ps->all.trouble_us >= HEALTH_JOIN_US) {
        char why[sizeof ps->all.why];
        snprintf(why, sizeof why,
                 "no partitions: the group is in state \"%s\", \"%s\"%s%s",
                 state, join, *h->reason ? ": " : "", h->reason);
        health_down(ps, &ps->all, h->now_us, why);
    }
}

int
health_round(struct parts *ps, const char *json, size_t size, struct health *h)
{
    json_t *root = json_loadb(json, size, 0, NULL);
    if (!root)
        return -1;
    h->lag = 0;
    pthread_mutex_lock(&ps->lock);
    size_t owned = 0;
    for (size_t i = 0; i < ps->n; i++) {
        if (!ps->items[i]->owned)
            continue;
        owned++;
        part_round(ps, ps->items[i], root, h);
    }
    if (owned == 0)
        group_round(ps, root, h);
    pthread_mutex_unlock(&ps->lock);
    json_decref(root);
    return 0;
}
