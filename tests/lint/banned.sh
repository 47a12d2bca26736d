#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Functions that we don't call, and who must stay free of clocks and files.
. "$(dirname "$0")/lib.sh"

# Unbounded, without errors, not for threads, or a shell.
everywhere='alloca|setjmp|strtok|v?sprintf|strcpy|strcat|strncpy|atoi|gets'
everywhere="$everywhere|rand|system|localtime"
# Their like, which a test may use.
product='longjmp|sigsetjmp|siglongjmp|strncat|atol|atoll|atof|srand|popen'
product="$product|gmtime|ctime|asctime|tmpnam|mktemp|signal"
# The engine is a pure function of the journal, so is the notifier; what they
# are built from reads no clock either.
pure='time|clock|clock_gettime|gettimeofday|open|openat|fopen|fdopen|read'
pure="$pure|write|pread|pwrite|socket|connect|printf|puts|putchar|getenv"
pure="$pure|secure_getenv|sleep|usleep|nanosleep|pthread_create|random|syslog"

# ban FILE FUNCTIONS WHY
ban()
{
    # Not a member, not a name that only ends so.
    code_of "$1" | grep -nE "(^|[^A-Za-z0-9_.>])($2)[ ]*\(" |
        while read -r hit; do
            complain "$1:${hit%%:*}: $3: ${hit#*:}"
        done
}

for file in $(files 'core/*.c' 'core/*.h' 'plugins/*.c' 'plugins/*.h' \
    'exporters/*.c' 'exporters/*.h' 'tests/*.c' 'tests/*.h' 'contrib/*.c'); do
    case $file in
    tests/abi/v*) continue ;; # frozen
    esac
    ban "$file" "$everywhere" "banned"
    case $file in
    tests/* | */test_*) ;;
    *) ban "$file" "$product" "banned" ;;
    esac
    case $file in
    core/cmd/main.c | tests/* | */test_*) ;;
    core/* | plugins/* | exporters/*)
        ban "$file" 'exit|_exit|quick_exit' "only main.c ends the program"
        ;;
    esac
    case $file in
    core/engine/* | core/notify/* | core/lang/* | core/record/*)
        ban "$file" "$pure" "must stay a pure function"
        ;;
    esac
    case $file in
    tests/*) ;;
    *)
        code_of "$file" | grep -nE '(^|[^A-Za-z0-9_])volatile[^A-Za-z0-9_]' |
            grep -vE 'sig_atomic_t|asm' | while read -r hit; do
            complain "$file:${hit%%:*}: volatile is not for threads: ${hit#*:}"
        done
        ;;
    esac
done
verdict
