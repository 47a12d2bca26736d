# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/expect_abort.h

unit_tests += \
	%D%/test_arena.t \
	%D%/test_buf.t \
	%D%/test_codec.t \
	%D%/test_crc32c.t \
	%D%/test_duration.t \
	%D%/test_lock.t \
	%D%/test_mem.t \
	%D%/test_number.t \
	%D%/test_str.t \
	%D%/test_table.t \
	%D%/test_timefmt.t
