# `dae-cl run`: its files, how it stops and continues, and each kind of failure while data, device and disk are in use.
. "$(dirname "$0")/harness.sh"

tiny=$work/tiny.yaml
cat >"$tiny" <<'END'
name: tiny
seed: 5
data: {source: digits, train: 640, test: 96}
corruption: {gaussian: {sigma: 0.3, clamp: [0, 1]}}
model:
  input: [28, 28, 1]
  layers:
    - conv2d: {filters: 4, kernel: 3, pad: 1}
    - relu
    - maxpool2d: {kernel: 2}
      name: code
    - conv_transpose2d: {filters: 1, kernel: 2, stride: 2}
    - sigmoid
  code: code
train: {loss: bce, optimizer: {adam: {lr: 0.01}}, batch: 32, epochs: 3}
compare: [standard_ae, affine, pca]
END
# The same without rivals, long enough to be stopped.
long=(--set compare=[] --set data.train=20000 --set train.epochs=200)
no_half_written() { # FOLDER: no temporary is left
    local left
    left=$(find "$1" -name '*.tmp.*' 2>/dev/null)
    [ -z "$left" ] || problem "left behind: $left"
}

case_is "several names split each batch; two names of one device are refused"
POCL_DEVICES='pthread pthread' run "$dae_cl" run "$tiny" --platform pthread:0,pthread:1 --set compare=[] --out "$work/two"
code_is 0
err_has "of 32 samples of each batch on"
run "$dae_cl" run "$tiny" --platform cpu,cpu --out "$work/same"
code_is 2
err_has "mean the same device"
run "$dae_cl" bench "$tiny" --platform cpu,cpu
code_is 2
err_has "only dae-cl run uses more than one"

case_is "a run leaves everything, and says how it went"
run "$dae_cl" run "$tiny" --platform cpu --out "$work/a"
code_is 0
out_has "noisy input"
out_has "denoising AE"
out_has "standard AE"
out_has "best affine map"
grep -qE '^  noisy input .* \+0\.[0-9]{5} \+- 0\.[0-9]{5}$' "$work/out" || problem "no paired difference: $(cat "$work/out")"
out_has "The affine map's ridge of "
out_has " unknowns per output, so with more samples this rival would become stronger"
out_has "(Paired 95 % intervals over "
out_has "this is one, with seed 5.)"
out_has "report: $work/a/report.html"
err_has "device: CPU"
err_has "epoch 3/3  loss"
for file in config.yaml log.jsonl run.json model.safetensors report.html checkpoint/model.safetensors \
    checkpoint/standard_ae.safetensors figures/{images,losses,comparison,filters}.{png,svg}; do
    [ -s "$work/a/$file" ] || problem "$file is missing"
done
no_half_written "$work/a"
python3 - "$work/a" <<'END' || problem "wrong run.json, log or report"
import datetime, json, math, shlex, sys
folder = sys.argv[1]
run = json.load(open(folder + "/run.json"))
assert abs((datetime.datetime.fromisoformat(run["finished"][:-1]) - datetime.datetime.utcnow()).total_seconds()) < 600
words = shlex.split(run["command"])
assert words[1] == "run" and folder in words and len(run["train_checksum"]) == 8, run["command"]
for key in "device platform seed parameters epochs train_seconds images_per_second".split():
    assert key in run, key
assert run["seed"] == 5 and run["epochs"] == 3 and run["parameters"] == 3 * 3 * 4 + 4 + 2 * 2 * 4 + 1
assert run["launches_per_step"] <= 20 and len(run["train_losses"]) == 3
assert run["train_losses"][2] < run["train_losses"][0]
for method in "noisy model standard_ae affine pca".split():
    assert 0 < run["test"][method]["mse"] < 0.2 and 5 < run["test"][method]["psnr"] < 40, method
