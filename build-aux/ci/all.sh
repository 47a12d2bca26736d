#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every tier, one after the other.  The last line is the sum:
# "N passed, N failed", and ", N skipped" where some were.
set -u
cd "$(dirname "$0")/../.." || exit 1

tiers=${CI_TIERS:-lint gcc clang asan fuzz tsan minimal dist}

passed=0
failed=0
skipped=0
begin=$(date +%s)
for tier in $tiers; do
    start=$(date +%s)
    printf '==> tier %s\n' "$tier"
    rm -f "build/ci/$tier/count"
    if build-aux/ci/"$tier".sh; then :; fi
    p=0
    f=1
    s=0
    if [ -s "build/ci/$tier/count" ]; then
        read -r p f s <"build/ci/$tier/count"
    fi
    passed=$((passed + p))
    failed=$((failed + f))
    skipped=$((skipped + s))
    printf '    %s: %s passed, %s failed, %s skipped, %s s\n' \
        "$tier" "$p" "$f" "$s" "$(($(date +%s) - start))"
done
printf '==> all tiers: %s s\n' "$(($(date +%s) - begin))"

sum="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || sum="$sum, $skipped skipped"
echo "$sum"
[ "$failed" -eq 0 ]
