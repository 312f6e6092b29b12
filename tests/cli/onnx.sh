# dae-cl export: ONNX's checker accepts what it writes, and onnxruntime computes from it what dae-cl denoise computes.
# ONNX_NETWORKS random networks are exported as well, 4 if not set.
. "$(dirname "$0")/harness.sh"
networks=${ONNX_NETWORKS:-4}
judge=$tree/tests/cli/onnx_judge.py
export PYTHONPYCACHEPREFIX=$work/bytecode
cd "$work" || exit 1

cp "$tree/tests/cli/digits.yaml" .
sed 's/relu/swish/' "$tree/tests/cli/small.yaml" >swish.yaml
run "$dae_cl" run digits.yaml --out run

refused() { # CODE PIECE ARGUMENTS...: no file is left
    local want=$1 piece=$2
    shift 2
    run "$dae_cl" export "$@"
    code_is "$want"
    err_has "$piece"
    [ -z "$(find . -name 'no.onnx*')" ] || problem "a file was left: $(find . -name 'no.onnx*')"
}

case_is "the command"
run "$dae_cl" export run -o first.onnx
if [ "$code" -eq 2 ] && grep -qF "this build lacks protobuf-c; install libprotobuf-c-dev" err; then
    [ ! -e first.onnx ] || problem "a file was written"
    skip "$(sed 's/^dae-cl: error: //' err)"
    finish
fi
code_is 0
out_is <<'END'
first.onnx: 8 nodes, opset 17, weights as 32-bit floats
  input   input (1, 1, 28, 28)
  output  output (1, 1, 28, 28)
END
err_is </dev/null
run "$dae_cl" export run/model.safetensors -o half.onnx --dynamic --dtype f16 --opset 20
code_is 0
out_is <<'END'
half.onnx: 11 nodes, opset 20, weights as 16-bit floats
  input   input (batch, 1, height, width)
  output  output (batch, 1, height, width)
  height must be a multiple of 2, width of 2
END

case_is "the same model gives the same bytes, also in place of an older file"
echo old >again.onnx
run "$dae_cl" export run -o again.onnx
code_is 0
cmp -s first.onnx again.onnx || problem "other bytes"

case_is "what is wrong is named"
refused 2 "option -o is missing" run
refused 2 "--opset expects a number from 17 to 20, got '16'" run -o no.onnx --opset 16
refused 2 "--opset expects a number from 17 to 20, got '18x'" run -o no.onnx --opset 18x
refused 2 "--dtype expects f32 or f16, got 'f64'" run -o no.onnx --dtype f64
refused 9 "it is a config, not a model" digits.yaml -o no.onnx
refused 5 "missing/no.onnx" run -o missing/no.onnx
cp run/model.safetensors m.st
refused 2 "export: m.st would overwrite the model m.st; give another name to -o" m.st -o m.st
cmp -s m.st run/model.safetensors || problem "the model was written over"

case_is "a file beyond the limit is not left half-written"
run bash -c 'ulimit -f 1; exec "$0" export run -o no.onnx' "$dae_cl"
code_is 5
[ -z "$(find . -name 'no.onnx*')" ] || problem "a file was left"

case_is "a plugin that does not say how ONNX computes it: its name, the layer's, and the line"
mkdir plugins
compile() { # FLAG...
    run cc -shared -fPIC -I"$BUILD/include" "$@" -o plugins/swish.so "$tree/tests/cli/swish.c"
    code_is 0
}
compile
run "$dae_cl" run swish.yaml --plugins plugins --out swish
code_is 0
refused 2 "error: swish \"swish_1\": cannot be exported to ONNX, because plugin 'swish' does not describe it" \
    swish -o no.onnx --plugins plugins
err_has "swish/model.safetensors:"

case_is "a plugin that was built before the contract knew ONNX still loads"
compile '-DSIZE=offsetof(struct dae_pointwise,onnx)'
refused 2 "because plugin 'swish' does not describe it" swish -o no.onnx --plugins plugins
compile '-DSIZE=(sizeof(struct dae_pointwise)+8)'
refused 10 "its table has another size" swish -o no.onnx --plugins plugins

case_is "onnx and onnxruntime are installed"
python_with onnx onnxruntime numpy
if [ -n "$why" ]; then
    skip "$why"
    finish
fi

differs_at_most() { # BOUND ONNX X Y, in units of the output's range
    run "$environment/bin/python" "$judge" compare "${@:2}"
    code_is 0
    awk -v bound="$1" 'NF == 1 && $1 <= bound { good = 1 } END { exit !good }' out ||
        problem "$2: difference $(cat out)"
}
case_is "a trained model: what dae-cl denoise computes, for its own size and for images of another"
"$environment/bin/python" -c '
import numpy as np
np.save("own.npy", np.random.default_rng(3).random((3, 28, 28, 1), np.float32))
np.save("large.npy", np.random.default_rng(4).random((2, 50, 34, 1), np.float32))'
run "$dae_cl" denoise run own.npy large.npy -o clean
code_is 0
run "$dae_cl" export run -o dynamic.onnx --dynamic
code_is 0
differs_at_most 1e-5 first.onnx own.npy clean/own.npy
differs_at_most 1e-5 dynamic.onnx own.npy clean/own.npy
differs_at_most 1e-5 dynamic.onnx large.npy clean/large.npy
differs_at_most 2e-3 half.onnx large.npy clean/large.npy

case_is "metadata: the config, the range, and what height and width must be multiples of"
cat >meta.py <<'END'
import onnx

model = onnx.load("dynamic.onnx")
meta = {item.key: item.value for item in model.metadata_props}
assert sorted(meta) == ["config", "multiple", "range"], sorted(meta)
assert meta["multiple"] == "2 2" and meta["range"] == "0 1"
assert "name: digits" in meta["config"] and "filters: 4" in meta["config"]
assert (model.producer_name, model.graph.name) == ("dae-cl", "digits") and model.producer_version
assert [(item.domain, item.version) for item in model.opset_import] == [("", 17)]
END
run "$environment/bin/python" meta.py
code_is 0

case_is "every shipped config and random networks, in four ways"
mkdir models networks
run python3 "$judge" networks "$networks" networks
code_is 0
DAE_CL_PLUGINS=$BUILD/plugins run "$BUILD/tests/model/test_onnx_export" models "$tree"/configs/*.yaml networks/*.yaml
code_is 0
n=$(ls "$tree"/configs/*.yaml networks/*.yaml | wc -l)
[ "$(find models -name '*.safetensors' | wc -l)" -eq "$n" ] || problem "models are missing: $(ls models)"
run "$environment/bin/python" "$judge" judge "$dae_cl" models
code_is 0
out_has "$n models, f32: largest difference "
out_has "$n models, f16: largest difference "
cat out

finish
