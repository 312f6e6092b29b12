# `dae-cl verify`, its comparison of two devices, and the check of a device at its first use: what they print, what a broken
# kernel does to them, and what is remembered.
. "$(dirname "$0")/harness.sh"
small=tests/cli/small.yaml

# Copies kernel $1 to $work/kernels with the text $2 replaced by $3, for DAE_CL_KERNELS.
break_kernel() {
    mkdir -p "$work/kernels"
    python3 - "$1" "$2" "$3" "$work/kernels" <<'END' || problem "kernels/$1 does not hold '$2'"
import sys
name, find, replace, folder = sys.argv[1:]
text = open("kernels/" + name).read()
assert text.count(find) == 1
open(folder + "/" + name, "w").write(text.replace(find, replace))
END
}

case_is "a sound device: a table, and the verdict last"
run "$dae_cl" verify "$small"
code_is 0
err_has "device: "
tr -s ' ' <"$work/out" >"$work/squeezed"
for row in "layer what max error bound verdict" "gaussian_1 draws" "dense_1.weight product " "dense_2.weight product, A transposed" \
    "dense_2 values " "dense_1.bias gradient" "(all) guard zones 0 0 ok" "(all) same bits twice 0 0 ok" "sgd update" \
    "dense_2.bias joined and folded" "dense_2.bias parts"; do
    grep -qF -- "$row" "$work/squeezed" || problem "stdout lacks '$row'"
done
out_lacks FAILED
[[ $(tail -n 1 "$work/out") == "verdict: '"*"' computes small correctly" ]] || problem "$(tail -n 1 "$work/out")"

case_is "JSON with exactly the documented keys"
run "$dae_cl" verify "$small" --json
code_is 0
python3 - "$work/out" <<'END' || problem "wrong JSON"
import json, sys
d = json.load(open(sys.argv[1]))
assert list(d) == ["dae_cl_version", "name", "devices", "samples", "numbers", "checks", "failed", "passed", "seconds",
                   "rows"], list(d)
assert len(d["devices"]) == 1
assert list(d["devices"][0]) == ["platform", "device", "device_version", "driver_version", "shape"]
assert d["passed"] is True and d["failed"] == 0 and d["checks"] == len(d["rows"]) and d["samples"] == 16
assert d["numbers"] > 16 * 784 * 4 * 2
for row in d["rows"]:
    assert list(row) == ["layer", "type", "what", "error", "bound", "passed", "note"], row
    assert row["passed"] and row["error"] <= row["bound"]
assert {"layer": "dense_1.weight", "type": "dense", "what": "gradient"}.items() <= [
    r for r in d["rows"] if r["what"] == "gradient"][0].items()
END

case_is "the shape of a GPU"
run "$dae_cl" verify "$small" --set 'device={shape: grid}' --json
code_is 0
grep -q '"shape":.*"grid"' "$work/out" || problem "not grid"

case_is "what training adds is verified where the config asks for it: the penalty's gradient, the parameters' average"
out_lacks average
out_lacks penalty
for shape in wide grid; do
    run "$dae_cl" verify "$small" --set train.contractive=20 --set 'train.average={decay: 0.2}' --set "device={shape: $shape}"
    code_is 0
    tr -s ' ' <"$work/out" >"$work/squeezed"
    for row in "dense_1.weight gradient with penalty" "dense_2.bias gradient with penalty" "(all) average"; do
        grep -qF -- "$row" "$work/squeezed" || problem "stdout lacks '$row'"
    done
done
break_kernel contraction.cl '2.0f * s.scale' '1.9f * s.scale'
DAE_CL_KERNELS=$work/kernels run "$dae_cl" verify "$small" --set train.contractive=20
code_is 7
[[ $(tail -n 1 "$work/out") == *"the first: dense_1.weight: gradient with penalty off by "* ]] || problem "$(tail -n 1 "$work/out")"
rm "$work/kernels/contraction.cl"

case_is "a kernel that forgets the last sample: exit status 7, and the layer is named"
break_kernel dense.cl 'i < n; ++i' 'i < n - 1; ++i'
DAE_CL_KERNELS=$work/kernels run "$dae_cl" verify "$small"
code_is 7
err_lacks error
out_has "FAILED"
[[ $(tail -n 1 "$work/out") == "verdict: '"*"' computes small WRONGLY: "*"the first: dense_1.bias: gradient off by "* ]] ||
    problem "$(tail -n 1 "$work/out")"

