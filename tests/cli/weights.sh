# dae-cl import --onto and export --pytorch: weights in PyTorch's layout compute what a forward pass in numpy computes, and
# come back as they were; what is wrong or open is named. TORCH_PEER names a Python with torch and safetensors, whose
# networks are compared as well.
. "$(dirname "$0")/harness.sh"
environment=$BUILD/onnx
judge=$tree/tests/cli/weights_judge.py
export PYTHONDONTWRITEBYTECODE=1
cd "$work" || exit 1

case_is "numpy is installed"
python=python3
if ! run python3 -c 'import numpy' || [ "$code" -ne 0 ]; then
    python=$environment/bin/python
    if ! run python3 -m venv "$environment" || [ "$code" -ne 0 ] ||
        ! run "$python" -m pip install --quiet --disable-pip-version-check numpy || [ "$code" -ne 0 ]; then
        skip "there is no numpy, and pip cannot install it: $(tail -n 1 err)"
        finish
    fi
fi

case_is "convolutions, normalisations, dense layers and shuffles, in four types of floats, and back"
run "$python" "$judge" judge "$dae_cl"
code_is 0
out_has "5 networks in 4 types: largest difference "
cat out

refused() { # CODE PIECE ARGUMENTS...: no file is left
    local want=$1 piece=$2
    shift 2
    run "$dae_cl" import "$@" -o no
    code_is "$want"
    err_has "$piece"
    [ ! -e no ] || problem "a folder was left"
}

case_is "what is wrong or open is named"
run "$python" "$judge" break
code_is 0
refused 9 "no module has the shapes of layer grown: weight (7,5,2,2), bias (5)" missing.safetensors --onto unet.yaml
refused 9 "no layer of the network takes these tensors: critic.bias (2), critic.weight (2,3)" left.safetensors --onto unet.yaml
refused 9 "no module has the shapes of layer grown" turned.safetensors --onto unet.yaml
refused 9 "tensor 'tail.bias' has a number that is no finite 32-bit float" infinite.safetensors --onto unet.yaml
refused 9 "tensor 'tail.bias' has a number that is no finite 32-bit float" large.safetensors --onto unet.yaml
refused 9 "tensor 'tail.bias' is I64; weights are F16, BF16, F32 or F64" integer.safetensors --onto unet.yaml
refused 9 "short.safetensors" short.safetensors --onto unet.yaml
refused 9 "2 layers (first, second) and 2 modules (dec, enc) have the same shapes, weight (6,6), bias (6)" twins.safetensors --onto twins.yaml
err_has "--map FILE says it, in lines LAYER: MODULE"
refused 5 "missing file" "missing file.safetensors" --onto unet.yaml
refused 2 "missing.yaml" whole.safetensors --onto missing.yaml
refused 2 "contains weights without a network; --onto CONFIG names the network" whole.safetensors
refused 2 "leave out --size" whole.safetensors --onto unet.yaml --size 8x8

case_is "a map that is wrong is refused at its line"
mapped() { # CODE PIECE LINES
    printf '%b' "$3" >map.yaml
    refused "$1" "$2" twins.safetensors --onto twins.yaml --map map.yaml
}
mapped 2 "map.yaml:2:1: error: no layer with weights is called 'third'" 'first: enc\nthird: dec\n'
mapped 2 "map.yaml:1:8: error: twins.safetensors has no module 'inc'" 'first: inc\n'
mapped 2 "map.yaml:2:9: error: the module 'enc' is given to two layers" 'first: enc\nsecond: enc\n'
mapped 2 "map.yaml:1:15: error: twins.safetensors has no tensor 'enc.gain'" 'first.weight: enc.gain\n'
mapped 2 "first.weight: the tensor 'enc.bias' is (6), but it needs (6,6)" 'first.weight: enc.bias\n'
mapped 9 "no layer of the network takes these tensors: dec.bias (6), dec.weight (6,6)" 'first: enc\nsecond.bias: enc.bias\n'
echo "head: up" >map.yaml
refused 2 "no layer with weights is called 'head'" whole.safetensors --onto unet.yaml --map map.yaml
echo "first: up" >map.yaml
refused 2 "first: 'up' has bias (5), weight (7,5,2,2); the layer has weight (5,3,3,3), bias (5)" whole.safetensors --onto unet.yaml --map map.yaml

case_is "pickles are refused with the line that converts them"
printf 'PK\003\004 and more of it' >zip.bin
printf '\200\002}q\001X\006\000\000\000weight' >pickle.bin
: >weights.pth
for file in zip.bin pickle.bin weights.pth; do
    refused 9 "$file: it is a pickle of PyTorch's, and reading one runs code; convert it to safetensors" $file --onto unet.yaml
    err_has 'weights_only=True'
done

case_is "a model of dae-cl needs no import"
run "$dae_cl" import whole.safetensors --onto unet.yaml -o unet
code_is 0
refused 9 "dae-cl wrote it, so it needs no import" unet/model.safetensors --onto unet.yaml
run "$dae_cl" import whole.safetensors --onto unet.yaml -o unet
code_is 2
err_has "import replaces nothing"

case_is "a Python module that the user wrote is not replaced"
run "$dae_cl" export unet --pytorch -o mine.safetensors
code_is 0
run "$dae_cl" export unet --pytorch -o mine.safetensors
code_is 0
run python3 -m py_compile mine.py
code_is 0
echo "print(1)" >mine.py
run "$dae_cl" export unet --pytorch -o mine.safetensors
code_is 2
err_has "mine.py exists, and dae-cl did not write it"
run "$dae_cl" export unet --pytorch -o mine.onnx
code_is 2
err_has "-o expects NAME.safetensors"
run "$dae_cl" export unet --pytorch --opset 17 -o other.safetensors
code_is 2
err_has "--opset is about ONNX files"
[ ! -e other.safetensors ] || problem "a file was left"

case_is "the maps of configs/published name layers of their configs"
for map in "$tree"/configs/published/*.map.yaml; do
    config=${map%.map.yaml}.yaml
    run "$dae_cl" check "$config"
    code_is 0
    while IFS=: read -r layer _; do
        [[ $layer == "#"* ]] || grep -q " $layer\$" "$config" || problem "$map: $config has no layer $layer"
    done <"$map"
done

case_is "PyTorch's own networks, and modules of every shipped config and of random networks"
if [ -z "${TORCH_PEER:-}" ] || ! run "$TORCH_PEER" -c 'import torch, safetensors' || [ "$code" -ne 0 ]; then
    skip "TORCH_PEER names no Python with torch and safetensors"
    finish
fi
run "$TORCH_PEER" "$judge" published "$dae_cl" "$tree/configs/published"
code_is 0
cat out
mkdir models networks
run python3 "$tree/tests/cli/onnx_judge.py" networks "${ONNX_NETWORKS:-4}" networks
code_is 0
DAE_CL_PLUGINS=$BUILD/plugins run "$BUILD/tests/model/test_onnx_export" models "$tree"/configs/*.yaml networks/*.yaml
code_is 0
run "$TORCH_PEER" "$judge" modules "$dae_cl" models
code_is 0
cat out

finish
