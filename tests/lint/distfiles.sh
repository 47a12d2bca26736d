#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What git has, the tarball has.
. "$(dirname "$0")/lib.sh"
need git make
[ -e .git ] || {
    echo "skipped: not a clone"
    exit 77
}
if grep -q '^ENABLE_.*_TRUE = #' "$top_builddir/Makefile"; then
    echo "skipped: parts are disabled here"
    exit 77
fi

MAKEFLAGS='' make -s -C "$top_builddir" print-distfiles | tr ' ' '\n' |
    sed "s|^$top_srcdir/||; s|^\(\.\./\)*||; s|^\./||; /^\$/d" |
    sort -u >"$lint_work/dist"

git_here ls-files | while read -r file; do
    [ -e "$file" ] || continue
    entry=$file
    while ! grep -qxF "$entry" "$lint_work/dist"; do
        case $entry in
        */*) entry=${entry%/*} ;;
        *)
            complain "$file is in git and not in the tarball"
            break
            ;;
        esac
    done
done
verdict
