# Depth of images in training: noise far below a step of 8 bits, ranges of stored numbers, counts, and a high dynamic
# range; what denoise, --compare, the library's metadata and files of another depth make of such models.
. "$(dirname "$0")/harness.sh"
mkdir "$work/files" && cd "$work/files" || exit 1

cat >pictures.py <<'END'
"""Writes 16-bit and 8-bit PNG and PFM files of drawn scenes with nothing but the standard library."""
import math, os, random, struct, zlib

def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

def png(path, side, values, bits=16):
    row = lambda y: struct.pack(">%d%s" % (side, "H" if bits == 16 else "B"), *values[y * side:(y + 1) * side])
    raw = b"".join(b"\0" + row(y) for y in range(side))
    head = struct.pack(">IIBBBBB", side, side, bits, 0, 0, 0, 0)
    open(path, "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw, 1))
                           + chunk(b"IEND", b""))

def pfm(path, side, values):
    rows = [values[y * side:(y + 1) * side] for y in range(side)]
    open(path, "wb").write(b"Pf\n%d %d\n-1.0\n" % (side, side)
                           + b"".join(struct.pack("<%df" % side, *row) for row in reversed(rows)))

def scene(r, side):
    """Waves and discs, of a deviation near 1."""
    waves = [(r.uniform(.1, 1), r.uniform(-.2, .2), r.uniform(-.2, .2), r.uniform(0, 6.3)) for _ in range(4)]
    discs = [(r.uniform(0, side), r.uniform(0, side), r.uniform(4, 14) ** 2, r.uniform(-1.5, 1.5)) for _ in range(8)]
    return [sum(a * math.sin(p * x + q * y + f) for a, p, q, f in waves)
            + sum(d for cy, cx, rr, d in discs if (y - cy) ** 2 + (x - cx) ** 2 < rr)
            for y in range(side) for x in range(side)]

def poisson(r, mean):
    if mean > 60:
        return max(0, round(r.gauss(mean, math.sqrt(mean))))
    limit, k, p = math.exp(-mean), 0, r.random()
    while p > limit:
        k += 1
        p *= r.random()
    return k

def pairs(folder, save, clean_of, noisy_of, side=96, train=12):
    r = random.Random(3)
    for split, n in ("train", train), ("test", 3):
        for kind in "noisy", "clean":
            os.makedirs("%s/%s/%s" % (folder, split, kind), exist_ok=True)
        for i in range(n):
            clean = [clean_of(v) for v in scene(r, side)]
            save("%s/%s/clean/%d" % (folder, split, i), side, clean)
            save("%s/%s/noisy/%d" % (folder, split, i), side, [noisy_of(r, v) for v in clean])
END
export PYTHONPATH=$PWD
python() {
    python3 -B -c "from pictures import *
import json
$1" 2>"$work/trace" || problem "$(tail -n 1 "$work/trace")"
}

# The network works on the difference from the local mean, enlarged: what is left of a picture is as small as its noise.
cat >fine.yaml <<'END'
name: fine
data:
  source: image_pairs
  train: {noisy: train/noisy, clean: train/clean}
  test: {noisy: test/noisy, clean: test/clean}
  patch: 24
  patches: 8192
  test_patches: 32
model:
  input: [24, 24, 1]
  layers:
    - avgpool2d: {kernel: 2}
    - upsample2d: {factor: 2}
    - {scale: {start: -1}, name: minus_mean}
    - {add: {}, from: [input, minus_mean]}
    - scale: {start: 200}
    - conv2d: {filters: 16, kernel: 5, pad: 2}
    - leaky_relu
    - conv2d: {filters: 1, kernel: 5, pad: 2}
    - {scale: {start: 0.005}, name: correction}
    - {add: {}, from: [correction, input]}
train:
  loss: mse
  optimizer: {adam: {lr: 0.0005, epsilon: 1.0e-15}}
  schedule: {cosine: {to: 0.001}}
  batch: 8
  epochs: 4
END
# Trains on the pairs of a folder: FOLDER NAME SETTING...
train() {
    local folder=$1 name=$2
    shift 2
    run "$dae_cl" run fine.yaml --platform cpu --out "$name" --set data.train.noisy="$folder/train/noisy" \
        --set data.train.clean="$folder/train/clean" --set data.test.noisy="$folder/test/noisy" \
        --set data.test.clean="$folder/test/clean" "$@"
    code_is 0
}
denoise() {
    run "$dae_cl" denoise "$1" "$2/test/noisy" -o "$1/out" --platform cpu --compare "$2/test/clean" --scores "$1/scores.json"
    code_is 0
}

case_is "noise of 30 / 65535 is removed from 16-bit pairs"
python '
pairs("fine", lambda path, side, v: png(path + ".png", side, v), lambda v: round(22000 + 300 * v),
      lambda r, v: max(0, round(v + r.gauss(0, 30))))
'
train fine fine16
denoise fine16 fine
python '
mean = json.load(open("fine16/scores.json"))["mean"]
assert abs(mean["psnr_noisy"] - 20 * math.log10(65535 / 30)) < .1, mean # 27,648 draws: 0.1 dB is 2.7 %, 3 of 0.9 %
assert mean["psnr_denoised"] > mean["psnr_noisy"] + 1, mean
'

case_is "rounded to 8 bits, they teach less by more than a decibel"
train fine fine8 --set data.depth=8
denoise fine8 fine
python '
words, bytes = (json.load(open(name + "/scores.json"))["mean"] for name in ("fine16", "fine8"))
assert words["psnr_denoised"] > bytes["psnr_denoised"] + 1, (words, bytes)
'

