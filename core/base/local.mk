# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

core_libcore_la_SOURCES += \
	%D%/arena.h \
	%D%/auto.h \
	%D%/buf.h \
	%D%/check.h \
	%D%/clock.h \
	%D%/codec.h \
	%D%/crc32c.h \
	%D%/duration.h \
	%D%/err.h \
	%D%/hash.h \
	%D%/lock.h \
	%D%/locks.tbl \
	%D%/log.h \
	%D%/mem.h \
	%D%/regex.h \
	%D%/str.h \
	%D%/symtab.h \
	%D%/table.h \
	%D%/timefmt.h \
	%D%/types.h
