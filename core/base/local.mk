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
	%D%/crc32c.c \
	%D%/crc32c.h \
	%D%/crc32c_arm.c \
	%D%/crc32c_priv.h \
	%D%/crc32c_x86.c \
	%D%/duration.c \
	%D%/duration.h \
	%D%/err.c \
	%D%/err.h \
	%D%/errlist.c \
	%D%/hash.c \
	%D%/fetch.h \
	%D%/hash.h \
	%D%/lock.c \
	%D%/lock.h \
	%D%/locks.tbl \
	%D%/log.c \
	%D%/log.h \
	%D%/mem.c \
	%D%/mem.h \
	%D%/number.c \
	%D%/regex.c \
	%D%/regex.h \
	%D%/regex_escape.c \
	%D%/regex_plan.c \
	%D%/regex_priv.h \
	%D%/regex_re2.c \
	%D%/regex_re2.h \
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
