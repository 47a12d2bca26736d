#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make bench: what the collector costs, beside limits measured in the same
# minutes. Figures are for people; nothing here passes or fails by time.
#   RECORDS (1000000), ROUNDS (5), RULES (rules20.yaml)
set -eu
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
top_builddir=${top_builddir:-$top_srcdir/build}
records=${RECORDS:-1000000}
rounds=${ROUNDS:-5}
rules=${RULES:-$top_srcdir/tests/bench/rules20.yaml}
measure=$top_builddir/tests/bench/measure
tocsin=$top_builddir/tocsin
[ ! -x "$top_builddir/.libs/tocsin" ] || tocsin=$top_builddir/.libs/tocsin
dir=$(mktemp -d "${TMPDIR:-/tmp}/tocsin-bench.XXXXXX")
trap 'rm -rf "$dir"' EXIT INT TERM

# Prints the median of each column of the lines on standard input.
medians()
{
    awk '{ for (i = 1; i <= NF; i++) v[i, NR] = $i; nf = NF }
         END {
             for (i = 1; i <= nf; i++) {
                 for (a = 1; a <= NR; a++) x[a] = v[i, a] + 0
                 for (a = 1; a < NR; a++)
                     for (b = a + 1; b <= NR; b++)
                         if (x[b] < x[a]) { t = x[a]; x[a] = x[b]; x[b] = t }
                 printf "%s%s", x[int((NR + 1) / 2)], i < nf ? " " : "\n"
             }
         }'
}

# row NAME RECORDS WALL USER SYS RSS
row()
{
    awk -v name="$1" -v n="$2" -v w="$3" -v u="$4" -v s="$5" -v r="$6" 'BEGIN {
        printf "%-46s %10.0f records/s %7.3f CPU s per million (%.3f user, %.3f system) %5.1f MiB\n",
            name, n / w, (u + s) * 1e6 / n, u * 1e6 / n, s * 1e6 / n, r / 1024 }'
}

repeat()
{
    repeat_i=0
    while [ $repeat_i -lt "$rounds" ]; do
        "$@"
        repeat_i=$((repeat_i + 1))
    done
}

collector()
{
    rm -rf "$dir/state"
    "$measure" "$tocsin" run -c "$dir/tocsin.yaml" --log-level error
}

echo "making $records hub connection records, 50,000 devices, 2 % errors"
"$top_builddir/tests/bench/gen_hub_logs" "$records" >"$dir/hub.json"
bytes=$(wc -c <"$dir/hub.json")
echo "$bytes bytes, $((bytes / records)) a record; $rounds rounds, medians"

cat >"$dir/tocsin.yaml" <<YAML
state_dir: $dir/state
journal: {max_size: 8GiB, segment_size: 64MiB}
evaluation_interval: 15s
rule_files: ['$rules']
inputs:
  - name: hub
    source: {file: {path: '$dir/hub.json', follow: false}}
    decoders: [hub_logs]
    lateness: 2m
exporters:
  - name: nowhere
    "null": {}
YAML

# The limits: reading the bytes, and a bare scan of their JSON.
# shellcheck disable=SC2046 # the row's columns
row "limit: read the bytes" "$records" $(repeat "$measure" cat "$dir/hub.json" | medians)
"$top_builddir/tests/bench/bench_decode" \
    "$top_builddir/plugins/decode_hub_logs/.libs/decode_hub_logs.so" "$records" "$rounds" |
    sed -n 's/^limit: \(.*\)/limit: \1/p; s/^hub_logs, lines/decoder alone, lines/p'
# shellcheck disable=SC2046
row "file, decode, journal, 20 rules, null" "$records" $(repeat collector | medians)
sed -i "s|^rule_files:.*|rule_files: []|" "$dir/tocsin.yaml"
# shellcheck disable=SC2046
row "the same without rules" "$records" $(repeat collector | medians)
sed -i "s|^rule_files:.*|rule_files: ['$top_srcdir/tests/bench/rules-state.yaml']|" "$dir/tocsin.yaml"
# shellcheck disable=SC2046
row "the same, one rule on 50,000 devices' state" "$records" $(repeat collector | medians)

cat >"$dir/idle.yaml" <<YAML
state_dir: $dir/idle
rule_files: ['$rules']
inputs: [{name: hub, source: {file: {path: '$dir/none/*.json'}}, decoders: [hub_logs]}]
YAML
ready()
{
    rm -rf "$dir/idle"
    "$measure" --ready "$tocsin" run -c "$dir/idle.yaml"
}
repeat ready | medians | awk '{ printf "start to ready %.0f ms; idle %.1f MiB\n", $1, $2 / 1024 }'
if [ -x "$top_builddir/tests/bench/bench_engine" ]; then
    "$top_builddir/tests/bench/bench_engine"
fi
