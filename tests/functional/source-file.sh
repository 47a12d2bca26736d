#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The file source: globs, gzip, standard input, growth, rotation, truncation,
# and going on where the journal has it.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"

plugin=$top_builddir/plugins/source_file/.libs/source_file.so
host=$top_builddir/tests/lib/plugin_host
cd "$tmp"

read_files()
{
    "$host" "$@" 2>>host.log
}

# fields PARTITION FILE - the data of a partition's chunks, joined
data_of()
{
    awk -F'\t' -v p="$1" '$1 == "chunk" && $2 == p { printf "%s", $7 }' "$2"
}

expect()
{
    [ "$1" = "$2" ] || fail "$3: expected '$2', got '$1'"
}

printf 'one\ntwo\n' >a.log
printf 'three\n' >b.log
printf 'four\nfive' | gzip -c >c.log.gz

# --- a glob, read once: all of each file, then the end
read_files "$plugin" 'path=[abc].log*' follow=false >out
expect "$(data_of a.log out)" 'one\x0atwo\x0a' "a plain file"
expect "$(data_of b.log out)" 'three\x0a' "its neighbour"
expect "$(data_of c.log.gz out)" 'four\x0afive' "gzip"
grep -q '^end' out || fail "no end after files that are not followed"
expect "$(grep -c '^over' out)" 3 "partitions that are over"

# --- standard input
printf 'from stdin\n' | read_files "$plugin" path=- >out
expect "$(data_of - out)" 'from stdin\x0a' "standard input"
grep -q '^end' out || fail "no end after standard input"

# --- from a position: nothing twice, nothing left out
read_files --state state --commit each "$plugin" path=a.log follow=false >out
printf 'six\n' >>a.log
read_files --state state --commit each "$plugin" path=a.log follow=false >out
expect "$(data_of a.log out)" 'six\x0a' "going on after a restart"

# --- rotated while nobody looked: the old file's rest, then the new one
printf 'seven\n' >>a.log
mv a.log a.log.1
printf 'eight\n' >a.log
read_files --state state --commit each --until-all-caught-up 1 \
    "$plugin" path=a.log >out
expect "$(data_of a.log out)" 'seven\x0aeight\x0a' "rotated meanwhile"

# --- truncated in place
read_files --state state2 --commit each "$plugin" path=b.log follow=false >out
printf 'n\n' >b.log
read_files --state state2 --commit each "$plugin" path=b.log follow=false >out
expect "$(data_of b.log out)" 'n\x0a' "truncated while nobody looked"

# --- followed: growth, rotation, a new file of the pattern
mkdir f
printf '1\n' >f/x.log
mkfifo control
"$host" --for 60 --stdin "$plugin" 'path=f/*.log' <control >follow.out 2>>host.log &
pid=$!
started="$started $pid"
exec 3>control
seen()
{
    [ "$(data_of "$1" follow.out)" = "$2" ]
}
wait_for 20 seen f/x.log '1\x0a'
printf '2\n' >>f/x.log
wait_for 20 seen f/x.log '1\x0a2\x0a'
mv f/x.log f/x.old
printf '3\n' >>f/x.old
printf '4\n' >f/x.log
wait_for 20 seen f/x.log '1\x0a2\x0a3\x0a4\x0a'
printf 'new\n' >f/y.log
wait_for 20 seen f/y.log 'new\x0a'
: >f/y.log
printf 'again\n' >>f/y.log
wait_for 20 seen f/y.log 'new\x0aagain\x0a'
echo stop >&3
exec 3>&-
wait "$pid" || :
