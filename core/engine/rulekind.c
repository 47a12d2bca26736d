/* SPDX-License-Identifier: Apache-2.0 */
/* rulekind.c - reads the rules that are no expression: missing, sequence. */
#include "config.h"

#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/duration.h"
#include "core/base/str.h"
#include "core/engine/engine_priv.h"
#include "core/engine/inventory.h"
#include "core/engine/rulefile_priv.h"
#include "core/lang/ast.h"
#include "core/lang/query.h"

const struct rule_query *
rule_def_query(const struct rule_def *d, uint32_t i, struct rule_query *room)
{
    uint32_t own = 0;
    if (d->kind == RULE_EXPR) {
        *room = (struct rule_query){d->query, d->expr_node};
        own = 1;
    } else if (d->kind == RULE_MISSING) {
        *room = i == 0 ? d->missing.select : d->missing.until;
        own = d->missing.until.query != NULL ? 2 : 1;
    } else {
        own = d->sequence.n_steps;
        if (i < own)
            *room = d->sequence.steps[i].select;
    }
    if (i == own)
        *room = d->hold;
    return i < own || (i == own && d->hold.query != NULL) ? room : NULL;
}

/* --- parts that both have ----------------------------------------------- */

static int
by_cmp(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static int
read_by(struct reading *rd, const struct yaml_node *map, const char *what,
        struct rule_def *def)
{
    const struct yaml_node *by = yaml_get(map, "by");
    if (by == NULL) {
        RULE_ERROR(rd, map, "field 'by' must be set in %s", what);
        errlist_hint(rd->errs, "by: [hub, device_id] makes a key of these two");
        return 0;
    }
    if (yaml_expect(by, YAML_SEQUENCE, rd->errs) < 0) {
        rd->bad = true;
        return 0;
    }
    if (by->n > RULE_BY_MAX) {
        RULE_ERROR(rd, by, "'by' names more than %u labels", RULE_BY_MAX);
        return 0;
    }
    def->by = arena_new_array(&rd->book->arena, struct slice, by->n + 1);
    if (def->by == NULL)
        return NO_MEMORY;
    for (uint32_t i = 0; i < by->n; i++) {
        struct slice name;
        if (yaml_string(by->items[i], rd->errs, &name) < 0) {
            rd->bad = true;
            continue;
        }
        bool twice = false;
        for (uint32_t k = 0; k < def->n_by; k++)
            twice |= slice_eq(def->by[k], name);
        if (name.n == 0 || !utf8_valid(name) || slice_eq_str(name, "__name__"))
            RULE_ERROR(rd, by->items[i], "invalid label name: %.*s",
                       SLICE_FMT(name));
        else if (twice)
            RULE_ERROR(rd, by->items[i], "'by' names \"%.*s\" twice",
                       SLICE_FMT(name));
        else
            def->by[def->n_by++] = name;
    }
    qsort(def->by, def->n_by, sizeof *def->by, by_cmp);
    return 0;
}

/* What can't be asked of a record alone. */
static void
check_select(struct reading *rd, const struct rule_query *q)
{
    const struct selector *sel = expr_unparen(q->query->root)->sel;
    for (const struct pipe_stage *st = sel->pipeline; st; st = st->next) {
        if (st->kind == STAGE_LINE_FILTER || st->kind == STAGE_FILTER)
            continue;
        struct where where = yaml_where_at(q->node, st->span.start,
                                           st->span.end - st->span.start);
        rule_error(rd, &where,
                   "a selector of records takes filters, but no '%s'",
                   stage_kind_name(st->kind));
    }
    if (name_is_of_alerts(sel->name))
        RULE_ERROR(rd, q->node,
                   "%.*s is made by rules: records of inputs are selected here",
                   SLICE_FMT(sel->name));
}

static int
read_select(struct reading *rd, const struct yaml_node *node,
            struct rule_query *ret)
{
    int r = rule_query_read(rd, node, true, ret);
    if (r == 0 && ret->query != NULL)
        check_select(rd, ret);
    return r;
}

/* A duration that must be there and be more than nothing. */
static void
read_span(struct reading *rd, const struct yaml_node *map, const char *what,
          const char *key, usec_t *ret)
{
    int r = yaml_get_duration(map, key, rd->errs, ret);
    if (r < 0)
        rd->bad = true;
    else if (r == 0)
        RULE_ERROR(rd, map, "field '%s' must be set in %s", key, what);
    else if (*ret <= 0)
        RULE_ERROR(rd, yaml_get(map, key), "'%s' must be more than 0", key);
}

static void
put_by(struct buf *b, const struct rule_def *def)
{
    (void)buf_append_str(b, " by (");
    for (uint32_t i = 0; i < def->n_by; i++)
        (void)buf_printf(b, "%s%.*s", i > 0 ? ", " : "", SLICE_FMT(def->by[i]));
    (void)buf_putc(b, ')');
}

static void
put_duration(struct buf *b, const char *word, usec_t us)
{
    char text[DURATION_STR_MAX];
    if (us == 0)
        return;
    (void)duration_format(us, text);
    (void)buf_printf(b, " %s %s", word, text);
}

static int
put_expr(struct reading *rd, struct buf *b, struct rule_def *def)
{
    if (rd->bad)
        return 0;
    return buf_error(b) < 0
               ? NO_MEMORY
               : arena_slice_dup(&rd->book->arena, buf_slice(b), &def->expr);
}

/* --- missing ------------------------------------------------------------ */

static int
read_inventory(struct reading *rd, const struct yaml_node *node,
               struct rule_def *def)
{
    struct slice name;
    if (yaml_string(node, rd->errs, &name) < 0) {
        rd->bad = true;
        return 0;
    }
    const char *path = inventory_path(&rd->book->arena, rd->file, name);
    if (path == NULL)
        return NO_MEMORY;
    const struct ruleset *rs = rd->book->source;
    for (uint32_t i = 0; i < rs->n_inventories; i++) {
        if (!slice_eq_str(rs->inventories[i].path, path))
            continue;
        int r = inventory_parse(
            rs->inventories[i].path, rs->inventories[i].text, def->by,
            def->n_by, &rd->book->arena, rd->errs, &def->missing.inventory);
        rd->bad |= r == -EINVAL;
        return r == -ENOMEM ? NO_MEMORY : 0;
    }
    RULE_ERROR(rd, node, "inventory \"%s\" can't be read", path);
    return 0;
}

static const char *const missing_keys[] = {"select",   "by",    "after",
                                           "remember", "until", "inventory"};

int
rule_missing_read(struct reading *rd, const struct yaml_node *node,
                  struct rule_def *def)
{
    struct rule_missing *m = &def->missing;
    def->kind = RULE_MISSING;
    if (yaml_expect(node, YAML_MAPPING, rd->errs) < 0) {
        rd->bad = true;
        return 0;
    }
    rd->bad |= yaml_unknown_keys(node, missing_keys, ARRAY_SIZE(missing_keys),
                                 rd->errs) > 0;
    const struct yaml_node *select = yaml_get(node, "select");
    const struct yaml_node *until = yaml_get(node, "until");
    const struct yaml_node *inventory = yaml_get(node, "inventory");
    if (select == NULL)
        RULE_ERROR(rd, node, "field 'select' must be set in missing");
    else if (read_select(rd, select, &m->select) < 0)
        return NO_MEMORY;
    if (!yaml_is_null(until) && read_select(rd, until, &m->until) < 0)
        return NO_MEMORY;
    if (read_by(rd, node, "missing", def) < 0)
        return NO_MEMORY;
    read_span(rd, node, "missing", "after", &m->after_us);
    if (yaml_get_duration(node, "remember", rd->errs, &m->remember_us) < 0)
        rd->bad = true;
    else if (m->remember_us > 0 && m->remember_us <= m->after_us)
        RULE_ERROR(rd, yaml_get(node, "remember"),
                   "'remember' must be longer than 'after'");
    if (!yaml_is_null(inventory) && read_inventory(rd, inventory, def) < 0)
        return NO_MEMORY;
    AUTO_FINI(buf) b = BUF_INIT(1 << 20);
    if (!rd->bad && m->select.query != NULL) {
        (void)buf_append_str(&b, "missing ");
        (void)expr_print(m->select.query->root, &b);
        put_by(&b, def);
        put_duration(&b, "after", m->after_us);
        put_duration(&b, "remember", m->remember_us);
        if (m->until.query != NULL) {
            (void)buf_append_str(&b, " until ");
            (void)expr_print(m->until.query->root, &b);
        }
    }
    return put_expr(rd, &b, def);
}

/* --- sequence ----------------------------------------------------------- */

static int
read_step(struct reading *rd, const struct yaml_node *node, uint32_t index,
          struct rule_step *ret)
{
    static const char *const keys[] = {"select", "no", "within"};
    if (node->kind == YAML_SCALAR)
        return read_select(rd, node, &ret->select);
    if (yaml_expect(node, YAML_MAPPING, rd->errs) < 0) {
        rd->bad = true;
        return 0;
    }
    rd->bad |= yaml_unknown_keys(node, keys, ARRAY_SIZE(keys), rd->errs) > 0;
    const struct yaml_node *select = yaml_get(node, "select");
    const struct yaml_node *no = yaml_get(node, "no");
    ret->no = no != NULL;
    if ((select == NULL) == (no == NULL))
        RULE_ERROR(rd, node, "a step has exactly one of 'select' and 'no'");
    else if (read_select(rd, select ? select : no, &ret->select) < 0)
        return NO_MEMORY;
    if (ret->no && index == 0)
        RULE_ERROR(rd, node, "the first step can't be a 'no'");
    const struct yaml_node *within = yaml_get(node, "within");
    if (within != NULL && index == 0)
        RULE_ERROR(rd, within,
                   "the first step has no step before it to come "
                   "within a time of");
    if (ret->no)
        read_span(rd, node, "a step with 'no'", "within", &ret->within_us);
    else if (yaml_get_duration(node, "within", rd->errs, &ret->within_us) < 0)
        rd->bad = true;
    return 0;
}

static int
read_steps(struct reading *rd, const struct yaml_node *map,
           struct rule_sequence *sq)
{
    const struct yaml_node *steps = yaml_get(map, "steps");
    if (steps == NULL) {
        RULE_ERROR(rd, map, "field 'steps' must be set in sequence");
        return 0;
    }
    if (yaml_expect(steps, YAML_SEQUENCE, rd->errs) < 0) {
        rd->bad = true;
        return 0;
    }
    if (steps->n == 0 || steps->n > RULE_STEPS_MAX) {
        RULE_ERROR(rd, steps, "a sequence has 1 to %u steps", RULE_STEPS_MAX);
        return 0;
    }
    sq->steps = arena_new_array(&rd->book->arena, struct rule_step, steps->n);
    if (sq->steps == NULL)
        return NO_MEMORY;
    sq->n_steps = steps->n;
    usec_t all = 0;
    for (uint32_t i = 0; i < steps->n; i++) {
        if (read_step(rd, steps->items[i], i, &sq->steps[i]) < 0)
            return NO_MEMORY;
        all += sq->steps[i].no ? sq->steps[i].within_us : 0;
    }
    if (sq->within_us > 0 && all > sq->within_us)
        RULE_ERROR(rd, steps,
                   "the steps with 'no' take longer than the sequence's "
                   "'within': it can never be complete");
    return 0;
}

static const char *const sequence_keys[] = {"by", "steps", "times", "within"};

static void
put_steps(struct buf *b, const struct rule_sequence *sq)
{
    for (uint32_t i = 0; i < sq->n_steps; i++) {
        const struct rule_step *st = &sq->steps[i];
        (void)buf_append_str(b, i == 0 ? " " : " then ");
        (void)buf_append_str(b, st->no ? "no " : "");
        (void)expr_print(st->select.query->root, b);
        put_duration(b, "within", st->within_us);
    }
}

int
rule_sequence_read(struct reading *rd, const struct yaml_node *node,
                   struct rule_def *def)
{
    struct rule_sequence *sq = &def->sequence;
    int64_t times = 1;
    def->kind = RULE_SEQUENCE;
    if (yaml_expect(node, YAML_MAPPING, rd->errs) < 0) {
        rd->bad = true;
        return 0;
    }
    rd->bad |= yaml_unknown_keys(node, sequence_keys, ARRAY_SIZE(sequence_keys),
                                 rd->errs) > 0;
    read_span(rd, node, "sequence", "within", &sq->within_us);
    if (yaml_get_i64(node, "times", rd->errs, &times) < 0)
        rd->bad = true;
    else if (times < 1 || times > RULE_TIMES_MAX)
        RULE_ERROR(rd, yaml_get(node, "times"), "'times' is from 1 to %u",
                   RULE_TIMES_MAX);
    sq->times = (uint32_t)times;
    if (read_by(rd, node, "sequence", def) < 0 || read_steps(rd, node, sq) < 0)
        return NO_MEMORY;
    AUTO_FINI(buf) b = BUF_INIT(1 << 20);
    if (!rd->bad) {
        (void)buf_append_str(&b, "sequence");
        put_by(&b, def);
        put_steps(&b, sq);
        (void)buf_printf(&b, ", %u times", sq->times);
        put_duration(&b, "within", sq->within_us);
    }
    return put_expr(rd, &b, def);
}
