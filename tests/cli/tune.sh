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

case_is "nowhere to remember: an error that says so"
DAE_CL_CACHE_DIR=/dev/null run "$dae_cl" tune "$small" "${fewer[@]}" --platform cpu --trust-device
code_is 5
err_has "/dev/null"

finish
