#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the template against the installed tree, as a stranger would, and
# loads it: installcheck.sh SOURCE-FOLDER TOCSIN PKG-CONFIG-FOLDER [CC]
set -eu
src=$1 tocsin=$2 pcdir=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$src/decode_words.c" "$src/Makefile" "$work"
PKG_CONFIG_PATH=$pcdir make -s -C "$work" CC="${4:-cc}"
# The shown descriptor comes out of the shared object that was just built.
TOCSIN_PLUGIN_PATH=$work "$tocsin" plugin show words >"$work/shown"
grep -q 'stream words' "$work/shown"
grep -q 'separator' "$work/shown"
printf 'warn disk is filling\nbroken\n' >"$work/lines"
cat >"$work/rules.yaml" <<'RULES'
groups:
  - name: words
    rules:
      - alert: Warned
        expr: count_over_time(words{level="warn"}[1m]) > 0
RULES
TOCSIN_PLUGIN_PATH=$work "$tocsin" replay --rules "$work/rules.yaml" \
    --input "words:$work/lines" --format json >"$work/out"
grep -q '"alertname":"Warned"' "$work/out"
echo "installcheck: an out-of-tree plugin was built, loaded and used"
