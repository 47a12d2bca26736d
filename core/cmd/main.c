/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - finds the sub-command and runs it. */
#include "config.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/cmd/cmd.h"

static const struct cmd *const cmds[] = {
    &cmd_run,         &cmd_demo,        &cmd_check_config, &cmd_check_rules,
    &cmd_test_rules,  &cmd_replay,      &cmd_journal_dump, &cmd_journal_verify,
    &cmd_plugin_list, &cmd_plugin_show,
};

static void
usage(const struct cmd *cmd, FILE *out)
{
    fprintf(out, "usage: tocsin %s %s\n", cmd->name, cmd->args);
}

int
cmd_misuse(const struct cmd *cmd, const char *fmt, ...)
{
    if (fmt != NULL) {
        va_list ap;
        va_start(ap, fmt);
        fprintf(stderr, "tocsin %s: ", cmd->name);
        vfprintf(stderr, fmt, ap);
        fputc('\n', stderr);
        va_end(ap);
    }
    usage(cmd, stderr);
    return CMD_MISUSE;
}

int
cmd_help(const struct cmd *cmd)
{
    usage(cmd, stdout);
    printf("\n%s\n", cmd->summary);
    if (cmd->help[0] != '\0')
        printf("\n%s", cmd->help);
    return CMD_OK;
}

int
cmd_error(const struct err *err)
{
    struct buf b = BUF_INIT(8192);
    err_print(err, &b);
    fprintf(stderr, "tocsin: %s\n", buf_str(&b));
    buf_fini(&b);
    return CMD_FAILED;
}

int
cmd_print(const struct buf *b)
{
    bool good = buf_error(b) == 0 && fwrite(b->p, 1, b->n, stdout) == b->n &&
                fflush(stdout) == 0;
    if (!good)
        fprintf(stderr, "tocsin: the output can't be written\n");
    return good ? CMD_OK : CMD_FAILED;
}

static int
help(FILE *out)
{
    fprintf(out, "tocsin " PACKAGE_VERSION
                 ": a monitoring and alerting collector for Azure IoT "
                 "fleets\n\nusage: tocsin COMMAND …   (-h after a command "
                 "explains it)\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
        fprintf(out, "  %-15s %s\n", cmds[i]->name, cmds[i]->summary);
    return CMD_OK;
}

/* How many words of argv name the command: 0, 1 or 2. */
static int
words_matched(const struct cmd *cmd, int argc, char **argv)
{
    const char *space = strchr(cmd->name, ' ');
    if (space == NULL)
        return argc > 1 && strcmp(argv[1], cmd->name) == 0 ? 1 : 0;
    size_t n = (size_t)(space - cmd->name);
    return argc > 2 && strlen(argv[1]) == n &&
                   strncmp(argv[1], cmd->name, n) == 0 &&
                   strcmp(argv[2], space + 1) == 0
               ? 2
               : 0;
}

static int
unknown(int argc, char **argv)
{
    fprintf(stderr, "tocsin: there is no command \"%s%s%s\"\n", argv[1],
            argc > 2 && argv[2][0] != '-' ? " " : "",
            argc > 2 && argv[2][0] != '-' ? argv[2] : "");
    (void)help(stderr);
    return CMD_MISUSE;
}

int
main(int argc, char **argv)
{
    log_detect_journal();
    if (argc < 2)
        return help(stdout);
    if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)
        return help(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        puts("tocsin " PACKAGE_VERSION);
        return CMD_OK;
    }
    for (size_t i = 0; i < ARRAY_SIZE(cmds); i++) {
        int n = words_matched(cmds[i], argc, argv);
        if (n == 0)
            continue;
        optind = 1;
        return cmds[i]->run(cmds[i], argc - n, argv + n);
    }
    return unknown(argc, argv);
}
