# Processors with fewer instructions, imitated by PoCL on this one (tests/device/played.c): every kernel compiles there with
# warnings as errors, and training prints no compiler messages.
. "$(dirname "$0")/harness.sh"

export DAE_CL_PLUGINS=$BUILD/plugins DAE_CL_PLATFORM=pocl
played=$work/played.so
cache=$POCL_CACHE_DIR

case_is "a processor that is played"
if ldd "$dae_cl" | grep -q 'lib[au]bsan\|libasan'; then
    skip "the program is built with sanitizers, which do not share LD_PRELOAD"
    finish
fi
if ! "$dae_cl" devices --json 2>/dev/null | grep -q 'pthread-x86_64'; then
    skip "PoCL for x86-64 is not here"
    finish
fi
run ${CC:-cc} -std=c11 -Wall -Wextra -Werror -shared -fPIC -o "$played" tests/device/played.c -ldl
code_is 0

# PROCESSOR, PoCL's name for it, the flag of /proc/cpuinfo that it needs, registers that its code must not have
while read -r processor pocl_name flag absent; do
    play=(env PLAYED="$processor" LD_PRELOAD="$played" DAE_CL_CACHE_DIR="$work/$processor")

    case_is "$processor: the device says so"
    if ! grep -qw "$flag" /proc/cpuinfo; then
        skip "this processor has not even that"
        continue
    fi
    run "${play[@]}" "$dae_cl" devices
    code_is 0
    out_has "pthread-$pocl_name"

    case_is "$processor: every kernel compiles without a warning"
    run "${play[@]}" POCL_CACHE_DIR="$cache" "$BUILD/tests/kernels/test_kernels"
    code_is 0

    case_is "$processor: training says nothing of the compiler"
    mkdir -p "$work/pocl-$processor"
    run "${play[@]}" POCL_CACHE_DIR="$work/pocl-$processor" "$dae_cl" run tests/cli/small.yaml --out "$work/run-$processor"
    code_is 0
    err_lacks warning
    out_lacks warning

    case_is "$processor: its programs have no other registers"
    find "$work/pocl-$processor" -name '*.so' >"$work/programs"
    [ -s "$work/programs" ] || problem "no program is in the cache"
    while read -r program; do
        run objdump -d "$program"
        out_has '%xmm'
        out_lacks "$absent"
    done <"$work/programs"
done <<'END'
avx2 haswell avx2 %zmm
avx sandybridge avx %zmm
sse42 penryn sse4_2 %ymm
END

finish
