# `dae-cl check`: what it prints, and each kind of error in a config (exit code 2, at its place, before any OpenCL call).
. "$(dirname "$0")/harness.sh"
small=tests/cli/small.yaml
export OCL_ICD_VENDORS=/nonexistent # no driver takes part in anything here

case_is "the table of a small network"
run "$dae_cl" check "$small"
code_is 0
err_is </dev/null
out_is <<'END'
layer       type      reads             output   parameters   KiB  MFLOP
input       input                       28x28x1           0   3.1  0.000
gaussian_1  gaussian  input             28x28x1           0   3.1  0.016
flatten_1   flatten   gaussian_1        784               0   0.0  0.000
dense_1     dense     flatten_1         8              6280   0.0  0.013
relu_1      relu      dense_1           8                 0   0.0  0.000
dense_2     dense     relu_1            784            7056   3.1  0.013
sigmoid_1   sigmoid   dense_2           784               0   3.1  0.003
reshape_1   reshape   sigmoid_1         28x28x1           0   0.0  0.000
loss        mse       reshape_1, input  1                 0   0.0  0.003
------------------------------------------------------------------------
total                                                 13336  12.3  0.047

KiB and MFLOP are for one sample's forward pass.
device memory to train with sgd, batch 16, on a CPU of 32 or more units:
  parameters          52.12 KiB
  gradients           52.12 KiB
  optimizer state     52.12 KiB
  work               326.56 KiB  activations, their gradients, partial sums
  total              482.94 KiB
END

case_is "the same as JSON"
run "$dae_cl" check "$small" --json
code_is 0
python3 - "$work/out" <<'END' || problem "wrong JSON"
import json, sys
d = json.load(open(sys.argv[1]))
assert d["name"] == "small" and d["parameters"] == 784 * 8 + 8 + 8 * 784 + 784 and d["batch"] == 16
assert [l["name"] for l in d["layers"]][:3] == ["input", "gaussian_1", "flatten_1"]
assert d["layers"][3]["output"] == [8] and d["layers"][3]["flops"] == 2 * 784 * 8
assert d["layers"][8]["reads"] == ["reshape_1", "input"]
assert d["flops"] == sum(l["flops"] for l in d["layers"])
b = d["training_bytes"]
assert b["parameters"] == b["gradients"] == b["optimizer_state"] >= 4 * d["parameters"] and b["work"] > 0
END

case_is "--set, the last one counting"
run "$dae_cl" check "$small" --set train.batch=3 --set=train.batch=32 --set model.layers.1.dense.units=9
code_is 0
out_has "batch 32,"
out_has "dense_1     dense     flatten_1         9"

