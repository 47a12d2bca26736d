# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# lib.sh - what lint scripts share.  A script calls complain() for what it
# finds and ends with verdict.
set -eu
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:=$top_srcdir/build}"
cd "$top_srcdir"
lint_work=$(mktemp -d "${TMPDIR:-/tmp}/tocsin-lint.XXXXXX")
trap 'rm -rf "$lint_work"' EXIT
: >"$lint_work/complaints"

# Root may read a clone that is somebody else's.
git_here()
{
    git -c safe.directory='*' "$@"
}

# files PATTERN… - those that git knows or would know; in a tarball, those of
# our folders.
files()
{
    if [ -e .git ] && command -v git >/dev/null; then
        git_here ls-files --cached --others --exclude-standard -- "$@" |
            sort -u | while read -r file; do
            [ ! -f "$file" ] || printf '%s\n' "$file"
        done
    else
        for pattern; do
            find core plugins exporters rules etc tests contrib doc \
                build-aux/ci -type f -path "*${pattern#\*}"
        done | sort -u
    fi
}

# Comments and strings become blanks, lines stay lines.
code_of()
{
    awk '{
        line = $0; out = ""
        while (line != "") {
            if (comment) {
                at = index(line, "*/")
                if (!at) { line = ""; break }
                comment = 0; line = substr(line, at + 2); continue
            }
            if (substr(line, 1, 2) == "/*") {
                comment = 1; line = substr(line, 3); continue
            }
            if (substr(line, 1, 2) == "//") break
            c = substr(line, 1, 1)
            if (c == "\"" || c == "\x27") {
                line = substr(line, 2)
                while (line != "" && substr(line, 1, 1) != c)
                    line = substr(line, substr(line, 1, 1) == "\\" ? 3 : 2)
                line = substr(line, 2)
                out = out c c
                continue
            }
            out = out c; line = substr(line, 2)
        }
        print out
    }' "$1"
}

complain()
{
    printf '%s\n' "$*" | tee -a "$lint_work/complaints"
}

# need COMMAND… - skips where a tool is missing.
need()
{
    for command; do
        command -v "$command" >/dev/null || {
            echo "skipped: no $command here"
            exit 77
        }
    done
}

verdict()
{
    n=$(wc -l <"$lint_work/complaints")
    [ "$n" -eq 0 ] || {
        echo "$n complaint(s)"
        exit 1
    }
    exit 0
}
