# `dae-cl bench`: the keys of its JSON, its table, and what it refuses. No test depends on how fast anything is.
. "$(dirname "$0")/harness.sh"
small=tests/cli/small.yaml

case_is "JSON with exactly the documented keys"
run "$dae_cl" bench "$small" --json --windows 1
code_is 0
python3 - "$work/out" <<'END' || problem "wrong JSON"
import json, math, sys
d = json.load(open(sys.argv[1]))
assert list(d) == ["train_images_per_second", "infer_images_per_second", "launches_per_step", "host_waits_per_step",
                   "start_seconds", "peak_rss_bytes", "gemm_gflops_peak", "copy_gb_per_second", "kernels"], list(d)
assert list(d["start_seconds"]) == ["platform", "build", "load", "first_step", "total"]
assert d["start_seconds"]["total"] >= sum(v for k, v in d["start_seconds"].items() if k != "total")
for k in d["kernels"]:
    assert list(k) == ["name", "calls", "milliseconds", "share", "gflops"], k
    assert k["gflops"] is None or k["gflops"] >= 0
assert all(d[k] > 0 for k in list(d) if k not in ("host_waits_per_step", "start_seconds", "kernels"))
assert math.isclose(sum(k["share"] for k in d["kernels"]), 1)
assert math.isclose(sum(k["calls"] for k in d["kernels"]), d["launches_per_step"])
assert any(k["name"] == "gemm 16x8x784 forward" for k in d["kernels"])
END

case_is "the text, with another batch"
run "$dae_cl" bench "$small" --batch 48 --windows 2
code_is 0
out_has "small, batch 48, sgd"
out_has "generated digits, as bytes, on the device; the config's data are not used"
for word in "training  " "inference  " "step  " "start  " "memory  " "device  " "(2 windows: " "of peak"; do
    out_has "$word"
done
out_has "gemm 48x8x784 forward"
out_has "step_update"

case_is "data files are not needed"
run "$dae_cl" bench "$small" --windows 1 --json --set 'data={source: idx, path: /nonexistent}'
code_is 0

case_is "data that are streamed"
run "$dae_cl" bench "$small" --windows 1 --set data.memory=1
code_is 0
out_has "generated digits, as bytes, streamed to the device"

case_is "refusals, before any OpenCL call"
export OCL_ICD_VENDORS=/nonexistent
for windows in 0 -1 x 5x 1001 99999999999999999999; do
    run "$dae_cl" bench "$small" --windows="$windows"
    code_is 2
    err_has "bench: --windows '$windows': expects a number from 1 to 1000"
done
for batch in 0 x 1.5 65537 '{}'; do
    run "$dae_cl" bench "$small" --batch="$batch"
    code_is 2
    err_has "train.batch=$batch"
done
run "$dae_cl" bench
code_is 2
err_has "CONFIG is missing"

case_is "no device"
run "$dae_cl" bench "$small"
code_is 3
unset OCL_ICD_VENDORS

case_is "a batch that no memory holds"
run "$dae_cl" bench "$small" --batch 65536 --set model.input=[28,28,900] --set model.layers.3.dense.units=705600 \
    --set model.layers.5.reshape.shape=[28,28,900]
code_is 6

finish
