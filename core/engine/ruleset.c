/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "core/engine/ruleset.h"

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/codec.h"

#define RULESET_FORMAT 1u
#define RULESET_FORMAT_INVENTORIES 2u /* these follow the files */

static void
put_files(struct buf *out, const struct ruleset_file *files, uint32_t n)
{
    (void)buf_put_varint(out, n);
    for (uint32_t i = 0; i < n; i++) {
        (void)buf_put_slice(out, files[i].path);
        (void)buf_put_slice(out, files[i].text);
    }
}

int
ruleset_encode(const struct ruleset *rs, struct buf *out)
{
    (void)buf_put_u8(out, rs->n_inventories > 0 ? RULESET_FORMAT_INVENTORIES
                                                : RULESET_FORMAT);
    (void)buf_put_u32(out, rs->engine_version);
    (void)buf_put_zigzag(out, rs->evaluation_interval_us);
    (void)buf_put_slice(out, rs->external_url);
    (void)buf_put_varint(out, rs->n_external_labels);
    for (uint32_t i = 0; i < rs->n_external_labels; i++) {
        (void)buf_put_slice(out, rs->external_labels[i].name);
        (void)buf_put_slice(out, rs->external_labels[i].value);
    }
    put_files(out, rs->files, rs->n_files);
    if (rs->n_inventories > 0)
        put_files(out, rs->inventories, rs->n_inventories);
    return buf_error(out);
}

/* Each entry takes two bytes at least: no more of them than could be there. */
static bool
count_fits(const struct reader *r, uint32_t n)
{
    return reader_ok(r) && n <= reader_left(r) / 2;
}

static int
get_files(struct reader *r, struct arena *a, const struct ruleset_file **ret,
          uint32_t *ret_n)
{
    uint32_t n = reader_varint32(r);
    if (!count_fits(r, n))
        return -EBADMSG;
    struct ruleset_file *files = arena_new_array(a, struct ruleset_file, n + 1);
    if (files == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        files[i].path = reader_slice(r);
        files[i].text = reader_slice(r);
    }
    *ret = files;
    *ret_n = n;
    return 0;
}

int
ruleset_decode(struct slice payload, struct arena *a, struct ruleset *ret)
{
    struct reader r = reader_new(payload);
    struct ruleset rs = {0};
    uint8_t format = reader_u8(&r);
    if (format != RULESET_FORMAT && format != RULESET_FORMAT_INVENTORIES)
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
    int e = get_files(&r, a, &rs.files, &rs.n_files);
    if (e == 0 && format == RULESET_FORMAT_INVENTORIES)
        e = get_files(&r, a, &rs.inventories, &rs.n_inventories);
    if (e < 0)
        return e;
    rs.external_labels = labels;
    if (!reader_done(&r) || rs.evaluation_interval_us <= 0)
        return -EBADMSG;
    *ret = rs;
    return 0;
}
