# A smaller device: tests/device/lowered.c lowers what a device reports and refuses what exceeds it. Code that queries the
# limits passes; the last cases prove that other code would not.
. "$(dirname "$0")/harness.sh"

export DAE_CL_PLUGINS=$BUILD/plugins
lowered=$work/lowered.so

# Under sanitizers the shim would have to be loaded after their runtime.
if ldd "$dae_cl" | grep -q 'lib[au]bsan\|libasan'; then
    case_is "a lowered device"
    skip "the program is built with sanitizers, which do not share LD_PRELOAD"
    finish
fi

case_is "the lowered device is built and reports less"
run ${CC:-cc} -std=c11 -Wall -Wextra -Werror -shared -fPIC -o "$lowered" tests/device/lowered.c -ldl
code_is 0
run env LD_PRELOAD="$lowered" LOWERED_ALLOCATION=1234567 "$dae_cl" devices --json
code_is 0
out_has '"max_work_group":	64'
out_has '"local_bytes":	16384'
out_has '"max_allocation_bytes":	1234567'

less() { # runs a command on the lowered device, with further settings before it
    run env LD_PRELOAD="$lowered" "$@"
}
grid=(--set device.shape=grid --set device.gemm=own)
apart=POCL_CACHE_DIR=$work/kernels # of many programs that no other script compiles
short=(--set 'data={source: digits, train: 256, test: 64}' --set train.epochs=1 --set 'compare=[]')

# The wide shape's groups are of 1 and it has no local memory.
case_is "the reduced conformance suite passes in the grid shape with groups of 64 and 16 KiB of local memory"
less "$apart" DAE_CL_REDUCED=1 DAE_CL_SHAPE=grid "$BUILD/tests/graph/test_conformance"
code_is 0
out_has 'comparisons of'

# The host makes the tiles of a processor with narrower vectors; the code is for this one. Only products and convolutions
# have tiles.
for vector in 4 8; do
    case_is "products and convolutions pass with tiles for vectors of $vector"
    less "$apart" LOWERED_GROUP=4096 LOWERED_VECTOR=$vector DAE_CL_SHAPE=wide "$BUILD/tests/device/test_gemm"
    code_is 0
    out_has '[       OK ] own_wide'
    for plugin in conv2d conv_transpose2d dense blur; do
        less "$apart" LOWERED_GROUP=4096 LOWERED_VECTOR=$vector DAE_CL_CASES=$plugin DAE_CL_REDUCED=1 DAE_CL_SHAPE=wide \
            "$BUILD/tests/graph/test_conformance"
        code_is 0
        out_has 'comparisons of'
    done
done

case_is "a device that reports senseless vectors gets the tiles in the middle, and that is said once"
for vector in 0 1 3 4294967295; do
    less LOWERED_VECTOR=$vector "$dae_cl" run tests/cli/small.yaml --out "$work/vector-$vector"
    code_is 0
    [ "$(grep -c "floats: kernels are generated for vectors of 8 in 16 registers" "$work/err")" = 1 ] ||
        problem "vectors of $vector: $(head -c 600 "$work/err")"
done

for config in conv_mnist fc_mnist; do
    case_is "$config trains in the grid shape with groups of 64"
    less "$dae_cl" run "configs/$config.yaml" "${short[@]}" "${grid[@]}" --out "$work/$config-64"
    code_is 0
    case_is "$config trains in the grid shape with groups of 16"
    less LOWERED_GROUP=16 "$dae_cl" run "configs/$config.yaml" "${short[@]}" "${grid[@]}" --out "$work/$config-16"
    code_is 0
done

case_is "a data set larger than one allocation is streamed, with the same result"
run "$dae_cl" run tests/cli/small.yaml --set data.train=2000 --out "$work/resident"
code_is 0
less LOWERED_ALLOCATION=1000000 "$dae_cl" run tests/cli/small.yaml --set data.train=2000 --out "$work/streamed"
code_is 0
cmp -s "$work/resident/model.safetensors" "$work/streamed/model.safetensors" || problem "the models differ"

case_is "a network larger than one allocation is refused, with its size"
less LOWERED_ALLOCATION=20000 "$dae_cl" run tests/cli/small.yaml --out "$work/refused"
code_is 6
err_has "in one piece, but device"

case_is "more local memory than there is is refused before the device is asked"
less LOWERED_LOCAL=64 "$dae_cl" run tests/cli/small.yaml "${grid[@]}" --out "$work/refused"
code_is 7
err_has "bytes of local memory, but device"

# Proofs that the lowered device refuses: it does not report its limits, or the kernels exceed them.
case_is "a device that does not say its limits refuses larger groups"
less LOWERED_SILENT=1 LOWERED_GROUP=32 "$dae_cl" run tests/cli/small.yaml "${grid[@]}" --out "$work/refused"
code_is 7
err_has CL_INVALID_WORK_GROUP_SIZE

case_is "and larger buffers"
less LOWERED_SILENT=1 LOWERED_ALLOCATION=20000 "$dae_cl" run tests/cli/small.yaml --out "$work/refused"
code_is 7
err_has CL_INVALID_BUFFER_SIZE

case_is "and more local memory"
less LOWERED_SILENT=1 LOWERED_GROUP=4096 LOWERED_LOCAL=64 "$dae_cl" run tests/cli/small.yaml "${grid[@]}" --out "$work/refused"
code_is 7
err_has CL_OUT_OF_RESOURCES

case_is "and double precision"
mkdir "$work/kernels"
{
    cat kernels/dae.clh
    echo 'typedef double wide;'
} >"$work/kernels/dae.clh"
less DAE_CL_KERNELS="$work/kernels" "$dae_cl" run tests/cli/small.yaml --out "$work/refused"
code_is 7
err_has this_device_has_no_double_precision

finish
