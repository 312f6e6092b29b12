# `dae-cl denoise`: files of every kind through a model that is trained here, against a double-precision forward pass in
# Python; and each kind of bad input (before any OpenCL call, and with nothing written).
. "$(dirname "$0")/harness.sh"
mkdir "$work/files" && cd "$work/files"

cat >samples.py <<'END'
"""Writes, reads and compares files of samples with nothing but the standard library. A file becomes
(form, shape, values): what it is stored as, and numbers as a network gets them."""
import gzip, json, math, random, re, struct, zlib

def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

def png(path, width, height, data, bits=8, color=0):
    row = len(data) // height
    raw = b"".join(b"\0" + data[i * row:(i + 1) * row] for i in range(height))
    open(path, "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0))
                           + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))

def idx(path, shape, data, kind=8):
    body = struct.pack(">BBBB%dI" % len(shape), 0, 0, kind, len(shape), *shape) + data
    (gzip.open if path.endswith(".gz") else open)(path, "wb").write(body)

def npy(path, shape, data, dtype="|u1"):
    header = ("{'descr': '%s', 'fortran_order': False, 'shape': %r, }" % (dtype, tuple(shape))).encode()
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    open(path, "wb").write(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + data)

def floats(values, order="<"):
    return struct.pack("%s%df" % (order, len(values)), *values)

