# Volumes: training on NPY files and TIFF stacks and on the generated ones; denoising volumes of any size, stored in any way;
# what is refused.
. "$(dirname "$0")/harness.sh"
cd "$work" || exit 1
cat >volumes.py <<'END'
import random, struct

KINDS = {"f4": ("<f4", "f", None), "u1": ("|u1", "B", 255), "u2": ("<u2", "H", 65535)}

def stored(kind, numbers):
    largest = KINDS[kind][2]
    return numbers if largest is None else [round(x * largest) for x in numbers]

def npy(path, kind, shape, numbers):
    descr, code, _ = KINDS[kind]
    head = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (descr, tuple(shape))
    head += " " * (-(len(head) + 11) % 64) + "\n"
    open(path, "wb").write(b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head.encode()
                           + struct.pack("<%d%s" % (len(numbers), code), *stored(kind, numbers)))

def load_npy(path):
    data = open(path, "rb").read()
    n, = struct.unpack("<H", data[8:10])
    head = eval(data[10 : 10 + n])
    code = {"<f4": "f", "|u1": "B", "<u2": "H"}[head["descr"]]
    rest = data[10 + n :]
    return head["descr"], head["shape"], list(struct.unpack("<%d%s" % (len(rest) // struct.calcsize(code), code), rest))

def tiff(path, shape, numbers, channels=1):
    """A stack of uncompressed pages of 16 bits."""
    d, h, w = shape
    words, out, each = stored("u2", numbers), b"II*\0\0\0\0\0", h * w * channels
    at = 4
    for page in range(d):
        offset = len(out)
        out += struct.pack("<%dH" % each, *words[page * each : (page + 1) * each])
        bits = len(out)
        out += struct.pack("<3H", 16, 16, 16) + b"\0\0"
        here = len(out)
        out = out[:at] + struct.pack("<I", here) + out[at + 4 :]
        tags = [(256, 4, 1, w), (257, 4, 1, h), (258, 3, channels, bits if channels > 2 else 16), (259, 3, 1, 1),
                (262, 3, 1, 2 if channels > 2 else 1), (273, 4, 1, offset), (277, 3, 1, channels), (278, 4, 1, h),
                (279, 4, 1, 2 * each)]
        out += struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *t) for t in tags)
        at = len(out)
        out += b"\0\0\0\0"
    open(path, "wb").write(out)

def volume(shape, seed):
    r = random.Random(seed)
    d, h, w = shape
    return [min(1, max(0, 0.5 + 0.3 * ((z // 3 + y // 4 + x // 5) % 2) - 0.1 + r.gauss(0, 0.05)))
            for z in range(d) for y in range(h) for x in range(w)]
END
cat >small.yaml <<'END'
name: small
data: {source: volumes, train: train, test: train/b.npy, patch: [4, 6, 8], patches: 24, test_patches: 8}
corruption: {gaussian: {sigma: 0.1}}
model:
  input: [4, 6, 8, 1]
  layers:
    - {conv3d: {filters: 3, kernel: 3, pad: 1}, name: fine}
    - relu
    - conv3d: {filters: 4, kernel: 2, stride: 2}
    - {upsample3d: {}, name: up}
    - {concat: {}, from: [fine, up]}
    - conv3d: {filters: 1, kernel: 3, pad: 1}
train: {loss: mse, optimizer: {adam: {}}, batch: 8, epochs: 1}
compare: [median_3d, gaussian_3d]
END
mkdir train in
python3 - <<'END'
from volumes import *
npy("train/a.npy", "u2", [9, 10, 11], volume([9, 10, 11], 1))
npy("train/b.npy", "f4", [2, 5, 8, 9], volume([10, 8, 9], 2))
npy("train/c.npy", "u1", [3, 20, 20], volume([3, 20, 20], 3))
tiff("train/d.tif", [6, 7, 12], volume([6, 7, 12], 4))
END

case_is "training on a folder of NPY files and TIFF stacks"
run "$dae_cl" run small.yaml --platform cpu --out run
code_is 0
err_has "volumes; train: 1 of 5 volumes are smaller than a patch (24 training, 8 test samples of 4x6x8x1)"
out_has "median filter, 3-D"
out_has "Gaussian filter, 3-D"
out_has "The 3-D Gaussian filter's deviation of"
grep -q "slices of volumes: clean, noisy" run/report.html || problem "the report shows no slices"

case_is "the generated volumes say that they are generated"
run "$dae_cl" check "$tree/configs/volume_3d.yaml"
code_is 0
run "$dae_cl" run small.yaml --platform cpu --out drawn --set 'data={source: phantom, patch: [4, 6, 8], train: 8, test: 4}'
code_is 0
err_has "phantom: generated volumes, not scans (8 training, 4 test samples of 4x6x8x1)"

case_is "volumes of any size and form: the bits of the whole, and the form of the input"
python3 - <<'END'
from volumes import *
size = [23, 31, 28]
for kind in KINDS:
    npy(f"in/{kind}.npy", kind, size, volume(size, 9))
tiff("in/stack.tif", size, volume(size, 9))
npy("in/two.npy", "f4", [2, 23, 31, 28], volume(size, 9) + volume(size, 10))
END
run "$dae_cl" denoise run in -o whole
code_is 0
out_has "5 files, 6 samples denoised into whole"
run "$dae_cl" denoise run in -o tiles --memory 1
code_is 0
python3 - <<'END' || problem "wrong results"
from volumes import *
for name in ["f4", "u1", "u2", "two"]:
    before, after = load_npy(f"in/{name}.npy"), load_npy(f"whole/{name}.npy")
    assert before[:2] == after[:2] and before[2] != after[2], name
one, two = load_npy("whole/f4.npy")[2], load_npy("whole/two.npy")[2]
assert two[: len(one)] == one
for name in ["u1", "u2"]: # rounding of the input and of the output, through a network whose slope is below 4
    largest = KINDS[name][2]
    assert all(abs(min(1, max(0, a)) - b / largest) < 5 / largest for a, b in zip(one, load_npy(f"whole/{name}.npy")[2])), name
END
for file in whole/*; do cmp "$file" "tiles/${file#whole/}" || problem "$file differs in tiles"; done
run "$dae_cl" denoise run in/stack.tif -o png --format png
code_is 4
err_has "is a stack of 23 images, which PNG cannot store"
run "$dae_cl" denoise run in/stack.tif -o compared --compare in/stack.tif
code_is 0

case_is "what is no volume, or does not fit, is refused"
refused() # CODE MESSAGE ARGUMENT...
{
    local code=$1 message=$2
    shift 2
    run "$dae_cl" "$@"
    code_is "$code"
    err_has "$message"
}
python3 - <<'END'
from volumes import *
npy("plane.npy", "f4", [4, 6], [0.0] * 24)
npy("nan.npy", "f4", [4, 6, 8], [float("nan") if i == 7 else 0.5 for i in range(192)])
npy("thin.npy", "f4", [3, 6, 8], [0.5] * 144)
tiff("colours.tif", [4, 6, 8], [0.5] * 576, 3)
END
refused 4 "plane.npy: samples of 6; volumes are NPY arrays" run small.yaml --set data.train=plane.npy --out no
refused 4 "nan.npy: sample 0, element 7: not a number (NaN)" run small.yaml --set data.train=nan.npy --out no
refused 4 "thin.npy: none of its 1 volume is as large as a patch of 4x6x8; set data.patch lower" run small.yaml \
    --set data.train=thin.npy --out no
refused 4 "colours.tif: samples of 6x8x3; volumes are NPY arrays" run small.yaml --set data.train=colours.tif --out no
refused 4 "nan.npy: sample 0, element 7: not a number (NaN)" denoise run nan.npy -o no
refused 4 "but run/model.safetensors takes 4x6x8x1" denoise run colours.tif -o no
refused 3 "its kernel of 7 is larger than the padded volume, 4 along D" check small.yaml --set 'model.layers=[conv3d: {filters: 1, kernel: 7}]'
refused 3 "expects a volume (D, H, W, C)" check small.yaml --set 'model.input=[6, 8, 1]'
refused 3 "median_3d and gaussian_3d filter volumes, but samples are not (D, H, W, C)" run "$tree/configs/ecg_1d.yaml" \
    --set 'compare=[median_3d]' --out no
finish
