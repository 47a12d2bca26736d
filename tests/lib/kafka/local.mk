# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += \
	%D%/README.md \
	%D%/kafka.sh \
	%D%/pom.xml

if HAVE_MOCK_KAFKA
check_PROGRAMS += %D%/kmock %D%/kproduce
%C%_kmock_CFLAGS = $(AM_CFLAGS) $(RDKAFKA_CFLAGS)
%C%_kmock_LDADD = $(RDKAFKA_LIBS)
%C%_kproduce_CFLAGS = $(AM_CFLAGS) $(RDKAFKA_CFLAGS)
%C%_kproduce_LDADD = $(RDKAFKA_LIBS)
endif
