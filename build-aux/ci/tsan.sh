#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ThreadSanitizer: unit and functional tests.
tier=tsan
. "$(dirname "$0")/tier.sh"

tier_configure CC=clang CFLAGS='-g -O1' --enable-sanitizers=thread
tier_make
tier_tests check-threads TEST_WRAP="$(tier_fixed_addresses)"
tier_end