case_is "a larger batch takes more memory, a GPU other"
bytes() { "$dae_cl" check "$small" --json --set "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["training_bytes"]["work"])'; }
small_bytes=$(bytes train.batch=16) large_bytes=$(bytes train.batch=1600) grid_bytes=$(bytes 'device={shape: grid}')
[ "$large_bytes" -gt "$small_bytes" ] || problem "$large_bytes is not more than $small_bytes"
[ "$grid_bytes" -ne "$small_bytes" ] || problem "the same"

case_is "the average of the parameters takes as much memory as they do"
run "$dae_cl" check "$small" --set 'train.average={}'
code_is 0
out_has "  average             52.12 KiB  of the parameters"
out_has "  total              535.06 KiB"
run "$dae_cl" check "$small" --json --set 'train.average={decay: 0.9}'
python3 -c 'import json, sys; b = json.load(sys.stdin)["training_bytes"]; assert b["average"] == b["parameters"]' \
    <"$work/out" || problem "wrong JSON"

case_is "a contractive training has the gradients of every layer's twin as well, and their activations"
before=$("$dae_cl" check "$small" --json)
run "$dae_cl" check "$small" --json --set train.contractive=0.1
code_is 0
python3 - "$before" "$work/out" <<'END' || problem "wrong JSON"
import json, sys
one, two = (d["training_bytes"] for d in (json.loads(sys.argv[1]), json.load(open(sys.argv[2]))))
assert two["gradients"] == 2 * two["parameters"] == 2 * one["parameters"]
assert two["optimizer_state"] == one["optimizer_state"] and 1.2 * one["work"] < two["work"] < 3 * one["work"]
END
run "$dae_cl" check "$small" --json --set train.contractive=0
[ "$(cat "$work/out")" = "$before" ] || problem "a penalty of 0 takes memory"

case_is "every example config"
for config in configs/*.yaml; do
    run "$dae_cl" check "$config"
    code_is 0
done

# One value changed: the message that follows names it.
refuses() { # ASSIGNMENT MESSAGE
    case_is "refused: $1"
    run "$dae_cl" check "$small" --set "$1"
    code_is 2
    out_is </dev/null
    head -n 1 "$work/err" >"$work/first"
    [ "$(cat "$work/first")" = "dae-cl: error: ${3:-"--set $1: "}$2" ] || problem "$(cat "$work/first")"
}
refuses train.epoks=3 "unknown key 'epoks' in train (did you mean 'epochs'?)"
refuses zzz=1 "unknown key 'zzz' in the config; known are: name, seed, device, data, corruption, model, train, compare, studies"
refuses train.batch=abc "train.batch: expects an integer from 1 to 65536, got 'abc'"
refuses train.batch=0 "train.batch: expects an integer from 1 to 65536, got '0'"
refuses train.batch=1.5 "train.batch: expects an integer from 1 to 65536, got '1.5'"
refuses train.batch=0x10 "train.batch: expects an integer from 1 to 65536, got '0x10'"
refuses train.batch=010 "train.batch: expects an integer from 1 to 65536, got '010'"
refuses 'train.average={decay: 1}' "train.average.decay: expects a number above 0 and below 1, got '1'"
refuses 'train.average={decay: -0.5}' "train.average.decay: expects a number from 0 to 1, got '-0.5'"
refuses 'train.early_stop={patience: -1}' "train.early_stop.patience: expects an integer from 1 to 1000000, got '-1'"
refuses 'train.early_stop={patience: 3}' "train.early_stop requires samples that are neither trained on nor part of the test set: \
set data.validation to hold some out"
refuses data.validation=-1 "data.validation: expects a number of samples from 1, or a part of them below 1, got '-1'"
refuses train.optimizer.sgd.lr=-1 \
    "train.optimizer.sgd.lr: expects a number from 0 to 1000000000000, got '-1'"
refuses train.optimizer.sgd.lr=.nan \
    "train.optimizer.sgd.lr: expects a number from 0 to 1000000000000, got '.nan'"
refuses seed=no "seed: expects an integer of at least 0, got 'no'"
refuses name=../../x \
    "name: expects a name: 1 to 64 of A-Z a-z 0-9 _ . -, not beginning with a dot, got '../../x'"
refuses 'data={source: cifar}' "data.source: expects one of mnist, idx, digits, npy, csv, factor_panel, mixture, spiral, images, image_pairs, shards, shard_pairs, dead_leaves, signals, ecg, volumes, phantom, memory, got 'cifar'"
refuses 'device={shape: round}' "device.shape: expects one of auto, wide, grid, got 'round'"
refuses 'device={gemm: none}' "device.gemm: expects one of auto, own, clblast, got 'none'"
refuses 'device={platfrom: x}' "unknown key 'platfrom' in device (did you mean 'platform'?)"
refuses 'compare=[band_pass]' "compare: savitzky_golay and band_pass filter signals, but samples are not (T, C)"
refuses 'compare=[x]' "compare.0: expects one of standard_ae, affine, pca, wiener, median, savitzky_golay, band_pass, median_3d, gaussian_3d, got 'x'"
refuses 'corruption=[gaussian, gausian]' "no corruption is called 'gausian' (did you mean 'gaussian'?)"
refuses 'corruption=[]' "corruption: expects a list of 1 to 16, got a list of 0"
refuses corruption.gaussian.sigma=-0.1 \
    "corruption.gaussian.sigma: expects a number or a range [low, high] from 0 to 1000000, got '-0.1'"
refuses corruption.gaussian.sigma=loud \
    "corruption.gaussian.sigma: expects a number or a range [low, high] from 0 to 1000000, got 'loud'"
refuses 'corruption.gaussian.sigma=[0.5, 0.1]' \
    "corruption.gaussian.sigma: expects two numbers [lo, hi], but lo (0.5) is above hi (0.1)"
refuses 'corruption.gaussian.sigma=[0.5]' \
    "corruption.gaussian.sigma: expects two numbers [lo, hi] from 0 to 1000000, got a list of 1"
refuses 'corruption.gaussian.clamp=[1, 0]' \
    "corruption.gaussian.clamp: expects two numbers [lo, hi], but lo (1) is above hi (0)"
refuses 'corruption={masking: {p: 1.01}}' \
    "corruption.masking.p: expects a number or a range [low, high] from 0 to 1, got '1.01'"
refuses 'corruption={masking: {p: [0.5, 1.5]}}' "corruption.masking.p.1: expects a number from 0 to 1, got '1.5'"
refuses 'corruption={salt_pepper: {p: -0.2}}' \
    "corruption.salt_pepper.p: expects a number or a range [low, high] from 0 to 1, got '-0.2'"
refuses 'corruption={swap: {p: 2}}' "corruption.swap.p: expects a number or a range [low, high] from 0 to 1, got '2'"
refuses 'corruption={speckle: {sigma: -1}}' \
    "corruption.speckle.sigma: expects a number or a range [low, high] from 0 to 1000000, got '-1'"
refuses 'corruption={uniform: {amplitude: .inf}}' \
    "corruption.uniform.amplitude: expects a number or a range [low, high] from 0 to 1000000, got '.inf'"
refuses 'corruption={poisson: {peak: 0}}' \
    "corruption.poisson.peak: expects a number or a range [low, high] from 0.001 to 4096, got '0'"
refuses 'corruption={masking: {q: 0.1}}' "unknown key 'q' in masking; known are: p, per_pixel"
refuses 'corruption={block: {size: [28, 29]}}' 'block "block_1": a block of 28x29 is larger than the image'
refuses 'corruption={block: {size: 0}}' "corruption.block.size: expects an integer or a pair [h, w] from 1 to 65536, got '0'"
refuses 'corruption={block: {count: 33}}' "corruption.block.count: expects an integer from 1 to 32, got '33'"
refuses 'corruption={blur: {size: 4}}' 'blur "blur_1": its size must be odd, but is 4'
refuses 'corruption={blur: {size: 57}}' \
    'blur "blur_1": its size of 57 is too large for the image, which is mirrored only once at its borders'
refuses 'corruption={one_of: [gaussian]}' "corruption.one_of: expects a list of 2 to 16, got a list of 1"
refuses 'corruption={one_of: gaussian}' "corruption.one_of: expects a list of 2 to 16, got 'gaussian'"
refuses 'corruption={one_of: [gaussian, blur], masking: {}}' \
    "unknown key 'masking' in an item with one_of; known are: one_of"
refuses 'corruption=[gaussian, {one_of: [blur, blurr]}]' "no corruption is called 'blurr' (did you mean 'blur'?)"
refuses 'train.loss={mse: {unmasked_weight: 0}}' \
    "the mask is needed here, but no corruption replaces numbers"
refuses 'train.loss={mse: {unmasked_weight: -1}}' \
    "train.loss.mse.unmasked_weight: expects a number from 0 to 1000000, got '-1'"
refuses 'model.layers.0={flatten: {}, from: mask}' \
    "the mask is needed here, but no corruption replaces numbers"
refuses 'model.layers.4={sigmoid: {}, name: mask}' "two layers are called 'mask'; names must differ"
refuses 'model.layers.1={dens: {units: 3}}' "no layer is called 'dens' (did you mean 'dense'?)"
refuses 'model.layers.1={dense: {unit: 3}}' "unknown key 'unit' in dense (did you mean 'units'?)"
refuses model.layers.1.dense.units=0 "model.layers.1.dense.units: expects an integer from 1 to 1048576, got '0'"
refuses model.layers.9.x=1 "model.layers is a list of 6, so there is no '9' in it; the first item is 0"
refuses model.code=nothing "model.code: no layer is called 'nothing'"
refuses 'model.layers.4={sigmoid: {}, from: [nobody]}' \
    "sigmoid_1 reads 'nobody', but no layer above it has that name; a layer can only read 'input' and layers above it"
refuses 'model.layers.4={sigmoid: {}, name: input}' "two layers are called 'input'; names must differ"
refuses train.batch "expects KEY.PATH=VALUE, such as train.epochs=3"

case_is "shapes that do not fit: both ends are named, at the place"
run "$dae_cl" check "$small" --set model.layers.3.dense.units=9
code_is 2
err_is <<'END'
tests/cli/small.yaml:12:7: error: reshape "reshape_1": the input has 9 numbers, but the shape has 784
note: it reads "sigmoid_1", which is 9
END

case_is "per_pixel without pixels, at the corruption's place in the file"
sed 's/^corruption:.*/corruption: [gaussian, {masking: {per_pixel: true}}]/; s/input: .*/input: [784]/' "$small" >"$work/vector.yaml"
run "$dae_cl" check "$work/vector.yaml"
code_is 2
err_is <<END
$work/vector.yaml:$(grep -n ^corruption: "$small" | cut -d: -f1):25: error: masking "masking_1": per_pixel expects an image (H, W, C)
note: it reads "gaussian_1", which is 784
END

case_is "corruptions in a chain, one of several, and their mask"
run "$dae_cl" check "$small" --set 'corruption=[blur, {one_of: [masking, {block: {size: 5}}]}]' \
    --set 'train.loss={mse: {unmasked_weight: 0.5}}'
code_is 0
out_has "blur_1           blur      input                   28x28x1"
out_has "masking_1        masking   blur_1                  28x28x1"
out_has "block_1          block     masking_1               28x28x1"
out_has "block_1_again    block     masking_1_again         28x28x1"
out_has "mask             mask      block_1_again           28x28x1"
out_has "loss             mse       reshape_1, input, mask  1"

case_is "a layer too large for any memory"
run "$dae_cl" check "$small" --set model.layers.1.dense.units=1048576 --set model.layers.3.dense.units=1048576
code_is 2
err_has "tests/cli/small.yaml:1"

# Whole files.
file_is() { # NAME: a case on $work/NAME, written from standard input
    case_is "a file with $1"
    cat >"$work/bad.yaml"
    run timeout 2 "$dae_cl" check "$work/bad.yaml"
    code_is 2
    out_is </dev/null
    [ "$(grep -c 'error: ' "$work/err")" -eq 1 ] || problem "not one error: $(cat "$work/err")"
}
file_is "a syntax error" <<<'model: {input: [28, 28, 1'
err_has "/bad.yaml:"
file_is "nothing in it" </dev/null
file_is "a list" <<<'- model'
err_has "/bad.yaml:1:1: error: "
file_is "a duplicate key" <<<$'seed: 1\nseed: 2'
err_has "/bad.yaml:2:1: error: "
file_is "an alias of itself" <<<'a: &a [*a]'
file_is "an alias bomb" < <(
    echo 'a0: &a0 [x, x, x, x, x, x, x, x, x]'
    for i in 1 2 3 4 5 6 7 8 9; do
        p="*a$((i - 1))"
        echo "a$i: &a$i [$p, $p, $p, $p, $p, $p, $p, $p, $p]"
    done
)
file_is "200,000 brackets" < <(head -c 200000 /dev/zero | tr '\0' '[')
file_is "2 MiB" < <(head -c 2097152 /dev/zero | tr '\0' '#')
file_is "bytes that are no text" < <(head -c 4096 /dev/urandom)

case_is "a hostile file costs no memory"
head -c 200000 /dev/zero | tr '\0' '[' >"$work/deep.yaml"
python3 - "$dae_cl" "$work/deep.yaml" <<'END' || problem "more than 256 MiB"
import resource, subprocess, sys
subprocess.run([sys.argv[1], "check", sys.argv[2]], stderr=subprocess.DEVNULL)
sys.exit(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > 256 * 1024)
END

case_is "a missing file"
run "$dae_cl" check "$work/absent.yaml"
code_is 2
err_has "/absent.yaml"

case_is "a folder"
run "$dae_cl" check "$work"
code_is 2

case_is "run refuses a wrong config before it looks for a device or makes a folder"
run "$dae_cl" run "$small" --set train.batch=0 --out "$work/run"
code_is 2
[ ! -e "$work/run" ] || problem "the folder was made"

finish
