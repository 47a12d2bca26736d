# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

core_libcore_la_SOURCES += \
	%D%/arena.c \
	%D%/arena.h \
	%D%/auto.h \
	%D%/buf.c \
	%D%/buf.h \
	%D%/check.c \
	%D%/check.h \
	%D%/clock.c \
	%D%/clock.h \
	%D%/codec.c \
	%D%/codec.h \
	%D%/crc32c.h \
	%D%/duration.c \
	%D%/duration.h \
	%D%/err.h \
	%D%/hash.c \
	%D%/hash.h \
	%D%/lock.h \
	%D%/locks.tbl \
	%D%/log.h \
	%D%/mem.c \
	%D%/mem.h \
	%D%/number.c \
	%D%/regex.h \
	%D%/str.c \
	%D%/str.h \
	%D%/symtab.c \
	%D%/symtab.h \
	%D%/table.c \
	%D%/table.h \
	%D%/timefmt.c \
	%D%/timefmt.h \
	%D%/types.h \
	%D%/utf8.c
