# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

core_libcore_la_SOURCES += \
	%D%/aggregate.c \
	%D%/alert.c \
	%D%/alert.h \
	%D%/arrival.c \
	%D%/arrival.h \
	%D%/binary.c \
	%D%/calls.c \
	%D%/catalog.c \
	%D%/catalog.h \
	%D%/check.c \
	%D%/emit.c \
	%D%/engine.c \
	%D%/engine.h \
	%D%/engine_priv.h \
	%D%/eval.c \
	%D%/expand.c \
	%D%/expand.h \
	%D%/filter.c \
	%D%/filter.h \
	%D%/functions.c \
	%D%/graph.c \
	%D%/graph.h \
	%D%/ingest.c \
	%D%/keys.c \
	%D%/keys.h \
	%D%/labels.c \
	%D%/labels.h \
	%D%/lower.c \
	%D%/plan.c \
	%D%/plan.h \
	%D%/reach.c \
	%D%/restore.c \
	%D%/restore.h \
	%D%/route.c \
	%D%/route.h \
	%D%/rows.c \
	%D%/rows.h \
	%D%/rulefile.c \
	%D%/rulefile.h \
	%D%/ruleset.c \
	%D%/ruleset.h \
	%D%/samples.c \
	%D%/series.c \
	%D%/series.h \
	%D%/series_priv.h \
	%D%/slots.c \
	%D%/support.c \
	%D%/support.h \
	%D%/vec.h \
	%D%/watermark.c \
	%D%/watermark.h \
	%D%/window.c \
	%D%/window.h
