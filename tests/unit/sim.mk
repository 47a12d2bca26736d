# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += tests/data/iotedge

unit_tests += %D%/test_source_sim.t
%C%_test_source_sim_t_SOURCES = %D%/test_source_sim.c $(fleet_sources)
%C%_test_source_sim_t_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_test_source_sim_t_LDADD = $(LDADD) $(JANSSON_LIBS)
