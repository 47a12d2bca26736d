/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/ruleset.h"

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/codec.h"

#define RULESET_FORMAT 1u

int
ruleset_encode(const struct ruleset *rs, struct buf *out)
{
    (void)buf_put_u8(out, RULESET_FORMAT);
    (void)buf_put_u32(out, rs->engine_version);
    (void)buf_put_zigzag(out, rs->evaluation_interval_us);
    (void)buf_put_slice(out, rs->external_url);
    (void)buf_put_varint(out, rs->n_external_labels);
    for (uint32_t i = 0; i < rs->n_external_labels; i++) {
        (void)buf_put_slice(out, rs->external_labels[i].name);
        (void)buf_put_slice(out, rs->external_labels[i].value);
    }
    (void)buf_put_varint(out, rs->n_files);
    for (uint32_t i = 0; i < rs->n_files; i++) {
        (void)buf_put_slice(out, rs->files[i].path);
        (void)buf_put_slice(out, rs->files[i].text);
    }
    return buf_error(out);
}

/* Each entry takes two bytes at least: no more of them than could be there. */
static bool
count_fits(const struct reader *r, uint32_t n)
{
    return reader_ok(r) && n <= reader_left(r) / 2;
}

int
ruleset_decode(struct slice payload, struct arena *a, struct ruleset *ret)
{
    struct reader r = reader_new(payload);
    struct ruleset rs = {0};
    if (reader_u8(&r) != RULESET_FORMAT)
        return -EBADMSG;
    rs.engine_version = reader_u32(&r);
    rs.evaluation_interval_us = reader_zigzag(&r);
    rs.external_url = reader_slice(&r);
    rs.n_external_labels = reader_varint32(&r);
    if (!count_fits(&r, rs.n_external_labels))
        return -EBADMSG;
    struct label *labels =
        arena_new_array(a, struct label, rs.n_external_labels + 1);
    if (labels == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < rs.n_external_labels; i++) {
        labels[i].name = reader_slice(&r);
        labels[i].value = reader_slice(&r);
    }
    rs.n_files = reader_varint32(&r);
    if (!count_fits(&r, rs.n_files))
        return -EBADMSG;
    struct ruleset_file *files =
        arena_new_array(a, struct ruleset_file, rs.n_files + 1);
    if (files == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < rs.n_files; i++) {
        files[i].path = reader_slice(&r);
        files[i].text = reader_slice(&r);
    }
    rs.external_labels = labels;
    rs.files = files;
    if (!reader_done(&r) || rs.evaluation_interval_us <= 0)
        return -EBADMSG;
    *ret = rs;
    return 0;
}
