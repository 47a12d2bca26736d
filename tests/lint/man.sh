#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mandoc reads every manual page without a warning.
. "$(dirname "$0")/lib.sh"
need mandoc
for page in $(files 'doc/man/*.[1-8]' 'plugins/*.[1-8]' 'exporters/*.[1-8]'); do
    mandoc -Tlint -Wwarning "$page" >"$lint_work/out" || {
        cat "$lint_work/out"
        complain "$page: see mandoc's words above"
    }
done
verdict