case_is "a range makes the noise as large as it is in the picture, and PSNR is that of the range"
train fine ranged --set 'data.range=[20000, 24000]' --set data.patches=4096
denoise ranged fine
python '
mean = json.load(open("ranged/scores.json"))["mean"]
assert abs(mean["psnr_noisy"] - 20 * math.log10(4000 / 30)) < .1, mean
assert mean["psnr_denoised"] > mean["psnr_noisy"] + 2, mean
'

case_is "a file of another depth is taken by its stored numbers, and a line says so"
python '
os.makedirs("eight", exist_ok=True)
png("eight/a.png", 32, [100 + (i % 7) for i in range(1024)], bits=8)
'
run "$dae_cl" denoise ranged eight -o out8 --platform cpu
code_is 0
err_has "eight/a.png: it has numbers beyond the range that the model was trained on, 20000 to 24000: the first is 100"
run "$dae_cl" denoise fine16 eight -o out8 --platform cpu
code_is 0
err_lacks "numbers"

case_is "counts: noise of one deviation, and back without a bias"
python '
pairs("counts", lambda path, side, v: png(path + ".png", side, v), lambda v: max(100, round(100 + 2 * (8 + 4 * v))),
      lambda r, v: max(0, round(100 + 2 * (poisson(r, (v - 100) / 2) + r.gauss(0, 1.5)))))
'
train counts counts16 --set 'data.range=[80, 400]' --set data.transfer=anscombe --set data.gain=2 \
    --set data.read_noise=3 --set data.black=100 --set data.patches=4096
denoise counts16 counts
cat >means.py <<'END'
import struct, zlib
def read(path):
    data, at, parts = open(path, "rb").read(), 8, b""
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at:at + 8])
        if name == b"IHDR":
            w, h, bits = struct.unpack(">IIB", data[at + 8:at + 17])
        if name == b"IDAT":
            parts += data[at + 8:at + 8 + size]
        at += size + 12
    raw, out, before = zlib.decompress(parts), [], bytes(2 * w)
    for y in range(h):
        kind, row = raw[y * (2 * w + 1)], bytearray(raw[y * (2 * w + 1) + 1:(y + 1) * (2 * w + 1)])
        for i in range(2 * w):
            a, b, c = row[i - 2] if i > 1 else 0, before[i], before[i - 2] if i > 1 else 0
            p = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            row[i] = (row[i] + (0, a, b, (a + b) // 2, p)[kind]) % 256
        out += struct.unpack(">%dH" % w, row)
        before = row
    return out
END
python '
import means
mean = json.load(open("counts16/scores.json"))["mean"]
assert mean["psnr_denoised"] > mean["psnr_noisy"] + 3, mean
of = lambda folder: sum(sum(means.read(folder + "/%d.png" % i)) for i in range(3)) / (3 * 96 * 96)
bias = (of("counts16/out") - of("counts/test/clean")) / 2
assert abs(bias) < .12, bias # counts; the algebraic inverse is off by a quarter
'

case_is "a high dynamic range, in floats"
python '
pairs("bright", lambda path, side, v: pfm(path + ".pfm", side, v), lambda v: math.exp(2 + v),
      lambda r, v: max(0, v * (1 + r.gauss(0, .1))), side=48, train=8)
'
train bright bright_log --set 'data.range=[0, 3000]' --set data.transfer=log --set data.patches=4096
denoise bright_log bright
python '
mean = json.load(open("bright_log/scores.json"))["mean"]
assert mean["psnr_denoised"] > mean["psnr_noisy"] + 1, mean
'
python 'pfm("dark.pfm", 24, [-5.0] * 576)'
run "$dae_cl" denoise bright_log dark.pfm -o out_dark --platform cpu
code_is 4
err_has "dark.pfm: sample 0, element 0: the model's transfer has no value for the number -5"
[ ! -e out_dark ] || problem "a folder was created"

case_is "an exported file says how numbers are computed"
run "$dae_cl" export counts16 -o counts.onnx
code_is 0
grep -aq "anscombe, range 80 400, gain 2, read_noise 3, black 100" counts.onnx || problem "no metadata"

case_is "what cannot be trained on is named"
train_fails() {
    local status=$1 folder=$2
    shift 2
    run "$dae_cl" run fine.yaml --platform cpu --out refused --set data.train.noisy="$folder/train/noisy" \
        --set data.train.clean="$folder/train/clean" --set data.test.noisy="$folder/test/noisy" \
        --set data.test.clean="$folder/test/clean" "$@"
    code_is "$status"
    [ ! -e refused ] || problem "a folder was created"
}
train_fails 4 bright
err_has "is beyond what training takes for floats, 0 to 1"
err_has "data.range: [lo, hi] names those of all images"
train_fails 4 fine --set 'data.range=[0, 22000]'
err_has "is beyond data.range, 0 to 22000"
train_fails 2 fine --set 'data.range=[7, 7]'
err_has "data.range is empty"
train_fails 2 fine --set data.transfer=log
err_has "data.transfer: log requires data.range"
train_fails 2 fine --set 'data.range=[0, 65535]' --set data.gain=2
err_has "belong to data.transfer: anscombe"
train_fails 2 fine --set 'data.range=[-10, 65535]' --set data.transfer=anscombe
err_has "without read noise anscombe has no value below -0.375"

finish
