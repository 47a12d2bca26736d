/* SPDX-License-Identifier: Apache-2.0 */
/* stage_text.c - regexp, pattern and decolorize. */
#include "config.h"

#include "core/base/regex.h"
#include "core/engine/pipeline.h"
#include "core/lang/extract.h"
#include "core/lang/selector.h"

void
stage_regexp(struct pipe_run *r, const struct pipe_stage *st)
{
    struct slice groups[REGEX_GROUPS_MAX + 1] = {0};
    size_t n = regex_group_count(st->re) + 1;
    enum match m = regex_captures(st->re, r->line, n, groups);
    if (m == UNKNOWN)
        pipe_undecided(r, "RegexpErr");
    for (size_t i = 1; m == MATCH && i < n; i++) {
        const char *name = regex_group_name(st->re, i);
        if (name != NULL)
            pipe_extract(r, slice_from_str(name), groups[i]);
    }
}

void
stage_pattern(struct pipe_run *r, const struct pipe_stage *st)
{
    const struct pattern *p = st->pattern;
    struct slice *found =
        (struct slice *)pipe_alloc(r, p->names * sizeof *found);
    if (found == NULL)
        return;
    uint32_t n = pattern_captures(p, r->line, found), k = 0;
    for (uint32_t i = 0; i < p->n && k < n; i++) {
        if (p->parts[i].capture && p->parts[i].text.n > 0)
            pipe_extract(r, p->parts[i].text, found[k++]);
    }
}

/* The bytes of an ANSI control sequence at the front, or 0. */
static size_t
sequence_length(struct slice s)
{
    size_t i = 2;
    if (s.n < 3 || s.p[0] != '\x1b' || s.p[1] != '[')
        return 0;
    while (i < s.n && s.p[i] >= 0x20 && s.p[i] <= 0x3f)
        i++;
    return i < s.n && s.p[i] >= 0x40 && s.p[i] <= 0x7e ? i + 1 : 0;
}

void
stage_decolorize(struct pipe_run *r)
{
    struct slice s = r->line;
    if (s.n == 0 || memchr(s.p, '\x1b', s.n) == NULL)
        return;
    char *p = pipe_alloc(r, s.n);
    size_t n = 0;
    if (p == NULL)
        return;
    while (s.n > 0) {
        size_t skip = sequence_length(s);
        if (skip == 0)
            p[n++] = s.p[0];
        s = slice_skip(s, skip == 0 ? 1 : skip);
    }
    r->line = slice_new(p, n);
}
