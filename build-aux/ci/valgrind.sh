#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# valgrind on the unit tests, in gcc.sh's build.
tier=valgrind
. "$(dirname "$0")/tier.sh"

dir=$top/build/ci/gcc
[ -f "$dir/tree/Makefile" ] || "$top/build-aux/ci/gcc.sh" >>"$log" 2>&1 || :
tier_tests check-valgrind
dir=$top/build/ci/$tier
tier_end