case_is "NaN fails, and is null in JSON"
break_kernel dense.cl 'V sum = 0.0f;' 'V sum = NAN;'
DAE_CL_KERNELS=$work/kernels run "$dae_cl" verify "$small" --json
code_is 7
python3 - "$work/out" <<'END' || problem "wrong JSON"
import json, sys
d = json.load(open(sys.argv[1]))
assert d["passed"] is False and d["failed"] > 0
assert any(r["error"] is None and not r["passed"] for r in d["rows"])
END

case_is "a kernel that does not build is an error, not a verdict"
break_kernel dense.cl 'V sum = 0.0f;' 'V sum = nonsense;'
DAE_CL_KERNELS=$work/kernels run "$dae_cl" verify "$small"
code_is 7
err_has "clBuildProgram failed"
out_lacks verdict
rm -r "$work/kernels"

case_is "a device against itself"
run "$dae_cl" verify "$small" --against auto
code_is 0
err_has "against device: "
out_has "the same bits"
[ "$(tail -n 1 "$work/out")" = "verdict: the two devices compute small alike" ] || problem "$(tail -n 1 "$work/out")"

case_is "against a device that is not there"
run "$dae_cl" verify "$small" --against nosuchthing
code_is 3
err_has "'nosuchthing' comes from --against"

# ---- The check at a device's first use. ----

train() {
    rm -rf "$work/run"
    run "$dae_cl" run "$small" --out "$work/run" --set data.train=32 --set data.test=16 "$@"
}
verdicts() {
    find "$work/cache" -name 'verdict-*' | wc -l
}
rm -rf "$work/cache"

case_is "one line at the first use, none at the second"
train
code_is 0
[ "$(grep -c '^device check: first use with driver .* numbers, all as the double-precision reference has them' "$work/err")" -eq 1 ] ||
    problem "$(cat "$work/err")"
[ "$(verdicts)" -eq 1 ] || problem "$(verdicts) verdicts"
train
code_is 0
err_lacks "device check"

case_is "bench and denoise take the same verdict"
run "$dae_cl" bench "$small" --windows 1 --json
code_is 0
err_lacks "device check"
run "$dae_cl" denoise "$work/run/model.safetensors" docs/images/denoised_digits.png -o "$work/clean"
err_lacks "device check"

case_is "another shape has a verdict of its own"
train --set 'device={shape: grid}'
code_is 0
err_has "device check: first use"
[ "$(verdicts)" -eq 2 ] || problem "$(verdicts) verdicts"

case_is "a damaged verdict is not believed"
for file in "$work"/cache/verdict-*; do sed -i 's/"passed"/"failed"/' "$file"; done
train
code_is 0
err_has "is not used: it is damaged"
err_has "device check: first use"

case_is "a device that fails is not used"
break_kernel dense.cl 'i < n; ++i' 'i < n - 1; ++i'
export DAE_CL_KERNELS=$work/kernels
train
code_is 7
err_has "computes wrong numbers: dense_1.bias: gradient off by "
err_has "choose another device by --platform"
err_has "dae-cl verify CONFIG shows every layer"
err_has "--trust-device uses the device all the same"
[ ! -e "$work/run" ] || problem "the folder was made"
run "$dae_cl" bench "$small" --windows 1
code_is 7

case_is "--trust-device: one line of warning"
train --trust-device
code_is 0
[ "$(grep -c '^warning: device .* computes wrong numbers .* is used because of --trust-device' "$work/err")" -eq 1 ] ||
    problem "$(cat "$work/err")"
unset DAE_CL_KERNELS

case_is "kernels that are being worked on leave no verdict behind"
train
code_is 0
err_lacks "device check"

case_is "a failure is remembered, and lifted by a verification that passes"
python3 - "$work/cache" <<'END' || problem "cannot write a verdict"
import glob, hashlib, json, sys
for path in glob.glob(sys.argv[1] + "/verdict-*"):
    memo = json.load(open(path))
    memo["value"] = {"passed": False, "why": "conv2d_1: values off by 1"}
    text = memo["key"] + "\0" + json.dumps(memo["value"], separators=(",", ":"))
    memo["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    json.dump(memo, open(path, "w"))
END
train
code_is 7
err_has "computes wrong numbers: conv2d_1: values off by 1; it is not used"
err_lacks "first use"
train --trust-device
code_is 0
err_has "warning: device"
run "$dae_cl" verify "$small"
code_is 0
train
code_is 0
err_lacks "device check"

case_is "no place to remember: the check runs each time, and says so"
touch "$work/file"
for i in 1 2; do
    DAE_CL_CACHE_DIR=$work/file train
    code_is 0
    err_has "device check: its verdict cannot be remembered"
done

finish
