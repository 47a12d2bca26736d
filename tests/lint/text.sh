#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Text files: a licence line, no stray blanks, no path of one machine.
. "$(dirname "$0")/lib.sh"

# Data is kept as it was found.
is_data()
{
    case $1 in
    LICENSE | */data/* | */corpus/* | */samples/* | *.json | *.jsonl | *.gz | \
        *.bin | *.txt | *.log | *.allow | tests/abi/v*) return 0 ;;
    esac
    return 1
}

home=${HOME:-/nonexistent}
[ "$home" != / ] || home=/nonexistent
tab=$(printf '\t')
cr=$(printf '\r')

for file in $(files '*'); do
    ! is_data "$file" || continue
    case $file in
    *.c | *.h | *.sh | *.mk | *.am | *.ac | *.m4 | *.in | *.yaml | *.yml | \
        *.[1-8] | bootstrap | .ci/run)
        case $file in *.pc.in) ;; *)
            head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
                complain "$file: no SPDX line"
            ;;
        esac
        ;;
    esac
    case $file in
    *.c | *.h | *.yaml | *.yml)
        grep -n "$tab" "$file" | sed "s|^\([0-9]*\):.*|$file:\1: a tab|" |
            while read -r hit; do complain "$hit"; done
        ;;
    esac
    grep -nE "[ $tab]+\$" "$file" |
        sed "s|^\([0-9]*\):.*|$file:\1: blanks at the end|" |
        while read -r hit; do complain "$hit"; done
    ! grep -q "$cr" "$file" || complain "$file: CR line ends"
    [ ! -s "$file" ] || [ -z "$(tail -c 1 "$file" | tr -d '\n')" ] ||
        complain "$file: no line end at its end"
    grep -nFe "$top_srcdir/" -e "$home/" "$file" /dev/null |
        while read -r hit; do complain "path of this machine: $hit"; done
    grep -nE '(^|[^A-Za-z0-9_.])/(home|Users)/[a-z]' "$file" /dev/null |
        while read -r hit; do complain "path of a home: $hit"; done
done
verdict
