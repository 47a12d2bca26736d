#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# .clang-format decides; version 14, since others format otherwise.
. "$(dirname "$0")/lib.sh"
need clang-format
clang-format --version | grep -q 'version 14\.' || {
    echo "skipped: clang-format is not version 14"
    exit 77
}
for file in $(files '*.c' '*.h'); do
    clang-format --dry-run -Werror "$file" 2>"$lint_work/out" ||
        complain "$file: clang-format -i it: $(head -n 1 "$lint_work/out")"
done
verdict
