#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The same unit tests through promtool and `test rules`: the same verdicts, of
# what should pass and of what should fail.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/lib/functions.sh"
command -v promtool >/dev/null 2>&1 || skip "promtool is not installed"
cp "$top_srcdir/tests/functional/promtool/"*.yaml "$tmp"
cd "$tmp"

# verdict FILE - says which of them fails or passes it, where they differ or
# are both wrong.
verdict()
{
    verdict_want=$1
    for verdict_by in "promtool test rules" "$TOCSIN test rules"; do
        verdict_got=pass
        $verdict_by "$2" >log 2>&1 || verdict_got=fail
        [ "$verdict_got" = "$verdict_want" ] ||
            fail "$2 ($edit): $verdict_by says $verdict_got, not $verdict_want: $(cat log)"
    done
}

edit="as it is"
verdict pass good.yaml

# Each line of edits.txt makes good.yaml wrong in one place.
sed -n 's/^#edit //p' good.yaml >edits
[ "$(wc -l <edits)" -ge 20 ] || fail "where are the edits?"
sed '/^#edit /d' good.yaml >plain.yaml
while IFS= read -r edit; do
    sed "$edit" plain.yaml >wrong.yaml
    cmp -s plain.yaml wrong.yaml && fail "the edit '$edit' does nothing"
    verdict fail wrong.yaml
done <edits
