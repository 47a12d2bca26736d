# SPDX-License-Identifier: Apache-2.0
if ENABLE_KAFKA
unit_tests += %D%/test_source_kafka.t
%C%_test_source_kafka_t_SOURCES = %D%/test_source_kafka.c $(kafka_sources)
%C%_test_source_kafka_t_CFLAGS = $(AM_CFLAGS) $(RDKAFKA_CFLAGS) \
	$(JANSSON_CFLAGS)
%C%_test_source_kafka_t_LDADD = $(LDADD) $(RDKAFKA_LIBS) $(JANSSON_LIBS)
endif
