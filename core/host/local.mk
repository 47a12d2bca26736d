# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

core_libcore_la_SOURCES += \
	%D%/batch.c \
	%D%/batch.h \
	%D%/cursor.c \
	%D%/cursor.h \
	%D%/decode.c \
	%D%/descriptor.c \
	%D%/descriptor.h \
	%D%/exporter.c \
	%D%/exporter.h \
	%D%/ingest.c \
	%D%/ingest.h \
	%D%/ingest_priv.h \
	%D%/input.c \
	%D%/input.h \
	%D%/instance.c \
	%D%/instance.h \
	%D%/plugins.c \
	%D%/plugins.h \
	%D%/tables.c \
	%D%/tables.h
