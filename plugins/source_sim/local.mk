# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md %D%/example.yaml
dist_man_MANS += %D%/tocsin-source-sim.7

# The fleet alone: benchmarks use it too.
fleet_sources = \
	%D%/dps_text.c \
	%D%/edge_text.c \
	%D%/fleet.c %D%/fleet.h \
	%D%/hub_text.c \
	%D%/text.c %D%/text.h

plugin_LTLIBRARIES += %D%/source_sim.la
%C%_source_sim_la_SOURCES = $(fleet_sources) %D%/source_sim.c
%C%_source_sim_la_CFLAGS = $(AM_CFLAGS)
%C%_source_sim_la_LDFLAGS = $(PLUGIN_LINK)
