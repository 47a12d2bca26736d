# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

core_libcore_la_SOURCES += \
	%D%/checkpoint.c \
	%D%/checkpoint.h \
	%D%/loop.c \
	%D%/loop.h \
	%D%/rows_file.c \
	%D%/rows_file.h
