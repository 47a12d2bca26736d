#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every case of this folder passes, Prometheus' and ours; what is wrong doesn't.
set -eu
: "${top_srcdir:?run by make check}" "${top_builddir:?run by make check}"
cases=$top_srcdir/tests/promqltest
run=$top_builddir/tests/promqltest/promqltest
"$run" "$cases"/*.test "$cases"/ours/*.test

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
    printf 'load 1m\n  a 1 2\n  h {{sum:1}}\n  s@st 0s 0s\n  s 1 2\n\n'
    printf 'eval instant at 1m a\n  a 3\n\n'
    printf 'eval range from 0 to 1m step 1m a\n  a 1 2\n\n'
    printf 'eval instant at 1m h\n  a 3\n\n'
    printf 'eval instant at 1m rate(s[1m])\n'
} >"$work/some.test"
if "$run" "$work/some.test" >"$work/out"; then
    exit 1
fi
cat "$work/out"
grep -q 'some.test:7: a$' "$work/out"
grep -q 'some.test:13: not supported: native histograms$' "$work/out"
grep -q 'some.test:16: not supported: start timestamps$' "$work/out"
grep -qx '1 passed, 1 failed, 2 skipped' "$work/out"
