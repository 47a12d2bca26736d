# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

tocsin_SOURCES += \
	%D%/cmd.h \
	%D%/cmd_check.c \
	%D%/cmd_demo.c \
	%D%/cmd_journal.c \
	%D%/cmd_plugin.c \
	%D%/cmd_replay.c \
	%D%/cmd_run.c \
	%D%/cmd_test.c \
	%D%/main.c \
	%D%/problems.c \
	%D%/problems.h \
	%D%/replay_diff.c \
	%D%/replay_diff.h \
	%D%/rules.c \
	%D%/rules.h \
	%D%/sd.c \
	%D%/sd.h \
	%D%/supervise.c \
	%D%/supervise.h \
	%D%/test_report.c \
	%D%/test_report.h
