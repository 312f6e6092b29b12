#!/usr/bin/env bash
# run.sh [PROGRAM...]: runs the test programs, or else all of them: the cmocka programs of $BUILD/tests and tests/cli/*.sh.
# One line a program; the log of each that fails; at the end the sum over all test cases. A program that crashes, ends
# with another status than its verdict, runs no test, or is missing counts as a failed case. Runs in the checkout.
set -uo pipefail
cd "$(dirname "$0")/.."

export BUILD=${BUILD:-build}
limit=${TEST_SECONDS:-900} # for one program

# Tests are run by make, and some run make: nothing of the outer one may reach them.
unset MAKEFLAGS MAKELEVEL MFLAGS NO_INSTALL
export LC_ALL=C
export DAE_CL_PLUGINS=$BUILD/plugins
export POCL_CACHE_DIR=${POCL_CACHE_DIR:-$PWD/$BUILD/pocl-cache}
export DAE_CL_CACHE_DIR=${DAE_CL_CACHE_DIR:-$PWD/$BUILD/cache}
mkdir -p "$POCL_CACHE_DIR"
work=$(mktemp -d)
child=
trap '[ -z "$child" ] || kill "$child" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ $# -gt 0 ]; then
    programs=("$@")
else
    programs=()
    for source in tests/*/test_*.c; do
        programs+=("$BUILD/${source%.c}")
    done
    for script in tests/cli/*.sh; do
        [ "$script" = tests/cli/harness.sh ] || programs+=("$script")
    done
fi

# Sums the numbers before or behind a word in a log: cmocka writes "[  PASSED  ] 3 test(s)", the scripts "3 passed".
count() { # WORD LOG
    grep -oE "\[ +${1^^} +\] [0-9]+ test\(s\)|^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$" "$2" |
        awk -v word="$1" '/^\[/ { n += $(NF - 1); next }
            { for (i = 1; i < NF; ++i) if ($(i + 1) ~ "^" word) n += $i } END { print n + 0 }'
}

total_passed=0 total_failed=0 total_skipped=0
for program in "${programs[@]}"; do
    log=$work/log
    mkdir "$work/tmp"
    started=$SECONDS
    command=("$program")
    [[ $program != *.sh ]] || command=(bash "$program")
    TMPDIR=$work/tmp timeout -k 10 "$limit" "${command[@]}" >"$log" 2>&1 &
    child=$! # waited for, so that Ctrl-C is heard at once
    wait "$child"
    code=$?
    child=
    rm -rf "$work/tmp"
    passed=$(count passed "$log") failed=$(count failed "$log") skipped=$(count skipped "$log")
    why=
    if [ "$code" -eq 124 ] || [ "$code" -eq 137 ]; then
        why="stopped after $limit s"
    elif [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then
        why="exit status $code"
    elif [ $((passed + failed + skipped)) -eq 0 ]; then
        why="no test was run"
    fi
    [ -z "$why" ] || failed=$((failed + 1))
    verdict=ok
    if [ "$failed" -gt 0 ]; then
        verdict=FAIL
        cat "$log"
    else
        grep -E '^\[  SKIPPED \] [^0-9]|^skip ' "$log" | sort -u
    fi
    echo "$verdict  ${program#"$BUILD"/}: $passed passed, $failed failed, $skipped skipped, $((SECONDS - started)) s${why:+ ($why)}"
    total_passed=$((total_passed + passed))
    total_failed=$((total_failed + failed))
    total_skipped=$((total_skipped + skipped))
done
echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
[ "$total_failed" -eq 0 ] && [ $((total_passed + total_skipped)) -gt 0 ]
