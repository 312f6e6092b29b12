# Photographs: training on patches of generated images, whole test images, and `dae-cl denoise` on images of other sizes.
. "$(dirname "$0")/harness.sh"
mkdir "$work/files" && cd "$work/files" || exit 1

cat >small.yaml <<'END'
name: small
data: {source: dead_leaves, train: 8, test: 3, patch: 16, patches: 640, test_patches: 32}
corruption: {gaussian: {sigma: 0.1}}
model:
  input: [16, 16, 1]
  layers:
    - conv2d: {filters: 16, kernel: 3, pad: 1}
    - relu
    - {conv2d: {filters: 1, kernel: 3, pad: 1}, name: correction}
    - {add: {}, from: [correction, input]}
train: {loss: mse, optimizer: {adam: {lr: 0.003}}, schedule: {cosine: {to: 0.1}}, clip_gradient: 1, batch: 32, epochs: 4}
END
cat >files.py <<'END'
import json, math, random, re
def ppm(path, height, width, channels, values):
    open(path, "wb").write(b"P%d %d %d 255 " % (6 if channels == 3 else 5, width, height) + bytes(values))
def read(path):
    b = open(path, "rb").read()
    h = re.match(rb"P(\d)\s+(\d+)\s+(\d+)\s+255\s", b)
    return (int(h[3]), int(h[2]), 3 if h[1] == b"6" else 1), list(b[h.end():])
def psnr(a, b):
    return -10 * math.log10(sum((x - y) ** 2 for x, y in zip(a, b)) / len(a) / 255 ** 2)
