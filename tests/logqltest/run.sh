#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Our LogQL cases, all of them.
: "${top_srcdir:?run by make check}" "${top_builddir:?run by make check}"

exec "$top_builddir/tests/logqltest/logqltest" \
    "$top_srcdir"/tests/logqltest/*.logqltest
