#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cppcheck's warnings; cppcheck.allow names those that are wrong.
. "$(dirname "$0")/lib.sh"
need cppcheck
files 'core/*.c' 'plugins/*.c' 'exporters/*.c' >"$lint_work/list"
cppcheck -q -j "$(nproc 2>/dev/null || echo 2)" \
    --enable=warning,performance,portability --inline-suppr \
    --suppressions-list=tests/lint/cppcheck.allow \
    --std=c11 --library=gnu --template='{file}:{line}: {id}: {message}' \
    --error-exitcode=1 -DHAVE_CONFIG_H=1 \
    -I. -Icore/include --file-list="$lint_work/list" ||
    complain "see cppcheck's words above"
verdict
