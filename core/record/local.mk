# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

core_libcore_la_SOURCES += \
	%D%/chunk.c \
	%D%/chunk.h \
	%D%/chunk_builder.c \
	%D%/delivery.c \
	%D%/delivery.h \
	%D%/dump.c \
	%D%/dump.h \
	%D%/frame.c \
	%D%/frame.h \
	%D%/schema.c \
	%D%/schema.h \
	%D%/schema_builder.c \
	%D%/schema_codec.c \
	%D%/schema_priv.h \
	%D%/tick.c \
	%D%/tick.h \
	%D%/transition.c \
	%D%/transition.h