assert run["test"]["model"]["mse"] < run["test"]["noisy"]["mse"]
assert run["test"]["noisy"]["model_is"] == "better" and "model_is" not in run["test"]["model"]
strongest = min((run["test"][key]["mse"], key) for key in "noisy affine pca".split())[1]
margin, less = (run["test"][strongest][key] for key in ("model_mse_less_this_margin", "model_mse_less_this"))
assert abs(less - (run["test"]["model"]["mse"] - run["test"][strongest]["mse"])) < 1e-9 and margin > 0
word = "no difference seen" if abs(less) < margin else "better" if less < 0 else "worse"
assert run["test"][strongest]["model_is"] == word, run["test"]
said = {"no difference seen": "No difference is seen between", "better": "is better than", "worse": "is WORSE than"}[word]
assert said in run["verdict"] and "seed 5" in run["verdict"], run["verdict"]
assert math.isclose(run["test"]["pca"]["mse"], run["test"]["noisy"]["mse"], rel_tol=0.5)
events = [json.loads(line) for line in open(folder + "/log.jsonl")]
assert [e["event"] for e in events] == ["start"] + ["epoch"] * 6 + ["done"]
page = open(folder + "/report.html").read()
assert "http-equiv" in page and "src=\"http" not in page and "denoising AE" in page
assert page.index('<p class="verdict">') < page.index("<table")
END

case_is "the resolved config gives the same model again"
run "$dae_cl" run "$work/a/config.yaml" --platform cpu --out "$work/b" --set compare=[]
code_is 0
python3 - "$work/a/model.safetensors" "$work/b/model.safetensors" <<'END' || problem "the weights differ"
import json, struct, sys
def data(path):
    raw = open(path, "rb").read()
    n = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + n])
    assert "conv2d_1.weight" in header and "model:" in header["__metadata__"]["config"]
    assert header["conv2d_1.weight"]["shape"] == [9, 4]
    return raw[8 + n:]
assert data(sys.argv[1]) == data(sys.argv[2])
END

case_is "--json prints run.json and nothing else"
run "$dae_cl" run "$tiny" --platform cpu --out "$work/c" --set compare=[] --set train.epochs=1 --json
code_is 0
python3 -c 'import json, sys; assert json.load(open(sys.argv[1])) == json.load(open(sys.argv[2]))' "$work/out" \
    "$work/c/run.json" || problem "stdout is not run.json"

# The shell starts background jobs with SIGINT ignored; env restores it.
stopped_run() { # SIGNAL FOLDER: starts a long run, waits for its first epoch, sends the signal
    env --default-signal=INT,TERM "$dae_cl" run "$tiny" "${long[@]}" --platform cpu --out "$2" >"$work/out" 2>"$work/err" &
    local pid=$! i
    for ((i = 0; i < 600; ++i)); do
        grep -q '"epoch":2' "$2/log.jsonl" 2>/dev/null && break
        sleep 0.1
    done
    kill -"$1" $pid
    wait $pid
    code=$?
}

case_is "Ctrl-C ends after the step, with a checkpoint, and says how to go on"
stopped_run INT "$work/int"
code_is 130
err_has "dae-cl: stopped in epoch"
err_lacks "error" # it was asked for
err_has "--resume"
[ -s "$work/int/checkpoint/model.safetensors" ] || problem "no checkpoint"
no_half_written "$work/int"
run "$dae_cl" run "$tiny" "${long[@]}" --set train.epochs=4 --platform cpu --out "$work/int" --resume
[ "$code" -eq 0 ] || [ "$code" -eq 9 ] || problem "exit status $code"

case_is "SIGTERM likewise"
stopped_run TERM "$work/term"
code_is 143
[ -s "$work/term/checkpoint/model.safetensors" ] || problem "no checkpoint"

case_is "a stopped run goes on to the bytes of one that was never stopped"
six=(--set compare=[] --set data.train=20000 --set train.epochs=6 --platform cpu)
run "$dae_cl" run "$tiny" "${six[@]}" --out "$work/whole"
code_is 0
env --default-signal=INT "$dae_cl" run "$tiny" "${six[@]}" --out "$work/parts" >/dev/null 2>&1 &
pid=$!
for ((i = 0; i < 600; ++i)); do
    grep -q '"epoch":2' "$work/parts/log.jsonl" 2>/dev/null && break
    sleep 0.02
