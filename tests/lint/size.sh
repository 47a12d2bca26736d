#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sizes.  Nine functions of ten should be under 60 lines with a complexity
# under 13; this fails only far beyond: 100 lines or a complexity of 25, but
# for the functions that size.allow names (tables).
. "$(dirname "$0")/lib.sh"
need pmccabe

allowed=tests/lint/size.allow
: >"$lint_work/list"
for file in $(files 'core/*.c' 'plugins/*.c' 'exporters/*.c'); do
    pmccabe "$file" >>"$lint_work/list" 2>/dev/null || :
done
# complexity with a switch counted once, the same with each case counted,
# statements, first line, lines, FILE(LINE): NAME
awk -v allowed="$allowed" '
    BEGIN {
        while ((getline line < allowed) > 0) {
            sub(/#.*/, "", line); gsub(/[ \t]/, "", line)
            if (line != "") allow[line] = 1
        }
    }
    { name = $NF; lines = $5 }
    (lines > 100 || $1 > 25) && !(name in allow) {
        at = $6; sub(/\(.*/, "", at)
        printf "%s:%s: %s has %d lines and a complexity of %d\n",
            at, $4, name, lines, $1
    }' "$lint_work/list" | while read -r line; do
    complain "$line"
done

# rank COLUMN PERCENT
rank()
{
    sort -n -k"$1,$1" "$lint_work/list" | awk -v c="$1" -v p="$2" '
        { v[NR] = $c } END { print NR ? v[int((NR * p + 99) / 100)] : 0 }'
}
echo "functions: $(wc -l <"$lint_work/list")"
echo "lines: median $(rank 5 50), 9 of 10 up to $(rank 5 90)"
echo "complexity: median $(rank 1 50), 9 of 10 up to $(rank 1 90)"
echo "longest files:"
files 'core/*.c' 'plugins/*.c' 'exporters/*.c' | xargs wc -l | sort -rn |
    grep -v total | head -n 5
verdict
