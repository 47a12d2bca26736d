#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who includes whom: core/README.md and the README of each folder say it in
# words, this table decides.  Public headers are for everybody.
. "$(dirname "$0")/lib.sh"

# folder: the folders of core/ that it knows
knows()
{
    case $1 in
    base) echo "" ;;
    record) echo "base" ;;
    journal) echo "base record" ;;
    config) echo "base" ;;
    lang) echo "base" ;;
    engine) echo "base record config lang" ;;
    notify) echo "base record config lang" ;;
    host) echo "base record journal config lang" ;;
    run) echo "base record journal config lang engine notify host" ;;
    http) echo "base record journal config lang engine notify host run" ;;
    cmd) echo "base record journal config lang engine notify host run http" ;;
    *) echo "" ;;
    esac
}

# Folders that stand on libc alone, but for PCRE2 behind core/base/regex.h.
plain=' base record journal '
libraries='^(yaml|pcre2|zlib|jansson|microhttpd)\.h|^(curl|openssl|librdkafka|systemd)/'

includes_of()
{
    sed -n 's/^[ \t]*#[ \t]*include[ \t]*\([<"][^>"]*[>"]\).*/\1/p' "$1"
}

check_core()
{
    file=$1
    folder=${file#core/}
    folder=${folder%%/*}
    includes_of "$file" | while read -r name; do
        path=${name#?}
        path=${path%?}
        case $name in
        '"config.h"' | '<tocsin/'*) ;;
        '<pcre2.h>')
            [ "$file" = core/base/regex.c ] ||
                complain "$file: use core/base/regex.h, not $name"
            ;;
        '"core/'*)
            to=${path#core/}
            to=${to%%/*}
            case " $folder $(knows "$folder") " in
            *" $to "*) ;;
            *) complain "$file: core/$folder must not include $name" ;;
            esac
            ;;
        '"'*) complain "$file: write the path from the top, not $name" ;;
        *)
            case "$plain:$file:$path" in
            # Every regular expression is compiled in one place.
            *:core/base/regex.c:pcre2.h) ;;
            *" $folder "*)
                ! echo "$path" | grep -qE "$libraries" ||
                    complain "$file: core/$folder knows libc only, not $name"
                ;;
            esac
            ;;
        esac
    done
}

check_public()
{
    includes_of "$1" | while read -r name; do
        case $name in
        '<stddef.h>' | '<stdint.h>' | '<tocsin/'*) ;;
        # memcpy, and what the compiler brings for SIMD.
        '<string.h>' | '<immintrin.h>' | '<arm_neon.h>')
            case $1 in
            */json_scan.h) ;;
            *) complain "$1: a public header must not include $name" ;;
            esac
            ;;
        *) complain "$1: a public header must not include $name" ;;
        esac
    done
}

# A plugin of ours sees what a stranger's would.
check_plugin()
{
    file=$1
    own=${file%/*}
    case $file in
    */test_*) return ;;
    esac
    includes_of "$file" | while read -r name; do
        case $name in
        '"config.h"' | '<core/'* | '<plugins/'*) ;;
        '"plugins/lib/'* | "\"$own/"*) ;;
        '"'*/*) complain "$file: a plugin must not include $name" ;;
        esac
    done
}

for file in $(files 'core/*.c' 'core/*.h'); do
    case $file in
    core/include/*) check_public "$file" ;;
    core/*/*) check_core "$file" ;;
    esac
done
for file in $(files 'plugins/*.c' 'plugins/*.h' 'exporters/*.c' \
    'exporters/*.h'); do
    check_plugin "$file"
done

# config.h comes first: it says what the system headers shall show.
for file in $(files 'core/*.c' 'plugins/*.c' 'exporters/*.c'); do
    [ "$(includes_of "$file" | head -n 1)" = '"config.h"' ] ||
        complain "$file: \"config.h\" is not its first include"
done
verdict