done
kill -INT $pid 2>/dev/null
wait $pid
run "$dae_cl" run "$tiny" "${six[@]}" --out "$work/parts" --resume
code_is 0
cmp "$work/whole/model.safetensors" "$work/parts/model.safetensors" || problem "the models differ"

case_is "a folder in use is refused and names the process"
env --default-signal=INT "$dae_cl" run "$tiny" "${long[@]}" --platform cpu --out "$work/busy" >/dev/null 2>&1 &
pid=$!
for ((i = 0; i < 600; ++i)); do
    [ -s "$work/busy/.lock" ] && break
    sleep 0.1
done
run "$dae_cl" run "$tiny" --platform cpu --out "$work/busy"
code_is 5
err_has "in use by another run (process $pid)"
kill -INT $pid
wait $pid

case_is "divergence: exit 8, epoch, step, first bad layer"
run "$dae_cl" run "$tiny" --platform cpu --out "$work/wild" --set compare=[] --set train.loss=mse \
    --set 'train.optimizer={sgd: {lr: 1e12}}' --set model.layers.4=relu
code_is 8
err_has "training diverged: the loss of epoch 1, step "
err_has "first bad: "
[ ! -e "$work/wild/model.safetensors" ] || problem "a model was written"
grep -q '"event":"stopped"' "$work/wild/log.jsonl" || problem "the log does not say so"

case_is "held-out samples choose the epoch, the log and run.json say which, and the test samples have no say"
cat >"$work/chosen.yaml" <<'END'
name: chosen
seed: 4
data: {source: mixture, train: 48, test: 40, validation: 0.75}
corruption: {gaussian: {sigma: 0.5}}
model:
  input: [2]
  layers: [{dense: {units: 64}}, relu, {dense: {units: 64}}, relu, {dense: {units: 2}}]
train:
  loss: mse
  optimizer: {adam: {lr: 0.01}}
  batch: 4
  epochs: 60
  average: {decay: 0.9}
  early_stop: {patience: 3}
compare: [standard_ae]
END
run "$dae_cl" run "$work/chosen.yaml" --platform cpu --out "$work/chosen"
code_is 0
err_has "data: mixture (12 training, 36 validation, 40 test samples of 2)"
err_has "stopped early, after epoch "
run "$dae_cl" run "$work/chosen.yaml" --platform cpu --out "$work/chosen2" --set data.test=70
code_is 0
python3 - "$work/chosen" "$work/chosen2" <<'END' || problem "wrong run.json, log or report"
import json, sys
run, other = (json.load(open(folder + "/run.json")) for folder in sys.argv[1:])
log = [json.loads(line) for line in open(sys.argv[1] + "/log.jsonl")]
assert run["train_samples"] == 12 and run["validation_samples"] == 36 and run["test_samples"] == 40
assert run["stopped_early"]
for network, made in (("model", run), ("standard_ae", run["standard_ae_training"])):
    losses = made["validation_losses"]
    assert made["best_validation_loss"] == min(losses) == losses[made["best_epoch"] - 1]
    assert made["stopped_early"] == (len(losses) < 60)
    chosen = [e for e in log if e["event"] == "chosen" and e["network"] == network]
    assert len(chosen) == 1 and chosen[0]["epoch"] == made["best_epoch"] and chosen[0]["stopped_early"] == made["stopped_early"]
    assert chosen[0]["validation_loss"] == made["best_validation_loss"]
for key in ("train_losses", "validation_losses", "best_epoch"):
    assert run[key] == other[key]
report = open(sys.argv[1] + "/report.html").read()
assert "the test samples did not influence the choice" in report and "(stopped early)" in report
END
no_half_written "$work/chosen"

case_is "more validation samples than there are: exit 2, at its place"
sed 's/validation: 0.75/validation: 48/' "$work/chosen.yaml" >"$work/all_held.yaml"
run "$dae_cl" run "$work/all_held.yaml" --platform cpu --out "$work/none7"
code_is 2
err_has "all_held.yaml:3:58: error: data.validation: expects at most 47 of the 48 training samples, got '48'"
[ ! -e "$work/none7" ] || problem "a folder was made"

