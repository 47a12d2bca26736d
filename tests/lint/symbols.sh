#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What was built: a plugin shows one symbol and needs none of the program; all
# is linked as a program that faces the network should be.
. "$(dirname "$0")/lib.sh"
need nm readelf
for so in "$top_builddir"/plugins/*/.libs/*.so \
    "$top_builddir"/exporters/*/.libs/*.so; do
    [ -f "$so" ] || continue
    name=${so##*/}
    nm -D --defined-only "$so" | awk '$2 ~ /[TDBRVW]/ { print $3 }' |
        grep -vE '^(__(asan|tsan|ubsan|sanitizer|sancov|start|stop)|_init|_fini)' |
        while read -r symbol; do
            case $symbol in
            tocsin_plugin_v1) ;;
            *) complain "$name shows $symbol" ;;
            esac
        done
    nm -D --defined-only "$so" | grep -q ' tocsin_plugin_v1$' ||
        complain "$name has no tocsin_plugin_v1"
    nm -D --undefined-only "$so" | grep ' tocsin_' |
        while read -r symbol; do complain "$name needs $symbol"; done
done

[ "${TOCSIN_SANITIZERS:-no}" = no ] || verdict
for elf in "$top_builddir/tocsin" "$top_builddir"/plugins/*/.libs/*.so \
    "$top_builddir"/exporters/*/.libs/*.so; do
    [ -f "$elf" ] || continue
    readelf -Wld "$elf" >"$lint_work/elf"
    ! grep -E 'GNU_STACK.*RWE' "$lint_work/elf" ||
        complain "${elf##*/}: its stack is executable"
    ! grep -E 'TEXTREL|RPATH|RUNPATH' "$lint_work/elf" ||
        complain "${elf##*/}: text relocations or a run path"
    grep -q GNU_RELRO "$lint_work/elf" || complain "${elf##*/}: no RELRO"
    grep -qE 'BIND_NOW|FLAGS.*NOW' "$lint_work/elf" ||
        complain "${elf##*/}: not bound at start"
done
verdict
