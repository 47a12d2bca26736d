#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each folder says in at most ten lines what it is.
. "$(dirname "$0")/lib.sh"
for folder in core core/* plugins plugins/* exporters exporters/* rules etc \
    doc contrib tests tests/*; do
    case $folder in
    core/include) folder=core/include/tocsin ;;
    esac
    [ -d "$folder" ] || continue
    # A folder without sources is not one of ours.
    [ -n "$(find "$folder" -maxdepth 1 -name '*.mk' | head -n 1)" ] || continue
    if [ ! -f "$folder/README.md" ]; then
        complain "$folder: no README.md"
    elif [ "$(wc -l <"$folder/README.md")" -gt 10 ]; then
        complain "$folder/README.md: more than 10 lines"
    fi
done
verdict