case_is "early_stop without validation: exit 2, at its place"
sed 's/, validation: 0.75//' "$work/chosen.yaml" >"$work/unjudged.yaml"
run "$dae_cl" run "$work/unjudged.yaml" --platform cpu --out "$work/none7"
code_is 2
err_has "unjudged.yaml:14:15: error: train.early_stop requires samples that are neither trained on nor part of the test set"

case_is "a damaged checkpoint: exit 9"
cp -r "$work/a" "$work/damaged"
printf 'x' | dd of="$work/damaged/checkpoint/model.safetensors" bs=1 seek=900 conv=notrunc status=none
run "$dae_cl" run "$tiny" --platform cpu --out "$work/damaged" --resume
code_is 9
err_has "checkpoint/model.safetensors"

case_is "a checkpoint of another config: exit 9, and what differs"
run "$dae_cl" run "$tiny" --platform cpu --out "$work/a" --resume --set seed=6
code_is 9
err_has "another config or other data, which differ at 'seed:"

case_is "training samples that have changed since: exit 9"
write_samples() { # VALUE: IDX files whose training samples are all of that value
    python3 -c 'import sys; n = 784 * 64; head = bytes([0, 0, 8, 3, 0, 0, 0, 64, 0, 0, 0, 28, 0, 0, 0, 28])
for name, value in (("train", int(sys.argv[1])), ("t10k", 3)):
    open("%s/%s-images-idx3-ubyte" % (sys.argv[2], name), "wb").write(head + bytes([value]) * n)' "$1" "$work/changing"
}
mkdir "$work/changing"
changing=(run "$tiny" --platform cpu --set compare=[] --set "data={source: idx, path: $work/changing}" --out "$work/changed")
write_samples 100
run "$dae_cl" "${changing[@]}"
code_is 0
write_samples 101
run "$dae_cl" "${changing[@]}" --set train.epochs=4 --resume
code_is 9
err_has "differ at 'training samples: checksum"
write_samples 100
run "$dae_cl" "${changing[@]}" --set train.epochs=4 --resume
code_is 0

case_is "the same samples under another name, other test samples and another name of the code are resumed"
mv "$work/changing" "$work/moved"
run "$dae_cl" "${changing[@]}" --set "data.path=$work/./moved" --set data.test_limit=40 --set data.memory=64 \
    --set train.epochs=5 --resume
code_is 0
err_has "resume: from"
err_lacks "will not be those"
run "$dae_cl" "${changing[@]}" --set "data.path=$work/moved" --set data.limit=60 --set train.epochs=5 --resume
code_is 9
err_has "differ at 'training samples: checksum"

case_is "a resume says before it starts that its bytes will be others"
run env POCL_MAX_PTHREAD_COUNT=1 POCL_CPU_MAX_CU_COUNT=1 "$dae_cl" "${changing[@]}" --set "data.path=$work/moved" --set train.epochs=6 \
    --set device.tuned=false --set device.join=false --resume
code_is 0
err_has "; the bytes will not be those of a run that was never stopped, because these differ:"
awk '/will not be those/ { said = NR } /epoch 6/ { exit !said }' "$work/err" || problem "it was said too late"

case_is "samples of another shape than model.input: exit 2, at its place"
run "$dae_cl" run "$tiny" --platform cpu --out "$work/none" --set 'model.input=[14, 56, 1]'
code_is 2
err_has "model.input is 14x56x1, but the samples are 28x28x1"
[ ! -e "$work/none" ] || problem "a folder was made"

case_is "a batch larger than the set: exit 4, both counts"
run "$dae_cl" run "$tiny" --platform cpu --out "$work/none2" --set train.batch=641
code_is 4
err_has "train.batch is 641, but there are only 640 training samples"

case_is "truncated data: exit 4, never the fallback"
mkdir -p "$work/data/mnist"
for piece in train-images-idx3 t10k-images-idx3 train-labels-idx1 t10k-labels-idx1; do
    printf '\0\0\10\3\0\0\0\144\0\0\0\34\0\0\0\34short' >"$work/data/mnist/$piece-ubyte"
