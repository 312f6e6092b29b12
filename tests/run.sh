#!/usr/bin/env bash
# run.sh [PROGRAM...]: runs the test programs, or else all of them: the cmocka programs of $BUILD/tests and tests/cli/*.sh.
# A PROGRAM may have variables before it, as "NAME=VALUE PROGRAM". JOBS run at once (as many as there are processors), each
# with its own TMPDIR. When a program ends, one line gives its verdict, with its log if it failed; the last line is the sum
# over all test cases. A program that crashes, ends with a status that contradicts its verdict, runs no test, or is missing
# counts as a failed case. Runs in the checkout.
set -uo pipefail
cd "$(dirname "$0")/.."

export BUILD=${BUILD:-build}
limit=${TEST_SECONDS:-1800} # of one program; no short limit is needed, because other programs continue while one hangs
jobs=${JOBS:-$(nproc)}

# The programs that take longest start first, so that none of them runs alone at the end; the longest of all in parts.
longest=(tests/cli/lowered.sh "DAE_CL_PART="{1..4}"/4 $BUILD/tests/graph/test_conformance"
    tests/cli/{faults,python,verify,drivers,images,ranks,processors,tune,examples,switches,study,finance,import,onnx,ends,run}.sh
    "$BUILD"/tests/{graph/test_jacobian,device/test_gemm,check/test_bench,model/test_tiler})

# Make runs the tests, and some tests run make, which must not see variables of the outer one.
unset MAKEFLAGS MAKELEVEL MFLAGS NO_INSTALL JOBS
export LC_ALL=C
export DAE_CL_PLUGINS=$BUILD/plugins
# When dae-cl starts, it looks at every file of the kernel cache. The scripts start it often, so they have a cache of their
# own, without the thousands of kernels of the conformance suite.
kernels=${POCL_CACHE_DIR:-$PWD/$BUILD/pocl-cache}
mkdir -p "$kernels/scripts" "$kernels/programs"
export DAE_CL_TUNE=off # tests compare bytes, and each script would measure
export DAE_CL_CACHE_DIR=${DAE_CL_CACHE_DIR:-$PWD/$BUILD/cache}
work=$(mktemp -d)
declare -A running=() # process id -> number of the program

# Each child is a `timeout`, which passes the signal on to everything that its program has started.
stop_all() {
    [ ${#running[@]} -eq 0 ] || kill "${!running[@]}" 2>/dev/null
    wait
    rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ $# -gt 0 ]; then
    programs=("$@")
else
    programs=("${longest[@]}")
    for source in tests/*/test_*.c tests/*/*/test_*.c; do
        [[ " ${longest[*]} " == *" $BUILD/${source%.c} "* ]] || programs+=("$BUILD/${source%.c}")
    done
    for script in tests/cli/*.sh; do
        [[ " ${longest[*]} tests/cli/harness.sh " == *" $script "* ]] || programs+=("$script")
    done
fi

# Starts program number $1 in the folder of that number: its log, its temporary files, its seconds in all and of a processor.
start() {
    local own=$work/$1 program=${programs[$1]} cache=$kernels/programs command=(env)
    while [[ $program =~ ^([A-Z_]+=[^ ]*)\ (.*)$ ]]; do
        command+=("${BASH_REMATCH[1]}")
        program=${BASH_REMATCH[2]}
    done
    [[ $program != *.sh ]] || { command+=(bash) && cache=$kernels/scripts; }
    command+=("$program")
    mkdir -p "$own/tmp"
    TMPDIR=$own/tmp POCL_CACHE_DIR=$cache timeout -k 10 "$limit" \
        bash -c 'TIMEFORMAT="%0R %U %S"; { time "$@" 2>&3; } 2>"$0"' "$own/time" "${command[@]}" >"$own/log" 3>&1 2>/dev/null &
    running[$!]=$1
}

# Sums the numbers before or after a word in a log: cmocka writes "[  PASSED  ] 3 test(s)", the scripts "3 passed".
count() { # WORD LOG
    grep -oE "\[ +${1^^} +\] [0-9]+ test\(s\)|^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$" "$2" |
        awk -v word="$1" '/^\[/ { n += $(NF - 1); next }
            { for (i = 1; i < NF; ++i) if ($(i + 1) ~ "^" word) n += $i } END { print n + 0 }'
}

total_passed=0 total_failed=0 total_skipped=0
# Program number $1 has ended with status $2.
report() {
    local program=${programs[$1]} code=$2 log=$work/$1/log passed failed skipped seconds busy why='' verdict=ok
    passed=$(count passed "$log") failed=$(count failed "$log") skipped=$(count skipped "$log")
    read -r seconds busy < <(awk 'END { printf "%s %.0f\n", $1, $2 + $3 }' "$work/$1/time")
    if [ "$code" -eq 124 ] || [ "$code" -eq 137 ]; then
        why="stopped after $limit s"
    elif [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then
        why="exit status $code"
    elif [ $((passed + failed + skipped)) -eq 0 ]; then
        why="no test was run"
    fi
    [ -z "$why" ] || failed=$((failed + 1))
    if [ "$failed" -gt 0 ]; then
        verdict=FAIL
        cat "$log"
    else
        grep -E '^\[  SKIPPED \] [^0-9]|^skip ' "$log" | sort -u
    fi
    echo "$verdict  ${program/"$BUILD/"/}: $passed passed, $failed failed, $skipped skipped, $seconds s, $busy s of processor${why:+ ($why)}"
    total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed)) total_skipped=$((total_skipped + skipped))
    rm -rf "${work:?}/$1"
}

next=0
while [ "$next" -lt ${#programs[@]} ] || [ ${#running[@]} -gt 0 ]; do
    if [ "$next" -lt ${#programs[@]} ] && [ ${#running[@]} -lt "$jobs" ]; then
        start "$next"
        next=$((next + 1))
        continue
    fi
    wait -n -p ended "${!running[@]}"
    code=$?
    number=${running[$ended]}
    unset "running[$ended]"
    report "$number" "$code"
done
echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
[ "$total_failed" -eq 0 ] && [ $((total_passed + total_skipped)) -gt 0 ]
