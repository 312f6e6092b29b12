#!/usr/bin/env bash
# oclgrind.sh TEST_CONFORMANCE: runs a reduced conformance suite in the simulator oclgrind, which sees what a device does not
# say: data races, accesses outside of buffers, misuse of the API. Any line of it fails. First it must find two bugs that
# are planted: a barrier that is missing, and a write behind a buffer. Its check of uninitialised memory stays off: in
# version 21.10 that crashes on vectors of 16.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: $0 build/tests/graph/test_conformance" >&2
    exit 2
fi
test=$1
icd=/usr/lib/oclgrind/liboclgrind-rt-icd.so
[ -e "$icd" ] || { echo "oclgrind.sh: error: $icd is missing; on Debian: apt-get install oclgrind" >&2; exit 3; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export OCL_ICD_VENDORS=$icd OCLGRIND_DATA_RACES=1 OCLGRIND_CHECK_API=1 OCLGRIND_MAX_ERRORS=20
export DAE_CL_REDUCED=1

# Runs the cases of plugin $1; its output lies in out and err, what oclgrind found in log.
simulate() {
    : >"$folder/log"
    DAE_CL_CASES=$1 OCLGRIND_LOG=$folder/log timeout 600 "$test" >"$folder/out" 2>"$folder/err"
}

# oclgrind itself always exits with 0, and reports misuse of the API to stderr.
clean() {
    ! [ -s "$folder/log" ] && ! grep -q 'OpenCL runtime error detected' "$folder/err"
}

# Plants a bug: file $1, sed expression $2, plugin $3 whose case shows it, and text $4 that the report must hold.
must_find() {
    mkdir -p "$folder/kernels"
    sed "$2" "kernels/$1" >"$folder/kernels/$1"
    if cmp -s "kernels/$1" "$folder/kernels/$1"; then
        echo "oclgrind.sh: error: '$2' changes nothing in kernels/$1" >&2
        exit 1
    fi
    DAE_CL_KERNELS=$folder/kernels simulate "$3" || true
    if clean || ! grep -q "$4" "$folder/log"; then
        echo "oclgrind.sh: error: a bug planted in kernels/$1 was not found ($4)" >&2
        exit 1
    fi
    rm -r "$folder/kernels"
    echo "planted in kernels/$1, found: $4"
}

must_find dae.clh 's/#define SYNC() barrier(CLK_GLOBAL_MEM_FENCE)/#define SYNC()/' mse 'data race'
must_find step.cl 's/losses\[step\] = /losses[step + 1] = /' mse 'Invalid write'

# Every plugin that has a kernel of its own, and one of those that are expressions.
for plugin in tanh $(cd kernels && ls ./*.cl); do
    plugin=$(basename "$plugin" .cl)
    [ -e "tests/layers/$plugin.yaml" ] || continue
    if ! simulate "$plugin" || ! clean; then
        cat "$folder/log" "$folder/err" "$folder/out" >&2
        exit 1
    fi
    echo "$plugin: $(grep -h comparisons "$folder/out" "$folder/err")"
done
echo "oclgrind found nothing"
