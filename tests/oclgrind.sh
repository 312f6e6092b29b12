#!/usr/bin/env bash
# oclgrind.sh TEST_CONFORMANCE: runs a reduced conformance suite in the simulator oclgrind, which sees what a device does not
# say: data races, accesses outside of buffers, reads of memory that nobody wrote, misuse of the API. Any line of it fails.
# First it must find one planted bug of each kind. An uninitialised number counts when a branch, an address or a built-in
# function (fma, exp, sqrt ...) uses it, now or in a later kernel.
#
# Every plugin with kernels of its own runs, and one of those that are expressions, in both shapes; work-groups are of 8
# (tests/device/lowered.c), which takes every path of 64 in less time. The kernels are compiled without optimisation:
# version 21.10 does not know an instruction that the optimiser puts in, and so sees the accesses as they are written. Two
# of its faults would report numbers that were written as uninitialised, or crash: see mend_simulator and
# tests/device/whole_writes.c.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: $0 build/tests/graph/test_conformance" >&2
    exit 2
fi
export test=$1
icd=/usr/lib/oclgrind/liboclgrind-rt-icd.so
[ -e "$icd" ] || { echo "oclgrind.sh: error: $icd is missing; on Debian: apt-get install oclgrind" >&2; exit 3; }

folder=$(mktemp -d)
export folder
trap 'rm -rf "$folder"' EXIT

# Of a shuffle's mask, the numbers of lanes, oclgrind 21.10 takes the one that is 11 for "no lane", and not -1, which it
# takes for an index. (The comparison names LLVM's constant for the kind of a value, not for a lane.) The constant is one
# byte of the library; a copy gets the right one. Another version is taken as it is.
mend_simulator() {
    local library name at
    library=$(ldd "$icd" | awk '/liboclgrind-/ { print $3 }')
    name=$(basename "$library")
    mkdir "$folder/lib"
    cp "$(readlink -f "$library")" "$folder/lib/$name"
    # add rbp, rax; cmp ecx, 11
    at=$(LC_ALL=C grep -obUaP '\x48\x01\xc5\x83\xf9\x0b' "$folder/lib/$name" | cut -d: -f1)
    case $at in
    '' | *[!0-9]*) echo "oclgrind is not the version whose check of uninitialised memory is known to need mending" ;;
    *) printf '\377' | dd of="$folder/lib/$name" bs=1 seek=$((at + 5)) conv=notrunc status=none ;;
    esac
}

for shim in lowered whole_writes; do
    ${CC:-cc} -std=c11 -shared -fPIC -o "$folder/$shim.so" "tests/device/$shim.c" -ldl
done
mend_simulator
export OCL_ICD_VENDORS=$icd OCLGRIND_DATA_RACES=1 OCLGRIND_UNINITIALIZED=1 OCLGRIND_CHECK_API=1 OCLGRIND_MAX_ERRORS=20
export OCLGRIND_BUILD_OPTIONS=-cl-opt-disable
export DAE_CL_REDUCED=1 LOWERED_GROUP=8

# Runs the cases of plugin $1 in shape $2; `derived`: the kernels of networks that are made of another's nodes. What they print
# lies in $1_$2.out and .err, what oclgrind found in .log.
simulate() {
    local name=$folder/$1_$2 program=$test
    [ "$1" != derived ] || program=$(dirname "$test")/test_derived
    : >"$name.log"
    DAE_CL_CASES=$1 DAE_CL_SHAPE=$2 OCLGRIND_LOG=$name.log LD_LIBRARY_PATH=$folder/lib \
        LD_PRELOAD="$folder/lowered.so $folder/whole_writes.so" timeout 900 "$program" >"$name.out" 2>"$name.err"
}

# oclgrind itself always exits with 0, and reports misuse of the API to stderr.
clean() {
    ! [ -s "$folder/$1_$2.log" ] && ! grep -q 'OpenCL runtime error detected' "$folder/$1_$2.err"
}

# Plants a bug: file $1, sed expression $2, and text $3 that the report must hold; the loss mse in the grid shape shows it.
must_find() {
    mkdir "$folder/kernels"
    sed "$2" "kernels/$1" >"$folder/kernels/$1"
    if cmp -s "kernels/$1" "$folder/kernels/$1"; then
        echo "oclgrind.sh: error: '$2' changes nothing in kernels/$1" >&2
        exit 1
    fi
    DAE_CL_KERNELS=$folder/kernels simulate mse grid || true
    if clean mse grid || ! grep -q "$3" "$folder/mse_grid.log" "$folder/mse_grid.err"; then
        echo "oclgrind.sh: error: a bug planted in kernels/$1 was not found ($3)" >&2
        exit 1
    fi
    rm -r "$folder/kernels"
    echo "planted in kernels/$1, found: $3"
}

must_find dae.clh 's/#define SYNC() barrier(CLK_GLOBAL_MEM_FENCE)/#define SYNC()/' 'data race'
must_find step.cl 's/losses\[step\] = /losses[step + 1] = /' 'Invalid write'
must_find step.cl 's/for (int i = 0; i < n; i += 16)/for (int i; i < n; i += 16)/' 'uninitialized'
must_find step.cl 's/const int step)/const int step, const int one_more)/' 'OpenCL runtime error detected'

# One line with the verdict; the reports of a failure.
judge() {
    if simulate "$1" "$2" && clean "$1" "$2"; then
        echo "$1, $2: $(grep -hE 'comparisons|gradients up to' "$folder/$1_$2.out" "$folder/$1_$2.err")"
    else
        echo "$1, $2: FAILED"
        cat "$folder/$1_$2.log" "$folder/$1_$2.err" "$folder/$1_$2.out"
        return 1
    fi
}
export -f judge simulate clean

for shape in grid wide; do
    for plugin in tanh derived $(cd kernels && ls ./*.cl); do
        plugin=$(basename "$plugin" .cl)
        [ "$plugin" != derived ] && [ ! -e "tests/layers/$plugin.yaml" ] || echo "$plugin $shape"
    done
done | xargs -P "${JOBS:-$(nproc)}" -L 1 bash -c 'judge "$0" "$1"' ||
    { echo "oclgrind.sh: error: the simulator found the above" >&2; exit 1; }
echo "oclgrind found nothing"
