/* SPDX-License-Identifier: Apache-2.0 */
/* cmd.h - the sub-commands.  Each has a file of its own and a struct cmd at
 * its end; main.c lists them. */
#ifndef TOCSIN_CMD_CMD_H
#define TOCSIN_CMD_CMD_H
#include "core/base/err.h"
#include "core/base/types.h"

/* Exit status. */
#define CMD_OK 0
#define CMD_FAILED 1 /* the input is wrong, or a test failed */
#define CMD_MISUSE 2

struct cmd {
    const char *name;    /* "check config" */
    const char *args;    /* "[--no-secrets] FILE" */
    const char *summary; /* one line */
    const char *help;    /* options, a line each, or "" */
    /* argv[0] is the command's name; getopt is fresh.  Exit status. */
    int (*run)(const struct cmd *cmd, int argc, char **argv);
};

extern const struct cmd cmd_run, cmd_demo, cmd_check_config, cmd_check_rules,
    cmd_replay, cmd_journal_dump, cmd_journal_verify, cmd_plugin_list,
    cmd_plugin_show, cmd_test_rules;

/* Prints what is wrong (may be NULL) and the usage to standard error; returns
 * CMD_MISUSE. */
PRINTF_LIKE(2, 3)
int cmd_misuse(const struct cmd *cmd, const char *fmt, ...);
/* Prints the usage to standard output; returns CMD_OK. */
int cmd_help(const struct cmd *cmd);
/* Prints "tocsin: …" with the hint, to standard error; CMD_FAILED. */
int cmd_error(const struct err *err);
/* Prints text that is complete in a buffer; CMD_OK, or CMD_FAILED where the
 * output can't be written. */
struct buf;
int cmd_print(const struct buf *b);

#endif
