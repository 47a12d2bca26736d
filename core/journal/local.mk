# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

core_libcore_la_SOURCES += \
	%D%/append.c \
	%D%/block.c \
	%D%/block.h \
	%D%/format.c \
	%D%/format.h \
	%D%/io.h \
	%D%/io_posix.c \
	%D%/journal.c \
	%D%/journal.h \
	%D%/listing.c \
	%D%/positions.c \
	%D%/positions.h \
	%D%/priv.h \
	%D%/reader.c \
	%D%/reader_priv.h \
	%D%/reader_sticky.c \
	%D%/recover.c \
	%D%/retain.c \
	%D%/scan.c \
	%D%/scan.h \
	%D%/segfile.c \
	%D%/segfile.h \
	%D%/segment.c \
	%D%/state.c \
	%D%/writer.c
