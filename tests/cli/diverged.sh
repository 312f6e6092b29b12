# Trainings that diverge: each is detected where it happens, ends with exit status 8 and the cause, and leaves neither a model
# nor a checkpoint that is not finite.
. "$(dirname "$0")/harness.sh"

cat >"$work/deep.yaml" <<'YAML'
name: deep
data: {source: digits, train: 64, test: 32}
corruption: {gaussian: {sigma: 0.3}}
model:
  input: [28, 28, 1]
  layers: [flatten, {dense: {units: 8}}, {dense: {units: 8}}, {dense: {units: 8}}, {dense: {units: 784}}, {reshape: {shape: [28, 28, 1]}}]
train: {loss: mse, optimizer: {sgd: {lr: 1e12}}, batch: 64, epochs: 1}
YAML
deep() { # FOLDER [OPTION...]
    local out=$work/$1
    shift
    run "$dae_cl" run "$work/deep.yaml" --out "$out" "$@"
}
saved_nothing() { # FOLDER
    [ ! -e "$work/$1/model.safetensors" ] || problem "a model was saved"
    [ ! -e "$work/$1/checkpoint/model.safetensors" ] || problem "a checkpoint was saved"
}

case_is "one step in one epoch: the loss is finite, what comes after it is not"
deep one
code_is 8
err_has "training diverged: the validation loss after epoch 1 is not finite; first bad: the output of \"dense_4\"; the learning rate is far too large: the largest parameter was 0.35"
saved_nothing one

case_is "--resume after that begins anew, as nothing bad was kept"
deep one --resume --set train.optimizer.sgd.lr=0.01
code_is 0
err_has "resume: no checkpoint"
[ -e "$work/one/model.safetensors" ] || problem "no model"

case_is "the loss of the last step of an epoch is looked at"
deep last --set train.batch=32
code_is 8
err_has "training diverged: the loss of epoch 1, step 2 is not finite; first bad: the output of \"dense_4\"; the learning rate is far too large"
saved_nothing last

case_is "the average of the parameters is looked at"
deep average --set 'train.average={decay: 0.9}'
code_is 8
saved_nothing average

case_is "a checkpoint that is finite stays as it is, and --resume comes to the same end"
deep later --set train.optimizer.sgd.lr=30 --set train.epochs=40
code_is 8
err_has "note: the checkpoint of epoch "
before=$(sha256sum <"$work/later/checkpoint/model.safetensors")
first=$(grep -o "training diverged: .*" "$work/err")
deep later --set train.optimizer.sgd.lr=30 --set train.epochs=40 --resume
code_is 8
[ "$first" = "$(grep -o "training diverged: .*" "$work/err")" ] || problem "another story: $(cat "$work/err")"
[ "$before" = "$(sha256sum <"$work/later/checkpoint/model.safetensors")" ] || problem "the checkpoint was written over"
[ ! -e "$work/later/model.safetensors" ] || problem "a model was saved"

case_is "bce without a sigmoid: the cause is named"
run "$dae_cl" run tests/cli/no_sigmoid.yaml --out "$work/bce" --set train.loss=bce
code_is 8
err_has "first bad: the output of \"loss\"; the loss bce requires an output from 0 to 1, but that of \"conv2d_2\" is "
err_has "; end the network with a sigmoid or a softmax, or use another loss"
saved_nothing bce

case_is "bce on data from 0 to 255 is refused at its place, before a device is looked for"
python3 - "$work/large.npy" "$work/unit.npy" "$work/huge.npy" <<'PY'
import array, struct, sys
def save(path, numbers):
    header = ("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 8), }" % (len(numbers) // 8)).ljust(117) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(array.array("f", numbers).tobytes())
save(sys.argv[1], [i % 256 / 1.0 for i in range(64 * 8)])
save(sys.argv[2], [i % 256 / 255.0 for i in range(64 * 8)])
save(sys.argv[3], [1e14 * (i % 256) / 255.0 for i in range(64 * 8)])
PY
cat >"$work/npy.yaml" <<YAML
name: npy
data: {source: npy, train: $work/large.npy, test: $work/large.npy}
corruption: {gaussian: {sigma: 0.1}}
model: {input: [8], layers: [{dense: {units: 8}}, sigmoid]}
train: {loss: bce, optimizer: {sgd: {lr: 0.1}}, batch: 16, epochs: 1}
YAML
run "$dae_cl" run "$work/npy.yaml" --out "$work/npy"
code_is 2
err_has "npy.yaml:5:15: error: train.loss: bce requires data from 0 to 1, but training sample 0 has the number 2; scale the data, or use another loss"
err_lacks "device:"
[ ! -e "$work/npy" ] || problem "the folder was made"
run "$dae_cl" run "$work/npy.yaml" --out "$work/npy" --set data.train="$work/unit.npy"
code_is 2
err_has "but test sample 0 has the number 2"
run "$dae_cl" run "$work/npy.yaml" --out "$work/npy" --set data.train="$work/unit.npy" --set data.test="$work/unit.npy"
code_is 0

case_is "parameters that leave the range of float in the last step, while each loss is finite"
run "$dae_cl" run "$work/npy.yaml" --out "$work/parameters" --set data.train="$work/huge.npy" --set data.test="$work/huge.npy" \
    --set train.loss=mse --set 'model.layers=[{dense: {units: 8}}]' --set train.optimizer.sgd.lr=1e12 --set train.batch=64
code_is 8
err_has "training diverged: the parameters after epoch 1, step 1 are not finite; first bad: the parameters of layer \"dense_1\" (weight); the learning rate is far too large"
saved_nothing parameters

case_is "what a file holds reaches the terminal without its control characters"
printf 'date,A\033[2J\033]0;owned\007,B\r\n2020-01-02,1,\033[31mred\n2020-01-03,1,2\n' >"$work/escape.csv"
cat >"$work/csv.yaml" <<YAML
name: csv
data: {source: csv, path: $work/escape.csv, train_until: 2020-01-02, returns: none}
corruption: {gaussian: {sigma: 0.1}}
model: {input: [2], layers: [{dense: {units: 2}}]}
train: {loss: mse, optimizer: {sgd: {lr: 0.1}}, batch: 1, epochs: 1}
YAML
no_escapes() {
    ! LC_ALL=C grep -q $'[\001-\010\013-\037\177]' "$work/err" "$work/out" || problem "control characters: $(cat -v "$work/err")"
}
run "$dae_cl" run "$work/csv.yaml" --out "$work/csv"
code_is 4
err_has "the name of column 2 has control characters"
no_escapes
printf 'date,A,B\r\n2020-01-02,1,\033[31mred\n2020-01-03,1,2\n' >"$work/escape.csv"
run "$dae_cl" run "$work/csv.yaml" --out "$work/csv"
code_is 4
err_has "[31mred"
no_escapes
strange=$work/$'s\033[31m\377.png'
echo "no picture" >"$strange"
run "$dae_cl" denoise "$work/one/model.safetensors" "$strange" -o "$work/clean"
[ "$code" -ne 0 ] || problem "it was taken"
no_escapes
run "$dae_cl" run "$strange"
code_is 2
no_escapes

finish
