# `dae-cl tune` tries settings and remembers them for the device; later runs use them, but check them first.
. "$(dirname "$0")/harness.sh"

small=tests/cli/small.yaml
export DAE_CL_CACHE_DIR=$work/own
quick=(--set train.batch=16)
fewer=("${quick[@]}" --set model.layers=[batchnorm2d]) # without products and convolutions there are fewer trials

case_is "it tries, chooses and remembers"
run "$dae_cl" tune "$small" "${quick[@]}" --platform cpu --json
code_is 0
err_has "device: CPU"
python3 - "$work/out" <<'END' || problem "wrong JSON"
import json, sys
tuned = json.load(open(sys.argv[1]))
trials = tuned["trials"]
assert len(trials) >= 5 and trials[0]["what"] == "as it was" and trials[0]["chosen"]
assert all(trial["images_per_second"] > 0 for trial in trials)
assert len({trial["what"] for trial in trials}) == len(trials)
assert tuned["after_images_per_second"] > 0 and tuned["before_images_per_second"] > 0
assert tuned["conv_tile"] >= tuned["conv_block"] >= 1 and tuned["conv_rows"] >= 1
assert tuned["gemm_rows"] >= 1 and tuned["gemm_columns"] >= 1 and tuned["units"] >= 1 and tuned["mul_hi"] in (0, 1)
END
table=$(find "$work/own" -name 'tuning-*.json')
[ -f "$table" ] || problem "nothing was remembered"

case_is "a table for people"
run "$dae_cl" tune "$small" "${fewer[@]}" --platform cpu
code_is 0
out_has "as it was"
out_has "remembered for this device: products by"

case_is "a run goes by the table, without a word"
run "$dae_cl" run "$small" --platform cpu --out "$work/a"
code_is 0
err_lacks "warning"

case_is "a damaged table is not used, and that is said"
cp "$table" "$work/sound"
sed -i 's/gemm_rows/gemm_cows/' "$table"
run "$dae_cl" run "$small" --platform cpu --out "$work/b"
code_is 0
err_has "warning: $table is not used: it is damaged"

case_is "asked not to look, it does not"
run "$dae_cl" run "$small" --platform cpu --set 'device={tuned: false}' --out "$work/c"
code_is 0
err_lacks "warning"

case_is "a table that others may write is not used"
cp "$work/sound" "$table"
chmod 666 "$table"
run "$dae_cl" run "$small" --platform cpu --out "$work/d"
code_is 0
err_has "other users may write to it"

# ---- At a device's first use. ----

unset DAE_CL_TUNE
export DAE_CL_CACHE_DIR=$work/first
convolution='model.layers=[conv2d: {filters: 4, kernel: 3, pad: 1}, conv2d: {filters: 1, kernel: 3, pad: 1}]'
train() { # FOLDER [OPTION...]
    local out=$work/$1
    shift
    run "$dae_cl" run "$small" --platform cpu --out "$out" "$@"
}
tables() {
    find "$DAE_CL_CACHE_DIR" -name 'tuning-*.json' | wc -l
}
measured() { # TIMES
    [ "$(grep -c '^device tuning: first use: [0-9]* candidates\? in [0-9.]* s: ' "$work/err")" -eq "$1" ] ||
        problem "not measured $1 times: $(cat "$work/err")"
}

case_is "one who does not want what is remembered gets no measurement"
train none --set 'device={tuned: false}'
code_is 0
measured 0
[ "$(tables)" -eq 0 ] || problem "something was remembered"

case_is "ranks do not measure, because they would at the same time"
train ranks --ranks 2 --set train.parts=2
code_is 0
measured 0
[ "$(tables)" -eq 0 ] || problem "something was remembered"

case_is "the first network with products is measured once, and its bytes stay the same"
train first
code_is 0
measured 1
[ "$(tables)" -eq 1 ] || problem "$(tables) tables"
grep -Eq '"products_timed":[[:space:]]*1' "$DAE_CL_CACHE_DIR"/tuning-*.json || problem "products are not marked"
grep -Eq '"convolutions_timed":[[:space:]]*0' "$DAE_CL_CACHE_DIR"/tuning-*.json || problem "convolutions are marked"
train second
code_is 0
measured 0
cmp -s "$work/first/model.safetensors" "$work/second/model.safetensors" || problem "the second run has other bytes"

case_is "so is the first one with convolutions"
train third --set "$convolution"
code_is 0
measured 1
train fourth --set "$convolution"
measured 0
cmp -s "$work/third/model.safetensors" "$work/fourth/model.safetensors" || problem "the second run has other bytes"

case_is "a run that goes on after a measurement is not told that its bytes differ"
train first --resume --set train.epochs=2
code_is 0
measured 0
err_lacks "tuning"

case_is "runs that start together agree on one measurement"
rm "$DAE_CL_CACHE_DIR"/tuning-*.json
for i in 1 2 3; do
    "$dae_cl" run "$small" --platform cpu --out "$work/together$i" 2>"$work/err$i" >"$work/out$i" &
done
wait
cat "$work"/err[123] >"$work/err"
measured 1
for i in 2 3; do
    cmp -s "$work/together1/model.safetensors" "$work/together$i/model.safetensors" || problem "run $i has other bytes"
done

case_is "a damaged memory is reported, and measured again"
sed -i 's/"gemm_rows": *[0-9]*/"gemm_rows": 1000/' "$DAE_CL_CACHE_DIR"/tuning-*.json
train damaged
code_is 0
err_has "is not used: it is damaged"
measured 1
train mended
measured 0
err_lacks "warning"

case_is "what cannot be remembered is not measured"
DAE_CL_CACHE_DIR=/dev/null train nowhere
code_is 0
measured 0

case_is "nowhere to remember: an error that says so"
DAE_CL_CACHE_DIR=/dev/null run "$dae_cl" tune "$small" "${fewer[@]}" --platform cpu --trust-device
code_is 5
err_has "/dev/null"

finish
