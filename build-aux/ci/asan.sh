#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# AddressSanitizer and UBSan: unit and functional tests, corpora.
tier=asan
. "$(dirname "$0")/tier.sh"

# One build serves this tier and fuzz.sh.
tier_configure CC=clang CFLAGS='-g -O1' \
    --enable-sanitizers=address,undefined --enable-fuzzers
tier_make
tier_tests check-sanitized TEST_WRAP="$(tier_fixed_addresses)"
tier_end
