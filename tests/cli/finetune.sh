# dae-cl run --from and --freeze: training starts from the weights of a model, frozen layers keep their bits, what is taken
# and what is not is named, and a stopped run continues with the same bits without the model.
. "$(dirname "$0")/harness.sh"
cd "$work" || exit 1

sed 's/batchnorm2d, relu,/batchnorm2d: {}, prelu,/' "$tree/tests/cli/digits.yaml" >digits.yaml
export DAE_CL_CACHE_DIR=$work/cache
run "$dae_cl" run digits.yaml --out base
code_is 0

# weights.py MODEL: "NAME SHA" for each tensor.
cat >weights.py <<'END'
import hashlib, json, sys
data = open(sys.argv[1], "rb").read()
size = int.from_bytes(data[:8], "little")
for name, tensor in sorted(json.loads(data[8:8 + size]).items()):
    if name != "__metadata__":
        begin, end = tensor["data_offsets"]
        print(name, hashlib.sha256(data[8 + size + begin:8 + size + end]).hexdigest())
END
weights() {
    python3 weights.py "$1"
}

case_is "weights are taken, and frozen ones keep their bits"
# Weight decay, an average and clipping would all change what is not left alone.
tuning=(--set train.epochs=2 --set 'train.optimizer={adamw: {lr: 0.01, weight_decay: 0.5, decay_biases: true}}' --set
    'train.average={decay: 0.9}' --set train.clip_gradient=1 --set 'compare=[standard_ae]')
run "$dae_cl" run digits.yaml --from base --freeze conv2d_1,batchnorm2d_1 --freeze prelu_1 --out tuned "${tuning[@]}"
code_is 0
err_has "start: the weights of 5 of 5 layers are taken from base/model.safetensors (SHA-256 "
err_has "start: frozen: conv2d_1, batchnorm2d_1, prelu_1"
weights base/model.safetensors >base.txt
weights tuned/model.safetensors >tuned.txt
for frozen in conv2d_1.weight conv2d_1.bias batchnorm2d_1.scale batchnorm2d_1.shift batchnorm2d_1.mean batchnorm2d_1.variance \
    prelu_1.slope; do
    grep -qxF "$(grep "^$frozen " base.txt || echo missing)" tuned.txt || problem "$frozen was changed"
done
for trained in conv2d_2.weight conv2d_2.bias conv2d_3.weight; do
    ! grep -qxF "$(grep "^$trained " base.txt)" tuned.txt || problem "$trained was not trained"
done

case_is "the model and run.json say what it started from"
sha=$(sha256sum <base/model.safetensors | cut -d' ' -f1)
grep -qF "\"sha256\": \"$sha\"" <(python3 -m json.tool tuned/run.json) || problem "run.json lacks the SHA-256"
grep -qF "from_sha256: '$sha'" tuned/config.yaml || problem "config.yaml lacks the SHA-256"
grep -aqF "from_sha256: '$sha'" tuned/model.safetensors || problem "the model lacks the SHA-256"
grep -qF '"frozen": [' <(python3 -m json.tool tuned/run.json) || problem "run.json lacks the frozen layers"

case_is "config.yaml repeats the run, but not from another model"
run "$dae_cl" run tuned/config.yaml --out repeated
code_is 0
cmp tuned/model.safetensors repeated/model.safetensors || problem "another model"
run "$dae_cl" run tuned/config.yaml --from tuned --out chained --set train.epochs=1
code_is 0
cp -r base other
cp tuned/model.safetensors other/
run "$dae_cl" run tuned/config.yaml --set train.from=other --out no
code_is 9
err_has "but train.from_sha256 is $sha"

