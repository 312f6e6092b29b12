# dae-cl import: a model comes back from its own export byte for byte, networks of other programs compute what onnxruntime
# computes, and what is wrong with a file is named. TORCH_PEER names a Python with torch, onnx and onnxscript, whose
# networks are compared as well.
. "$(dirname "$0")/harness.sh"
environment=$BUILD/onnx
judge=$tree/tests/cli/import_judge.py
export PYTHONDONTWRITEBYTECODE=1
cd "$work" || exit 1

refused() { # CODE PIECE ARGUMENTS...: no file is left
    local want=$1 piece=$2
    shift 2
    run "$dae_cl" import "$@"
    code_is "$want"
    err_has "$piece"
    [ -z "$(find . -name 'no*')" ] || problem "a file was left: $(find . -name 'no*')"
}

cp "$tree/tests/cli/digits.yaml" .
run "$dae_cl" run digits.yaml --out run
code_is 0

case_is "a model, its export, and the model again"
run "$dae_cl" export run -o digits.onnx
if [ "$code" -eq 2 ] && grep -qF "this build lacks protobuf-c" err; then
    skip "$(sed 's/^dae-cl: error: //' err)"
    finish
fi
run "$dae_cl" import digits.onnx -o again
code_is 0
out_is <<'END'
again/model.safetensors: 8 layers, 233 parameters, from digits.onnx (opset 17)
again/config.yaml: the config of the model that was exported
END
err_is </dev/null
cmp run/model.safetensors again/model.safetensors || problem "another model"
cmp run/config.yaml again/config.yaml || problem "another config"
run "$dae_cl" import digits.onnx -o sub/model.safetensors
code_is 5
mkdir sub
run "$dae_cl" import digits.onnx -o sub/m.safetensors
code_is 0
cmp run/model.safetensors sub/m.safetensors || problem "another model"
cmp run/config.yaml sub/m.yaml || problem "another config"
run "$dae_cl" run again/config.yaml --out trained
code_is 0

tensors() { # what follows the header of a model
    tail -c +$((9 + $(od -An -tu8 -N8 "$1"))) "$1"
}
case_is "every shipped config, in three ways"
mkdir models
DAE_CL_PLUGINS=$BUILD/plugins run "$BUILD/tests/model/test_onnx_export" models "$tree"/configs/*.yaml
code_is 0
n=0
for model in models/*.safetensors; do
    for options in "--opset 17" "--opset 20 --dynamic" "--opset 18 --dtype f16"; do
        # shellcheck disable=SC2086 # words
        run "$dae_cl" export "$model" -o back.onnx $options
        code_is 0
        rm -rf back.safetensors back.yaml
        run "$dae_cl" import back.onnx -o back.safetensors
        code_is 0
        err_lacks "only the graph was read"
        if [[ $options == *f16 ]]; then # the halves are those that were written
            # shellcheck disable=SC2086
            run "$dae_cl" export back.safetensors -o twice.onnx $options
            cmp back.onnx twice.onnx || problem "$model $options: other halves"
        else
            cmp <(tensors "$model") <(tensors back.safetensors) || problem "$model $options: other parameters"
        fi
        n=$((n + 1))
    done
done
[ "$n" -eq $((3 * $(ls "$tree"/configs/*.yaml | wc -l))) ] || problem "only $n files came back"

case_is "what is wrong is named"
echo "name: a config" >config.onnx
: >empty.onnx
refused 2 "option -o is missing" digits.onnx
refused 5 "missing.onnx" missing.onnx -o no
refused 9 "empty.onnx: it is not an ONNX file" empty.onnx -o no
refused 9 "config.onnx: it is not an ONNX file" config.onnx -o no
refused 2 "contains weights without a network; --onto CONFIG names the network" run/model.safetensors -o no
refused 2 "--map is about weights" digits.onnx -o no --map config.onnx
refused 2 "--size expects HEIGHTxWIDTH, as 48x64, got '48'" digits.onnx -o no --size 48
refused 2 "--size expects HEIGHTxWIDTH" digits.onnx -o no --size 0x48
refused 2 "--size expects HEIGHTxWIDTH" digits.onnx -o no --size 4x8x
refused 2 "its config says what size samples have; leave out --size" digits.onnx -o no --size 28x28
refused 2 "again/model.safetensors exists, and import replaces nothing" digits.onnx -o again
refused 2 "run/model.safetensors exists" digits.onnx -o run
refused 5 "digits.onnx" digits.onnx -o digits.onnx
cmp run/model.safetensors again/model.safetensors || problem "a model was changed"

case_is "a disk that is full leaves nothing"
run bash -c 'ulimit -f 1; exec "$0" import digits.onnx -o no.safetensors' "$dae_cl"
code_is 5
[ -z "$(find . -name 'no*')" ] || problem "a file was left: $(find . -name 'no*')"

case_is "onnx and onnxruntime are installed"
if ! run python3 -m venv "$environment" || [ "$code" -ne 0 ]; then
    skip "python3 -m venv does not work here"
    finish
fi
run "$environment/bin/python" -m pip install --quiet --disable-pip-version-check onnx onnxruntime numpy
if [ "$code" -ne 0 ]; then
    skip "pip cannot install onnx, onnxruntime and numpy: $(tail -n 1 err)"
    finish
fi

case_is "graphs of every operator, in three versions"
mkdir graphs
run "$environment/bin/python" "$judge" graphs graphs
code_is 0
run "$environment/bin/python" "$judge" compare "$dae_cl" graphs
code_is 0
out_has "30 networks: largest difference "
cat out

case_is "every other command takes them"
model=graphs/padding_18
run "$dae_cl" check $model/config.yaml
code_is 0
run "$dae_cl" verify $model/config.yaml
code_is 0
run "$dae_cl" export $model -o $model/again.onnx
code_is 0
"$environment/bin/python" -c 'import numpy as np; np.save("train.npy", np.random.rand(64, 8, 12, 2).astype("f"))'
run "$dae_cl" run $model/config.yaml --set data.train=train.npy --set data.test=train.npy --set train.epochs=1 --set train.batch=16 \
    --set corruption='{gaussian: {sigma: 0.1}}' --out $model/trained
code_is 0

case_is "networks that PyTorch exports"
if [ -z "${TORCH_PEER:-}" ] || ! run "$TORCH_PEER" -c 'import torch, onnx, onnxscript' || [ "$code" -ne 0 ]; then
    skip "TORCH_PEER names no Python with torch, onnx and onnxscript"
    finish
fi
mkdir peers
run "$TORCH_PEER" "$judge" peers peers
code_is 0
run "$environment/bin/python" "$judge" compare "$dae_cl" peers
code_is 0
out_has "13 networks: largest difference "
cat out
grep -aq '"down.0.weight"' peers/unet/model.safetensors || problem "weights have lost their names"

finish
