/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_journal.c - `journal dump` and `journal verify`: looks into a journal's
 * directory, of a running collector too. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/cmd/cmd.h"
#include "core/journal/scan.h"
#include "core/record/dump.h"
#include "core/record/schema.h"

#define LINES_MAX ((size_t)512 * 1024 * 1024)

struct dump {
    struct buf buf;
    struct schema *schema;
    const char *type; /* NULL: all */
    uint64_t to;      /* 0: to the end */
};

static void
on_problem(void *arg, const char *file, uint64_t offset, const char *what)
{
    (void)arg;
    fprintf(stderr, "%s: byte %llu: %s\n", file, (unsigned long long)offset,
            what);
}

static int
dump_one(void *arg, const struct frame *f)
{
    struct dump *d = arg;
    if (d->to != 0 && f->pos >= d->to)
        return 1;
    if (f->type == FRAME_SCHEMA) {
        struct schema *s = NULL;
        if (schema_decode(f->payload, &s) == 0) {
            schema_free(d->schema);
            d->schema = s;
        }
    }
    const char *type = frame_type_name(f->type);
    if (f->repeated ||
        (d->type != NULL && (type == NULL || strcmp(type, d->type) != 0)))
        return 0;
    buf_reset(&d->buf);
    int r = dump_frame(f, d->schema, &d->buf);
    if (r < 0)
        return r;
    return cmd_print(&d->buf) == CMD_OK ? 0 : -EIO;
}

static bool
position_parse(const char *s, uint64_t *ret)
{
    return str_parse_u64(slice_from_str(s), ret) == 0;
}

static int
run_dump(const struct cmd *cmd, int argc, char **argv)
{
    static const struct option options[] = {
        {"from", required_argument, NULL, 'f'},
        {"to", required_argument, NULL, 't'},
        {"type", required_argument, NULL, 'y'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct dump d = {.buf = BUF_INIT(LINES_MAX)};
    uint64_t from = 0;
    for (int c; (c = getopt_long(argc, argv, "+h", options, NULL)) != -1;) {
        if (c == 'h')
            return cmd_help(cmd);
        if (c == 'y')
            d.type = optarg;
        else if (c == '?' || !position_parse(optarg, c == 'f' ? &from : &d.to))
            return cmd_misuse(cmd, c == '?' ? NULL : "%s is no position",
                              optarg);
    }
    if (argc - optind != 1)
        return cmd_misuse(cmd, "name one directory");

    struct journal_scan scan = {dump_one, on_problem, &d};
    struct journal_scan_stats stats;
    struct err err = ERR_INIT;
    int r = journal_scan(&io_posix, argv[optind], from, &scan, &stats, &err);
    buf_fini(&d.buf);
    schema_free(d.schema);
    if (r < 0 && err.code != 0)
        return cmd_error(&err);
    return r < 0 ? CMD_FAILED : CMD_OK;
}

static int
verify_one(void *arg, const struct frame *f)
{
    uint64_t *by_type = arg;
    if (!f->repeated)
        by_type[f->type < 16 ? f->type : 0]++;
    return 0;
}

static int
run_verify(const struct cmd *cmd, int argc, char **argv)
{
    int c = getopt(argc, argv, "+h");
    if (c == 'h')
        return cmd_help(cmd);
    if (c != -1 || argc - optind != 1)
        return cmd_misuse(cmd, c == -1 ? "name one directory" : NULL);

    uint64_t by_type[16] = {0};
    struct journal_scan scan = {verify_one, on_problem, by_type};
    struct journal_scan_stats s;
    struct err err = ERR_INIT;
    if (journal_scan(&io_posix, argv[optind], 0, &scan, &s, &err) < 0)
        return cmd_error(&err);
    printf("%llu segments, %llu frames, %llu bytes\n",
           (unsigned long long)s.segments, (unsigned long long)s.frames,
           (unsigned long long)s.bytes);
    for (unsigned i = 1; i < ARRAY_SIZE(by_type); i++)
        if (by_type[i] > 0 && frame_type_name(i) != NULL)
            printf("  %-10s %llu\n", frame_type_name(i),
                   (unsigned long long)by_type[i]);
    if (s.torn_bytes > 0)
        printf("%llu bytes at the end are no whole frame (a crash; nothing "
               "acknowledged is among them)\n",
               (unsigned long long)s.torn_bytes);
    bool damaged =
        s.damaged_frames > 0 || s.damaged_segments > 0 || s.lost_bytes > 0;
    if (damaged)
        printf("damaged: %llu frames, %llu segments, %llu bytes lost\n",
               (unsigned long long)s.damaged_frames,
               (unsigned long long)s.damaged_segments,
               (unsigned long long)s.lost_bytes);
    return damaged ? CMD_FAILED : CMD_OK;
}

const struct cmd cmd_journal_dump = {
    .name = "journal dump",
    .args = "[--from POS] [--to POS] [--type TYPE] DIR",
    .summary = "print what a journal holds, a line of JSON each",
    .help = "  --from POS   from this position on\n"
            "  --to POS     up to this position\n"
            "  --type TYPE  frames of one type only: chunk, alert, tick, "
            "rules, schema …\n",
    .run = run_dump,
};

const struct cmd cmd_journal_verify = {
    .name = "journal verify",
    .args = "DIR",
    .summary = "read all of a journal and check it",
    .help = "Exit status 1 if anything is damaged. A torn end is no damage.\n",
    .run = run_verify,
};