case_is "a stopped run continues with the same bits, without the model"
cp -r base gone
cp tuned/config.yaml stop.yaml
sed -i 's/from: .*base.*/from: gone/' stop.yaml
run "$dae_cl" run stop.yaml --out whole
code_is 0
run "$dae_cl" run stop.yaml --set train.epochs=1 --out stopped
code_is 0
mv gone away
run "$dae_cl" run stop.yaml --out stopped --resume
code_is 0
cmp <(weights whole/model.safetensors) <(weights stopped/model.safetensors) || problem "other weights"
cmp whole/model.safetensors stopped/model.safetensors || problem "another model"
mkdir fresh # stopped before the rival had a checkpoint: it starts from what the folder keeps
cp -r stopped/. fresh/
rm fresh/checkpoint/standard_ae.safetensors fresh/run.json
run "$dae_cl" run stop.yaml --out fresh --resume
code_is 0
cmp whole/checkpoint/standard_ae.safetensors fresh/checkpoint/standard_ae.safetensors || problem "another rival"
run "$dae_cl" run stop.yaml --out never
code_is 5
err_has gone
cp -r base gone
cp tuned/model.safetensors gone/
run "$dae_cl" run digits.yaml --from gone --freeze conv2d_1 "${tuning[@]}" --out stopped --resume
code_is 9
err_has from_sha256
rm -r gone

case_is "a network that grew"
grown=$(sed 's/conv2d: {filters: 1, kernel: 3, pad: 1}, sigmoid/HEAD, sigmoid/' digits.yaml)
wide='{conv2d: {filters: 8, kernel: 3, pad: 1}, name: wide}' head='{conv2d: {filters: 1, kernel: 3, pad: 1}, name: head}'
echo "${grown/HEAD/$wide, $head}" >grown.yaml
run "$dae_cl" run grown.yaml --from base --out grown
code_is 0
err_has "start: the weights of 4 of 6 layers are taken"
err_has "start: not in the model, so from random numbers: wide, head"
err_has "start: in the model, but in no layer: conv2d_3.weight, conv2d_3.bias"

case_is "what is wrong is named"
refused() { # CODE PIECE ARGUMENTS...
    run "$dae_cl" run "${@:3}" --out no
    code_is "$1"
    err_has "$2"
    [ ! -e no ] || problem "a folder was left"
}
refused 5 "cannot open missing" digits.yaml --from missing
refused 9 "the folder contains no model.safetensors" digits.yaml --from base/figures
refused 9 "it is the checkpoint of a training, not a model" digits.yaml --from base/checkpoint/model.safetensors
refused 2 "train.freeze: no layer is called 'conv2d_7'" digits.yaml --from base --freeze conv2d_7
refused 2 "train.freeze: layer 'sigmoid_1' (sigmoid) has no weights to keep" digits.yaml --from base --freeze sigmoid_1
refused 2 "train.freeze: 'conv2d_1' is in the list twice" digits.yaml --from base --freeze conv2d_1,conv2d_1
refused 2 "so there is nothing to train" digits.yaml --from base --freeze conv2d_1,conv2d_2,conv2d_3,batchnorm2d_1,prelu_1
refused 2 "train.freeze requires train.from" digits.yaml --freeze conv2d_1
refused 2 "train.freeze.1: expects a name" digits.yaml --from base --freeze conv2d_1,
refused 9 "layer 'conv2d_2' needs F32 36x5" digits.yaml --from base --set model.layers.4.conv2d.filters=5
refused 9 "it has no layer 'head', which train.freeze names" grown.yaml --from base --freeze head
run "$dae_cl" run digits.yaml --from base --out base --force
code_is 2
err_has "base/model.safetensors"
cat >renamed.yaml <<'END'
name: renamed
data: {source: digits, train: 64, test: 16}
model:
  input: [28, 28, 1]
  layers: [{conv2d: {filters: 1, kernel: 3, pad: 1}, name: other}]
train: {loss: mse, optimizer: adam, batch: 32, epochs: 1}
END
refused 9 "it has no layer of this network" renamed.yaml --from base

case_is "the device's frozen network is that of the reference"
run "$dae_cl" verify tuned/config.yaml
code_is 0
run "$dae_cl" verify stop.yaml --set 'train.freeze=[conv2d_2, batchnorm2d_1]'
code_is 0

finish
