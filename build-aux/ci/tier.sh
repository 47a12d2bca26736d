# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# tier.sh - sourced by each tier: one build directory, one log, one count.
#
#     tier=gcc
#     . "$(dirname "$0")/tier.sh"
#     tier_configure --enable-werror
#     tier_make
#     tier_tests check
#     tier_end
set -eu

: "${tier:?set by the script that sources this}"
top=$(cd "$(dirname "$0")/../.." && pwd)
dir=$top/build/ci/$tier
log=$dir/log
jobs=${JOBS:-$(nproc 2>/dev/null || echo 2)}
# Nothing may hang CI: the longest that one command of a tier may take.
limit=${TIER_LIMIT:-1200}
passed=0
failed=0
skipped=0

mkdir -p "$dir"
rm -f "$dir/count"
: >"$log"

# A tier that can't do its work counts as one that failed.
tier_broken()
{
    failed=$((failed + 1))
    echo "    $tier: $1; from $log:"
    grep -nE '(error|warning): |undefined reference|\*\*\*|^(FAIL|ERROR): ' \
        "$log" | head -n 20 | sed 's/^/    | /'
    echo "    | …"
    tail -n 30 "$log" | sed 's/^/    | /'
    tier_end
}

tier_end()
{
    echo "$passed $failed $skipped" >"$dir/count"
    [ "$failed" -eq 0 ]
    exit
}

# tier_run WHAT COMMAND… - a command without which the tier has no sense.
tier_run()
{
    what=$1
    shift
    (cd "$dir/tree" && timeout -k 10 "$limit" "$@") >>"$log" 2>&1 ||
        tier_broken "$what failed"
}

# A configured tree is kept: a second run builds only what changed.
tier_configure()
{
    mkdir -p "$dir/tree"
    [ -x "$top/configure" ] ||
        (cd "$top" && autoreconf -fi) >>"$log" 2>&1 ||
        tier_broken "autoreconf failed"
    if [ "$(cat "$dir/options" 2>/dev/null)" != "$*" ] ||
        [ ! -f "$dir/tree/Makefile" ]; then
        rm -rf "$dir/tree"
        mkdir -p "$dir/tree"
        tier_run "configure" "$top/configure" "$@"
        echo "$*" >"$dir/options"
    fi
}

tier_make()
{
    tier_run "make $*" make -j"$jobs" "$@"
}

# The sanitizers of these compilers need an address space that is not shuffled
# too far: where the kernel does so, tests run unshuffled.
tier_fixed_addresses()
{
    bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null) || bits=28
    if [ "$bits" -gt 28 ] && setarch "$(uname -m)" -R true 2>/dev/null; then
        echo "setarch $(uname -m) -R"
    fi
}

# tier_tests TARGET… - runs test targets of make, counts each test's lines and
# shows the logs of those that failed.
tier_tests()
{
    find "$dir/tree" -name '*.trs' -exec rm -f {} +
    status=0
    (cd "$dir/tree" && timeout -k 10 "$limit" make -k -j"$jobs" "$@") \
        >>"$log" 2>&1 || status=$?
    tier_count
    if [ "$status" -ne 0 ] && [ "$new_failed" -eq 0 ]; then
        tier_broken "make $* ended with $status"
    fi
}

# Adds up what the tests of the tree left behind.
tier_count()
{
    results=$dir/results
    find "$dir/tree" -name '*.trs' -exec \
        grep -H '^:test-result:' {} + >"$results" || :
    new_passed=$(grep -cE ':test-result: (PASS|XFAIL)' "$results") || :
    new_failed=$(grep -cE ':test-result: (FAIL|XPASS|ERROR)' "$results") || :
    new_skipped=$(grep -cE ':test-result: SKIP' "$results") || :
    passed=$((passed + new_passed))
    failed=$((failed + new_failed))
    skipped=$((skipped + new_skipped))
    for trs in $(grep -E ':test-result: (FAIL|XPASS|ERROR)' "$results" |
        sed 's/:.*//' | sort -u); do
        echo "    failed: ${trs#"$dir/tree/"}"
        grep -E '^not ok' "${trs%.trs}.log" | head -n 20 | sed 's/^/    | /'
        tail -n 40 "${trs%.trs}.log" | sed 's/^/    | /'
    done
    for trs in $(grep -E ':test-result: SKIP' "$results" |
        sed 's/:.*//' | sort -u); do
        echo "    skipped: ${trs#"$dir/tree/"}: $(tail -n 2 \
            "${trs%.trs}.log" | head -n 1)"
    done
}
