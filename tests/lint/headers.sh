#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each public header compiles alone, as C99 and as C++17.
. "$(dirname "$0")/lib.sh"

try() # COMPILER… HEADER
{
    "$@" 2>&1 || complain "$* failed"
}

for compiler in gcc clang ${CC:-}; do
    command -v "$compiler" >/dev/null || continue
    for header in $(files 'core/include/tocsin/*.h'); do
        try "$compiler" -std=c99 -pedantic -Wall -Wextra -Werror \
            -Icore/include -fsyntax-only -x c "$header"
    done
done
for compiler in g++ clang++; do
    command -v "$compiler" >/dev/null || continue
    for header in $(files 'core/include/tocsin/*.h'); do
        try "$compiler" -std=c++17 -pedantic -Wall -Wextra -Werror \
            -Icore/include -fsyntax-only -x c++ "$header"
    done
done
verdict