done
DAE_CL_DATA=$work/data run "$dae_cl" run configs/conv_mnist.yaml --platform cpu --out "$work/none3"
code_is 4
err_has "$work/data/mnist/train-images-idx3-ubyte"
[ ! -e "$work/none3" ] || problem "a folder was made"

case_is "no MNIST: the fallback is announced in one line"
DAE_CL_DATA=$work/nothing HOME=$work XDG_DATA_HOME=$work run "$dae_cl" run configs/conv_mnist.yaml --platform cpu \
    --out "$work/fallback" --set compare=[] --set train.epochs=1 --set data.limit=256 --set data.test_limit=64
code_is 0
if grep -q "^data: mnist" "$work/err"; then
    skip "MNIST is installed on this machine"
else
    err_has "generated digits"
fi

case_is "several corruptions, a mask that layers and loss read, and the rivals"
cat >"$work/masked.yaml" <<'END'
name: masked
data: {source: digits, train: 640, test: 96}
corruption:
  - gaussian: {sigma: [0.0, 0.2]}
  - one_of: [{masking: {p: [0.1, 0.5]}}, {block: {size: 9}}, {swap: {p: 0.3}}]
model:
  input: [28, 28, 1]
  layers:
    - {concat: {}, from: [input, mask]}
    - conv2d: {filters: 1, kernel: 3, pad: 1}
    - sigmoid