def numbers(data, bits):
    if bits == 16:
        return [v / 65535 for v in struct.unpack(">%dH" % (len(data) // 2), data)]
    return [v / 255 for v in data]

def read_png(b):
    width, height, bits, color = struct.unpack(">IIBB", b[16:26])
    at, packed = 8, b""
    while at < len(b):
        size, name = struct.unpack(">I4s", b[at:at + 8])
        packed += b[at + 8:at + 8 + size] if name == b"IDAT" else b""
        at += size + 12
    raw, each = zlib.decompress(packed), (3 if color == 2 else 1) * bits // 8
    row, before, out = width * each, bytes(width * each), b""
    for y in range(height):
        kind, line = raw[y * (row + 1)], bytearray(raw[y * (row + 1) + 1:(y + 1) * (row + 1)])
        for i in range(row):
            a, c = (line[i - each], before[i - each]) if i >= each else (0, 0)
            p = a + before[i] - c
            near = min((abs(p - a), 0, a), (abs(p - before[i]), 1, before[i]), (abs(p - c), 2, c))[2]
            line[i] = (line[i] + (0, a, before[i], (a + before[i]) // 2, near)[kind]) % 256
        out, before = out + line, line
    return "png%d" % bits, (1, height, width), numbers(out, bits)

def read(path):
    b = open(path, "rb").read()
    if b[:4] == b"\x89PNG":
        return read_png(b)
    if b[:2] == b"P5":
        header = re.match(rb"P5\s+(\d+)\s+(\d+)\s+(\d+)\s", b)
        width, height, largest = map(int, header.groups())
        bits = {255: 8, 65535: 16}[largest]
        return "pgm%d" % bits, (1, height, width), numbers(b[header.end():], bits)
    if b[:6] == b"\x93NUMPY":
        at = 10 + struct.unpack("<H", b[8:10])[0]
        header = eval(b[10:at])
        if header["descr"] == "|u1":
            return "npy|u1", header["shape"], numbers(b[at:], 8)
        return "npy" + header["descr"], header["shape"], list(struct.unpack("<%df" % ((len(b) - at) // 4), b[at:]))
    assert b[:2] == b"\0\0", path
    at = 4 + 4 * b[3]
    shape = struct.unpack(">%dI" % b[3], b[4:at])
    return "idx%d" % b[2], shape, numbers(b[at:], 8) if b[2] == 8 else list(struct.unpack(">%df" % ((len(b) - at) // 4), b[at:]))

def weights(model):
    b = open(model, "rb").read()
    start = 8 + struct.unpack("<Q", b[:8])[0]
    layers = []
    for name, t in json.loads(b[8:start]).items():
        if name == "__metadata__":
            continue
        begin, end = t["data_offsets"]
        w = struct.unpack("<%df" % ((end - begin) // 4), b[start + begin:start + end])
        layers.append((name.split(".")[0], t["shape"], w))
    names = sorted({n for n, _, _ in layers})
    return [next((s, w) for n, s, w in layers if n == name and len(s) == 2)
            + next((w,) for n, s, w in layers if n == name and len(s) == 1) for name in names]

def forward(model, x):
    """dense, relu, ..., dense on one sample, in double precision."""
    layers = weights(model) if isinstance(model, str) else model
    for i, ((k, n), w, b) in enumerate(layers):
        y = list(b)
        for r, v in enumerate(x):
            if v:
                y = [s + v * u for s, u in zip(y, w[r * n:(r + 1) * n])]
        x = [max(v, 0) for v in y] if i + 1 < len(layers) else y
    return x

def expect(model, before, after):
    """`after` has the form of `before` and what the model makes of it, clipped unless it holds floats."""
    (form, shape, x), (form2, shape2, y) = read(before), read(after)
    assert (form, tuple(shape)) == (form2, tuple(shape2)), (form, shape, form2, shape2)
    layers, n = weights(model), shape[0]
    size, low, high = len(x) // n, 0, 0
    clip = form not in ("npy<f4", "idx13")
    for i in range(n):
        want = forward(layers, x[i * size:(i + 1) * size])
        for k, v in enumerate(want):
            low, high = min(low, v), max(high, v)
            got = y[i * size + k]
            tolerance = 2e-5 + (0.5 / (65535 if form.endswith("16") else 255) if clip else 0)
            assert abs(got - (min(max(v, 0), 1) if clip else v)) <= tolerance, (before, i, k, v, got)
    return low, high
END
export PYTHONPATH=$PWD
python() {
    python3 -B -c "from samples import *
$1" 2>"$work/trace" || problem "$(tail -n 1 "$work/trace")"
}

# The digits' model has no sigmoid, so that some of its outputs are below 0; the other one's are far on either side.
cat >digits.yaml <<'END'
name: digits
data: {source: digits, train: 256, test: 64}
corruption: {gaussian: {sigma: 0.3}}
model:
  input: [28, 28, 1]
  layers: [flatten, dense: {units: 8}, relu, dense: {units: 784}, reshape: {shape: [28, 28, 1]}]
train: {loss: mse, optimizer: {adam: {lr: 0.003}}, batch: 32, epochs: 1}
END
cat >wide.yaml <<'END'
name: wide
data: {source: npy, train: wide.npy, test: wide.npy}
corruption: {gaussian: {sigma: 0.3}}
model:
  input: [4]
  layers: [dense: {units: 4}]
train: {loss: mse, optimizer: {sgd: {lr: 0.1}}, batch: 16, epochs: 50}
END

case_is "the files to denoise"
python '
random.seed(3)
image = [[random.randrange(256) for _ in range(784)] for _ in range(70)]
one = image[0]
png("a.png", 28, 28, bytes(one))
open("b.pgm", "wb").write(b"P5\n28 28\n255\n" + bytes(one))
idx("c.idx", (1, 28, 28), bytes(one))
npy("d.npy", (1, 28, 28), bytes(one))
deep = struct.pack(">784H", *(257 * v for v in one))
png("deep.png", 28, 28, deep, 16)
open("deep.pgm", "wb").write(b"P5\n28 28\n65535\n" + deep)
npy("float.npy", (1, 28, 28, 1), floats([v / 255 for v in one]), "<f4")
idx("float.idx", (1, 28, 28), floats([v / 255 for v in one], ">"), 13)
npy("many.npy", (70, 28, 28), floats([v / 255 for i in image for v in i]), "<f4")
idx("many-idx3-ubyte.gz", (70, 28, 28), bytes(v for i in image for v in i))
wide = [v for i in range(64) for v in (-2, 0.5, 1, 3)]
npy("wide.npy", (64, 4), floats(wide), "<f4")
idx("wide.idx", (64, 4), bytes([255, 0, 128, 255] * 64))
'

case_is "two models to denoise with"
for name_ in digits wide; do
    run "$dae_cl" run $name_.yaml --out run_$name_
    code_is 0
    mv run_$name_/model.safetensors $name_.safetensors || problem "no model"
done
rm -rf run_* ./*.yaml # a model needs nothing else
model=digits.safetensors

case_is "the same image in four kinds of file, one after another and again"
run "$dae_cl" denoise $model a.png b.pgm c.idx d.npy -o out
code_is 0
out_is <<'END'
4 files, 4 samples denoised into out
END
err_has "device: "
err_lacks "a.png" # a line for every file is for terminals
python '
first = read("out/a.png")[2]
assert max(first) > 0.1
for name in ("a.png", "b.pgm", "c.idx", "d.npy"):
    low, high = expect("digits.safetensors", name, "out/" + name)
    assert low < -0.01, low
    assert all(abs(p - q) <= 1 / 255 for p, q in zip(first, read("out/" + name)[2])), name
'
run "$dae_cl" denoise $model a.png b.pgm c.idx d.npy -o again/and/again
code_is 0
diff -r out again/and/again >/dev/null || problem "a second run gives other bytes"
[ "$(ls -A out | tr '\n' ' ')" = "a.png b.pgm c.idx d.npy " ] || problem "in the folder: $(ls -A out)"

case_is "16 bits stay 16 bits, and floats stay floats, below 0 too"
run "$dae_cl" denoise $model deep.png deep.pgm float.npy float.idx -o deep
code_is 0
python '
for name in ("deep.png", "deep.pgm", "float.npy", "float.idx"):
    expect("digits.safetensors", name, "deep/" + name)
assert read("deep/deep.png")[0] == "png16" and read("deep/deep.pgm")[0] == "pgm16"
assert read("deep/float.npy")[1] == (1, 28, 28, 1) and min(read("deep/float.npy")[2]) < -0.01
'

case_is "the network sees all 16 bits"
python '
(k, n), w, _ = weights("digits.safetensors")[0]
high = [256 * 200 * (w[i * n] > 0) for i in range(k)] # makes the first unit speak
png("low.png", 28, 28, struct.pack(">784H", *(v + i * 37 % 256 for i, v in enumerate(high))), 16)
png("high.png", 28, 28, struct.pack(">784H", *high), 16) # the same upper bytes
'
run "$dae_cl" denoise $model low.png high.png -o low
code_is 0
python '
expect("digits.safetensors", "low.png", "low/low.png")
assert read("low/low.png")[2] != read("low/high.png")[2]
'

case_is "transparency, text and profiles are kept; a wrong profile is named"
python '
def extra(path, color, kept, profile=b"GRAY"):
    """A grey PNG with or without alpha, and chunks behind its header."""
    gray = [round(v * 255) for v in read("a.png")[2]]
    data = bytes(v for i, g in enumerate(gray) for v in ((g, i % 256) if color == 4 else (g,)))
    png(path, 28, 28, data, 8, color)
    icc = bytearray(400)
    icc[128:144] = struct.pack(">I4sII", 1, b"cprt", 144, 256)
    icc[144:400] = random.Random(1).randbytes(256)
    icc[0:4], icc[12:24], icc[36:40] = struct.pack(">I", 400), b"mntr" + profile + b"XYZ ", b"acsp"
    icc[68:80] = struct.pack(">III", 0xf6d6, 0x10000, 0xd32d)
    body = open(path, "rb").read()
    more = chunk(b"iCCP", b"mine\0\0" + zlib.compress(bytes(icc))) + b"".join(chunk(n, d) for n, d in kept)
    open(path, "wb").write(body[:33] + more + body[33:])
kept = [(b"tEXt", b"Title\0a digit"), (b"pHYs", struct.pack(">IIB", 11811, 11811, 1)),
        (b"eXIf", b"MM\0*\0\0\0\10\0\0\0\0\0\0")]
extra("alpha.png", 4, kept)
extra("plain.png", 0, kept)
extra("wrong.png", 0, kept, b"RGB ")
'
run "$dae_cl" denoise $model alpha.png plain.png wrong.png -o kept
code_is 0
err_has "wrong.png: colour profile: "
err_has ": it is left out"
err_lacks "plain.png: "
err_lacks "alpha.png: "
python '
def chunks(path):
    b, at, out = open(path, "rb").read(), 8, {}
    while at < len(b):
        size, name = struct.unpack(">I4s", b[at:at + 8])
        out[name] = out.get(name, b"") + b[at + 8:at + 8 + size]
        at += size + 12
    return out
for name in ("alpha", "plain", "wrong"):
    before, after = chunks(name + ".png"), chunks("kept/" + name + ".png")
    for key in (b"IHDR", b"tEXt", b"pHYs", b"eXIf"):
        assert before[key] == after[key], (name, key)
    assert (b"iCCP" in after) == (name != "wrong"), name
    if name != "wrong":
        assert zlib.decompress(before[b"iCCP"][6:]) == zlib.decompress(after[b"iCCP"][6:])
'
python '
def split(path): # grey and alpha: filtered by two bytes
    b, at, packed = open(path, "rb").read(), 8, b""
    while at < len(b):
        size, name = struct.unpack(">I4s", b[at:at + 8])
        packed += b[at + 8:at + 8 + size] if name == b"IDAT" else b""
        at += size + 12
    raw, before, out = zlib.decompress(packed), bytes(56), b""
    for y in range(28):
        kind, line = raw[y * 57], bytearray(raw[y * 57 + 1:(y + 1) * 57])
        for i in range(56):
            a, c = (line[i - 2], before[i - 2]) if i >= 2 else (0, 0)
            p = a + before[i] - c
            near = min((abs(p - a), 0, a), (abs(p - before[i]), 1, before[i]), (abs(p - c), 2, c))[2]
            line[i] = (line[i] + (0, a, before[i], (a + before[i]) // 2, near)[kind]) % 256
        out, before = out + line, line
    return out[::2], out[1::2]
gray, alpha = split("kept/alpha.png")
assert list(alpha) == [i % 256 for i in range(784)]
assert [v / 255 for v in gray] == read("kept/plain.png")[2]
'

case_is "more samples than a batch holds; a compressed file comes out plain"
run "$dae_cl" denoise $model many.npy many-idx3-ubyte.gz -o many
code_is 0
out_is <<'END'
2 files, 140 samples denoised into many
END
gunzip <many-idx3-ubyte.gz >many-plain
python '
expect("digits.safetensors", "many.npy", "many/many.npy")
expect("digits.safetensors", "many-plain", "many/many-idx3-ubyte")
'

case_is "samples of one axis; bytes are clipped on both sides, floats are not"
run "$dae_cl" denoise wide.safetensors wide.npy wide.idx -o wide
code_is 0
python '
low, high = expect("wide.safetensors", "wide.npy", "wide/wide.npy")
assert low < -1 and high > 2, (low, high)
low, high = expect("wide.safetensors", "wide.idx", "wide/wide.idx")
assert low < -0.5 and high > 1.5, (low, high)
'

case_is "a folder"
mkdir -p folder/below
cp a.png folder/a.png && cp b.pgm folder/Z.pgm && cp c.idx folder/no_suffix && cp a.png folder/below/b.png
echo text >folder/readme && echo text >folder/.hidden.png && mkfifo folder/pipe.png
run "$dae_cl" denoise $model folder/ -o from_folder/
code_is 0
err_has "folder/: 3 items left out: not an image, IDX, NPY or WAV"
out_is <<'END'
3 files, 3 samples denoised into from_folder/
END
for file in Z.pgm:b.pgm a.png:a.png no_suffix:c.idx; do
    cmp -s "from_folder/${file%:*}" "out/${file#*:}" || problem "${file%:*} differs"
done
run "$dae_cl" denoise $model many.npy folder/a.png -o one # and one file of a folder
code_is 0
cmp -s one/a.png out/a.png || problem "a.png depends on its companions"

case_is "an output replaces an older file whole"
mkdir older && echo old >older/a.png
run "$dae_cl" denoise $model a.png -o older
code_is 0
out_is <<'END'
1 file, 1 sample denoised into older
END
cmp -s older/a.png out/a.png || problem "a.png differs"

case_is "a file that cannot be written stops the rest"
mkdir -p stopped/b.pgm
run "$dae_cl" denoise $model a.png b.pgm c.idx -o stopped
code_is 5
err_has "dae-cl: error: cannot write stopped/b.pgm: it is a folder"
err_has "note: 1 of 3 files were written into stopped"
out_is </dev/null
[ "$(ls -A stopped | tr '\n' ' ')" = "a.png b.pgm " ] || problem "in the folder: $(ls -A stopped)"

case_is "a folder for the results that cannot be written"
run "$dae_cl" denoise $model a.png b.pgm -o /proc
code_is 5
err_has "dae-cl: error: cannot create /proc/a.png.tmp."
err_has "note: 0 of 2 files were written into /proc"

case_is "a line for every file on a terminal, a folder's in order of name"
run python3 -c 'import pty, sys; pty.spawn(sys.argv[1:])' "$dae_cl" denoise $model folder b.pgm -o terminal
out_has "  1/4  terminal/Z.pgm"
out_has "  2/4  terminal/a.png"
out_has "  3/4  terminal/no_suffix"
out_has "  4/4  terminal/b.pgm"
out_has "4 files, 4 samples denoised into terminal"

case_is "numbers too large for the model"
python '
(k, n), w, _ = weights("digits.safetensors")[0]
npy("huge.npy", (2, 28, 28), floats([0] * k + [math.copysign(3e38, w[i * n]) for i in range(k)]), "<f4")
'
run "$dae_cl" denoise $model huge.npy -o huge
code_is 4
err_has "huge.npy: sample 1: the model's output is not finite"
[ -z "$(ls -A huge)" ] || problem "in the folder: $(ls -A huge)"

case_is "a device that is not there"
run "$dae_cl" denoise $model a.png -o none --platform nonsense
code_is 3
err_has "'nonsense' comes from --platform"

# The following errors are found before any device is opened, and no folder is created.
export OCL_ICD_VENDORS=/nonexistent

refused() { # CODE, arguments; the golden text on standard input
    local wanted=$1
    shift
    run "$dae_cl" denoise "$@"
    code_is "$wanted"
    err_is
    out_is </dev/null
    rmdir nothing 2>/dev/null && problem "a folder was made"
}

case_is "no folder for the results"
refused 2 $model a.png <<'END'
dae-cl: error: denoise: option -o is missing
note: dae-cl denoise --help lists its arguments
END

case_is "no input"
refused 2 $model -o nothing <<'END'
dae-cl: error: denoise: INPUT... is missing
note: dae-cl denoise --help lists its arguments
END

case_is "two inputs of one name"
refused 2 absent.safetensors b.pgm folder/a.png a.png -o nothing <<'END'
dae-cl: error: denoise: folder/a.png and a.png would both be written to nothing/a.png; denoise them into two folders
END
cp many-idx3-ubyte.gz folder/below/many-idx3-ubyte.gz && gunzip -k folder/below/many-idx3-ubyte.gz
refused 2 $model folder/below -o nothing <<'END'
dae-cl: error: denoise: folder/below/many-idx3-ubyte and folder/below/many-idx3-ubyte.gz would both be written to nothing/many-idx3-ubyte; denoise them into two folders
END

case_is "results over an input"
cp a.png before.png
refused 2 $model a.png -o . <<'END'
dae-cl: error: denoise: ./a.png would overwrite the input a.png; give another folder to -o
END
ln -s .. folder/up
refused 2 $model b.pgm a.png -o folder/up <<'END'
dae-cl: error: denoise: folder/up/b.pgm would overwrite the input b.pgm; give another folder to -o
END
refused 2 $model folder/a.png -o folder <<'END'
dae-cl: error: denoise: folder/a.png would overwrite the input folder/a.png; give another folder to -o
END
cmp -s a.png before.png || problem "the input has changed"

case_is "a model that is missing, a folder, cut, changed or something else"
refused 5 absent.safetensors a.png -o nothing <<'END'
dae-cl: error: cannot open absent.safetensors: No such file or directory
END
refused 9 folder a.png -o nothing <<'END'
dae-cl: error: folder: the folder contains no model.safetensors, which a training writes when it ends
END
head -c 3000 $model >cut.safetensors
run "$dae_cl" denoise cut.safetensors a.png -o nothing
code_is 9
err_has "dae-cl: error: cut.safetensors: "
err_has "the file is damaged or not a safetensors file: use another copy or checkpoint"
python 'b = bytearray(open("digits.safetensors", "rb").read()); b[-5] ^= 1; open("flipped.safetensors", "wb").write(b)'
refused 9 flipped.safetensors a.png -o nothing <<'END'
dae-cl: error: flipped.safetensors: its content does not match its sha256 seal; the file is damaged or not a safetensors file: use another copy or checkpoint
END
run "$dae_cl" denoise a.png b.pgm -o nothing
code_is 9
err_has "dae-cl: error: a.png: it is an image, PNG, not a model; MODEL is the first argument"

case_is "an image that is cut, or claims too much"
head -c 300 a.png >cut.png
refused 4 $model cut.png -o nothing <<'END'
dae-cl: error: cut.png: byte 41: PNG: the file is truncated
END
python '
png("bomb.png", 65535, 65535, b"\0" * 65535)
'
refused 4 $model a.png bomb.png -o nothing <<'END'
dae-cl: error: bomb.png: 65535 x 65535 pixels, more than the limit of 134217728
END
head -c 500 b.pgm >cut.pgm
refused 4 $model cut.pgm -o nothing <<'END'
dae-cl: error: cut.pgm: byte 500: truncated: 28 x 28 pixels take 784 bytes, but only 487 follow
END

case_is "an array that is cut, empty, of another type, or holds NaN"
head -c 500 c.idx >cut.idx
refused 4 $model cut.idx -o nothing <<'END'
dae-cl: error: cut.idx: byte 500: truncated: the header claims 784 bytes, the file holds 484; get it again
END
head -c 200 many-idx3-ubyte.gz >cut.idx.gz
run "$dae_cl" denoise $model cut.idx.gz -o nothing
code_is 4
err_has "dae-cl: error: cut.idx.gz: byte "
head -c 9 d.npy >cut.npy
refused 4 $model cut.npy -o nothing <<'END'
dae-cl: error: cut.npy: byte 9: truncated: not even an NPY header; get it again
END
python '
npy("empty.npy", (0, 28, 28), b"")
npy("number.npy", (), b"x")
x = [0.5] * (2 * 784)
x[784 + 7] = math.nan
npy("nan.npy", (2, 28, 28), floats(x), "<f4")
x[784 + 7], x[3] = 0, -math.inf
idx("infinite.idx", (2, 28, 28), floats(x, ">"), 13)
'
refused 4 $model empty.npy -o nothing <<'END'
dae-cl: error: empty.npy: it contains no samples: dimension 0 is 0
END
refused 4 $model number.npy -o nothing <<'END'
dae-cl: error: number.npy: an array of rank 0; expects rank 1 to 5, samples first
END
refused 4 $model a.png nan.npy -o nothing <<'END'
dae-cl: error: nan.npy: sample 1, element 7: not a number (NaN); remove or replace it
END
refused 4 $model infinite.idx -o nothing <<'END'
dae-cl: error: infinite.idx: sample 0, element 3: infinity, or beyond the range of float; remove or replace it
END

case_is "samples of another shape"
python '
png("small.png", 27, 28, bytes(27 * 28))
png("color.png", 28, 28, bytes(3 * 784), 8, 2)
npy("one.npy", (28, 28), bytes(784))
idx("labels-idx1-ubyte", (10,), bytes(10))
'
refused 4 $model a.png small.png -o nothing <<'END'
dae-cl: error: small.png: samples of 28x27x1, but digits.safetensors takes 28x28x1
note: the network only takes images of its own size: flatten "flatten_1" does not treat all pixels the same, or its padding does not fit its kernel and stride
END
refused 4 $model color.png -o nothing <<'END'
dae-cl: error: color.png: samples of 28x28x3, but digits.safetensors takes 28x28x1
note: the network only takes images of its own size: flatten "flatten_1" does not treat all pixels the same, or its padding does not fit its kernel and stride
END
refused 4 $model one.npy -o nothing <<'END'
dae-cl: error: one.npy: samples of 28, but digits.safetensors takes 28x28x1
END
refused 4 $model labels-idx1-ubyte -o nothing <<'END'
dae-cl: error: labels-idx1-ubyte: samples of 1, but digits.safetensors takes 28x28x1
END
refused 4 wide.safetensors a.png -o nothing <<'END'
dae-cl: error: a.png: samples of 28x28x1, but wide.safetensors takes 4
END

case_is "a file of no known kind"
refused 4 $model samples.py -o nothing <<'END'
dae-cl: error: samples.py: byte 0: neither an image of a known kind (dae-cl help formats lists them) nor IDX nor NPY
END
: >void.png
refused 4 $model void.png -o nothing <<'END'
dae-cl: error: void.png: the file is empty
END

case_is "an input that is missing, or no file"
refused 5 $model absent.png -o nothing <<'END'
dae-cl: error: cannot open absent.png: No such file or directory
END
refused 5 $model folder/pipe.png -o nothing <<'END'
dae-cl: error: cannot read folder/pipe.png: it is not a regular file
END

case_is "a folder without samples"
mkdir empty texts && echo text >texts/a.txt
refused 4 $model empty -o nothing <<'END'
dae-cl: error: empty: the folder contains no image, IDX, NPY or WAV file that is read
END
refused 4 $model a.png texts -o nothing <<'END'
texts: 1 item left out: not an image, IDX, NPY or WAV
dae-cl: error: texts: the folder contains no image, IDX, NPY or WAV file that is read
END

case_is "a damaged file in a folder is not passed over"
mkdir damaged && cp a.png damaged && cp cut.png samples.py damaged && echo text >damaged/text.npy
refused 4 $model damaged -o nothing <<'END'
damaged: 1 item left out: not an image, IDX, NPY or WAV
dae-cl: error: damaged/cut.png: byte 41: PNG: the file is truncated
END

case_is "a folder for the results that cannot be made"
refused 5 $model a.png -o samples.py/nothing <<'END'
dae-cl: error: cannot create folder samples.py: File exists
END

finish
