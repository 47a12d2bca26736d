# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

# The main function of a fuzz target where libFuzzer does not bring one.
if FUZZERS
FUZZ_LIBS = core/libcore.la
else
check_LTLIBRARIES += %D%/libreplay.la
%C%_libreplay_la_SOURCES = %D%/replay.c
FUZZ_LIBS = %D%/libreplay.la core/libcore.la
endif

# One target, from fuzz_json.c:
#   fuzz_targets += %D%/fuzz_json
#   %C%_fuzz_json_LDADD = $(FUZZ_LIBS)
#   %C%_fuzz_json_LDFLAGS = $(FUZZ_LINK)
# with seeds and finds in %D%/corpus/fuzz_json/.

script_tests += %D%/corpora.sh

fuzz_targets += %D%/fuzz_chunk
%C%_fuzz_chunk_LDADD = $(FUZZ_LIBS)
%C%_fuzz_chunk_LDFLAGS = $(FUZZ_LINK)
EXTRA_DIST += %D%/corpus/fuzz_chunk

fuzz_targets += %D%/fuzz_json
%C%_fuzz_json_SOURCES = \
	%D%/fuzz_json.c \
	%D%/fuzz_json.h \
	%D%/fuzz_json_portable.c
%C%_fuzz_json_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%C%_fuzz_json_LDADD = $(FUZZ_LIBS) $(JANSSON_LIBS)
%C%_fuzz_json_LDFLAGS = $(FUZZ_LINK)
EXTRA_DIST += %D%/corpus/fuzz_json

# The decoder itself is linked in, so that the fuzzer sees its branches.
fuzz_targets += %D%/fuzz_hub_logs
%C%_fuzz_hub_logs_LDADD = plugins/decode_hub_logs/libhub_logs.la \
	tests/lib/libdecoder_host.la $(FUZZ_LIBS)
%C%_fuzz_hub_logs_LDFLAGS = $(FUZZ_LINK)
EXTRA_DIST += %D%/corpus/fuzz_hub_logs

fuzz_targets += %D%/fuzz_yaml
%C%_fuzz_yaml_LDADD = $(FUZZ_LIBS)
%C%_fuzz_yaml_LDFLAGS = $(FUZZ_LINK)
EXTRA_DIST += %D%/corpus/fuzz_yaml

fuzz_targets += %D%/fuzz_journal_segment
%C%_fuzz_journal_segment_SOURCES = %D%/fuzz_journal_segment.c \
	tests/lib/faultio.c tests/lib/faultio.h
%C%_fuzz_journal_segment_LDADD = $(FUZZ_LIBS)
%C%_fuzz_journal_segment_LDFLAGS = $(FUZZ_LINK)
EXTRA_DIST += %D%/corpus/fuzz_journal_segment

fuzz_targets += %D%/fuzz_expr
%C%_fuzz_expr_LDADD = $(FUZZ_LIBS)
%C%_fuzz_expr_LDFLAGS = $(FUZZ_LINK)
EXTRA_DIST += %D%/corpus/fuzz_expr

fuzz_targets += %D%/fuzz_template
%C%_fuzz_template_LDADD = $(FUZZ_LIBS)
%C%_fuzz_template_LDFLAGS = $(FUZZ_LINK)
EXTRA_DIST += %D%/corpus/fuzz_template

fuzz_targets += %D%/fuzz_rule_test
%C%_fuzz_rule_test_LDADD = tests/lib/libengine_feed.la $(FUZZ_LIBS)
%C%_fuzz_rule_test_LDFLAGS = $(FUZZ_LINK)
EXTRA_DIST += %D%/corpus/fuzz_rule_test

fuzz_targets += %D%/fuzz_stages
%C%_fuzz_stages_LDADD = $(FUZZ_LIBS)
%C%_fuzz_stages_LDFLAGS = $(FUZZ_LINK)
EXTRA_DIST += %D%/corpus/fuzz_stages
