# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md %D%/example.yaml
dist_man_MANS += %D%/tocsin-source-kafka.7

kafka_sources = \
	%D%/assign.c %D%/assign.h \
	%D%/badbatch.c %D%/badbatch.h \
	%D%/health.c %D%/health.h \
	%D%/member.c %D%/member.h \
	%D%/notes.c %D%/notes.h \
	%D%/parts.c %D%/parts.h \
	%D%/settings.c %D%/settings.h \
	%D%/sockets.c %D%/sockets.h \
	%D%/tables.c %D%/tables.h

plugin_LTLIBRARIES += %D%/source_kafka.la
%C%_source_kafka_la_SOURCES = $(kafka_sources) %D%/source_kafka.c
%C%_source_kafka_la_CFLAGS = $(AM_CFLAGS) $(RDKAFKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_source_kafka_la_LIBADD = $(RDKAFKA_LIBS) $(JANSSON_LIBS)
%C%_source_kafka_la_LDFLAGS = $(PLUGIN_LINK)
