# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

core_libcore_la_SOURCES += \
	%D%/decode.c \
	%D%/descriptor.c \
	%D%/descriptor.h \
	%D%/ingest.c \
	%D%/ingest.h \
	%D%/ingest_priv.h \
	%D%/input.c \
	%D%/input.h \
	%D%/instance.c \
	%D%/instance.h \
	%D%/plugins.c \
	%D%/plugins.h
