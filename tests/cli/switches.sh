# Each fast path has a switch, and the same network learns the same without it: joined segments, folded layers (also
# normalisations in a finished model), our own products or CLBlast's, kernels for CPUs or for GPUs, convolutions by
# Winograd's algorithm or directly, data on the device or streamed to it.
. "$(dirname "$0")/harness.sh"

net=$work/net.yaml
cat >"$net" <<'END'
name: net
data: {source: digits, train: 320, test: 64}
corruption: {gaussian: {sigma: 0.3, clamp: [0, 1]}}
model:
  input: [28, 28, 1]
  layers:
    - conv2d: {filters: 16, kernel: 3, pad: 1}
    - relu
    - maxpool2d: {kernel: 2}
    - conv_transpose2d: {filters: 1, kernel: 2, stride: 2}
    - flatten
    - dense: {units: 20}
    - leaky_relu
    - dense: {units: 784}
    - sigmoid
    - reshape: {shape: [28, 28, 1]}
train: {loss: bce, optimizer: {adam: {lr: 0.003}}, batch: 64, epochs: 2}
compare: []
END
# Ten steps of Adam from the same start. Only the order of sums differs: an error of a few roundings (2^-24) in a gradient
# grows with each step, and Adam divides by the gradient's own size; a wrong kernel differs in the second digit.
agree=1e-4
alike() { # FOLDER FOLDER BOUND: the losses of training and the error of the test
    python3 - "$@" <<'END' || problem "$1 and $2 differ"
import json, sys
first, other = (json.load(open(folder + "/run.json")) for folder in sys.argv[1:3])
bound = float(sys.argv[3])
pairs = list(zip(first["train_losses"], other["train_losses"]))
pairs.append((first["test"]["model"]["mse"], other["test"]["model"]["mse"]))
assert len(pairs) > 1
for a, b in pairs:
    assert abs(a - b) <= bound * a, (a, b)
END
}

case_is "everything on"
run "$dae_cl" run "$net" --platform cpu --out "$work/first"
code_is 0

n=0
for switch in 'device={join: false}' 'device={fold: false}' 'device={join: false, fold: false}' 'device={shape: grid}' \
    'device={shape: grid, gemm: clblast}'; do
    case_is "the same with $switch"
    n=$((n + 1))
    run "$dae_cl" run "$net" --platform cpu --set "$switch" --out "$work/$n"
    code_is 0
    alike "$work/first" "$work/$n" "$agree"
done

case_is "convolutions with fewer multiplications, and without"
cat >"$work/wide_net.yaml" <<'END'
name: wide_net
data: {source: digits, train: 64, test: 32}
corruption: {gaussian: {sigma: 0.3, clamp: [0, 1]}}
model:
  input: [28, 28, 1]
  layers:
    - conv2d: {filters: 32, kernel: 3, pad: 1}
    - relu
    - maxpool2d: {kernel: 2}
    - conv2d: {filters: 33, kernel: 3, pad: 1}
    - relu
    - conv_transpose2d: {filters: 1, kernel: 2, stride: 2}
train: {loss: mse, optimizer: {adam: {lr: 0.003}}, batch: 32, epochs: 2}
compare: []
END
for winograd in auto on off; do
    run "$dae_cl" run "$work/wide_net.yaml" --platform cpu --set device.shape=wide --set "device.winograd=$winograd" --out "$work/winograd_$winograd"
    code_is 0
done
alike "$work/winograd_auto" "$work/winograd_on" 0
losses() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1] + "/run.json"))["train_losses"])' "$1"; }
[ "$(losses "$work/winograd_on")" != "$(losses "$work/winograd_off")" ] || problem "the switch changes nothing"
alike "$work/winograd_on" "$work/winograd_off" "$agree"
run "$dae_cl" run "$net" --platform cpu --set 'device={shape: grid, winograd: on}' --out "$work/refused"
code_is 2
err_has "choose auto or off"

case_is "streamed data: the same bits"
run "$dae_cl" run "$net" --platform cpu --set data.memory=1 --set data.train=3200 --set train.epochs=1 --out "$work/streamed"
code_is 0
err_has "streamed"
run "$dae_cl" run "$net" --platform cpu --set data.train=3200 --set train.epochs=1 --out "$work/resident"
code_is 0
alike "$work/resident" "$work/streamed" 0

# The gradient of a bias before a normalisation is only rounding, which Adam would turn into whole steps; hence plain descent.
norm=$work/norm.yaml
cat >"$norm" <<'END'
name: norm
data: {source: digits, train: 160, test: 64}
corruption: {gaussian: {sigma: 0.3, clamp: [0, 1]}}
model:
  input: [28, 28, 1]
  layers:
    - conv2d: {filters: 16, kernel: 3, pad: 1}
    - batchnorm2d
    - relu
    - conv2d: {filters: 1, kernel: 3, pad: 1}
    - batchnorm2d
    - sigmoid
train: {loss: bce, optimizer: {sgd: {lr: 0.1}}, batch: 32, epochs: 1}
compare: []
END
case_is "a finished model's normalisation in its convolutions"
run "$dae_cl" run "$norm" --platform cpu --out "$work/norm"
code_is 0
for switch in 'device={fold: false}' 'device={shape: grid}'; do
    case_is "and with $switch"
    n=$((n + 1))
    run "$dae_cl" run "$norm" --platform cpu --set "$switch" --out "$work/$n"
    code_is 0
    alike "$work/norm" "$work/$n" "$agree"
done

case_is "a switch that is no switch"
run "$dae_cl" run "$net" --set 'device={fold: perhaps}' --out "$work/none"
code_is 2
err_has "device.fold"

finish
