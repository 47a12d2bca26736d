#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every file of every corpus, through its fuzz target.
: "${top_srcdir:?run by make check}" "${top_builddir:?run by make check}"

status=0
found=no
for target in "$top_builddir"/tests/fuzz/fuzz_*; do
    [ -f "$target" ] && [ -x "$target" ] || continue
    corpus=$top_srcdir/tests/fuzz/corpus/${target##*/}
    [ -d "$corpus" ] || continue
    found=yes
    echo "replaying ${corpus##*/}"
    find "$corpus" -type f -exec "$target" {} + || status=1
done
[ $found = yes ] || { echo "no fuzz target is built"; exit 77; }
exit $status
