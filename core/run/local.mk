# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

core_libcore_la_SOURCES += \
	%D%/assembly.c \
	%D%/assembly.h \
	%D%/checkpoint.c \
	%D%/checkpoint.h \
	%D%/collector.c \
	%D%/collector.h \
	%D%/courier.c \
	%D%/desk.c \
	%D%/desk.h \
	%D%/follower.c \
	%D%/follower.h \
	%D%/loop.c \
	%D%/loop.h \
	%D%/outbox.c \
	%D%/outbox.h \
	%D%/outbox_priv.h \
	%D%/outbox_state.c \
	%D%/pages.c \
	%D%/pages.h \
	%D%/replay.c \
	%D%/replay.h \
	%D%/rows_file.c \
	%D%/rows_file.h \
	%D%/ruletest.c \
	%D%/ruletest.h \
	%D%/ruletest_clock.c \
	%D%/ruletest_compare.c \
	%D%/ruletest_feed.c \
	%D%/ruletest_inputs.c \
	%D%/ruletest_priv.h \
	%D%/ruletest_read.c \
	%D%/ruletest_series.c \
	%D%/shorten.c \
	%D%/shorten.h \
	%D%/ticker.c \
	%D%/ticker.h \
	%D%/watch.c \
	%D%/watch.h