def picture(height, width, channels, noise):
    r = random.Random(5)
    return [min(255, max(0, round(60 + 80 * (y // 9 % 2) + 40 * (x // 11 % 2) + 5 * c + r.gauss(0, noise))))
            for y in range(height) for x in range(width) for c in range(channels)]
END
export PYTHONPATH=$PWD
python() {
    python3 -B -c "from files import *
$1" 2>"$work/trace" || problem "$(tail -n 1 "$work/trace")"
}

case_is "a run measures the whole test images"
run "$dae_cl" run small.yaml --out run
code_is 0
out_has "3 whole test images: noisy 20."
python '
whole = json.load(open("run/run.json"))["whole_images"]
assert whole["n"] == len(whole["model_psnr_each"]) == 3
assert all(abs(p - 20) < 0.05 for p in whole["noisy_psnr_each"]), whole # 32,400 draws: 0.03 dB is 4 deviations
assert abs(sum(whole["model_psnr_each"]) / 3 - whole["model_psnr"]) < 1e-9
assert whole["model_psnr"] > whole["noisy_psnr"] + 1.5, whole
assert whole["names"] == ["image 1", "image 2", "image 3"], whole
for method in ("noisy", "median", "model"):
    for what in ("psnr", "ssim"):
        each = whole[method + "_" + what + "_each"]
        assert len(each) == 3 and abs(sum(each) / 3 - whole[method + "_" + what]) < 1e-9, (method, what)
assert whole["noisy_ssim"] < whole["model_ssim"] < 1, whole
'

case_is "the report has the worst and the best image, with an edge between noisy and denoised that its own script moves"
python '
import base64, hashlib
page = open("run/report.html").read()
scripts = re.findall("<script>(.*?)</script>", page, re.S)
assert len(scripts) == 2 == page.count("<script") == page.count("type=\"range\"")
for script in scripts:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"sha256-{digest}" in page, digest
whole = json.load(open("run/run.json"))["whole_images"]
for word, choose in (("worst", min), ("best", max)):
    psnr = choose(whole["model_psnr_each"])
    i = whole["model_psnr_each"].index(psnr)
    words = "with the %s result, image %d: %.2f dB noisy, %.2f dB denoised" % (word, i + 1, whole["noisy_psnr_each"][i], psnr)
    assert words in page, words
    for side in ("noisy", "denoised"):
        png = open(f"run/figures/{word}_{side}.png", "rb").read()
        size = (int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big"))
        assert size == (180, 180), size # of generated images
'
case_is "the report shows whole images"
for figure in whole_images whole_image_errors; do
    [ "$(head -c 4 run/figures/$figure.png | tail -c 3)" = PNG ] || problem "no $figure.png"
done
grep -q "<h2[^>]*>Whole images" run/report.html || problem "no section in the report"
grep -q "image 3" run/report.html || problem "no row of the third image"

case_is "images of any size, grey and in colour"
python '
for name, h, w, c in (("wide", 37, 90, 1), ("tall", 70, 5, 3), ("own", 16, 16, 1), ("dot", 1, 1, 1)):
    ppm("noisy_%s.ppm" % name, h, w, c, picture(h, w, c, 25))
    ppm("clean_%s.ppm" % name, h, w, c, picture(h, w, c, 0))
'
mkdir noisy clean
for file in wide tall own dot; do mv noisy_$file.ppm noisy/$file.ppm && mv clean_$file.ppm clean/$file.ppm; done
run "$dae_cl" denoise run/model.safetensors noisy -o out --compare clean
code_is 0
out_has "4 files, 4 samples denoised into out"
out_has "(no SSIM: it requires images of at least 11x11 pixels)"
out_has "(SSIM of 2 of 4)"
cp "$work/out" said
python '
said = dict((l.split(":")[0], re.findall(r"[-\d.]+(?= dB)", l)) for l in open("said") if "dB" in l)
for name in ("wide", "tall", "own"):
    shape, clean = read("clean/%s.ppm" % name)
    assert read("out/%s.ppm" % name)[0] == shape, name
    before, after = (psnr(read("%s/%s.ppm" % (f, name))[1], clean) for f in ("noisy", "out"))
    assert after > before + 1, (name, before, after)
    told = [float(v) for v in said["noisy/%s.ppm" % name]]
    assert abs(told[0] - before) < 0.006 and abs(told[1] - after) < 0.05, (name, told, before, after)
ssims = dict((l.split(":")[0], [float(v) for v in re.findall(r"SSIM ([\d.]+)", l)]) for l in open("said"))
for name in ("wide", "own"):
    before, after = ssims["noisy/%s.ppm" % name]
    assert before < after <= 1, (name, before, after)
assert not ssims["noisy/tall.ppm"] and not ssims["noisy/dot.ppm"]
assert all(abs(ssims["mean"][i] - (ssims["noisy/wide.ppm"][i] + ssims["noisy/own.ppm"][i]) / 2) < 1.1e-4 for i in (0, 1))
means = [sum(float(said["noisy/%s.ppm" % n][i]) for n in ("wide", "tall", "own", "dot")) / 4 for i in (0, 1)]
assert all(abs(float(said["mean"][i]) - means[i]) < 0.011 for i in (0, 1)), (said, means)
'

case_is "each channel of a colour image goes through by itself"
python '
(h, w, c), values = read("noisy/tall.ppm")
ppm("red.ppm", h, w, 1, values[::3])
'
run "$dae_cl" denoise run/model.safetensors red.ppm -o out
code_is 0
python 'assert read("out/red.ppm")[1] == read("out/tall.ppm")[1][::3]'

case_is "tiles in little memory give the same bytes"
run "$dae_cl" denoise run/model.safetensors noisy -o tiles --memory 1
code_is 0
for file in wide tall own dot; do
    cmp -s out/$file.ppm tiles/$file.ppm || problem "$file.ppm differs"
done

# Two poolings, two skips: sides in fours.
sed -e '/^name/s/small/unet/' -e '/^  layers/,/add/d' small.yaml >unet.yaml
python '
head, tail = open("unet.yaml").read().split("train: {loss")
open("unet.yaml", "w").write(head + """  layers:
    - conv2d: {filters: 16, kernel: 3, pad: 1}
    - {relu: {}, name: full}
    - maxpool2d: {kernel: 2}
    - conv2d: {filters: 16, kernel: 3, pad: 2, dilation: 2}
    - {relu: {}, name: half}
    - conv2d: {filters: 16, kernel: 2, stride: 2}
    - relu
    - {upsample2d: {factor: 2}, name: up}
    - {concat: {}, from: [half, up]}
    - {conv_transpose2d: {filters: 16, kernel: 2, stride: 2}, name: up_again}
    - {concat: {}, from: [full, up_again]}
    - {conv2d: {filters: 1, kernel: 3, pad: 1}, name: correction}
    - {add: {}, from: [correction, input]}
train: {loss""" + tail)
r = random.Random(6)
ppm("odd.ppm", 39, 90, 1, [r.randrange(256) for _ in range(39 * 90)])
'
mkdir odd && mv odd.ppm odd

case_is "a network with poolings is measured on whole images as well"
run "$dae_cl" run unet.yaml --out run_unet
code_is 0
out_has "3 whole test images: noisy 20."
python '
whole, small = (json.load(open(f + "/run.json"))["whole_images"] for f in ("run_unet", "run"))
assert whole["noisy_psnr_each"] == small["noisy_psnr_each"], (whole, small)
assert whole["model_psnr"] > whole["noisy_psnr"] + 1.5, whole
'

case_is "on images whose sides its poolings do not divide: the same noise as for any other network"
run "$dae_cl" run small.yaml --out run_odd --set train.epochs=1 \
    --set 'data={source: images, train: odd, test: odd, patch: 16, patches: 64, test_patches: 8}'
code_is 0
run "$dae_cl" run unet.yaml --out run_unet_odd --set train.epochs=1 \
    --set 'data={source: images, train: odd, test: odd, patch: 16, patches: 64, test_patches: 8}'
code_is 0
python '
whole, small = (json.load(open(f + "/run.json"))["whole_images"] for f in ("run_unet_odd", "run_odd"))
assert whole["noisy_psnr_each"] == small["noisy_psnr_each"], (whole, small)
'

case_is "a network with poolings denoises images of any size, in tiles as in whole"
run "$dae_cl" denoise run_unet/model.safetensors noisy -o out_unet --compare clean
code_is 0
run "$dae_cl" denoise run_unet/model.safetensors noisy -o tiles_unet --memory 1
code_is 0
python '
for name in ("wide", "tall", "own", "dot"):
    shape, values = read("out_unet/%s.ppm" % name)
    assert shape == read("noisy/%s.ppm" % name)[0], name
    assert (shape, values) == read("tiles_unet/%s.ppm" % name), name
    before, after = (psnr(v, read("clean/%s.ppm" % name)[1]) for v in (read("noisy/%s.ppm" % name)[1], values))
    assert name == "dot" or after > before + 1, (name, before, after)
'

case_is "beyond its last row and column an image is mirrored, without repeating them"
python '
(h, w, c), v = read("noisy/wide.ppm")
assert (h, w, c) == (37, 90, 1)
rows = list(range(37)) + [35, 34, 33]
columns = list(range(90)) + [88, 87]
ppm("padded.ppm", 40, 92, 1, [v[y * w + x] for y in rows for x in columns])
'
run "$dae_cl" denoise run_unet/model.safetensors padded.ppm -o out_unet
code_is 0
python '
shape, padded = read("out_unet/padded.ppm")
assert shape == (40, 92, 1)
assert read("out_unet/wide.ppm")[1] == [padded[y * 92 + x] for y in range(37) for x in range(90)]
'

case_is "a network that takes images of its own size alone says why"
run "$dae_cl" run small.yaml --out own --set train.epochs=1 --set 'model.layers=[
    conv2d: {filters: 4, kernel: 3, pad: 1}, relu, {maxpool2d: {kernel: 3, stride: 1}, name: overlap},
    conv_transpose2d: {filters: 1, kernel: 3}]'
code_is 0
err_has 'the whole test images are not denoised: the network only takes images of its own size: maxpool2d "overlap" does'
run "$dae_cl" denoise own/model.safetensors noisy/wide.ppm -o nothing
code_is 4
err_has "noisy/wide.ppm: samples of 37x90x1, but own/model.safetensors takes 16x16x1"
err_has 'note: the network only takes images of its own size: maxpool2d "overlap" does not treat all pixels the same'
[ ! -e nothing ] || problem "a folder was made"
run "$dae_cl" denoise own/model.safetensors noisy/own.ppm -o out_own
code_is 0

case_is "a JPEG becomes a PNG"
base64 -d >photo.jpg <<'END'
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19i
Z2hnPk1xeXBkeFxlZ2P/wAALCAAQABABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAABQID/8QAFRABAQAAAAAAAAAAAAAAAAAAAwD/
2gAIAQEAAD8AkCkAKzApACv/2Q==

END
run "$dae_cl" denoise run/model.safetensors photo.jpg -o out
code_is 0
[ "$(head -c 4 out/photo.png | tail -c 3)" = PNG ] || problem "out/photo.png is no PNG"
[ ! -e out/photo.jpg ] || problem "out/photo.jpg is there, too"
head -c 120 photo.jpg >cut.jpg
run "$dae_cl" denoise run/model.safetensors cut.jpg -o nothing
code_is 4
err_has "cut.jpg: byte "
[ ! -e nothing ] || problem "a folder was made"

cat >interrupt.py <<'END'
"""interrupt.py SIGNAL COMMAND...: runs it on a terminal and sends the signal when its bar tells of tiles."""
import os, pty, signal, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen, sent = b"", False
while True:
    try:
        piece = os.read(fd, 4096)
    except OSError:
        break
    seen += piece
    if not sent and b" tiles, " in seen:
        os.kill(pid, getattr(signal, "SIG" + sys.argv[1]))
        sent = True
    if not piece:
        break
os.write(1, seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END

case_is "Ctrl-C stops between tiles and leaves no part of a file"
python 'ppm("big.ppm", 2000, 2000, 1, [128] * 4000000)'
for signal in INT:130 TERM:143; do
    run python3 interrupt.py "${signal%:*}" "$dae_cl" denoise run/model.safetensors noisy/own.ppm big.ppm -o stopped --memory 1
    code_is "${signal#*:}"
    out_has "% " # the bar
    out_has " left"
    out_has "note: 1 of 2 files were written into stopped"
    [ "$(ls -A stopped)" = own.ppm ] || problem "in the folder: $(ls -A stopped)"
    rm -rf stopped
done

case_is "a pipe gets no bar"
run "$dae_cl" denoise run/model.safetensors noisy/wide.ppm -o out
code_is 0
err_lacks "%"
err_lacks "tile"

case_is "what --compare and --memory cannot use is refused before anything is written"
rm clean/dot.ppm
run "$dae_cl" denoise run/model.safetensors noisy -o nothing --compare clean
code_is 5
err_has "clean/dot.ppm"
run "$dae_cl" denoise run/model.safetensors noisy/wide.ppm -o nothing --compare clean/tall.ppm
code_is 4
err_has "clean/tall.ppm: 1 samples of 70x5x3, but noisy/wide.ppm has 1 of 37x90x1"
run "$dae_cl" denoise run/model.safetensors noisy -o nothing --compare clean/tall.ppm
code_is 2
err_has "is one file, but there are 4 inputs; give a folder"
run "$dae_cl" denoise run/model.safetensors noisy -o nothing --memory 0
code_is 2
err_has "--memory expects a number of MiB"
[ ! -e nothing ] || problem "a folder was made"

case_is "pairs: a folder of noisy files and one of clean ones become a model, a report and denoised files"
cat >pairs.yaml <<'END'
name: pairs
data: {source: image_pairs, train: {noisy: train/noisy, clean: train/clean}, test: {noisy: test/noisy, clean: test/clean}, patch: 16, patches: 640, test_patches: 32}
model:
  input: [16, 16, 1]
  layers:
    - conv2d: {filters: 16, kernel: 3, pad: 1}
    - relu
    - {conv2d: {filters: 1, kernel: 3, pad: 1}, name: correction}
    - {add: {}, from: [correction, input]}
train: {loss: mse, optimizer: {adam: {lr: 0.003}}, batch: 32, epochs: 4}
compare: [standard_ae, affine]
END
mkdir -p train/noisy train/clean test/noisy test/clean
python '
for i, (folder, h, w) in enumerate([("train", 40, 50), ("train", 33, 64), ("train", 90, 20), ("test", 37, 90), ("test", 40, 31)]):
    for side, noise in (("noisy", 25), ("clean", 0)):
        ppm("%s/%s/%d.pgm" % (folder, side, i), h, w, 1, picture(h, w, 1, noise))
'
run "$dae_cl" run pairs.yaml --out pairs
code_is 0
out_has "2 whole test images: noisy "
out_has "standard AE"
out_has "best affine map"
[ -s pairs/report.html ] || problem "no report"
cp -r test/clean test/other && mv test/other/3.pgm test/other/3.ppm
run "$dae_cl" denoise pairs/model.safetensors test/noisy -o pairs/again --compare test/other
code_is 0 # the extension may be another
cp test/other/3.ppm test/other/3.netpbm
run "$dae_cl" denoise pairs/model.safetensors test/noisy -o pairs/again --compare test/other
code_is 4
err_has "test/other contains 2 files that could be the clean 3.pgm"
run "$dae_cl" denoise pairs/model.safetensors test/noisy -o pairs/denoised --compare test/clean
code_is 0
cp "$work/out" said
python '
result = json.load(open("pairs/run.json"))
whole, test = result["whole_images"], result["test"]
files = [[read("%s/%d.pgm" % (f, i))[1] for i in (3, 4)] for f in ("test/noisy", "test/clean", "pairs/denoised")]
for i in (0, 1): # the noise is that of the files; what the run measures is what denoise leaves
    noisy, clean, denoised = (f[i] for f in files)
    assert abs(whole["noisy_psnr_each"][i] - psnr(noisy, clean)) < 1e-4, whole
    assert abs(whole["model_psnr_each"][i] - psnr(denoised, clean)) < 0.05, whole # rounded to bytes
assert whole["model_psnr"] > whole["noisy_psnr"] + 1.5, whole
assert test["model"]["psnr"] > test["noisy"]["psnr"] + 1 > test["standard_ae"]["psnr"], test
said = dict((l.split(":")[0], re.findall(r"[-\d.]+(?= dB)", l)) for l in open("said") if "dB" in l)
assert abs(float(said["mean"][0]) - whole["noisy_psnr"]) < 0.006, (said, whole)
'
run "$dae_cl" check pairs.yaml
code_is 0
out_has "partner"
run "$dae_cl" verify pairs.yaml
code_is 0

case_is "pairs: a corruption comes on top of what the noisy files have"
run "$dae_cl" run pairs.yaml --out more --set train.epochs=1 --set 'corruption={gaussian: {sigma: 0.1}}'
code_is 0
python '
def mse(folder): return [10 ** (-p / 10) for p in json.load(open(folder + "/run.json"))["whole_images"]["noisy_psnr_each"]]
for more, files in zip(mse("more"), mse("pairs")): # 1,240 draws at least: 5 deviations of their variance
    assert abs((more - files) / 0.01 - 1) < 5 * math.sqrt(2 / 1240) + 5 * 2 * math.sqrt(files / 0.01 / 1240), (more, files)
'

case_is "pairs: a study that chooses the noise is refused"
for study in noise_levels level_sweep type_matrix compare progressive; do
    run "$dae_cl" run pairs.yaml --out refused --set "studies=[$study]"
    code_is 2
    err_has "$study: the study chooses the noise, but with data.source image_pairs the noise is in the files"
done

case_is "pairs that do not belong together are named before any training"
pairs_are_refused() { # MESSAGE
    run "$dae_cl" run pairs.yaml --out refused
    code_is 4
    err_has "$1"
}
cp test/noisy/3.pgm test/noisy/alone.pgm
pairs_are_refused "test/noisy/alone.pgm: no image in test/clean has this name, with any extension"
rm test/noisy/alone.pgm
cp train/clean/1.pgm train/clean/alone.pgm
pairs_are_refused "train/clean/alone.pgm: no image in train/noisy has this name, with any extension"
rm train/clean/alone.pgm
cp test/noisy/4.pgm train/noisy/1.pgm
pairs_are_refused "train/noisy/1.pgm is 40x31x1, but its partner train/clean/1.pgm is 33x64x1"
python 'ppm("train/noisy/1.pgm", 33, 64, 3, picture(33, 64, 3, 25))'
pairs_are_refused "train/noisy/1.pgm is 33x64x3, but its partner train/clean/1.pgm is 33x64x1"
rm train/noisy/1.pgm train/clean/1.pgm
run "$dae_cl" run pairs.yaml --out refused --set data.test.clean=absent
code_is 5
err_has "cannot open folder absent"
run "$dae_cl" run pairs.yaml --out refused --set data.train=train
code_is 2
err_has "data.train: expects a map"
[ ! -e refused ] || problem "a folder was made"

case_is "pairs: generated ones stand in"
run "$dae_cl" run pairs.yaml --out drawn --set train.epochs=1 --set data.test.clean=absent --set data.fallback=dead_leaves \
    --set data.limit=4 --set data.test_limit=2
code_is 0
err_has "no absent; training on pairs of generated dead leaves instead (fallback: dead_leaves)"
out_has "2 whole test images: noisy 20."

case_is "pairs: generated ones do not stand in for a folder that was typed"
sed 's/^data: {/data: {fallback: dead_leaves, /' pairs.yaml >falling.yaml
run "$dae_cl" run falling.yaml --out typed --set data.train.noisy=nope
code_is 5
err_has "cannot open folder nope"
[ ! -e typed ] || problem "a folder was made"
# Nor for the others, when one was typed.
sed 's/clean: [a-z]*/clean: absent/' falling.yaml >absent.yaml
run "$dae_cl" run absent.yaml --out typed --set data.train.noisy=train
code_is 5
err_has "cannot open folder absent"

case_is "any noise level: a network that is told none of them is measured at each, on whole images"
run "$dae_cl" run small.yaml --out blind --set 'corruption.gaussian.sigma=[0, 0.2157]' \
    --set 'studies={noise_levels: {levels: [0.0588235294117647, 0.19607843137254902]}}'
code_is 0
out_has "3 whole test images at sigma 0.05882 (15 of 255): noisy 24.6"
out_has "3 whole test images at sigma 0.1961 (50 of 255): noisy 14.1"
python '
table = json.load(open("blind/run.json"))["studies"]["noise_levels"]["tables"]["whole_images"]
assert table["columns"] == ["255 sigma", "noisy PSNR (dB)", "denoised PSNR (dB)", "gain (dB)"]
for (level, noisy, denoised, gain) in table["values"]:
    assert abs(noisy + 20 * math.log10(level / 255)) < 0.05, table # 97,200 draws: 0.02 dB is 4 deviations
    assert abs(denoised - noisy - gain) < 1e-9
assert table["values"][1][3] > 3 and "whole test images at \u03c3" in open("blind/report.html", encoding="utf-8").read()
'

case_is "images that cannot be trained on are named"
mkdir photos && cp noisy/wide.ppm photos/a.ppm && head -c 100 noisy/wide.ppm >photos/b.ppm
run "$dae_cl" run small.yaml --out other --set 'data={source: images, train: photos, test: photos, patch: 16}'
code_is 4
err_has "photos/b.ppm: byte 100: truncated"
images_are_refused() { # NAME MESSAGE: of a file that stands alone beside a good one
    run "$dae_cl" run small.yaml --out other --set 'data={source: images, train: photos, test: photos, patch: 16}'
    code_is 4
    err_has "photos/$1: $2"
    run "$dae_cl" denoise run/model.safetensors photos -o nothing
    code_is 4
    err_has "photos/$1: $2"
    [ ! -e other ] && [ ! -e nothing ] || problem "a folder was made"
    rm "photos/$1"
}
rm photos/b.ppm
: >photos/zero.jpg
images_are_refused zero.jpg "the file is empty"
printf 'P6 65535 65535 255 ' >photos/bomb.ppm
images_are_refused bomb.ppm "65535 x 65535 pixels"
python '
import struct, zlib
chunk = lambda name, data: struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
head = struct.pack(">IIBBBBB", 65535, 65535, 8, 2, 0, 0, 0)
open("photos/bomb.png", "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(99999))) + chunk(b"IEND", b""))
jpeg = bytearray(open("photo.jpg", "rb").read())
at = jpeg.index(b"\xff\xc0") + 5
jpeg[at:at + 4] = b"\xff\xdc\xff\xdc" # 65,500, the most that libjpeg takes
open("vast.jpg", "wb").write(jpeg)
'
images_are_refused bomb.png "65535 x 65535 pixels"
mv vast.jpg photos && images_are_refused vast.jpg "65500 x 65500 pixels"
printf 'GIF89a and so on' >photos/c.gif
run "$dae_cl" run small.yaml --out other --set 'data={source: images, train: absent, test: photos, patch: 16}'
code_is 5
err_has "cannot open absent"
run "$dae_cl" run small.yaml --out other --set train.epochs=1 \
    --set 'data={source: images, train: absent, test: photos, patch: 16, patches: 32, test_patches: 8, fallback: dead_leaves}'
code_is 0
err_has "no absent; training on generated dead leaves instead (fallback: dead_leaves)"

case_is "files that are no images are left out, and counted"
run "$dae_cl" run small.yaml --out gif --set train.epochs=1 \
    --set 'data={source: images, train: photos, test: photos, patch: 16, patches: 32, test_patches: 8}'
code_is 0
err_has "photos: 1 file left out: GIF is not read: convert it with ImageMagick: convert a.gif a.png"
case_is "a study that patches are no use to is refused before anything is trained, by run and by study"
leaves='data={source: dead_leaves, train: 3, test: 1, patch: 16, patches: 32, test_patches: 8}'
for command in "run small.yaml" "study contraction small.yaml"; do
    run "$dae_cl" $command --out refused --set studies=[contraction] --set "$leaves"
    code_is 2
    err_has "contraction: requires fixed samples, but patches of images are cut differently each time"
    [ ! -e refused ] || problem "$command: a folder was made"
done

case_is "some of the images choose the epoch"
run "$dae_cl" run small.yaml --out chosen --set 'train.average={decay: 0.9}' --set 'train.early_stop={patience: 1}' \
    --set "$leaves" --set data.validation=1
code_is 0
err_has "data: dead_leaves (32 training, 8 validation, 8 test samples of 16x16x1)"
err_has "lowest validation loss"

case_is "noise on whole Set12, as published"
if [ ! -r "${DAE_CL_DATA:-}/images/set12.tar" ]; then
    skip "no images/set12.tar in DAE_CL_DATA"
else
    run "$dae_cl" run small.yaml --out set12 --set train.epochs=1 --set corruption.gaussian.sigma=0.09803921568627451 \
        --set 'data={source: images, train: images/set12.tar, test: images/set12.tar, patch: 16, patches: 32, test_patches: 8}'
    code_is 0
    out_has "12 whole test images: noisy 20.17 dB"
fi

finish
