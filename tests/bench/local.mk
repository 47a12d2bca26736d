# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

# `make bench` builds EXTRA_PROGRAMS that stand here and runs these, one after
# the other.
bench_targets =
EXTRA_PROGRAMS =

bench_targets += bench-decode
EXTRA_PROGRAMS += %D%/bench_decode
# No library: the plugin must need none.
%C%_bench_decode_LDADD =

bench-decode: %D%/bench_decode plugins/decode_hub_logs/decode_hub_logs.la
	%D%/bench_decode plugins/decode_hub_logs/.libs/decode_hub_logs.so

# Input for all of them: hub logs, always the same.
EXTRA_PROGRAMS += %D%/gen_hub_logs
%C%_gen_hub_logs_SOURCES = %D%/gen_hub_logs.c $(fleet_sources)
%C%_gen_hub_logs_CFLAGS = $(AM_CFLAGS)
%C%_gen_hub_logs_LDADD =

# The whole path, beside limits of the same run.
bench_targets += bench-collector
EXTRA_PROGRAMS += %D%/measure
EXTRA_DIST += %D%/bench.sh %D%/rules-state.yaml %D%/rules20.yaml
%C%_measure_LDADD =

bench-collector: tocsin $(plugin_LTLIBRARIES) %D%/measure \
		%D%/gen_hub_logs %D%/bench_decode
	top_srcdir=$(abs_top_srcdir) top_builddir=$(abs_top_builddir) \
		$(SHELL) $(srcdir)/%D%/bench.sh

# The engine alone.
bench_targets += bench-engine
EXTRA_PROGRAMS += %D%/bench_engine
%C%_bench_engine_LDADD = tests/lib/libengine_feed.la $(LDADD)

bench-engine: %D%/bench_engine
	%D%/bench_engine 20
	%D%/bench_engine 10
	%D%/bench_engine 1000

bench: $(bench_targets)
.PHONY: bench $(bench_targets)
CLEANFILES += $(EXTRA_PROGRAMS)
