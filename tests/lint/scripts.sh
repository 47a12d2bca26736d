#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every script, read by shellcheck.
. "$(dirname "$0")/lib.sh"
need shellcheck
for file in bootstrap .ci/run $(files '*.sh'); do
    [ -f "$file" ] || continue
    shellcheck -S info "$file" >"$lint_work/out" || {
        cat "$lint_work/out"
        complain "$file: see shellcheck's words above"
    }
done
verdict
