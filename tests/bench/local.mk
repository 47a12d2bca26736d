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

bench: $(bench_targets)
.PHONY: bench $(bench_targets)
CLEANFILES += $(EXTRA_PROGRAMS)
