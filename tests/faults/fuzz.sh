#!/usr/bin/env bash
# fuzz.sh READER...: gives each reader of tests/faults/fuzz.c random bytes for SECONDS_EACH seconds, JOBS of them at once,
# beginning with its corpus. The same SEED gives the same bytes, as many as the machine manages in that time. An input that crashes, needs more than a second or more than 256 MB at once fails, and is
# written to $BUILD/fuzz-found. The last line is the sum. `make fuzz` runs it.
set -uo pipefail
cd "$(dirname "$0")/../.."
found=$BUILD/fuzz-found
mkdir -p "$found"
[ -w /dev/shm ] && export TMPDIR=/dev/shm # a disk takes milliseconds for each memo
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1

one() { # READER
    local folder log=$found/$1.log
    folder=$(mktemp -d)
    mkdir "$folder/corpus"
    FUZZ=$1 DAE_CL_CACHE_DIR=$folder/cache "$BUILD/fuzz" -seed="$SEED" -max_total_time="$SECONDS_EACH" -timeout=1 -malloc_limit_mb=256 -rss_limit_mb=1024 -max_len=8192 \
        -print_final_stats=1 -artifact_prefix="$found/$1-" "$folder/corpus" "tests/faults/corpus/$1" >"$log" 2>&1
    local code=$?
    local runs
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    rm -r "$folder"
    if [ "$code" -eq 0 ]; then
        echo "ok   $1: ${runs:-0} inputs"
    else
        grep -vE '^#[0-9]+' "$log" | tail -n 40
        echo "FAIL $1: exit status $code after ${runs:-some} inputs; the input is in $found"
    fi
}
export -f one
export found SECONDS_EACH SEED BUILD
results=$(printf '%s\n' "$@" | xargs -P "${JOBS:-1}" -I{} bash -c 'one {}')
echo "$results"
passed=$(grep -c '^ok ' <<<"$results")
failed=$(grep -c '^FAIL ' <<<"$results")
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ] && [ "$passed" -eq $# ]
