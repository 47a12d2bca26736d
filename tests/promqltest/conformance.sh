#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every case of this folder passes.
set -eu
: "${top_srcdir:?}" "${top_builddir:?}"
"$top_builddir/tests/promqltest/promqltest" \
    "$top_srcdir"/tests/promqltest/*.test
