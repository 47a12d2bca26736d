/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/record/transition.h"
#include "core/run/shorten.h"

/* The first bytes, without half a character at the end. */
static struct slice
cut(struct slice s, size_t most)
{
    if (s.n <= most)
        return s;
    while (most > 0 && (s.p[most] & 0xc0) == 0x80)
        most--;
    return slice_new(s.p, most);
}

static int
encode_cut(const struct transition *t, size_t most, struct buf *out)
{
    auto_free struct label *labels =
        mem_new_array(struct label, t->n_labels + 1u);
    if (labels == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < t->n_labels; i++)
        labels[i] = (struct label){cut(t->labels[i].name, most),
                                   cut(t->labels[i].value, most)};
    struct transition less = *t;
    less.labels = labels;
    less.n_annotations = less.n_evidence = 0;
    less.expr = SLICE("");
    buf_reset(out);
    return transition_encode(&less, out);
}

int
transition_encode_within(const struct transition *t, struct buf *out)
{
    buf_reset(out);
    int r = transition_encode(t, out);
    if (r != -ENOSPC)
        return r;
    for (size_t most = 64 * 1024; r == -ENOSPC && most >= 64; most /= 4)
        r = encode_cut(t, most, out);
    return r < 0 ? r : 1;
}
