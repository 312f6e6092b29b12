# Signals: training on WAV and NPY files and on the generated ECG; denoising WAV files of any length, stored in any way, and
# arrays; what is refused.
. "$(dirname "$0")/harness.sh"
cd "$work" || exit 1
cat >signals.py <<'END'
import math, random, struct

KINDS = {"u8": (1, 8), "s16": (1, 16), "s24": (1, 24), "s32": (1, 32), "f32": (3, 32)}

def pack(kind, x):
    if kind == "f32":
        return struct.pack("<f", x)
    bits = KINDS[kind][1]
    n = max(-(1 << bits - 1), min((1 << bits - 1) - 1, round(x * (1 << bits - 1)))) # halves to even, like rint
    return bytes([n + 128]) if bits == 8 else n.to_bytes(bits // 8, "little", signed=True)

def unpack(kind, data):
    size = KINDS[kind][1] // 8
    parts = [data[i : i + size] for i in range(0, len(data), size)]
    if kind == "f32":
        return [struct.unpack("<f", p)[0] for p in parts]
    scale = 1 << KINDS[kind][1] - 1
    return [(p[0] - 128 if size == 1 else int.from_bytes(p, "little", signed=True)) / scale for p in parts]

def wav(path, kind, channels, rate, numbers, extra=b""):
    tag, bits = KINDS[kind]
    data = b"".join(pack(kind, x) for x in numbers)
    frame = channels * bits // 8
    body = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, tag, channels, rate, rate * frame, frame, bits)
    body += b"data" + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) + extra
    open(path, "wb").write(b"RIFF" + struct.pack("<I", len(body)) + body)

def read(path, kind):
    data = open(path, "rb").read()
    assert data[:4] == b"RIFF" and data[36:40] == b"data", path
    return data[:36], unpack(kind, data[44 : 44 + struct.unpack("<I", data[40:44])[0]])

def npy(path, shape, numbers):
    head = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % (tuple(shape),)
    head += " " * (-(len(head) + 11) % 64) + "\n"
    open(path, "wb").write(b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head.encode()
                           + struct.pack("<%df" % len(numbers), *numbers))

