# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/expect_abort.h

unit_tests += \
	%D%/test_arena.t \
	%D%/test_buf.t \
	%D%/test_codec.t \
	%D%/test_crc32c.t \
	%D%/test_duration.t \
	%D%/test_err.t \
	%D%/test_lock.t \
	%D%/test_log.t \
	%D%/test_mem.t \
	%D%/test_number.t \
	%D%/test_regex.t \
	%D%/test_str.t \
	%D%/test_table.t \
	%D%/test_timefmt.t

%C%_test_err_t_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%C%_test_err_t_LDADD = $(LDADD) $(JANSSON_LIBS)
