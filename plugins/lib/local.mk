# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

# Text on its way out, for exporters.
noinst_LTLIBRARIES += %D%/libout.la
%C%_libout_la_SOURCES = %D%/out.c %D%/out.h %D%/plain.c %D%/plain.h
