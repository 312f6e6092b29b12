#!/usr/bin/env bash
# oclgrind.sh TEST_CONFORMANCE: runs a reduced conformance suite in the simulator oclgrind, which detects what a device hides:
# data races, accesses outside of buffers, reads of uninitialised memory, misuse of the API. Any line of its output fails.
# First it must find one planted bug of each kind. An uninitialised number counts if a branch, an address or a built-in
# function (fma, exp, sqrt ...) uses it, now or in a later kernel.
#
# It runs every plugin that has kernels, one formula of each kind, the examples of tests/plugins, derived networks, and an
# executor's other launches (the cut of patches, the norm of gradients): with BOTH=1 in both shapes (`make oclgrind`), else
# those whose lanes share data on work-groups, where races can be, and the others with wide vectors, which have tails. Work-groups have 8 work-items
# (tests/device/lowered.c), which covers every path of 64 in less time. The kernels are compiled without optimisation,
# because version 21.10 does not know an instruction that the optimiser emits; so it sees the accesses as written. Two of
# its faults would report written numbers as uninitialised, or crash: see mend_simulator and tests/device/whole_writes.c.
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

# In a shuffle's mask of lanes, oclgrind 21.10 mistakes lane 11 for "no lane", and -1 for an index. (The comparison uses
# LLVM's constant for the kind of a value, not for a lane.) The constant is one byte of the library, which is corrected in
# a copy. Other versions are used unchanged.
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
bash tests/sdk.sh "$folder/sdk"
export OCL_ICD_VENDORS=$icd OCLGRIND_DATA_RACES=1 OCLGRIND_UNINITIALIZED=1 OCLGRIND_CHECK_API=1 OCLGRIND_MAX_ERRORS=20
export OCLGRIND_BUILD_OPTIONS=-cl-opt-disable
export DAE_CL_REDUCED=1 LOWERED_GROUP=8

# Runs the cases of plugin $1 in shape $2, or of example:PLUGIN, or the program test_$1 (jacobian, executor). In folder $3,
# $1_$2.out and .err have their output, and .log what oclgrind found. The log is a pipe, because each OpenCL context restarts
# it, and a file would contain only the last one's.
simulate() {
    local name=$3/$1_$2 program=("$test")
    case $1 in
    jacobian | executor) program=("$(dirname "$test")/test_$1") ;;
    example:*) program+=("$folder/sdk/plugins") ;;
    esac
    DAE_CL_CASES=${1#example:} DAE_CL_SHAPE=$2 OCLGRIND_LOG=/dev/fd/3 LD_LIBRARY_PATH=$folder/lib \
        LD_PRELOAD="$folder/lowered.so $folder/whole_writes.so" timeout 900 "${program[@]}" \
        3>&1 >"$name.out" 2>"$name.err" | cat >"$name.log"
    return "${PIPESTATUS[0]}"
}

# Plants a bug in what runs as $1 in shape $2: file $3, sed expression $4, and text $5 that the report must contain.
must_find() {
    local own
    own=$(mktemp -d -p "$folder")
    mkdir "$own/kernels"
    sed "$4" "kernels/$3" >"$own/kernels/$3"
    if cmp -s "kernels/$3" "$own/kernels/$3"; then
        echo "oclgrind.sh: error: '$4' changes nothing in kernels/$3" >&2
        return 1
    fi
    DAE_CL_KERNELS=$own/kernels simulate "$1" "$2" "$own" || true
    if ! grep -q "$5" "$own/$1_$2.log" "$own/$1_$2.err"; then
        echo "oclgrind.sh: error: a bug planted in kernels/$3 was not found by $1, $2 ($5)" >&2
        tail -n 20 "$own/$1_$2.log" "$own/$1_$2.err" >&2
        return 1
    fi
    echo "planted in kernels/$3, found by $1, $2: $5"
}

# One line with the verdict; the reports of a failure. oclgrind itself always exits with 0, and reports misuse of the API to
# stderr.
judge() {
    local name=$folder/$1_$2
    if simulate "$1" "$2" "$folder" && ! [ -s "$name.log" ] && ! grep -q 'OpenCL runtime error detected' "$name.err"; then
        echo "$1, $2: $(grep -hE 'comparisons|gradients up to|bits of' "$name.out" "$name.err")"
    else
        echo "$1, $2: FAILED"
        cat "$name.log" "$name.err" "$name.out"
        return 1
    fi
}
export -f judge simulate must_find

# Every task, one line of shell each.
tasks() {
    local shape plugin
    cat <<'END'
must_find mse grid dae.clh 's/#define SYNC() barrier(CLK_GLOBAL_MEM_FENCE)/#define SYNC()/' 'data race'
must_find mse grid step.cl 's/losses\[step\] = /losses[step + 1] = /' 'Invalid write'
must_find mse grid step.cl 's/for (int i = 0; i < n; i += TERMS/for (int i; i < n; i += TERMS/' 'uninitialized'
must_find mse grid step.cl 's/const int step)/const int step, const int one_more)/' 'OpenCL runtime error detected'
must_find executor grid batch.cl 's/entry\[1\] + behind/2 * entry[1] + behind/' 'Invalid read'
must_find executor grid step.cl 's/at < min(first + NORM_VECTORS \* WIDTH, len)/at < first + NORM_VECTORS * WIDTH/' 'Invalid read'
must_find executor wide step.cl 's/i < pieces; ++i/i <= pieces; ++i/' 'Invalid read'
END
    for plugin in prelu mse jacobian executor tanh gaussian masking adam $(cd kernels && ls ./*.cl) tests/plugins/*.yaml; do
        case $plugin in
        tests/*) plugin=example:$(basename "$plugin" .yaml) ;;
        *.cl) plugin=$(basename "$plugin" .cl) && [ -e "tests/layers/$plugin.yaml" ] || continue ;;
        esac
        for shape in grid wide; do
            [ -z "${BOTH:-}" ] && [ $shape != "$(shape_of "$plugin")" ] || echo "judge $plugin $shape"
        done
    done
}

# The shape in which more can go wrong.
shape_of() {
    case $1 in
    prelu | mse | jacobian | executor | example:*) echo grid ;;
    *) if grep -qsE 'SYNC|correlate|lanes_sum' "kernels/$1.cl"; then echo grid; else echo wide; fi ;;
    esac
}

tasks | xargs -P "${JOBS:-$(nproc)}" -d '\n' -n 1 bash -c 'eval "$0"' ||
    { echo "oclgrind.sh: error: see above" >&2; exit 1; }
echo "oclgrind found the planted bugs, and nothing else"