def load_npy(path):
    data = open(path, "rb").read()
    n, = struct.unpack("<H", data[8:10])
    head = data[10 : 10 + n].decode()
    return head, list(struct.unpack("<%df" % ((len(data) - 10 - n) // 4), data[10 + n :]))

def signal(n, seed):
    r = random.Random(seed)
    return [max(-0.99, min(0.99, 0.6 * math.sin(0.07 * i + seed) + r.gauss(0, 0.1))) for i in range(n)]
END
cat >small.yaml <<'END'
name: small
data: {source: signals, train: train, test: train/b.wav, window: 96, hop: 48}
corruption: [{hum: {rate: 8000}}, {brown: {rate: 8000, low: 20, high: 200}}, {motion: {length: 20}}]
model:
  input: [96, 1]
  layers:
    - {conv1d: {filters: 8, kernel: 9, pad: 4}, name: fine}
    - relu
    - conv1d: {filters: 8, kernel: 8, stride: 4, pad: 2}
    - relu
    - {conv1d_transpose: {filters: 8, kernel: 4, stride: 4}, name: up}
    - {concat: {}, from: [fine, up]}
    - conv1d: {filters: 1, kernel: 5, pad: 2}
train: {loss: mse, optimizer: {adam: {}}, batch: 16, epochs: 2}
compare: [affine, wiener]
END
mkdir train in
python3 - <<'END'
from signals import *
wav("train/a.wav", "s16", 1, 8000, signal(1001, 1))
wav("train/b.wav", "f32", 1, 8000, signal(400, 2))
npy("train/c.npy", [3, 150], signal(450, 3))
wav("train/short.wav", "s16", 1, 8000, signal(95, 4))
END

case_is "training on a folder of WAV and NPY files, whose windows overlap"
run "$dae_cl" run small.yaml --platform cpu --out run
code_is 0
err_has "signals; train: 1 of 6 signals are shorter than a window (32 training, 7 test samples of 96x1)"
out_has "SNR (dB)  gained"
python3 - run/run.json <<'END' || problem "wrong numbers"
import json, math, sys
test = json.load(open(sys.argv[1]))["test"]
for a in test.values():
    for b in test.values():
        assert math.isclose(a["snr"] - b["snr"], 10 * math.log10(b["mse"] / a["mse"]), rel_tol=1e-6, abs_tol=1e-6)
assert test["noisy"]["psnr"] is None and test["wiener"]["mse"] < test["noisy"]["mse"]
END

case_is "the generated ECG says that it is generated"
run "$dae_cl" run "$tree/configs/ecg_1d.yaml" --platform cpu --out ecg --set data.train=32 --set data.test=8 \
    --set train.epochs=1 --set train.batch=8
code_is 0
err_has "ecg: generated signals, not recordings (32 training, 8 test samples of 1024x1)"
out_has "Savitzky-Golay fits polynomials of order "
out_has "The band-pass keeps "
python3 - <<'END' || problem "a filter whose parameters are chosen on the training samples does not beat the noise"
import json
test = json.load(open("ecg/run.json"))["test"]
assert test["savitzky_golay"]["mse"] < test["noisy"]["mse"] and test["band_pass"]["mse"] < test["noisy"]["mse"]
END

case_is "signals of any length and form: the bits of the array, and the form of the input"
python3 - <<'END'
from signals import *
for kind in KINDS:
    x = signal(1003, 9)
    wav(f"in/{kind}.wav", kind, 1, 8000, x)
    npy(f"in/{kind}.npy", [1003], unpack(kind, b"".join(pack(kind, v) for v in x)))
two = signal(2 * 777, 5)
wav("in/stereo.wav", "f32", 2, 8000, two)
for c in range(2):
    npy(f"in/channel_{c}.npy", [777], unpack("f32", b"".join(pack("f32", v) for v in two[c::2])))
npy("in/rows.npy", [3, 200], signal(600, 6))
npy("in/one_row.npy", [200], signal(600, 6)[200:400])
END
run "$dae_cl" denoise run in -o results --memory 1
code_is 0
out_has "15 files, 17 samples denoised into results"
python3 - <<'END' || problem "wrong results"
from signals import *
for kind in KINDS:
    header, y = read(f"results/{kind}.wav", kind)
    assert header == read(f"in/{kind}.wav", kind)[0]
    want = load_npy(f"results/{kind}.npy")[1]
    assert y == unpack(kind, b"".join(pack(kind, v) for v in want)) and len(y) == 1003, kind
stereo = read("results/stereo.wav", "f32")[1]
for c in range(2):
    assert stereo[c::2] == load_npy(f"results/channel_{c}.npy")[1]
head, rows = load_npy("results/rows.npy")
assert "(3, 200)" in head and rows[200:400] == load_npy("results/one_row.npy")[1]
assert load_npy("in/rows.npy")[1] != rows
END

case_is "another tile gives the same bytes"
run "$dae_cl" denoise run in/stereo.wav in/s24.wav -o other
code_is 0
cmp -s results/stereo.wav other/stereo.wav && cmp -s results/s24.wav other/s24.wav || problem "other bytes"

case_is "what the user should know is said: another rate, chunks that are not kept"
python3 -c 'from signals import *; wav("other.wav", "s16", 1, 44100, signal(500, 1), b"LIST\2\0\0\0ab")'
run "$dae_cl" run small.yaml --platform cpu --out rate --set data.rate=8000 --set train.epochs=1
run "$dae_cl" denoise rate other.wav -o out_3
code_is 0
err_has "other.wav: 44100 points per second, but the model was trained on 8000; resample it first, or the model takes it \
for a slower or faster signal; 1 chunk is besides its sound not kept"

case_is "--compare: the PSNR of both, and their difference is what SNR gains"
mkdir clean
cp in/f32.wav clean/noisy.wav
python3 -c 'from signals import *; wav("noisy.wav", "s16", 1, 8000, [0.9 * v + 0.01 for v in signal(1003, 9)])'
run "$dae_cl" denoise run noisy.wav -o compared --compare clean --scores scores.json
code_is 0
python3 - <<'END' || problem "wrong numbers"
import json
from signals import *
clean, score = read("in/f32.wav", "f32")[1], json.load(open("scores.json"))["files"][0]
for key, path in ("psnr_noisy", "noisy.wav"), ("psnr_denoised", "compared/noisy.wav"):
    y = read(path, "s16")[1]
    mse = sum((a - b) ** 2 for a, b in zip(y, clean, strict=True)) / len(y)
    assert math.isclose(score[key], -10 * math.log10(mse), rel_tol=1e-9), key
assert score["ssim_noisy"] is None
END

refused() { # CODE PIECE ARGUMENTS...
    local want=$1 piece=$2
    shift 2
    run "$dae_cl" "$@"
    code_is "$want"
    err_has "$piece"
    [ ! -e no ] || problem "results were left"
}

case_is "what does not fit is refused, before anything is written"
head -c 1000 in/s16.wav >cut.wav
python3 -c 'from signals import *; wav("empty.wav", "s16", 1, 8000, []); wav("nan.wav", "f32", 1, 8000, [0, float("nan")])'
refused 4 "cut.wav: byte 1000: truncated: the header claims 2006 bytes, the file holds 956; get it again" \
    denoise run in/u8.wav cut.wav -o no
refused 4 "empty.wav: it contains no samples" denoise run empty.wav -o no
refused 4 "in/stereo.wav: 777 points of 2 channels, but in/s16.wav has 1003 of 1" \
    denoise run in/s16.wav -o no --compare in/stereo.wav
refused 4 "in/s16.wav: it is a WAV file, where an image or an array is expected" \
    denoise run in/s16.npy -o no --compare in/s16.wav
refused 9 "in/s16.wav: it is a recording, WAV, not a model" denoise in/s16.wav in/s24.wav -o no
refused 4 "none of its 1 signal is as long as a window of 2000 points; set data.window lower" \
    run small.yaml --platform cpu --out no --set data.window=2000 --set model.input=[2000,1] --set data.train=train/a.wav
refused 4 "8000 points per second, but data.rate is 16000" run small.yaml --platform cpu --out no --set data.rate=16000
run "$dae_cl" denoise run nan.wav in/u8.wav -o some --keep-going
code_is 4
err_has "nan.wav: point 1, channel 0: not a finite number; replace it"
[ "$(ls some)" = u8.wav ] || problem "wrong files: $(ls some)"

case_is "a model of one length takes no other"
sed '/layers/,/^train/{/layers/!{/^train/!d}}; s/layers:/layers: [flatten, {dense: {units: 96}}, {reshape: {shape: [96, 1]}}]/' small.yaml >own.yaml
run "$dae_cl" run own.yaml --platform cpu --out own --set train.epochs=1
code_is 0
refused 4 "the network only takes signals of its own length: " denoise own in/s16.wav -o no
finish