train: {loss: {bce: {unmasked_weight: 0.1}}, optimizer: {adam: {lr: 0.01}}, batch: 32, epochs: 2}
compare: [standard_ae, affine]
END
run "$dae_cl" run "$work/masked.yaml" --platform cpu --out "$work/masked"
code_is 0
out_has "best affine map"
python3 - "$work/masked.npy" <<'END'
import struct, sys
head = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 28, 28, 1), }".ljust(117) + b"\n"
open(sys.argv[1], "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + bytes(784))
END
run "$dae_cl" denoise "$work/masked/model.safetensors" "$work/masked.npy" --platform cpu -o "$work/denoised"
code_is 0
err_has "the model was trained with a mask of what is missing, but here nothing is masked"

case_is "a sum of losses: the log, run.json, the terminal and the report say what it consists of"
run "$dae_cl" run "$tiny" --platform cpu --out "$work/sum" --set compare=[] --set train.epochs=2 \
    --set 'train.loss=[mse, {bce: {weight: 0.5}}, {mse: {weight: 2}}]'
code_is 0
err_has "(mse 0."
out_has " x 0."
grep -q "loss (mse + 0.5 bce + 2 mse_2)" "$work/sum/report.html" || problem "the report does not name the losses"
python3 - "$work/sum" <<'END' || problem "the terms do not add up"
import json, sys
weight = {"mse": 1, "bce": 0.5, "mse_2": 2}
model = json.load(open(sys.argv[1] + "/run.json"))["test"]["model"]
events = [json.loads(line) for line in open(sys.argv[1] + "/log.jsonl")]
parts = [(e["validation_loss"], e["validation_terms"]) for e in events if e["event"] == "epoch"]
assert len(parts) == 2
assert abs(model["loss_terms"]["mse"] - model["mse"]) < 1e-6
for loss, terms in parts + [(model["loss"], model["loss_terms"])]:
    assert list(terms) == list(weight)
    assert abs(loss - sum(weight[name] * terms[name] for name in weight)) < 1e-6 * loss
END
run "$dae_cl" run "$tiny" --platform cpu --out "$work/terms" --set compare=[] --set train.epochs=1 \
    --set 'train.loss=[mse, {bce: {weight: 0.5}}]' --print test.model.loss_terms.bce
code_is 0

case_is "a network whose loss is of hidden numbers only is judged on these"
for weight in 0 1; do
    run "$dae_cl" run "$work/masked.yaml" --platform cpu --set 'corruption={masking: {p: 0.25}}' --set data.train=64 \
        --set "train.loss={bce: {unmasked_weight: $weight}}" --set train.epochs=1 --out "$work/hidden$weight"
    code_is 0
done
grep -q "Only the numbers that the corruption has hidden are judged" "$work/hidden0/report.html" || problem "not said"
python3 - "$work/hidden0" "$work/hidden1" <<'END' || problem "wrong run.json"
import json, sys
hidden, everything = (json.load(open(folder + "/run.json")) for folder in sys.argv[1:])
assert hidden["test_of_hidden_numbers_only"] and not everything["test_of_hidden_numbers_only"]
# The noisy input is wrong nowhere else, so its error is that of all numbers divided by the part that is hidden.
part = everything["test"]["noisy"]["mse"] / hidden["test"]["noisy"]["mse"]
assert 0.24 < part < 0.26, part
assert everything["test"]["model"]["mse"] != hidden["test"]["model"]["mse"] * part
END

case_is "swap with one sample, or with data that are streamed: exit 2, before the folder is made"
run "$dae_cl" run "$work/masked.yaml" --platform cpu --set data.test=1 --out "$work/none5"
code_is 2
err_has 'masked.yaml:5:'
err_has 'error: swap "swap_1": takes numbers from other samples, but there is only one sample'
run "$dae_cl" run "$work/masked.yaml" --platform cpu --set data.train=5000 --set data.memory=1 --out "$work/none5"
code_is 2
err_has 'error: swap "swap_1": takes numbers from any other sample, so all 5000 must fit on the device; raise data.memory'
[ ! -e "$work/none5" ] || problem "a folder was made"

case_is "a full disk: exit 5, the old checkpoint whole, nothing half-written"
cp -r "$work/a" "$work/full"
(
    trap '' XFSZ
    ulimit -f 1
    "$dae_cl" run "$tiny" --platform cpu --out "$work/full" --set train.epochs=5 --resume >"$work/out" 2>"$work/err"
)
code=$?
code_is 5
no_half_written "$work/full"
cmp "$work/a/checkpoint/model.safetensors" "$work/full/checkpoint/model.safetensors" || problem "the checkpoint changed"

case_is "a folder that cannot be made: exit 5"
touch "$work/file"
run "$dae_cl" run "$tiny" --platform cpu --out "$work/file/run"
code_is 5

# PoCL puts a program into one of 256 folders of its cache, which a well-used cache has all of.
case_is "programs that the driver keeps itself are not kept twice"
mkdir -p "$work"/kernels/{A..P}{A..P}
run env ASAN_OPTIONS=detect_leaks=0 POCL_CACHE_DIR="$work/kernels" DAE_CL_CACHE_DIR="$work/kept" "$dae_cl" run "$tiny" \
    --platform cpu --out "$work/cold" --set compare=[] --set data.train=64 --set train.epochs=1 # PoCL's compiler leaks
code_is 0
if [ -z "$(find "$work/kernels" -name program.bc)" ]; then
    skip "the device's driver is not PoCL"
elif [ -n "$(find "$work/kept" -name 'program-*')" ]; then
    problem "$(find "$work/kept" -name 'program-*' | wc -l) programs are in two caches"
fi

case_is "a platform that is not there: exit 3, before the folder is made"
run "$dae_cl" run "$tiny" --platform no-such-thing --out "$work/none4"
code_is 3
err_has "no-such-thing"
[ ! -e "$work/none4" ] || problem "a folder was made"

wide=(--set model.layers.0.conv2d.filters=512 --set compare=[] --set data.train=2048)
case_is "a batch that no memory holds"
run "$dae_cl" run "$tiny" --platform cpu --out "$work/none5" "${wide[@]}" --set data.train=65536 --set train.batch=65536
code_is 6
err_has "a batch of 65536 needs more than 2^31 numbers; use a smaller batch"

case_is "a batch larger than the device's memory is refused before any of it is taken"
run env POCL_MEMORY_LIMIT=1 "$dae_cl" run "$tiny" --platform cpu --out "$work/none6" "${wide[@]}" \
    --set 'device={join: false}' --set train.batch=1024
code_is 6
err_has "try a smaller train.batch"

finish
