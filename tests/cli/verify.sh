# `dae-cl verify`, its comparison of two devices, and the check at a device's first use: what they print, how they react to
# a broken kernel, and what is remembered.
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
break_kernel contraction.cl '2.0f * penalty_scale' '1.9f * penalty_scale'
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
[ "$(tail -n 1 "$work/out")" = "verdict: the two devices agree on small" ] || problem "$(tail -n 1 "$work/out")"

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
[ "$(grep -c '^device check: first use with driver .* numbers, all agree with the double-precision reference' "$work/err")" -eq 1 ] ||
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
err_has "--trust-device uses the device anyway"
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

case_is "a verdict of a version that blamed devices for configs counts for nothing"
python3 - "$work/cache" <<'END' || problem "cannot write a verdict"
import glob, hashlib, json, sys
for path in glob.glob(sys.argv[1] + "/verdict-*"):
    memo = json.load(open(path))
    memo["key"] = memo["key"].split("\n", 1)[1] # as it was then: without a format
    memo["value"] = {"passed": False, "why": "loss: mean off by nan"}
    text = memo["key"] + "\0" + json.dumps(memo["value"], separators=(",", ":"))
    memo["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    json.dump(memo, open(sys.argv[1] + "/verdict-" + hashlib.sha256(memo["key"].encode()).hexdigest()[:16] + ".json", "w"))
END
train
code_is 0

# ---- What proves nothing about a device. ----

linear=tests/cli/no_sigmoid.yaml
train_linear() {
    rm -rf "$work/run"
    run "$dae_cl" run "$linear" --out "$work/run" "$@"
}
forget() {
    rm -f "$work"/cache/verdict-*
}
is_void() { # WHY
    err_has "device check: first use with driver "
    err_has ": void, so it is repeated at the next start: $1"
    err_lacks "computes wrong numbers"
    [ "$(verdicts)" -eq 0 ] || problem "the verdict is remembered"
}

case_is "a config that diverges: the check is void, nothing is remembered, and the next config runs"
forget
train_linear --set train.loss=bce
code_is 8
is_void "the config's own numbers leave the range of float: loss: mean is not finite, in double precision either"
[ ! -e "$work/run/model.safetensors" ] || problem "a model was saved"
run "$dae_cl" bench "$linear" --windows 1 --set train.loss=bce
is_void "the config's own"
for rate in 1e6 1e12; do
    forget
    train_linear --set "train.optimizer={sgd: {lr: $rate}}"
    code_is 8
    err_lacks "computes wrong numbers"
    train_linear
    code_is 0
done

case_is "verify of a config that diverges: no verdict on the device, exit status 8"
run "$dae_cl" verify "$linear" --set train.loss=bce
code_is 8
out_lacks FAILED
out_lacks WRONGLY
[[ $(tail -n 1 "$work/out") == "verdict: none on '"*"checks are void, because the numbers of no_sigmoid leave the range of float even in the reference; the first: loss: values is not finite"* ]] ||
    problem "$(tail -n 1 "$work/out")"
run "$dae_cl" verify "$linear" --set train.loss=bce --json
code_is 8
python3 - "$work/out" <<'END' || problem "wrong JSON"
import json, sys
d = json.load(open(sys.argv[1]))
assert d["passed"] is False and d["failed"] == 0
void = [r for r in d["rows"] if not r["passed"]]
assert void and all(r["note"].startswith("void: ") and r["error"] is None for r in void)
END
run "$dae_cl" verify "$linear" --set train.loss=bce --against auto
code_is 8
out_lacks "the devices differ"
run "$dae_cl" verify "$linear" --set 'train.optimizer={sgd: {lr: 1e12}}'
out_lacks WRONGLY
[ "$code" -eq 0 ] || [ "$code" -eq 8 ] || problem "exit status $code"

case_is "a product that is wrong is seen in a config that diverges, too"
break_kernel gemm.cl 'sum[r + q][c] = MULTIPLY_ADD(left, right[c], sum[r + q][c]);' 'sum[r + q][c] = left * right[c];'
DAE_CL_KERNELS=$work/kernels run "$dae_cl" verify "$small" --set 'train.loss=bce' --set 'model.layers.4=relu'
code_is 7
rm -r "$work/kernels"

case_is "a plugin from outside of the program is not held against the device"
mkdir -p "$work/stranger"
cc -shared -fPIC -Isrc -DWRONG -o "$work/stranger/swish.so" tests/cli/swish.c || problem "cannot compile"
forget
train --plugins "$work/stranger" --set model.layers.2=swish
code_is 0
is_void "plugin 'swish' ($work/stranger/swish.so) is not part of dae-cl, and may be the cause: dense_1."
run "$dae_cl" verify "$small" --plugins "$work/stranger" --set model.layers.2=swish
code_is 7
[[ $(tail -n 1 "$work/out") == "verdict: small is computed WRONGLY: "*"'"*"' is not to blame, because plugin 'swish' ($work/stranger/swish.so) is not part of dae-cl: see its dx or dw, or backward" ]] ||
    problem "$(tail -n 1 "$work/out")"
cc -shared -fPIC -Isrc '-DFORMULA="x"' -o "$work/stranger/swish.so" tests/cli/swish.c || problem "cannot compile"
run "$dae_cl" verify "$small" --plugins "$work/stranger" --set model.layers.2=swish
code_is 7
[[ $(tail -n 1 "$work/out") == *"is not part of dae-cl: its y, or forward, disagrees with its reference" ]] ||
    problem "$(tail -n 1 "$work/out")"
cc -shared -fPIC -Isrc '-DNAME="other"' -o "$work/stranger/other.so" tests/cli/swish.c || problem "cannot compile"
run "$dae_cl" verify "$small" --plugins "$work/stranger" --set model.layers.2=other --set model.layers.4=swish
code_is 7
[[ $(tail -n 1 "$work/out") == *"because plugin 'swish' ($work/stranger/swish.so) is not part of dae-cl: its y, or"* ]] ||
    problem "the wrong one of two: $(tail -n 1 "$work/out")"
rm "$work/stranger/other.so"
train
code_is 0
err_has "all agree with the double-precision reference"

case_is "no place to remember: the check runs each time, and says so"
touch "$work/file"
for i in 1 2; do
    DAE_CL_CACHE_DIR=$work/file train
    code_is 0
    err_has "device check: its verdict cannot be remembered"
done

finish
