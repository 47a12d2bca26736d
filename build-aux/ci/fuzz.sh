#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each fuzz target for FUZZ_SECONDS, from its corpus, in asan.sh's build.
tier=fuzz
. "$(dirname "$0")/tier.sh"

tree=$top/build/ci/asan/tree
seconds=${FUZZ_SECONDS:-8}

[ -f "$tree/Makefile" ] || "$top/build-aux/ci/asan.sh" >>"$log" 2>&1 || :
make -C "$tree" -j"$jobs" fuzz-targets >>"$log" 2>&1 ||
    tier_broken "building the targets failed"

for target in "$tree"/tests/fuzz/fuzz_*; do
    [ -f "$target" ] && [ -x "$target" ] || continue
    name=${target##*/}
    # New inputs go to the first folder, the seeds are only read.
    mkdir -p "$dir/found/$name"
    set -- "$dir/found/$name"
    [ ! -d "$top/tests/fuzz/corpus/$name" ] ||
        set -- "$@" "$top/tests/fuzz/corpus/$name"
    # shellcheck disable=SC2046 # words
    if (cd "$dir" && $(tier_fixed_addresses) timeout -k 5 $((seconds + 120)) "$target" \
        -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 \
        -verbosity=0 -print_final_stats=1 "$@") >"$dir/$name.log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "    failed: $name"
        tail -n 40 "$dir/$name.log" | sed 's/^/    | /'
    fi
done
tier_end
